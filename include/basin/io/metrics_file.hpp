// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_METRICS_FILE_HPP
#define BASIN_IO_METRICS_FILE_HPP

#include <basin/train/metrics.hpp>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace basin::io {

/// Metrics as JSON lines (jsonlines.org): one object a report, with the step, each entry of
/// train::Metrics by its name, and steps_per_second; a number that is not finite becomes null.
/// Written at every line, so that a run can be followed and a killed one keeps what it wrote. Links
/// are followed, the mode of an existing file stays, and a device or a pipe is written as it is.
class MetricsFile {
 public:
  /// Starts the file anew. \throws std::runtime_error if it cannot be opened
  explicit MetricsFile(std::filesystem::path const& path)
      : path_(path), file_(std::fopen(path.c_str(), "wbe"), std::fclose) {
    if (file_ == nullptr)
      throw std::runtime_error("basin::io::MetricsFile: '" + path.string() +
                               "' cannot be written: " + std::strerror(errno));
  }

  /// \throws std::runtime_error if the line cannot be written
  void operator()(train::Metrics const& m) {
    nlohmann::ordered_json line{{"step", m.step}};
    for (train::Metrics::Entry const& entry : m) line[entry.quantity.name] = entry.value;
    line["steps_per_second"] = m.steps_per_second;
    std::string const text   = line.dump() + '\n';
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() ||
        std::fflush(file_.get()) != 0)
      throw std::runtime_error("basin::io::MetricsFile: '" + path_.string() +
                               "' cannot be written at step " + std::to_string(m.step) + ": " +
                               std::strerror(errno));
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace basin::io

#endif
