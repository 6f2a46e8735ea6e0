// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_DETAIL_DOUBLE_MATH_HPP
#define BASIN_TILE_DETAIL_DOUBLE_MATH_HPP

#include <basin/tile/detail/polynomial.hpp>

#include <cstdint>

// What math.hpp needs of double. Polynomials: tools/minimax. Conversions between doubles and 64-bit
// integers and right shifts of signed ones are no instructions of AVX2: integers below 2^52 are the
// low bits of 2^52 + integer, and all shifts are of words.

namespace basin::tile::detail {

// As a double, an integer in [0, 2^52).
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> double_of(Simd<std::uint64_t, N> integer) {
  return bits<double>(integer | Simd<std::uint64_t, N>(0x4330000000000000u)) - 0x1p52;
}

// (e^r - 1) of e^r 2^n = e^x, |r| <= ln 2 / 2, for |x| < 2^50. With a fused multiply-add the first
// subtraction of n ln 2 is exact.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> exp_minus_one_of_rest(Simd<double, N> x,
                                                                  Simd<std::int64_t, N>& n) {
  using V         = Simd<double, N>;
  V const shifted = fma(x, 0x1.71547652b82fep+0, 0x1.8p52);  // n in the low bits
  V const whole   = shifted - 0x1.8p52;
  V const r       = fma(whole, -0x1.abc9e3b39803fp-56, fma(whole, -0x1.62e42fefa39efp-1, x));
  V const p       = horner(
      r, {0x1.af389ecfc4b9cp-26, 0x1.28917c89a43a7p-22, 0x1.71de0db2f6b19p-19,
                0x1.a019b9149a41cp-16, 0x1.a01a01a7c2efep-13, 0x1.6c16c17889ef1p-10, 0x1.11111111109b5p-7,
                0x1.5555555553d68p-5, 0x1.5555555555556p-3, 0x1.0000000000001p-1});
  n = bits<std::int64_t>(shifted) - Simd<std::int64_t, N>(0x4338000000000000);
  return fma(p, r * r, r);
}

// e^r 2^n = e^x, as in float.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> exp_of_rest(Simd<double, N> x,
                                                        Simd<std::int64_t, N>& n) {
  return exp_minus_one_of_rest(x, n) + 1.0;
}

// 2^n for n in [-1022, 1023]; infinite for 1024.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> power_of_two(Simd<std::int64_t, N> n) {
  return bits<T>((n + Simd<std::int64_t, N>(1023)) << 52);
}

// p 2^n for n in [-1022, 1024]: 2^1024 is no double.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> times_power_of_two(Simd<double, N> p,
                                                               Simd<std::int64_t, N> n) {
  using U       = Simd<std::uint64_t, N>;
  U const both  = bits<std::uint64_t>(n) + U(2 * 1023u);  // exponents of two factors
  U const first = both >> 1;
  return p * bits<double>(first << 52) * bits<double>((both - first) << 52);
}

// f - ln(1 + f) = s (f - r), s = f / (2 + f), r = 2 artanh(s) / s - 2, as two factors: so that
// what is added to ln(1 + f) is rounded with it once.
template <int N, int Terms>
KOKKOS_FORCEINLINE_FUNCTION void log_remainder(Simd<double, N> f,
                                               double const (&coefficients)[Terms],
                                               Simd<double, N>& s, Simd<double, N>& t) {
  s                       = f / (f + 2.0);
  Simd<double, N> const z = s * s;
  t                       = fma(-z, horner(z, coefficients), f);
}

// ln(1 + f) for f in [0, 1].
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> log_one_plus(Simd<double, N> f) {
  Simd<double, N> s, t;
  log_remainder(
      f,
      {0x1.4b0a26c5f2aefp-3, 0x1.687a6e7c95176p-4, 0x1.eb905e8575054p-4, 0x1.10ac75dc602b1p-3,
       0x1.3b18b294bebf9p-3, 0x1.745cf0b0e03bdp-3, 0x1.c71c727143318p-3, 0x1.24924923d44c6p-2,
       0x1.999999999a3ddp-2, 0x1.5555555555555p-1},
      s, t);
  return fma(-s, t, f);
}

// ln x for normal x > 0 alone.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> log_of_normal(Simd<double, N> x) {
  using V                             = Simd<double, N>;
  using U                             = Simd<std::uint64_t, N>;
  std::uint64_t constexpr one         = 0x3ff0000000000000u;
  std::uint64_t constexpr half_square = 0x3fe6a09e667f3bcdu;  // 1/sqrt 2
  // x = m 2^e, m in [1/sqrt 2, sqrt 2); e + 1023 in the high bits
  U const shifted = bits<std::uint64_t>(x) + U(one - half_square);
  V const e       = double_of(shifted >> 52) - 1023.0;
  V const m       = bits<double>((shifted & U(0x000fffffffffffffu)) + U(half_square));
  V const f       = m - 1.0;
  V s, t;
  log_remainder(
      f,
      {0x1.2b584aae78a57p-3, 0x1.39fe606542ddep-3, 0x1.7462b4ab2ef6bp-3, 0x1.c71c62e5800a1p-3,
       0x1.2492492df148dp-2, 0x1.99999999952e2p-2, 0x1.5555555555558p-1},
      s, t);
  return fma(e, 0x1.62e42fefa39efp-1, f - fma(s, t, e * -0x1.abc9e3b39803fp-56));
}

// sin and cos of 2 pi turns / 2^32, turns an integer.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION void sin_cos_of_turns(Simd<double, N> turns, Simd<double, N>& sine,
                                                  Simd<double, N>& cosine) {
  using V = Simd<double, N>;
  using I = Simd<std::int64_t, N>;
  // Nearest quadrant in the low bits; the rest is an angle in [-pi/4, pi/4].
  V const shifted = fma(turns, 0x1p-30, 0x1.8p52);
  V const r       = fma(shifted - 0x1.8p52, -0x1p30, turns) * (6.283185307179586477 * 0x1p-32);
  V const z       = r * r;
  V const s = fma(horner(z, {0x1.5e0b19f8b1451p-33, -0x1.ae600b02b6262p-26, 0x1.71de37968a100p-19,
                             -0x1.a01a019e83aaep-13, 0x1.1111111110bb2p-7, -0x1.5555555555555p-3}) *
                      z,
                  r, r);
  V const c = fma(horner(z, {-0x1.907da367a37cbp-37, 0x1.1eeb68e93b64cp-29, -0x1.27e4fa17da09ep-22,
                             0x1.a01a019f4eb01p-16, -0x1.6c16c16c16967p-10, 0x1.5555555555555p-5}),
                  z * z, fma(z, -0.5, 1.0));
  I const quadrant = bits<std::int64_t>(shifted);
  I const odd      = -(quadrant & I(1));  // all ones in an odd one
  I const si = bits<std::int64_t>(s), ci = bits<std::int64_t>(c), exchange = (si ^ ci) & odd;
  sine   = bits<double>(si ^ exchange ^ ((quadrant & I(2)) << 62));
  cosine = bits<double>(ci ^ exchange ^ (((quadrant + I(1)) & I(2)) << 62));
}

// (e^2a - 1) / (e^2a + 1), of 2 |x| <= 44, beyond which it is 1; exactly odd.
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> tanh_of_double(Simd<double, N> x) {
  using V       = Simd<double, N>;
  using I       = Simd<std::int64_t, N>;
  V const a     = abs(x);
  V const twice = where_less(V(22), a, V(44), a + a);
  I n;
  V const p = exp_minus_one_of_rest(twice, n), scale = power_of_two<double>(n);
  V const e    = fma(p, scale, scale - 1.0);
  V const size = e / (e + 2.0);
  return bits<double>(bits<std::int64_t>(size) | (bits<std::int64_t>(x) ^ bits<std::int64_t>(a)));
}

// (1 - Phi(a)) / phi(a), Mills' ratio, for a in [0, 38].
template <int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<double, N> mills_ratio(Simd<double, N> a) {
  return horner((a - 5.0) / (a + 5.0),
                {0x1.732ea49c6f9e8p-28,  0x1.01459d5e45503p-27,  -0x1.e1c5165e04e62p-25,
                 -0x1.5dea20b8692c9p-24, 0x1.9fdc0bf96a3c0p-22,  0x1.0d12f15674ceep-21,
                 -0x1.658cdcabd051ap-19, -0x1.f366d21640188p-20, 0x1.479355a39bf0ap-16,
                 -0x1.119a8ab4b504dp-17, -0x1.14bfe6504c15cp-13, 0x1.406b4ed5db9fep-12,
                 0x1.75694af9b90dfp-12,  -0x1.de89d5ab7ee71p-9,  0x1.544ea737d0ec8p-7,
                 -0x1.fb8787a283ae8p-7,  0x1.70fb1c3e9839ep-9,   0x1.b88c98480514ep-5,
                 -0x1.6be027893bc19p-3,  0x1.7992834805333p-2,   -0x1.2d9c320fa98bdp-1,
                 0x1.59831a8917989p+0}) /
         (a + 2.0);
}

}  // namespace basin::tile::detail

#endif
