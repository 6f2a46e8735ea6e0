// SPDX-License-Identifier: Apache-2.0
#include <basin/basin.hpp>
#include <basin/version.hpp>

#include <cstdio>
#include <support/finite_difference.hpp>

// A layer of the consumer's own, tested with the helpers of the package.
struct Cube {
  static constexpr int smoothness = basin::layer::smooth;
  template <int Order, class V>
  static KOKKOS_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = x * x * x;
    if constexpr (Order > 0) f[1] = V(3) * x * x;
  }
};

int main(int argc, char** argv) {
  Kokkos::ScopeGuard const kokkos(argc, argv);
  using Exec         = Kokkos::DefaultExecutionSpace;
  double const error = basin::test::derivative_error<Cube, Exec>(basin::test::line(2));
  std::printf("basin %d.%d\n", BASIN_VERSION_MAJOR, BASIN_VERSION_MINOR);
  return error < basin::test::tolerance ? 0 : 1;
}
