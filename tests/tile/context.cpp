// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/context.hpp>
#include <basin/tile/launch.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Stream;
using basin::test::run_in_each_tuning;
using basin::test::tunings_that_differ;
using basin::tile::for_each_tile;
using basin::tile::Matrix;
using basin::tile::Pack;
using basin::tile::tiles;
using basin::tile::Tuning;

template <class Scalar>
using Numbers = Kokkos::View<Scalar*, Exec>;
template <class Scalar>
using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

constexpr int chains = 37;  // fills the last tile of no tuning

template <class Scalar>
std::vector<Scalar> random_numbers(int n, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<Scalar> values(static_cast<std::size_t>(n));
  for (Scalar& v : values) v = static_cast<Scalar>(static_cast<double>(bits()) * 0x1p-31 - 1);
  return values;
}

template <class Scalar>
Numbers<Scalar> on_device(std::vector<Scalar> const& values) {
  Numbers<Scalar> const view("values", values.size());
  auto const mirror = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < values.size(); ++i) mirror(i) = values[i];
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class Scalar>
std::vector<Scalar> on_host(Numbers<Scalar> const& view) {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
  return {mirror.data(), mirror.data() + mirror.size()};
}

// (rows, columns), row-major
template <class Scalar>
Points<Scalar> table(Numbers<Scalar> const& values, int rows, int columns) {
  return Points<Scalar>(values.data(), rows, columns);
}

// ---- gemm, gemm_t --------------------------------------------------------

template <class Scalar>
struct StoreFromBias {
  Scalar const* bias;
  Scalar* y;
  KOKKOS_FUNCTION Scalar initial(int row) const { return bias[row]; }
  template <class Place, class V>
  KOKKOS_FUNCTION void operator()(Place at, V v) const {
    at.store(y, v);
  }
};

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
                   "[tile][context]", float, double) {
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

TEST_CASE("row blocks cover every row once and none is thin", "[tile][context]") {
  STATIC_REQUIRE(are_cut_well<12>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<8>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<6>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<4>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<3>(std::make_integer_sequence<int, 100>{}));
  STATIC_REQUIRE(are_cut_well<1>(std::make_integer_sequence<int, 100>{}));
}

// ---- map, reduce, normal, each, load and store -----------------------------

constexpr int rows = 13, groups = 3, group = 4, spare = 5;
constexpr int map_at = 0, sum_at = rows, normal_at = rows + groups, square_at = 2 * rows + groups,
              columns = square_at + 1;

template <class Scalar>
struct Elementwise {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = columns + rows;

  Points<Scalar> points;    // (chains, rows)
  Numbers<Scalar> per_row;  // (rows)
  Stream stream;
  Points<Scalar> out;        // (chains + spare, columns)
  Points<Scalar> all_lanes;  // (tiles T, rows): what load_chains leaves in every lane

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int tile) const {
    using V         = typename Context::value_type;
    constexpr int T = Context::width;
    int const first = tile * T;
    Scalar *const x = workspace, *const y = workspace + rows * T;
    Scalar const* const bias   = per_row.data();
    Points<Scalar> const lanes = all_lanes;

    c.load_chains(points, first, chains, +rows, x);
    c.each(rows * T, [=](int i) { lanes(first + i % T, i / T) = x[i]; });
    c.map(+rows, [=](auto at) {
      V const here = at.load(x), above = at.at((at.row + 1) % rows).load(x);
      at.store(y + map_at * T, fma(here, above, at.broadcast(bias)));
    });
    c.reduce(
        +groups, +group, [=](auto at) { return at.load(x); },
        [=](auto at, V sum) { at.store(y + sum_at * T, sum); });
    c.normal(+rows, stream, static_cast<std::uint32_t>(first),
             [=](auto at, V z) { at.store(y + normal_at * T, z); });
    c.each(+T, [=](int t) { y[square_at * T + t] = x[t] * x[t]; });
    c.store_chains(y, first, chains, +columns, out);
  }
};

TEMPLATE_TEST_CASE("map, reduce, normal and each are plain loops, in every context",
                   "[tile][context]", float, double) {
  auto const x      = random_numbers<TestType>(chains * rows, 4);
  auto const b      = random_numbers<TestType>(rows, 5);
  auto const points = on_device(x), bias = on_device(b);
  Stream const stream{11, basin::Purpose::sampler_noise, 3};
  TestType const untouched = 99;
  auto const at = [&](int chain, int d) { return x[static_cast<std::size_t>(chain * rows + d)]; };

  std::size_t constexpr stored = (chains + spare) * columns;
  // What is stored, then what is loaded.
  auto results = run_in_each_tuning<Exec, TestType>([&]<Tuning tuning>() {
    int const lanes = tiles(chains, tuning.width) * tuning.width;
    Numbers<TestType> const y("y", stored), loaded("loaded", lanes * rows);
    Kokkos::deep_copy(y, untouched);
    for_each_tile<tuning>(
        Exec(), "test", tiles(chains, tuning.width),
        Elementwise<TestType>{table(points, chains, rows), bias, stream,
                              table(y, chains + spare, columns), table(loaded, lanes, rows)});
    auto both       = on_host(y);
    auto const more = on_host(loaded);
    both.insert(both.end(), more.begin(), more.end());
    return both;
  });

  for (auto& [tuning, by_library, numbers] : results) {
    (void)by_library;
    INFO("width " << tuning.width << ", lanes " << tuning.lanes << ", team " << tuning.team);
    int wrong_load = 0, wrong_store = 0;
    for (int chain = 0; chain < tiles(chains, tuning.width) * tuning.width; ++chain)
      for (int d = 0; d < rows; ++d)
        wrong_load += numbers[stored + static_cast<std::size_t>(chain * rows + d)] !=
                      at(chain < chains ? chain : chains - 1, d);
    for (std::size_t i = chains * columns; i < stored; ++i) wrong_store += numbers[i] != untouched;
    CHECK(wrong_load == 0);   // the last tile repeats the last chain
    CHECK(wrong_store == 0);  // and stores none of them
    numbers.resize(stored);
  }
  CHECK(tunings_that_differ(results) == 0);

  auto const& reference = results[0].numbers;
  int wrong_map = 0, wrong_sum = 0, wrong_square = 0;
  double wrong_normal = 0;
  for (int chain = 0; chain < chains; ++chain) {
    auto const got = [&](int column) {
      return reference[static_cast<std::size_t>(chain * columns + column)];
    };
    for (int d = 0; d < rows; ++d) {
      wrong_map += got(map_at + d) != std::fma(at(chain, d), at(chain, (d + 1) % rows),
                                               b[static_cast<std::size_t>(d)]);
      Pack<TestType, 1> z[4];
      basin::tile::normal_block(stream, static_cast<std::uint32_t>(d / 4),
                                static_cast<std::uint32_t>(chain), z);
      wrong_normal = std::max(wrong_normal, std::abs(double(got(normal_at + d)) - z[d % 4][0]));
    }
    for (int g = 0; g < groups; ++g) {
      TestType sum = 0;
      for (int k = 0; k < group; ++k) sum += at(chain, g * group + k);
      wrong_sum += got(sum_at + g) != sum;
    }
    wrong_square += got(square_at) != at(chain, 0) * at(chain, 0);
  }
  CHECK(wrong_map == 0);
  CHECK(wrong_sum == 0);
  CHECK(wrong_square == 0);
  // A device's libm, which draws in double use, may differ from the host's in the last bits.
  CHECK(wrong_normal <= (basin::test::is_host<Exec> ? 0.0 : 1e-5));
}

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
                   "[tile][context]", float, double) {
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

}  // namespace
