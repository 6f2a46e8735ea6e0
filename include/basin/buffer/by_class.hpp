// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_BY_CLASS_HPP
#define BASIN_BUFFER_BY_CLASS_HPP

#include <basin/buffer/draw.hpp>

namespace basin::buffer::draw {

/// Each chain from the part of its class: the buffer has an equal contiguous part for each class,
/// and a chain with label y is drawn from part y, distinct slots, uniformly. Written back to the
/// same slots, a chain never leaves its class. For objectives that draw a label for each chain, as
/// objective::Joint with chains::ClassConditional, which set what is below. Source: code of
/// Grathwohl et al. 2020, arXiv:1912.03263, where slots may repeat.
struct ByClass {
  using axis                     = draw_axis;
  static constexpr bool distinct = true;

  int const* labels = nullptr;  ///< (chains) in [0, classes); set by the objective
  int classes       = 1;        ///< a divisor of the capacity; set by the objective

  struct bind {
    int const* labels;
    int part;
    Permutation permutation;  // of a part's slots, the same for all: their chains are others
    KOKKOS_FUNCTION bind(ByClass const& options, int capacity, Stream const& stream)
        : labels(options.labels),
          part(capacity / options.classes),
          permutation(static_cast<std::uint32_t>(part), stream) {}
    KOKKOS_FUNCTION int operator()(std::uint32_t chain) const {
      int const y        = labels[chain];
      std::uint32_t rank = 0;  // among the chains of its class
      for (std::uint32_t i = 0; i < chain; ++i) rank += labels[i] == y ? 1 : 0;
      return y * part + static_cast<int>(permutation(rank));
    }
  };
};

}  // namespace basin::buffer::draw

#endif
