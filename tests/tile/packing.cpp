// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>
#include <basin/tile/packing.hpp>

#include "support/points.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <set>
#include <vector>

namespace {

using namespace basin::test;
using Exec = BASIN_TEST_EXEC;
using basin::tile::Fragments;
using basin::tile::Packing;
using basin::tile::Precision;
using basin::tile::Tuning;

template <class Scalar>
struct Fill {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  int taps, rows, columns;
  Scalar const* w;
  Scalar* packed;
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    Context::packing::fill(c, taps, rows, columns, w, packed);
  }
};

// Both copies, on the host.
template <class Scalar, Tuning tuning>
std::vector<Scalar> copies(std::vector<Scalar> const& w, int taps, int rows, int columns) {
  auto const weights = on_device(w);
  Numbers<Scalar> const packed(
      "packed", Packing<Scalar, basin::tile::layout_of(tuning)>::numbers(taps, rows, columns));
  Kokkos::deep_copy(packed, std::numeric_limits<Scalar>::quiet_NaN());  // all is written
  basin::tile::for_each_tile<tuning>(
      Exec(), "test", 1, Fill<Scalar>{taps, rows, columns, weights.data(), packed.data()});
  return on_host(packed);
}

constexpr int team = is_host<Exec> ? 1 : 64;

template <class Scalar, int R>
void check_order(int taps, int rows, int columns) {
  constexpr Tuning tuning{8, 4, R, 1, team};
  using packing = Packing<Scalar, basin::tile::layout_of(tuning)>;
  CAPTURE(R, taps, rows, columns);
  auto const w      = random_numbers<Scalar>(taps * rows * columns, 1);
  auto const packed = copies<Scalar, tuning>(w, taps, rows, columns);
  // packed[tap][k][g][r] = W[tap][g + r G][k], 0 past the last row.
  auto const count_wrong = [&](std::size_t at, int results, int terms, auto const& weight) {
    int const G = (results + R - 1) / R;
    int wrong   = 0;
    for (int tap = 0; tap < taps; ++tap)
      for (int k = 0; k < terms; ++k)
        for (int g = 0; g < G; ++g)
          for (int r = 0; r < R; ++r)
            wrong += packed[at++] != (g + r * G < results ? weight(tap, g + r * G, k) : Scalar(0));
    return wrong;
  };
  auto const stored = [&](int tap, int row, int column) {
    return w[static_cast<std::size_t>((tap * rows + row) * columns + column)];
  };
  CHECK(count_wrong(0, rows, columns, stored) == 0);
  CHECK(count_wrong(static_cast<std::size_t>(packing::transposed(taps, rows, columns)), columns,
                    rows, [&](int tap, int m, int k) { return stored(tap, k, m); }) == 0);
  CHECK(packing::numbers(taps, rows, columns) ==
        taps * R * ((rows + R - 1) / R * columns + (columns + R - 1) / R * rows));
}

TEMPLATE_TEST_CASE("copies have the order in which neighboring threads read", "[tile][packing]",
                   float, double) {
  check_order<TestType, 4>(1, 13, 7);
  check_order<TestType, 4>(3, 8, 5);
  check_order<TestType, 2>(2, 1, 9);
  check_order<TestType, 8>(1, 3, 20);
}

// Every weight lies in the fragments once, rounded, where a lane and a register say it belongs; all
// else is 0.
template <Precision precision>
void check_fragments(int rows, int columns) {
  constexpr Tuning tuning = basin::tile::with_precision(Tuning{16, 4, 4, 1, team}, precision);
  using F                 = Fragments<precision>;
  CAPTURE(int(precision), rows, columns);
  auto const w      = random_numbers<float>(rows * columns, 2);
  auto const packed = copies<float, tuning>(w, 1, rows, columns);
  int const across = (columns + F::steps - 1) / F::steps, down = (rows + 15) / 16;
  std::set<int> seen;
  int wrong = 0;
  for (int tile = 0; tile < down * across; ++tile)
    for (int lane = 0; lane < 32; ++lane)
      for (int reg = 0; reg < 4; ++reg) {
        auto const bits = Kokkos::bit_cast<std::uint32_t>(
            packed[static_cast<std::size_t>((tile * 32 + lane) * 4 + reg)]);
        int const row   = tile / across * 16 + F::row_of_a(lane, reg);
        int const first = tile % across * F::steps + F::step_of_a(lane, reg);
        for (int half = 0; half < (F::pairs ? 2 : 1); ++half) {
          int const k        = first + half * F::second;
          bool const there   = row < rows && k < columns;
          float const weight = there ? w[static_cast<std::size_t>(row * columns + k)] : 0.f;
          std::uint32_t const held =
              F::pairs ? (half == 0 ? bits << 16 : bits & 0xffff0000u) : bits;
          wrong += Kokkos::bit_cast<float>(held) != basin::tile::rounded(weight, precision);
          if (there) seen.insert(row * columns + k);
        }
      }
  CHECK(wrong == 0);
  CHECK(static_cast<int>(seen.size()) == rows * columns);
  CHECK(Packing<float, basin::tile::layout_of(tuning)>::numbers(rows, columns) ==
        down * across * 128);
}

TEST_CASE("copies for matrix units hold every weight once, rounded", "[tile][packing]") {
  check_fragments<Precision::tf32>(13, 19);
  check_fragments<Precision::tf32>(33, 8);
  check_fragments<Precision::bf16>(21, 43);
  check_fragments<Precision::bf16>(16, 16);
}

}  // namespace
