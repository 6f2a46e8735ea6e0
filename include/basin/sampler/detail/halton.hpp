// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_DETAIL_HALTON_HPP
#define BASIN_SAMPLER_DETAIL_HALTON_HPP

#include <Kokkos_Macros.hpp>

#include <cstdint>

namespace basin::sampler::detail {

/// Number i of the Halton sequence in base 2, for i below 2^32: in (0, 1) for i >= 1.
KOKKOS_FORCEINLINE_FUNCTION double halton2(std::uint32_t i) {
  i = (i >> 16) | (i << 16);
  i = ((i & 0xFF00FF00u) >> 8) | ((i & 0x00FF00FFu) << 8);
  i = ((i & 0xF0F0F0F0u) >> 4) | ((i & 0x0F0F0F0Fu) << 4);
  i = ((i & 0xCCCCCCCCu) >> 2) | ((i & 0x33333333u) << 2);
  i = ((i & 0xAAAAAAAAu) >> 1) | ((i & 0x55555555u) << 1);
  return i * 0x1p-32;
}

}  // namespace basin::sampler::detail

#endif
