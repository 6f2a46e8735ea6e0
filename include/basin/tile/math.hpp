// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_MATH_HPP
#define BASIN_TILE_MATH_HPP

#include <basin/tile/detail/double_math.hpp>
#include <basin/tile/detail/polynomial.hpp>

// Elementary functions over vectors: polynomials of our own choice, since no compiler vectorizes
// libm here, and so that every backend gives the same bits. Coefficients of exp, log, tanh, sin and
// cos in float: S. Moshier, Cephes library, single precision; in double see double_math.hpp.
// 'error' is the largest observed over the stated range, of float against libm in double, of double
// against libm in long double.

namespace basin::tile {

namespace detail {

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

// p 2^n for n in [-126, 128]: 2^128 is no float.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> times_power_of_two(Simd<T, N> p, Simd<std::int32_t, N> n) {
  Simd<std::int32_t, N> const half = n >> 1;
  return p * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// x from which e^x is infinite, and 1 / e^x is 0, in exp_up_to_end.
template <class T>
inline constexpr T exp_end = sizeof(T) == 8 ? 710 : 89;
// ln of the least normal number; in float a little more.
template <class T>
inline constexpr T exp_start = sizeof(T) == 8 ? T(-708.39641853226408) : T(-87.3f);

// e^x for x <= exp_end, infinite from 88.4 on, in double from 709.4, and e^exp_start below
// exp_start.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> exp_up_to_end(Simd<T, N> x) {
  T const start = exp_start<T>;
  Simd<signed_of<T>, N> n;
  Simd<T, N> const p = exp_of_rest(where_less(x, start, start, x), n);
  return p * power_of_two<T>(n);
}

// As this for any x: where e^x is added to a number, or divides one.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> limited_exp(Simd<T, N> x) {
  T const end = exp_end<T>;
  return exp_up_to_end(where_less(Simd<T, N>(end), x, end, x));
}

}  // namespace detail

/// e^x; error <= 1.02 ulp, in double 1.1 ulp, where the result is a normal number, and 0 below that.
/// +inf on overflow; NaN stays NaN.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> exp(Simd<T, N> x) {
  T const start = detail::exp_start<T>, end = detail::exp_end<T>;
  Simd<detail::signed_of<T>, N> n;
  Simd<T, N> const p = detail::exp_of_rest(clamp(x, start, end), n);
  return where_less(x, start, T(0), detail::times_power_of_two(p, n));
}

namespace detail {

// ln x for normal x > 0 alone.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> log_of_normal(Simd<T, N> x) {
  using I             = std::int32_t;
  Simd<I, N> const ix = bits<I>(x);
  Simd<I, N> const e  = (ix - Simd<I, N>(0x3f3504f3)) >> 23;  // x = m 2^e, m in [1/sqrt 2, sqrt 2)
  Simd<T, N> const m  = bits<T>(ix - (e << 23)) - T(1);
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

}  // namespace detail

/// ln x; error <= 1 ulp for normal x, in double for subnormal x too. -inf at 0 and NaN below it; NaN
/// stays NaN.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> log(Simd<T, N> x) {
  using V         = Simd<T, N>;
  T constexpr inf = Kokkos::Experimental::infinity_v<T>, nan = Kokkos::Experimental::quiet_NaN_v<T>,
              max    = Kokkos::Experimental::finite_max_v<T>;
  V const at_least_0 = where_less(x, V(T(0)), V(nan), x - V(inf));  // of those that are not > 0
  V of_positive;
  if constexpr (sizeof(T) == 8) {
    T constexpr least = Kokkos::Experimental::norm_min_v<T>;
    of_positive       = detail::log_of_normal(where_less(x, V(least), x * T(0x1p54), x)) -
                  where_less(x, V(least), V(T(37.429947750237048)), V(T(0)));  // 54 ln 2
  } else {
    of_positive = detail::log_of_normal(x);
  }
  V const finite = where_less(V(T(0)), x, of_positive, at_least_0);
  return where_less(V(max), x, x, finite);
}

/// sin and cos of the angle 2 pi turns / 2^32; absolute error <= 1.3e-7, in double 2e-16.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void sin_cos_turns(Simd<std::uint32_t, N> turns, Simd<T, N>& sine,
                                               Simd<T, N>& cosine) {
  if constexpr (sizeof(T) == 8) {
    detail::sin_cos_of_turns(convert<T>(turns), sine, cosine);
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

/// The logistic function 1 / (1 + e^-x); error <= 2.5 ulp on [-30, 30], in double on [-708, 708],
/// and 0 from -88.4 on, in double from -709.4.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> sigmoid(Simd<T, N> x) {
  return Simd<T, N>(T(1)) / (Simd<T, N>(T(1)) + detail::limited_exp(-x));
}

/// tanh x, exactly odd; in float absolute error <= 8e-8, in double error <= 2.6 ulp.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> tanh(Simd<T, N> x) {
  if constexpr (sizeof(T) == 8) {
    return detail::tanh_of_double(x);
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

/// ln(1 + e^x), with no overflow; in float absolute error <= 1.4e-7 max(1, x), in double error
/// <= 2 ulp, and 0 where e^x is no normal number.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> softplus(Simd<T, N> x) {
  Simd<T, N> const positive = where_less(x, Simd<T, N>(T(0)), T(0), x);  // NaN stays NaN
  Simd<T, N> const size     = -abs(x);
  if constexpr (sizeof(T) == 8) {
    T const start = detail::exp_start<T>;
    return positive +
           detail::log_one_plus(where_less(size, start, T(0), detail::exp_up_to_end(size)));
  } else {
    return positive + detail::log_of_normal(T(1) + detail::limited_exp(size));
  }
}

/// Density and distribution function of N(0, 1) at x. In float the distribution function is
/// Abramowitz and Stegun 26.2.17, absolute error <= 3.2e-7. In double the error of the density is
/// <= 2.8 ulp, of the distribution function <= 5.2 ulp, up to |x| = 37.6, beyond which the tail is
/// 0.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void normal_density_and_distribution(Simd<T, N> x, Simd<T, N>& density,
                                                                 Simd<T, N>& distribution) {
  T constexpr scale = 0.398942280401432678;  // 1 / sqrt(2 pi)
  if constexpr (sizeof(T) == 8) {
    using V      = Simd<T, N>;
    V const y    = clamp(x, T(-38), T(38));
    V const half = T(-0.5) * y, u = half * y;
    V const d    = scale * exp(u);
    density      = fma(d, fma(half, y, -u), d);  // with what u's rounding has lost
    V const tail = density * detail::mills_ratio(abs(y));
    distribution = where_less(y, T(0), tail, T(1) - tail);
  } else {
    density            = scale * exp(T(-0.5) * x * x);
    Simd<T, N> const t = T(1) / fma(abs(x), T(0.2316419f), T(1));
    Simd<T, N> const p =
        detail::horner(t, {1.330274429f, -1.821255978f, 1.781477937f, -0.356563782f, 0.319381530f});
    Simd<T, N> const tail = density * p * t;  // 1 - Phi(|x|)
    distribution          = where_less(x, T(0), tail, T(1) - tail);
  }
}

}  // namespace basin::tile

#endif
