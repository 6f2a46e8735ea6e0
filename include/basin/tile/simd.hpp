// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_SIMD_HPP
#define BASIN_TILE_SIMD_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_BitManipulation.hpp>
#include <Kokkos_Macros.hpp>
#include <Kokkos_MathematicalFunctions.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>

// Device passes have no vector types; there a Simd is an array that the compiler keeps in
// registers.
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__CUDA_ARCH__) && \
    !defined(__HIP_DEVICE_COMPILE__)
#define BASIN_NATIVE_PACK 1
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(__x86_64__) && !defined(__FMA__)
#pragma message( \
    "basin: this machine code has no fused multiply-add; add '-march=native' (or '-march=x86-64-v3'), otherwise basin is right but many times slower")
#endif
#else
#define BASIN_NATIVE_PACK 0
#endif

#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define BASIN_UNROLL _Pragma("unroll")
#define BASIN_UNROLL_BY_4 _Pragma("unroll 4")
#elif defined(__clang__)
#define BASIN_UNROLL _Pragma("clang loop unroll(full)")
#define BASIN_UNROLL_BY_4 _Pragma("unroll 4")
#elif defined(__CUDACC__)
#define BASIN_UNROLL
#define BASIN_UNROLL_BY_4
#else
#define BASIN_UNROLL _Pragma("GCC unroll 32")
#define BASIN_UNROLL_BY_4 _Pragma("GCC unroll 4")
#endif

namespace basin::tile {

namespace detail {

template <class T, int N, bool Native>
struct PackStorage {
  T v[N];
};

#if BASIN_NATIVE_PACK
template <class T, int N>
struct PackStorage<T, N, true> {
  typedef T native __attribute__((vector_size(N * sizeof(T)), may_alias));
  native v;
};
#endif

template <class T>
using signed_of = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;

}  // namespace detail

/// N values of one type, one for each lane: on a host one SIMD register (a compiler vector), on a
/// device N registers. Arithmetic is lane by lane. Layers and primitives are written over it, so
/// that one source serves every backend.
template <class T, int N>
struct alignas(sizeof(T) * N) Simd : detail::PackStorage<T, N, (BASIN_NATIVE_PACK && N > 1)> {
  static_assert((N & (N - 1)) == 0, "basin::tile::Simd<T, N>: N must be a power of two.");
  using value_type             = T;
  using simd_type              = Simd;
  static constexpr int lanes   = N;
  static constexpr int order   = 0;  ///< a value, not a series: see tile::Jet
  static constexpr bool native = BASIN_NATIVE_PACK && N > 1;

  Simd() = default;

  /// Every lane = s. Written as a list: 'vector{} + s' keeps a zero register alive and adds to it.
  KOKKOS_FORCEINLINE_FUNCTION Simd(T s) { fill(s, std::make_integer_sequence<int, N>{}); }

  KOKKOS_FORCEINLINE_FUNCTION T operator[](int lane) const { return this->v[lane]; }
  KOKKOS_FORCEINLINE_FUNCTION void set(int lane, T s) { this->v[lane] = s; }

  /// f(lane) for every lane.
  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION Simd generate(F const& f) {
    return generate(f, std::make_integer_sequence<int, N>{});
  }

#define BASIN_SIMD_OPERATOR(op)                                           \
  friend KOKKOS_FORCEINLINE_FUNCTION Simd operator op(Simd a, Simd b) {   \
    Simd r;                                                               \
    if constexpr (native)                                                 \
      r.v = a.v op b.v;                                                   \
    else {                                                                \
      BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = a.v[i] op b.v[i]; \
    }                                                                     \
    return r;                                                             \
  }
  BASIN_SIMD_OPERATOR(+)
  BASIN_SIMD_OPERATOR(-)
  BASIN_SIMD_OPERATOR(*)
  BASIN_SIMD_OPERATOR(/)
  BASIN_SIMD_OPERATOR(&)
  BASIN_SIMD_OPERATOR(|)
  BASIN_SIMD_OPERATOR(^)
#undef BASIN_SIMD_OPERATOR
  friend KOKKOS_FORCEINLINE_FUNCTION Simd& operator+=(Simd& a, Simd b) { return a = a + b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Simd& operator-=(Simd& a, Simd b) { return a = a - b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Simd& operator*=(Simd& a, Simd b) { return a = a * b; }
  friend KOKKOS_FORCEINLINE_FUNCTION Simd& operator/=(Simd& a, Simd b) { return a = a / b; }

#define BASIN_PACK_SHIFT(op)                                              \
  friend KOKKOS_FORCEINLINE_FUNCTION Simd operator op(Simd a, int bits) { \
    Simd r;                                                               \
    if constexpr (native)                                                 \
      r.v = a.v op bits;                                                  \
    else {                                                                \
      BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = a.v[i] op bits;   \
    }                                                                     \
    return r;                                                             \
  }
  BASIN_PACK_SHIFT(<<)
  BASIN_PACK_SHIFT(>>)
#undef BASIN_PACK_SHIFT

  friend KOKKOS_FORCEINLINE_FUNCTION Simd operator-(Simd a) {
    Simd r;
    if constexpr (native)
      r.v = -a.v;
    else {
      BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = -a.v[i];
    }
    return r;
  }

 private:
  template <int... I>
  KOKKOS_FORCEINLINE_FUNCTION void fill(T s, std::integer_sequence<int, I...>) {
    if constexpr (native)
      this->v = typename detail::PackStorage<T, N, native>::native{((void)I, s)...};
    else
      ((this->v[I] = s), ...);
  }
  // In order. A list too: lanes set one by one would start from an uninitialized vector.
  template <class F, int... I>
  static KOKKOS_FORCEINLINE_FUNCTION Simd generate(F const& f, std::integer_sequence<int, I...>) {
    Simd r;
    if constexpr (native)
      r.v = typename detail::PackStorage<T, N, native>::native{f(I)...};
    else
      ((r.v[I] = f(I)), ...);
    return r;
  }
};

template <class T>
inline constexpr bool is_pack = false;
template <class T, int N>
inline constexpr bool is_pack<Simd<T, N>> = true;

/// The vector of another type with the lanes of V.
template <class V, class T>
using rebind = Simd<T, V::lanes>;

/// N values from p, which is aligned to the vector.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V load(typename V::value_type const* p) {
  return *reinterpret_cast<V const*>(p);
}

template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void store(T* p, Simd<T, N> a) {
  *reinterpret_cast<Simd<T, N>*>(p) = a;
}

/// As load and store, of any alignment.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V load_unaligned(typename V::value_type const* p) {
#if BASIN_NATIVE_PACK
  if constexpr (V::native) {
    typedef decltype(V::v) any_address __attribute__((aligned(1), may_alias));
    V r;
    r.v = *reinterpret_cast<any_address const*>(p);
    return r;
  }
#endif
  return V::generate([=](int i) { return p[i]; });
}

template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void store_unaligned(T* p, Simd<T, N> a) {
#if BASIN_NATIVE_PACK
  if constexpr (N > 1) {
    typedef decltype(a.v) any_address __attribute__((aligned(1), may_alias));
    *reinterpret_cast<any_address*>(p) = a.v;
    return;
  }
#endif
  BASIN_UNROLL for (int i = 0; i < N; ++i) p[i] = a.v[i];
}

namespace detail {

// Swaps the Step x Step blocks beside the diagonal of every 2 Step x 2 Step block.
template <int Step, class T, int N, int... L>
KOKKOS_FORCEINLINE_FUNCTION void swap_blocks(Simd<T, N>& a, Simd<T, N>& b,
                                             std::integer_sequence<int, L...>) {
  Simd<T, N> const x = a, y = b;
  if constexpr (!Simd<T, N>::native) {
    ((a.v[L] = (L & Step) ? y.v[L - (L & Step)] : x.v[L]), ...);
    ((b.v[L] = (L & Step) ? y.v[L] : x.v[(L + Step) % N]), ...);
  } else {
#if BASIN_NATIVE_PACK
#if defined(__clang__)
    a.v = __builtin_shufflevector(x.v, y.v, ((L & Step) ? N + L - Step : L)...);
    b.v = __builtin_shufflevector(x.v, y.v, ((L & Step) ? N + L : L + Step)...);
#else
    // g++ cannot read __builtin_shufflevector with an expanded parameter pack in nvcc's output.
    using lanes = typename PackStorage<signed_of<T>, N, true>::native;
    a.v         = __builtin_shuffle(x.v, y.v, lanes{((L & Step) ? N + L - Step : L)...});
    b.v         = __builtin_shuffle(x.v, y.v, lanes{((L & Step) ? N + L : L + Step)...});
#endif
#endif
  }
}

template <int Step, class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void transpose_blocks(Simd<T, N> (&a)[N]) {
  if constexpr (Step > 0) {
    BASIN_UNROLL for (int i = 0; i < N; ++i) {
      if ((i & Step) == 0)
        swap_blocks<Step>(a[i], a[i + Step], std::make_integer_sequence<int, N>{});
    }
    transpose_blocks<Step / 2>(a);
  }
}

}  // namespace detail

/// Lane j of vector i becomes lane i of vector j: log2 N rounds of N shuffles.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION void transpose(Simd<T, N> (&a)[N]) {
  detail::transpose_blocks<N / 2>(a);
}

/// Lane numbers 0, 1, ..., N-1.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V lane_numbers() {
  return V::generate([](int i) { return static_cast<typename V::value_type>(i); });
}

/// a b + c, rounded once. Every multiply-add of basin is written with it, so that contexts that
/// compile to different instructions still give the same bits.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> fma(Simd<T, N> a, std::type_identity_t<Simd<T, N>> b,
                                           std::type_identity_t<Simd<T, N>> c) {
  Simd<T, N> r;
#if BASIN_NATIVE_PACK && defined(__FMA__)
  using v = typename detail::PackStorage<T, N, (N > 1)>;
  if constexpr (N > 1) {
    using native = typename v::native;
    if constexpr (std::is_same_v<T, float> && N == 4)
      return r.v = (native)_mm_fmadd_ps((__m128)a.v, (__m128)b.v, (__m128)c.v), r;
    if constexpr (std::is_same_v<T, float> && N == 8)
      return r.v = (native)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v), r;
    if constexpr (std::is_same_v<T, double> && N == 2)
      return r.v = (native)_mm_fmadd_pd((__m128d)a.v, (__m128d)b.v, (__m128d)c.v), r;
    if constexpr (std::is_same_v<T, double> && N == 4)
      return r.v = (native)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v), r;
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float> && N == 16)
      return r.v = (native)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v), r;
    if constexpr (std::is_same_v<T, double> && N == 8)
      return r.v = (native)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v), r;
#endif
  }
#endif
  BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = Kokkos::fma(a.v[i], b.v[i], c.v[i]);
  return r;
}

template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> sqrt(Simd<T, N> a) {
  Simd<T, N> r;
#if BASIN_NATIVE_PACK && defined(__AVX2__)
  if constexpr (N > 1) {
    using native = typename detail::PackStorage<T, N, true>::native;
    if constexpr (std::is_same_v<T, float> && N == 8)
      return r.v = (native)_mm256_sqrt_ps((__m256)a.v), r;
    if constexpr (std::is_same_v<T, double> && N == 4)
      return r.v = (native)_mm256_sqrt_pd((__m256d)a.v), r;
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<T, float> && N == 16)
      return r.v = (native)_mm512_maskz_sqrt_ps(0xFFFF, (__m512)a.v), r;
    if constexpr (std::is_same_v<T, double> && N == 8)
      return r.v = (native)_mm512_maskz_sqrt_pd(0xFF, (__m512d)a.v), r;
#endif
  }
#endif
  BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = Kokkos::sqrt(a.v[i]);
  return r;
}

/// The bits of a as To (a type of the same size), lane by lane.
template <class To, class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<To, N> bits(Simd<T, N> a) {
  static_assert(sizeof(To) == sizeof(T));
  Simd<To, N> r;
  if constexpr (Simd<T, N>::native)
    r.v = (decltype(r.v))a.v;
  else {
    BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = Kokkos::bit_cast<To>(a.v[i]);
  }
  return r;
}

/// The values of a converted to To, lane by lane.
template <class To, class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<To, N> convert(Simd<T, N> a) {
  Simd<To, N> r;
#if BASIN_NATIVE_PACK
  if constexpr (N > 1) {
    r.v = __builtin_convertvector(a.v, typename detail::PackStorage<To, N, true>::native);
    return r;
  }
#endif
  BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = static_cast<To>(a.v[i]);
  return r;
}

/// a < b ? x : y, lane by lane; a comparison with NaN is false.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> where_less(Simd<T, N> a, std::type_identity_t<Simd<T, N>> b,
                                                  std::type_identity_t<Simd<T, N>> x,
                                                  std::type_identity_t<Simd<T, N>> y) {
  Simd<T, N> r;
  if constexpr (Simd<T, N>::native)
    r.v = a.v < b.v ? x.v : y.v;
  else {
    BASIN_UNROLL for (int i = 0; i < N; ++i) r.v[i] = a.v[i] < b.v[i] ? x.v[i] : y.v[i];
  }
  return r;
}

/// x limited to [lower, upper]. NaN stays NaN: a diverged chain must not hide behind a bound.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> clamp(Simd<T, N> x, T lower, T upper) {
  Simd<T, N> const a = where_less(x, Simd<T, N>(lower), Simd<T, N>(lower), x);
  return where_less(Simd<T, N>(upper), a, Simd<T, N>(upper), a);
}

template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> abs(Simd<T, N> a) {
  using I = detail::signed_of<T>;
  return bits<T>(bits<I>(a) &
                 Simd<I, N>(static_cast<I>(~(std::uint64_t(1) << (8 * sizeof(T) - 1)))));
}

}  // namespace basin::tile

#endif
