// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_COLUMNS_HPP
#define BASIN_BUFFER_COLUMNS_HPP

#include <Kokkos_Macros.hpp>

#include <cstddef>

namespace basin::buffer {

struct columns_axis {};

/// n values of the energy's scalar stored with the sample of each slot, for example a label, a
/// noise level or a log weight. They are drawn with the chain, may be changed until it is written,
/// and are written with it; they are 0 for a fresh start.
template <int n>
struct Columns {
  static_assert(n > 0, "basin::buffer::Columns: write a number of columns > 0, or no policy.");
  using axis                 = columns_axis;
  static constexpr int count = n;
};

namespace detail {

struct NoColumns {
  using axis                 = columns_axis;
  static constexpr int count = 0;
};

// Moves the columns between slots and chains.
template <class Scalar, int n>
struct Beside {
  Scalar* slots;   // (capacity, n)
  Scalar* chains;  // (batch, n)

  template <class Context>
  KOKKOS_FUNCTION void clear(Context const& c, int slot) const {
    Scalar* const to = slots + static_cast<std::size_t>(slot) * n;
    c.each(+n, [=](int k) { to[k] = 0; });
  }
  template <class Context>
  KOKKOS_FUNCTION void draw(Context const& c, int slot, int chain, bool fresh) const {
    Scalar const* const from = slots + static_cast<std::size_t>(slot) * n;
    Scalar* const to         = chains + static_cast<std::size_t>(chain) * n;
    c.each(+n, [=](int k) { to[k] = fresh ? Scalar(0) : from[k]; });
  }
  template <class Context>
  KOKKOS_FUNCTION void write(Context const& c, int chain, int slot) const {
    Scalar const* const from = chains + static_cast<std::size_t>(chain) * n;
    Scalar* const to         = slots + static_cast<std::size_t>(slot) * n;
    c.each(+n, [=](int k) { to[k] = from[k]; });
  }
};
template <class Scalar>
struct Beside<Scalar, 0> {
  KOKKOS_FUNCTION Beside(Scalar*, Scalar*) {}
  template <class Context>
  KOKKOS_FUNCTION void clear(Context const&, int) const {}
  template <class Context>
  KOKKOS_FUNCTION void draw(Context const&, int, int, bool) const {}
  template <class Context>
  KOKKOS_FUNCTION void write(Context const&, int, int) const {}
};

}  // namespace detail
}  // namespace basin::buffer

#endif
