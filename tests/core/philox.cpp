// SPDX-License-Identifier: Apache-2.0
#include <basin/core/philox.hpp>
#include <basin/tile/random.hpp>

#include "support/clock.hpp"

#include <Kokkos_Core.hpp>
#include <Random123/philox.h>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Permutation;
using basin::Purpose;
using basin::Stream;
using Catch::Matchers::WithinAbs;
using Words = std::array<std::uint32_t, 4>;

struct Input {
  std::uint32_t counter[4], key[2];
};

struct RunPhilox {
  Kokkos::View<Input*, Exec> in;
  Kokkos::View<std::uint32_t* [4], Exec> out;
  KOKKOS_FUNCTION void operator()(int i) const {
    std::uint32_t c[4];
    for (int k = 0; k < 4; ++k) c[k] = in(i).counter[k];
    basin::philox(c, in(i).key[0], in(i).key[1]);
    for (int k = 0; k < 4; ++k) out(i, k) = c[k];
  }
};

std::vector<Words> philox(std::vector<Input> const& inputs) {
  int const n = static_cast<int>(inputs.size());
  Kokkos::View<Input*, Exec> const in("in", n);
  auto const mirror = Kokkos::create_mirror_view(in);
  for (int i = 0; i < n; ++i) mirror(i) = inputs[static_cast<std::size_t>(i)];
  Kokkos::deep_copy(in, mirror);
  Kokkos::View<std::uint32_t* [4], Exec> const out("out", n);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, n), RunPhilox{in, out});
  auto const result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
  std::vector<Words> words;
  for (int i = 0; i < n; ++i)
    words.push_back({result(i, 0), result(i, 1), result(i, 2), result(i, 3)});
  return words;
}

Words reference(Words const& c, std::uint32_t key0, std::uint32_t key1) {
  r123::Philox4x32::ctr_type const r =
      r123::Philox4x32{}({{c[0], c[1], c[2], c[3]}}, {{key0, key1}});
  return {r[0], r[1], r[2], r[3]};
}

TEST_CASE("Philox4x32-10 gives the known answers of its authors", "[core][philox]") {
  // Random123, tests/kat_vectors: zeros, ones, and the digits of pi.
  auto const words =
      philox({{{0, 0, 0, 0}, {0, 0}},
              {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}},
              {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}}});
  CHECK(words[0] == Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(words[1] == Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(words[2] == Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("Philox4x32-10 is Random123's for any counter and key", "[core][philox]") {
  std::mt19937 bits(1);
  auto const word = [&] { return static_cast<std::uint32_t>(bits()); };
  std::vector<Input> inputs(4096);
  for (Input& i : inputs) i = {{word(), word(), word(), word()}, {word(), word()}};
  auto const words = philox(inputs);
  int wrong        = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    auto const& c = inputs[i].counter;
    wrong += words[i] != reference({c[0], c[1], c[2], c[3]}, inputs[i].key[0], inputs[i].key[1]);
  }
  CHECK(wrong == 0);
}

// Blocks of chains first + 0, 1, ... in the lanes of vectors of N; N = 0: plain words.
template <int N>
struct RunBlocks {
  Stream stream;
  std::uint32_t block, first;
  Kokkos::View<std::uint32_t* [4], Exec> out;
  KOKKOS_FUNCTION void operator()(int i) const {
    if constexpr (N == 0) {
      std::uint32_t c[4];
      basin::random_block(stream, block, first + static_cast<std::uint32_t>(i), c);
      for (int k = 0; k < 4; ++k) out(i, k) = c[k];
    } else {
      using Word = basin::tile::Simd<std::uint32_t, N>;
      Word c[4];
      auto const chain = Word(first + static_cast<std::uint32_t>(i * N));
      basin::random_block(stream, block, chain + basin::tile::lane_numbers<Word>(), c);
      for (int k = 0; k < 4; ++k)
        for (int lane = 0; lane < N; ++lane) out(i * N + lane, k) = c[k][lane];
    }
  }
};

TEMPLATE_TEST_CASE_SIG(
    "a block is Philox of (block, chain, step, purpose), in words and in vectors", "[core][philox]",
    ((int N), N), 0, 1, 4, 8, 16) {
  int constexpr n = 48;
  Kokkos::View<std::uint32_t* [4], Exec> const out("out", n);
  std::mt19937_64 bits(2);
  for (int draw = 0; draw < 50; ++draw) {
    std::uint64_t const seed = bits(), step = bits() >> 8, more = bits();
    auto const purpose = static_cast<std::uint32_t>(draw % 10);
    auto const block   = static_cast<std::uint32_t>(more),
               first   = static_cast<std::uint32_t>(more >> 32);
    Kokkos::parallel_for(
        Kokkos::RangePolicy<Exec>(0, N == 0 ? n : n / (N + (N == 0))),
        RunBlocks<N>{{seed, static_cast<Purpose>(purpose), step}, block, first, out});
    auto const words = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
    for (std::uint32_t chain = 0; chain < n; ++chain) {
      // The high 24 bits of the step share the last word with the purpose.
      auto const low = static_cast<std::uint32_t>(step);
      auto const top = static_cast<std::uint32_t>(step / 0x100000000u * 256 + purpose);
      Words const expected =
          reference({block, first + chain, low, top}, static_cast<std::uint32_t>(seed),
                    static_cast<std::uint32_t>(seed >> 32));
      REQUIRE(Words{words(chain, 0), words(chain, 1), words(chain, 2), words(chain, 3)} ==
              expected);
    }
  }
}

TEST_CASE("a word is a word of its element's block", "[core][philox]") {
  Stream const stream{0x123456789abcdefu, Purpose::buffer_draw, 77};
  for (std::uint32_t element = 0; element < 64; ++element) {
    std::uint32_t c[4];
    basin::random_block(stream, element / 4, 5u, c);
    CHECK(basin::random_word(stream, element, 5) == c[element % 4]);
  }
}

TEST_CASE("streams that differ in any part of their key share no word", "[core][philox]") {
  // 2,400 words: two of them are equal by chance with probability 2400^2 / 2^33 = 7e-4.
  std::set<std::uint32_t> words;
  std::size_t drawn = 0;
  for (std::uint64_t seed : {std::uint64_t(0), std::uint64_t(1), std::uint64_t(1) << 32})
    for (std::uint64_t step : {0u, 1u, 256u, 1u << 24})
      for (int high : {0, 32, 55})
        for (std::uint32_t purpose = 0; purpose < 10; ++purpose)
          for (std::uint32_t element : {0u, 1u, 3u, 4u, 1000u}) {
            std::uint64_t const at = step + (high > 0 ? std::uint64_t(1) << high : 0);
            words.insert(basin::random_word({seed, static_cast<Purpose>(purpose), at}, element, 9));
            ++drawn;
          }
  CHECK(words.size() == drawn);
}

TEMPLATE_TEST_CASE("a uniform lies strictly between 0 and 1, in equal cells", "[core][philox]",
                   float, double) {
  using basin::unit_uniform;
  TestType const smallest = unit_uniform<TestType>(0u), largest = unit_uniform<TestType>(~0u);
  CHECK(smallest > 0);
  CHECK(largest < 1);
  // Midpoints of equal cells are symmetric about 1/2 and one cell apart, everywhere.
  CHECK(largest == 1 - smallest);
  std::uint32_t const cell = std::is_same_v<TestType, float> ? 1u << 9 : 1u;
  std::mt19937 bits(3);
  int wrong = 0;
  for (int i = 0; i < 10000; ++i) {
    auto const word  = static_cast<std::uint32_t>(bits()) / 2;
    auto const high  = 0x80000000u | word;
    TestType const u = unit_uniform<TestType>(high);
    wrong += unit_uniform<TestType>(~high) != 1 - u;
    wrong += unit_uniform<TestType>(high - cell) != u - 2 * smallest;
    wrong += std::abs(u - high * 0x1p-32) > smallest;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("uniforms have the moments of the uniform law", "[core][philox]", float,
                   double) {
  int constexpr n = 1 << 18;
  Stream const stream{4, Purpose::sampler_noise, 0};
  double sum = 0, squares = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    double const u = basin::unit_uniform<TestType>(basin::random_word(stream, i, 0));
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
  }
  // Var u = 1/12, Var (u - 1/2)^2 = 1/80 - 1/144 = 1/180; five standard errors.
  CHECK_THAT(sum / n, WithinAbs(0.5, 5 * std::sqrt(1.0 / 12 / n)));
  CHECK_THAT(squares / n, WithinAbs(1.0 / 12, 5 * std::sqrt(1.0 / 180 / n)));
}

// The images of 0, ..., size-1.
std::vector<std::uint32_t> images(std::uint32_t size, std::uint64_t step,
                                  Purpose purpose = Purpose::data_order, std::uint64_t seed = 1) {
  Permutation const p(size, {seed, purpose, step});
  std::vector<std::uint32_t> result(size);
  for (std::uint32_t i = 0; i < size; ++i) result[i] = p(i);
  return result;
}

bool is_a_bijection(std::vector<std::uint32_t> const& of) {
  std::vector<bool> seen(of.size(), false);
  for (std::uint32_t i : of) {
    if (i >= of.size() || seen[i]) return false;
    seen[i] = true;
  }
  return true;
}

TEST_CASE("other runs and calls have other seeds", "[core][philox]") {
  std::set<std::uint64_t> seeds;
  std::uint64_t const numbers[] = {0, 1, 2, 3, 1ull << 32, 1ull << 63, ~0ull};
  for (std::uint64_t run : numbers)
    for (std::uint64_t call : numbers) {
      seeds.insert(basin::seed_of(run, call));
      seeds.insert(run);  // none is that of a run
    }
  CHECK(seeds.size() == 7 * 7 + 7);
}

TEST_CASE("a permutation is a bijection for every size", "[core][philox]") {
  for (std::uint32_t size = 1; size <= 200; ++size) {
    CAPTURE(size);
    for (std::uint64_t step = 0; step < 10; ++step) CHECK(is_a_bijection(images(size, step)));
  }
  for (std::uint32_t size : {10007u, 65536u, 65537u}) CHECK(is_a_bijection(images(size, 3)));
}

TEST_CASE("a permutation of the largest size stays in range and does not repeat",
          "[core][philox]") {
  std::uint32_t constexpr size = (1u << 31) - 1;
  Permutation const p(size, {5, Purpose::data_order, 0});
  std::set<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    std::uint32_t const image = p(size - 1 - i);
    CHECK(image < size);
    seen.insert(image);
  }
  CHECK(seen.size() == 10000);
}

TEST_CASE("permutations of another step, purpose or seed are others", "[core][philox]") {
  auto const first = images(10007, 0);
  CHECK(images(10007, 0) == first);
  // Two random permutations agree at Poisson(1) places: more than 10 with probability 1e-8.
  auto const common = [&](std::vector<std::uint32_t> const& other) {
    int same = 0;
    for (std::size_t i = 0; i < first.size(); ++i) same += first[i] == other[i];
    return same;
  };
  for (std::uint64_t step = 1; step < 20; ++step) CHECK(common(images(10007, step)) <= 10);
  CHECK(common(images(10007, 0, Purpose::buffer_draw)) <= 10);
  CHECK(common(images(10007, 0, Purpose::data_order, 2)) <= 10);
}

// How often index i goes to place p(i), (size, size), over n permutations.
std::vector<double> places(std::uint32_t size, int n) {
  std::vector<double> table(std::size_t(size) * size);
  for (int step = 0; step < n; ++step) {
    auto const p = images(size, static_cast<std::uint64_t>(step));
    for (std::size_t i = 0; i < size; ++i) ++table[i * size + p[i]];
  }
  return table;
}

// Sum over the table of (count - n / size)^2 / (n / size). Rows and columns each add to n, which
// leaves (size - 1)^2 degrees of freedom; a permutation fills one place of each row and column,
// which makes the variance of a count larger by size / (size - 1). Five standard deviations.
void check_places(std::uint32_t size, int n) {
  CAPTURE(size);
  double const expected = double(n) / size, factor = size / (size - 1.0);
  double chi = 0;
  for (double count : places(size, n)) chi += (count - expected) * (count - expected) / expected;
  CHECK_THAT(chi, WithinAbs((size - 1.0) * (size - 1.0) * factor,
                            5 * std::sqrt(2.0) * (size - 1.0) * factor));
}

TEST_CASE("every index goes to every place equally often", "[core][philox]") {
  for (std::uint32_t size : {50u, 64u, 100u}) check_places(size, 5000);
  // Small sizes have few bits to stir: with four rounds of ideal round functions, and no offset,
  // places of 5 are off by up to a third.
  for (std::uint32_t size = 2; size <= 16; ++size) check_places(size, 200000);
}

TEST_CASE("every pair of small indices goes to every pair of places equally often",
          "[core][philox]") {
  // Places of 0 and 1: size (size - 1) cells, one fewer degrees of freedom; five deviations.
  int constexpr n = 200000;
  for (std::uint32_t size = 3; size <= 12; ++size) {
    CAPTURE(size);
    std::vector<double> count(std::size_t(size) * size);
    for (int step = 0; step < n; ++step) {
      Permutation const p(size, {1, Purpose::buffer_draw, static_cast<std::uint64_t>(step)});
      ++count[p(0) * size + p(1)];
    }
    double const cells = size * (size - 1.0), expected = n / cells;
    double chi = 0;
    for (std::uint32_t i = 0; i < size; ++i)
      for (std::uint32_t j = 0; j < size; ++j)
        if (i != j) {
          double const d = count[i * size + j] - expected;
          chi += d * d / expected;
        }
    CHECK_THAT(chi, WithinAbs(cells - 1, 5 * std::sqrt(2 * (cells - 1))));
  }
}

TEST_CASE("every order of a small size is equally likely", "[core][philox]") {
  // Chi-square over size! orders, with one fewer degrees of freedom; five deviations.
  int constexpr n = 200000;
  for (std::uint32_t size = 3; size <= 7; ++size) {
    CAPTURE(size);
    std::map<std::vector<std::uint32_t>, int> count;
    for (int step = 0; step < n; ++step) ++count[images(size, static_cast<std::uint64_t>(step))];
    double orders = 1;
    for (std::uint32_t i = 2; i <= size; ++i) orders *= i;
    double const expected = n / orders;
    double chi            = (orders - static_cast<double>(count.size())) * expected;
    for (auto const& order : count)
      chi += (order.second - expected) * (order.second - expected) / expected;
    CHECK_THAT(chi, WithinAbs(orders - 1, 5 * std::sqrt(2 * (orders - 1))));
  }
}

TEST_CASE("half of the permutations are odd", "[core][philox]") {
  int constexpr n = 20000;
  for (std::uint32_t const size : {2u, 5u, 15u, 16u, 33u, 63u, 64u}) {
    CAPTURE(size);
    int odd = 0;
    for (int step = 0; step < n; ++step) {
      // As many swaps as sort it.
      auto p    = images(size, static_cast<std::uint64_t>(step));
      int swaps = 0;
      for (std::size_t i = 0; i < size; ++i)
        for (; p[i] != i; ++swaps) std::swap(p[i], p[p[i]]);
      odd += swaps % 2;
    }
    CHECK_THAT(double(odd) / n, WithinAbs(0.5, 5 * 0.5 / std::sqrt(n)));
  }
}

TEST_CASE("the order of neighbors is as good as random", "[core][philox]") {
  // Images of neighbors of 10007, modulo the size: their difference is uniform on 1, ..., 10006.
  // In 50 bins over 20 permutations chi-square has 49 degrees of freedom; five deviations of
  // sqrt(2 * 49) = 9.9 above the mean (below is no fault: the draws are without replacement).
  int constexpr size = 10007, bins = 50, permutations = 20;
  double count[bins] = {};
  for (std::uint64_t step = 0; step < permutations; ++step) {
    auto const p = images(size, step);
    for (std::size_t i = 0; i + 1 < size; ++i) {
      std::uint32_t const difference = (p[i + 1] + size - p[i]) % size;
      ++count[(difference - 1) * bins / (size - 1)];
    }
  }
  double chi = 0;
  for (int b = 0; b < bins; ++b) {
    // Differences d with (d - 1) bins / (size - 1) = b, rounded down.
    int const from        = (b * (size - 1) + bins - 1) / bins,
              to          = ((b + 1) * (size - 1) + bins - 1) / bins;
    double const expected = double(to - from) * permutations;
    chi += (count[b] - expected) * (count[b] - expected) / expected;
  }
  CHECK(chi < 49 + 5 * 9.9);
}

struct RunPermutation {
  Permutation permutation;
  Kokkos::View<std::uint32_t*, Exec> out;
  KOKKOS_FUNCTION void operator()(int i) const {
    out(i) = permutation(static_cast<std::uint32_t>(i));
  }
};

TEST_CASE("a permutation is the same in a kernel", "[core][philox]") {
  int constexpr size = 10007;
  Kokkos::View<std::uint32_t*, Exec> const out("out", size);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, size),
                       RunPermutation{Permutation(size, {1, Purpose::data_order, 6}), out});
  auto const result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
  auto const host   = images(size, 6);
  int wrong         = 0;
  for (int i = 0; i < size; ++i) wrong += result(i) != host[static_cast<std::size_t>(i)];
  CHECK(wrong == 0);
}

struct ReadClock {
  basin::Step step;
  Stream stream;  // with a clock of its own
  int shift;
  Kokkos::View<std::uint64_t* [5], Exec> out;
  KOKKOS_FUNCTION void operator()(int i) const {
    Stream const of_step = step.stream(9, Purpose::contrast, shift).now(), own = stream.now();
    out(i, 0) = step.now();
    out(i, 1) = of_step.step;
    out(i, 2) = of_step.seed == 9 && of_step.purpose == Purpose::contrast;
    out(i, 3) = own.step;
    out(i, 4) = own.seed == 4 && own.purpose == Purpose::level;
  }
};

TEST_CASE("a step and its streams by a clock are those by the number", "[core][philox]") {
  for (std::uint64_t const n : {std::uint64_t(0), std::uint64_t(5), std::uint64_t(1) << 35})
    for (int const shift : {0, 1, 20}) {
      CAPTURE(n, shift);
      basin::test::Clock<Exec> const clock(n);
      Kokkos::View<std::uint64_t* [5], Exec> const out("out", 2);
      Stream own{4, Purpose::level, 7};
      // By the number, then by the clock.
      Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, 1), ReadClock{n, own, shift, out});
      own.clock = clock.time.data();
      own.shift = shift;
      Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(1, 2),
                           ReadClock{clock.step(), own, shift, out});
      auto const found        = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
      std::uint64_t const now = basin::test::reads_clocks<Exec> ? n : 0;
      CHECK(found(0, 0) == n);
      CHECK(found(0, 1) == n << shift);
      CHECK(found(0, 3) == 7);
      CHECK(found(1, 0) == now);
      CHECK(found(1, 1) == now << shift);
      CHECK(found(1, 3) == 7 + (now << shift));
      for (int i : {0, 1}) {
        CHECK(found(i, 2) == 1);
        CHECK(found(i, 4) == 1);
      }
    }
}

TEST_CASE("the stream of the present step needs no clock any more", "[core][philox]") {
  if constexpr (basin::test::reads_clocks<Exec> && basin::test::is_host<Exec>) {
    basin::test::Clock<Exec> const clock(3);
    Stream const stream = clock.step().stream(1, Purpose::dropout, 2).now();
    clock.set(8);
    CHECK(stream.step == 12);
    CHECK(stream.now().step == 12);
  }
}

}  // namespace
