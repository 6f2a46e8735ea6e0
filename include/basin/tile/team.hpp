// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_TEAM_HPP
#define BASIN_TILE_TEAM_HPP

#include <basin/tile/gpu.hpp>
#include <basin/tile/simd.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

// Who works on a tile. Teams share work items and wait at barriers; two kinds of items take several
// threads in lockstep, all of which one thread emulates on a host:
//
//   each_split<S>  a sum over k, of which each of S threads adds every S-th term
//   each_warp      a product of fragments that are spread over the 32 threads of a warp
//
// each_product is each_split for matrix products, which a team may run separately, see phases.hpp.

namespace basin::tile {

/// One of S threads that share the sums of a work item; or, where one thread emulates all (played),
/// each of them in turn.
template <int S, bool played>
class Split {
  static_assert(S > 0 && S <= 32 && (S & (S - 1)) == 0,
                "basin::tile::Split: 1, 2, 4, 8, 16 or 32 threads.");

 public:
  static constexpr int threads = S;
  static constexpr int slots   = played ? S : 1;  ///< threads whose sums this one holds

  KOKKOS_FORCEINLINE_FUNCTION explicit Split(int part = 0, bool valid = true)
      : part_(part), valid_(valid) {}

  /// f(part, slot) for each part that this thread holds.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void parts(F const& f) const {
    if constexpr (played)
      for (int p = 0; p < S; ++p) f(p, p);
    else
      f(part_, 0);
  }

  /// emit(row, total) for the rows that this thread finishes: the sum of the parts, the second half
  /// of them added to the first until one is left, for four (p_0 + p_2) + (p_1 + p_3): the same
  /// bits whichever thread adds. Overwrites the sums.
  template <int Rows, int N, class V, class Emit>
  KOKKOS_FORCEINLINE_FUNCTION void sum(V (&sums)[slots][Rows][N], Emit const& emit) const {
    if constexpr (S == 1) {
      BASIN_UNROLL for (int r = 0; r < Rows; ++r) emit(r, sums[0][r]);
    } else if constexpr (played) {
      for (int half = S / 2; half > 0; half /= 2)
        for (int p = 0; p < half; ++p)
          for (int r = 0; r < Rows; ++r)
            for (int j = 0; j < N; ++j) sums[p][r][j] = sums[p][r][j] + sums[p + half][r][j];
      BASIN_UNROLL for (int r = 0; r < Rows; ++r) emit(r, sums[0][r]);
    } else {
#if BASIN_DEVICE_PASS
      exchange<S, Rows, N>(sums[0], 0, valid_, emit);
#endif
    }
  }

 private:
#if BASIN_DEVICE_PASS
  // Halves at a time: each of two partners keeps half of the rows and gives the other half away;
  // both add to the last row, of which one is the owner. The first partner's part differs in the
  // highest bit.
  template <int Left, int Rows, int N, class V, class Emit>
  KOKKOS_FORCEINLINE_FUNCTION void exchange(V (&sums)[Rows][N], int first, bool owner,
                                            Emit const& emit) const {
    bool const upper = (part_ & (Left / 2)) != 0;
    if constexpr (Left == 1) {
      if (owner) {
        BASIN_UNROLL for (int r = 0; r < Rows; ++r) emit(first + r, sums[r]);
      }
    } else if constexpr (Rows == 1) {
      BASIN_UNROLL for (int j = 0; j < N; ++j) sums[0][j] =
          sums[0][j] + partner(sums[0][j], threads_in_step / S * (Left / 2));
      exchange<Left / 2>(sums, first, owner && !upper, emit);
    } else {
      static_assert(Rows % 2 == 0, "basin::tile::Split: rows must be a power of two.");
      constexpr int half = Rows / 2;
      V mine[half][N];
      BASIN_UNROLL for (int r = 0; r < half; ++r) {
        BASIN_UNROLL for (int j = 0; j < N; ++j) {
          V const keep = select(upper, sums[half + r][j], sums[r][j]);
          V const give = select(upper, sums[r][j], sums[half + r][j]);
          mine[r][j]   = keep + partner(give, threads_in_step / S * (Left / 2));
        }
      }
      exchange<Left / 2>(mine, first + (upper ? half : 0), owner, emit);
    }
  }
  template <class V>
  static KOKKOS_FORCEINLINE_FUNCTION V select(bool second, V b, V a) {
    V r;
    BASIN_UNROLL for (int k = 0; k < numbers_of<V>; ++k) number(r, k) =
        second ? number(b, k) : number(a, k);
    return r;
  }
  template <class V>
  static KOKKOS_FORCEINLINE_FUNCTION V partner(V v, int mask) {
    V r;
    BASIN_UNROLL for (int k = 0; k < numbers_of<V>; ++k) number(r, k) =
        of_partner(number(v, k), mask);
    return r;
  }
  template <class V>
  static constexpr int numbers_of = static_cast<int>(sizeof(V) / sizeof(typename V::value_type));
  // Vectors and series are arrays of values.
  template <class V>
  static KOKKOS_FORCEINLINE_FUNCTION auto& number(V& v, int k) {
    return reinterpret_cast<typename V::value_type*>(&v)[k];
  }
#endif

  int part_;
  bool valid_;
};

/// The 32 threads of a warp, or one thread that emulates them.
template <bool played>
struct Warp {
  static constexpr int slots = played ? 32 : 1;  ///< threads whose registers this one holds
  int lane                   = 0;

  /// f(lane, slot) for each thread that this one holds.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void lanes(F const& f) const {
    if constexpr (played)
      for (int l = 0; l < 32; ++l) f(l, l);
    else
      f(lane, 0);
  }
};

/// Teams that run the iterations of a loop one after the other.
struct InOrder {
  static constexpr bool products_elsewhere = false;  ///< see phases.hpp
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void repeat(int n, F const& f) const {
    for (int k = 0; k < n; ++k) f(k);
  }
};

/// One thread works on the tile alone.
template <Tuning tuned = Tuning{1, 1, 1, 1, 0}>
struct SerialTeam : InOrder {
  static constexpr bool serial   = true;
  static constexpr Tuning tuning = tuned;

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const& f) const {
    for (int i = 0; i < n; ++i) f(i);
  }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const {}
};

/// The threads of a Kokkos team share the tile.
template <class Member, Tuning tuned>
struct KokkosTeam : InOrder {
  static constexpr bool serial   = false;
  static constexpr Tuning tuning = tuned;
  Member const& member;

  KOKKOS_FORCEINLINE_FUNCTION explicit KokkosTeam(Member const& m) : member(m) {}

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const& f) const {
    Kokkos::parallel_for(Kokkos::TeamVectorRange(member, n), f);
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_split(int n, F const& f) const {
    each(n, [&](int i) { f(i, Split<S, true>()); });
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_product(int n, F const& f) const {
    each_split<S>(n, f);
  }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_warp(int n, F const& f) const {
    each(n, [&](int i) { f(i, Warp<true>()); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { member.team_barrier(); }
};

/// One of several threads that share work items: those of a GPU's block or grid. On a host one
/// thread emulates whole splits and warps.
template <Tuning tuned>
class Threads {
 public:
  static constexpr bool serial   = false;
  static constexpr Tuning tuning = tuned;
  static constexpr int warp      = threads_in_step;

  KOKKOS_FORCEINLINE_FUNCTION Threads(int index, int count) : index_(index), count_(count) {}

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const& f) const {
    for (int i = index_; i < n; i += count_) f(i);
  }
  // Neighboring threads work on neighboring items, so that what they read is contiguous; a warp
  // stays together, its threads without an item repeat the last one.
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_split(int n, F const& f) const {
#if BASIN_DEVICE_PASS
    if constexpr (S == 1) {
      each(n, [&](int i) { f(i, Split<1, false>()); });
    } else {
      constexpr int items = warp / S;
      int const lane      = index_ % warp;
      for (int first = index_ / warp * items; first < n; first += count_ / S) {
        int const i = first + lane % items;
        f(i < n ? i : n - 1, Split<S, false>(lane / items, i < n));
      }
    }
#else
    each(n, [&](int i) { f(i, Split<S, true>()); });
#endif
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_product(int n, F const& f) const {
    each_split<S>(n, f);
  }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_warp(int n, F const& f) const {
#if BASIN_MATRIX_UNITS
    for (int i = index_ / 32; i < n; i += count_ / 32) f(i, Warp<false>{index_ % 32});
#else
    each(n, [&](int i) { f(i, Warp<true>()); });
#endif
  }

 private:
  int index_, count_;
};

/// The threads of one block of a GPU share the tile.
template <Tuning tuned>
struct BlockTeam : Threads<tuned>, InOrder {
  static constexpr int threads = tuned.team;
  static_assert(threads % threads_in_step == 0,
                "basin::tile::Tuning: on a GPU 'team' must be a multiple of a warp's threads, 32, "
                "or 64 of AMD's.");

  KOKKOS_FORCEINLINE_FUNCTION BlockTeam() : Threads<tuned>(index(), threads) {}
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const {
#if BASIN_DEVICE_PASS
    wait_for_block();
#endif
  }

 private:
  static KOKKOS_FORCEINLINE_FUNCTION int index() {
#if BASIN_DEVICE_PASS
    return thread_of_block();
#else
    return 0;
#endif
  }
};

}  // namespace basin::tile

#endif
