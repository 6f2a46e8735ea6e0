// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_ROW_MAJOR_PRODUCTS_HPP
#define BASIN_TILE_ROW_MAJOR_PRODUCTS_HPP

#include <basin/tile/jet.hpp>
#include <basin/tile/matrix_unit.hpp>
#include <basin/tile/place.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace basin::tile {

/// How M rows are cut into register blocks of MR: the remainder is never a block of fewer than
/// MR / 2 rows, because a thin block leaves the multiply-add pipes idle.
template <int M, int MR>
struct RowBlocks {
  static constexpr int remainder = M % MR;
  static constexpr bool merge    = (remainder > 0) && (remainder < MR / 2 + 1) && (M > MR);
  static constexpr int full      = M / MR - (merge ? 1 : 0);
  static constexpr int tail      = M - full * MR;  // 0, or in (MR / 2, 3 MR / 2]
  static constexpr int tail1     = merge ? (tail + 1) / 2 : tail;
  static constexpr int tail2     = merge ? tail / 2 : 0;
};
/// Products of a tile with weights in their natural order, in register blocks of MR rows and NR
/// vectors; see Context for the parameters and for what epilogues are given.
template <class Team, class V, int T, int MR, int NR, class Read>
class RowMajorProducts {
  using Scalar                  = typename V::value_type;
  using P                       = typename V::simd_type;
  using place_type              = Place<V, T>;
  static constexpr int row_size = place_type::row_size, vectors = T / V::lanes;

 public:
  /// y[m] = sum_k w[m RowStride + k StepStride] x[k], for M rows m.
  template <int M, int K, int RowStride, int StepStride, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void dense(Team const& team, Scalar const* w, Scalar const* x,
                                                Epilogue const& epilogue) {
    constexpr int vector_blocks = vectors / NR;
    if constexpr (Team::serial) {
      using blocks = RowBlocks<M, MR>;
      for (int v = 0; v < vectors; v += NR) {
        int row = 0;
        for (int b = 0; b < blocks::full; ++b, row += MR)
          row_block<MR, K, RowStride, StepStride>(w, x, row, v, epilogue);
        if constexpr (blocks::tail1 > 0) {
          row_block<blocks::tail1, K, RowStride, StepStride>(w, x, row, v, epilogue);
          row += blocks::tail1;
        }
        if constexpr (blocks::tail2 > 0)
          row_block<blocks::tail2, K, RowStride, StepStride>(w, x, row, v, epilogue);
      }
    } else {
      constexpr int full = M / MR, tail = M % MR;
      team.template each_product<1>((full + (tail > 0)) * vector_blocks, [&](int i, auto) {
        int const v = i % vector_blocks * NR, b = i / vector_blocks;
        if constexpr (full > 0) {
          if (b < full) row_block<MR, K, RowStride, StepStride>(w, x, b * MR, v, epilogue);
        }
        if constexpr (tail > 0) {
          if (b == full) row_block<tail, K, RowStride, StepStride>(w, x, b * MR, v, epilogue);
        }
      });
    }
  }

  /// y[p] = sum over the taps (k, q) of p of W_k x[q], see Context::gemm_taps.
  template <int M, int K, int RowStride, int StepStride, class Taps, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void taps(Team const& team, Scalar const* w, Scalar const* x,
                                               Epilogue const& epilogue) {
    constexpr int vector_blocks = vectors / NR;
    if constexpr (Team::serial) {
      using blocks   = RowBlocks<M, MR>;
      auto const one = [&]<int R>(std::integral_constant<int, R>, int p, int row) {
        for (int v = 0; v < vectors; v += NR)
          taps_block<R, M, K, RowStride, StepStride, Taps>(w, x, p, row, v, epilogue);
      };
      using whole     = std::integral_constant<int, MR>;
      using tail1     = std::integral_constant<int, blocks::tail1>;
      using tail2     = std::integral_constant<int, blocks::tail2>;
      auto const p_of = [&](auto rows, int row) {
        for (int p = 0; p < Taps::positions; ++p) one(rows, p, row);
      };
      if constexpr (sizeof(Scalar) * M * K * Taps::taps <= 8192) {
        // All weights stay in the L1 cache: results are written in order.
        for (int p = 0; p < Taps::positions; ++p) {
          int row = 0;
          for (int b = 0; b < blocks::full; ++b, row += MR) one(whole{}, p, row);
          if constexpr (blocks::tail1 > 0) one(tail1{}, p, row);
          if constexpr (blocks::tail2 > 0) one(tail2{}, p, row + blocks::tail1);
        }
      } else {
        // Rows outside: the weights of a row block stay in the L1 cache over all positions.
        int row = 0;
        for (int b = 0; b < blocks::full; ++b, row += MR) p_of(whole{}, row);
        if constexpr (blocks::tail1 > 0) p_of(tail1{}, row);
        if constexpr (blocks::tail2 > 0) p_of(tail2{}, row + blocks::tail1);
      }
    } else {
      constexpr int full = M / MR, tail = M % MR, row_blocks = full + (tail > 0);
      team.template each_product<1>(Taps::positions * row_blocks * vector_blocks, [&](int i, auto) {
        int const v = i % vector_blocks * NR, b = i / vector_blocks % row_blocks,
                  p = i / vector_blocks / row_blocks;
        if constexpr (full > 0) {
          if (b < full)
            taps_block<MR, M, K, RowStride, StepStride, Taps>(w, x, p, b * MR, v, epilogue);
        }
        if constexpr (tail > 0) {
          if (b == full)
            taps_block<tail, M, K, RowStride, StepStride, Taps>(w, x, p, b * MR, v, epilogue);
        }
      });
    }
  }

  /// products[(tap, m)] = (W_tap^T x)[m] for all taps and NR vectors of x, with W (taps, K, M).
  template <int M, int K, int taps>
  static KOKKOS_FORCEINLINE_FUNCTION void of_all_taps(Scalar const* w, Scalar const* x,
                                                      V (&products)[M * taps][NR]) {
    products_of<M, K, M * taps>(w, x, products,
                                std::make_integer_sequence<int, RowBlocks<M * taps, MR>::full>{});
  }

 private:
  // A factor, rounded as matrix units read it.
  template <class Factor>
  static KOKKOS_FORCEINLINE_FUNCTION Factor as_read(Factor v) {
    if constexpr (!reads_reduced<Team::tuning, V, Read>)
      return v;
    else if constexpr (std::is_same_v<Factor, Scalar>)
      return rounded(v, Team::tuning.precision);
    else
      return Factor::generate([&](int l) { return rounded(v[l], Team::tuning.precision); });
  }

  template <int R, int K, int RowStride, int StepStride>
  static KOKKOS_FORCEINLINE_FUNCTION void accumulate(Read (&acc)[R][NR], Scalar const* w,
                                                     Scalar const* x) {
    BASIN_UNROLL_BY_4 for (int k = 0; k < K; ++k) {
      Read xk[NR];
      BASIN_UNROLL for (int j = 0; j < NR; ++j) xk[j] =
          as_read(tile::load<Read>(x + k * row_size + j * V::lanes, T));
      BASIN_UNROLL for (int r = 0; r < R; ++r) {
        P const wk(as_read(w[r * RowStride + k * StepStride]));
        BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = fma(wk, xk[j], acc[r][j]);
      }
    }
  }

  template <int R, int K, int RowStride, int StepStride, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void row_block(Scalar const* w, Scalar const* x, int row,
                                                    int vector, Epilogue const& epilogue) {
    Read acc[R][NR];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      Read const start(epilogue.initial(row + r));
      BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = start;
    }
    accumulate<R, K, RowStride, StepStride>(acc, w + static_cast<std::size_t>(row) * RowStride,
                                            x + vector * V::lanes);
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j)
          epilogue(place_type{row + r, (vector + j) * V::lanes}, widen<V>(acc[r][j]));
    }
  }

  template <int R, int M, int K, int RowStride, int StepStride, class Taps, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void taps_block(Scalar const* w, Scalar const* x, int position,
                                                     int row, int vector,
                                                     Epilogue const& epilogue) {
    Read acc[R][NR];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      Read const start(epilogue.initial(row + r));
      BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = start;
    }
    Scalar const* const wr = w + static_cast<std::size_t>(row) * RowStride;
    Scalar const* const xv = x + vector * V::lanes;
    Taps::for_each(position, [&](int tap, int q) {
      accumulate<R, K, RowStride, StepStride>(acc, wr + static_cast<std::size_t>(tap) * M * K,
                                              xv + static_cast<std::size_t>(q) * K * row_size);
    });
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j) epilogue(
          place_type{position * M + row + r, (vector + j) * V::lanes}, widen<V>(acc[r][j]));
    }
  }

  // products[(tap, m)] = (W_tap^T x[q])[m], for R of the rows (tap, m) from First on
  template <int M, int K, int First, int R>
  static KOKKOS_FORCEINLINE_FUNCTION void products_block(Scalar const* w, Scalar const* x,
                                                         V (*products)[NR]) {
    V acc[R][NR];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = V(Scalar(0));
    }
    BASIN_UNROLL_BY_4 for (int k = 0; k < K; ++k) {
      V xk[NR];
      BASIN_UNROLL for (int j = 0; j < NR; ++j) xk[j] =
          tile::load<V>(x + k * row_size + j * V::lanes, T);
      BASIN_UNROLL for (int r = 0; r < R; ++r) {
        P const wk(w[(First + r) / M * M * K + (First + r) % M + k * M]);
        BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = fma(wk, xk[j], acc[r][j]);
      }
    }
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j) products[First + r][j] = acc[r][j];
    }
  }
  template <int M, int K, int Rows, int... I>
  static KOKKOS_FORCEINLINE_FUNCTION void products_of(Scalar const* w, Scalar const* x,
                                                      V (*products)[NR],
                                                      std::integer_sequence<int, I...>) {
    using blocks = RowBlocks<Rows, MR>;
    (products_block<M, K, I * MR, MR>(w, x, products), ...);
    if constexpr (blocks::tail1 > 0)
      products_block<M, K, blocks::full * MR, blocks::tail1>(w, x, products);
    if constexpr (blocks::tail2 > 0)
      products_block<M, K, blocks::full * MR + blocks::tail1, blocks::tail2>(w, x, products);
  }
};

}  // namespace basin::tile

#endif
