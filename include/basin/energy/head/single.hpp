// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_HEAD_SINGLE_HPP
#define BASIN_ENERGY_HEAD_SINGLE_HPP

/// Heads: compute an energy from the outputs f(x) of a network. A head is a struct that is copied
/// into kernels, with
///
///   static constexpr int rows;   // its own rows [row][T]: values for the reverse pass, and
///                                // per-chain values
///   static constexpr int least_outputs;
///   // optional: reads the values of chains first, first + 1, ... of count into its rows
///   template <class Context, class Scalar> KOKKOS_FUNCTION
///   void load_conditions(Context const& c, Scalar* rows, int first, int count) const;
///   // row e = E(f) of f (outputs, T)
///   template <int outputs, class Context, class Scalar> KOKKOS_FUNCTION
///   void energy(Context const& c, Scalar const* f, Scalar* rows, Scalar* e) const;
///   // dE/df of output at.row
///   template <class Place, class V, class Scalar> KOKKOS_FUNCTION
///   V slope(Place at, V f, Scalar const* rows) const;
///
/// All use Context::value_type, vectors or jets of them; rows are [coefficient][T] there,
/// accessed through places.
namespace basin::energy::head {

/// E(x) = f(x), the only output.
struct Single {
  static constexpr int rows          = 0;
  static constexpr int least_outputs = 1;
};

}  // namespace basin::energy::head

#endif
