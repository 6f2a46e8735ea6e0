// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_MATH_HPP
#define BASIN_TILE_MATH_HPP

#include <basin/tile/simd.hpp>

// Elementary functions over vectors. In float they are polynomials of our own choice, since no
// compiler vectorizes libm here, and so that every backend gives the same bits; in double each lane
// calls libm. Coefficients of exp, log, tanh, sin and cos: S. Moshier, Cephes library, single
// precision. 'error' is the largest observed over the stated range, against libm in double.

namespace basin::tile {

namespace detail {

template <class T, int N, int Terms>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> horner(Simd<T, N> x, T const (&coefficients)[Terms]) {
  Simd<T, N> p(coefficients[0]);
  BASIN_UNROLL for (int i = 1; i < Terms; ++i) p = fma(p, x, Simd<T, N>(coefficients[i]));
  return p;
}

// e^r 2^n = e^x: the polynomial e^r, |r| <= ln 2 / 2, and n, for x in [-87.3, 89].
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> exp_of_rest(Simd<T, N> x, Simd<std::int32_t, N>& n) {
  using I = std::int32_t;
  // n = round(x / ln 2): adding 3/2 2^23 leaves the nearest integer in the low mantissa bits.
  Simd<T, N> const shifted = fma(x, T(1.44269504088896341f), T(12582912.0f));
  Simd<T, N> const whole   = shifted - T(12582912.0f);
  Simd<T, N> r             = fma(whole, T(-0.693359375f), x);
  r                        = fma(whole, T(2.12194440e-4f), r);
  Simd<T, N> const p       = horner(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                        4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f});
  n                        = bits<I>(shifted) - Simd<I, N>(0x4B400000);
  return fma(p, r * r, r) + T(1);
}

// 2^n for n in [-126, 127]; infinite for 128.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> power_of_two(Simd<std::int32_t, N> n) {
  return bits<T>((n + Simd<std::int32_t, N>(127)) << 23);
}

// e^x for x <= 89, in float from 88.4 on infinite, and e^-87.3 below -87.3.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> exp_up_to_89(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return Simd<T, N>::generate([&](int i) { return Kokkos::exp(x[i]); });
  } else {
    Simd<std::int32_t, N> n;
    Simd<T, N> const p = exp_of_rest(where_less(x, T(-87.3f), T(-87.3f), x), n);
    return p * power_of_two<T>(n);
  }
}

// As this for any x: where e^x is added to a number, or divides one.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> limited_exp(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) return exp_up_to_89(x);
  return exp_up_to_89(where_less(Simd<T, N>(T(89)), x, T(89), x));
}

}  // namespace detail

/// e^x; in float error <= 1.02 ulp where the result is a normal number, and 0 below that. +inf on
/// overflow; NaN stays NaN.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> exp(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return detail::limited_exp(x);
  } else {
    Simd<std::int32_t, N> n;
    Simd<T, N> const p             = detail::exp_of_rest(clamp(x, T(-87.3f), T(89.0f)), n);
    Simd<std::int32_t, N> const n2 = n >> 1;  // 2^128 is no float
    Simd<T, N> const e = p * detail::power_of_two<T>(n2) * detail::power_of_two<T>(n - n2);
    return where_less(x, T(-87.3f), T(0), e);
  }
}

namespace detail {

// ln x for normal x > 0 alone.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> log_of_normal(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return Simd<T, N>::generate([&](int i) { return Kokkos::log(x[i]); });
  } else {
    using I             = std::int32_t;
    Simd<I, N> const ix = bits<I>(x);
    Simd<I, N> const e = (ix - Simd<I, N>(0x3f3504f3)) >> 23;  // x = m 2^e, m in [1/sqrt 2, sqrt 2)
    Simd<T, N> const m = bits<T>(ix - (e << 23)) - T(1);
    Simd<T, N> const fe = convert<T>(e);
    Simd<T, N> const m2 = m * m;
    Simd<T, N> const p  = detail::horner(m, {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                                             -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                                             2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f});
    Simd<T, N> y        = p * m * m2;
    y                   = fma(fe, T(-2.12194440e-4f), y);
    y                   = fma(m2, T(-0.5f), y);
    return fma(fe, T(0.693359375f), m + y);
  }
}

}  // namespace detail

/// ln x; in float error <= 1 ulp for normal x. -inf at 0 and NaN below it; NaN stays NaN.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> log(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return detail::log_of_normal(x);
  } else {
    using V            = Simd<T, N>;
    T constexpr inf    = Kokkos::Experimental::infinity_v<T>,
                nan    = Kokkos::Experimental::quiet_NaN_v<T>,
                max    = Kokkos::Experimental::finite_max_v<T>;
    V const at_least_0 = where_less(x, V(T(0)), V(nan), x - V(inf));  // of those that are not > 0
    V const finite     = where_less(V(T(0)), x, detail::log_of_normal(x), at_least_0);
    return where_less(V(max), x, x, finite);
  }
}

/// sin and cos of the angle 2 pi turns / 2^32; in float absolute error <= 1.3e-7.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void sin_cos_turns(Simd<std::uint32_t, N> turns, Simd<T, N>& sine,
                                               Simd<T, N>& cosine) {
  if constexpr (sizeof(T) == 8) {
    T constexpr radians = 6.283185307179586477 * 0x1p-32;
    sine   = Simd<T, N>::generate([&](int i) { return Kokkos::sin(radians * turns[i]); });
    cosine = Simd<T, N>::generate([&](int i) { return Kokkos::cos(radians * turns[i]); });
  } else {
    using I = std::int32_t;
    using U = std::uint32_t;
    // Nearest quadrant q from the top bits; the rest is an angle in [-pi/4, pi/4).
    Simd<U, N> const q  = (turns + Simd<U, N>(0x20000000u)) >> 30;
    Simd<T, N> const r  = convert<T>(bits<I>(turns - (q << 30))) * T(1.4629180792671596e-9f);
    Simd<T, N> const r2 = r * r;
    Simd<T, N> s = detail::horner(r2, {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f});
    s            = fma(s * r2, r, r);
    Simd<T, N> c =
        detail::horner(r2, {2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f});
    c                     = fma(c, r2 * r2, fma(r2, T(-0.5f), T(1)));
    Simd<I, N> const odd  = bits<I>(q << 31) >> 31;  // all ones in an odd quadrant
    Simd<I, N> const even = odd ^ Simd<I, N>(-1);
    Simd<I, N> const si   = (bits<I>(c) & odd) | (bits<I>(s) & even);
    Simd<I, N> const ci   = (bits<I>(s) & odd) | (bits<I>(c) & even);
    sine                  = bits<T>(si ^ bits<I>((q & Simd<U, N>(2u)) << 30));
    cosine                = bits<T>(ci ^ bits<I>(((q + Simd<U, N>(1u)) & Simd<U, N>(2u)) << 30));
  }
}

/// sin x and cos x by each backend's math library, in float too, so that their last bits depend on
/// the backend: for energies that are formulas. No layer uses them.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> sin(Simd<T, N> x) {
  return Simd<T, N>::generate([&](int i) { return Kokkos::sin(x[i]); });
}
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> cos(Simd<T, N> x) {
  return Simd<T, N>::generate([&](int i) { return Kokkos::cos(x[i]); });
}

/// The logistic function 1 / (1 + e^-x); in float error <= 2.5 ulp on [-30, 30], and 0 from -88.4 on.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> sigmoid(Simd<T, N> x) {
  return Simd<T, N>(T(1)) / (Simd<T, N>(T(1)) + detail::limited_exp(-x));
}

/// tanh x, exactly odd; in float absolute error <= 8e-8.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> tanh(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return Simd<T, N>::generate([&](int i) { return Kokkos::tanh(x[i]); });
  } else {
    Simd<T, N> const x2 = x * x;
    Simd<T, N> const p =
        detail::horner(x2, {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f,
                            1.33314422036e-1f, -3.33332819422e-1f});
    Simd<T, N> const small = fma(p * x2, x, x);
    // Of |x|: for x < 0 the quotient is near 2, and its rounding would be most of the error.
    Simd<T, N> const a     = abs(x);
    Simd<T, N> const size  = T(1) - T(2) / (T(1) + detail::limited_exp(a + a));
    Simd<T, N> const large = where_less(x, T(0), -size, size);
    return where_less(a, T(0.625f), small, large);
  }
}

/// ln(1 + e^x), with no overflow; in float absolute error <= 1.4e-7 max(1, x).
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> softplus(Simd<T, N> x) {
  Simd<T, N> const positive = where_less(x, Simd<T, N>(T(0)), T(0), x);  // NaN stays NaN
  if constexpr (sizeof(T) == 8) {
    return positive + Simd<T, N>::generate(
                          [&](int i) { return Kokkos::log1p(Kokkos::exp(-Kokkos::abs(x[i]))); });
  } else {
    return positive + detail::log_of_normal(T(1) + detail::limited_exp(-abs(x)));
  }
}

/// Density and distribution function of N(0, 1) at x. In float the distribution function is
/// Abramowitz and Stegun 26.2.17, absolute error <= 3.2e-7.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void normal_density_and_distribution(Simd<T, N> x, Simd<T, N>& density,
                                                                 Simd<T, N>& distribution) {
  density = T(0.398942280401432678) * exp(T(-0.5) * x * x);
  if constexpr (sizeof(T) == 8) {
    distribution = Simd<T, N>::generate(
        [&](int i) { return T(0.5) * Kokkos::erfc(-x[i] * T(0.707106781186547524)); });
  } else {
    Simd<T, N> const t = T(1) / fma(abs(x), T(0.2316419f), T(1));
    Simd<T, N> const p =
        detail::horner(t, {1.330274429f, -1.821255978f, 1.781477937f, -0.356563782f, 0.319381530f});
    Simd<T, N> const tail = density * p * t;  // 1 - Phi(|x|)
    distribution          = where_less(x, T(0), tail, T(1) - tail);
  }
}

}  // namespace basin::tile

#endif
