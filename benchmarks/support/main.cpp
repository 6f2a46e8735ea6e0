// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/fma_peak.hpp>
#include <basin/version.hpp>

#include "benchmarks/support/count_allocations.hpp"

#include <Kokkos_Core.hpp>
#include <benchmark/benchmark.h>

#include <sstream>
#include <string>

namespace {

// Every result file says what it ran on: Kokkos' own report, line by line, and the machine's peak.
void add_context() {
  std::ostringstream report;
  Kokkos::print_configuration(report);
  std::istringstream lines(report.str());
  for (std::string line; std::getline(lines, line);) {
    auto const first = line.find_first_not_of(' ');
    auto const colon = line.find(": ");
    if (first == std::string::npos || colon == std::string::npos || colon + 2 >= line.size())
      continue;
    benchmark::AddCustomContext(line.substr(first, colon - first), line.substr(colon + 2));
  }
  benchmark::AddCustomContext("threads", std::to_string(Kokkos::num_threads()));
  benchmark::AddCustomContext(
      "fma_peak_gflops",
      std::to_string(basin::metric::fma_peak<float>(Kokkos::DefaultExecutionSpace())));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  Kokkos::ScopeGuard const kokkos(argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  basin::bench::watch_kokkos();
  add_context();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
