// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>
#include <basin/tile/outer_products.hpp>

#include "support/points.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using namespace basin::test;
using Exec = BASIN_TEST_EXEC;
using basin::tile::for_each_tile;
using basin::tile::max_panel;
using basin::tile::tiles;
using basin::tile::Tuning;

constexpr int largest = 43;

// ---- store_panels, scale_rows, outer, row_sums -------------------------------

template <class Scalar>
struct StorePanels {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = largest;
  Points<Scalar> points;  // (chains, features)
  int samples;
  Numbers<Scalar> panels;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* x, int tile) const {
    int const first = tile * Context::width, features = static_cast<int>(points.extent(1));
    c.load_chains(points, first, chains, features, x);
    c.store_panels(features, x, first, samples, panels.data());
  }
};

template <class Scalar>
struct ParameterGradient {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  int rows, features;
  basin::tile::Columns n;
  Numbers<Scalar> g, weights, panels, dw;  // dw: (rows, features), then the sums (rows)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    c.scale_rows(rows, weights.data(), n, g.data());
    c.outer(rows, features, g.data(), panels.data(), n, dw.data());
    c.row_sums(rows, g.data(), n, dw.data() + rows * features);
  }
};

struct Size {
  int rows, features;
};

// (rows, chains) as (rows, samples), with NaN behind.
template <class Scalar>
std::vector<Scalar> padded(std::vector<Scalar> const& g, int m_rows, int samples) {
  std::vector<Scalar> result(static_cast<std::size_t>(m_rows * samples),
                             std::numeric_limits<Scalar>::quiet_NaN());
  for (int m = 0; m < m_rows; ++m)
    for (int n = 0; n < chains; ++n)
      result[static_cast<std::size_t>(m * samples + n)] =
          g[static_cast<std::size_t>(m * chains + n)];
  return result;
}

TEMPLATE_TEST_CASE("the parameter gradient sums the samples in a stated order, in every context",
                   "[tile][outer_products]", float, double) {
  Size constexpr sizes[] = {{1, 1}, {2, 5}, {7, 13}, {43, 7}, {9, 43}, {13, 33}, {24, 32}};
  auto const w           = random_numbers<TestType>(chains, 6);
  double const unit      = std::numeric_limits<TestType>::epsilon() / 2;
  for (Size const size_of_dw : sizes) {
    int const m_rows = size_of_dw.rows, features = size_of_dw.features;
    // All samples, or some of them.
    int const begin = features == 7 || features == 33 ? 8 : 0, end = begin > 0 ? 29 : chains;
    INFO("dW is " << m_rows << " x " << features << ", of samples " << begin << " to " << end);
    auto const x       = random_numbers<TestType>(chains * features, 7);
    auto const g       = random_numbers<TestType>(chains * m_rows, 8);  // (rows, chains)
    auto const results = run_in_each_tuning<Exec, TestType>([&]<Tuning tuning>() {
      int const samples = tiles(chains, tuning.width) * tuning.width;
      // Beyond the samples that count there is garbage, which must not matter.
      Numbers<TestType> const gradients = on_device(padded(g, m_rows, samples));
      Numbers<TestType> const panels("panels", 2 * basin::tile::max_panel * samples);
      Numbers<TestType> const dw("dw", m_rows * (features + 1));
      for_each_tile<tuning>(
          Exec(), "test", tiles(chains, tuning.width),
          StorePanels<TestType>{table(on_device(x), chains, features), samples, panels});
      for_each_tile<tuning>(
          Exec(), "test", 1,
          ParameterGradient<TestType>{
              m_rows, features, {begin, end, samples}, gradients, on_device(w), panels, dw});
      return on_host(dw);
    });
    CHECK(tunings_that_differ(results) == 0);
    auto const& reference = results[0].numbers;

    int off = 0, unlike = 0;
    for (int m = 0; m < m_rows; ++m) {
      // Feature 'features' is the bias, whose input is 1.
      for (int f = 0; f <= features; ++f) {
        int constexpr P = 32;
        TestType exact  = 0, partial[P]{};  // of the bias: sums of the samples n mod P
        double sum = 0, size = 0;
        for (int n = begin; n < end; ++n) {
          auto const k          = static_cast<std::size_t>(n);
          TestType const scaled = w[k] * g[static_cast<std::size_t>(m * chains + n)];
          TestType const input =
              f < features ? x[static_cast<std::size_t>(n * features + f)] : TestType(1);
          exact = std::fma(scaled, input, exact);
          partial[(n - begin) % P] += scaled;
          sum += double(w[k]) * g[static_cast<std::size_t>(m * chains + n)] * input;
          size += std::abs(double(scaled) * input);
        }
        if (f == features) {
          for (int half = P / 2; half > 0; half /= 2)
            for (int k = 0; k < half; ++k) partial[k] += partial[k + half];
          exact = partial[0];
        }
        TestType const result = reference[static_cast<std::size_t>(
            f < features ? m * features + f : m_rows * features + m)];
        // As above, and a product.
        off += !(std::abs(result - sum) <= 3.03 * (chains + 1) * unit * size);
        unlike += result != exact;
      }
    }
    CHECK(off == 0);
    CHECK(unlike == 0);
  }
}

// ---- outer_taps, panel_sums ------------------------------------------------

// Windows of 3 with stride 2: output o reads input i = 2 o + k - 1, where there is one.
constexpr int ins = 7, outs = 4, taps_of_window = 3;

struct OfTap {
  int k;
  template <class F>
  KOKKOS_FUNCTION void for_each(F const& f) const {
    for (int o = 0; o < outs; ++o)
      if (2 * o + k - 1 >= 0 && 2 * o + k - 1 < ins) f(o, 2 * o + k - 1);
  }
};

template <class T>
auto& at(T& values, int i) {
  return values[static_cast<std::size_t>(i)];
}

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
    "[tile][outer_products]", float, double) {
  struct Size {
    int rows, channels;
  };
  auto const w = random_numbers<TestType>(chains, 6);
  // More rows than are summed at once, and more channels than a panel holds.
  for (Size const s : {Size{1, 1}, Size{5, 13}, Size{70, 3}, Size{7, 43}}) {
    // All samples, or some of them.
    int const begin = s.rows == 70 ? 8 : 0, end = begin > 0 ? chains - 6 : chains;
    INFO(s.rows << " rows, " << s.channels << " channels, samples " << begin << " to " << end);
    int const rows = s.rows, channels = s.channels;
    auto const x      = random_numbers<TestType>(ins * rows * chains, 7);
    auto const g      = random_numbers<TestType>(chains * outs * channels, 8);
    auto const points = on_device(g), weights = on_device(w);
    auto const results = run_in_each_tuning<Exec, TestType>([&]<Tuning tuning>() {
      int const samples = tiles(chains, tuning.width) * tuning.width;
      // Beyond the samples that count there is garbage, which must not matter.
      std::vector<TestType> inputs(static_cast<std::size_t>(ins * rows * samples),
                                   std::numeric_limits<TestType>::quiet_NaN());
      for (int i = 0; i < ins * rows; ++i)
        for (int n = 0; n < chains; ++n) at(inputs, i * samples + n) = at(x, i * chains + n);
      Numbers<TestType> const panels("panels", 2 * outs * max_panel * samples);
      Numbers<TestType> const dw("dw", (taps_of_window * rows + 1) * channels);
      for_each_tile<tuning>(Exec(), "test", tiles(chains, tuning.width),
                            StoreImages<TestType>{table(points), channels, samples, panels});
      for_each_tile<tuning>(
          Exec(), "test", 1,
          TapGradient<TestType>{
              rows, channels, {begin, end, samples}, on_device(inputs), panels, weights, dw});
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
