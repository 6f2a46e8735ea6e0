// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_PRODUCTS_HPP
#define BASIN_TESTS_SUPPORT_PRODUCTS_HPP

#include <basin/layer/detail/taps.hpp>
#include <basin/tile/launch.hpp>

#include "support/points.hpp"
#include "support/tunings.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

// Products of a matrix or of the taps of a convolution, with weights as they are and with packed
// copies, beside a scalar loop.

namespace basin::test {

using Exec = BASIN_TEST_EXEC;
using tile::Tuning;

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
using layer::detail::TapAxis;
using Down  = TapAxis<5, 3, 3, 2, 1>;
using Right = TapAxis<9, 5, 3, 2, 1>;
struct Outputs : layer::detail::OutputTaps<Down, Right> {
  static constexpr int sources = 45;
};
struct Inputs : layer::detail::InputTaps<Down, Right> {
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
          tile::TapWeights<Scalar>(w, packed), in, epilogue);
    else if constexpr (S::transposed)
      c.template gemm_t<M, K>(tile::Matrix<Scalar, K, M>{w, packed}, in, epilogue);
    else
      c.template gemm<M, K>(tile::Matrix<Scalar, M, K>{w, packed}, in, epilogue);
    for (int k = 0; k <= order; ++k) c.store_chains(out + k * T, first, chains, +y_rows, y[k]);
  }
};

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
      using packing = tile::Packing<Scalar, basin::tile::layout_of(tuning)>;
      copies        = Numbers<Scalar>("copies", packing::numbers(S::taps, S::rows, S::columns));
      // Whatever is not written is not read.
      Kokkos::deep_copy(copies, std::numeric_limits<Scalar>::quiet_NaN());
      tile::for_each_tile<tuning>(Exec(), "test", 1,
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
    tile::for_each_tile<tuning>(Exec(), "test", tile::tiles(chains, tuning.width), work);
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

// Whether a library makes a product: of dense layers alone.
template <class S>
constexpr bool elsewhere(Tuning tuning) {
  return S::taps == 1 && by_library<Exec>(tuning);
}

}  // namespace basin::test

#endif
