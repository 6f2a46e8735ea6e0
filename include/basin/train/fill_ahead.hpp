// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_FILL_AHEAD_HPP
#define BASIN_TRAIN_FILL_AHEAD_HPP

#include <basin/core/arithmetic.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace basin::train::detail {

/// A thread that fills one buffer with the content of a number, while another thread works on the
/// content of the number before. The buffer belongs to the filling thread from start() on until
/// wait() returns, and to the other one until the next start().
class FillAhead {
 public:
  /// \param fill  (number, is_stale): fills the buffer; may return early where is_stale becomes true
  using Fill = std::function<void(std::uint64_t, std::atomic<bool> const&)>;

  explicit FillAhead(Fill fill) : fill_(std::move(fill)), thread_([this] { run(); }) {}
  FillAhead(FillAhead const&)            = delete;
  FillAhead& operator=(FillAhead const&) = delete;
  ~FillAhead() {
    {
      std::lock_guard const lock(mutex_);
      stop_  = true;
      stale_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Begins to fill the buffer with n.
  void start(std::uint64_t n) {
    {
      std::lock_guard const lock(mutex_);
      ask(n);
    }
    changed_.notify_all();
  }

  /// Waits until the buffer has n, whatever was started.
  /// \throws what filling it threw; a later call fills it again
  void wait(std::uint64_t n) {
    std::unique_lock lock(mutex_);
    if (state_ == State::idle || asked_ != n) {
      ask(n);
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return state_ == State::full; });
    if (std::exception_ptr const error = std::exchange(error_, nullptr)) {
      state_ = State::idle;
      std::rethrow_exception(error);
    }
  }

 private:
  enum class State { idle, asked, filling, full };

  void ask(std::uint64_t n) {  // with the lock
    asked_ = n;
    state_ = State::asked;
    error_ = nullptr;
    stale_ = true;  // what is being filled
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stop_ || state_ == State::asked; });
      if (stop_) return;
      std::uint64_t const n = asked_;
      state_                = State::filling;
      stale_                = false;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill_(n, stale_);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (state_ != State::filling) continue;  // another number was asked for meanwhile
      error_ = error;
      state_ = State::full;
      changed_.notify_all();
    }
  }

  Fill fill_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::uint64_t asked_ = 0;
  State state_         = State::idle;
  std::exception_ptr error_;
  bool stop_ = false;
  std::atomic<bool> stale_{false};
  std::thread thread_;  // last: it uses all of them
};

}  // namespace basin::train::detail

#endif
