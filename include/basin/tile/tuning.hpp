// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_TUNING_HPP
#define BASIN_TILE_TUNING_HPP

#include <basin/core/shape.hpp>
#include <basin/tile/gpu.hpp>

#include <cstddef>

namespace basin::tile {

/// Precision of the factors of matrix products with weights; their sums are always in the network's
/// scalar. Products of jets and of parameter gradients have factors in that scalar too, whatever
/// the precision.
///
/// Both factors are rounded to nearest: with unit roundoff u the error of a product y = W x is at
/// most (2 u + u^2) sum_k |w_k x_k|, besides that of the sum itself. Matrix units are used where a
/// GPU has them (NVIDIA's from compute capability 8.0 on) and the energy has packed weights
/// (energy::pack; a trainer's energy has); elsewhere the same results take longer. Gradients of
/// convolutions with few input channels are computed in the network's scalar.
enum class Precision {
  full,  ///< the network's scalar
  tf32,  ///< 10 bits of mantissa, u = 2^-11; for float networks
  bf16,  ///< 7 bits of mantissa, u = 2^-8; for float networks
};

/// How a chain of layers is run.
enum class Strategy {
  fused,      ///< a team runs all of a tile in one kernel, in its own workspace
  layerwise,  ///< one kernel for each pass over a layer and all chains, in main memory
};

/// How a backend divides the work. Results do not depend on the first five fields: tests run
/// several and compare bits. 'items' and 'slice' change the order of sums, 'precision' what is
/// summed.
struct Tuning {
  int width;       ///< T, chains of a tile
  int lanes;       ///< values of a vector, a power of two of at most 64 bytes; divides width
  int rows;        ///< rows of the register block of a matrix product
  int vectors;     ///< vectors of the register block; lanes * vectors divides width
  int team;        ///< threads that share a tile; 0: one thread, no barriers
  int shared = 0;  ///< bytes of a GPU's shared memory that a team has for itself; 0: a host
  int items  = 0;  ///< work items that a product should have: shorter products split their sums
                   ///< over k among up to 32 threads
  Precision precision = Precision::full;
  Strategy strategy   = Strategy::fused;
  int slice = 0;  ///< samples, at least, of each part of a parameter gradient's sums, which
                  ///< are added in order; 0: not split
};

/// Threads among which the sums of a product of 'items' work items are split.
KOKKOS_FUNCTION constexpr int splits(Tuning t, int items, int terms) {
  int s = 1;
  while (s < 32 && items * s * 2 <= t.items && terms / (s * 2) >= 8) s *= 2;
  return s;
}

/// The same tuning for tiles of at most 'width' chains.
constexpr Tuning narrower(Tuning t, int width) {
  if (width >= t.width) return t;
  t.width = width;
  // Matrix units take tiles of 4 * lanes chains.
  int const most = t.precision == Precision::full ? width : width / 4;
  if (t.lanes > most) t.lanes = most > 0 ? most : 1;
  if (t.lanes * t.vectors > width) t.vectors = width / t.lanes;
  return t;
}

/// The same tuning of a GPU, layer by layer.
constexpr Tuning by_layers(Tuning t, int lanes = 4) {
  t.width    = 32;
  t.lanes    = lanes;
  t.rows     = 4;
  t.vectors  = 2;
  t.team     = 256;
  t.items    = 0;
  t.strategy = Strategy::layerwise;
  return t;
}

/// The same tuning with another precision of matrix products. Matrix units take 8 chains: where
/// only narrower tiles fit in shared memory, layer by layer.
constexpr Tuning with_precision(Tuning t, Precision precision) {
  t.precision = precision;
  if (precision != Precision::full && t.shared > 0 && t.width < 8) return by_layers(t);
  if (precision != Precision::full && t.shared > 0 && 4 * t.lanes > t.width) t.lanes = t.width / 4;
  return t;
}

/// The tuning for so few chains that tiles of the full width would leave multiprocessors idle.
constexpr Tuning narrow_tuning(Tuning t) {
  if (t.shared == 0 || t.strategy == Strategy::layerwise) return t;
  return narrower(t, t.precision == Precision::full ? 4 : 8);
}

/// The tuning of a GPU whose blocks have 'shared' bytes of shared memory: the widest tile of up to
/// 16 chains whose workspace fits. A thread of a product holds 4 rows of two vectors, so that 3
/// loads serve 32 multiply-adds; a block that has a multiprocessor to itself has twice the threads.
/// Where not even one chain fits, layer by layer.
template <Real Scalar>
constexpr Tuning block_tuning(int workspace_rows, int shared) {
  std::size_t const chain = std::size_t(workspace_rows) * sizeof(Scalar);
  auto const fits = [&](int width) { return chain * std::size_t(width) <= std::size_t(shared); };
  int width       = 16;
  while (width > 0 && !fits(width)) width /= 2;
  bool const alone  = !fits(2 * width);
  int const lanes   = 16 / static_cast<int>(sizeof(Scalar));
  Tuning const full = {.width   = 16,
                       .lanes   = lanes,
                       .rows    = 4,
                       .vectors = 2,
                       .team    = alone ? 512 : 256,
                       .shared  = shared,
                       .items   = alone ? 512 : 256,
                       .slice   = 64};
  return width > 0 ? narrower(full, width) : by_layers(full, lanes);
}

/// The tuning of an execution space, by architecture, for work that needs workspace_rows rows per
/// tile.
///
/// Host: two vectors per row, and as many rows as leave registers for a broadcast and two vectors
/// of x: 12 accumulators of 16 registers, or 24 of 32. Fewer do not hide the latency of a
/// multiply-add; one vector per row needs a broadcast for every multiply-add. With 32 registers the
/// narrow tile is nearly as fast, and faster where the wide one does not fit in the L2 cache, taken
/// as 1 MiB.
///
/// GPU: that of its blocks, see block_tuning.
template <class Exec, Real Scalar, int workspace_rows = 0>
constexpr Tuning default_tuning() {
  if constexpr (!is_gpu<Exec>) {
#if defined(__AVX512F__)
    constexpr int lanes = 64 / static_cast<int>(sizeof(Scalar));
    if (workspace_rows > (1 << 20) / 128)
      return {.width = lanes, .lanes = lanes, .rows = 24, .vectors = 1, .team = 0};
    return {.width = 2 * lanes, .lanes = lanes, .rows = 12, .vectors = 2, .team = 0};
#elif defined(__AVX2__)
    constexpr int lanes = 32 / static_cast<int>(sizeof(Scalar));
    return {.width = 2 * lanes, .lanes = lanes, .rows = 6, .vectors = 2, .team = 0};
#else
    constexpr int lanes = 16 / static_cast<int>(sizeof(Scalar));
    return {.width = 4 * lanes, .lanes = lanes, .rows = 6, .vectors = 2, .team = 0};
#endif
  } else {
    return block_tuning<Scalar>(workspace_rows, shared_memory<Exec>());
  }
}

/// The tuning for jets of an order: with as many accumulator registers, one vector of chains wide.
/// Shared memory holds as many values, hence fewer chains of jets; where it held not even one,
/// layer by layer.
constexpr Tuning jet_tuning(Tuning t, int order) {
  if (order == 0) return t;
  if (t.team > 0) {
    t.vectors       = 1;
    int const width = t.width / (order == 1 ? 2 : 4);
    if (t.shared == 0 || t.strategy == Strategy::layerwise) return t;
    if (width > 0) return narrower(t, width);
    t         = by_layers(t);
    t.vectors = 1;
    return t;
  }
  int const rows = t.rows * t.vectors / (order + 1);
  t.width        = t.lanes;
  t.rows         = rows > 0 ? rows : 1;
  t.vectors      = 1;
  return t;
}

}  // namespace basin::tile

#endif
