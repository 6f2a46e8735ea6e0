// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>

#include "support/finite_difference.hpp"
#include "support/many_rows.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::energy::Quadratic;
using basin::sampler::find_column;
using basin::sampler::Langevin;
using basin::sampler::Mala;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

template <class S>
std::vector<double> chains_of(S const& sampler, Chains const& chains,
                              basin::sampler::outputs_of<S, double> const& outputs = {}) {
  basin::sampler::sample(Exec(), sampler, Quadratic<double, 3>{}, chains, {.seed = 6}, outputs);
  return on_host(chains);
}

TEST_CASE("the states before the last step are those of one step less", "[sampler][chain]") {
  int constexpr n = 37;  // fills the last tile of no tuning
  Chains const all("all", n, 3), less("less", n, 3), before("before", n, 3);
  chains_of(Langevin<>{.steps = 5, .step_size = 0.1}, all, {.before_last = before.data()});
  CHECK(on_host(before) == chains_of(Langevin<>{.steps = 4, .step_size = 0.1}, less));
  Chains const moved("all", n, 3), at("less", n, 3), last("before", n, 3);
  chains_of(Mala{.steps = 3, .step_size = 0.5}, moved, {.before_last = last.data()});
  CHECK(on_host(last) == chains_of(Mala{.steps = 2, .step_size = 0.5}, at));
}

TEST_CASE("outputs change nothing of the chains", "[sampler][chain]") {
  int constexpr n = 37;
  Chains const plain("plain", n, 3), watched("watched", n, 3), before("before", n, 3);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const columns("columns", 2, n);
  auto const expected = chains_of(Mala{.steps = 6, .step_size = 0.8}, plain);
  CHECK(chains_of(Mala{.steps = 6, .step_size = 0.8}, watched,
                  {.columns     = {columns.data(), columns.data() + n},
                   .before_last = before.data()}) == expected);
  // Chains start at 0: the displacement is |x|.
  auto const found = on_host(columns);
  for (std::size_t i = 0; i < n; ++i) {
    double square = 0;
    for (std::size_t d = 0; d < 3; ++d) square += expected[3 * i + d] * expected[3 * i + d];
    CHECK(std::abs(found[i] - std::sqrt(square)) < 1e-14);
    CHECK((found[n + i] >= 0 && found[n + i] <= 1));
  }
}

TEST_CASE("more chains than an int holds are refused", "[sampler][chain]") {
  for (std::size_t const rows : many_rows)
    CHECK_THROWS_WITH(basin::sampler::sample(Exec(), Langevin<>{}, Quadratic<double, 3>{},
                                             absent<Chains>(rows, 3), {.seed = 6}),
                      too_many("basin::sampler::sample", "chains", rows));
}

TEST_CASE("columns are found by their names", "[sampler][chain]") {
  STATIC_REQUIRE(find_column<Langevin<>>("displacement") == 0);
  STATIC_REQUIRE(find_column<Langevin<>>("acceptance") == -1);
  STATIC_REQUIRE(find_column<Mala>("acceptance") == 1);
}

}  // namespace
