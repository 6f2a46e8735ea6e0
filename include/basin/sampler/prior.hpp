// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_PRIOR_HPP
#define BASIN_SAMPLER_PRIOR_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/core/shape.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>

namespace basin::sampler {

struct prior_axis {};

/// The law N(0, s_d^2) of the coordinates that a sampler has besides its energy. A user-defined policy
/// declares 'using axis = sampler::prior_axis' and
///
///   KOKKOS_FUNCTION Scalar standard_deviation(int d) const;    // s_d, on the device
///   void check(int dimension) const;                           // throws where it does not fit
namespace prior {

/// The same s for all coordinates.
struct Isotropic {
  using axis       = prior_axis;
  double deviation = 1;  ///< s, units of x; > 0

  KOKKOS_FORCEINLINE_FUNCTION double standard_deviation(int) const { return deviation; }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"deviation", "x", "standard deviation of every coordinate"}, self.deviation,
      range::above(0).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::sampler::prior::Isotropic", *this); }
};

/// An s_d for each coordinate, in a View that is read on the device and not copied.
template <Real Scalar, class Exec = Kokkos::DefaultExecutionSpace>
struct Diagonal {
  using axis       = prior_axis;
  using Deviations = Kokkos::View<Scalar const*, Kokkos::LayoutRight, typename Exec::memory_space,
                                  Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  Deviations deviations{};  ///< (dimension) s_d, units of x; > 0

  KOKKOS_FORCEINLINE_FUNCTION Scalar standard_deviation(int d) const { return deviations(d); }

  /// \throws std::invalid_argument if there are not as many as the energy has dimensions
  void check(int dimension) const {
    if (!is_extent(deviations.extent(0), dimension))
      refuse("basin::sampler::prior::Diagonal", "there are ", deviations.extent(0),
             " deviations, the energy has dimension ", dimension);
  }
};

}  // namespace prior

/// The requirements of a prior as an error message.
template <class P>
struct check_prior {
  static constexpr bool value = has_axis<P, prior_axis> && requires(P const& p) {
    { p.standard_deviation(0) } -> std::convertible_to<double>;
    p.check(1);
  };
  static_assert(value,
                "basin::sampler: a prior is 'prior::Isotropic', 'prior::Diagonal<Scalar>', or a "
                "policy with 'using axis = basin::sampler::prior_axis', 'KOKKOS_FUNCTION Scalar "
                "standard_deviation(int d) const' and 'void check(int dimension) const'.");
};

}  // namespace basin::sampler

#endif
