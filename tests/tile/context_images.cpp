// SPDX-License-Identifier: Apache-2.0
// The primitives of tile/context.hpp that work on images: plain loops, to the bit, in every
// context.
#include <basin/tile/context.hpp>
#include <basin/tile/launch.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::tile::for_each_tile;
using basin::tile::is_gpu;
using basin::tile::max_panel;
using basin::tile::shared_memory;
using basin::tile::tiles;
using basin::tile::Tuning;

template <class Scalar>
using Numbers = Kokkos::View<Scalar*, Exec>;
template <class Scalar>
using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

constexpr int chains = 37;  // fills the last tile of no tuning

template <class T>
auto& at(T& values, int i) {
  return values[static_cast<std::size_t>(i)];
}

template <class Scalar>
std::vector<Scalar> cast(std::vector<double> const& values) {
  return {values.begin(), values.end()};
}

// (chains, columns)
template <class Scalar>
Points<Scalar> table(Numbers<Scalar> const& values) {
  return Points<Scalar>(values.data(), chains, static_cast<int>(values.size()) / chains);
}

// ---- windows of 3 with stride 2: output o reads input i = 2 o + k - 1, where there is one
// --------

constexpr int ins = 7, outs = 4, taps_of_window = 3;

struct OfOutputs {
  static constexpr int positions = outs, taps = taps_of_window;
  template <class F>
  static KOKKOS_FUNCTION void for_each(int o, F const& f) {
    for (int k = 0; k < taps; ++k)
      if (2 * o + k - 1 >= 0 && 2 * o + k - 1 < ins) f(k, 2 * o + k - 1);
  }
};

struct OfInputs {
  static constexpr int positions = ins, taps = taps_of_window;
  template <class F>
  static KOKKOS_FUNCTION void for_each(int i, F const& f) {
    for (int o = 0; o < outs; ++o)
      if (i - 2 * o + 1 >= 0 && i - 2 * o + 1 < taps) f(i - 2 * o + 1, o);
  }
};

struct OfTap {
  int k;
  template <class F>
  KOKKOS_FUNCTION void for_each(F const& f) const {
    for (int o = 0; o < outs; ++o)
      if (2 * o + k - 1 >= 0 && 2 * o + k - 1 < ins) f(o, 2 * o + k - 1);
  }
};

// ---- gemm_taps, gemm_taps_few -------------------------------------------------------------------

template <class Scalar>
struct StoreFromBias {
  Scalar const* bias;
  Scalar* y;
  KOKKOS_FUNCTION Scalar initial(int row) const { return bias[row]; }
  template <class Place, class V>
  KOKKOS_FUNCTION void operator()(Place place, V v) const {
    place.store(y, v);
  }
};

// out (chains, columns): from images x of K channels and g of M the sums over taps of W x and of
// W^T g, the latter, where K is small, also as for few channels. W (taps, M, K).
template <class Scalar, int M, int K>
struct Convolve {
  using scalar_type           = Scalar;
  static constexpr bool few   = K < 4;
  static constexpr int x_rows = ins * K, g_rows = outs * M;
  static constexpr int columns        = g_rows + (few ? 2 : 1) * x_rows;
  static constexpr int workspace_rows = x_rows + g_rows + columns + x_rows;

  Points<Scalar> points;  // (chains, x_rows + g_rows)
  Numbers<Scalar> weights, bias;
  Points<Scalar> out;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* x, int tile) const {
    constexpr int T = Context::width;
    int const first = tile * T;
    Scalar *const g = x + x_rows * T, *const y = g + g_rows * T, *const scratch = y + columns * T;
    c.load_chains(points, first, chains, x_rows + g_rows, x);
    c.template gemm_taps<M, K, false, OfOutputs>(weights.data(), x,
                                                 StoreFromBias<Scalar>{bias.data(), y});
    c.template gemm_taps<K, M, true, OfInputs>(weights.data(), g,
                                               StoreFromBias<Scalar>{bias.data(), y + g_rows * T});
    if constexpr (few)
      c.template gemm_taps_few<K, M, taps_of_window, OfOutputs, OfInputs>(
          weights.data(), g, scratch, StoreFromBias<Scalar>{nullptr, y + (g_rows + x_rows) * T});
    c.store_chains(y, first, chains, +columns, out);
  }
};

template <class Scalar, int M, int K>
void check_convolutions() {
  INFO(M << " and " << K << " channels");
  using Work         = Convolve<Scalar, M, K>;
  auto const x       = cast<Scalar>(numbers(chains * (Work::x_rows + Work::g_rows), 1));
  auto const w       = cast<Scalar>(numbers(taps_of_window * M * K, 2));
  auto const b       = cast<Scalar>(numbers(M > K ? M : K, 3));
  auto const points  = on_device<Exec, Scalar>({x.begin(), x.end()});
  auto const weights = on_device<Exec, Scalar>({w.begin(), w.end()});
  auto const bias    = on_device<Exec, Scalar>({b.begin(), b.end()});
  auto const results = run_in_each_tuning<Exec, Scalar>([&]<Tuning tuning>() {
    Numbers<Scalar> const out("out", chains * Work::columns);
    for_each_tile<tuning>(Exec(), "test", tiles(chains, tuning.width),
                          Work{table(points), weights, bias, table(out)});
    return on_host(out);
  });
  CHECK(tunings_that_differ(results) == 0);

  int wrong = 0;
  for (int chain = 0; chain < chains; ++chain) {
    Scalar const* const state = x.data() + chain * (Work::x_rows + Work::g_rows);
    Scalar const* const g     = state + Work::x_rows;
    Scalar const* result      = results[0].numbers.data() + chain * Work::columns;
    for (int o = 0; o < outs; ++o)
      for (int m = 0; m < M; ++m) {
        Scalar y = at(b, m);
        OfOutputs::for_each(o, [&](int k, int i) {
          for (int c = 0; c < K; ++c) y = std::fma(at(w, (k * M + m) * K + c), state[i * K + c], y);
        });
        wrong += *result++ != y;
      }
    for (bool few : {false, true}) {
      if (few && !Work::few) continue;
      for (int i = 0; i < ins; ++i)
        for (int c = 0; c < K; ++c) {
          Scalar y = few ? 0 : at(b, c);
          OfInputs::for_each(i, [&](int k, int o) {
            // For few channels each tap is summed on its own.
            Scalar sum = few ? 0 : y;
            for (int m = 0; m < M; ++m)
              sum = std::fma(at(w, (k * M + m) * K + c), g[o * M + m], sum);
            y = few ? y + sum : sum;
          });
          wrong += *result++ != y;
        }
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("gemm_taps sums over taps and then channels, in every context",
                   "[tile][context]", float, double) {
  check_convolutions<TestType, 13, 3>();
  check_convolutions<TestType, 5, 1>();
  check_convolutions<TestType, 43, 17>();  // weights that are more than the first cache is given
}

// ---- reduce_groups ------------------------------------------------------------------------------

// out (chains, 2 groups): of each group the sum of x, and that of x times a number of its channel.
template <class Scalar, int groups, int members, int positions>
struct SumGroups {
  using scalar_type             = Scalar;
  static constexpr int channels = groups * members, rows = channels * positions;
  static constexpr int workspace_rows = rows + 2 * groups;
  Points<Scalar> points;
  Numbers<Scalar> per_channel;
  Points<Scalar> out;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* x, int tile) const {
    using V                = typename Context::value_type;
    using Place            = typename Context::place_type;
    int const first        = tile * Context::width;
    Scalar* const y        = x + rows * Context::width;
    Scalar const* const of = per_channel.data();
    c.load_chains(points, first, chains, +rows, x);
    c.template reduce_groups<2, groups, members, positions>(
        [=](Place place, int channel, V(&terms)[2]) {
          terms[0] = place.load(x);
          terms[1] = place.load(x) * V(of[channel]);
        },
        [=](int group, int lane, V const(&sums)[2]) {
          Place{group, lane}.store(y, sums[0]);
          Place{groups + group, lane}.store(y, sums[1]);
        });
    c.store_chains(y, first, chains, 2 * groups, out);
  }
};

// Sums of terms in the order of positions and then members; of split tunings each of S threads
// has every S-th position, and the second half of their sums is added to the first until one is
// left.
template <class Scalar, int groups, int members, int positions>
void check_groups() {
  INFO(groups << " groups of " << members << ", " << positions << " positions");
  using Work        = SumGroups<Scalar, groups, members, positions>;
  auto const x      = numbers(static_cast<std::size_t>(chains * Work::rows), 4);
  auto const w      = numbers(static_cast<std::size_t>(Work::channels), 5);
  auto const points = on_device<Exec, Scalar>(x), of = on_device<Exec, Scalar>(w);
  auto const run = [&]<Tuning tuning>() {
    Numbers<Scalar> const out("out", chains * 2 * groups);
    for_each_tile<tuning>(Exec(), "test", tiles(chains, tuning.width),
                          Work{table(points), of, table(out)});
    return on_host(out);
  };
  auto const in_parts = [&](int threads) {
    std::vector<Scalar> all;
    for (int chain = 0; chain < chains; ++chain)
      for (bool weighted : {false, true})
        for (int g = 0; g < groups; ++g) {
          Scalar part[32] = {};
          for (int p = 0; p < positions; ++p)
            for (int c = g * members; c < (g + 1) * members; ++c) {
              auto const value =
                  static_cast<Scalar>(at(x, chain * Work::rows + p * Work::channels + c));
              part[p % threads] += weighted ? value * static_cast<Scalar>(at(w, c)) : value;
            }
          for (int half = threads / 2; half > 0; half /= 2)
            for (int p = 0; p < half; ++p) part[p] += part[p + half];
          all.push_back(part[0]);
        }
    return all;
  };
  auto const results = run_in_each_tuning<Exec, Scalar>(run);
  CHECK(tunings_that_differ(results) == 0);
  CHECK(results[0].numbers == in_parts(1));

  constexpr Tuning splits{4, 2, 4, 1, is_gpu<Exec> ? 64 : 1, shared_memory<Exec>(), 1 << 20};
  int threads = 1;
  while (threads < 32 && positions / (2 * threads) >= 8) threads *= 2;
  CHECK(run.template operator()<splits>() == in_parts(threads));
}

TEMPLATE_TEST_CASE("reduce_groups sums over positions and then members, in every context",
                   "[tile][context]", float, double) {
  // More groups than are summed at once, and more positions.
  check_groups<TestType, 1, 1, 1>();
  check_groups<TestType, 3, 5, 2>();
  check_groups<TestType, 9, 2, 19>();
  check_groups<TestType, 75, 1, 17>();
  check_groups<TestType, 1, 2, 300>();
}

// ---- outer_taps, panel_sums ---------------------------------------------------------------------

template <class Scalar>
struct StoreImages {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = outs * 43;
  Points<Scalar> points;  // (chains, outs channels)
  int channels, samples;
  Numbers<Scalar> panels;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* g, int tile) const {
    int const first = tile * Context::width;
    c.load_chains(points, first, chains, outs * channels, g);
    for (int p = 0; p < outs; ++p)
      c.store_panels(channels, g + p * channels * Context::width, first, samples,
                     panels.data() + p * c.padded(channels) * samples);
  }
};

template <class Scalar>
struct TapGradient {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  int rows, channels;
  basin::tile::Columns n;
  Numbers<Scalar> x, panels, weights;
  Numbers<Scalar> dw;  // (taps, channels, rows), then the sums (channels)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    for (int k = 0; k < taps_of_window; ++k)
      for (int first = 0; first < channels; first += max_panel)
        c.outer_taps(OfTap{k}, rows, channels, first, x.data(), panels.data(), weights.data(), n,
                     dw.data() + k * channels * rows);
    c.panel_sums(outs, channels, panels.data(), weights.data(), n,
                 dw.data() + taps_of_window * channels * rows);
  }
};

TEMPLATE_TEST_CASE(
    "outer_taps and panel_sums sum over positions and then samples, in every context",
    "[tile][context]", float, double) {
  struct Size {
    int rows, channels;
  };
  auto const w = cast<TestType>(numbers(chains, 6));
  // More rows than are summed at once, and more channels than a panel holds.
  for (Size const s : {Size{1, 1}, Size{5, 13}, Size{70, 3}, Size{7, 43}}) {
    // All samples, or some of them.
    int const begin = s.rows == 70 ? 8 : 0, end = begin > 0 ? chains - 6 : chains;
    INFO(s.rows << " rows, " << s.channels << " channels, samples " << begin << " to " << end);
    int const rows = s.rows, channels = s.channels;
    auto const x = cast<TestType>(numbers(static_cast<std::size_t>(ins * rows * chains), 7));
    auto const g = cast<TestType>(numbers(static_cast<std::size_t>(chains * outs * channels), 8));
    auto const points  = on_device<Exec, TestType>({g.begin(), g.end()});
    auto const weights = on_device<Exec, TestType>({w.begin(), w.end()});
    auto const results = run_in_each_tuning<Exec, TestType>([&]<Tuning tuning>() {
      int const samples = tiles(chains, tuning.width) * tuning.width;
      // Beyond the samples that count there is garbage, which must not matter.
      std::vector<double> inputs(static_cast<std::size_t>(ins * rows * samples),
                                 std::numeric_limits<double>::quiet_NaN());
      for (int i = 0; i < ins * rows; ++i)
        for (int n = 0; n < chains; ++n) at(inputs, i * samples + n) = at(x, i * chains + n);
      Numbers<TestType> const panels("panels", 2 * outs * max_panel * samples);
      Numbers<TestType> const dw("dw", (taps_of_window * rows + 1) * channels);
      for_each_tile<tuning>(Exec(), "test", tiles(chains, tuning.width),
                            StoreImages<TestType>{table(points), channels, samples, panels});
      for_each_tile<tuning>(Exec(), "test", 1,
                            TapGradient<TestType>{rows,
                                                  channels,
                                                  {begin, end, samples},
                                                  on_device<Exec, TestType>(inputs),
                                                  panels,
                                                  weights,
                                                  dw});
      return on_host(dw);
    });
    CHECK(tunings_that_differ(results) == 0);
    int wrong         = 0;
    auto const dw     = results[0].numbers.begin();
    auto const scaled = [&](int p, int m, int n) {
      return at(w, n) * at(g, (n * outs + p) * channels + m);
    };
    for (int m = 0; m < channels; ++m) {
      for (int k = 0; k < taps_of_window; ++k)
        for (int r = 0; r < rows; ++r) {
          TestType sum = 0;
          OfTap{k}.for_each([&](int p, int q) {
            for (int n = begin; n < end; ++n)
              sum = std::fma(at(x, (q * rows + r) * chains + n), scaled(p, m, n), sum);
          });
          wrong += dw[(k * channels + m) * rows + r] != sum;
        }
      TestType sum = 0;
      for (int p = 0; p < outs; ++p)
        for (int n = begin; n < end; ++n) sum += scaled(p, m, n);
      wrong += dw[taps_of_window * channels * rows + m] != sum;
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
