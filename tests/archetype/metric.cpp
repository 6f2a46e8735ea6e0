// SPDX-License-Identifier: Apache-2.0
// Numbers of a user's own beside those of training: a column of an objective, which is averaged on
// the device at every step, and a number that is computed when a report is due.
#include <basin/io/metrics_file.hpp>
#include <basin/objective/batch.hpp>
#include <basin/tile/launch.hpp>

#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <array>
#include <cmath>
#include <fstream>
#include <string>

// [listing]
namespace mine {

/// radius[n] = |x_n|
template <class Points>
struct Radius {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Points points;        // (B, dimension)
  scalar_type* radius;  // (B)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    Radius const self = *this;
    c.each(1, [=](int) {
      scalar_type sum = 0;
      for (std::size_t d = 0; d < self.points.extent(1); ++d)
        sum += self.points(n, d) * self.points(n, d);
      self.radius[n] = Kokkos::sqrt(sum);
    });
  }
};

/// Trains nothing, and reports how far the data are from the origin.
struct Watch {
  void check(int) const {}

  template <class E, class Exec, basin::tile::Tuning tuning>
  class bind {
    using Scalar  = typename E::scalar_type;
    using memory  = typename Exec::memory_space;
    using Batch   = basin::objective::Batch<Scalar, memory>;
    using Dataset = basin::objective::Dataset<Scalar, memory>;
    using Numbers = Kokkos::View<Scalar*, memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

   public:
    bind(Exec const&, Watch const&, int batch, Dataset const&, std::uint64_t)
        : radius_("radius", batch) {
      batch_.points = decltype(batch_.points)("points", batch, +E::dimension);
    }

    Batch batch() const { return batch_; }

    void gradient(Exec const& exec, Watch const&, E const&, basin::Step const&, Scalar const*,
                  Scalar* gradient) const {
      using Points = basin::tile::Borrowed<decltype(batch_.points)>;
      basin::tile::for_each_chain<tuning>(exec, "mine::radius", static_cast<int>(radius_.extent(0)),
                                          Radius<Points>{batch_.points, radius_.data()});
      Kokkos::deep_copy(exec, Numbers(gradient, +E::parameters), Scalar(0));
    }

    auto columns() const {
      return std::array{basin::objective::Column<Scalar>{{"radius", "x", "mean |x| of the batch"},
                                                         radius_.data(),
                                                         nullptr,
                                                         static_cast<int>(radius_.extent(0))}};
    }

   private:
    Batch batch_;
    Kokkos::View<Scalar*, memory> radius_;  // (B)
  };
};

}  // namespace mine
// [/listing]

namespace {

using Trainer =
    basin::train::Trainer<basin::test::SmallNetwork, mine::Watch, basin::optimizer::Adam,
                          basin::optimizer::Constant, BASIN_TEST_EXEC>;
using Catch::Matchers::WithinRel;

TEST_CASE("a user's column is averaged and reported under its name", "[archetype][metric]") {
  auto const data = basin::test::uniform_points(50, 3);
  double expected = 0;
  for (int n = 0; n < 50; ++n)
    expected += std::hypot(double(data(n, 0)), double(data(n, 1)), double(data(n, 2))) / 50;
  Trainer trainer({.batch = 50}, data);  // a batch is all of the data
  auto const m = trainer.fit({.steps = 3});
  CHECK_THAT(m["radius"], WithinRel(expected, 1e-6));
  CHECK(!m.has("energy_data"));
}

TEST_CASE("a number of a report goes with the others into the file", "[archetype][metric]") {
  auto const data     = basin::test::uniform_points(50, 3),
             held_out = basin::test::uniform_points(9, 3);
  basin::test::TemporaryFolder const folder;
  auto const path = folder.path() / "metrics.jsonl";
  Trainer trainer({.batch = 37, .monitor_every = 2}, data);
  {
    basin::io::MetricsFile file(path);
    auto const report = [&](basin::train::Metrics m) {
      auto const e = trainer.energies(held_out);
      double mean  = 0;
      for (std::size_t i = 0; i < e.extent(0); ++i) mean += e(i) / double(e.extent(0));
      m.add({"energy_held_out", "E", "mean E of data that are not trained on"}, mean);
      file(m);
    };
    trainer.fit({.steps = 4, .report = report});
  }
  std::ifstream lines(path);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    auto const m = nlohmann::json::parse(line);
    CHECK(m.at("energy_held_out").is_number());
    CHECK(m.at("radius").is_number());
    CHECK(m.size() == 6);  // step, radius, gradient_norm, factor, energy_held_out, steps_per_second
  }
  CHECK(count == 2);
}

}  // namespace
