// SPDX-License-Identifier: Apache-2.0
#include "support/columns.hpp"

#include <basin/objective/columns.hpp>
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using namespace basin::objective;
using Names   = std::vector<std::string>;
using Sampler = basin::sampler::Langevin<>;

template <class Objective>
Names of() {
  constexpr auto tuning = basin::tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const pool("pool", 50, 3);
  Kokkos::deep_copy(pool, uniform_points(50, 3));
  bound<Objective, SmallNetwork, Exec, tuning> const state(Exec(), Objective{}, 7,
                                                           {pool, {}, {}, {}}, 1);
  for (auto const& c : state.columns()) {
    CHECK(c.count == 7);
    CHECK((c.values == nullptr) != (c.integers == nullptr));
  }
  return names_of(state.columns());
}

TEST_CASE("objectives name what they leave, and no more", "[objective][columns]") {
  CHECK(of<ContrastiveDivergence<Sampler>>() ==
        Names{"energy_data", "energy_samples", "displacement", "clip_fraction", "clamp_fraction"});
  CHECK(of<PersistentCd<Sampler, basin::buffer::Replay<>, loss::Softplus>>() ==
        Names{"energy_data", "energy_samples", "loss", "displacement", "clip_fraction",
              "clamp_fraction", "buffer_age"});
  CHECK(of<NoiseContrastive<>>() == Names{"energy_data", "energy_noise", "loss"});
  CHECK(of<DenoisingScoreMatching>() == Names{"energy_data", "loss"});
}

TEST_CASE("lists of columns join in order", "[objective][columns]") {
  std::array<Column<float>, 1> const one{{{quantity::loss, nullptr, nullptr, 1}}};
  std::array<Column<float>, 2> const two{
      {{quantity::energy_data, nullptr, nullptr, 2}, {quantity::buffer_age, nullptr, nullptr, 3}}};
  CHECK(names_of(join(one, two)) == Names{"loss", "energy_data", "buffer_age"});
  CHECK(join(one, std::array<Column<float>, 0>{}).size() == 1);
}

}  // namespace
