// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_MPI_RANKS_HPP
#define BASIN_MPI_RANKS_HPP

#include <basin/core/check.hpp>
#include <basin/train/ranks.hpp>

#include <climits>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mpi.h>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>
#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace basin::mpi {

/// In which order gradients are summed over ranks.
enum class Order {
  fixed,  ///< that of train::SumTree: the same bits for any number of ranks
  any     ///< that of MPI_Allreduce, which the number of ranks, their places and MPI itself change
};

/// From where messages are sent.
enum class Path {
  ask,     ///< from a device's memory if MPI says that it takes it, see device_memory()
  direct,  ///< from where the numbers are
  staged   ///< from a copy on the host
};

struct RanksOptions {
  Order order = Order::fixed;
  Path path   = Path::ask;  ///< BASIN_GPU_AWARE_MPI=0 or 1 in the environment decides where it asks
  double timeout = 600;     ///< seconds for a message, after which the job is ended; > 0
};

/// Whether this MPI takes pointers into a device's memory, and who says so.
struct DeviceMemory {
  bool is_taken;
  char const* why;
};
inline DeviceMemory device_memory() {
  if (char const* const said = std::getenv("BASIN_GPU_AWARE_MPI"))
    return {said[0] == '1', "BASIN_GPU_AWARE_MPI says so"};
#if defined(OMPI_HAVE_MPI_EXT_CUDA) && OMPI_HAVE_MPI_EXT_CUDA
  if (MPIX_Query_cuda_support() == 1) return {true, "Open MPI has CUDA support"};
#endif
#if defined(OMPI_HAVE_MPI_EXT_ROCM) && OMPI_HAVE_MPI_EXT_ROCM
  if (MPIX_Query_rocm_support() == 1) return {true, "Open MPI has ROCm support"};
#endif
  char const* const cray = std::getenv("MPICH_GPU_SUPPORT_ENABLED");
  if (cray && cray[0] == '1') return {true, "MPICH_GPU_SUPPORT_ENABLED is 1"};
  return {false, "this MPI does not say that it takes it"};
}

/// The ranks of a communicator, see train::Ranks. Point-to-point messages, MPI_Allgatherv and MPI_Bcast,
/// which move numbers; MPI_Allreduce for Order::any alone.
///
/// A message that does not come ends the job with a sentence that names both ranks. MPI must have been
/// initialized, with MPI_THREAD_FUNNELED or more, and be called by this thread alone: see Session.
class Ranks final : public train::Ranks {
 public:
  /// \param communicator  duplicated
  /// \throws std::invalid_argument if timeout is not positive
  explicit Ranks(MPI_Comm communicator, RanksOptions const& options = {}) : options_(options) {
    if (!(options.timeout > 0))
      refuse("basin::mpi::Ranks", "timeout must be > 0, got ", options.timeout);
    MPI_Comm_dup(communicator, &communicator_);
    MPI_Comm_size(communicator_, &count_);
    MPI_Comm_rank(communicator_, &rank_);
    lengths_.resize(static_cast<std::size_t>(count_));
    begins_.resize(static_cast<std::size_t>(count_));
  }
  Ranks(Ranks const&)            = delete;
  Ranks& operator=(Ranks const&) = delete;
  ~Ranks() override { MPI_Comm_free(&communicator_); }

  int count() const override { return count_; }
  int rank() const override { return rank_; }
  bool sums_in_any_order() const override { return options_.order == Order::any; }

  bool reaches(bool host) const override {
    if (options_.path == Path::staged) return false;
    if (host) return true;
    DeviceMemory const memory =
        options_.path == Path::direct ? DeviceMemory{true, ""} : device_memory();
    if (!memory.is_taken && rank_ == 0 && !has_said_)
      std::fprintf(
          stderr,
          "basin::mpi::Ranks: messages are copied to the host, %s; BASIN_GPU_AWARE_MPI=1 sends "
          "them from the device\n",
          memory.why);
    has_said_       = true;
    reaches_device_ = memory.is_taken;
    return memory.is_taken;
  }

  void exchange(std::span<train::Message const> sent,
                std::span<train::Message const> received) override {
    requests_.clear();
    partners_.clear();
    for (train::Message const& m : received) {
      MPI_Irecv(m.data, length(m.bytes), MPI_BYTE, m.rank, tag, communicator_, next());
      partners_.push_back(m.rank);
    }
    for (train::Message const& m : sent) {
      MPI_Isend(m.data, length(m.bytes), MPI_BYTE, m.rank, tag, communicator_, next());
      partners_.push_back(m.rank);
    }
    wait();
  }

  void all_gather(void* data, std::span<train::Stretch const> at) override {
    for (std::size_t r = 0; r < at.size(); ++r) {
      lengths_[r] = length(at[r].bytes);
      begins_[r]  = length(at[r].begin);
    }
    if (reaches_device_) {  // Open MPI's collectives that do not block take no such pointers
      MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, lengths_.data(), begins_.data(),
                     MPI_BYTE, communicator_);
      return;
    }
    requests_.clear();
    partners_.assign(1, -1);
    MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, lengths_.data(), begins_.data(),
                    MPI_BYTE, communicator_, next());
    wait();
  }
  void broadcast(void* data, std::size_t bytes) override {
    MPI_Bcast(data, length(bytes), MPI_BYTE, 0, communicator_);
  }
  void sum(float* data, std::size_t count) override {
    MPI_Allreduce(MPI_IN_PLACE, data, length(count), MPI_FLOAT, MPI_SUM, communicator_);
  }
  void sum(double* data, std::size_t count) override {
    MPI_Allreduce(MPI_IN_PLACE, data, length(count), MPI_DOUBLE, MPI_SUM, communicator_);
  }
  bool any(bool here) override {
    int said = here ? 1 : 0, all = 0;
    requests_.clear();
    partners_.assign(1, -1);
    MPI_Iallreduce(&said, &all, 1, MPI_INT, MPI_LOR, communicator_, next());
    wait();
    return all != 0;
  }

 private:
  static constexpr int tag = 1;

  static int length(std::size_t bytes) {
    if (bytes > INT_MAX)
      refuse("basin::mpi::Ranks", "a message of ", bytes, " bytes; MPI takes at most ", INT_MAX);
    return static_cast<int>(bytes);
  }
  MPI_Request* next() {
    // MPI knows a request by its value, not by where it is.
    requests_.push_back(MPI_REQUEST_NULL);
    return &requests_.back();
  }

  void wait() {
    using Clock = std::chrono::steady_clock;
    Clock::time_point start{};
    for (long tries = 0;; ++tries) {
      int done = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
      if (done) return;
      if (tries < 100) continue;
      std::this_thread::yield();  // ranks may be more than cores
      auto const now = Clock::now();
      if (tries == 100) start = now;
      if (std::chrono::duration<double>(now - start).count() > options_.timeout) give_up();
    }
  }
  [[noreturn]] void give_up() {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      int done = 0;
      MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE);
      if (done) continue;
      if (partners_[i] < 0)
        std::fprintf(stderr, "basin::mpi::Ranks: rank %d waited for all others for %g s\n", rank_,
                     options_.timeout);
      else
        std::fprintf(stderr, "basin::mpi::Ranks: rank %d waited for rank %d for %g s\n", rank_,
                     partners_[i], options_.timeout);
      break;
    }
    MPI_Abort(communicator_, 1);
    std::abort();
  }

  RanksOptions options_;
  MPI_Comm communicator_ = MPI_COMM_NULL;
  int count_ = 1, rank_ = 0;
  std::vector<int> lengths_, begins_;  // (count)
  std::vector<MPI_Request> requests_;
  std::vector<int> partners_;  // of the requests; -1: all
  mutable bool has_said_ = false, reaches_device_ = false;
};

}  // namespace basin::mpi

#endif
