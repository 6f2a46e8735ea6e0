// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_JET_HPP
#define BASIN_TILE_JET_HPP

#include <basin/tile/math.hpp>

namespace basin::tile {

/// A Taylor series along a line, truncated after its term of degree Order:
///
///   x(e) = c[0] + c[1] e + ... + c[Order] e^Order + O(e^(Order+1))
///
/// Arithmetic is that of truncated series (Griewank and Walther 2008, "Evaluating Derivatives",
/// chapter 13), so that code which is written for vectors also gives derivatives: an energy at the
/// jet x + e u gives E, u.grad E and u.H u / 2, and its gradient at that jet grad E and H u.
///
/// Comparisons use c[0] only.
///
/// \tparam V      a Simd
/// \tparam Order  1 or 2
template <class V, int Order>
struct Jet {
  static_assert(Order == 1 || Order == 2, "basin::tile::Jet<V, Order>: Order must be 1 or 2.");
  using value_type           = typename V::value_type;
  using simd_type            = V;
  static constexpr int lanes = V::lanes;
  static constexpr int order = Order;

  V c[Order + 1];

  Jet() = default;
  /// A constant.
  KOKKOS_FORCEINLINE_FUNCTION Jet(V constant) {
    c[0]                                               = constant;
    BASIN_UNROLL for (int k = 1; k <= Order; ++k) c[k] = V(value_type(0));
  }
  KOKKOS_FORCEINLINE_FUNCTION Jet(value_type constant) : Jet(V(constant)) {}

  /// c[0] of one lane.
  KOKKOS_FORCEINLINE_FUNCTION value_type operator[](int lane) const { return c[0][lane]; }

  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator+(Jet a, Jet b) {
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) a.c[k] = a.c[k] + b.c[k];
    return a;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator-(Jet a, Jet b) {
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) a.c[k] = a.c[k] - b.c[k];
    return a;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator-(Jet a) {
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) a.c[k] = -a.c[k];
    return a;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator*(Jet a, Jet b) {
    Jet r;
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) {
      r.c[k]                                           = a.c[0] * b.c[k];
      BASIN_UNROLL for (int i = 1; i <= k; ++i) r.c[k] = fma(a.c[i], b.c[k - i], r.c[k]);
    }
    return r;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator*(V a, Jet b) {
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) b.c[k] = a * b.c[k];
    return b;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator*(Jet a, V b) { return b * a; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator*(value_type a, Jet b) { return V(a) * b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator*(Jet a, value_type b) { return V(b) * a; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet operator/(Jet a, Jet b) {
    BASIN_UNROLL for (int k = 0; k <= Order; ++k) {
      BASIN_UNROLL for (int i = 1; i <= k; ++i) a.c[k] = fma(-b.c[i], a.c[k - i], a.c[k]);
      a.c[k]                                           = a.c[k] / b.c[0];
    }
    return a;
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet& operator+=(Jet& a, Jet b) { return a = a + b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet& operator-=(Jet& a, Jet b) { return a = a - b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet& operator*=(Jet& a, Jet b) { return a = a * b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Jet& operator/=(Jet& a, Jet b) { return a = a / b; }
};

/// a b + c
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> fma(Jet<V, K> a, std::type_identity_t<Jet<V, K>> b,
                                          std::type_identity_t<Jet<V, K>> c) {
  BASIN_UNROLL for (int k = 0; k <= K; ++k) {
    BASIN_UNROLL for (int i = 0; i <= k; ++i) c.c[k] = fma(a.c[i], b.c[k - i], c.c[k]);
  }
  return c;
}
template <class T, int N, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<Simd<T, N>, K> fma(Simd<T, N> a, Jet<Simd<T, N>, K> b,
                                                   Jet<Simd<T, N>, K> c) {
  BASIN_UNROLL for (int k = 0; k <= K; ++k) c.c[k] = fma(a, b.c[k], c.c[k]);
  return c;
}

/// f(x) from f[0], f[1], ..., the derivatives of f at x.c[0]: Faa di Bruno's formula.
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> compose(Jet<V, K> x, V const* f) {
  using T = typename V::value_type;
  Jet<V, K> r;
  r.c[0] = f[0];
  r.c[1] = f[1] * x.c[1];
  if constexpr (K > 1) r.c[2] = fma(V(T(0.5)) * f[2] * x.c[1], x.c[1], f[1] * x.c[2]);
  return r;
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> sqrt(Jet<V, K> a) {
  using T      = typename V::value_type;
  a.c[0]       = sqrt(a.c[0]);
  V const half = V(T(0.5)) / a.c[0];
  a.c[1]       = half * a.c[1];
  if constexpr (K > 1) a.c[2] = half * fma(-a.c[1], a.c[1], a.c[2]);
  return a;
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> exp(Jet<V, K> x) {
  V const e    = exp(x.c[0]);
  V const f[3] = {e, e, e};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> log(Jet<V, K> x) {
  V const inverse = V(typename V::value_type(1)) / x.c[0];
  V const f[3]    = {log(x.c[0]), inverse, -inverse * inverse};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> sin(Jet<V, K> x) {
  V const s = sin(x.c[0]), f[3] = {s, cos(x.c[0]), -s};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> cos(Jet<V, K> x) {
  V const c = cos(x.c[0]), f[3] = {c, -sin(x.c[0]), -c};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> sigmoid(Jet<V, K> x) {
  V const one(typename V::value_type(1)), s = sigmoid(x.c[0]), slope = s * (one - s);
  V const f[3] = {s, slope, slope * (one - s - s)};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> tanh(Jet<V, K> x) {
  V const t = tanh(x.c[0]), slope = fma(-t, t, V(typename V::value_type(1)));
  V const f[3] = {t, slope, -(t + t) * slope};
  return compose(x, f);
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> softplus(Jet<V, K> x) {
  V const s    = sigmoid(x.c[0]);
  V const f[3] = {softplus(x.c[0]), s, s * (V(typename V::value_type(1)) - s)};
  return compose(x, f);
}

/// a < b ? x : y
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> where_less(Jet<V, K> a, std::type_identity_t<Jet<V, K>> b,
                                                 std::type_identity_t<Jet<V, K>> x,
                                                 std::type_identity_t<Jet<V, K>> y) {
  BASIN_UNROLL for (int k = 0; k <= K; ++k) x.c[k] = where_less(a.c[0], b.c[0], x.c[k], y.c[k]);
  return x;
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> abs(Jet<V, K> a) {
  return where_less(a, Jet<V, K>(typename V::value_type(0)), -a, a);
}

/// The last coefficient, that of the requested derivative; of a vector, the vector itself.
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION V last(Jet<V, K> a) {
  return a.c[K];
}
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> last(Simd<T, N> a) {
  return a;
}

/// Coefficient k; of a vector, the vector itself.
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION V coefficient(Jet<V, K> a, int k) {
  return a.c[k];
}
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> coefficient(Simd<T, N> a, int) {
  return a;
}

/// A series without its first term, x(e) - x(0): what is left to compute where x(0) is known.
template <class V, int Order>
struct Tail {
  using value_type           = typename V::value_type;
  using simd_type            = V;
  static constexpr int lanes = V::lanes;
  static constexpr int order = Order;

  V c[Order];

  Tail() = default;
  /// Of a constant: 0.
  KOKKOS_FORCEINLINE_FUNCTION explicit Tail(V) {
    BASIN_UNROLL for (int k = 0; k < Order; ++k) c[k] = V(value_type(0));
  }
};

template <class T, int N, int K>
KOKKOS_FORCEINLINE_FUNCTION Tail<Simd<T, N>, K> fma(Simd<T, N> a, Tail<Simd<T, N>, K> b,
                                                    Tail<Simd<T, N>, K> c) {
  BASIN_UNROLL for (int k = 0; k < K; ++k) c.c[k] = fma(a, b.c[k], c.c[k]);
  return c;
}

template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Tail<V, K> operator+(Tail<V, K> a, Tail<V, K> b) {
  BASIN_UNROLL for (int k = 0; k < K; ++k) a.c[k] = a.c[k] + b.c[k];
  return a;
}

/// first + tail
template <class V, int K>
KOKKOS_FORCEINLINE_FUNCTION Jet<V, K> join(V first, Tail<V, K> tail) {
  Jet<V, K> r;
  r.c[0]                                           = first;
  BASIN_UNROLL for (int k = 1; k <= K; ++k) r.c[k] = tail.c[k - 1];
  return r;
}

template <class V>
inline constexpr bool is_tail = false;
template <class V, int K>
inline constexpr bool is_tail<Tail<V, K>> = true;

namespace detail {
template <class V>
struct OneLane {
  using type = Simd<typename V::value_type, 1>;
};
template <class V, int K>
struct OneLane<Jet<V, K>> {
  using type = Jet<Simd<typename V::value_type, 1>, K>;
};
}  // namespace detail

/// The vector, or the jet of vectors, with one lane.
template <class V>
using one_lane = typename detail::OneLane<V>::type;

/// Number of coefficients of a vector, a jet or the tail of a jet.
template <class V>
inline constexpr int terms_of = V::order + 1 - (is_tail<V> ? 1 : 0);

/// Jets in memory: coefficients are 'distance' values apart.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V load(typename V::value_type const* p, int distance) {
  if constexpr (V::order == 0) {
    return load<V>(p);
  } else if constexpr (is_tail<V>) {
    V r;
    BASIN_UNROLL for (int k = 0; k < V::order; ++k) r.c[k] =
        load<typename V::simd_type>(p + (k + 1) * distance);
    return r;
  } else {
    V r;
    BASIN_UNROLL for (int k = 0; k <= V::order; ++k) r.c[k] =
        load<typename V::simd_type>(p + k * distance);
    return r;
  }
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void store(typename V::value_type* p, V v, int distance) {
  if constexpr (V::order == 0) {
    store(p, v);
  } else {
    BASIN_UNROLL for (int k = 0; k <= V::order; ++k) store(p + k * distance, v.c[k]);
  }
}

/// V truncated after its term of degree Order.
template <class V, int Order>
struct Cut {
  using type = Jet<typename V::simd_type, Order>;
};
template <class V>
struct Cut<V, 0> {
  using type = typename V::simd_type;
};
template <class V, int Order>
using cut = typename Cut<V, (Order < V::order ? Order : V::order)>::type;

/// A shorter series as V: missing terms are 0. A tail stays a tail.
template <class V, class Short>
KOKKOS_FORCEINLINE_FUNCTION auto widen(Short a) {
  if constexpr (is_tail<Short> || Short::order == V::order) {
    return a;
  } else {
    V r(coefficient(a, 0));
    BASIN_UNROLL for (int k = 1; k <= Short::order; ++k) r.c[k] = coefficient(a, k);
    return r;
  }
}

}  // namespace basin::tile

#endif
