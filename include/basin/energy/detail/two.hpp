// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_TWO_HPP
#define BASIN_ENERGY_DETAIL_TWO_HPP

#include <basin/energy/wrapper.hpp>

#include <algorithm>

namespace basin::energy::detail {

/// Base of energies of two energies of the same coordinates: the workspace of the second lies behind
/// that of the first, with a copy of the state. Copies of weights are those of the first; the second
/// may have its own, see energy::pack.
///
/// \tparam Derived  has 'around(other)', as a Wrapper, and what becomes of rows of E or dE/dx:
///                  'template <int rows, class Context> KOKKOS_FUNCTION void combine(Context const& c,
///                  Scalar* first, Scalar const* second) const', which leaves it in 'first'; or it
///                  hides energy, gradient and value_and_gradient
template <class Derived, class First, class Second>
class Two : public Wrapper<Derived, First> {
  using base = Wrapper<Derived, First>;
  static_assert(First::dimension == Second::dimension,
                "basin::energy: the two energies must have the same dimension.");
  static_assert(std::is_same_v<typename First::scalar_type, typename Second::scalar_type>,
                "basin::energy: the two energies must have the same scalar_type.");
  static constexpr int D = First::dimension, behind = First::workspace_rows;

 public:
  using Scalar                        = typename First::scalar_type;
  static constexpr int workspace_rows = behind + Second::workspace_rows;
  static constexpr int smoothness     = std::min(smoothness_of<First>, smoothness_of<Second>);
  static constexpr bool conditions_differ =
      basin::conditions_differ<First> || basin::conditions_differ<Second>;

  Two() = default;
  KOKKOS_FUNCTION Two(First const& first, Second const& second) : base(first), second_(second) {}

  KOKKOS_FUNCTION Second const& second() const { return second_; }

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    base::load_conditions(c, workspace, first, count);
    basin::load_conditions(c, second_, workspace + behind * Context::row_size, first, count);
  }

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    Scalar* const other = state_of_second(c, workspace);
    second_.energy(c, other);
    combine_values(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    Scalar* const other = state_of_second(c, workspace);
    second_.gradient(c, other);
    combine_slopes(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires(HasValueAndGradient<First> && HasValueAndGradient<Second>)
  {
    base::value_and_gradient(c, workspace);
    Scalar* const other = state_of_second(c, workspace);
    second_.value_and_gradient(c, other);
    combine_values(c, workspace, other);
    combine_slopes(c, workspace, other);
  }

 protected:
  /// The workspace of the second energy, its state a copy of the first's.
  template <class Context>
  KOKKOS_FUNCTION Scalar* state_of_second(Context const& c, Scalar* workspace) const {
    Scalar* const other   = workspace + behind * Context::row_size;
    Scalar const* const x = workspace + First::state_row * Context::row_size;
    Scalar* const y       = other + Second::state_row * Context::row_size;
    c.map(+D, [=](auto at) { at.store(y, at.load(x)); });
    return other;
  }

 private:
  template <class Context>
  KOKKOS_FUNCTION void combine_values(Context const& c, Scalar* workspace,
                                      Scalar const* other) const {
    static_cast<Derived const&>(*this).template combine<1>(
        c, workspace + First::energy_row * Context::row_size,
        other + Second::energy_row * Context::row_size);
  }
  template <class Context>
  KOKKOS_FUNCTION void combine_slopes(Context const& c, Scalar* workspace,
                                      Scalar const* other) const {
    static_cast<Derived const&>(*this).template combine<D>(
        c, workspace + First::gradient_row * Context::row_size,
        other + Second::gradient_row * Context::row_size);
  }

  Second second_;
};

}  // namespace basin::energy::detail

#endif
