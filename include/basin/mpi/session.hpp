// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_MPI_SESSION_HPP
#define BASIN_MPI_SESSION_HPP

#include <basin/mpi/ranks.hpp>

#include <Kokkos_Core.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mpi.h>
#include <thread>

namespace basin::mpi {

/// MPI and Kokkos of a program, first in main: initializes MPI (MPI_THREAD_FUNNELED), then Kokkos, which
/// then sees to which cores a rank is bound and, with KOKKOS_MAP_DEVICE_ID_BY=mpi_rank, takes a GPU of its
/// own; the destructor finalizes both.
///
/// Standard output of ranks other than 0 is dropped, so that a program prints once. An exception that
/// nobody catches ends the job, see end().
class Session {
 public:
  explicit Session(RanksOptions const& options = {}) {
    start(nullptr, nullptr, options);
    Kokkos::initialize();
  }
  /// Takes the flags of MPI and of Kokkos out of those of the program.
  Session(int& argc, char**& argv, RanksOptions const& options = {}) {
    start(&argc, &argv, options);
    Kokkos::initialize(argc, argv);
  }
  Session(Session const&)            = delete;
  Session& operator=(Session const&) = delete;
  ~Session() {
    Kokkos::finalize();
    ranks_.reset();
    MPI_Finalize();
  }

  /// For train::Slices::ranks.
  Ranks& ranks() { return *ranks_; }

  /// Ends the job with a sentence and the number of the rank: once, of rank 0, where that fails within the
  /// second for which the others wait, since what stops a run mostly stops all ranks.
  [[noreturn]] static void end(char const* sentence) {
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    std::fprintf(stderr, "basin::mpi::Session: rank %d: %s\n", rank, sentence);
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::abort();
  }

 private:
  void start(int* argc, char*** argv, RanksOptions const& options) {
    int provided = MPI_THREAD_SINGLE;
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    ranks_ = std::make_unique<Ranks>(MPI_COMM_WORLD, options);
    std::set_terminate(end_job);
    if (ranks_->rank() != 0 && !std::freopen("/dev/null", "w", stdout))
      std::fprintf(stderr, "basin::mpi::Session: /dev/null cannot be opened, all ranks print\n");
  }
  [[noreturn]] static void end_job() {
    try {
      if (auto const error = std::current_exception()) std::rethrow_exception(error);
      end("has ended");
    } catch (std::exception const& error) {
      end(error.what());
    } catch (...) {
      end("threw what is no std::exception");
    }
  }

  std::unique_ptr<Ranks> ranks_;
};

}  // namespace basin::mpi

#endif
