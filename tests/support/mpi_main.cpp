// SPDX-License-Identifier: Apache-2.0
#include <basin/mpi/session.hpp>

#include <catch2/catch_session.hpp>

#include <support/mpi.hpp>

namespace {
basin::mpi::Session* session = nullptr;
}
basin::mpi::Ranks& all_ranks() { return session->ranks(); }

// Run by mpiexec: a test fails where it fails on any rank.
int main(int argc, char* argv[]) {
  basin::mpi::Session of_all(argc, argv);
  session = &of_all;
  Catch::Session catch_session;
  if (int const bad = catch_session.applyCommandLine(argc, argv)) return bad;
  int const failed = catch_session.run();
  return of_all.ranks().any(failed != 0) ? 1 : 0;
}
