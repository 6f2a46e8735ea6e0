// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_METRICS_FILE_HPP
#define BASIN_IO_METRICS_FILE_HPP

#include <basin/train/monitor.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace basin::io {

/// Metrics as JSON lines (jsonlines.org): one object a report, one field for each of
/// train::Metrics; a number that is not finite becomes null. Flushed at every line, so that a run
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
    nlohmann::ordered_json const line{{"step", m.step},
                                      {"energy_data", m.energy_data},
                                      {"energy_samples", m.energy_samples},
                                      {"gap", m.gap},
                                      {"energy_square", m.energy_square},
                                      {"gradient_norm", m.gradient_norm},
                                      {"displacement", m.displacement},
                                      {"clip_fraction", m.clip_fraction},
                                      {"clamp_fraction", m.clamp_fraction},
                                      {"buffer_age", m.buffer_age},
                                      {"loss", m.loss},
                                      {"learning_rate_factor", m.learning_rate_factor},
                                      {"steps_per_second", m.steps_per_second}};
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
