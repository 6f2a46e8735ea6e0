// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_BATCH_HPP
#define BASIN_OBJECTIVE_BATCH_HPP

#include <basin/core/quantity.hpp>

#include <Kokkos_Core.hpp>

namespace basin::objective {

/// The input of a step. Views that an objective does not use are empty.
template <class Scalar, class Memory>
struct Batch {
  Kokkos::View<Scalar**, Kokkos::LayoutRight, Memory> points;      // (B, dimension)
  Kokkos::View<int*, Memory> labels;                               // (B)
  Kokkos::View<Scalar**, Kokkos::LayoutRight, Memory> conditions;  // (B, k)
  Kokkos::View<Scalar*, Memory> weights;                           // (B)
};

/// What batches are drawn from; a View is empty if there is no such data.
template <class Scalar, class Memory>
struct Dataset {
  Kokkos::View<Scalar const**, Kokkos::LayoutRight, Memory> points;      // (rows, dimension)
  Kokkos::View<int const*, Memory> labels;                               // (rows)
  Kokkos::View<Scalar const**, Kokkos::LayoutRight, Memory> conditions;  // (rows, k)
  Kokkos::View<Scalar const*, Memory> weights;                           // (rows)
};

/// A quantity that a step reports for each sample or chain, on the device: one of values and
/// integers, the other null.
template <class Scalar>
struct Column {
  Quantity quantity;
  Scalar const* values;  // (count)
  int const* integers;   // (count)
  int count;
};

}  // namespace basin::objective

#endif
