// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_METRICS_FILE_HPP
#define BASIN_IO_METRICS_FILE_HPP

#include <basin/train/metrics.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace basin::io {

/// Metrics as JSON lines (jsonlines.org): one object a report, with the step, each
/// entry of train::Metrics by its name, and steps_per_second; a number that is not finite becomes null. Flushed at every line, so that a run
/// can be followed and a killed one keeps what it wrote.
class MetricsFile {
 public:
  /// Starts the file anew. \throws std::runtime_error if it cannot be opened
  explicit MetricsFile(std::filesystem::path const& path) : path_(path), file_(path) {
    if (!file_)
      throw std::runtime_error("basin::io::MetricsFile: '" + path.string() + "' cannot be opened");
  }

  /// \throws std::runtime_error if the line cannot be written
  void operator()(train::Metrics const& m) {
    nlohmann::ordered_json line{{"step", m.step}};
    for (train::Metrics::Entry const& entry : m) line[entry.quantity.name] = entry.value;
    line["steps_per_second"] = m.steps_per_second;
    file_ << line.dump() << '\n' << std::flush;
    if (!file_)
      throw std::runtime_error("basin::io::MetricsFile: '" + path_.string() +
                               "' cannot be written at step " + std::to_string(m.step));
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace basin::io

#endif
