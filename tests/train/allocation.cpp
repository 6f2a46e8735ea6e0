// SPDX-License-Identifier: Apache-2.0
// Nothing is allocated or waited for in the loop, and the launches do not depend on K.

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include "benchmarks/support/count_allocations.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec      = BASIN_TEST_EXEC;
using Trainer   = basin::test::SmallTrainer<Exec>;
namespace bench = basin::bench;

TEST_CASE("1000 training steps allocate nothing, fence nothing and launch the same for any K",
          "[train][allocation]") {
  bench::watch_kokkos();
  auto const data = basin::test::uniform_points(150, 3);
  auto const run  = [&](int sampling_steps) {
    Trainer trainer(basin::test::small_options<Trainer>(sampling_steps), data);
    for (int i = 0; i < 3; ++i) trainer.step();
    return bench::count(Exec(), 1000, [&] { trainer.step(); });
  };
  bench::Tally const one = run(1), many = run(9);
  CHECK(one.allocations == 0);
  CHECK(many.allocations == 0);
  CHECK(one.fences == 0);
  CHECK(many.fences == 0);
  CHECK(one.launches == many.launches);
  CHECK(one.launches <= 12 * 1000);
}

TEST_CASE("the counters see what they count", "[train][allocation]") {
  bench::watch_kokkos();
  bench::Tally const tally = bench::count(Exec(), 1, [] {
    Kokkos::View<float*, Exec> const view("a View of its own, with a long name", 100);
    Exec().fence("a fence of its own");
  });
  CHECK(tally.allocations > 0);
  CHECK(tally.fences > 0);
}

}  // namespace
