// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/objective/sliced_score_matching.hpp>
#include <basin/objective/sum.hpp>
#include <basin/optimizer/sgd.hpp>

#include "support/many_rows.hpp"
#include "support/training.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace {

namespace loss = basin::objective::loss;

using Exec    = BASIN_TEST_EXEC;
using Trainer = basin::test::SmallTrainer<Exec>;
using basin::test::contents;
using basin::test::small_options;
using basin::test::SmallNetwork;
using basin::test::uniform_points;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::WithinAbs;

TEST_CASE("the same seed gives the same parameters, another seed others", "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  auto const run  = [&](std::uint64_t seed) {
    auto options = small_options<Trainer>();
    options.seed = seed;
    Trainer trainer(options, data);
    trainer.fit({.steps = 60});
    return contents(trainer.parameters());
  };
  auto const first = run(5);
  CHECK(first == run(5));
  CHECK(first != run(6));
}

TEST_CASE("fit in one go, in parts and step by step are the same run", "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  Trainer whole(small_options<Trainer>(), data), parts(small_options<Trainer>(), data),
      steps(small_options<Trainer>(), data);
  whole.fit({.steps = 30});
  parts.fit({.steps = 11});
  parts.fit({.steps = 19});
  for (int i = 0; i < 30; ++i) steps.step();
  CHECK(contents(whole.parameters()) == contents(parts.parameters()));
  CHECK(contents(whole.parameters()) == contents(steps.parameters()));
  CHECK(whole.steps_taken() == 30);
}

TEST_CASE("an epoch is as many steps as the rows of the data fill batches", "[train][trainer]") {
  Trainer trainer(small_options<Trainer>(1), uniform_points(150, 3));
  trainer.fit({.epochs = 2});  // 300 rows in batches of 37
  CHECK(trainer.steps_taken() == 9);
}

TEST_CASE("an update with a rate of 0 changes nothing, and the average follows the parameters",
          "[train][trainer]") {
  auto options                    = small_options<Trainer>();
  options.optimizer.learning_rate = 0;
  Trainer trainer(options, uniform_points(150, 3));
  auto const before = contents(trainer.parameters());
  trainer.fit({.steps = 3});
  CHECK(contents(trainer.parameters()) == before);
  CHECK(contents(trainer.averaged_parameters()) == before);
}

TEST_CASE("training lowers the energy of data against that of uniform noise", "[train][trainer]") {
  // Data near one corner: after training its energy must be the lower one, on average by more than
  // the spread over points could give by chance.
  auto data = uniform_points(200, 3);
  for (int n = 0; n < 200; ++n)
    for (int d = 0; d < 3; ++d) data(n, d) = 0.5f + 0.1f * data(n, d);
  auto options                        = small_options<Trainer>(20);
  options.objective.sampler.step_size = 0.2;
  options.clip_norm                   = std::numeric_limits<double>::infinity();
  Trainer trainer(options, data);
  trainer.fit({.steps = 300});
  auto const low = trainer.energies(data), high = trainer.energies(uniform_points(200, 3));
  double gap = 0;
  for (int n = 0; n < 200; ++n) gap += (double(high(n)) - low(n)) / 200;
  CHECK(gap > 0.1);
}

using Energies = std::vector<double>;

// The stated losses with the penalty a. LogSumExp's q is that of other energies, held fixed.
template <class Loss>
double value(double a, Energies const& data, Energies const& samples, Energies const& fixed) {
  double const n = double(data.size());
  double sum = 0, all = 0;
  for (double const e : fixed) all += std::exp(-e);
  for (std::size_t i = 0; i < data.size(); ++i) {
    if constexpr (std::is_same_v<Loss, loss::Softplus>)
      sum += std::log1p(std::exp(data[i] - samples[i])) / n;
    else
      sum += data[i] / n - std::exp(-fixed[i]) / all * samples[i];
    sum += a * (data[i] * data[i] + samples[i] * samples[i]) / n;
  }
  return sum;
}

using DoubleNetwork = basin::energy::Network<double, basin::Vector<3>, basin::layer::Dense<5>,
                                             basin::layer::Tanh, basin::layer::Dense<1>>;

Energies energies_at(std::vector<double> const& theta,
                     Kokkos::View<double**, Kokkos::LayoutRight, Exec> const& points) {
  Kokkos::View<double*, Exec> const parameters("theta", theta.size()), e("e", points.extent(0));
  auto const host = Kokkos::create_mirror_view(parameters);
  for (std::size_t k = 0; k < theta.size(); ++k) host(k) = theta[k];
  Kokkos::deep_copy(parameters, host);
  basin::energy::energies(Exec(), DoubleNetwork(parameters.data()), points, e);
  return contents(e);
}

TEMPLATE_TEST_CASE("a step's gradient is that of the stated loss, chains of bytes held fixed",
                   "[train][trainer]", loss::Softplus, loss::LogSumExp) {
  using Buffer    = basin::buffer::Replay<basin::buffer::storage::Byte>;
  using Objective = basin::objective::PersistentCd<basin::sampler::Langevin<>, Buffer, TestType>;
  using Trainer   = basin::train::Trainer<DoubleNetwork, Objective, basin::optimizer::Adam,
                                          basin::optimizer::Constant, Exec>;
  using Samples   = typename Trainer::Samples;
  int constexpr n = 37;
  double const a  = 0.3;
  typename Trainer::Options const options{
      .objective = {.sampler   = {.steps = 5, .step_size = 0.05, .lower = -1, .upper = 1},
                    .buffer    = {.capacity = 50, .fresh = 0.1},
                    .energy_l2 = {.coefficient = a}},
      .optimizer = {.learning_rate = 0.05},
      .batch     = n,
      .seed      = 4};
  auto const data = uniform_points(n, 3);
  Trainer trainer(options, data);
  // A second objective of this seed gives the same chains to the bit.
  typename Trainer::objective_type again(Exec(), options.objective, n, {}, options.seed);
  Samples const positives("positives", n, 3), chains("chains", n, 3);
  for (std::uint64_t step = 0; step < 3; ++step) {
    auto const theta = contents(trainer.parameters());
    // The batch is all rows, in the order of this epoch; Softplus compares pairs.
    basin::Permutation const order(n, {options.seed, basin::Purpose::data_order, step});
    auto const host = Kokkos::create_mirror_view(positives);
    for (int i = 0; i < n; ++i)
      for (int d = 0; d < 3; ++d)
        host(i, d) = data(static_cast<int>(order(static_cast<std::uint32_t>(i))), d);
    Kokkos::deep_copy(positives, host);
    again.samples(Exec(), options.objective, trainer.energy(), positives, chains, step, {});
    trainer.step();
    CHECK(contents(again.buffer().stored()) == contents(trainer.state().buffer().stored()));

    auto const fixed    = energies_at(theta, chains);
    auto const gradient = contents(trainer.last_gradient());
    REQUIRE(gradient.size() == theta.size());
    // Central differences: h^2 / 6 of third derivatives and 1e-16 / h of the loss, 2e-11 each; with
    // a factor of 500 for the size of the derivatives.
    double const h = 1e-5;
    for (std::size_t k = 0; k < theta.size(); ++k) {
      CAPTURE(step, k);
      auto up = theta, down = theta;
      up[k] += h, down[k] -= h;
      double const slope =
          (value<TestType>(a, energies_at(up, positives), energies_at(up, chains), fixed) -
           value<TestType>(a, energies_at(down, positives), energies_at(down, chains), fixed)) /
          (2 * h);
      CHECK_THAT(gradient[k], WithinAbs(slope, 1e-8));
    }
  }
}

TEST_CASE("samples are reproducible, finite and within the sampler's bounds", "[train][trainer]") {
  Trainer trainer(small_options<Trainer>(), uniform_points(150, 3));
  trainer.fit({.steps = 5});
  auto const a = contents(trainer.sample(21, 50)), b = contents(trainer.sample(21, 50)),
             c = contents(trainer.sample(21, 50, 3));
  CHECK(a == b);
  CHECK(a != c);
  for (float const x : a) CHECK((x >= -1 && x <= 1));
}

TEST_CASE("runs of other seeds share no samples", "[train][trainer]") {
  auto const samples_of = [](std::uint64_t run, std::uint64_t call) {
    auto options = small_options<Trainer>();
    options.seed = run;
    Trainer trainer(options, uniform_points(150, 3));
    auto const chains = trainer.sample(20, 0, call);  // where they start
    return contents(chains);
  };
  CHECK(samples_of(1, 1) != samples_of(2, 2));
  CHECK(samples_of(1, 2) != samples_of(2, 1));
}

TEST_CASE("numbers of the objective may change between two steps, or are refused",
          "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  Trainer trainer(small_options<Trainer>(), data);
  trainer.fit({.steps = 20});
  trainer.objective().buffer.fresh = 1;
  trainer.step();
  for (int const age : contents(trainer.state().buffer().drawn_ages())) CHECK(age == 0);
  // Nothing is done until the numbers are right again.
  trainer.objective().buffer.capacity = 102;
  for (int i = 0; i < 2; ++i)
    CHECK_THROWS_WITH(trainer.step(),
                      "basin::buffer::Replay: capacity is 101 since the arrays "
                      "were made and cannot become 102");
  trainer.objective().buffer.capacity   = 101;
  trainer.objective().sampler.step_size = -1;
  CHECK_THROWS_WITH(trainer.step(),
                    "basin::sampler::Langevin: step_size must be > 0 and finite, got -1");
  CHECK(trainer.steps_taken() == 21);
  trainer.objective().sampler.step_size = 0.05;
  trainer.step();
  CHECK(trainer.steps_taken() == 22);

  auto const refused = [&](auto objective, auto change, std::string const& sentence) {
    using Objective = decltype(objective);
    basin::train::Trainer<SmallNetwork, Objective, basin::optimizer::Adam,
                          basin::optimizer::Constant, Exec>
        t({.objective = objective, .batch = 37}, data);
    t.step();
    change(t.objective());
    CHECK_THROWS_WITH(t.step(), sentence);
  };
  using namespace basin::objective;
  refused(
      NoiseContrastive<>{}, [](auto& o) { o.ratio = 8; },
      "basin::objective::NoiseContrastive: ratio is 1 since the arrays were made and cannot become "
      "8");
  refused(
      NoiseContrastive<noise::Box>{}, [](auto& o) { o.noise.margin = 1; },
      "basin::objective::NoiseContrastive: noise was fitted to the data when the arrays were made "
      "and cannot be changed");
  refused(
      SlicedScoreMatching<>{}, [](auto& o) { o.projections = 100; },
      "basin::objective::SlicedScoreMatching: projections is 1 since the arrays were made and "
      "cannot become 100");
  refused(
      DenoisingScoreMatching{}, [](auto& o) { o.standard_deviation = -0.3; },
      "basin::objective::DenoisingScoreMatching: standard_deviation must be > 0 and finite, got "
      "-0.3");
}

TEST_CASE("what an objective learns is averaged as the energy is", "[train][trainer]") {
  using Objective = basin::objective::NoiseContrastive<>;
  using T         = basin::train::Trainer<SmallNetwork, Objective, basin::optimizer::Sgd,
                                          basin::optimizer::Constant, Exec>;
  T now({.optimizer = {.learning_rate = 0.1}, .batch = 37}, uniform_points(150, 3));
  T averaged({.optimizer = {.learning_rate = 0.1}, .batch = 37, .ema_decay = 0.75},
             uniform_points(150, 3));
  float expected = 0;
  for (int step = 0; step < 5; ++step) {
    now.step();
    averaged.step();
    expected = std::fma(0.25f, contents(now.objective_parameters())[0] - expected, expected);
  }
  CHECK(contents(averaged.objective_parameters())[0] == expected);
  CHECK(expected != contents(now.objective_parameters())[0]);
}

TEST_CASE("an objective without samples reports none", "[train][trainer]") {
  using T = basin::train::Trainer<SmallNetwork, basin::objective::DenoisingScoreMatching,
                                  basin::optimizer::Adam, basin::optimizer::Constant, Exec>;
  T trainer({.batch = 37, .energy_limit = 100}, uniform_points(150, 3));
  auto const m = trainer.fit({.steps = 3});
  CHECK(std::isfinite(m["energy_data"]));
  CHECK(std::isfinite(m["loss"]));
  CHECK(!m.has("energy_samples"));
  CHECK(!m.has("gap"));
  CHECK(!m.has("displacement"));
}

TEST_CASE("gradient and update are the halves of a step", "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  Trainer whole(small_options<Trainer>(), data), halves(small_options<Trainer>(), data);
  for (int i = 0; i < 12; ++i) {
    whole.step();
    if (i % 3 == 1) {
      halves.step();
    } else {
      auto const gradient = halves.gradient();
      CHECK(contents(gradient) == contents(whole.last_gradient()));
      CHECK(halves.steps_taken() == static_cast<std::uint64_t>(i));
      halves.update();
    }
  }
  CHECK(contents(whole.parameters()) == contents(halves.parameters()));
  CHECK(halves.steps_taken() == 12);
  CHECK_THROWS_WITH(halves.update(),
                    "basin::train::Trainer::update: there is no gradient of step 12; call "
                    "gradient() first, or step() for both");
}

TEST_CASE("a gradient that was changed between the halves is what the update takes",
          "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  Trainer trainer(small_options<Trainer>(), data);
  auto const before = contents(trainer.parameters());
  Kokkos::deep_copy(trainer.gradient(), 0.0f);
  trainer.update();
  CHECK(contents(trainer.parameters()) == before);
  CHECK(trainer.metrics()["gradient_norm"] == 0);
}

TEST_CASE("a trainer that moves in the middle of a run goes on as if it had not",
          "[train][trainer]") {
  auto const data = uniform_points(150, 3);
  Trainer stays(small_options<Trainer>(), data), first(small_options<Trainer>(), data);
  stays.fit({.steps = 24});
  first.fit({.steps = 8});
  Trainer second(std::move(first));
  second.fit({.steps = 8});
  Trainer third(small_options<Trainer>(), data);
  third.step();
  third = std::move(second);
  third.fit({.steps = 8});
  CHECK(contents(third.parameters()) == contents(stays.parameters()));
  CHECK(contents(third.averaged_parameters()) == contents(stays.averaged_parameters()));
  CHECK(contents(third.state().buffer().stored()) == contents(stays.state().buffer().stored()));
  CHECK(third.steps_taken() == 24);
}

TEST_CASE("the number of a step decides about its draws", "[train][trainer]") {
  auto const data                 = uniform_points(150, 3);
  auto options                    = small_options<Trainer>();
  options.optimizer.learning_rate = 0;
  options.data_noise              = {};
  Trainer there(options, data), set(options, data);
  for (int i = 0; i < 7; ++i) there.step();
  set.set_step(7);
  CHECK_THROWS_WITH(set.metrics(), "basin::train::Trainer::metrics: no step has been taken yet");
  CHECK(set.steps_taken() == 7);
  there.step(), there.step();
  set.step(), set.step();
  CHECK(set.steps_taken() == 9);
  CHECK(set.metrics().step == 9);
  // The batch is the first half of the objective's points.
  CHECK(contents(there.state().batch().points) == contents(set.state().batch().points));
}

TEST_CASE("a report of more steps than memory holds is refused", "[train][trainer]") {
  auto options          = small_options<Trainer>();
  options.monitor_every = 1000000000;
  CHECK_THROWS_WITH(
      Trainer(options, uniform_points(150, 3)),
      ContainsSubstring(
          "basin::train::Trainer: monitor_every is 1000000000, and a report holds ") &&
          ContainsSubstring(" bytes of each step; write at most ") &&
          ContainsSubstring(", which take 1 GiB"));
}

TEST_CASE("stop_when ends a run after its report", "[train][trainer]") {
  auto options          = small_options<Trainer>();
  options.monitor_every = 5;
  Trainer trainer(options, uniform_points(150, 3));
  std::vector<std::uint64_t> reported;
  auto const m = trainer.fit(
      {.steps     = 100,
       .report    = [&](basin::train::Metrics const& now) { reported.push_back(now.step); },
       .stop_when = [](basin::train::Metrics const& now) { return now.step >= 15; }});
  CHECK(m.step == 15);
  CHECK(trainer.steps_taken() == 15);
  CHECK(reported == std::vector<std::uint64_t>{5, 10, 15});
}

TEST_CASE("a run that diverges stops with a sentence and keeps finite parameters",
          "[train][trainer]") {
  auto options                    = small_options<Trainer>();
  options.optimizer.learning_rate = 1e30;
  options.clip_norm               = std::numeric_limits<double>::infinity();
  options.monitor_every           = 5;
  Trainer trainer(options, uniform_points(150, 3));
  CHECK_THROWS_WITH(trainer.fit({.steps = 100}),
                    ContainsSubstring("basin::train::Trainer: the run diverged ") &&
                        ContainsSubstring("Try a smaller learning rate"));
  CHECK(trainer.steps_taken() <= 10);
  bool finite = true;
  for (float const p : contents(trainer.parameters())) finite = finite && std::isfinite(p);
  CHECK(finite);
}

TEST_CASE("the advice on divergence is that of the objective", "[train][trainer]") {
  auto options         = small_options<Trainer>();
  options.energy_limit = 1e-12;
  Trainer sampling(options, uniform_points(150, 3));
  CHECK_THROWS_WITH(sampling.fit({.steps = 1}),
                    ContainsSubstring("Try a smaller learning rate, a smaller clip_norm, a larger "
                                      "energy_l2, more steps of the sampler or a smaller step_size "
                                      "of the sampler."));
  using T = basin::train::Trainer<SmallNetwork, basin::objective::DenoisingScoreMatching,
                                  basin::optimizer::Adam, basin::optimizer::Constant, Exec>;
  T matching({.batch = 37, .energy_limit = 1e-12}, uniform_points(150, 3));
  CHECK_THROWS_WITH(matching.fit({.steps = 1}),
                    ContainsSubstring("Try a smaller learning rate, a clip_norm or a larger "
                                      "standard_deviation."));
  using Both = basin::objective::Sum<basin::objective::DenoisingScoreMatching,
                                     basin::objective::SlicedScoreMatching<>>;
  STATIC_CHECK(basin::objective::advice<Both>.size() == 1);
}

TEST_CASE("an energy past energy_limit stops the run", "[train][trainer]") {
  auto options         = small_options<Trainer>();
  options.energy_limit = 1e-12;
  Trainer trainer(options, uniform_points(150, 3));
  CHECK_THROWS_WITH(trainer.fit({.steps = 1}), ContainsSubstring("energy_limit is 1e-12"));
}

static_assert(basin::describes_all_fields<Trainer::Options>);

TEST_CASE("the options of a trainer are listed with those of its parts", "[train][trainer]") {
  auto const rows = basin::describe_fields<Trainer::Options>();
  auto const find = [&](std::string const& name) {
    for (auto const& row : rows)
      if (row.name == name) return row;
    FAIL("no field " << name);
    return rows.front();
  };
  CHECK(find("batch").default_value == "128");
  CHECK(find("batch").range == ">= 1");
  CHECK(find("ema_decay").range == "in [0, 1)");
  CHECK(find("clip_norm").default_value == "inf");
  CHECK(find("optimizer.learning_rate").default_value == "0.0001");
  CHECK(find("data_noise.standard_deviation").unit == "x");
}

TEST_CASE("options are refused with the name and the value", "[train][trainer]") {
  auto const data   = uniform_points(50, 3);
  auto const refuse = [&](auto change, std::string const& sentence) {
    auto options = small_options<Trainer>();
    change(options);
    CHECK_THROWS_WITH(Trainer(options, data), sentence);
  };
  refuse([](auto& o) { o.batch = 0; }, "basin::train::Trainer: batch must be >= 1, got 0");
  refuse([](auto& o) { o.batch = 51; },
         "basin::train::Trainer: data has 50 rows, fewer than the batch of 51");
  refuse([](auto& o) { o.clip_norm = 0; }, "basin::train::Trainer: clip_norm must be > 0, got 0");
  refuse([](auto& o) { o.ema_decay = 1; },
         "basin::train::Trainer: ema_decay must be in [0, 1), got 1");
  refuse([](auto& o) { o.monitor_every = 0; },
         "basin::train::Trainer: monitor_every must be >= 1, got 0");
  refuse([](auto& o) { o.energy_limit = -1; },
         "basin::train::Trainer: energy_limit must be > 0, got -1");
  refuse([](auto& o) { o.data_noise.standard_deviation = -2; },
         "basin::train::DataNoise: standard_deviation must be >= 0 and finite, got -2");
  refuse([](auto& o) { o.objective.sampler.step_size = 0; },
         "basin::sampler::Langevin: step_size must be > 0 and finite, got 0");
  refuse([](auto& o) { o.objective.buffer.capacity = 36; },
         "basin::buffer::Replay: capacity is 36, smaller than the batch of 37");
  refuse([](auto& o) { o.optimizer.beta1 = 1; },
         "basin::optimizer::Adam: beta1 must be in [0, 1), got 1");
  CHECK_THROWS_WITH(Trainer(small_options<Trainer>(), uniform_points(50, 4)),
                    "basin::train::Trainer: data has second extent 4, the energy has dimension 3");
  using Table = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  for (std::size_t const rows : basin::test::many_rows)
    CHECK_THROWS_WITH(Trainer(small_options<Trainer>(), basin::test::absent<Table>(rows, 3)),
                      "basin::train::Trainer: data has " + std::to_string(rows) +
                          " rows, a batch of 37 takes at most 2147483610");
  auto const holed = uniform_points(50, 3);
  holed(49, 1)     = std::numeric_limits<float>::infinity();
  holed(31, 2)     = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(
      Trainer(small_options<Trainer>(), holed),
      "basin::train::Trainer: data(31, 2) is nan; drop that row, or replace the number");
  // Before noise is fitted to them.
  using Contrast = basin::train::Trainer<SmallNetwork, basin::objective::NoiseContrastive<>,
                                         basin::optimizer::Adam, basin::optimizer::Constant, Exec>;
  CHECK_THROWS_WITH(
      Contrast({.batch = 37}, holed),
      "basin::train::Trainer: data(31, 2) is nan; drop that row, or replace the number");
  Trainer trainer(small_options<Trainer>(), data);
  for (std::size_t const rows : basin::test::many_rows)
    CHECK_THROWS_WITH(trainer.energies(basin::test::absent<Table>(rows, 3)),
                      basin::test::too_many("basin::train::Trainer::energies", "points", rows));
  CHECK_THROWS_WITH(trainer.fit({}),
                    "basin::train::Trainer::fit: write one of epochs and steps, got 0 and 0");
  CHECK_THROWS_WITH(trainer.fit({.epochs = 1, .steps = 2}),
                    "basin::train::Trainer::fit: write one of epochs and steps, got 1 and 2");
  CHECK_THROWS_WITH(trainer.metrics(),
                    "basin::train::Trainer::metrics: no step has been taken yet");
  CHECK_THROWS_WITH(trainer.sample(0, 1),
                    "basin::train::Trainer::sample: count must be >= 1, got 0");
  CHECK_THROWS_WITH(
      trainer.energies(uniform_points(2, 5)),
      "basin::energy::energies: points has second extent 5, the energy has dimension 3");
}

}  // namespace
