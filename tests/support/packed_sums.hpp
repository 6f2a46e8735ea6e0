// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_PACKED_SUMS_HPP
#define BASIN_TESTS_SUPPORT_PACKED_SUMS_HPP

#include "support/products.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>

// Products with packed copies beside those with the weights themselves, whole and in parts.

namespace basin::test {

template <Tuning tuning>
constexpr Tuning with_items(int items) {
  Tuning t = tuning;
  t.items  = items;
  return t;
}

inline constexpr int many = 1 << 20;

// Tunings whose products read packed copies: teams of one and of several, blocks of 2, 4 and 8
// rows.
template <class F>
void for_each_packing(F const& f) {
  if constexpr (is_host<Exec>)
    detail::run_tunings<Exec, Tuning{16, 4, 4, 1, 1}, Tuning{16, 8, 4, 2, 2}, Tuning{8, 2, 8, 2, 1},
                        layerwise(Tuning{8, 4, 2, 1, 2})>(f);
  else
    detail::run_tunings<Exec, Tuning{16, 4, 4, 1, 64},
                        Tuning{16, 4, 4, 2, 128, basin::tile::shared_memory<Exec>()},
                        Tuning{8, 2, 8, 2, 64, basin::tile::shared_memory<Exec>()},
                        layerwise(Tuning{8, 4, 2, 1, 64, basin::tile::shared_memory<Exec>()})>(f);
}

// Tiles of so few chains that a thread takes several positions of an image.
template <class F>
void for_each_narrow_packing(F const& f) {
  constexpr int team = is_host<Exec> ? 1 : 64, shared = basin::tile::shared_memory<Exec>();
  detail::run_tunings<Exec, Tuning{4, 4, 4, 1, team, shared}, Tuning{2, 2, 4, 1, team, shared},
                      Tuning{1, 1, 4, 1, team, shared}>(f);
}

// A product shares its sums among as many threads, of a warp, as have 8 terms each.
constexpr int threads_of_a_sum(Tuning t, int terms) {
  int s = 1;
  while (t.items > 0 && s < 32 && terms / (2 * s) >= 8) s *= 2;
  return s;
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

}  // namespace basin::test

#endif
