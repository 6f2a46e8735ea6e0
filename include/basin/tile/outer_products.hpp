// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_OUTER_PRODUCTS_HPP
#define BASIN_TILE_OUTER_PRODUCTS_HPP

#include <basin/tile/columns.hpp>
#include <basin/tile/place.hpp>
#include <basin/tile/simd.hpp>

#include <cstddef>

namespace basin::tile {

/// Rows of panels are padded to a multiple of it, so that panels of every context fit.
inline constexpr int max_panel = 32;

/// Parameter gradients: sums over samples of outer products, and the panels that they read; see
/// Context for the parameters.
template <class Team, class V, int T, int MR, int NR>
class OuterProducts {
  using Scalar                  = typename V::value_type;
  using P                       = typename V::simd_type;
  static constexpr int row_size = Place<V, T>::row_size;
  // Rows of a register block that is a panel, two vectors, wide: as many accumulators as a product's.
  static constexpr int outer_rows = MR * NR / 2 > 0 ? MR* NR / 2 : 1;
  using V_outer = Simd<Scalar, (Team::serial ? V::lanes : 16 / int(sizeof(Scalar)))>;
  static constexpr int outer_lanes = V_outer::lanes;

 public:
  /// Features of a panel: parameter gradients read their inputs as [feature /
  /// panel][sample][panel]. Divides max_panel.
  static constexpr int panel = Team::serial ? 2 * V::lanes : max_panel;
  static_assert(max_panel % panel == 0,
                "basin::tile::Tuning: a panel of 2 * lanes must divide 32.");

  /// Rows of a position's channels in panels.
  KOKKOS_FUNCTION static constexpr int padded(int channels) {
    return (channels + max_panel - 1) / max_panel * max_panel;
  }

  /// Copies rows x (positions, features, T) of samples first, first + 1, ... into panels
  /// [position][feature / panel][sample][panel], for outer and outer_taps, every position padded to
  /// padded(features) rows. samples is padded to a multiple of T. Of jets one coefficient: x + k T
  /// for the k-th.
  static KOKKOS_FORCEINLINE_FUNCTION void store_panels(Team const& team, int features,
                                                       Scalar const* x, int first, int samples,
                                                       Scalar* panels, int positions) {
    int const every = padded(features);
    int done        = 0;
    if constexpr (Team::serial) {
      done = features / V::lanes * V::lanes;
      for (int p = 0; p < positions; ++p)
        for (int f = 0; f < done; f += V::lanes)
          for (int lane = 0; lane < T; lane += V::lanes) {
            P block[P::lanes];
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) block[l] =
                tile::load<P>(x + (p * features + f + l) * row_size + lane);
            transpose(block);
            Scalar* const to = panels + panel_place(p * every + f, samples, first + lane);
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) tile::store(to + l * panel, block[l]);
          }
    }
    // The rest, padded with zeros to a whole panel.
    int const rest = (features + panel - 1) / panel * panel - done;
    team.each(positions * rest * T, [&](int i) {
      int const f = done + i % rest, t = i / rest % T, p = i / rest / T;
      panels[panel_place(p * every + f, samples, first + t)] =
          f < features ? x[(p * features + f) * row_size + t] : Scalar(0);
    });
  }

  /// Output-stationary parameter gradient: dw[m][f] = sum_n g[m][n] x[n][f] for 'rows' rows m of
  /// dw, the samples in ascending order.
  ///
  /// \param g       (rows, n.stride)
  /// \param panels  x as store_panels leaves it, for 'features' features
  /// \param n       samples that are summed
  /// \param dw      (rows, features), leading dimension features
  static KOKKOS_FORCEINLINE_FUNCTION void outer(Team const& team, int rows, int features,
                                                Scalar const* g, Scalar const* panels, Columns n,
                                                Scalar* dw) {
    // Smaller blocks where full ones leave a remainder: a block of few rows would stall on the
    // latency of its own sums.
    constexpr int smaller = outer_rows > 8 ? 8 : outer_rows;
    if (!Team::serial || rows % outer_rows == 0)
      outer_by<Team::serial ? outer_rows : 4>(team, rows, features, g, panels, n, dw);
    else
      outer_by<smaller>(team, rows, features, g, panels, n, dw);
  }

  /// Parameter gradient of one tap of a convolution, for max_panel channels of g from first on:
  /// dw[m][i] = sum over the pairs of positions (p, q) of the tap and the samples n of
  /// (w[n] g[p][n][m]) x[q][i][n], in this order.
  ///
  /// \param pairs  for_each(f) calls f(p, q)
  /// \param rows   channels i of x
  /// \param x      (positions, rows, n.stride)
  /// \param g      (positions, channels) as store_panels leaves every position
  /// \param w      (n.end)
  /// \param n      samples that are summed
  /// \param dw     (channels, rows)
  template <class Pairs>
  static KOKKOS_FORCEINLINE_FUNCTION void outer_taps(Team const& team, Pairs const& pairs, int rows,
                                                     int channels, int first, Scalar const* x,
                                                     Scalar const* g, Scalar const* w, Columns n,
                                                     Scalar* dw) {
    int const end   = first + max_panel < channels ? first + max_panel : channels;
    int const count = n.end - n.begin, samples = n.stride;
    x += n.begin;
    g += panel_place(0, samples, n.begin);
    w += n.begin;
    if constexpr (Team::serial) {
      // A panel of g serves many rows of x while it is in cache; their sums wait in memory.
      constexpr int near = (64 + outer_rows - 1) / outer_rows * outer_rows, C = panel / outer_lanes;
      for (int m = first; m < end; m += panel)
        for (int from = 0; from < rows; from += near) {
          int const some = rows - from < near ? rows - from : near;
          V_outer sums[near][C];
          for (int r = 0; r < some; ++r)
            for (int c = 0; c < C; ++c) sums[r][c] = V_outer(Scalar(0));
          pairs.for_each([&](int p, int q) {
            Scalar const* const gp = panel_of(g, p, channels, m, samples);
            Scalar const* const xq = x + (static_cast<std::size_t>(q) * rows + from) * samples;
            int r                  = 0;
            for (; r + outer_rows <= some; r += outer_rows)
              add_outer<outer_rows, C>(xq + static_cast<std::size_t>(r) * samples, gp, w, count,
                                       samples, sums + r);
            for (; r < some; ++r)
              add_outer<1, C>(xq + static_cast<std::size_t>(r) * samples, gp, w, count, samples,
                              sums + r);
          });
          for (int r = 0; r < some; ++r)
            for (int c = 0; c < panel && m + c < end; ++c)
              dw[static_cast<std::size_t>(m + c) * rows + from + r] =
                  sums[r][c / outer_lanes][c % outer_lanes];
        }
    } else {
      // Four rows of four channels per item, neighboring threads on neighboring channels.
      constexpr int R          = 4;
      int const channel_blocks = (end - first + outer_lanes - 1) / outer_lanes;
      team.each(channel_blocks * ((rows + R - 1) / R), [&](int i) {
        int const m = first + i % channel_blocks * outer_lanes, r = i / channel_blocks * R;
        V_outer sums[R][1];
        BASIN_UNROLL for (int k = 0; k < R; ++k) sums[k][0] = V_outer(Scalar(0));
        pairs.for_each([&](int p, int q) {
          Scalar const* const xq = x + (static_cast<std::size_t>(q) * rows + r) * samples;
          Scalar const* const gp = panel_of(g, p, channels, m, samples);
          if (r + R <= rows)
            add_outer<R, 1>(xq, gp, w, count, samples, sums);
          else
            BASIN_UNROLL for (int k = 0; k < R; ++k) {
              if (r + k < rows)
                add_outer<1, 1>(xq + static_cast<std::size_t>(k) * samples, gp, w, count, samples,
                                sums + k);
            }
        });
        BASIN_UNROLL for (int k = 0; k < R; ++k) {
          BASIN_UNROLL for (int l = 0; l < outer_lanes; ++l) {
            if (r + k < rows && m + l < end)
              dw[static_cast<std::size_t>(m + l) * rows + r + k] = sums[k][0][l];
          }
        }
      });
    }
  }

  /// sums[m] = sum over positions and samples of w[n] g[p][n][m], in this order; g and w as for
  /// outer_taps.
  static KOKKOS_FORCEINLINE_FUNCTION void panel_sums(Team const& team, int positions, int channels,
                                                     Scalar const* g, Scalar const* w, Columns n,
                                                     Scalar* sums) {
    constexpr int columns = outer_lanes;
    team.each((channels + columns - 1) / columns, [&](int i) {
      int const m = i * columns;
      V_outer sum(Scalar(0));
      for (int p = 0; p < positions; ++p) {
        Scalar const* const gp = panel_of(g, p, channels, m, n.stride);
        for (int i = n.begin; i < n.end; ++i)
          sum = sum + V_outer(w[i]) * tile::load<V_outer>(gp + static_cast<std::size_t>(i) * panel);
      }
      for (int l = 0; l < columns; ++l)
        if (m + l < channels) sums[m + l] = sum[l];
    });
  }

 private:
  // Place of a sample in row f of panels.
  static KOKKOS_FORCEINLINE_FUNCTION std::size_t panel_place(int f, int samples, int sample) {
    return (static_cast<std::size_t>(f / panel) * samples + sample) * panel + f % panel;
  }

  static KOKKOS_FORCEINLINE_FUNCTION Scalar const* panel_of(Scalar const* g, int position,
                                                            int channels, int channel,
                                                            int samples) {
    int const c = position * padded(channels) + channel;
    return g + static_cast<std::size_t>(c / panel) * samples * panel + c % panel;
  }

  // sums[r][c] += sum_n (w[n] g[n][c]) x[r][n], for one pair of positions
  template <int R, int C>
  static KOKKOS_FORCEINLINE_FUNCTION void add_outer(Scalar const* x, Scalar const* g,
                                                    Scalar const* w, int count, int samples,
                                                    V_outer (*sums)[C]) {
    V_outer acc[R][C];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int c = 0; c < C; ++c) acc[r][c] = sums[r][c];
    }
    BASIN_UNROLL_BY_4 for (int n = 0; n < count; ++n) {
      V_outer gn[C];
      BASIN_UNROLL for (int c = 0; c < C; ++c) gn[c] =
          V_outer(w[n]) *
          tile::load<V_outer>(g + static_cast<std::size_t>(n) * panel + c * outer_lanes);
      BASIN_UNROLL for (int r = 0; r < R; ++r) {
        V_outer const xn(x[static_cast<std::size_t>(r) * samples + n]);
        BASIN_UNROLL for (int c = 0; c < C; ++c) acc[r][c] = fma(xn, gn[c], acc[r][c]);
      }
    }
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int c = 0; c < C; ++c) sums[r][c] = acc[r][c];
    }
  }

  template <int row_block>
  static KOKKOS_FORCEINLINE_FUNCTION void outer_by(Team const& team, int rows, int features,
                                                   Scalar const* g, Scalar const* panels, Columns n,
                                                   Scalar* dw) {
    int const count = n.end - n.begin, samples = n.stride;
    g += n.begin;
    panels += panel_place(0, samples, n.begin);
    constexpr int columns   = Team::serial ? panel : outer_lanes;
    int const column_blocks = (features + columns - 1) / columns;
    int const row_blocks    = (rows + row_block - 1) / row_block;
    team.each(column_blocks * row_blocks, [&](int i) {
      // Rows run fastest: a panel of inputs stays in the L1 cache for all of them. In a team,
      // though, threads read neighboring features.
      int const f = (Team::serial ? i / row_blocks : i % column_blocks) * columns;
      int const m = (Team::serial ? i % row_blocks : i / column_blocks) * row_block;
      Scalar const* const x =
          panels + static_cast<std::size_t>(f / panel) * samples * panel + f % panel;
      Scalar const* const gm = g + static_cast<std::size_t>(m) * samples;
      Scalar* const d        = dw + static_cast<std::size_t>(m) * features + f;
      int const left         = features - f;
      if (rows - m >= row_block && left <= outer_lanes)
        outer_block<row_block, outer_lanes>(gm, x, count, samples, left, features, d);
      else if (rows - m >= row_block)
        outer_block<row_block, columns>(gm, x, count, samples, left, features, d);
      else
        outer_rest<row_block / 2, columns>(rows - m, gm, x, count, samples, left, features, d);
    });
  }

  // R rows and Columns columns of dw in registers, over all samples.
  template <int R, int Columns>
  static KOKKOS_FORCEINLINE_FUNCTION void outer_block(Scalar const* g, Scalar const* x, int count,
                                                      int samples, int left, int features,
                                                      Scalar* dw) {
    constexpr int C = Columns / outer_lanes;
    V_outer acc[R][C];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int c = 0; c < C; ++c) acc[r][c] = V_outer(Scalar(0));
    }
    int n = 0;
    if constexpr (!Team::serial) {
      // Several samples per load: a thread of a GPU waits for loads, not for multiply-adds.
      constexpr int some = outer_lanes;
      for (; n + some <= count; n += some) {
        V_outer gn[R];
        BASIN_UNROLL for (int r = 0; r < R; ++r) gn[r] =
            tile::load<V_outer>(g + static_cast<std::size_t>(r) * samples + n);
        BASIN_UNROLL for (int i = 0; i < some; ++i) {
          BASIN_UNROLL for (int c = 0; c < C; ++c) {
            V_outer const xn =
                tile::load<V_outer>(x + static_cast<std::size_t>(n + i) * panel + c * outer_lanes);
            BASIN_UNROLL for (int r = 0; r < R; ++r) acc[r][c] =
                fma(V_outer(gn[r][i]), xn, acc[r][c]);
          }
        }
      }
    }
    BASIN_UNROLL_BY_4 for (; n < count; ++n) {
      V_outer xn[C];
      BASIN_UNROLL for (int c = 0; c < C; ++c) xn[c] =
          tile::load<V_outer>(x + static_cast<std::size_t>(n) * panel + c * outer_lanes);
      BASIN_UNROLL for (int r = 0; r < R; ++r) {
        V_outer const gn(g[static_cast<std::size_t>(r) * samples + n]);
        BASIN_UNROLL for (int c = 0; c < C; ++c) acc[r][c] = fma(gn, xn[c], acc[r][c]);
      }
    }
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int c = 0; c < C; ++c) {
        BASIN_UNROLL for (int i = 0; i < outer_lanes; ++i) {
          if (c * outer_lanes + i < left) dw[r * features + c * outer_lanes + i] = acc[r][c][i];
        }
      }
    }
  }

  // Fewer rows than a register block has: halved blocks.
  template <int R, int Columns>
  static KOKKOS_FORCEINLINE_FUNCTION void outer_rest(int rows, Scalar const* g, Scalar const* x,
                                                     int count, int samples, int left, int features,
                                                     Scalar* dw) {
    if constexpr (R > 0) {
      for (; rows >= R; rows -= R, g += static_cast<std::size_t>(R) * samples, dw += R * features)
        outer_block<R, Columns>(g, x, count, samples, left, features, dw);
      outer_rest<R / 2, Columns>(rows, g, x, count, samples, left, features, dw);
    }
  }
};

}  // namespace basin::tile

#endif
