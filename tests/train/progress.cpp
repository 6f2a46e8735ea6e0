// SPDX-License-Identifier: Apache-2.0
#include <basin/train/progress.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

basin::train::Metrics some() {
  basin::train::Metrics m;
  m.step             = 20;
  m.steps_per_second = 350;
  m.add({"energy_data", "E", ""}, -0.25);
  m.add({"acceptance", "1", ""}, 0.5);
  return m;
}

TEST_CASE("the line of a report lists what there is", "[train][progress]") {
  CHECK(basin::train::progress_line(some(), 100) ==
        "step 20/100  350 steps/s  energy_data -0.25  acceptance 0.5");
}

TEST_CASE("a line that must fit leaves out whole entries from the end", "[train][progress]") {
  std::string const all = "step 20/100  350 steps/s  energy_data -0.25  acceptance 0.5";
  CHECK(basin::train::progress_line(some(), 100, all.size()) == all);
  CHECK(basin::train::progress_line(some(), 100, all.size() - 1) ==
        "step 20/100  350 steps/s  energy_data -0.25");
  CHECK(basin::train::progress_line(some(), 100, 5) == "step 20/100  350 steps/s");
}

TEST_CASE("a file gets a line for each report", "[train][progress]") {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  basin::train::print_progress(file, some(), 100, false);
  basin::train::print_progress(file, some(), 100, true);
  std::rewind(file);
  char text[512];
  std::string const got(text, std::fread(text, 1, sizeof text, file));
  std::fclose(file);
  std::string const line = "step 20/100  350 steps/s  energy_data -0.25  acceptance 0.5\n";
  CHECK(got == line + line);
}

}  // namespace
