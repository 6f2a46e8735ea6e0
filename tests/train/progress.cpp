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
        "step 20/100  350 steps/s  0:00:01 left  energy_data -0.25  acceptance 0.5");
}

TEST_CASE("the time that is left is that of the last steps' rate", "[train][progress]") {
  basin::train::Metrics m = some();
  m.steps_per_second      = 0.5;
  CHECK(basin::train::progress_line(m, 10020).starts_with(
      "step 20/10020  0.5 steps/s  5:33:20 left"));
  CHECK(basin::train::progress_line(m, 20).starts_with("step 20/20  0.5 steps/s  0:00:00 left"));
  m.steps_per_second = 0;  // no step was timed
  CHECK(basin::train::progress_line(m, 100).starts_with("step 20/100  0 steps/s  energy"));
}

TEST_CASE("a line that must fit leaves out whole entries from the end", "[train][progress]") {
  std::string const all =
      "step 20/100  350 steps/s  0:00:01 left  energy_data -0.25  acceptance 0.5";
  CHECK(basin::train::progress_line(some(), 100, all.size()) == all);
  CHECK(basin::train::progress_line(some(), 100, all.size() - 1) ==
        "step 20/100  350 steps/s  0:00:01 left  energy_data -0.25");
  CHECK(basin::train::progress_line(some(), 100, 5) == "step 20/100  350 steps/s  0:00:01 left");
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
  std::string const line =
      "step 20/100  350 steps/s  0:00:01 left  energy_data -0.25  acceptance 0.5\n";
  CHECK(got == line + line);
}

}  // namespace
