// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_METRICS_FILES_HPP
#define BASIN_RUN_METRICS_FILES_HPP

#include <basin/io/event_file.hpp>
#include <basin/io/metrics_file.hpp>
#include <basin/train/metrics.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

namespace basin::run {

/// The reports of a run: metrics.jsonl, metrics.csv, and an event file for TensorBoard.
class MetricsFiles {
 public:
  /// \param from  the step at which the run resumes: reports of later ones go
  /// \throws std::runtime_error if a file cannot be written
  MetricsFiles(std::filesystem::path folder, std::uint64_t from) : folder_(std::move(folder)) {
    cut(from);
  }

  /// Continues from this step: reports of later ones go.
  void cut(std::uint64_t from) {
    lines_.emplace(folder_ / "metrics.jsonl", from);
    table_.emplace(folder_ / "metrics.csv", from);
    events_.emplace(folder_, from);
  }

  void operator()(train::Metrics const& m) {
    (*lines_)(m);
    (*table_)(m);
    (*events_)(m);
  }
  io::EventFile& events() { return *events_; }

 private:
  std::filesystem::path folder_;
  std::optional<io::MetricsFile> lines_;
  std::optional<io::MetricsTable> table_;
  std::optional<io::EventFile> events_;
};

}  // namespace basin::run

#endif
