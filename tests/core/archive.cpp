// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <string>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::MemoryArchive;

struct Inner {
  Kokkos::View<int*, Exec> ages;  // (n)

  template <basin::Archive A>
  void archive(A& a) {
    a("ages", ages);
  }
};

struct Outer {
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> points;  // (rows, columns)
  Inner inner;
  std::uint64_t step = 0;
  float rate         = 0;
  int loaded         = 0;  // how often contents were written

  Outer(int rows, int columns, int ages)
      : points("points", rows, columns), inner{{"ages", std::size_t(ages)}} {}

  template <basin::Archive A>
  void archive(A& a) {
    a("points", points);
    a("inner", inner);
    a("step", step);
    a("rate", rate);
    if constexpr (A::loads) ++loaded;
  }

  void fill(int first) {
    auto const host = Kokkos::create_mirror_view(points);
    for (std::size_t i = 0; i < host.size(); ++i) host.data()[i] = first + double(i) / 8;
    Kokkos::deep_copy(points, host);
    Kokkos::deep_copy(inner.ages, first);
    step = static_cast<std::uint64_t>(first);
    rate = float(first) / 4;
  }
  bool is(int first) const {
    auto const x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points);
    auto const n = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), inner.ages);
    bool all     = step == static_cast<std::uint64_t>(first) && rate == float(first) / 4;
    for (std::size_t i = 0; i < x.size(); ++i) all = all && x.data()[i] == first + double(i) / 8;
    for (std::size_t i = 0; i < n.size(); ++i) all = all && n(i) == first;
    return all;
  }
};

TEST_CASE("an object is loaded as it was saved", "[core][archive]") {
  Outer saved(3, 5, 4), loaded(3, 5, 4);
  saved.fill(7), loaded.fill(1);
  MemoryArchive archive;
  archive.save("object", saved);
  saved.fill(9);  // the archive has a copy
  CHECK(loaded.loaded == 0);
  archive.load("object", loaded);
  CHECK(loaded.is(7));
  CHECK(loaded.loaded == 1);
  CHECK(archive.has("object/inner/ages"));
  CHECK(archive.entries().size() == 4);
}

TEST_CASE("two objects have names of their own, and saving again replaces", "[core][archive]") {
  Outer a(3, 5, 4), b(2, 2, 1), to(3, 5, 4);
  a.fill(1), b.fill(2);
  MemoryArchive archive;
  archive.save("a", a);
  archive.save("b", b);
  a.fill(3);
  archive.save("a", a);
  archive.load("a", to);
  CHECK(to.is(3));
}

TEST_CASE("what does not fit is refused by its name, and nothing is loaded", "[core][archive]") {
  Outer saved(3, 5, 4);
  saved.fill(7);
  MemoryArchive archive;
  archive.save("object", saved);
  auto const refused = [&](auto object, char const* name, char const* sentence) {
    object.fill(1);
    CHECK_THROWS_WITH(archive.load(name, object), sentence);
    CHECK(object.is(1));
    CHECK(object.loaded == 0);
  };
  refused(Outer(3, 5, 4), "other", "basin::MemoryArchive: 'other/points' was not saved");
  refused(Outer(3, 4, 4), "object",
          "basin::MemoryArchive: 'object/points' was saved with shape (3, 5), the object has (3, "
          "4)");
  refused(Outer(3, 5, 6), "object",
          "basin::MemoryArchive: 'object/inner/ages' was saved with shape (4), the object has (6)");

  float number = 1;
  archive.save("number", number);
  double wide = 2;
  CHECK_THROWS_WITH(archive.load("number", wide),
                    "basin::MemoryArchive: 'number' was saved with type f4, the object has f8");
  CHECK(wide == 2);
  Kokkos::View<float*, Exec> const one("one", 1);
  CHECK_THROWS_WITH(archive.load("number", one),
                    "basin::MemoryArchive: 'number' was saved with shape (), the object has (1)");
}

struct Sequences {
  std::vector<double> numbers;
  std::string text;

  template <basin::Archive A>
  void archive(A& a) {
    a("numbers", numbers);
    a("text", text);
  }
};

TEST_CASE("a sequence gets the length that was saved, and its type is checked", "[core][archive]") {
  MemoryArchive archive;
  for (Sequences saved : {Sequences{{1.5, -2, 1e300}, "red\ngreen\xFF"}, Sequences{}}) {
    archive.save("object", saved);
    Sequences loaded{{7}, "blue"};
    archive.check("object", loaded);
    CHECK(loaded.text == "blue");
    archive.load("object", loaded);
    CHECK(loaded.numbers == saved.numbers);
    CHECK(loaded.text == saved.text);
  }
  std::vector<double> numbers{1, 2};
  archive.save("numbers", numbers);
  std::vector<float> narrow{3};
  CHECK_THROWS_WITH(archive.load("numbers", narrow),
                    "basin::MemoryArchive: 'numbers' was saved with type f8, the object has f4");
  CHECK(narrow == std::vector<float>{3});
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const table("table", 1, 2);
  archive.save("numbers", table);
  CHECK_THROWS_WITH(
      archive.load("numbers", numbers),
      "basin::MemoryArchive: 'numbers' was saved with shape (1, 2), the object has (2)");
  Sequences object;
  CHECK_THROWS_WITH(archive.check("none", object),
                    "basin::MemoryArchive: 'none/numbers' was not saved");
}

}  // namespace
