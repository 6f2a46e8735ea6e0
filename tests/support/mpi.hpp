// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_MPI_HPP
#define TESTS_SUPPORT_MPI_HPP

#include <basin/mpi/ranks.hpp>

#include <mpi.h>
#include <string>
#include <vector>

/// The ranks of the whole job.
basin::mpi::Ranks& all_ranks();

/// The first 'count' ranks of the job, as a communicator; MPI_COMM_NULL for the others.
class Subset {
 public:
  explicit Subset(int count) {
    MPI_Comm_split(MPI_COMM_WORLD, all_ranks().rank() < count ? 0 : MPI_UNDEFINED, 0,
                   &communicator_);
  }
  Subset(Subset const&)            = delete;
  Subset& operator=(Subset const&) = delete;
  ~Subset() {
    if (holds_this()) MPI_Comm_free(&communicator_);
  }
  bool holds_this() const { return communicator_ != MPI_COMM_NULL; }
  MPI_Comm communicator() const { return communicator_; }

 private:
  MPI_Comm communicator_ = MPI_COMM_NULL;
};

/// What a call throws, or "".
template <class Call>
std::string thrown_by(Call const& call) {
  try {
    call();
  } catch (std::exception const& error) {
    return error.what();
  }
  return "";
}

#endif
