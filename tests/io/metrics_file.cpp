// SPDX-License-Identifier: Apache-2.0
#include <basin/io/metrics_file.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <string>

namespace {

TEST_CASE("every report is one JSON line that reads back", "[io][metrics_file]") {
  basin::test::TemporaryFolder const folder;
  auto const path = folder.path() / "metrics.jsonl";
  basin::io::MetricsFile file(path);
  for (int i = 1; i <= 3; ++i) {
    basin::train::Metrics m;
    m.step             = static_cast<std::uint64_t>(10 * i);
    m.steps_per_second = 7.5;
    m.add({"gap", "E", "of energies"}, 0.125 * i);
    m.add({"gradient_norm", "1", "before clipping"}, std::nan(""));
    file(m);
  }
  std::ifstream lines(path);
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    auto const m = nlohmann::json::parse(line);
    ++count;
    CHECK(m.at("step") == 10 * count);
    CHECK(m.at("gap") == 0.125 * count);
    CHECK(m.at("gradient_norm").is_null());
    CHECK(m.at("steps_per_second") == 7.5);
    CHECK(m.size() == 4);  // what there is, and nothing else
  }
  CHECK(count == 3);
}

TEST_CASE("a metrics file that cannot be opened is refused", "[io][metrics_file]") {
  CHECK_THROWS_WITH(basin::io::MetricsFile("no/such/folder/metrics.jsonl"),
                    "basin::io::MetricsFile: 'no/such/folder/metrics.jsonl' cannot be written: No "
                    "such file or directory");
}

TEST_CASE("a metrics file is written where any program would", "[io][metrics_file]") {
  basin::test::check_writer("basin::io::MetricsFile", [](std::string const& path) {
    basin::io::MetricsFile file(path);
    basin::train::Metrics m;
    m.add({"gap", "E", "of energies"}, 1);
    file(m);
  });
}

}  // namespace
