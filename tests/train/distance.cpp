// SPDX-License-Identifier: Apache-2.0
#include <basin/train/distance.hpp>

#include "support/silent_objective.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <limits>
#include <random>

namespace {

using Catch::Matchers::WithinRel;
constexpr double infinity = std::numeric_limits<double>::infinity();

// Chains that start at 'start', and are where a test puts them.
struct Placed {
  basin::train::Bounds sampler{};
  double start = 0;

  void check(int) const {}
  template <class E, class Exec, basin::tile::Tuning tuning>
  class bind : public basin::test::Mute::bind<E, Exec, tuning> {
    using base   = typename basin::test::Mute::template bind<E, Exec, tuning>;
    using Scalar = typename E::scalar_type;
    using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, typename Exec::memory_space>;

   public:
    bind(Exec const& exec, Placed const&, int batch,
         basin::objective::Dataset<Scalar, typename Exec::memory_space> const& data,
         std::uint64_t seed)
        : base(exec, {}, batch, data, seed), samples("samples", batch, E::dimension) {}
    void gradient(Exec const& exec, Placed const&, E const& energy, basin::Step const& step,
                  Scalar const* own, Scalar* gradient) const {
      base::gradient(exec, {}, energy, step, own, gradient);
    }
    void start(Exec const& exec, Placed const& options, Chains const& chains,
               basin::Stream const&) const {
      Kokkos::deep_copy(exec, chains, static_cast<Scalar>(options.start));
    }
    Chains last_samples() const { return samples; }
    Chains samples;  // (batch, dimension)
  };
};

using Network = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, Placed, basin::optimizer::Adam,
                                      basin::optimizer::Constant, BASIN_TEST_EXEC>;
using Data    = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

// Means 3 and 5, standard deviations 1 and 7: s = 5, from -2 to 12.
Data two_columns(int rows = 200) {
  Data const data("data", rows, 2);
  for (int n = 0; n < rows; ++n) {
    data(n, 0) = 3 + (n % 2 == 0 ? 1 : -1);
    data(n, 1) = 5 + (n % 4 < 2 ? 7 : -7);
  }
  return data;
}

TEST_CASE("the distance of samples is in standard deviations of the data", "[train][distance]") {
  Trainer trainer({.batch = 16}, two_columns());
  // Half of the samples 40 from the means in the first column, half 30 in the second.
  auto const samples = Kokkos::create_mirror_view(trainer.state().samples);
  for (int n = 0; n < 16; ++n) {
    samples(n, 0) = n < 8 ? 43 : 3;
    samples(n, 1) = n < 8 ? 5 : -25;
  }
  Kokkos::deep_copy(trainer.state().samples, samples);
  auto const m = trainer.fit({.steps = 3});
  // |x - m|^2 is 1600 and 900 in equal parts, D = 2, s = 5: sqrt(1250 / 2) / 5.
  CHECK_THAT(m["distance_samples"], WithinRel(5.0, 1e-12));

  // Of other data.
  Data const wide("data", 20, 2);
  for (int n = 0; n < 20; ++n) wide(n, 0) = wide(n, 1) = n % 2 == 0 ? 50 : -50;
  trainer.set_data(wide);
  CHECK_THAT(trainer.fit({.steps = 1})["distance_samples"],
             WithinRel(std::sqrt((43 * 43 + 25 + 9 + 625) / 4.0) / 50, 1e-12));

  // Evenly spaced rows of many have the same moments.
  CHECK_THAT(Trainer({.batch = 16}, two_columns(100000)).fit({.steps = 1})["distance_samples"],
             WithinRel(std::sqrt(17.0) / 5, 1e-3));
}

// Deviates of a standard normal law, by pairs (Box and Muller).
Data normal_rows(int rows, unsigned seed) {
  Data const data("data", rows, 2);
  std::mt19937 bits(seed);
  for (int n = 0; n < rows; ++n) {
    double const u = (bits() + 0.5) * 0x1p-32, v = (bits() + 0.5) * 0x1p-32;
    double const r = std::sqrt(-2 * std::log(u));
    data(n, 0)     = static_cast<float>(r * std::cos(2 * M_PI * v));
    data(n, 1)     = static_cast<float>(r * std::sin(2 * M_PI * v));
  }
  return data;
}

TEST_CASE("the diversity of fresh draws of the data is 1, of a collapse 0", "[train][distance]") {
  int constexpr batch = 250;
  Trainer trainer({.batch = batch}, normal_rows(1000, 1));
  auto const at = [&](Data const& samples) {
    Kokkos::deep_copy(trainer.state().samples, samples);
    return trainer.fit({.steps = 1})["diversity"];
  };
  // The distance to the nearest other of a plane varies by sqrt(4 / pi - 1) = 0.52 of its mean where the
  // density is constant, and by as much again with the density of a Gaussian; mutual neighbors share one:
  // 0.52 sqrt(2) sqrt(2) / sqrt(250) of the samples, half of it of the data. Four deviations.
  double const tolerance = 4 * std::sqrt(1 + 0.25) * 1.04 / std::sqrt(double(batch));
  CHECK_THAT(at(normal_rows(batch, 2)), Catch::Matchers::WithinAbs(1.0, tolerance));
  // Distances scale, and few modes are seen as points are.
  auto few = normal_rows(batch, 2);
  for (int n = 0; n < batch; ++n) few(n, 0) *= 0.125F, few(n, 1) *= 0.125F;
  CHECK_THAT(at(few), Catch::Matchers::WithinAbs(0.125, tolerance / 8));
  for (int n = 0; n < batch; ++n) few(n, 0) = n % 2 ? 5.F : -5.F, few(n, 1) = 0;
  CHECK(at(few) == 0);
  // By hand: four samples in two pairs, 1 and 3 apart, on data that are 2 from their nearest.
  Data const line("data", 4, 2);
  for (int n = 0; n < 4; ++n) line(n, 0) = 2.F * float(n);
  Trainer four({.batch = 4}, line);
  Data const pairs("samples", 4, 2);
  pairs(1, 0) = 1, pairs(2, 1) = 50, pairs(3, 1) = 53;
  Kokkos::deep_copy(four.state().samples, pairs);
  CHECK_THAT(four.fit({.steps = 1})["diversity"], WithinRel((1 + 1 + 3 + 3) / 4. / 2, 1e-12));
}

TEST_CASE("data without spread have no distance", "[train][distance]") {
  Data const point("data", 20, 2);
  Trainer trainer({.objective = {.start = 1e6}, .batch = 16}, point);
  CHECK(!trainer.fit({.steps = 1}).has("distance_samples"));
  CHECK(!trainer.fit({.steps = 1}).has("diversity"));
}

TEST_CASE("chains that start far from the data are refused", "[train][distance]") {
  auto const at = [](double start, double limit) {
    return Trainer({.objective = {.start = start}, .batch = 16, .distance_limit = limit},
                   two_columns());
  };
  CHECK_THROWS_WITH(
      at(1004, 100),
      "basin::train::Trainer: chains start at a distance of 200 standard deviations from the data, "
      "distance_limit is 100; the data have mean 4, standard deviation 5, from -2 to 12. "
      "Standardize the data, or write a start near them, for example start::Data");
  CHECK_NOTHROW(at(1004, 201));
  CHECK_NOTHROW(at(1004, infinity));
}

TEST_CASE("chains that left the data stop the run", "[train][distance]") {
  auto const run = [](double limit) {
    Trainer trainer({.batch = 16, .distance_limit = limit}, two_columns());
    trainer.fit({.steps = 2});
    Kokkos::deep_copy(trainer.state().samples, 1004.0F);
    return trainer.fit({.steps = 1});
  };
  CHECK_THROWS_WITH(
      run(100),
      "basin::train::Trainer: the chains have left the data before step 3, at a distance of 200 of "
      "their standard deviations, distance_limit is 100; the data have mean 4, standard deviation "
      "5, from -2 to 12. Try a smaller learning rate or a clip_norm.");
  CHECK_NOTHROW(run(201));
  CHECK_THROWS_AS(run(100), basin::train::Divergence);
}

TEST_CASE("bounds that exclude most of the data are refused", "[train][distance]") {
  auto const within = [](double lower, double upper) {
    return Trainer({.objective = {.sampler = {lower, upper}}, .batch = 16}, two_columns());
  };
  CHECK_THROWS_WITH(
      within(-1, 2.5),
      "basin::train::Trainer: chains stay in [-1, 2.5], the bounds of the sampler, and 75 % of the "
      "data are outside: they have mean 4, standard deviation 5, from -2 to 12. Scale the data, or "
      "write other bounds");
  CHECK_NOTHROW(within(-1, 4));  // half of them
}

}  // namespace
