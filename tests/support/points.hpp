// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_POINTS_HPP
#define BASIN_TESTS_SUPPORT_POINTS_HPP

#include <Kokkos_Core.hpp>

#include <random>
#include <vector>

// Numbers for tests of tiles, on the host and in the memory of BASIN_TEST_EXEC.

namespace basin::test {

template <class Scalar>
using Numbers = Kokkos::View<Scalar*, BASIN_TEST_EXEC>;
template <class Scalar>
using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, BASIN_TEST_EXEC>;

inline constexpr int chains = 37;  // fills the last tile of no tuning

/// n numbers in [-1, 1), as many bits of each as Scalar holds.
template <class Scalar>
std::vector<Scalar> random_numbers(int n, unsigned seed) {
  std::mt19937_64 bits(seed);
  std::vector<Scalar> values(static_cast<std::size_t>(n));
  for (Scalar& v : values) v = static_cast<Scalar>(static_cast<double>(bits()) * 0x1p-63 - 1);
  return values;
}

template <class Scalar>
Numbers<Scalar> on_device(std::vector<Scalar> const& values) {
  Numbers<Scalar> const view("values", values.size());
  auto const mirror = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < values.size(); ++i) mirror(i) = values[i];
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class Scalar>
std::vector<Scalar> on_host(Numbers<Scalar> const& view) {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
  return {mirror.data(), mirror.data() + mirror.size()};
}

/// (rows, columns), row-major
template <class Scalar>
Points<Scalar> table(Numbers<Scalar> const& values, int rows, int columns) {
  return Points<Scalar>(values.data(), rows, columns);
}
/// (chains, columns)
template <class Scalar>
Points<Scalar> table(Numbers<Scalar> const& values) {
  return table(values, chains, static_cast<int>(values.size()) / chains);
}

/// Epilogue of a product that starts from a number of each row: y = W x + b.
template <class Scalar>
struct StoreFromBias {
  Scalar const* bias;
  Scalar* y;
  KOKKOS_FUNCTION Scalar initial(int row) const { return bias[row]; }
  template <class Place, class V>
  KOKKOS_FUNCTION void operator()(Place at, V v) const {
    at.store(y, v);
  }
};

}  // namespace basin::test

#endif
