// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_RANDOM_HPP
#define BASIN_TILE_RANDOM_HPP

#include <basin/core/philox.hpp>
#include <basin/tile/math.hpp>

namespace basin::tile {

/// Uniform on (0, 1) from one word per lane: bitwise basin::unit_uniform, since neither rounds.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V unit_uniform(rebind<V, std::uint32_t> word) {
  using T = typename V::value_type;
  if constexpr (sizeof(T) == 4)
    return fma(convert<T>(bits<std::int32_t>(word >> 9)), T(0x1p-23f), T(0x1p-24f));
  else
    return fma(convert<T>(word), T(0x1p-32), T(0x1p-33));
}

/// Four uniforms on (0, 1): elements 4 block, ..., 4 block + 3 of a stream, for chains first_chain,
/// first_chain + 1, ... in the lanes.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void uniform_block(Stream const& stream, std::uint32_t block,
                                               std::uint32_t first_chain, V (&u)[4]) {
  using Word = rebind<V, std::uint32_t>;
  Word c[4];
  random_block(stream, block, Word(first_chain) + lane_numbers<Word>(), c);
  BASIN_UNROLL for (int i = 0; i < 4; ++i) u[i] = unit_uniform<V>(c[i]);
}

/// Two normals N(0, 1) of two words: Box and Muller 1958, eqs. 1-2. In float |z| <= 5.8, since the
/// smallest uniform is 2^-24.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void normal_pair(rebind<V, std::uint32_t> first,
                                             rebind<V, std::uint32_t> second, V (&z)[2]) {
  using T        = typename V::value_type;
  V const radius = sqrt(T(-2) * detail::log_of_normal(unit_uniform<V>(first)));
  V sine, cosine;
  sin_cos_turns(second, sine, cosine);
  z[0] = radius * cosine;
  z[1] = radius * sine;
}

/// Four normals N(0, 1), keyed as uniform_block: normal_pair of the first two words, and of the
/// others.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void normal_block(Stream const& stream, std::uint32_t block,
                                              std::uint32_t first_chain, V (&z)[4]) {
  using Word = rebind<V, std::uint32_t>;
  Word c[4];
  random_block(stream, block, Word(first_chain) + lane_numbers<Word>(), c);
  BASIN_UNROLL for (int pair = 0; pair < 2; ++pair) {
    V of_pair[2];
    normal_pair(c[2 * pair], c[2 * pair + 1], of_pair);
    z[2 * pair]     = of_pair[0];
    z[2 * pair + 1] = of_pair[1];
  }
}

}  // namespace basin::tile

#endif
