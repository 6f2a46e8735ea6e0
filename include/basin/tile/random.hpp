// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_RANDOM_HPP
#define BASIN_TILE_RANDOM_HPP

#include <basin/core/philox.hpp>
#include <basin/tile/math.hpp>

#include <cstdint>
#include <type_traits>

namespace basin::tile {

/// (high, low) 32 bits of a m, for Philox.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION void multiply_high_low(Simd<std::uint32_t, N> a, std::uint32_t m,
                                                   Simd<std::uint32_t, N>& high,
                                                   Simd<std::uint32_t, N>& low) {
#if BASIN_NATIVE_PACK && defined(__AVX2__)
  // The hardware multiplies the even lanes to 64 bits; odd lanes are shifted down, then blended.
  if constexpr (N == 8) {
    using native      = typename detail::PackStorage<std::uint32_t, N, true>::native;
    __m256i const by  = _mm256_set1_epi32(static_cast<int>(m));
    __m256i const ev  = _mm256_mul_epu32((__m256i)a.v, by);
    __m256i const odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a.v, 32), by);
    low.v             = (native)_mm256_blend_epi32(ev, _mm256_slli_epi64(odd, 32), 0xAA);
    high.v            = (native)_mm256_blend_epi32(_mm256_srli_epi64(ev, 32), odd, 0xAA);
    return;
  }
#if defined(__AVX512F__)
  if constexpr (N == 16) {
    using native = typename detail::PackStorage<std::uint32_t, N, true>::native;
    // 'maskz' with a full mask: the plain forms warn of an uninitialized operand in GCC 12's
    // headers.
    __m512i const a512 = (__m512i)a.v, by = _mm512_set1_epi32(static_cast<int>(m));
    __m512i const ev  = _mm512_maskz_mul_epu32(0xFF, a512, by);
    __m512i const odd = _mm512_maskz_mul_epu32(0xFF, _mm512_maskz_srli_epi64(0xFF, a512, 32), by);
    low.v  = (native)_mm512_mask_blend_epi32(0xAAAA, ev, _mm512_maskz_slli_epi64(0xFF, odd, 32));
    high.v = (native)_mm512_mask_blend_epi32(0xAAAA, _mm512_maskz_srli_epi64(0xFF, ev, 32), odd);
    return;
  }
#endif
#endif
  BASIN_UNROLL for (int i = 0; i < N; ++i) {
    std::uint64_t const product = static_cast<std::uint64_t>(a.v[i]) * m;
    high.set(i, static_cast<std::uint32_t>(product >> 32));
    low.set(i, static_cast<std::uint32_t>(product));
  }
}

/// As this of words that are the lower halves of 64 bits; upper halves are neither read nor cleared.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION void multiply_high_low(Simd<std::uint64_t, N> a, std::uint32_t m,
                                                   Simd<std::uint64_t, N>& high,
                                                   Simd<std::uint64_t, N>& low) {
#if BASIN_NATIVE_PACK && defined(__AVX2__)
  if constexpr (N == 4)
    low.v = (decltype(low.v))_mm256_mul_epu32((__m256i)a.v, _mm256_set1_epi64x(m));
#if defined(__AVX512F__)
  else if constexpr (N == 8)
    low.v = (decltype(low.v))_mm512_maskz_mul_epu32(0xFF, (__m512i)a.v, _mm512_set1_epi64(m));
#endif
  else
#endif
    low = (a & Simd<std::uint64_t, N>(0xFFFFFFFFu)) * Simd<std::uint64_t, N>(m);
  high = low >> 32;
}

/// Words of Philox for the lanes of V. Those of doubles on a host lie in 64 bits, as doubles do: a
/// product is one instruction there, and nothing is widened.
template <class V>
using RandomWords = Simd<std::conditional_t<sizeof(typename V::value_type) == 8 && V::native,
                                            std::uint64_t, std::uint32_t>,
                         V::lanes>;

namespace detail {

// The values of words.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> value_of(Simd<std::uint32_t, N> word) {
  return convert<T>(word);
}
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> value_of(Simd<std::uint64_t, N> word) {
  return double_of(word & Simd<std::uint64_t, N>(0xFFFFFFFFu));
}

}  // namespace detail

/// sin and cos of the angle 2 pi turns / 2^32, of words in 64 bits.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION void sin_cos_turns(Simd<std::uint64_t, N> turns, Simd<double, N>& sine,
                                               Simd<double, N>& cosine) {
  detail::sin_cos_of_turns(detail::value_of<double>(turns), sine, cosine);
}

/// Uniform on (0, 1) from one word per lane: bitwise basin::unit_uniform, since neither rounds.
template <class V, class Words>
KOKKOS_FORCEINLINE_FUNCTION V unit_uniform(Words word) {
  using T = typename V::value_type;
  if constexpr (sizeof(T) == 4)
    return fma(convert<T>(bits<std::int32_t>(word >> 9)), T(0x1p-23f), T(0x1p-24f));
  else
    return fma(detail::value_of<T>(word), T(0x1p-32), T(0x1p-33));
}

/// Four uniforms on (0, 1): elements 4 block, ..., 4 block + 3 of a stream, for chains first_chain,
/// first_chain + 1, ... in the lanes.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void uniform_block(Stream const& stream, std::uint32_t block,
                                               std::uint32_t first_chain, V (&u)[4]) {
  using Word = RandomWords<V>;
  Word c[4];
  random_block(stream, block, Word(first_chain) + lane_numbers<Word>(), c);
  BASIN_UNROLL for (int i = 0; i < 4; ++i) u[i] = unit_uniform<V>(c[i]);
}

/// Two normals N(0, 1) of two words: Box and Muller 1958, eqs. 1-2. In float |z| <= 5.8, since the
/// smallest uniform is 2^-24. In double they are of the same two words: the radius and the angle
/// have 2^32 values each, |z| <= 6.77, beyond which a normal has a probability of 1.3e-11, and z is
/// right to 5e-16 of the radius. So a run in double has the noise of one in float, with more digits.
template <class V, class Words>
KOKKOS_FORCEINLINE_FUNCTION void normal_pair(Words first, Words second, V (&z)[2]) {
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
  using Word = RandomWords<V>;
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
