// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/context.hpp>
#include <basin/tile/launch.hpp>

#include "support/points.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using namespace basin::test;
using Exec = BASIN_TEST_EXEC;
using basin::Stream;
using basin::tile::for_each_tile;
using basin::tile::is_gpu;
using basin::tile::shared_memory;
using basin::tile::Simd;
using basin::tile::tiles;
using basin::tile::Tuning;

// ---- map, reduce, normal, each, load and store -----------------------------

constexpr int rows = 13, groups = 3, group = 4, spare = 5;
constexpr int map_at = 0, sum_at = rows, normal_at = rows + groups, uniform_at = 2 * rows + groups,
              square_at = 3 * rows + groups, columns = square_at + 1;

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
             [=](auto at, auto z) { at.store(y + normal_at * T, z); });
    c.uniform(+rows, stream, static_cast<std::uint32_t>(first),
              [=](auto at, auto u) { at.store(y + uniform_at * T, u); });
    c.each(+T, [=](int t) { y[square_at * T + t] = x[t] * x[t]; });
    c.store_chains(y, first, chains, +columns, out);
  }
};

TEMPLATE_TEST_CASE("map, reduce, normal, uniform and each are plain loops, in every context",
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
  int wrong_map = 0, wrong_sum = 0, wrong_square = 0, wrong_normal = 0, wrong_uniform = 0;
  for (int chain = 0; chain < chains; ++chain) {
    auto const got = [&](int column) {
      return reference[static_cast<std::size_t>(chain * columns + column)];
    };
    for (int d = 0; d < rows; ++d) {
      wrong_map += got(map_at + d) != std::fma(at(chain, d), at(chain, (d + 1) % rows),
                                               b[static_cast<std::size_t>(d)]);
      Simd<TestType, 1> z[4];
      basin::tile::normal_block(stream, static_cast<std::uint32_t>(d / 4),
                                static_cast<std::uint32_t>(chain), z);
      wrong_uniform += got(uniform_at + d) != basin::unit_uniform<TestType>(basin::random_word(
                                                  stream, static_cast<std::uint32_t>(d),
                                                  static_cast<std::uint32_t>(chain)));
      wrong_normal += got(normal_at + d) != z[d % 4][0];
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
  CHECK(wrong_uniform == 0);
  CHECK(wrong_normal == 0);  // on a device too: the bits of its functions are the host's
}

// ---- reduce_groups ---------------------------------------------------------

template <class T>
auto& at(T& values, int i) {
  return values[static_cast<std::size_t>(i)];
}

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
  auto const x      = random_numbers<Scalar>(chains * Work::rows, 4);
  auto const w      = random_numbers<Scalar>(+Work::channels, 5);
  auto const points = on_device(x), of = on_device(w);
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
              Scalar const value = at(x, chain * Work::rows + p * Work::channels + c);
              part[p % threads] += weighted ? value * at(w, c) : value;
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

}  // namespace
