// SPDX-License-Identifier: Apache-2.0
#include <basin/run/arrays.hpp>

#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;

// An energy E(x) = 10 x_0 + x_1 with the one member that a landscape asks for.
struct Plane {
  using Scalar = float;
  template <class Points>
  Kokkos::View<float*, Kokkos::HostSpace> energies(Points const& points) const {
    Kokkos::View<float*, Kokkos::HostSpace> const e("e", points.extent(0));
    for (std::size_t i = 0; i < e.size(); ++i) e(i) = 10 * points(i, 0) + points(i, 1);
    return e;
  }
};

template <class T>
std::vector<T> values(basin::MemoryArchive const& archive, std::string const& name) {
  auto const& bytes = archive.entries().find(name)->second.bytes;
  std::vector<T> all(bytes.size() / sizeof(T));
  std::memcpy(all.data(), bytes.data(), bytes.size());
  return all;
}
std::vector<std::size_t> shape(basin::MemoryArchive const& archive, std::string const& name) {
  return archive.entries().find(name)->second.shape;
}

TEST_CASE("arrays are written by name, row by row, whatever their layout", "[run][arrays]") {
  basin::test::TemporaryFolder const folder;
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> const left("left", 2, 3);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) left(i, j) = 10 * i + j;
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const images("images", 2, 12);
  auto const host = Kokkos::create_mirror_view(images);
  for (std::size_t i = 0; i < host.size(); ++i) host.data()[i] = float(i);
  Kokkos::deep_copy(images, host);
  Plane plane;

  basin::run::Arrays arrays;
  arrays.add("landscape/data", left).add("landscape/log_z", 2.5);
  arrays.images("samples", images, 2, 2).landscape(plane, -1, 1, 2);
  arrays.write(folder.path());

  auto const read = basin::io::read_checkpoint(folder / "arrays.h5").archive;
  CHECK(read.entries().size() == 6);
  CHECK(shape(read, "landscape/data") == std::vector<std::size_t>{2, 3});
  CHECK(values<double>(read, "landscape/data") == std::vector<double>{0, 1, 2, 10, 11, 12});
  CHECK(values<double>(read, "landscape/log_z") == std::vector<double>{2.5});
  CHECK(shape(read, "images/samples") == std::vector<std::size_t>{2, 2, 2, 3});
  CHECK(values<float>(read, "images/samples")[17] == 17);
  CHECK(values<double>(read, "landscape/x") == std::vector<double>{-0.5, 0.5});
  CHECK(values<float>(read, "landscape/energy") == std::vector<float>{-5.5, 4.5, -4.5, 5.5});
  CHECK_THROWS_WITH(arrays.images("samples", images, 5, 2),
                    "basin::run::Arrays: images/samples has rows of 12 values, which are no images "
                    "of 5 x 2");
}

}  // namespace
