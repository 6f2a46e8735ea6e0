// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_CONTEXT_HPP
#define BASIN_TILE_CONTEXT_HPP

#include <basin/tile/columns.hpp>
#include <basin/tile/jet.hpp>
#include <basin/tile/packing.hpp>
#include <basin/tile/random.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__) || defined(__clang__)
#define BASIN_UNROLL_BY_4 _Pragma("unroll 4")
#elif defined(__CUDACC__)
#define BASIN_UNROLL_BY_4
#else
#define BASIN_UNROLL_BY_4 _Pragma("GCC unroll 4")
#endif

namespace basin::tile {

/// Place of one pack in an array of rows [row][T]: what epilogues and maps are given, so that no
/// layer does index arithmetic. Where V is a jet, a row is [coefficient][T].
template <class V, int T>
struct Place {
  using value_type              = V;
  using scalar_type             = typename V::value_type;
  static constexpr int width    = T;
  static constexpr int row_size = T * (V::order + 1);
  int row;   ///< row of the array
  int lane;  ///< first of the V::lanes chains, in [0, T)

  KOKKOS_FORCEINLINE_FUNCTION V load(scalar_type const* rows) const {
    return tile::load<V>(rows + row * row_size + lane, T);
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(scalar_type* rows, V v) const {
    tile::store(rows + row * row_size + lane, v, T);
  }
  /// One number for each row, the same for all chains.
  KOKKOS_FORCEINLINE_FUNCTION V broadcast(scalar_type const* per_row) const {
    return V(per_row[row]);
  }
  KOKKOS_FORCEINLINE_FUNCTION Place at(int other_row) const { return {other_row, lane}; }
};

/// Row-major weights (Rows, Columns) of a matrix product. A handle, not a pointer, so that a
/// context may read copies of its own beside the natural order.
template <class Scalar, int Rows, int Columns>
struct Matrix {
  Scalar const* data;              // (Rows, Columns)
  Scalar const* packed = nullptr;  // see Packing; null: there is none
};

/// As Matrix, for the taps of a convolution.
template <class Scalar>
struct TapWeights {
  Scalar const* data;              // (taps, rows, columns)
  Scalar const* packed = nullptr;  // see Packing; null: there is none

  KOKKOS_FORCEINLINE_FUNCTION TapWeights(Scalar const* w, Scalar const* copies = nullptr)
      : data(w), packed(copies) {}
};

/// How M rows are cut into register blocks of MR: the remainder is never a block of under MR / 2
/// rows, because a thin block leaves the multiply-add pipes idle.
template <int M, int MR>
struct RowBlocks {
  static constexpr int remainder = M % MR;
  static constexpr bool merge    = (remainder > 0) && (remainder < MR / 2 + 1) && (M > MR);
  static constexpr int full      = M / MR - (merge ? 1 : 0);
  static constexpr int tail      = M - full * MR;  // 0, or in (MR / 2, 3 MR / 2]
  static constexpr int tail1     = merge ? (tail + 1) / 2 : tail;
  static constexpr int tail2     = merge ? tail / 2 : 0;
};

/// Rows of panels are padded to a multiple of it, so that every context finds room for its own.
inline constexpr int max_panel = 32;

/// What a kernel holds while it works on one tile of T chains: the primitives that layers, samplers
/// and objectives are written with. Arrays of a tile are rows [row][T], the chain contiguous.
///
/// Contract: a primitive ends with a barrier, so that its results are visible to the team; sums
/// over k, rows and samples run in ascending order within one work item, so that every context
/// gives the same bits; but for a tuning with 'items' or a reduced precision, see Tuning.
///
/// \tparam Team  SerialTeam, KokkosTeam or BlockTeam
/// \tparam V     pack of lanes, or a jet of packs: then a row is [coefficient][T]
/// \tparam T     chains of a tile
/// \tparam MR    rows of a register block
/// \tparam NR    packs of a register block
/// \tparam Read  what matrix products read of x: V, V cut where the rest of x is known to be 0, or
///               the Tail of V where results of the first term are known, which epilogues then get
template <class Team, class V, int T, int MR, int NR, class Read = V>
class Context {
  static_assert(T % (V::lanes * NR) == 0,
                "basin::tile::Tuning: lanes * vectors must divide the tile's width.");

 public:
  using value_type              = V;
  using scalar_type             = typename V::value_type;
  using Scalar                  = scalar_type;
  using place_type              = Place<V, T>;
  static constexpr int width    = T;
  static constexpr int order    = V::order;
  static constexpr int row_size = place_type::row_size;  // numbers of a row
  static constexpr int packs    = T / V::lanes;          // packs of a row
  /// Features of a panel: parameter gradients read their inputs as [feature /
  /// panel][sample][panel]. Divides max_panel.
  static constexpr int panel = Team::serial ? 2 * V::lanes : max_panel;
  /// How a team keeps copies of weights.
  using packing = Packing<Scalar, Team::tuning>;
  static_assert(max_panel % panel == 0,
                "basin::tile::Tuning: a panel of 2 * lanes must divide 32.");

  KOKKOS_FORCEINLINE_FUNCTION explicit Context(Team team) : team_(team) {}

  // Rows of a register block whose elements are so many times smaller. Not more than 12: rows of
  // wide matrices lie a power of two apart and would drive each other out of the first cache.
  static constexpr int rows_of(int times) {
    if (!Team::serial) return MR;  // that of packed weights
    return MR * times > 12 ? (MR > 12 ? MR : 12) : MR * times;
  }

  /// The same on values, in rows [row][T]: for the part of a computation that needs no jets.
  using on_values = Context<Team, typename V::pack_type, T, rows_of(V::order + 1), NR>;
  KOKKOS_FORCEINLINE_FUNCTION on_values with_values() const { return on_values(team_); }

  /// The same, for layers whose input is a straight line: a jet with no terms past the first.
  using on_a_line = Context<Team, V, T, MR, NR, cut<V, 1>>;
  KOKKOS_FORCEINLINE_FUNCTION on_a_line with_input_on_a_line() const { return on_a_line(team_); }

  /// The same, for products of which the first terms are known, with as many registers of sums.
  using on_tails = Context<Team, V, T, rows_of((V::order + 1) / (V::order > 0 ? V::order : 1)), NR,
                           Tail<typename V::pack_type, V::order>>;

  /// The context of a layer which is one product whose results are row first_row of those that are
  /// kept, -1: of none. Here nothing is kept, see kept_products.hpp.
  template <int first_row>
  KOKKOS_FORCEINLINE_FUNCTION Context const& at_product() const {
    return *this;
  }
  KOKKOS_FORCEINLINE_FUNCTION Team team() const { return team_; }

  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { team_.barrier(); }

  /// y = W x, x (K, T) -> (M, T): epilogue(place, y) for every element, where each sum starts from
  /// epilogue.initial(row).
  template <int M, int K, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm(Matrix<Scalar, M, K> w, Scalar const* x,
                                        Epilogue const& epilogue) const {
    multiply<M, K, K, 1>(w.data, w.packed, x, epilogue);
  }

  /// y = W^T x, W (K, M), x (K, T) -> (M, T); otherwise as gemm.
  template <int M, int K, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm_t(Matrix<Scalar, K, M> w, Scalar const* x,
                                          Epilogue const& epilogue) const {
    multiply<M, K, 1, M>(w.data, w.packed ? w.packed + packing::transposed(1, K, M) : nullptr, x,
                         epilogue);
  }

  /// f(place) for every pack of rows rows.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void map(int rows, F const& f) const {
    team_.each(rows * packs, [&](int i) { f(place_type{i / packs, i % packs * V::lanes}); });
    barrier();
  }

  /// y[p] = sum over the taps (k, q) of position p of W_k x[q], for images [position][channel][T]:
  /// epilogue(place, y) for every element, where each sum starts from epilogue.initial(channel).
  ///
  /// Taps names 'static constexpr int positions, taps' and calls f(k, q) for the taps of p in
  /// 'for_each(p, f)': tap k of the weights, position q of x. With transposed weights W_k is
  /// stored as (K, M).
  ///
  /// \param w  (taps, M, K), or transposed (taps, K, M)
  /// \param x  (positions of x, K, T)
  template <int M, int K, bool transposed, class Taps, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm_taps(TapWeights<Scalar> weights, Scalar const* x,
                                             Epilogue const& epilogue) const {
    Scalar const* const w    = weights.data;
    constexpr int row_stride = transposed ? 1 : K, step_stride = transposed ? M : 1;
    constexpr int pack_blocks = packs / NR;
    if constexpr (Team::serial) {
      using blocks   = RowBlocks<M, MR>;
      auto const one = [&]<int R>(std::integral_constant<int, R>, int p, int row) {
        for (int v = 0; v < packs; v += NR)
          taps_block<R, M, K, row_stride, step_stride, Taps>(w, x, p, row, v, epilogue);
      };
      using whole     = std::integral_constant<int, MR>;
      using tail1     = std::integral_constant<int, blocks::tail1>;
      using tail2     = std::integral_constant<int, blocks::tail2>;
      auto const p_of = [&](auto rows, int row) {
        for (int p = 0; p < Taps::positions; ++p) one(rows, p, row);
      };
      if constexpr (sizeof(Scalar) * M * K * Taps::taps <= 8192) {
        // All weights stay in the first cache: results are written in order.
        for (int p = 0; p < Taps::positions; ++p) {
          int row = 0;
          for (int b = 0; b < blocks::full; ++b, row += MR) one(whole{}, p, row);
          if constexpr (blocks::tail1 > 0) one(tail1{}, p, row);
          if constexpr (blocks::tail2 > 0) one(tail2{}, p, row + blocks::tail1);
        }
      } else {
        // Rows outside: the weights of a row block stay in the first cache over all positions.
        int row = 0;
        for (int b = 0; b < blocks::full; ++b, row += MR) p_of(whole{}, row);
        if constexpr (blocks::tail1 > 0) p_of(tail1{}, row);
        if constexpr (blocks::tail2 > 0) p_of(tail2{}, row + blocks::tail1);
      }
    } else {
      if constexpr (reads_packed) {
        if (weights.packed) {
          constexpr int second = transposed ? packing::transposed(Taps::taps, K, M) : 0;
          multiply_packed<M, K, Taps>(weights.packed + second, x, epilogue);
          barrier();
          return;
        }
      }
      constexpr int full = M / MR, tail = M % MR, row_blocks = full + (tail > 0);
      team_.template each_product<1>(Taps::positions * row_blocks * pack_blocks, [&](int i, auto) {
        int const v = i % pack_blocks * NR, b = i / pack_blocks % row_blocks,
                  p = i / pack_blocks / row_blocks;
        if constexpr (full > 0) {
          if (b < full)
            taps_block<MR, M, K, row_stride, step_stride, Taps>(w, x, p, b * MR, v, epilogue);
        }
        if constexpr (tail > 0) {
          if (b == full)
            taps_block<tail, M, K, row_stride, step_stride, Taps>(w, x, p, b * MR, v, epilogue);
        }
      });
    }
    barrier();
  }

  /// As gemm_taps with transposed weights, for so few channels M that a register block of them
  /// would leave the multiply-add pipes idle: all taps of a position of x are the rows of one
  /// product, whose results are added to y[p] in the order of the positions of x.
  ///
  /// \tparam Taps  of the positions of x: for_each(q, f) calls f(k, p)
  /// \tparam From  of the positions of y: for_each(p, f) calls f(k, q), q ascending
  /// \param y      (positions of y, M, T) working memory
  template <int M, int K, int taps, class Taps, class From, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm_taps_few(Scalar const* w, Scalar const* x, Scalar* y,
                                                 Epilogue const& epilogue) const {
    if constexpr (Team::serial) {
      map(From::positions * M, [=](auto at) { at.store(y, V(0)); });
      for (int q = 0; q < Taps::positions; ++q)
        for (int v = 0; v < packs; v += NR) {
          V products[M * taps][NR];
          products_of<M, K, M * taps>(
              w, x + static_cast<std::size_t>(q) * K * row_size + v * V::lanes, products,
              std::make_integer_sequence<int, RowBlocks<M * taps, MR>::full>{});
          Taps::for_each(q, [&](int tap, int p) {
            BASIN_UNROLL for (int m = 0; m < M; ++m) {
              Scalar* const to =
                  y + (static_cast<std::size_t>(p) * M + m) * row_size + v * V::lanes;
              BASIN_UNROLL for (int j = 0; j < NR; ++j)
                  tile::store(to + j * V::lanes,
                              tile::load<V>(to + j * V::lanes, T) + products[tap * M + m][j], T);
            }
          });
        }
      map(From::positions * M, [=](auto at) { epilogue(at, at.load(y)); });
    } else {
      map(From::positions * M, [=](auto at) {
        int const p = at.row / M, m = at.row % M;
        V sum(Scalar(0));
        From::for_each(p, [&](int tap, int q) {
          Scalar const* const wk = w + static_cast<std::size_t>(tap) * M * K + m;
          V dot(Scalar(0));
          for (int k = 0; k < K; ++k) dot = fma(P(wk[k * M]), at.at(q * K + k).load(x), dot);
          sum = sum + dot;
        });
        epilogue(at, sum);
      });
    }
  }

  /// out(place, sum over n consecutive rows of f(place)), one sum for each group of rows.
  template <class F, class Out>
  KOKKOS_FORCEINLINE_FUNCTION void reduce(int groups, int n, F const& f, Out const& out) const {
    team_.each(groups * packs, [&](int i) {
      int const group = i / packs, lane = i % packs * V::lanes;
      V sum(Scalar(0));
      for (int k = 0; k < n; ++k) sum = sum + f(place_type{group * n + k, lane});
      out(place_type{group, lane}, sum);
    });
    barrier();
  }

  /// out(group, lane, sums) for each of Groups groups of channels, Members channels each, of an
  /// image [position][channel][T]: f(place, channel, terms) gives what is summed, Sums numbers at a
  /// time, over the Positions and the channels of the group, in this order.
  template <int Sums, int Groups, int Members, int Positions, class F, class Out>
  KOKKOS_FORCEINLINE_FUNCTION void reduce_groups(F const& f, Out const& out) const {
    constexpr int channels = Groups * Members;
    if constexpr (Team::serial) {
      // Rows of one group lie far apart: a few positions at a time, and of these eight groups in
      // registers, so that memory is read nearly in order.
      constexpr int chunk = Groups < 64 ? Groups : 64, near = 8, positions_near = 16;
      for (int lane = 0; lane < T; lane += V::lanes)
        for (int from = 0; from < Groups; from += chunk) {
          int const end = from + chunk < Groups ? from + chunk : Groups;
          V sums[chunk][Sums];
          for (int g = 0; g < end - from; ++g)
            for (int s = 0; s < Sums; ++s) sums[g][s] = V(Scalar(0));
          for (int p = 0; p < Positions; p += positions_near) {
            int const p_end = p + positions_near < Positions ? p + positions_near : Positions;
            int g           = from;
            for (; g + near <= end; g += near)
              add_groups<near, Sums>(g, Members, p, p_end, 1, channels, lane, f, sums + (g - from));
            for (; g < end; ++g)
              add_groups<1, Sums>(g, Members, p, p_end, 1, channels, lane, f, sums + (g - from));
          }
          for (int g = from; g < end; ++g) out(g, lane, sums[g - from]);
        }
    } else {
      constexpr int S = splits(Groups * packs, Positions);
      team_.template each_split<S>(Groups * packs, [&](int i, auto split) {
        int const group = i / packs, lane = i % packs * V::lanes;
        V sums[decltype(split)::slots][1][Sums];
        split.parts([&](int part, int slot) {
          for (int s = 0; s < Sums; ++s) sums[slot][0][s] = V(Scalar(0));
          add_groups<1, Sums>(group, Members, part, Positions, S, channels, lane, f, sums[slot]);
        });
        split.template sum<1, Sums>(sums,
                                    [&](int, V const(&total)[Sums]) { out(group, lane, total); });
      });
    }
    barrier();
  }

  /// f(place, z), z ~ N(0, 1), a pack, of element row and of chain first_chain + lane.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void normal(int rows, Stream const& stream, std::uint32_t first_chain,
                                          F const& f) const {
    team_.each((rows + 3) / 4 * packs, [&](int i) {
      int const block = i / packs, lane = i % packs * V::lanes;
      P z[4];
      normal_block(stream, block, first_chain + lane, z);
      BASIN_UNROLL for (int r = 0; r < 4; ++r) {
        if (4 * block + r < rows) f(place_type{4 * block + r, lane}, z[r]);
      }
    });
    barrier();
  }

  /// x[d][t] = source(min(first + t, count - 1), d): a last tile that is not full repeats its last
  /// chain, so that no lane holds garbage. Of jets one coefficient: x + k T for the k-th.
  template <class Source>
  KOKKOS_FORCEINLINE_FUNCTION void load_chains(Source const& source, int first, int count, int rows,
                                               Scalar* x) const {
    int done = 0;
    if constexpr (transposes<Source>) {
      // A full tile of contiguous chains: blocks of lanes x lanes numbers, turned in registers.
      if (first + T <= count) {
        for (; done + V::lanes <= rows; done += V::lanes)
          for (int lane = 0; lane < T; lane += V::lanes) {
            P block[P::lanes];
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) block[l] =
                load_unaligned<P>(&source(first + lane + l, done));
            transpose(block);
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l)
                tile::store(x + (done + l) * row_size + lane, block[l]);
          }
      }
    }
    team_.each((rows - done) * packs, [&](int i) {
      int const d = done + i / packs, lane = i % packs * V::lanes, chain = first + lane;
      // Most packs are full: no comparison for each lane.
      P const v = chain + P::lanes <= count
                      ? P::generate([&](int l) { return source(chain + l, d); })
                      : P::generate([&](int l) {
                          return source(chain + l < count ? chain + l : count - 1, d);
                        });
      tile::store(x + d * row_size + lane, v);
    });
    barrier();
  }

  /// target(first + t, d) = x[d][t] for the chains under count.
  template <class Target>
  KOKKOS_FORCEINLINE_FUNCTION void store_chains(Scalar const* x, int first, int count, int rows,
                                                Target const& target) const {
    int done = 0;
    if constexpr (transposes<Target>) {
      if (first + T <= count) {
        for (; done + V::lanes <= rows; done += V::lanes)
          for (int lane = 0; lane < T; lane += V::lanes) {
            P block[P::lanes];
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) block[l] =
                tile::load<P>(x + (done + l) * row_size + lane);
            transpose(block);
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l)
                store_unaligned(&target(first + lane + l, done), block[l]);
          }
      }
    }
    team_.each((rows - done) * packs, [&](int i) {
      int const d = done + i / packs, lane = i % packs * V::lanes, chain = first + lane;
      int const lanes = chain + V::lanes <= count ? +V::lanes : count - chain;
      for (int l = 0; l < lanes; ++l) target(chain + l, d) = x[d * row_size + lane + l];
    });
    barrier();
  }

  /// Copies rows x (positions, features, T) of samples first, first + 1, ... into panels
  /// [position][feature / panel][sample][panel], for outer and outer_taps, every position padded to
  /// padded(features) rows. samples is padded to a multiple of T. Of jets one coefficient: x + k T
  /// for the k-th.
  KOKKOS_FORCEINLINE_FUNCTION void store_panels(int features, Scalar const* x, int first,
                                                int samples, Scalar* panels,
                                                int positions = 1) const {
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
    team_.each(positions * rest * T, [&](int i) {
      int const f = done + i % rest, t = i / rest % T, p = i / rest / T;
      panels[panel_place(p * every + f, samples, first + t)] =
          f < features ? x[(p * features + f) * row_size + t] : Scalar(0);
    });
    barrier();
  }

  /// Output-stationary parameter gradient: dw[m][f] = sum_n g[m][n] x[n][f] for rows rows m of dw,
  /// the samples in ascending order.
  ///
  /// \param g       (rows, n.stride)
  /// \param panels  x as store_panels leaves it, for features features
  /// \param n       samples that are summed
  /// \param dw      (rows, features), leading dimension features
  KOKKOS_FORCEINLINE_FUNCTION void outer(int rows, int features, Scalar const* g,
                                         Scalar const* panels, Columns n, Scalar* dw) const {
    // Where full register blocks leave a rest, smaller ones: a block of few rows would wait for its
    // own sums.
    constexpr int smaller = outer_rows > 8 ? 8 : outer_rows;
    if (!Team::serial || rows % outer_rows == 0)
      outer_by<Team::serial ? outer_rows : 4>(rows, features, g, panels, n, dw);
    else
      outer_by<smaller>(rows, features, g, panels, n, dw);
    barrier();
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
  KOKKOS_FORCEINLINE_FUNCTION void outer_taps(Pairs const& pairs, int rows, int channels, int first,
                                              Scalar const* x, Scalar const* g, Scalar const* w,
                                              Columns n, Scalar* dw) const {
    int const end   = first + max_panel < channels ? first + max_panel : channels;
    int const count = n.end - n.begin, samples = n.stride;
    x += n.begin;
    g += panel_place(0, samples, n.begin);
    w += n.begin;
    if constexpr (Team::serial) {
      // A panel of g serves many rows of x while it is near: their sums wait in memory.
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
      // Four rows of four channels an item, neighbouring threads on neighbouring channels.
      constexpr int R          = 4;
      int const channel_blocks = (end - first + outer_lanes - 1) / outer_lanes;
      team_.each(channel_blocks * ((rows + R - 1) / R), [&](int i) {
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
    barrier();
  }

  /// sums[m] = sum over positions and samples of w[n] g[p][n][m], in this order; g and w as for
  /// outer_taps.
  KOKKOS_FORCEINLINE_FUNCTION void panel_sums(int positions, int channels, Scalar const* g,
                                              Scalar const* w, Columns n, Scalar* sums) const {
    constexpr int columns = outer_lanes;
    team_.each((channels + columns - 1) / columns, [&](int i) {
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
    barrier();
  }

  /// Rows of a position's channels in panels.
  KOKKOS_FUNCTION static constexpr int padded(int channels) {
    return (channels + max_panel - 1) / max_panel * max_panel;
  }

  /// sums[m] = sum_n g[m][n]; g (rows, some.stride). 32 partial sums, of every 32nd sample from
  /// some.begin, some.begin + 1, ... on, each in ascending order, then the second half of them
  /// added to the first until one is left: the same in every context, no chain of additions that
  /// wait for each other, and work for a warp.
  KOKKOS_FORCEINLINE_FUNCTION void row_sums(int rows, Scalar const* g, Columns some,
                                            Scalar* sums) const {
    constexpr int parts = 32;
    int const count = some.end - some.begin, samples = some.stride;
    g += some.begin;
    if constexpr (Team::serial) {
      constexpr int L = 64 / static_cast<int>(sizeof(Scalar));
      using Partial   = Pack<Scalar, L>;
      for (int m = 0; m < rows; ++m) {
        Scalar const* const row = g + static_cast<std::size_t>(m) * samples;
        Partial partial[parts / L];
        for (Partial& p : partial) p = Partial(Scalar(0));
        int n = 0;
        for (; n + parts <= count; n += parts)
          for (int p = 0; p < parts / L; ++p)
            partial[p] = partial[p] + load_unaligned<Partial>(row + n + p * L);
        Scalar sum[parts];
        for (int p = 0; p < parts; ++p) {
          sum[p] = partial[p / L][p % L];
          if (n + p < count) sum[p] += row[n + p];
        }
        for (int half = parts / 2; half > 0; half /= 2)
          for (int p = 0; p < half; ++p) sum[p] += sum[p + half];
        sums[m] = sum[0];
      }
    } else {
      using One = Pack<Scalar, 1>;
      team_.template each_split<parts>(rows, [&](int m, auto split) {
        Scalar const* const row = g + static_cast<std::size_t>(m) * samples;
        One partial[decltype(split)::slots][1][1];
        split.parts([&](int part, int slot) {
          constexpr int ahead = 8;  // loads on their way
          Scalar sum          = 0;
          int n               = part;
          for (; n + (ahead - 1) * parts < count; n += ahead * parts) {
            Scalar next[ahead];
            BASIN_UNROLL for (int a = 0; a < ahead; ++a) next[a] = row[n + a * parts];
            BASIN_UNROLL for (int a = 0; a < ahead; ++a) sum += next[a];
          }
          for (; n < count; n += parts) sum += row[n];
          partial[slot][0][0] = One(sum);
        });
        split.template sum<1, 1>(partial,
                                 [&](int, One const(&total)[1]) { sums[m] = total[0][0]; });
      });
    }
    barrier();
  }

  /// g[m][n] = w[n] g[m][n]; g (rows, some.stride), w (some.end).
  KOKKOS_FORCEINLINE_FUNCTION void scale_rows(int rows, Scalar const* w, Columns some,
                                              Scalar* g) const {
    int const count = some.end - some.begin, samples = some.stride;
    w += some.begin;
    g += some.begin;
    if constexpr (Team::serial) {
      for (int m = 0; m < rows; ++m) {
        Scalar* const row = g + static_cast<std::size_t>(m) * samples;
        for (int n = 0; n < count; ++n) row[n] = w[n] * row[n];
      }
    } else {
      team_.each(rows * count, [&](int i) {
        Scalar& element = g[static_cast<std::size_t>(i / count) * samples + i % count];
        element         = w[i % count] * element;
      });
    }
    barrier();
  }

  /// f(k) for k = 0, ..., n - 1, one after the other: a loop whose body calls primitives.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void repeat(int n, F const& f) const {
    team_.repeat(n, f);
  }

  /// f(i) for i in [0, n), shared by the team, then a barrier.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const& f) const {
    team_.each(n, f);
    barrier();
  }

 private:
  // Whether chains of a View are rows of contiguous numbers that a serial context may turn.
  template <class View>
  static constexpr bool transposes = [] {
    if constexpr (Team::serial && Kokkos::is_view_v<View>)
      return std::is_same_v<typename View::array_layout, Kokkos::LayoutRight> &&
             std::is_same_v<typename View::non_const_value_type, Scalar>;
    return false;
  }();

  // Rows of a register block that is a panel, two packs, wide: as many accumulators as a product's.
  static constexpr int outer_rows = MR * NR / 2 > 0 ? MR* NR / 2 : 1;
  using P                         = typename V::pack_type;
  using V_outer = Pack<Scalar, (Team::serial ? V::lanes : 16 / int(sizeof(Scalar)))>;
  static constexpr int outer_lanes = V_outer::lanes;
  // Whether products read reduced precision: those of values do.
  static constexpr bool on_units = packing::fragments && V::order == 0 && std::is_same_v<Read, V>;

  // A factor as matrix units would read it.
  template <class Factor>
  static KOKKOS_FORCEINLINE_FUNCTION Factor as_read(Factor v) {
    if constexpr (!on_units)
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
                                                    int pack, Epilogue const& epilogue) {
    Read acc[R][NR];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      Read const start(epilogue.initial(row + r));
      BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = start;
    }
    accumulate<R, K, RowStride, StepStride>(acc, w + static_cast<std::size_t>(row) * RowStride,
                                            x + pack * V::lanes);
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j)
          epilogue(place_type{row + r, (pack + j) * V::lanes}, widen<V>(acc[r][j]));
    }
  }

  // sums[g] += the terms of groups first, ..., first + G - 1 at the positions p, p + step, ... <
  // end
  template <int G, int Sums, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void add_groups(int first, int n, int p, int end, int step,
                                                     int channels, int lane, F const& f,
                                                     V (*sums)[Sums]) {
    V acc[G][Sums];
    BASIN_UNROLL for (int g = 0; g < G; ++g) {
      BASIN_UNROLL for (int s = 0; s < Sums; ++s) acc[g][s] = sums[g][s];
    }
    for (; p < end; p += step) {
      BASIN_UNROLL for (int g = 0; g < G; ++g) {
        for (int k = 0; k < n; ++k) {
          V terms[Sums];
          int const channel = (first + g) * n + k;
          f(place_type{p * channels + channel, lane}, channel, terms);
          BASIN_UNROLL for (int s = 0; s < Sums; ++s) acc[g][s] = acc[g][s] + terms[s];
        }
      }
    }
    BASIN_UNROLL for (int g = 0; g < G; ++g) {
      BASIN_UNROLL for (int s = 0; s < Sums; ++s) sums[g][s] = acc[g][s];
    }
  }

  template <int R, int M, int K, int RowStride, int StepStride, class Taps, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void taps_block(Scalar const* w, Scalar const* x, int position,
                                                     int row, int pack, Epilogue const& epilogue) {
    Read acc[R][NR];
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      Read const start(epilogue.initial(row + r));
      BASIN_UNROLL for (int j = 0; j < NR; ++j) acc[r][j] = start;
    }
    Scalar const* const wr = w + static_cast<std::size_t>(row) * RowStride;
    Scalar const* const xv = x + pack * V::lanes;
    Taps::for_each(position, [&](int tap, int q) {
      accumulate<R, K, RowStride, StepStride>(acc, wr + static_cast<std::size_t>(tap) * M * K,
                                              xv + static_cast<std::size_t>(q) * K * row_size);
    });
    BASIN_UNROLL for (int r = 0; r < R; ++r) {
      BASIN_UNROLL for (int j = 0; j < NR; ++j)
          epilogue(place_type{position * M + row + r, (pack + j) * V::lanes}, widen<V>(acc[r][j]));
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

  // Where row f of panels has its number of a sample.
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

  // y[m] = sum_k w[m RowStride + k StepStride] x[k]
  template <int M, int K, int RowStride, int StepStride, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void multiply(Scalar const* w, Scalar const* packed, Scalar const* x,
                                            Epilogue const& epilogue) const {
    (void)packed;
    constexpr int pack_blocks = packs / NR;
    if constexpr (Team::serial) {
      using blocks = RowBlocks<M, MR>;
      for (int v = 0; v < packs; v += NR) {
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
    } else if constexpr (Team::products_elsewhere) {
      finish_product<M>(team_.template product<Scalar>(
                            {w, M, K, StepStride == 1, x + first_term * T, row_size, terms * T}),
                        epilogue);
    } else {
      if constexpr (reads_packed) {
        if (packed) {
          multiply_packed<M, K, OneTap>(packed, x, epilogue);
          barrier();
          return;
        }
      }
      constexpr int full = M / MR, tail = M % MR;
      team_.template each_product<1>((full + (tail > 0)) * pack_blocks, [&](int i, auto) {
        int const v = i % pack_blocks * NR, b = i / pack_blocks;
        if constexpr (full > 0) {
          if (b < full) row_block<MR, K, RowStride, StepStride>(w, x, b * MR, v, epilogue);
        }
        if constexpr (tail > 0) {
          if (b == full) row_block<tail, K, RowStride, StepStride>(w, x, b * MR, v, epilogue);
        }
      });
    }
    barrier();
  }

  // What Read holds of a row [coefficient][T].
  static constexpr int first_term = is_tail<Read> ? 1 : 0;
  static constexpr int terms      = Read::order + 1 - first_term;

  // Epilogues of a product y (M, terms, T) that a library has made.
  template <int M, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void finish_product(Scalar const* y, Epilogue const& epilogue) const {
    team_.each(M * packs, [&](int i) {
      place_type const at{i / packs, i % packs * V::lanes};
      Scalar const* const from = y + (at.row * terms - first_term) * T + at.lane;
      Read const start(epilogue.initial(at.row));
      epilogue(at, widen<V>(start + tile::load<Read>(from, T)));
    });
  }

  // ---- products with packed weights --------------------------------------------------

  // A dense layer as a convolution: one position, one tap.
  struct OneTap {
    static constexpr int positions = 1, taps = 1;
    template <class F>
    static KOKKOS_FORCEINLINE_FUNCTION void for_each(int, F const& f) {
      f(0, 0);
    }
  };

  // Matrix units take pairs of chains.
  static constexpr bool reads_packed =
      !Team::serial && (MR & (MR - 1)) == 0 && (!packing::fragments || (on_units && V::lanes >= 2));

  // Threads among which the sums of a product of so many items are split.
  static KOKKOS_FUNCTION constexpr int splits(int items, int terms) {
    int s = 1;
    while (s < 32 && items * s * 2 <= Team::tuning.items && terms / (s * 2) >= 8) s *= 2;
    return s;
  }

  template <int M, int K, class Taps, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void multiply_packed(Scalar const* w, Scalar const* x,
                                                   Epilogue const& epilogue) const {
    if constexpr (on_units) {
      multiply_on_units<M, K, Taps>(w, x, epilogue);
    } else {
      constexpr int near = near_positions<Taps>(), N = near * NR;
      using Block          = PositionBlock<Taps, near>;
      constexpr int groups = (M + MR - 1) / MR, pack_blocks = packs / NR;
      constexpr int items = Block::count * groups * pack_blocks, S = splits(items, K);
      if constexpr (S == 1 && 2 * items <= Team::tuning.items) {
        // Few items of few terms, where the epilogues weigh most: a row each.
        team_.template each_product<1>(Taps::positions * M * pack_blocks, [&](int i, auto) {
          int const v = i % pack_blocks * NR * V::lanes, row = i / pack_blocks % M;
          int const p = i / pack_blocks / M;
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
      team_.template each_product<S>(items, [&](int i, auto split) {
        using Parts = decltype(split);
        int const v = i % pack_blocks * NR * V::lanes;
        int const g = i / pack_blocks % groups;
        int const b = i / pack_blocks / groups;
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
              accumulate_packed<K, S, groups * MR, near, true>(sums[slot], of_tap, x + v, q, part);
            } else {
              bool all = true, any = false;
              BASIN_UNROLL for (int j = 0; j < near; ++j) {
                all = all && q[j] >= 0;
                any = any || q[j] >= 0;
              }
              if (all)
                accumulate_packed<K, S, groups * MR, near, true>(sums[slot], of_tap, x + v, q,
                                                                 part);
              else if (any)
                accumulate_packed<K, S, groups * MR, near, false>(sums[slot], of_tap, x + v, q,
                                                                  part);
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

  // Positions of an image that a thread works on at once: with few chains a tile several, so that
  // a weight that was read serves 8 numbers.
  template <class Taps>
  static KOKKOS_FUNCTION constexpr int near_positions() {
    constexpr int at_once = NR * V::lanes * terms;
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

  // Terms part, part + S, ... of the sums of MR rows at positions q of x, where not all: of those
  // with q >= 0. The weights of a few terms are on their way while those before them are
  // multiplied: the second cache of a GPU is hundreds of cycles away.
  template <int K, int S, int Stride, int near, bool all>
  static KOKKOS_FORCEINLINE_FUNCTION void accumulate_packed(Read (&sums)[MR][near * NR],
                                                            Scalar const* w, Scalar const* x,
                                                            int const (&q)[near], int part) {
    using Weights        = Pack<Scalar, MR>;
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

  // Tiles of 16 rows and 4 lanes chains, one a warp. Column n of fragment j of b is chain n columns
  // + j: so a thread reads neighbouring chains at once, and its results are packs of them.
  template <int M, int K, class Taps, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void multiply_on_units(Scalar const* w, Scalar const* x,
                                                     Epilogue const& epilogue) const {
    using F             = Fragments<Team::tuning.precision>;
    constexpr int tiles = (M + 15) / 16, columns = V::lanes / 2, chains = 4 * V::lanes;
    using Chains = Pack<Scalar, columns>;
    static_assert(T % chains == 0,
                  "basin::tile::Tuning: matrix units need 4 * lanes to divide the tile's width.");
    constexpr int blocks = T / chains;
    team_.each_warp(Taps::positions * tiles * blocks, [&](int i, auto warp) {
      using W     = decltype(warp);
      int const v = i % blocks * chains, row = i / blocks % tiles * 16, p = i / blocks / tiles;
      float c[columns][W::slots][4];
      warp.lanes([&](int lane, int slot) {
        BASIN_UNROLL for (int r = 0; r < 4; ++r) {
          int const m       = row + F::row_of_c(lane, r);
          float const start = m < M ? epilogue.initial(m) : Scalar(0);
          BASIN_UNROLL for (int j = 0; j < columns; ++j) c[j][slot][r] = start;
        }
      });
      Taps::for_each(p, [&](int tap, int q) {
        constexpr int k_tiles = (K + F::steps - 1) / F::steps;
        Scalar const* const a_of =
            w + static_cast<std::size_t>(tap) * packing::numbers(M, K) + row / 16 * k_tiles * 128;
        Scalar const* const xq = x + static_cast<std::size_t>(q) * K * row_size + v;
        BASIN_UNROLL_BY_4 for (int t = 0; t < k_tiles; ++t) {
          std::uint32_t a[W::slots][4], b[columns][W::slots][2];
          warp.lanes([&](int lane, int slot) {
            auto const bits_of_a =
                bits<std::uint32_t>(tile::load<Pack<float, 4>>(a_of + (t * 32 + lane) * 4));
            BASIN_UNROLL for (int r = 0; r < 4; ++r) a[slot][r] = bits_of_a[r];
            Scalar const* const from = xq + F::column_of_b(lane) * columns;
            auto const at            = [&](int k) {
              return K % F::steps == 0 || k < K ? tile::load<Chains>(from + k * row_size)
                                                           : Chains(Scalar(0));
            };
            BASIN_UNROLL for (int r = 0; r < 2; ++r) {
              int const k        = t * F::steps + F::step_of_b(lane, r);
              Chains const first = at(k), second = F::pairs ? at(k + F::second) : Chains(Scalar(0));
              BASIN_UNROLL for (int j = 0; j < columns; ++j) b[j][slot][r] =
                  F::encode(first[j], second[j]);
            }
          });
          BASIN_UNROLL for (int j = 0; j < columns; ++j) F::multiply_add(warp, c[j], a, b[j]);
        }
      });
      warp.lanes([&](int lane, int slot) {
        BASIN_UNROLL for (int half = 0; half < 2; ++half) {
          int const m = row + F::row_of_c(lane, 2 * half);
          if (m < M)
            epilogue(place_type{p * M + m, v + lane % 4 * V::lanes}, V::generate([&](int l) {
                       return c[l % columns][slot][2 * half + l / columns];
                     }));
        }
      });
    });
  }

  template <int row_block>
  KOKKOS_FORCEINLINE_FUNCTION void outer_by(int rows, int features, Scalar const* g,
                                            Scalar const* panels, Columns n, Scalar* dw) const {
    int const count = n.end - n.begin, samples = n.stride;
    g += n.begin;
    panels += panel_place(0, samples, n.begin);
    constexpr int columns   = Team::serial ? panel : outer_lanes;
    int const column_blocks = (features + columns - 1) / columns;
    int const row_blocks    = (rows + row_block - 1) / row_block;
    team_.each(column_blocks * row_blocks, [&](int i) {
      // Rows run fastest: a panel of inputs stays in the first cache for all of them. But the
      // threads of a team read neighbouring features.
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
      // Several samples a load: a thread of a GPU waits for loads, not for multiply-adds.
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

  // Fewer rows than a register block has: by halves.
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

  Team team_;
};

}  // namespace basin::tile

#endif
