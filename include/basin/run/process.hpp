// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_PROCESS_HPP
#define BASIN_RUN_PROCESS_HPP

#include <basin/train/ranks.hpp>
#if defined(BASIN_WITH_MPI)
#include <basin/mpi/session.hpp>
#else
#include <Kokkos_Core.hpp>
#endif

#include <cstdio>
#include <exception>

namespace basin::run {

/// What a program starts with, in place of Kokkos::ScopeGuard: Kokkos, and MPI where the program is linked to
/// basin::mpi. The same source then runs alone and under mpiexec:
///
///   basin::run::Process const process;
///   options.slices.ranks = process.ranks();
class Process {
 public:
  /// For train::Slices::ranks; null without MPI.
  train::Ranks* ranks() const {
#if defined(BASIN_WITH_MPI)
    return &session_.ranks();
#else
    return nullptr;
#endif
  }
  int rank() const { return ranks() ? ranks()->rank() : 0; }
  int rank_count() const { return ranks() ? ranks()->count() : 1; }
  /// Whether this is rank 0, which writes and prints what comes after the training.
  bool is_first() const { return rank() == 0; }

  /// Says why the program cannot go on. Of several ranks it ends the job, see mpi::Session::end.
  /// \returns the status that main returns
  int failed(std::exception const& error) const {
#if defined(BASIN_WITH_MPI)
    if (rank_count() > 1) mpi::Session::end(error.what());
#endif
    std::fprintf(stderr, "\n%s\n", error.what());
    return 1;
  }

 private:
#if defined(BASIN_WITH_MPI)
  mutable mpi::Session session_;
#else
  Kokkos::ScopeGuard guard_;
#endif
};

}  // namespace basin::run

#endif
