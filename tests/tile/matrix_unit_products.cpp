// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/matrix_unit_products.hpp>

#include "support/products.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <vector>

namespace {

using namespace basin::test;
using basin::tile::Precision;

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

TEST_CASE("products of reduced precision are those of the rounded factors",
          "[tile][matrix_unit_products]") {
  check_precision<Precision::tf32, Gemm<13, 19>>();
  check_precision<Precision::bf16, Gemm<37, 43>>();
  check_precision<Precision::tf32, GemmT<18, 5>>();
  check_precision<Precision::bf16, GemmT<7, 33>>();
  check_precision<Precision::tf32, GemmTaps<6, 18>>();
  check_precision<Precision::bf16, GemmTaps<21, 3>>();
  check_precision<Precision::tf32, GemmTapsT<19, 9>>();
  check_precision<Precision::bf16, GemmTapsT<9, 35>>();
}

TEST_CASE("products of jets are not rounded", "[tile][matrix_unit_products]") {
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
