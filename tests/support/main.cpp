// SPDX-License-Identifier: Apache-2.0
#include <Kokkos_Core.hpp>
#include <catch2/catch_session.hpp>

int main(int argc, char* argv[]) {
  Catch::Session session;
  if (int const bad = session.applyCommandLine(argc, argv)) return bad;
  // Discovery needs no device.
  if (session.configData().listTests) return session.run();
  Kokkos::ScopeGuard const kokkos;
  return session.run();
}
