// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_PACKED_PRODUCTS_HPP
#define BASIN_TILE_PACKED_PRODUCTS_HPP

#include <basin/tile/jet.hpp>
#include <basin/tile/matrix_unit_products.hpp>
#include <basin/tile/packing.hpp>
#include <basin/tile/place.hpp>

#include <cstddef>

namespace basin::tile {

/// A dense layer as a convolution: one position, one tap.
struct OneTap {
  static constexpr int positions = 1, taps = 1;
  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each(int, F const& f) {
    f(0, 0);
  }
};

/// Products of a tile with packed weights, by teams of many threads; see Context for the parameters
/// and for what epilogues are given.
template <class Team, class V, int T, int MR, int NR, class Read>
class PackedProducts {
  using Scalar                  = typename V::value_type;
  using P                       = typename V::simd_type;
  using place_type              = Place<V, T>;
  static constexpr int row_size = place_type::row_size, vectors = T / V::lanes;
  using packing = Packing<Scalar, layout_of(Team::tuning)>;

 public:
  /// Whether a team reads packed weights for these values. Matrix units take pairs of chains.
  static constexpr bool possible =
      !Team::serial && (MR & (MR - 1)) == 0 &&
      (!packing::fragments || (reads_reduced<Team::tuning, V, Read> && V::lanes >= 2));

  /// y[p] = sum over the taps (k, q) of p of W_k x[q].
  ///
  /// \param w  as Packing leaves it, for products with M results and K terms
  template <int M, int K, class Taps, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void multiply(Team const& team, Scalar const* w,
                                                   Scalar const* x, Epilogue const& epilogue) {
    if constexpr (packing::fragments) {
      MatrixUnitProducts<Team, V, T>::template multiply<M, K, Taps>(team, w, x, epilogue);
    } else {
      constexpr int near = near_positions<Taps>(), N = near * NR;
      using Block          = PositionBlock<Taps, near>;
      constexpr int groups = (M + MR - 1) / MR, vector_blocks = vectors / NR;
      constexpr int items = Block::count * groups * vector_blocks,
                    S     = splits(Team::tuning, items, K);
      if constexpr (S == 1 && 2 * items <= Team::tuning.items) {
        // Few items with few terms, where epilogues dominate: one row each.
        team.template each_product<1>(Taps::positions * M * vector_blocks, [&](int i, auto) {
          int const v = i % vector_blocks * NR * V::lanes, row = i / vector_blocks % M;
          int const p = i / vector_blocks / M;
          Read const start(epilogue.initial(row));
          Read sums[NR];
          BASIN_UNROLL for (int j = 0; j < NR; ++j) sums[j] = start;
          Taps::for_each(p, [&](int tap, int q) {
            Scalar const* const of_row = w +
                                         static_cast<std::size_t>(tap) * packing::numbers(M, K) +
                                         row % groups * MR + row / groups;
            for (int k = 0; k < K; ++k) {
              P const wk(of_row[k * groups * MR]);
              BASIN_UNROLL for (int j = 0; j < NR; ++j) sums[j] = fma(
                  wk,
                  tile::load<Read>(
                      x + (static_cast<std::size_t>(q) * K + k) * row_size + v + j * V::lanes, T),
                  sums[j]);
            }
          });
          BASIN_UNROLL for (int j = 0; j < NR; ++j)
              epilogue(place_type{p * M + row, v + j * V::lanes}, widen<V>(sums[j]));
        });
        return;
      }
      team.template each_product<S>(items, [&](int i, auto split) {
        using Parts = decltype(split);
        int const v = i % vector_blocks * NR * V::lanes;
        int const g = i / vector_blocks % groups;
        int const b = i / vector_blocks / groups;
        Read sums[Parts::slots][MR][N];
        split.parts([&](int part, int slot) {
          BASIN_UNROLL for (int r = 0; r < MR; ++r) {
            int const row = g + r * groups;
            Read const start(part == 0 && row < M ? epilogue.initial(row) : Scalar(0));
            BASIN_UNROLL for (int j = 0; j < N; ++j) sums[slot][r][j] = start;
          }
          Block::for_each(b, [&](int tap, int const(&q)[near]) {
            Scalar const* const of_tap =
                w + static_cast<std::size_t>(tap) * packing::numbers(M, K) + g * MR;
            if constexpr (near == 1) {
              accumulate<K, S, groups * MR, near, true>(sums[slot], of_tap, x + v, q, part);
            } else {
              bool all = true, any = false;
              BASIN_UNROLL for (int j = 0; j < near; ++j) {
                all = all && q[j] >= 0;
                any = any || q[j] >= 0;
              }
              if (all)
                accumulate<K, S, groups * MR, near, true>(sums[slot], of_tap, x + v, q, part);
              else if (any)
                accumulate<K, S, groups * MR, near, false>(sums[slot], of_tap, x + v, q, part);
            }
          });
        });
        split.template sum<MR, N>(sums, [&](int r, Read const(&total)[N]) {
          int const row = g + r * groups;
          if (row >= M) return;
          BASIN_UNROLL for (int n = 0; n < near; ++n) {
            int const p = Block::member(b, n);
            if (p < 0) continue;
            BASIN_UNROLL for (int j = 0; j < NR; ++j)
                epilogue(place_type{p * M + row, v + j * V::lanes}, widen<V>(total[n * NR + j]));
          }
        });
      });
    }
  }

 private:
  // Positions of an image that a thread computes at once: several where a tile has few chains, so
  // that each weight loaded serves 8 values.
  template <class Taps>
  static KOKKOS_FUNCTION constexpr int near_positions() {
    constexpr int at_once = NR * V::lanes * terms_of<Read>;
    if constexpr (requires { Taps::template blocks<2>; }) return at_once < 8 ? 8 / at_once : 1;
    return 1;
  }

  template <class Taps, int near>
  struct PositionBlock {
    static constexpr int count = Taps::template blocks<near>;
    static KOKKOS_FORCEINLINE_FUNCTION int member(int block, int n) {
      return Taps::template member<near>(block, n);
    }
    template <class F>
    static KOKKOS_FORCEINLINE_FUNCTION void for_each(int block, F const& f) {
      Taps::template for_each_of_block<near>(block, f);
    }
  };
  template <class Taps>
  struct PositionBlock<Taps, 1> {
    static constexpr int count = Taps::positions;
    static KOKKOS_FORCEINLINE_FUNCTION int member(int block, int) { return block; }
    template <class F>
    static KOKKOS_FORCEINLINE_FUNCTION void for_each(int block, F const& f) {
      Taps::for_each(block, [&](int tap, int position) {
        int const q[1] = {position};
        f(tap, q);
      });
    }
  };

  // Terms part, part + S, ... of the sums of MR rows at positions q of x; if not 'all', only of
  // those with q >= 0. The weights of the next few terms are loaded while the present ones are
  // multiplied: the L2 cache of a GPU is hundreds of cycles away.
  template <int K, int S, int Stride, int near, bool all>
  static KOKKOS_FORCEINLINE_FUNCTION void accumulate(Read (&sums)[MR][near * NR], Scalar const* w,
                                                     Scalar const* x, int const (&q)[near],
                                                     int part) {
    using Weights        = Simd<Scalar, MR>;
    constexpr int ahead  = near * NR == 1 && K / S >= 64 ? 8 : 4;  // as many as registers hold
    constexpr int groups = K / S / ahead;
    auto const weights   = [=](int i) {
      return tile::load<Weights>(w + static_cast<std::size_t>(i * S + part) * Stride);
    };
    Scalar const* from[near];
    BASIN_UNROLL for (int n = 0; n < near; ++n) from[n] =
        x + static_cast<std::size_t>(all || q[n] >= 0 ? q[n] : 0) * K * row_size;
    auto const add = [&](int i, Weights const& wk) {
      Read xk[near * NR];
      BASIN_UNROLL for (int n = 0; n < near; ++n) {
        BASIN_UNROLL for (int j = 0; j < NR; ++j) {
          Read const read = tile::load<Read>(from[n] + (i * S + part) * row_size + j * V::lanes, T);
          xk[n * NR + j]  = all || q[n] >= 0 ? read : Read(Scalar(0));
        }
      }
      BASIN_UNROLL for (int r = 0; r < MR; ++r) {
        BASIN_UNROLL for (int j = 0; j < near * NR; ++j) sums[r][j] =
            fma(P(wk[r]), xk[j], sums[r][j]);
      }
    };
    if constexpr (groups > 0) {
      Weights present[ahead], next[ahead];
      BASIN_UNROLL for (int a = 0; a < ahead; ++a) present[a] = weights(a);
      for (int g = 0; g < groups; ++g) {
        int const after = g + 1 < groups ? g + 1 : g;  // the last group loads itself again
        BASIN_UNROLL for (int a = 0; a < ahead; ++a) next[a] = weights(after * ahead + a);
        BASIN_UNROLL for (int a = 0; a < ahead; ++a) add(g * ahead + a, present[a]);
        BASIN_UNROLL for (int a = 0; a < ahead; ++a) present[a] = next[a];
      }
    }
    BASIN_UNROLL for (int i = groups * ahead; i < (K + S - 1) / S; ++i) {
      if (K % S == 0 || i * S + part < K) add(i, weights(i));
    }
  }
};

}  // namespace basin::tile

#endif
