// SPDX-License-Identifier: Apache-2.0
#include <basin/mpi/ranks.hpp>
#include <basin/train/reduction.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstring>
#include <support/mpi.hpp>
#include <vector>

namespace {

using Exec                     = BASIN_TEST_EXEC;
using Numbers                  = Kokkos::View<float*, Exec::memory_space>;
constexpr auto tuning          = basin::tile::default_tuning<Exec, float, 1>();
constexpr std::size_t count    = 3 * basin::optimizer::block;  // fewer blocks than ranks
constexpr int slices_of_tree[] = {4, 5, 6, 7, 8, 12};

// Element i of slice s: large numbers that cancel, beside small ones.
float element(int s, std::size_t i) {
  float const large = 1e8F * float(int(i % 7) - 3);
  if (s % 3 == 0) return large + float(i % 5);
  if (s % 3 == 1) return 50 * (1 + float(i % 11) / 7);
  return -large + 20 * float(s) / 3;
}

// The sum as it is defined: a binary tree over each block of 2^k slices, then the blocks in order.
float tree(std::vector<float> const& leaf, int first, int slices) {
  if (slices == 1) return leaf[std::size_t(first)];
  return tree(leaf, first, slices / 2) + tree(leaf, first + slices / 2, slices / 2);
}
float sum_of(std::vector<float> const& leaf) {
  int const S = int(leaf.size());
  int block   = 1;
  while (S % (2 * block) == 0) block *= 2;
  float sum = tree(leaf, 0, block);
  for (int at = block; at < S; at += block) sum += tree(leaf, at, block);
  return sum;
}

std::vector<float> summed(basin::mpi::Ranks& ranks, int slices) {
  Exec const exec;
  Numbers const gradient("gradient", count);
  basin::train::Slices const parts{.count = slices, .ranks = &ranks};
  int const batch = 10 * slices + 1;
  basin::train::Reduction<float, Exec, tuning> reduction(parts, batch, gradient);
  for (int again = 0; again < 2; ++again) {  // what a step leaves must not reach the next
    auto const mine = parts.here();
    for (auto s = mine.first; s < mine.last; ++s) {
      Kokkos::View<float*, Exec::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>> const to(
          reduction.slice(int(s - mine.first)), count);
      auto const host = Kokkos::create_mirror_view(to);
      for (std::size_t i = 0; i < count; ++i) host(i) = element(int(s), i);
      Kokkos::deep_copy(to, host);
    }
    reduction.add_here(exec);
    reduction.add_ranks(exec);
  }
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gradient);
  return {host.data(), host.data() + count};
}

std::vector<float> expected(int slices) {
  int const batch = 10 * slices + 1;
  std::vector<float> all, leaf(static_cast<std::size_t>(slices));
  for (std::size_t i = 0; i < count; ++i) {
    for (int s = 0; s < slices; ++s)
      leaf[std::size_t(s)] =
          element(s, i) *
          float(double(basin::part_of(std::uint64_t(batch), slices, s).count()) / batch);
    all.push_back(sum_of(leaf));
  }
  return all;
}

}  // namespace

TEST_CASE("gradients of slices are summed in one order, for any number of ranks") {
  for (auto const path : {basin::mpi::Path::ask, basin::mpi::Path::staged})
    for (int R = 1; R <= 4; ++R) {
      Subset const some(R);
      if (!some.holds_this()) continue;
      basin::mpi::Ranks ranks(some.communicator(), {.path = path});
      for (int const S : slices_of_tree) {
        INFO(R << " ranks, " << S << " slices");
        auto const all = summed(ranks, S), right = expected(S);
        CHECK(std::memcmp(all.data(), right.data(), count * sizeof(float)) == 0);
      }
    }
}

TEST_CASE("MPI_Allreduce in its own order gives the same numbers to rounding") {
  basin::mpi::Ranks ranks(MPI_COMM_WORLD, {.order = basin::mpi::Order::any});
  float most = 0;
  for (int const S : slices_of_tree) {
    auto const all = summed(ranks, S), right = expected(S);
    for (std::size_t i = 0; i < count; ++i) most = std::max(most, std::abs(all[i] - right[i]));
  }
  CHECK(most <= 64);  // 8 units in the last place of 1e8
  CHECK(most > 0);    // the orders can be told apart
}
