// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>
#include <basin/tile/row_major_products.hpp>

#include "support/points.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace {

using namespace basin::test;
using Exec = BASIN_TEST_EXEC;
using basin::tile::for_each_tile;
using basin::tile::Matrix;
using basin::tile::tiles;
using basin::tile::Tuning;

// ---- gemm, gemm_t --------------------------------------------------------

// Columns of a table, from one on.
template <class Scalar>
struct Columns {
  Points<Scalar> table;
  int first;
  KOKKOS_FUNCTION Scalar& operator()(int chain, int d) const { return table(chain, first + d); }
};

template <int Rows, int Inner, bool Transposed>
struct Product {
  static constexpr int rows = Rows, inner = Inner;
  static constexpr bool transposed = Transposed;
};

constexpr int largest = 43;

// out (chains, sum of Products::rows) = W x + b, or W^T x + b, side by side.
template <class Scalar, class... Products>
struct Multiply {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 2 * largest;
  static constexpr int columns        = (0 + ... + Products::rows);

  Points<Scalar> points;          // (chains, largest)
  Numbers<Scalar> weights, bias;  // each product reads the first of them
  Points<Scalar> out;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int tile) const {
    int const first = tile * Context::width;
    c.load_chains(points, first, chains, +largest, workspace);
    int column = 0;
    (multiply<Products>(c, workspace, first, column), ...);
  }

 private:
  template <class P, class Context>
  KOKKOS_FUNCTION void multiply(Context const& c, Scalar* x, int first, int& column) const {
    constexpr int M = P::rows, K = P::inner;
    Scalar* const y = x + largest * Context::width;
    StoreFromBias<Scalar> const epilogue{bias.data(), y};
    if constexpr (P::transposed)
      c.template gemm_t<M, K>(Matrix<Scalar, K, M>{weights.data()}, x, epilogue);
    else
      c.template gemm<M, K>(Matrix<Scalar, M, K>{weights.data()}, x, epilogue);
    c.store_chains(y, first, chains, +M, Columns<Scalar>{out, column});
    column += M;
  }
};

template <class Scalar, class P>
void check_product(std::vector<Scalar> const& x, std::vector<Scalar> const& w,
                   std::vector<Scalar> const& b, std::vector<Scalar> const& y, int columns,
                   int& column) {
  constexpr int M = P::rows, K = P::inner;
  INFO("W is " << M << " x " << K << (P::transposed ? ", transposed" : ""));
  double const unit = std::numeric_limits<Scalar>::epsilon() / 2;
  int off = 0, unlike = 0;
  for (int chain = 0; chain < chains; ++chain)
    for (int m = 0; m < M; ++m) {
      Scalar exact = b[static_cast<std::size_t>(m)];
      double sum = exact, size = std::abs(sum);
      for (int k = 0; k < K; ++k) {
        Scalar const weight = w[static_cast<std::size_t>(P::transposed ? k * M + m : m * K + k)];
        Scalar const input  = x[static_cast<std::size_t>(chain * largest + k)];
        exact               = std::fma(weight, input, exact);
        sum += double(weight) * input;
        size += std::abs(double(weight) * input);
      }
      Scalar const result = y[static_cast<std::size_t>(chain * columns + column + m)];
      // K multiply-adds, each rounded once; this loop in double rounds products and sums.
      off += !(std::abs(result - sum) <= 3.03 * K * unit * size);
      unlike += result != exact;
    }
  CHECK(off == 0);
  CHECK(unlike == 0);  // and in ascending order
  column += M;
}

template <class Scalar, class... Products>
void check_products() {
  using Work        = Multiply<Scalar, Products...>;
  auto const x      = random_numbers<Scalar>(chains * largest, 1);
  auto const w      = random_numbers<Scalar>(largest * largest, 2);
  auto const b      = random_numbers<Scalar>(largest, 3);
  auto const points = on_device(x), weights = on_device(w), bias = on_device(b);
  auto const results = run_in_each_tuning<Exec, Scalar>([&]<Tuning tuning>() {
    Numbers<Scalar> const y("y", chains * Work::columns);
    for_each_tile<tuning>(
        Exec(), "test", tiles(chains, tuning.width),
        Work{table(points, chains, largest), weights, bias, table(y, chains, Work::columns)});
    return on_host(y);
  });
  int column         = 0;
  (check_product<Scalar, Products>(x, w, b, results[0].numbers, Work::columns, column), ...);
  CHECK(tunings_that_differ(results) == 0);
}

TEMPLATE_TEST_CASE("gemm and gemm_t sum over k in ascending order, in every context",
                   "[tile][row_major_products]", float, double) {
  check_products<TestType, Product<1, 43, false>, Product<7, 13, false>, Product<24, 3, false>,
                 Product<43, 2, false>, Product<2, 5, true>, Product<13, 7, true>,
                 Product<43, 1, true>>();
}

template <int MR, int M>
constexpr bool is_cut_well() {
  using blocks   = basin::tile::RowBlocks<M, MR>;
  bool const all = blocks::full * MR + blocks::tail1 + blocks::tail2 == M;
  bool const fit = blocks::full >= 0 && blocks::tail1 <= MR && blocks::tail2 <= blocks::tail1;
  // Half a register block or more, unless there are too few rows for one.
  bool const thick = M <= MR || ((blocks::tail1 == 0 || 2 * blocks::tail1 >= MR) &&
                                 (blocks::tail2 == 0 || 2 * blocks::tail2 >= MR - 1));
  return all && fit && thick;
}

template <int MR, int... M>
constexpr bool are_cut_well(std::integer_sequence<int, M...>) {
  return (is_cut_well<MR, M + 1>() && ...);
}

TEST_CASE("row blocks cover every row once and none is thin", "[tile][row_major_products]") {
  STATIC_REQUIRE(are_cut_well<12>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<8>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<6>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<4>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<3>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<1>(std::make_integer_sequence<int, 100>{}));
}

// ---- gemm_taps, gemm_taps_few --------------------------------------------

// Windows of 3 with stride 2: output o reads input i = 2 o + k - 1, where there is one.
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

template <class T>
auto& at(T& values, int i) {
  return values[static_cast<std::size_t>(i)];
}

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
  using Work        = Convolve<Scalar, M, K>;
  auto const x      = random_numbers<Scalar>(chains * (Work::x_rows + Work::g_rows), 1);
  auto const w      = random_numbers<Scalar>(taps_of_window * M * K, 2);
  auto const b      = random_numbers<Scalar>(M > K ? M : K, 3);
  auto const points = on_device(x), weights = on_device(w), bias = on_device(b);
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
                   "[tile][row_major_products]", float, double) {
  check_convolutions<TestType, 13, 3>();
  check_convolutions<TestType, 5, 1>();
  check_convolutions<TestType, 43, 17>();  // weights that are more than the first cache is given
}

}  // namespace
