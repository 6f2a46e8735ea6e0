// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_STOP_SIGNALS_HPP
#define BASIN_RUN_STOP_SIGNALS_HPP

#include <basin/core/arithmetic.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <unistd.h>

namespace basin::run {

/// While it exists, SIGTERM, SIGINT and SIGUSR1 (which Slurm can send before a time limit) set a flag,
/// train::FitOptions::stop, instead of ending the process; a second one ends it at once, with status
/// 128 + its number. The destructor restores the handlers that were there. Make one in main at most.
class StopSignals {
 public:
  StopSignals() {
    flag().store(0);
    struct sigaction action{};
    action.sa_handler = handle;
    action.sa_flags   = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
  }
  StopSignals(StopSignals const&)            = delete;
  StopSignals& operator=(StopSignals const&) = delete;
  ~StopSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  }

  /// The number of the signal that came, or 0.
  static std::atomic<int>& flag() {
    static std::atomic<int> received{0};
    static_assert(std::atomic<int>::is_always_lock_free);
    return received;
  }

 private:
  static constexpr std::array<int, 3> signals{SIGTERM, SIGINT, SIGUSR1};
  static void handle(int signal) {
    if (flag().exchange(signal) != 0) ::_exit(128 + signal);
  }
  std::array<struct sigaction, 3> before_{};
};

}  // namespace basin::run

#endif
