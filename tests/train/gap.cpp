// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive.hpp>
#include <basin/train/gap.hpp>

#include "support/silent_objective.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <limits>

namespace {

using basin::train::GapHistory;
using Catch::Matchers::WithinRel;

// An objective that reports energies that a test writes, and whose gradient is 0.
struct Scripted {
  void check(int) const {}
  template <class E, class Exec, basin::tile::Tuning tuning>
  class bind : public basin::test::Silent<false>::bind<E, Exec, tuning> {
    using base   = typename basin::test::Silent<false>::template bind<E, Exec, tuning>;
    using Scalar = typename E::scalar_type;
    using Column = basin::objective::Column<Scalar>;

   public:
    bind(Exec const& exec, Scripted const&, int batch,
         basin::objective::Dataset<Scalar, typename Exec::memory_space> const& data,
         std::uint64_t seed)
        : base(exec, {}, batch, data, seed) {}
    void gradient(Exec const& exec, Scripted const&, E const& energy, basin::Step const& step,
                  Scalar const* own, Scalar* gradient) const {
      base::gradient(exec, {}, energy, step, own, gradient);
    }
    auto columns() const {
      namespace quantity = basin::objective::quantity;
      return std::array{Column{quantity::energy_data, energies.data(), nullptr, 1},
                        Column{quantity::energy_samples, energies.data() + 1, nullptr, 1}};
    }
    Kokkos::View<Scalar*, typename Exec::memory_space> energies{"energies", 2};
  };
};

using Network = basin::energy::Network<float, basin::Vector<3>, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, Scripted, basin::optimizer::Adam,
                                      basin::optimizer::Constant, BASIN_TEST_EXEC>;

void report(Trainer& trainer, float data, float samples) {
  auto const energies = Kokkos::create_mirror_view(trainer.state().energies);
  energies(0) = data, energies(1) = samples;
  Kokkos::deep_copy(trainer.state().energies, energies);
  trainer.fit({.steps = 1});
}

TEST_CASE("a gap's history is a mean of logarithms, in units of the energy of the coordinates",
          "[train][gap]") {
  GapHistory plane(2), image(784);
  CHECK(plane.typical() == 0);
  for (int i = 0; i < 10; ++i) {
    CHECK(!plane.runs_away(1e6, 100));  // too short a history to say
    plane.add(i % 2 == 0 ? 1 : -7);     // 1 + |gap| is 2 and 8, of geometric mean 4
    image.add(0.01);
  }
  CHECK_THAT(plane.typical(), WithinRel(3.0, 1e-14));
  for (double const sign : {1.0, -1.0}) {
    CHECK(!plane.runs_away(sign * 398, 100));
    CHECK(plane.runs_away(sign * 400, 100));
    CHECK(!image.runs_away(sign * 99 * 392, 100));
    CHECK(image.runs_away(sign * 100 * 393, 100));
  }
  CHECK(!plane.runs_away(1e300, std::numeric_limits<double>::infinity()));
}

TEST_CASE("a gap that runs away stops the run with both values", "[train][gap]") {
  auto const data = basin::test::uniform_points(50, 3);
  Trainer trainer({.batch = 37, .monitor_every = 1}, data);
  for (int i = 0; i < 30; ++i) report(trainer, 1, i % 3 == 0 ? 1.13F : 0.87F);
  auto const away = [](char const* step) {
    return std::string(
               "basin::train::Trainer: the gap between samples and data runs away before "
               "step ") +
           step +
           ", it is 320 and has been 0.13 so far, gap_limit is 100; E(data) = 1, E(samples) = 321. "
           "Try a smaller learning rate or a clip_norm.";
  };
  // The history is in the checkpoint.
  basin::MemoryArchive saved;
  saved.save("trainer", trainer);
  CHECK_THROWS_WITH(report(trainer, 1, 321), away("31"));
  Trainer resumed({.batch = 37, .monitor_every = 1}, data);
  saved.load("trainer", resumed);
  CHECK_THROWS_WITH(report(resumed, 1, 321), away("31"));

  Trainer patient(
      {.batch = 37, .monitor_every = 1, .gap_limit = std::numeric_limits<double>::infinity()},
      data);
  for (int i = 0; i < 30; ++i) report(patient, 1, 1.13F);
  CHECK_NOTHROW(report(patient, 1, 321));
}

}  // namespace
