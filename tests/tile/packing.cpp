// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/detail/taps.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/packing.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

// In a namespace with a name, for nvcc.
namespace packing_test {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Precision;
using basin::tile::Tuning;
template <class Scalar>
using Numbers = Kokkos::View<Scalar*, Exec>;
template <class Scalar>
using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

constexpr int chains = 37;  // fill the last tile of no tuning

// ---- products -----------------------------------------------------------------------

// As of a dense layer.
struct One {
  static constexpr int positions = 1, taps = 1, sources = 1;
  template <class F>
  static KOKKOS_FUNCTION void for_each(int, F const& f) {
    f(0, 0);
  }
};
// Three taps along a line of five places, the outer ones cut off at its ends.
struct Line {
  static constexpr int positions = 5, taps = 3, sources = 5;
  template <class F>
  static KOKKOS_FUNCTION void for_each(int p, F const& f) {
    for (int tap = 0; tap < taps; ++tap)
      if (p + tap >= 1 && p + tap <= positions) f(tap, p + tap - 1);
  }
};

// A convolution of stride 2 of an image of 5 x 9, and back; of their positions a thread takes
// several where a tile has few chains.
using basin::layer::detail::TapAxis;
using Down  = TapAxis<5, 3, 3, 2, 1>;
using Right = TapAxis<9, 5, 3, 2, 1>;
struct Outputs : basin::layer::detail::OutputTaps<Down, Right> {
  static constexpr int sources = 45;
};
struct Inputs : basin::layer::detail::InputTaps<Down, Right> {
  static constexpr int sources = 15;
};

// y (positions, M) = W x or W^T x, x (sources, K).
template <class Taps_, int M_, int K_, bool transposed_>
struct Shape {
  using Taps             = Taps_;
  static constexpr int M = M_, K = K_, taps = Taps::taps, positions = Taps::positions;
  static constexpr bool transposed = transposed_;
  // Of W as it is stored.
  static constexpr int rows = transposed ? K : M, columns = transposed ? M : K;
  static constexpr int weights = taps * M * K;

  static int weight(int tap, int m, int k) {
    return (tap * rows + (transposed ? k : m)) * columns + (transposed ? m : k);
  }
};
template <int M, int K>
using Gemm = Shape<One, M, K, false>;
template <int M, int K>
using GemmT = Shape<One, M, K, true>;
template <int M, int K>
using GemmTaps = Shape<Line, M, K, false>;
template <int M, int K>
using GemmTapsT = Shape<Line, M, K, true>;
template <int M, int K>
using Convolution = Shape<Outputs, M, K, false>;
template <int M, int K>
using ConvolutionT = Shape<Inputs, M, K, true>;

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

template <class Scalar, class S>
struct FillCopies {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* w;
  Scalar* packed;
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    Context::packing::fill(c, +S::taps, +S::rows, +S::columns, w, packed);
  }
};

template <class Scalar, class S, int order>
struct Multiply {
  using scalar_type                   = Scalar;
  static constexpr int x_rows         = S::Taps::sources * S::K;
  static constexpr int y_rows         = S::positions * S::M;
  static constexpr int workspace_rows = x_rows + y_rows;
  static constexpr int jet_order      = order;
  Points<Scalar> x[order + 1], y[order + 1];  // of each coefficient (chains, rows)
  Scalar const *w, *packed, *bias;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* in, int tile) const {
    constexpr int M = S::M, K = S::K, T = Context::width;
    int const first   = tile * T;
    Scalar* const out = in + x_rows * Context::row_size;
    for (int k = 0; k <= order; ++k) c.load_chains(x[k], first, chains, +x_rows, in + k * T);
    StoreFromBias<Scalar> const epilogue{bias, out};
    if constexpr (S::taps > 1)
      c.template gemm_taps<M, K, S::transposed, typename S::Taps>(
          basin::tile::TapWeights<Scalar>(w, packed), in, epilogue);
    else if constexpr (S::transposed)
      c.template gemm_t<M, K>(basin::tile::Matrix<Scalar, K, M>{w, packed}, in, epilogue);
    else
      c.template gemm<M, K>(basin::tile::Matrix<Scalar, M, K>{w, packed}, in, epilogue);
    for (int k = 0; k <= order; ++k) c.store_chains(out + k * T, first, chains, +y_rows, y[k]);
  }
};

}  // namespace packing_test

namespace {

using namespace packing_test;
using basin::test::is_host;

template <class Scalar>
std::vector<Scalar> random_numbers(int n, unsigned seed) {
  std::mt19937_64 bits(seed);
  std::vector<Scalar> values(static_cast<std::size_t>(n));
  for (Scalar& v : values) v = static_cast<Scalar>(static_cast<double>(bits()) * 0x1p-63 - 1);
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

// One product: its numbers on the host, and what a tuning makes of them.
template <class Scalar, class S, int order>
struct Case {
  using Work            = Multiply<Scalar, S, order>;
  std::vector<Scalar> w = random_numbers<Scalar>(S::weights, 1),
                      b = random_numbers<Scalar>(S::M, 2);
  std::array<std::vector<Scalar>, order + 1> x;

  Case() {
    for (int k = 0; k <= order; ++k)
      x[std::size_t(k)] = random_numbers<Scalar>(chains * Work::x_rows, 3 + unsigned(k));
  }

  // (order + 1, chains, positions, M)
  template <Tuning tuning>
  std::vector<Scalar> run(bool with_copies) const {
    auto const weights = on_device(w), bias = on_device(b);
    Numbers<Scalar> copies;
    if (with_copies) {
      using packing = basin::tile::Packing<Scalar, tuning>;
      copies        = Numbers<Scalar>("copies", packing::numbers(S::taps, S::rows, S::columns));
      // Whatever is not written is not read.
      Kokkos::deep_copy(copies, std::numeric_limits<Scalar>::quiet_NaN());
      basin::tile::for_each_tile<tuning>(Exec(), "test", 1,
                                         FillCopies<Scalar, S>{weights.data(), copies.data()});
    }
    Work work{};
    std::array<Numbers<Scalar>, order + 1> in, out;
    for (int k = 0; k <= order; ++k) {
      std::size_t const i = static_cast<std::size_t>(k);
      in[i]               = on_device(x[i]);
      out[i]              = Numbers<Scalar>("y", chains * Work::y_rows);
      work.x[k]           = Points<Scalar>(in[i].data(), chains, +Work::x_rows);
      work.y[k]           = Points<Scalar>(out[i].data(), chains, +Work::y_rows);
    }
    work.w      = weights.data();
    work.packed = with_copies ? copies.data() : nullptr;
    work.bias   = bias.data();
    basin::tile::for_each_tile<tuning>(Exec(), "test", basin::tile::tiles(chains, tuning.width),
                                       work);
    std::vector<Scalar> all;
    for (auto const& view : out) {
      auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
      all.insert(all.end(), host.data(), host.data() + host.size());
    }
    return all;
  }

  // f(index into what run gives, initial, terms) with g(w, x) for each term of the sum, its number
  // k in 'terms(g)'.
  template <class F>
  void for_each_result(F const& f) const {
    std::size_t index = 0;
    for (int j = 0; j <= order; ++j)
      for (int chain = 0; chain < chains; ++chain)
        for (int p = 0; p < S::positions; ++p)
          for (int m = 0; m < S::M; ++m, ++index) {
            auto const terms = [&](auto const& g) {
              S::Taps::for_each(p, [&](int tap, int q) {
                for (int k = 0; k < S::K; ++k)
                  g(k, w[std::size_t(S::weight(tap, m, k))],
                    x[std::size_t(j)][std::size_t(chain * Work::x_rows + q * S::K + k)]);
              });
            };
            f(index, j == 0 ? b[std::size_t(m)] : Scalar(0), terms);
          }
  }

  // The sums as 'threads' threads share them, by a scalar loop: thread s adds the terms k = s
  // modulo 'threads' of every tap, thread 0 to the initial value.
  std::vector<Scalar> in_parts(int threads) const {
    std::vector<Scalar> all((order + 1) * std::size_t(chains * Work::y_rows));
    for_each_result([&](std::size_t i, Scalar initial, auto const& terms) {
      Scalar part[32] = {initial};
      terms([&](int k, Scalar wk, Scalar xk) {
        part[k % threads] = std::fma(wk, xk, part[k % threads]);
      });
      for (int half = threads / 2; half > 0; half /= 2)
        for (int p = 0; p < half; ++p) part[p] += part[p + half];
      all[i] = part[0];
    });
    return all;
  }

  static int terms_of_a_sum() { return S::K * S::taps + 1; }
};

template <Tuning tuning>
constexpr Tuning with_items(int items) {
  Tuning t = tuning;
  t.items  = items;
  return t;
}

constexpr int many = 1 << 20;

// Tunings whose products read packed copies: teams of one and of several, blocks of 2, 4 and 8
// rows.
template <class F>
void for_each_packing(F const& f) {
  if constexpr (is_host<Exec>)
    basin::test::detail::run_tunings<Exec, Tuning{16, 4, 4, 1, 1}, Tuning{16, 8, 4, 2, 2},
                                     Tuning{8, 2, 8, 2, 1},
                                     basin::test::layerwise(Tuning{8, 4, 2, 1, 2})>(f);
  else
    basin::test::detail::run_tunings<
        Exec, Tuning{16, 4, 4, 1, 64}, Tuning{16, 4, 4, 2, 128, basin::tile::shared_memory<Exec>()},
        Tuning{8, 2, 8, 2, 64, basin::tile::shared_memory<Exec>()},
        basin::test::layerwise(Tuning{8, 4, 2, 1, 64, basin::tile::shared_memory<Exec>()})>(f);
}

// Tiles of so few chains that a thread takes several positions of an image.
template <class F>
void for_each_narrow_packing(F const& f) {
  constexpr int team = is_host<Exec> ? 1 : 64, shared = basin::tile::shared_memory<Exec>();
  basin::test::detail::run_tunings<Exec, Tuning{4, 4, 4, 1, team, shared},
                                   Tuning{2, 2, 4, 1, team, shared},
                                   Tuning{1, 1, 4, 1, team, shared}>(f);
}

// A product shares its sums among as many threads, of a warp, as have 8 terms each.
constexpr int threads_of_a_sum(Tuning t, int terms) {
  int s = 1;
  while (t.items > 0 && s < 32 && terms / (2 * s) >= 8) s *= 2;
  return s;
}

// Whether a library makes a product: of dense layers alone.
template <class S>
constexpr bool elsewhere(Tuning tuning) {
  return S::taps == 1 && basin::test::by_library<Exec>(tuning);
}

template <class Scalar, class S, int order>
void check_sums() {
  INFO("y has " << S::M << " rows, sums " << S::K << " terms and " << S::taps << " taps, order "
                << order << (S::transposed ? ", transposed" : ""));
  Case<Scalar, S, order> const product;
  auto const check = [&]<Tuning tuning>() {
    CAPTURE(tuning.width, tuning.lanes, tuning.rows, tuning.team);
    constexpr bool ours = !elsewhere<S>(tuning);  // else in another order
    auto const whole    = product.template run<tuning>(false);
    if (ours) CHECK(whole == product.in_parts(1));
    CHECK(product.template run<tuning>(true) == whole);
    constexpr Tuning splits = with_items<tuning>(many);
    int const threads       = threads_of_a_sum(splits, S::K);
    auto const split        = product.template run<splits>(true);
    if (ours) CHECK(split == product.in_parts(threads));
    CHECK((split != whole) == (ours && threads > 1));
    CHECK(product.template run<splits>(true) == split);
    // A sum of n terms in parts has at most n + 5 roundings, each of at most u sum |w x|; one more
    // for the terms of second order.
    double const unit = std::numeric_limits<Scalar>::epsilon() / 2;
    int off           = 0;
    product.for_each_result([&](std::size_t i, Scalar initial, auto const& terms) {
      long double exact = initial, size = std::abs(initial);
      terms([&](int, Scalar w, Scalar x) {
        exact += static_cast<long double>(w) * x;
        size += std::abs(static_cast<long double>(w) * x);
      });
      off += !(std::abs(split[i] - exact) <= (product.terms_of_a_sum() + 6) * unit * size);
    });
    CHECK(off == 0);
  };
  if constexpr (requires { S::Taps::template blocks<2>; })
    for_each_narrow_packing(check);
  else
    for_each_packing(check);
}

TEMPLATE_TEST_CASE("packed copies give the sums of the weights themselves, whole and in parts",
                   "[tile][packing]", float, double) {
  check_sums<TestType, Gemm<13, 19>, 0>();
  check_sums<TestType, Gemm<21, 43>, 0>();
  check_sums<TestType, Gemm<3, 270>, 0>();
  check_sums<TestType, GemmT<7, 33>, 0>();
  check_sums<TestType, GemmT<18, 5>, 0>();
  check_sums<TestType, GemmTaps<6, 18>, 0>();
  check_sums<TestType, GemmTapsT<9, 35>, 0>();
}

TEST_CASE("packed copies give the sums of convolutions, a few chains at a time",
          "[tile][packing]") {
  check_sums<float, Convolution<6, 18>, 0>();
  check_sums<float, ConvolutionT<9, 35>, 0>();
  check_sums<double, ConvolutionT<5, 18>, 1>();
}

TEST_CASE("packed copies give the sums of jets", "[tile][packing]") {
  check_sums<float, Gemm<13, 43>, 1>();
  check_sums<float, GemmT<7, 21>, 2>();
  check_sums<float, GemmTaps<6, 18>, 2>();
  check_sums<float, GemmTapsT<5, 33>, 1>();
}

// ---- reduced precision ------------------------------------------------------------

template <class F>
void for_each_matrix_unit(F const& f) {
  if constexpr (is_host<Exec>)
    basin::test::detail::run_tunings<Exec, Tuning{16, 4, 4, 1, 1}, Tuning{16, 2, 4, 1, 2},
                                     basin::test::layerwise(Tuning{32, 8, 4, 1, 1})>(f);
  else
    basin::test::detail::run_tunings<
        Exec, Tuning{16, 4, 4, 1, 64}, Tuning{16, 4, 4, 1, 64, basin::tile::shared_memory<Exec>()},
        Tuning{16, 2, 4, 1, 128, basin::tile::shared_memory<Exec>()},
        basin::test::layerwise(Tuning{32, 8, 4, 1, 64, basin::tile::shared_memory<Exec>()})>(f);
}

template <Precision precision, class S>
void check_precision() {
  INFO("y has " << S::M << " rows, sums " << S::K << " terms and " << S::taps << " taps"
                << (S::transposed ? ", transposed" : ""));
  Case<float, S, 0> const product;
  double const u = precision == Precision::tf32 ? 0x1p-11 : 0x1p-8;
  // A host rounds each of the sums to nearest, at 2^-24 of the numbers; a matrix unit may cut each
  // of its terms off at 2^-23 of the largest number in a step, before and behind the addition.
  double const unit_of_sum = (product.terms_of_a_sum() + 1) * (is_host<Exec> ? 0x1p-24 : 0x1p-22);
  for_each_matrix_unit([&]<Tuning tuning>() {
    CAPTURE(int(precision), tuning.width, tuning.lanes, tuning.team);
    constexpr Tuning reduced = basin::tile::with_precision(tuning, precision);
    auto const found         = product.template run<reduced>(true);
    auto const full          = product.template run<tuning>(true);
    int outside = 0, unlike = 0, finer = 0;
    product.for_each_result([&](std::size_t i, float initial, auto const& terms) {
      double exact = initial, size = 0, of_rounded = initial, size_of_rounded = std::abs(initial);
      terms([&](int, float w, float x) {
        exact += double(w) * x;
        size += std::abs(double(w) * x);
        double const r =
            double(basin::tile::rounded(w, precision)) * basin::tile::rounded(x, precision);
        of_rounded += r;
        size_of_rounded += std::abs(r);
      });
      double const sums = unit_of_sum * size_of_rounded;
      outside += !(std::abs(found[i] - exact) <= (2 * u + u * u) * size + sums);
      unlike += !(std::abs(found[i] - of_rounded) <= sums);
      // Within the error of sums of the product that is not rounded: of it tells nothing.
      finer += std::abs(found[i] - exact) <= sums;
    });
    CHECK(outside == 0);
    CHECK(product.template run<reduced>(true) == found);
    if (elsewhere<S>(tuning)) return;  // a library may take finer factors
    CHECK(unlike == 0);
    CHECK(found != full);
    CHECK(finer < static_cast<int>(found.size()) / 2);
  });
}

TEST_CASE("products of reduced precision are those of the rounded factors", "[tile][packing]") {
  check_precision<Precision::tf32, Gemm<13, 19>>();
  check_precision<Precision::bf16, Gemm<37, 43>>();
  check_precision<Precision::tf32, GemmT<18, 5>>();
  check_precision<Precision::bf16, GemmT<7, 33>>();
  check_precision<Precision::tf32, GemmTaps<6, 18>>();
  check_precision<Precision::bf16, GemmTaps<21, 3>>();
  check_precision<Precision::tf32, GemmTapsT<19, 9>>();
  check_precision<Precision::bf16, GemmTapsT<9, 35>>();
}

TEST_CASE("products of jets are not rounded", "[tile][packing]") {
  // Matrix units take values: jets read the weights themselves.
  Case<float, Gemm<13, 19>, 1> const product;
  for_each_matrix_unit([&]<Tuning tuning>() {
    constexpr Tuning reduced = basin::tile::with_precision(tuning, Precision::bf16);
    auto const found         = product.template run<reduced>(true);
    if (elsewhere<Gemm<13, 19>>(tuning))
      CHECK(found == product.template run<tuning>(true));
    else
      CHECK(found == product.in_parts(1));
  });
}

}  // namespace
