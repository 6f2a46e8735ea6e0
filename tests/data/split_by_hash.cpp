// SPDX-License-Identifier: Apache-2.0
#include <basin/data/split_by_hash.hpp>

#include <Random123/philox.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace {

using basin::data::Samples;
using basin::data::split_by_hash;
using Numbers = std::vector<std::uint64_t>;

Samples normals(int count) {
  basin::data::detail::HostRandom random(1);
  Samples const x = basin::data::make_samples(count, 2);
  for (int i = 0; i < count; ++i) {
    auto const z = random.normal_pair();
    x(i, 0) = float(z[0]), x(i, 1) = float(z[1]);
  }
  return x;
}

// The rows themselves, whatever their order.
std::set<std::vector<float>> rows_of(Samples const& x, std::vector<std::size_t> const& rows) {
  std::set<std::vector<float>> all;
  for (std::size_t const i : rows) all.insert({x(i, 0), x(i, 1)});
  return all;
}

TEST_CASE("no row moves where rows are added, removed or reordered", "[data][split]") {
  Samples const all = normals(3000);
  auto const parts  = split_by_hash(all, 0.8, 5);
  std::vector<std::size_t> order(3000);
  for (std::size_t i = 0; i < 3000; ++i) order[i] = i * 1117 % 3000;  // a permutation
  Samples const shuffled = basin::data::select_rows(all, order);
  auto const again       = split_by_hash(shuffled, 0.8, 5);
  CHECK(rows_of(all, parts.train) == rows_of(shuffled, again.train));
  CHECK(rows_of(all, parts.test) == rows_of(shuffled, again.test));

  order.resize(1000);
  Samples const fewer = basin::data::select_rows(all, order);
  auto const some     = split_by_hash(fewer, 0.8, 5);
  CHECK(some.train.size() + some.test.size() == 1000);
  auto const train = rows_of(all, parts.train), test = rows_of(all, parts.test);
  for (auto const& row : rows_of(fewer, some.train)) REQUIRE(train.contains(row));
  for (auto const& row : rows_of(fewer, some.test)) REQUIRE(test.contains(row));

  auto const larger = split_by_hash(all, 0.9, 5);
  auto const more   = rows_of(all, larger.train);
  for (auto const& row : train) REQUIRE(more.contains(row));
  CHECK(split_by_hash(all, 0.8, 6).train != parts.train);

  // Of any layout; and a zero of either sign is one number.
  Kokkos::View<float**, Kokkos::LayoutLeft, Kokkos::HostSpace> const left("left", 3000, 2);
  Kokkos::deep_copy(left, all);
  CHECK(split_by_hash(left, 0.8, 5).train == parts.train);
  for (int i = 0; i < 3000; ++i) left(i, 1) = 0.0F, all(i, 1) = -0.0F;
  CHECK(split_by_hash(left, 0.8, 5).train == split_by_hash(all, 0.8, 5).train);
}

// Binomial with p = 0.8: five standard errors sqrt(n p (1 - p)).
TEST_CASE("parts have the size that was asked for, and seeds are independent", "[data][split]") {
  Numbers ids(20000);
  std::iota(ids.begin(), ids.end(), 0);
  double const n = 20000;
  auto const a = split_by_hash(ids, 0.8, 1), b = split_by_hash(ids, 0.8, 2);
  CHECK_THAT(double(a.train.size()), Catch::Matchers::WithinAbs(0.8 * n, 5 * std::sqrt(n * 0.16)));
  std::vector<int> in_a(20000, 0);
  for (std::size_t const i : a.train) in_a[i] = 1;
  int both = 0;
  for (std::size_t const i : b.train) both += in_a[i];
  CHECK_THAT(both, Catch::Matchers::WithinAbs(0.64 * n, 5 * std::sqrt(n * 0.64 * 0.36)));
}

TEST_CASE("an identifier has one set, and every byte of it counts", "[data][split]") {
  Numbers const ids{7, 3, 7, 7, 9};
  auto const split = split_by_hash(ids, 0.5, 1);
  for (auto const* part : {&split.train, &split.test}) {
    int sevens = 0;
    for (std::size_t const i : *part) sevens += ids[i] == 7;
    CHECK((sevens == 0 || sevens == 3));
  }
  std::vector<std::string> names;
  for (int i = 0; i < 256; ++i)
    for (int at : {0, 5, 8, 12}) {
      std::string name("name of a row");
      name[at] = static_cast<char>(i);
      names.push_back(name);
    }
  double const train = double(split_by_hash(names, 0.5, 3).train.size());
  CHECK_THAT(train, Catch::Matchers::WithinAbs(512, 5 * std::sqrt(1024 * 0.25)));
  // So does their number: of neighbors in length half are in different sets.
  std::vector<std::string> zeros;
  for (int i = 0; i < 1001; ++i) zeros.push_back(std::string(i, '\0'));
  std::vector<int> in_train(1001, 0);
  for (std::size_t const i : split_by_hash(zeros, 0.5, 3).train) in_train[i] = 1;
  int differing = 0;
  for (int i = 0; i < 1000; ++i) differing += in_train[i] != in_train[i + 1];
  CHECK_THAT(differing, Catch::Matchers::WithinAbs(500, 5 * std::sqrt(1000 * 0.25)));
  CHECK_THROWS_WITH(split_by_hash(ids, 1, 1),
                    "basin::data::split_by_hash: train_fraction must be in (0, 1), got 1.000000");
}

TEST_CASE("the hash is that of Random123's Philox", "[data][split]") {
  Numbers ids(200);
  std::iota(ids.begin(), ids.end(), 0xFFFFFF00);
  auto const split = split_by_hash(ids, 0.7, 0x123456789abcdef);
  std::vector<std::size_t> train;
  for (std::size_t i = 0; i < 200; ++i) {
    r123::Philox4x32 philox;
    auto const c = philox({{std::uint32_t(ids[i]), std::uint32_t(ids[i] >> 32), 0, 0xFFFFFFFF}},
                          {{0x89abcdef, 0x1234567}});
    if ((std::uint64_t(c[1]) << 32 | c[0]) < 0.7 * 0x1p64) train.push_back(i);
  }
  CHECK(split.train == train);
}

}  // namespace
