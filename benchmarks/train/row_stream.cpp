// SPDX-License-Identifier: Apache-2.0
// Long: half a minute of compiler, for a question of speed alone
// Smoke: --benchmark_filter=/k:1/
//
// Question: what does a set that is read while it trains add to a step, beside one in memory? Environment:
// BASIN_BENCH_ROWS_GB, the size of the file that is written for it and removed, 0.25; or BASIN_BENCH_ROWS, a file of float32
// (rows, 784) that is there. Only a file larger than the memory that is free measures the disk; counter from_disk says.
#include <basin/io/npy_rows.hpp>

#include "benchmarks/support/networks.hpp"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace {

using namespace basin::bench;

// A window of 8 MB, of eight blocks: turns are short, so that what disturbs a machine meets both sides. The default is 256 MiB; what a
// row costs is the same.
constexpr int batch = 256, window = 10 * batch;

// Rows of uniform numbers in a file of its own, or those of BASIN_BENCH_ROWS.
class RowsFile {
 public:
  RowsFile() {
    if (char const* const given = std::getenv("BASIN_BENCH_ROWS")) {
      path_ = given;
      return;
    }
    char const* const size   = std::getenv("BASIN_BENCH_ROWS_GB");
    std::size_t const blocks = static_cast<std::size_t>((size ? std::atof(size) : 0.25) * 1e9) /
                                   (sizeof(float) * 784 * rows_of_block) +
                               1;
    own_  = true;
    path_ = std::filesystem::temp_directory_path() /
            ("basin_benchmark_rows_" + std::to_string(::getpid()) + ".npy");
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                         std::to_string(blocks * rows_of_block) + ", 784), }";
    header.resize(117, ' ');
    std::ofstream file(path_, std::ios::binary);
    file << std::string("\x93NUMPY\x01\x00\x76\x00", 10) << header << '\n';
    std::vector<float> block(784 * rows_of_block);
    std::uint32_t state = 1;
    for (std::size_t b = 0; b < blocks && file; ++b) {
      for (float& x : block) {
        state = state * 1664525u + 1013904223u;
        x     = static_cast<float>(state >> 8) * 0x1p-23f - 1;
      }
      file.write(reinterpret_cast<char const*>(block.data()),
                 static_cast<std::streamsize>(block.size() * sizeof(float)));
    }
    if (!file.flush()) throw std::runtime_error("cannot write " + path_.string());
  }
  RowsFile(RowsFile const&) = delete;
  ~RowsFile() {
    std::error_code ignored;
    if (own_) std::filesystem::remove(path_, ignored);
  }
  std::filesystem::path const& path() const { return path_; }

 private:
  static constexpr std::size_t rows_of_block = 4096;
  std::filesystem::path path_;
  bool own_ = false;
};

// Bytes that this process has had from disks.
double bytes_from_disks() {
  std::ifstream file("/proc/self/io");
  std::string name;
  for (double value; file >> name >> value;)
    if (name == "read_bytes:") return value;
  return 0;
}

using Trainer =
    basin::train::Trainer<NetworkC, basin::objective::PersistentCd<Rule>, basin::optimizer::Adam>;

Trainer::Options options_of(int steps) {
  Rule langevin  = rule;
  langevin.steps = steps;
  return {.objective  = {.sampler   = langevin,
                         .buffer    = {.capacity = 8192},
                         .energy_l2 = {.coefficient = 0.1}},
          .optimizer  = {.learning_rate = 1e-4, .beta1 = 0},
          .batch      = batch,
          .data_noise = {.standard_deviation = 0.005, .lower = -1, .upper = 1}};
}

// In turns, the steps of a window: on the stream, from the change to this window on, so that all the reading is in its own turn;
// and on rows in memory.
void row_stream(benchmark::State& state) {
  static RowsFile const file;
  Kokkos::DefaultExecutionSpace const exec;
  auto const options = options_of(static_cast<int>(state.range(0)));
  basin::io::NpyRows rows(file.path());
  double const gigabytes = 1e-9 * sizeof(float) * double(rows.rows()) * double(rows.dimension());
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const some("rows", window, 784);
  rows.read(0, window, some.data());
  Trainer resident(options, some);
  Trainer streamed(options, basin::train::RowStream(std::move(rows), {.window = window}));

  std::vector<double> there, here, ratios, cpu_ratios;
  auto const turn = [&](Trainer& trainer, std::vector<double>& seconds) {
    exec.fence("benchmark: before");
    std::clock_t const start = std::clock();  // of all threads
    Kokkos::Timer const timer;
    for (int i = 0; i < window / batch; ++i) trainer.step();
    exec.fence("benchmark: after");
    seconds.push_back(timer.seconds());
    return static_cast<double>(std::clock() - start);
  };
  turn(resident, there), turn(streamed, here);  // first touch, and the first window
  there.clear(), here.clear();
  (void)streamed.metrics();
  double wait = 0, read = bytes_from_disks();
  for (auto _ : state) {
    double const cpu = turn(streamed, here);
    wait += streamed.metrics()["stream_wait"] * here.back();
    cpu_ratios.push_back(cpu / turn(resident, there));
    (void)resident.metrics();
    ratios.push_back(here.back() / there.back());
    state.SetIterationTime(here.back() + there.back());
  }
  read           = bytes_from_disks() - read;
  auto const n   = double(state.iterations());
  auto const mid = [](std::vector<double> of) {
    std::nth_element(of.begin(), of.begin() + static_cast<long>(of.size() / 2), of.end());
    return of[of.size() / 2];
  };
  state.counters["step_ms"]          = 1e3 * mid(here) / (window / batch);
  state.counters["resident_step_ms"] = 1e3 * mid(there) / (window / batch);
  state.counters["ratio"]            = mid(ratios);
  state.counters["cpu_ratio"]        = mid(cpu_ratios);
  state.counters["wait_ms_of_step"]  = 1e3 * wait / n / (window / batch);
  state.counters["from_disk"]        = read / (n * window * 784 * sizeof(float));
  state.counters["file_gigabytes"]   = gigabytes;
}
BENCHMARK(row_stream)
    ->Name("row_stream/784-256-256-1/b256")
    ->ArgName("k")
    ->Arg(60)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
