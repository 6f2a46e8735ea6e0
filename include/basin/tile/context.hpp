// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_CONTEXT_HPP
#define BASIN_TILE_CONTEXT_HPP

#include <basin/tile/chain_access.hpp>
#include <basin/tile/columns.hpp>
#include <basin/tile/jet.hpp>
#include <basin/tile/outer_products.hpp>
#include <basin/tile/packed_products.hpp>
#include <basin/tile/random.hpp>
#include <basin/tile/row_major_products.hpp>
#include <basin/tile/sums.hpp>

#include <cstddef>
#include <type_traits>

namespace basin::tile {

/// What a kernel holds while it works on one tile of T chains: the primitives that layers, samplers
/// and objectives are written with. Arrays of a tile are rows [row][T], the chain contiguous.
///
/// Contract: a primitive ends with a barrier, so that its results are visible to the team; sums
/// over k, rows and samples run in ascending order within one work item, so that every context
/// gives the same bits; except for a tuning with 'items' or a reduced precision, see Tuning.
///
/// \tparam Team  SerialTeam, KokkosTeam or BlockTeam
/// \tparam V     vector of lanes, or a jet of vectors: then a row is [coefficient][T]
/// \tparam T     chains of a tile
/// \tparam MR    rows of a register block
/// \tparam NR    vectors of a register block
/// \tparam Read  what matrix products read of x: V, V truncated where further terms of x are 0, or
///               the Tail of V where results of the first term are known; epilogues then get both
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
  static constexpr int row_size = place_type::row_size;  // values of a row
  static constexpr int vectors  = T / V::lanes;          // vectors of a row
  using outer_products          = OuterProducts<Team, V, T, MR, NR>;
  static constexpr int panel    = outer_products::panel;  // features of a panel
  /// How a team keeps copies of weights, and whether its products read any.
  using packing                      = Packing<Scalar, layout_of(Team::tuning)>;
  static constexpr bool reads_copies = PackedProducts<Team, V, T, MR, NR, Read>::possible;

  KOKKOS_FORCEINLINE_FUNCTION explicit Context(Team team) : team_(team) {}

  // Rows of a register block whose elements are 'times' times smaller. At most 12: rows of wide
  // matrices are a power of two apart and would evict each other from the L1 cache.
  static constexpr int rows_of(int times) {
    if (!Team::serial) return MR;  // as weights are packed
    return MR * times > 12 ? (MR > 12 ? MR : 12) : MR * times;
  }

  /// The same on values, in rows [row][T]: for the part of a computation that needs no jets.
  using on_values = Context<Team, typename V::simd_type, T, rows_of(V::order + 1), NR>;
  KOKKOS_FORCEINLINE_FUNCTION on_values with_values() const { return on_values(team_); }

  /// The same, for layers whose input is a straight line: a jet without terms past the first.
  using on_a_line = Context<Team, V, T, MR, NR, cut<V, 1>>;
  KOKKOS_FORCEINLINE_FUNCTION on_a_line with_input_on_a_line() const { return on_a_line(team_); }

  /// The same, for products whose first terms are known, with as many accumulator registers.
  using on_tails = Context<Team, V, T, rows_of((V::order + 1) / (V::order > 0 ? V::order : 1)), NR,
                           Tail<typename V::simd_type, V::order>>;

  /// The context of a layer that is one product, whose results are kept from row first_row on; -1:
  /// they are not kept. Here nothing is kept, see kept_products.hpp.
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

  /// f(place) for every vector of 'rows' rows.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void map(int rows, F const& f) const {
    team_.each(rows * vectors, [&](int i) { f(place_type{i / vectors, i % vectors * V::lanes}); });
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
    constexpr int row_stride = transposed ? 1 : K, step_stride = transposed ? M : 1;
    if constexpr (packed_products::possible) {
      if (weights.packed) {
        constexpr int second = transposed ? packing::transposed(Taps::taps, K, M) : 0;
        packed_products::template multiply<M, K, Taps>(team_, weights.packed + second, x, epilogue);
        barrier();
        return;
      }
    }
    row_major_products::template taps<M, K, row_stride, step_stride, Taps>(team_, weights.data, x,
                                                                           epilogue);
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
        for (int v = 0; v < vectors; v += NR) {
          V products[M * taps][NR];
          row_major_products::template of_all_taps<M, K, taps>(
              w, x + static_cast<std::size_t>(q) * K * row_size + v * V::lanes, products);
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
    team_.each(groups * vectors, [&](int i) {
      int const group = i / vectors, lane = i % vectors * V::lanes;
      V sum(Scalar(0));
      for (int k = 0; k < n; ++k) sum = sum + f(place_type{group * n + k, lane});
      out(place_type{group, lane}, sum);
    });
    barrier();
  }

  /// out(group, lane, sums) for each of Groups groups of channels, Members channels each, of an
  /// image [position][channel][T]: f(place, channel, terms) gives what is summed, Sums values at a
  /// time, over the Positions and the channels of the group, in this order.
  template <int Sums, int Groups, int Members, int Positions, class F, class Out>
  KOKKOS_FORCEINLINE_FUNCTION void reduce_groups(F const& f, Out const& out) const {
    sums::template of_groups<Sums, Groups, Members, Positions>(team_, f, out);
    barrier();
  }

  /// f(place, z), z ~ N(0, 1), a vector, of element row and of chain first_chain + lane. In a team
  /// place and z have one lane: with few rows one thread would draw for a whole vector of chains
  /// while all others wait.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void normal(int rows, Stream const& stream, std::uint32_t first_chain,
                                          F const& f) const {
    using W               = std::conditional_t<Team::serial, V, one_lane<V>>;
    using Z               = typename W::simd_type;
    using Word            = RandomWords<Z>;
    constexpr int vectors = T / W::lanes;
    team_.each((rows + 3) / 4 * vectors, [&](int i) {
      int const block = i / vectors, lane = i % vectors * W::lanes;
      Word words[4];
      random_block(stream, block, Word(first_chain + lane) + lane_numbers<Word>(), words);
      Z z[2][2] = {};
      normal_pair(words[0], words[1], z[0]);
      if (rows > 2) normal_pair(words[2], words[3], z[1]);
      BASIN_UNROLL for (int r = 0; r < 4; ++r) {
        if (4 * block + r < rows) f(Place<W, T>{4 * block + r, lane}, z[r / 2][r % 2]);
      }
    });
    barrier();
  }

  /// f(place, u), u uniform on (0, 1); otherwise as normal.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void uniform(int rows, Stream const& stream,
                                           std::uint32_t first_chain, F const& f) const {
    using W               = std::conditional_t<Team::serial, V, one_lane<V>>;
    constexpr int vectors = T / W::lanes;
    team_.each((rows + 3) / 4 * vectors, [&](int i) {
      int const block = i / vectors, lane = i % vectors * W::lanes;
      typename W::simd_type u[4];
      uniform_block(stream, static_cast<std::uint32_t>(block),
                    first_chain + static_cast<std::uint32_t>(lane), u);
      BASIN_UNROLL for (int r = 0; r < 4; ++r) {
        if (4 * block + r < rows) f(Place<W, T>{4 * block + r, lane}, u[r]);
      }
    });
    barrier();
  }

  /// x[d][t] = source(min(first + t, count - 1), d): a last tile that is not full repeats its last
  /// chain, so that no lane holds garbage. Of jets one coefficient: x + k T for the k-th.
  template <class Source>
  KOKKOS_FORCEINLINE_FUNCTION void load_chains(Source const& source, int first, int count, int rows,
                                               Scalar* x) const {
    chains::load(team_, source, first, count, rows, x);
    barrier();
  }

  /// target(first + t, d) = x[d][t] for chains below count.
  template <class Target>
  KOKKOS_FORCEINLINE_FUNCTION void store_chains(Scalar const* x, int first, int count, int rows,
                                                Target const& target) const {
    chains::store(team_, x, first, count, rows, target);
    barrier();
  }

  /// Copies rows x (positions, features, T) of samples first, first + 1, ... into panels
  /// [position][feature / panel][sample][panel], for outer and outer_taps, every position padded to
  /// padded(features) rows. samples is padded to a multiple of T. Of jets one coefficient: x + k T
  /// for the k-th.
  KOKKOS_FORCEINLINE_FUNCTION void store_panels(int features, Scalar const* x, int first,
                                                int samples, Scalar* panels,
                                                int positions = 1) const {
    outer_products::store_panels(team_, features, x, first, samples, panels, positions);
    barrier();
  }

  /// Output-stationary parameter gradient: dw[m][f] = sum_n g[m][n] x[n][f] for 'rows' rows m of
  /// dw, the samples in ascending order.
  ///
  /// \param g       (rows, n.stride)
  /// \param panels  x as store_panels leaves it, for 'features' features
  /// \param n       samples that are summed
  /// \param dw      (rows, features), leading dimension features
  KOKKOS_FORCEINLINE_FUNCTION void outer(int rows, int features, Scalar const* g,
                                         Scalar const* panels, Columns n, Scalar* dw) const {
    outer_products::outer(team_, rows, features, g, panels, n, dw);
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
    outer_products::outer_taps(team_, pairs, rows, channels, first, x, g, w, n, dw);
    barrier();
  }

  /// sums[m] = sum over positions and samples of w[n] g[p][n][m], in this order; g and w as for
  /// outer_taps.
  KOKKOS_FORCEINLINE_FUNCTION void panel_sums(int positions, int channels, Scalar const* g,
                                              Scalar const* w, Columns n, Scalar* sums) const {
    outer_products::panel_sums(team_, positions, channels, g, w, n, sums);
    barrier();
  }

  /// Rows of a position's channels in panels.
  KOKKOS_FUNCTION static constexpr int padded(int channels) {
    return outer_products::padded(channels);
  }

  /// sums[m] = sum_n g[m][n]; g (rows, some.stride). 32 partial sums, of every 32nd sample from
  /// some.begin, some.begin + 1, ... on, each in ascending order, then the second half of them
  /// added to the first until one is left: the same in every context, without a long dependent
  /// chain of additions, and with work for a warp.
  KOKKOS_FORCEINLINE_FUNCTION void row_sums(int rows, Scalar const* g, Columns some,
                                            Scalar* sums_of_rows) const {
    sums::of_rows(team_, rows, g, some, sums_of_rows);
    barrier();
  }

  /// g[m][n] = w[n] g[m][n]; g (rows, some.stride), w (some.end).
  KOKKOS_FORCEINLINE_FUNCTION void scale_rows(int rows, Scalar const* w, Columns some,
                                              Scalar* g) const {
    sums::scale_rows(team_, rows, w, some, g);
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
  using P                  = typename V::simd_type;
  using chains             = ChainAccess<Team, V, T>;
  using sums               = Sums<Team, V, T>;
  using row_major_products = RowMajorProducts<Team, V, T, MR, NR, Read>;
  using packed_products    = PackedProducts<Team, V, T, MR, NR, Read>;

  // y[m] = sum_k w[m RowStride + k StepStride] x[k]
  template <int M, int K, int RowStride, int StepStride, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void multiply(Scalar const* w, Scalar const* packed, Scalar const* x,
                                            Epilogue const& epilogue) const {
    (void)packed;
    if constexpr (Team::products_elsewhere) {
      finish_product<M>(team_.template product<Scalar>(
                            {w, M, K, StepStride == 1, x + first_term * T, row_size, terms * T}),
                        epilogue);
    } else {
      if constexpr (packed_products::possible) {
        if (packed) {
          packed_products::template multiply<M, K, OneTap>(team_, packed, x, epilogue);
          barrier();
          return;
        }
      }
      row_major_products::template dense<M, K, RowStride, StepStride>(team_, w, x, epilogue);
    }
    barrier();
  }

  // What Read holds of a row [coefficient][T].
  static constexpr int first_term = is_tail<Read> ? 1 : 0;
  static constexpr int terms      = terms_of<Read>;

  // Epilogues of a product y (M, terms, T) that a library has computed.
  template <int M, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void finish_product(Scalar const* y, Epilogue const& epilogue) const {
    team_.each(M * vectors, [&](int i) {
      place_type const at{i / vectors, i % vectors * V::lanes};
      Scalar const* const from = y + (at.row * terms - first_term) * T + at.lane;
      Read const start(epilogue.initial(at.row));
      epilogue(at, widen<V>(start + tile::load<Read>(from, T)));
    });
  }

  Team team_;
};

}  // namespace basin::tile

#endif
