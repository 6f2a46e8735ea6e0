// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>
#include <basin/tile/matrix_unit.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Fragments;
using basin::tile::Precision;
using basin::tile::Tuning;
using Words  = Kokkos::View<std::uint32_t*, Exec>;
using Floats = Kokkos::View<float*, Exec>;

template <Precision precision>
using Of = std::integral_constant<Precision, precision>;

template <class T>
Kokkos::View<T*, Exec> on_device(std::vector<T> const& values) {
  Kokkos::View<T*, Exec> const view("values", values.size());
  auto const mirror = Kokkos::create_mirror_view(view);
  std::copy(values.begin(), values.end(), mirror.data());
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class T>
std::vector<T> on_host(Kokkos::View<T*, Exec> const& view) {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
  return {mirror.data(), mirror.data() + mirror.size()};
}

// ---- rounding ------------------------------------------------------------------

// By arithmetic in double, where a float over the unit of its last place is exact.
float rounded_in_double(float x, Precision precision) {
  if (precision == Precision::full || x == 0 || !std::isfinite(x)) return x;
  int const mantissa = precision == Precision::tf32 ? 10 : 7;
  int exponent       = 0;
  std::frexp(double(x), &exponent);
  // Below the smallest normal number the last place stays where it is.
  double const unit   = std::ldexp(1., std::max(exponent - 1, -126) - mantissa);
  double const places = double(x) / unit;
  // std::round takes ties away from 0, std::nearbyint to even.
  double const r =
      unit * (precision == Precision::tf32 ? std::round(places) : std::nearbyint(places));
  if (std::abs(r) > double(std::numeric_limits<float>::max()))
    return std::copysign(std::numeric_limits<float>::infinity(), x);
  return static_cast<float>(r);
}

// Every exponent and sign; mantissas at a tie, next to one and anywhere, the kept bits odd and even
// and all ones.
std::vector<float> numbers_to_round() {
  std::mt19937 bits(1);
  std::vector<float> numbers;
  for (std::uint32_t high = 0; high < 512; ++high) {
    if ((high & 0xffu) == 0xffu) continue;
    auto const add = [&](std::uint32_t mantissa) {
      numbers.push_back(std::bit_cast<float>(high << 23 | (mantissa & 0x7fffffu)));
    };
    for (std::uint32_t dropped : {13u, 16u})
      for (std::uint32_t kept : {0u, 1u, 2u, 3u, 0x7fffffu >> dropped, std::uint32_t(bits())})
        for (std::uint32_t rest : {0u, 1u, 2u, 3u}) {
          std::uint32_t const tie = 1u << (dropped - 1);
          add(kept << dropped | (rest == 3 ? 0 : tie - 1 + rest));
        }
    for (int i = 0; i < 16; ++i) add(static_cast<std::uint32_t>(bits()));
  }
  return numbers;
}

struct Round {
  Floats x;
  Precision precision;
  Words rounded;
  KOKKOS_FUNCTION void operator()(int i) const {
    rounded(i) = Kokkos::bit_cast<std::uint32_t>(basin::tile::rounded(x(i), precision));
  }
};

std::vector<std::uint32_t> rounded(std::vector<float> const& x, Precision precision) {
  Words const result("rounded", x.size());
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, static_cast<int>(x.size())),
                       Round{on_device(x), precision, result});
  return on_host(result);
}

TEST_CASE("inputs of products are rounded as arithmetic in double says", "[tile][matrix_unit]") {
  auto const x = numbers_to_round();
  for (Precision const precision : {Precision::full, Precision::tf32, Precision::bf16}) {
    CAPTURE(int(precision));
    auto const found = rounded(x, precision);
    int wrong        = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      wrong += found[i] != std::bit_cast<std::uint32_t>(rounded_in_double(x[i], precision));
    CHECK(wrong == 0);
  }
}

TEST_CASE("rounding leaves infinity and NaN what they are", "[tile][matrix_unit]") {
  // The smallest NaN would round to infinity.
  std::vector<float> const x{std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(),
                             std::bit_cast<float>(0x7f800001u), std::bit_cast<float>(0xffffffffu)};
  for (Precision const precision : {Precision::full, Precision::tf32, Precision::bf16}) {
    CAPTURE(int(precision));
    auto const found = rounded(x, precision);
    CHECK(found[0] == 0x7f800000u);
    CHECK(found[1] == 0xff800000u);
    CHECK(std::isnan(std::bit_cast<float>(found[2])));
    CHECK(std::isnan(std::bit_cast<float>(found[3])));
  }
}

// What a register holds: one number, or two.
template <Precision precision>
struct Encode {
  Floats x;
  Words pairs, registers;
  KOKKOS_FUNCTION void operator()(int i) const {
    float const second = x((i + 1) % static_cast<int>(x.size()));
    pairs(i)           = basin::tile::bf16_pair(x(i), second);
    registers(i)       = Fragments<precision>::encode(x(i), second);
  }
};

template <Precision precision>
void check_registers() {
  auto x = numbers_to_round();
  // Two more, whose neighbors they must not touch.
  x.push_back(std::numeric_limits<float>::infinity());
  x.push_back(-std::numeric_limits<float>::infinity());
  Words const pairs("pairs", x.size()), registers("registers", x.size());
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, static_cast<int>(x.size())),
                       Encode<precision>{on_device(x), pairs, registers});
  auto const found = on_host(pairs), encoded = on_host(registers);
  int wrong_pairs = 0, wrong_registers = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto const bits = [](float v, Precision p) {
      return std::bit_cast<std::uint32_t>(rounded_in_double(v, p));
    };
    std::uint32_t const pair =
        bits(x[i], Precision::bf16) >> 16 | bits(x[(i + 1) % x.size()], Precision::bf16);
    wrong_pairs += found[i] != pair;
    // A matrix unit does not read the bits that tf32 has not got.
    wrong_registers += precision == Precision::bf16
                           ? encoded[i] != pair
                           : (encoded[i] & 0xffffe000u) != bits(x[i], Precision::tf32);
  }
  CHECK(wrong_pairs == 0);
  CHECK(wrong_registers == 0);
}

TEST_CASE("a register holds one rounded number, or two, the first in the lower half",
          "[tile][matrix_unit]") {
  check_registers<Precision::tf32>();
  check_registers<Precision::bf16>();
}

// ---- fragments -----------------------------------------------------------------

template <Precision precision>
void check_cover() {
  using F = Fragments<precision>;
  int a[F::rows][F::steps]{}, b[F::steps][F::columns]{}, c[F::rows][F::columns]{};
  for (int lane = 0; lane < 32; ++lane) {
    for (int h = 0; h <= int(F::pairs); ++h) {
      for (int i = 0; i < 4; ++i) ++a[F::row_of_a(lane, i)][F::step_of_a(lane, i) + h * F::second];
      for (int i = 0; i < 2; ++i) ++b[F::step_of_b(lane, i) + h * F::second][F::column_of_b(lane)];
    }
    for (int i = 0; i < 4; ++i) ++c[F::row_of_c(lane, i)][F::column_of_c(lane, i)];
  }
  auto const once = [](auto const& counts) {
    return std::all_of(std::begin(counts), std::end(counts), [](auto const& row) {
      return std::all_of(std::begin(row), std::end(row), [](int n) { return n == 1; });
    });
  };
  CHECK(once(a));
  CHECK(once(b));
  CHECK(once(c));
}

TEST_CASE("the registers of a warp hold every element of a fragment once", "[tile][matrix_unit]") {
  check_cover<Precision::tf32>();
  check_cover<Precision::bf16>();
}

// c += a b of a batch of matrices, a warp each: of a GPU's matrix units where it has some.
template <Precision precision>
struct MultiplyFragments {
  using F                             = Fragments<precision>;
  using scalar_type                   = float;
  static constexpr int workspace_rows = 0;
  Floats a, b, c;  // (batch, rows, steps), (batch, steps, columns), (batch, rows, columns)
  int batch;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& context, float*, int) const {
    MultiplyFragments const self = *this;
    context.team().each_warp(batch, [=](int n, auto warp) {
      using W        = decltype(warp);
      float const* A = self.a.data() + n * F::rows * F::steps;
      float const* B = self.b.data() + n * F::steps * F::columns;
      float* C       = self.c.data() + n * F::rows * F::columns;
      std::uint32_t in_a[W::slots][4], in_b[W::slots][2];
      float sums[W::slots][4];
      warp.lanes([&](int lane, int slot) {
        for (int i = 0; i < 4; ++i) {
          float const* at = A + F::row_of_a(lane, i) * F::steps + F::step_of_a(lane, i);
          in_a[slot][i]   = F::encode(at[0], F::pairs ? at[F::second] : 0);
          sums[slot][i]   = C[F::row_of_c(lane, i) * F::columns + F::column_of_c(lane, i)];
        }
        for (int i = 0; i < 2; ++i) {
          float const* at = B + F::step_of_b(lane, i) * F::columns + F::column_of_b(lane);
          in_b[slot][i]   = F::encode(at[0], F::pairs ? at[F::second * F::columns] : 0);
        }
      });
      F::multiply_add(warp, sums, in_a, in_b);
      warp.lanes([&](int lane, int slot) {
        for (int i = 0; i < 4; ++i)
          C[F::row_of_c(lane, i) * F::columns + F::column_of_c(lane, i)] = sums[slot][i];
      });
    });
  }
};

template <Precision precision, Tuning tuning>
void check_product() {
  using F                 = Fragments<precision>;
  std::size_t constexpr R = F::rows, K = F::steps, C = F::columns, batch = 21;
  std::mt19937 bits(2);
  // Integers of up to 8 have 4 bits, sums of 16 products and one more of them 11: nothing is
  // rounded, in whatever order a matrix unit adds.
  auto const integers = [&](std::size_t n) {
    std::vector<float> values(n);
    for (float& v : values) v = static_cast<float>(static_cast<int>(bits() % 17) - 8);
    return values;
  };
  auto const a = integers(batch * R * K), b = integers(batch * K * C), c = integers(batch * R * C);
  Floats const sums = on_device(c);
  basin::tile::for_each_tile<tuning>(
      Exec(), "test", 1,
      MultiplyFragments<precision>{on_device(a), on_device(b), sums, static_cast<int>(batch)});
  auto const found = on_host(sums);
  int wrong        = 0;
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t i = 0; i < R; ++i)
      for (std::size_t j = 0; j < C; ++j) {
        float sum = c[(n * R + i) * C + j];
        for (std::size_t k = 0; k < K; ++k) sum += a[(n * R + i) * K + k] * b[(n * K + k) * C + j];
        wrong += found[(n * R + i) * C + j] != sum;
      }
  CHECK(wrong == 0);
}

TEST_CASE("a product of fragments is that of the matrices", "[tile][matrix_unit]") {
  constexpr Tuning tuning = basin::test::is_host<Exec>
                                ? Tuning{4, 4, 4, 1, 1}
                                : Tuning{4, 4, 4, 1, 128, basin::tile::shared_memory<Exec>()};
  check_product<Precision::tf32, tuning>();
  check_product<Precision::bf16, tuning>();
}

}  // namespace
