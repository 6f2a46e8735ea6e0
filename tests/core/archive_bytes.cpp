// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive_bytes.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace {

struct Kept {
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> view{"view", 2, 3};
  std::vector<double> numbers{1, 2.5};
  std::string text = "a text";
  int scalar       = 3;
  template <basin::Archive A>
  void archive(A& a) {
    a("view", view), a("numbers", numbers), a("text", text), a("scalar", scalar);
  }
};

}  // namespace

TEST_CASE("entries of an archive are the same after they were bytes", "[core][archive]") {
  Kept kept, other;
  Kokkos::deep_copy(kept.view, 7);
  kept.numbers = {};
  kept.scalar  = -9;
  basin::MemoryArchive saved;
  saved.save("kept", kept);
  basin::MemoryArchive(basin::from_bytes(basin::to_bytes(saved.entries()))).load("kept", other);
  CHECK(other.view(1, 2) == 7);
  CHECK(other.numbers.empty());
  CHECK(other.text == "a text");
  CHECK(other.scalar == -9);
  CHECK(basin::from_bytes(basin::to_bytes({})).empty());
}
