// SPDX-License-Identifier: Apache-2.0
// The same bits whatever the tile's width, the context and the number of threads.
#include "support/training.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::test::contents;
using basin::test::layerwise;
using basin::test::small_options;
using basin::test::uniform_points;

template <basin::tile::Tuning tuning>
std::vector<float> after_200_steps(Exec const& exec = Exec()) {
  using Trainer = basin::test::TunedTrainer<Exec, tuning>;
  Trainer trainer(small_options<Trainer>(), uniform_points(150, 3), exec);
  trainer.fit({.steps = 200});
  auto all           = contents(trainer.parameters());
  auto const average = contents(trainer.averaged_parameters());
  auto const buffer  = contents(trainer.state().buffer().stored());
  all.insert(all.end(), average.begin(), average.end());
  all.insert(all.end(), buffer.begin(), buffer.end());
  return all;
}

constexpr bool host = basin::test::is_host<Exec>;

TEST_CASE("200 training steps give the same bits for two tile widths, for teams and for phases",
          "[train][determinism]") {
  if constexpr (host) {
    auto const reference = after_200_steps<basin::tile::Tuning{16, 8, 6, 2, 0}>();
    CHECK(after_200_steps<basin::tile::Tuning{32, 16, 12, 2, 0}>() == reference);
    CHECK(after_200_steps<layerwise(basin::tile::Tuning{8, 8, 3, 1, 2})>() == reference);
  } else {
    constexpr int shared = basin::tile::shared_memory<Exec>();
    auto const reference = after_200_steps<basin::tile::Tuning{16, 4, 4, 1, 128, shared}>();
    constexpr basin::tile::Tuning team{8, 4, 4, 1, 64};
    if (basin::test::has_threads<Exec>(team)) CHECK(after_200_steps<team>() == reference);
    CHECK(after_200_steps<basin::tile::Tuning{8, 4, 4, 1, 64, shared}>() == reference);
    constexpr auto phases = layerwise(basin::tile::Tuning{8, 4, 4, 1, 64, shared});
    if constexpr (basin::test::by_library<Exec>(phases))
      CHECK(after_200_steps<phases>() == after_200_steps<phases>());
    else
      CHECK(after_200_steps<phases>() == reference);
  }
}

TEST_CASE("200 training steps give the same bits for one thread and for all",
          "[train][determinism]") {
  if constexpr (host) {
    auto const parts = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1});
    CHECK(after_200_steps<basin::tile::Tuning{16, 8, 6, 2, 0}>(parts[0]) ==
          after_200_steps<basin::tile::Tuning{16, 8, 6, 2, 0}>());
  }
}

}  // namespace
