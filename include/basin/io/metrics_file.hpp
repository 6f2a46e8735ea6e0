// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_METRICS_FILE_HPP
#define BASIN_IO_METRICS_FILE_HPP

#include <basin/core/check.hpp>
#include <basin/io/detail/atomic_file.hpp>
#include <basin/train/metrics.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace basin::io {

namespace detail {

// A text file of one line a report that a run adds to, and a resumed run continues.
class ReportLines {
 public:
  /// \param stays  of a complete line that is there: whether it stays. None: the file starts anew
  template <class Stays>
  ReportLines(char const* who, std::filesystem::path const& path, bool resumes, Stays const& stays)
      : who_(who), path_(path), file_(nullptr, std::fclose) {
    if (resumes) keep(stays);
    file_.reset(std::fopen(path.c_str(), resumes ? "abe" : "wbe"));
    if (file_ == nullptr) fail("");
  }
  void add(std::string const& line, std::uint64_t step) {
    if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() ||
        std::fflush(file_.get()) != 0)
      fail(" at step " + std::to_string(step));
  }

 private:
  template <class Stays>
  void keep(Stays const& stays) {
    std::ifstream in(path_, std::ios::binary);
    if (!in) return;
    std::string kept, line;
    while (std::getline(in, line) && !in.eof())  // what ends without a newline was cut
      if (stays(line)) kept += line + '\n';
    in.close();
    AtomicFile file(who_, path_);
    file.write(kept.data(), kept.size());
    file.commit();
  }
  [[noreturn]] void fail(std::string const& where) const {
    throw std::runtime_error(std::string(who_) + ": '" + path_.string() + "' cannot be written" +
                             where + ": " + std::strerror(errno));
  }

  char const* who_;
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace detail

/// Metrics as JSON lines (jsonlines.org): one object a report, with the step, each entry of
/// train::Metrics by its name, and steps_per_second; a number that is not finite becomes null.
/// Written at every line, so that a run can be followed and a killed one keeps what it wrote. Links
/// are followed, the mode of an existing file stays, and a device or a pipe is written as it is.
class MetricsFile {
 public:
  /// Starts the file anew. \throws std::runtime_error if it cannot be opened
  explicit MetricsFile(std::filesystem::path const& path) : MetricsFile(path, 0) {}
  /// Continues the file of a run that resumes at a step: reports of later ones go.
  /// \param from  0: starts anew
  /// \throws std::runtime_error if it cannot be opened
  MetricsFile(std::filesystem::path const& path, std::uint64_t from)
      : lines_("basin::io::MetricsFile", path, from > 0, [from](std::string const& line) {
          auto const report = nlohmann::json::parse(line, nullptr, false);
          return report.is_object() && report.contains("step") &&
                 report["step"].is_number_unsigned() && report["step"].get<std::uint64_t>() <= from;
        }) {}

  /// \throws std::runtime_error if the line cannot be written
  void operator()(train::Metrics const& m) {
    nlohmann::ordered_json line{{"step", m.step}};
    for (train::Metrics::Entry const& entry : m) line[entry.quantity.name] = entry.value;
    line["steps_per_second"] = m.steps_per_second;
    lines_.add(line.dump() + '\n', m.step);
  }

 private:
  detail::ReportLines lines_;
};

/// Metrics as a table with a header: step, the entries of the first report by name, steps_per_second.
/// Written at every line, as MetricsFile.
class MetricsTable {
 public:
  /// \param from  the step at which a run resumes: reports of later ones go; 0: starts anew
  /// \throws std::runtime_error if it cannot be opened
  explicit MetricsTable(std::filesystem::path const& path, std::uint64_t from = 0)
      : path_(path), lines_(who, path, from > 0, [&](std::string const& line) {
          if (header_.empty()) {
            header_ = line;
            return true;
          }
          std::uint64_t step = 0;
          auto const read    = std::from_chars(line.data(), line.data() + line.size(), step);
          return read.ec == std::errc() && step <= from;
        }) {}

  /// \throws std::runtime_error if the line cannot be written
  /// \throws std::invalid_argument if the entries are others than those of the header
  void operator()(train::Metrics const& m) {
    std::string header = "step", line = std::to_string(m.step);
    auto const add = [&](char const* name, double value) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), ",%.9g", value);
      header += std::string(",") + name;
      line += text.data();
    };
    for (train::Metrics::Entry const& entry : m) add(entry.quantity.name, entry.value);
    add("steps_per_second", m.steps_per_second);
    if (header_.empty())
      lines_.add(header + '\n', m.step);
    else if (header_ != header)
      refuse(who, "'", path_.string(), "' has the columns ", header_, ", this report ", header);
    header_ = header;
    lines_.add(line + '\n', m.step);
  }

 private:
  static constexpr char const* who = "basin::io::MetricsTable";
  std::string header_;
  std::filesystem::path path_;
  detail::ReportLines lines_;
};

}  // namespace basin::io

#endif
