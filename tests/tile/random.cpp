// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/random.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Purpose;
using basin::Stream;
using basin::tile::Simd;
using Catch::Matchers::WithinAbs;

// Draws (4 blocks, chains), in vectors of N chains.
template <class T, int N, bool Normal>
struct Draw {
  Stream stream;
  std::uint32_t first_chain;
  int blocks, vectors;
  Kokkos::View<T*, Exec> out;
  KOKKOS_FUNCTION void operator()(int i) const {
    for (int block = 0; block < blocks; ++block) {
      Simd<T, N> draws[4];
      auto const chain = first_chain + static_cast<std::uint32_t>(i * N);
      if constexpr (Normal)
        basin::tile::normal_block(stream, static_cast<std::uint32_t>(block), chain, draws);
      else
        basin::tile::uniform_block(stream, static_cast<std::uint32_t>(block), chain, draws);
      for (int k = 0; k < 4; ++k)
        basin::tile::store(out.data() + ((4 * block + k) * vectors + i) * N, draws[k]);
    }
  }
};

template <class T>
struct Draws {
  int chains;
  std::vector<T> values;  // (elements, chains)
  T operator()(int element, int chain) const {
    return values[static_cast<std::size_t>(element) * static_cast<std::size_t>(chains) +
                  static_cast<std::size_t>(chain)];
  }
};

template <class T, int N, bool Normal = true>
Draws<T> draw(Stream const& stream, std::uint32_t first_chain, int blocks, int chains) {
  Kokkos::View<T*, Exec> const out("out", 4 * blocks * chains);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, chains / N),
                       Draw<T, N, Normal>{stream, first_chain, blocks, chains / N, out});
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
  return {chains, {host.data(), host.data() + host.size()}};
}

// 16 elements of 2^16 chains of one step.
constexpr int blocks = 4, elements = 16, chains = 1 << 16;
constexpr double n = double(elements) * chains;

template <class T>
Draws<T> normals(std::uint64_t step) {
  return draw<T, 4>({20250101, Purpose::sampler_noise, step}, 0, blocks, chains);
}

TEMPLATE_TEST_CASE("normals have the moments of N(0, 1), up to the fourth", "[tile][random]", float,
                   double) {
  auto const z  = normals<TestType>(0);
  double sum[5] = {}, beyond[4] = {};
  for (double v : z.values) {
    double power = 1;
    for (double& s : sum) {
      s += power;
      power *= v;
    }
    for (int k = 0; k < 4; ++k) beyond[k] += v > k;
  }
  // Var z^k = E z^2k - (E z^k)^2 = 1, 2, 15, 96. Five standard errors.
  CHECK_THAT(sum[1] / n, WithinAbs(0, 5 * std::sqrt(1 / n)));
  CHECK_THAT(sum[2] / n, WithinAbs(1, 5 * std::sqrt(2 / n)));
  CHECK_THAT(sum[3] / n, WithinAbs(0, 5 * std::sqrt(15 / n)));
  CHECK_THAT(sum[4] / n, WithinAbs(3, 5 * std::sqrt(96 / n)));
  // And its distribution function at 0, 1, 2 and 3.
  for (int k = 0; k < 4; ++k) {
    double const p = std::erfc(k / std::numbers::sqrt2) / 2;
    CHECK_THAT(beyond[k] / n, WithinAbs(p, 5 * std::sqrt(p * (1 - p) / n)));
  }
}

// Mean of f(a) f(b) over pairs of independent draws, f of mean 0.
template <class F, class A, class B>
double mean_product(F const& f, A const& a, B const& b, int last_element, int last_chain) {
  double sum = 0;
  for (int element = 0; element < last_element; ++element)
    for (int chain = 0; chain < last_chain; ++chain)
      sum += f(a(element, chain)) * f(b(element, chain));
  return sum / (double(last_element) * last_chain);
}

TEMPLATE_TEST_CASE("normals of other elements, chains, steps, purposes and seeds are independent",
                   "[tile][random]", float, double) {
  auto const z = normals<TestType>(0), next_step = normals<TestType>(1),
             late = normals<TestType>(std::uint64_t(1) << 32);
  auto const other_purpose =
      draw<TestType, 4>({20250101, Purpose::sampler_start, 0}, 0, blocks, chains);
  auto const other_seed =
      draw<TestType, 4>({20250102, Purpose::sampler_noise, 0}, 0, blocks, chains);

  auto const same = [](double v) { return v; };
  // Box and Muller's pair shares a radius: it shows in the squares, of variance 2.
  auto const square = [](double v) { return (v * v - 1) / std::numbers::sqrt2; };
  auto const check  = [&](char const* what, auto const& b, int last_element, int last_chain) {
    INFO(what);
    // A mean of N products of independent draws of variance 1; five standard errors. (Products of
    // neighbors that share a draw are uncorrelated too.)
    double const bound = 5 / std::sqrt(double(last_element) * last_chain);
    CHECK_THAT(mean_product(same, z, b, last_element, last_chain), WithinAbs(0, bound));
    CHECK_THAT(mean_product(square, z, b, last_element, last_chain), WithinAbs(0, bound));
  };
  for (int lag : {1, 2, 3, 4, 5})
    check("elements", [&](int e, int c) { return z(e + lag, c); }, elements - lag, chains);
  for (int lag : {1, 2, 4, 16, 1024})
    check("chains", [&](int e, int c) { return z(e, c + lag); }, elements, chains - lag);
  check("steps", next_step, elements, chains);
  check("steps 2^32 apart", late, elements, chains);
  check("purposes", other_purpose, elements, chains);
  check("seeds", other_seed, elements, chains);
}

TEMPLATE_TEST_CASE("normals are Box and Muller's of the stream's words", "[tile][random]", float,
                   double) {
  Stream const stream{7, Purpose::parameter, 12};
  auto const z      = draw<TestType, 4>(stream, 100, 2, 64);
  long double error = 0;  // of a radius
  for (int element = 0; element < 8; element += 2)
    for (int chain = 0; chain < 64; ++chain) {
      auto const word = [&](int e) {
        return basin::random_word(stream, static_cast<std::uint32_t>(e),
                                  static_cast<std::uint32_t>(100 + chain));
      };
      using Long        = long double;
      Long const u      = basin::unit_uniform<TestType>(word(element));
      Long const radius = std::sqrt(-2 * std::log(u));
      Long const angle  = 2 * std::numbers::pi_v<Long> * (word(element + 1) * 0x1p-32L);
      error = std::max({error, std::abs(z(element, chain) - radius * std::cos(angle)) / radius,
                        std::abs(z(element + 1, chain) - radius * std::sin(angle)) / radius});
    }
  // The cosine's 1.3e-7, in double 2e-16, and roundings of logarithm, root and product.
  CHECK(error < (sizeof(TestType) == 4 ? 1.3e-7 + 3 * 0x1p-24 : 5e-16));
}

TEMPLATE_TEST_CASE("uniforms are the stream's words", "[tile][random]", float, double) {
  Stream const stream{8, Purpose::sampler_start, 5};
  auto const u = draw<TestType, 4, false>(stream, 3, 2, 64);
  int wrong    = 0;
  for (int element = 0; element < 8; ++element)
    for (int chain = 0; chain < 64; ++chain)
      wrong += u(element, chain) != basin::unit_uniform<TestType>(basin::random_word(
                                        stream, static_cast<std::uint32_t>(element),
                                        static_cast<std::uint32_t>(3 + chain)));
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("a draw does not depend on the vector that it is drawn in", "[tile][random]",
                   float, double) {
  Stream const stream{9, Purpose::sampler_noise, 1};
  auto const one = draw<TestType, 1>(stream, 0, 3, 64), eight = draw<TestType, 8>(stream, 0, 3, 64);
  CHECK(one.values == eight.values);
  CHECK(one.values == draw<TestType, 4>(stream, 0, 3, 64).values);
  if constexpr (sizeof(TestType) == 4) {
    CHECK(one.values == draw<TestType, 16>(stream, 0, 3, 64).values);
    // Nor on the chain that the vector starts with.
    auto const later = draw<TestType, 8>(stream, 13, 3, 32);
    int wrong        = 0;
    for (int element = 0; element < 12; ++element)
      for (int chain = 0; chain < 32; ++chain)
        wrong += later(element, chain) != one(element, 13 + chain);
    CHECK(wrong == 0);
  }
}

TEMPLATE_TEST_CASE("uniforms of a vector are those of its words, at both ends too",
                   "[tile][random]", float, double) {
  // The ends, the next cells of float's 2^23, and both sides of 1/2.
  std::uint32_t const words[8] = {0,          ~0u,         (1u << 9) - 1,   1u << 9,
                                  ~(1u << 9), 0u - 0x400u, (1u << 31) - 1u, 1u << 31};
  using V                      = Simd<TestType, 8>;
  V const u                    = basin::tile::unit_uniform<V>(
      Simd<std::uint32_t, 8>::generate([&](int lane) { return words[lane]; }));
  for (int lane = 0; lane < 8; ++lane) {
    CAPTURE(words[lane]);
    CHECK(u[lane] == basin::unit_uniform<TestType>(words[lane]));
    CHECK((u[lane] > 0 && u[lane] < 1));
  }
  // Half a cell from either end.
  double const half = sizeof(TestType) == 4 ? 0x1p-24 : 0x1p-33;
  CHECK(u[0] == half);
  CHECK(u[1] == 1 - half);
}

TEMPLATE_TEST_CASE("the extreme words give finite normals", "[tile][random]", float, double) {
  using V = Simd<TestType, 4>;
  Simd<std::uint32_t, 4> word(0u);
  word.set(1, ~0u);
  word.set(2, 1u << 31);
  word.set(3, (1u << 31) - 1);
  V z[2];
  basin::tile::normal_pair(word, Simd<std::uint32_t, 4>(0u), z);
  for (int lane = 0; lane < 4; ++lane) CHECK((z[0][lane] > 0 && z[1][lane] == 0));
  // sqrt(2 ln 2^24) = 5.768, sqrt(2 ln 2^33) = 6.764.
  CHECK_THAT(z[0][0], WithinAbs(sizeof(TestType) == 4 ? 5.768 : 6.764, 1e-3));
}

// High and low halves of 64-bit products.
template <class Word, int N>
struct Products {
  Kokkos::View<std::uint64_t*, Exec> a, products;
  KOKKOS_FUNCTION void operator()(int i) const {
    auto const x = Simd<Word, N>::generate([&](int l) { return static_cast<Word>(a(i * N + l)); });
    Simd<Word, N> high, low;
    basin::tile::multiply_high_low(x, 0xD2511F53u, high, low);
    for (int l = 0; l < N; ++l)
      products(i * N + l) = std::uint64_t(high[l]) << 32 | static_cast<std::uint32_t>(low[l]);
  }
};

template <class Word, int N>
int wrong_products() {
  int constexpr count = 1024;
  Kokkos::View<std::uint64_t*, Exec> const a("a", count), products("products", count);
  auto const x = Kokkos::create_mirror_view(a);
  std::uint32_t c[4];
  for (int i = 0; i < count; ++i) {
    basin::random_block({.seed = 4}, 0, static_cast<std::uint32_t>(i), c);
    x(i) = std::uint64_t(c[1]) << 32 | c[0];  // an upper half that is not to be read
  }
  x(0) = 0, x(1) = ~std::uint64_t(0), x(2) = std::uint64_t(1) << 31;
  Kokkos::deep_copy(a, x);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, count / N), Products<Word, N>{a, products});
  auto const y = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, products);
  int wrong    = 0;
  for (int i = 0; i < count; ++i) wrong += y(i) != (x(i) & 0xFFFFFFFFu) * 0xD2511F53u;
  return wrong;
}

TEMPLATE_TEST_CASE_SIG("products of words are whole, in 32 bits and in 64", "[tile][random]",
                       ((int N), N), 1, 2, 4, 8, 16) {
  CHECK(wrong_products<std::uint32_t, N>() == 0);
  CHECK(wrong_products<std::uint64_t, N>() == 0);
}

}  // namespace
