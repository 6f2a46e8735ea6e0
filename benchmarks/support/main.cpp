// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/fma_peak.hpp>
#include <basin/version.hpp>

#include "benchmarks/support/ceilings.hpp"
#include "benchmarks/support/count_allocations.hpp"

#include <Kokkos_Core.hpp>
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>
#include <string>

namespace {

// The name of the GPU or of the processor.
std::string machine() {
#if defined(KOKKOS_ENABLE_CUDA)
  return Kokkos::Cuda().cuda_device_prop().name;
#elif defined(KOKKOS_ENABLE_HIP)
  return Kokkos::HIP().hip_device_prop().name;
#else
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  return "a processor without a name";
#endif
}

void add_rate(std::string const& name, double rate) {
  if (rate > 0) benchmark::AddCustomContext(name, std::to_string(rate));
}

// Every result file says what it ran on: Kokkos' own report, line by line, and the machine's
// ceilings. Google Benchmark adds the date.
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
  benchmark::AddCustomContext("machine", machine());
  auto const& most = basin::bench::ceilings();
  add_rate("fma_peak_gflops", basin::metric::fma_peak<float>(Kokkos::DefaultExecutionSpace()));
  add_rate("tf32_peak_gflops", most.tf32_gflops);
  add_rate("bf16_peak_gflops", most.bf16_gflops);
  add_rate("copy_bandwidth_gigabytes_per_second", most.bandwidth * 1e-9);
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
