// SPDX-License-Identifier: Apache-2.0
#include <basin/train/metrics.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <string>
#include <vector>

namespace {

using basin::train::Metrics;

TEST_CASE("metrics are found by name and listed in order", "[train][metrics]") {
  Metrics m;
  m.add({"energy_data", "E", "of data"}, -1.5);
  m.add({"loss", "1", "of samples"}, 2.5);
  CHECK(m["energy_data"] == -1.5);
  CHECK(m["loss"] == 2.5);
  CHECK(m.has("loss"));
  CHECK(!m.has("los"));
  CHECK(!m.has("gap"));
  std::vector<std::string> names;
  for (auto const& entry : m) names.emplace_back(entry.quantity.name);
  CHECK(names == std::vector<std::string>{"energy_data", "loss"});
  CHECK(m.size() == 2);
}

TEST_CASE("a metric that is not there is refused with those that are", "[train][metrics]") {
  Metrics m;
  CHECK_THROWS_WITH(m["gap"], "basin::train::Metrics: there is no 'gap'; there is nothing");
  m.add({"energy_data", "E", "of data"}, 1);
  m.add({"loss", "1", "of samples"}, 2);
  CHECK_THROWS_WITH(m["gap"],
                    "basin::train::Metrics: there is no 'gap'; there is energy_data, loss");
}

TEST_CASE("the table takes a name once and as many entries as fit", "[train][metrics]") {
  Metrics m;
  std::vector<std::string> names;
  for (int i = 0; i <= Metrics::capacity; ++i) names.push_back("number_" + std::to_string(i));
  for (std::size_t i = 0; i < Metrics::capacity; ++i) m.add({names[i].c_str(), "1", ""}, 0);
  CHECK_THROWS_WITH(m.add({"number_3", "1", ""}, 0),
                    "basin::train::Metrics: 'number_3' is there already");
  CHECK_THROWS_WITH(m.add({names.back().c_str(), "1", ""}, 0),
                    "basin::train::Metrics: 'number_32' would be one more than the 32 entries that "
                    "fit");
}

}  // namespace
