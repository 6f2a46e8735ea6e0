// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_ANALYTIC_HPP
#define BASIN_ENERGY_ANALYTIC_HPP

#include <basin/energy/concepts.hpp>

#include <cstddef>

namespace basin::energy {

namespace detail {

template <class F, class V>
concept Formula = requires(F const& f, V const (&x)[F::dimension], V (&dx)[F::dimension]) {
  { f(x, dx) } -> std::same_as<V>;
};

template <class F>
struct check_formula {
  static_assert(HasScalar<F>,
                "basin::energy::Analytic: define 'using scalar_type = float;' (or double).");
  static_assert(HasDimension<F>,
                "basin::energy::Analytic: define 'static constexpr int dimension', > 0.");
  static_assert(Formula<F, tile::Simd<typename F::scalar_type, 1>>,
                "basin::energy::Analytic: define 'template <class V> KOKKOS_FUNCTION V "
                "operator()(V const (&x)[dimension], V (&dx)[dimension]) const' that writes dE/dx "
                "into dx and returns E(x); V is a tile::Simd, one state in each lane, or a "
                "tile::Jet of one.");
};

}  // namespace detail

/// An energy that is a formula: a lattice action, a molecular potential, a test target. The formula
/// is written once, over vectors, and runs on every backend:
///
///   template <class V> KOKKOS_FUNCTION V operator()(V const (&x)[dimension], V (&dx)[dimension])
///   const
///
/// returns E(x) and writes all of dE/dx. V is a tile::Simd with a state in each lane or, for second
/// derivatives, a tile::Jet of one. Besides arithmetic, also with values of scalar_type, there are
/// fma, sqrt, exp, log, sin, cos, tanh, sigmoid, softplus, abs and, instead of an if,
/// where_less(a, b, if_less, else); all are called without a namespace. Meant for states that fit
/// in registers or the L1 cache: up to 2048 coordinates they are local variables of the kernel,
/// larger ones lie in its workspace, where no stack limits them.
///
/// \tparam Formula  declares scalar_type and dimension; copied into kernels
template <class Formula>
class Analytic {
  static constexpr detail::check_formula<Formula> check{};

 public:
  using scalar_type                   = typename Formula::scalar_type;
  using Scalar                        = scalar_type;
  static constexpr int dimension      = Formula::dimension;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = dimension;
  static constexpr int energy_row     = 2 * dimension;
  static constexpr bool local         = dimension <= 2048;  // 256 KiB of the stack at 64 bytes each
  static constexpr int workspace_rows = (local ? 2 : 4) * dimension + 1;

  Formula formula;

  /// Row energy_row = E(x), x in the rows from state_row on.
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    evaluate<true, false>(c, workspace);
  }

  /// Rows from gradient_row on = dE/dx; the state is unchanged.
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    evaluate<false, true>(c, workspace);
  }

  /// Both, from one call of the formula.
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    evaluate<true, true>(c, workspace);
  }

 private:
  template <bool Value, bool Gradient, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void evaluate(Context const& c, Scalar* workspace) const {
    using V            = typename Context::value_type;
    constexpr int size = Context::row_size;
    Scalar* const dx   = workspace + gradient_row * size;
    Scalar* const e    = workspace + energy_row * size;
    Formula const& f   = formula;
    if constexpr (local) {
      c.map(1, [=, &f](auto at) {
        V state[dimension], slope[dimension];
        call<Value, Gradient>(f, at, workspace, state, slope, dx, e);
      });
    } else {
      // (dimension, terms, lanes) of each vector of chains: as many numbers as rows hold.
      using Array         = V[dimension];
      Scalar* const state = workspace + (2 * dimension + 1) * size;
      Scalar* const slope = state + dimension * size;
      c.map(1, [=, &f](auto at) {
        constexpr int numbers = sizeof(V) / sizeof(Scalar);
        std::size_t const own = static_cast<std::size_t>(at.lane / V::lanes) * dimension *
                                static_cast<std::size_t>(numbers);
        call<Value, Gradient>(f, at, workspace, *reinterpret_cast<Array*>(state + own),
                              *reinterpret_cast<Array*>(slope + own), dx, e);
      });
    }
  }

  template <bool Value, bool Gradient, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void call(Formula const& f, Place at, Scalar const* x,
                                               V (&state)[dimension], V (&slope)[dimension],
                                               Scalar* dx, Scalar* e) {
    for (int d = 0; d < dimension; ++d) state[d] = at.at(d).load(x);
    V const value = f(state, slope);
    if constexpr (Gradient) {
      for (int d = 0; d < dimension; ++d) at.at(d).store(dx, slope[d]);
    }
    if constexpr (Value) at.store(e, value);
  }
};

}  // namespace basin::energy

#endif
