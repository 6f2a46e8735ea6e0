// SPDX-License-Identifier: Apache-2.0
// Two ranks, of which the second sends nothing: the first ends the job after a second.
#include <basin/mpi/session.hpp>

#include <chrono>
#include <span>
#include <thread>

int main(int argc, char** argv) {
  basin::mpi::Session session(argc, argv, {.timeout = 1});
  if (session.ranks().rank() == 0) {
    char letter = 0;
    basin::train::Message const from{&letter, 1, 1};
    session.ranks().exchange({}, std::span(&from, 1));
  }
  std::this_thread::sleep_for(std::chrono::seconds(60));
}
