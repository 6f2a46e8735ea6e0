// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_PROGRESS_HPP
#define BASIN_TRAIN_PROGRESS_HPP

#include <basin/train/metrics.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace basin::train {

namespace detail {

// "  0:00:02 left" of the steps to the end at the rate of the last ones; "" if there is none.
inline std::string time_left(Metrics const& m, std::uint64_t end) {
  double const steps = end > m.step ? static_cast<double>(end - m.step) : 0;
  double const left  = std::ceil(steps / m.steps_per_second);
  if (!(left <= 1e9)) return "";
  auto const seconds = static_cast<long long>(left);
  char text[64];
  std::snprintf(text, sizeof text, "  %lld:%02lld:%02lld left", seconds / 3600, seconds / 60 % 60,
                seconds % 60);
  return text;
}

}  // namespace detail

/// "step 200/1000  350 steps/s  0:00:03 left  energy_data -0.31  ...", with as many entries as fit.
///
/// \param end      the last step of the run
/// \param columns  characters that fit on the line; 0: any number
inline std::string progress_line(Metrics const& m, std::uint64_t end, std::size_t columns = 0) {
  char text[128];
  std::snprintf(text, sizeof text, "step %llu/%llu  %.4g steps/s",
                static_cast<unsigned long long>(m.step), static_cast<unsigned long long>(end),
                m.steps_per_second);
  std::string line = text + detail::time_left(m, end);
  for (Metrics::Entry const& entry : m) {
    std::snprintf(text, sizeof text, "  %s %.4g", entry.quantity.name, entry.value);
    std::string const further = text;
    if (columns > 0 && line.size() + further.size() > columns) break;
    line += further;
  }
  return line;
}

/// Prints the line of a report. On a terminal it is rewritten, until the last one.
inline void print_progress(std::FILE* to, Metrics const& m, std::uint64_t end, bool last) {
  bool const terminal = isatty(fileno(to)) != 0;
  if (!terminal) {
    std::fprintf(to, "%s\n", progress_line(m, end).c_str());
  } else {
    winsize size{};
    bool const known          = ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    std::size_t const columns = known ? size.ws_col - 1u : 79u;
    // Clears the rest of a longer previous line.
    std::fprintf(to, "\r%s\033[K%s", progress_line(m, end, columns).c_str(), last ? "\n" : "");
  }
  std::fflush(to);
}

}  // namespace basin::train

#endif
