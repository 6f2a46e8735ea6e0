// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_DETAIL_AGE_ORDER_HPP
#define BASIN_BUFFER_DETAIL_AGE_ORDER_HPP

#include <Kokkos_Core.hpp>

#include <cstddef>

namespace basin::buffer::detail {

// order = the slots from the youngest to the oldest, of equal age by their number: a radix sort by digits
// of 8 bits, stable, in as many passes as the largest age has digits. One team; each part of the slots is
// counted and moved by one thread.
template <class Scalar>
struct SortByAge {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int most_parts = 64, digits = 256;
  static constexpr int counts_size = most_parts * digits + most_parts;
  int parts;        // at most most_parts: of equal result, 1 is best for a thread alone
  int const* ages;  // (capacity), >= 0
  int capacity;
  int* order;   // (capacity)
  int* other;   // (capacity)
  int* counts;  // (parts, digits), then (parts) the largest ages

  KOKKOS_FUNCTION int begin(int part) const {
    return static_cast<int>(static_cast<std::size_t>(part) * static_cast<std::size_t>(capacity) /
                            parts);
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    SortByAge const s  = *this;
    int* const largest = counts + parts * digits;
    c.each(parts, [=](int p) {
      int most = 0;
      for (int i = s.begin(p); i < s.begin(p + 1); ++i) {
        s.order[i] = i;
        most       = s.ages[i] > most ? s.ages[i] : most;
      }
      largest[p] = most;
    });
    int most = 0;
    for (int p = 0; p < parts; ++p) most = largest[p] > most ? largest[p] : most;
    int *from = order, *to = other;
    for (int shift = 0; shift < 32 && (most >> shift) > 0; shift += 8) {
      sort_digit(c, from, to, shift);
      int* const moved = from;
      from             = to;
      to               = moved;
    }
    if (from != order) c.each(capacity, [=](int i) { s.order[i] = s.other[i]; });
  }

 private:
  template <class Context>
  KOKKOS_FUNCTION void sort_digit(Context const& c, int const* from, int* to, int shift) const {
    SortByAge const s = *this;
    auto const digit  = [=](int slot) { return s.ages[slot] >> shift & (digits - 1); };
    c.each(parts, [=](int p) {
      int* const mine = s.counts + p * digits;
      for (int d = 0; d < digits; ++d) mine[d] = 0;
      for (int i = s.begin(p); i < s.begin(p + 1); ++i) ++mine[digit(from[i])];
    });
    // Where the slots of each part with each digit begin.
    c.each(1, [=](int) {
      int sum = 0;
      for (int d = 0; d < digits; ++d)
        for (int p = 0; p < s.parts; ++p) {
          int const count          = s.counts[p * digits + d];
          s.counts[p * digits + d] = sum;
          sum += count;
        }
    });
    c.each(parts, [=](int p) {
      int* const place = s.counts + p * digits;
      for (int i = s.begin(p); i < s.begin(p + 1); ++i) to[place[digit(from[i])]++] = from[i];
    });
  }
};

}  // namespace basin::buffer::detail

#endif
