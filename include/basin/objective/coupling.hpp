// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_COUPLING_HPP
#define BASIN_OBJECTIVE_COUPLING_HPP

#include <basin/core/philox.hpp>
#include <basin/core/policy.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>

namespace basin::objective {

struct coupling_axis {};

/// Which point of the source belongs to which row of the data in a batch. A user-defined coupling is
/// a struct with
///
///   using axis = basin::objective::coupling_axis;
///   template <class Scalar, class Exec, tile::Tuning tuning> class bind {
///     bind(int batch, int dimension);
///     // (batch) the row of the sources of each row of the data; null: its own. Asynchronous on
///     // exec, allocates nothing and waits for nothing.
///     // sources, points: Views (batch, dimension) on the device; stream: for draws of its own
///     template <class Points> int const* pair(Exec const& exec, Coupling const& options,
///                                             Points const& sources, Points const& points,
///                                             Stream const& stream) const;
///   };
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace coupling {

/// Point n of the source and row n of the data, which are drawn without regard to each other.
struct Independent {
  using axis = coupling_axis;

  template <class Scalar, class Exec, tile::Tuning tuning>
  class bind {
   public:
    bind(int, int) {}
    template <class Points>
    int const* pair(Exec const&, Independent const&, Points const&, Points const&,
                    Stream const&) const {
      return nullptr;
    }
  };
};

}  // namespace coupling

namespace detail {

template <class C, class Exec = Kokkos::DefaultHostExecutionSpace>
concept PairsRows =
    requires { typename C::template bind<float, Exec, tile::default_tuning<Exec, float, 1>()>; } &&
    requires(
        typename C::template bind<float, Exec, tile::default_tuning<Exec, float, 1>()> const& b,
        Exec const& exec, C const& c,
        Kokkos::View<float**, Kokkos::LayoutRight, typename Exec::memory_space> const& x) {
      { b.pair(exec, c, x, x, Stream{}) } -> std::convertible_to<int const*>;
    };

}  // namespace detail

/// A coupling, see namespace coupling.
template <class C>
concept Coupling = has_axis<C, coupling_axis> && detail::PairsRows<C>;

/// The requirements of Coupling as an error message.
template <class C>
struct check_coupling {
  static_assert(
      Coupling<C>,
      "basin::objective::Coupling: a coupling has a member template 'bind<Scalar, Exec, "
      "tuning>' with a constructor of (batch, dimension) and 'template <class Points> int "
      "const* pair(Exec const& exec, Coupling const& options, Points const& sources, "
      "Points const& points, basin::Stream const& stream) const', the row of the sources "
      "of each row of the data.");
  static constexpr bool value = Coupling<C>;
};

}  // namespace basin::objective

#endif
