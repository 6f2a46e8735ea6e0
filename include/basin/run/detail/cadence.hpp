// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_DETAIL_CADENCE_HPP
#define BASIN_RUN_DETAIL_CADENCE_HPP

#include <basin/run/options.hpp>

#include <chrono>
#include <cstdint>

namespace basin::run::detail {

/// When a run has its next checkpoint and how long it has lasted, from its making on.
class Cadence {
 public:
  /// \param step  of the checkpoint that there is
  Cadence(Options const& options, std::uint64_t step) : options_(options), saved_(step) {}

  double seconds() const { return since(began_); }
  /// The step of the last checkpoint.
  std::uint64_t saved() const { return saved_; }
  bool is_due(std::uint64_t step) const {
    return (options_.checkpoint_steps > 0 &&
            step - saved_ >= static_cast<std::uint64_t>(options_.checkpoint_steps)) ||
           since(saved_at_) >= options_.checkpoint_seconds;
  }
  void set_saved(std::uint64_t step) {
    saved_    = step;
    saved_at_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  }

  Options const& options_;
  std::uint64_t saved_;
  Clock::time_point began_ = Clock::now(), saved_at_ = began_;
};

}  // namespace basin::run::detail

#endif
