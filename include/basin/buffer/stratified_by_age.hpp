// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_STRATIFIED_BY_AGE_HPP
#define BASIN_BUFFER_STRATIFIED_BY_AGE_HPP

#include <basin/buffer/draw.hpp>

#include <cstddef>

namespace basin::buffer::draw {

/// Chain i of B from part i of B of the slots in the order of their age, uniformly: every batch has chains
/// of all ages, the youngest first, and each slot is drawn as often as without strata. Parts are equal but
/// for one slot. Distinct slots. Not by the place of a slot in the buffer, which is its age only where a
/// ring is written.
struct StratifiedByAge {
  using axis                     = draw_axis;
  static constexpr bool distinct = true;

  struct bind {
    Stream stream;
    int capacity;
    AgeOrder by_age;
    KOKKOS_FUNCTION bind(StratifiedByAge const&, int slots, Stream const& of_step,
                         AgeOrder const& order)
        : stream(of_step), capacity(slots), by_age(order) {}
    KOKKOS_FUNCTION int operator()(std::uint32_t chain) const {
      std::uint32_t const first = begin(chain), size = begin(chain + 1) - first;
      std::uint64_t const u = random_word(stream, 0, chain);
      return by_age.slots[first + static_cast<std::uint32_t>(u * size >> 32)];
    }

   private:
    KOKKOS_FUNCTION std::uint32_t begin(std::uint32_t part) const {
      return static_cast<std::uint32_t>(std::uint64_t(part) * static_cast<std::uint64_t>(capacity) /
                                        static_cast<std::uint64_t>(by_age.chains));
    }
  };
};

}  // namespace basin::buffer::draw

#endif
