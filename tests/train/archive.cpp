// SPDX-License-Identifier: Apache-2.0
// A run that is saved, and goes on in a new trainer, is the run that was not interrupted.
#include <basin/core/archive.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/optimizer/sgd.hpp>

#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <limits>

namespace {

using Exec = BASIN_TEST_EXEC;
using Network =
    basin::energy::Network<float, basin::Vector<3>,
                           basin::layer::SpectralNorm<basin::layer::Dense<13>>, basin::layer::Silu,
                           basin::layer::Dropout<std::ratio<1, 5>>, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, basin::test::SmallObjective, basin::optimizer::Adam,
                                      basin::optimizer::Cosine, Exec>;
using basin::MemoryArchive;
using basin::test::contents;
using basin::test::small_options;
using basin::test::uniform_points;

template <class T>
void check_same(T& a, T& b) {
  CHECK(contents(a.parameters()) == contents(b.parameters()));
  CHECK(contents(a.averaged_parameters()) == contents(b.averaged_parameters()));
  CHECK(contents(a.objective_parameters()) == contents(b.objective_parameters()));
  CHECK(contents(a.layer_state()) == contents(b.layer_state()));
  CHECK(a.steps_taken() == b.steps_taken());
}

TEST_CASE("2N steps are N steps, saving, loading into a new trainer and N steps",
          "[train][archive]") {
  auto const data  = uniform_points(150, 3);
  auto options     = small_options<Trainer>();
  options.schedule = {.period = 60, .floor = 0.1};
  Trainer whole(options, data), first(options, data);
  whole.fit({.steps = 40});
  first.fit({.steps = 20});
  MemoryArchive archive;
  archive.save("trainer", first);
  first.fit({.steps = 5});  // what was saved stays as it was
  Trainer second(options, data);
  second.fit({.steps = 3});  // in whatever state it is
  archive.load("trainer", second);
  CHECK(second.steps_taken() == 20);
  second.fit({.steps = 20});
  check_same(second, whole);
  CHECK(contents(second.state().buffer().stored()) == contents(whole.state().buffer().stored()));
  CHECK(contents(second.state().buffer().ages()) == contents(whole.state().buffer().ages()));
  CHECK(second.metrics()["energy_data"] == whole.metrics()["energy_data"]);
}

TEST_CASE("what an objective learns is saved", "[train][archive]") {
  using T         = basin::train::Trainer<Network, basin::objective::NoiseContrastive<>,
                                          basin::optimizer::Sgd, basin::optimizer::Constant, Exec>;
  auto const data = uniform_points(150, 3);
  T::Options const options{.optimizer = {.learning_rate = 0.1, .momentum = 0.9}, .batch = 37};
  T whole(options, data), first(options, data), second(options, data);
  whole.fit({.steps = 14});
  first.fit({.steps = 7});
  MemoryArchive archive;
  archive.save("trainer", first);
  archive.load("trainer", second);
  second.fit({.steps = 7});
  check_same(second, whole);
}

TEST_CASE("a trainer takes nothing of an archive that does not fit", "[train][archive]") {
  auto const data = uniform_points(150, 3);
  auto options    = small_options<Trainer>();
  Trainer saved(options, data);
  saved.fit({.steps = 5});
  MemoryArchive archive;
  archive.save("trainer", saved);
  auto const refused = [&](Trainer::Options const& other, char const* sentence) {
    Trainer trainer(other, data);
    trainer.fit({.steps = 2});
    auto const before = contents(trainer.parameters());
    auto const stored = contents(trainer.state().buffer().stored());
    CHECK_THROWS_WITH(archive.load("trainer", trainer), sentence);
    CHECK(contents(trainer.parameters()) == before);
    CHECK(contents(trainer.state().buffer().stored()) == stored);
    CHECK(trainer.steps_taken() == 2);
  };
  options.objective.buffer.capacity = 102;
  refused(options,
          "basin::MemoryArchive: 'trainer/objective/buffer/stored' was saved with shape "
          "(101, 3), the object has (102, 3)");
  options           = small_options<Trainer>();
  options.ema_decay = 0;
  refused(options,
          "basin::MemoryArchive: 'trainer/parameters/averaged/0.weight' was saved with shape "
          "(13, 3), the object has (0, 3)");
}

TEST_CASE("a run that diverged goes on from what was saved before", "[train][archive]") {
  auto options                    = small_options<Trainer>();
  options.clip_norm               = std::numeric_limits<double>::infinity();
  options.optimizer.learning_rate = 1e30;
  options.monitor_every           = 5;
  Trainer trainer(options, uniform_points(150, 3));
  MemoryArchive archive;
  archive.save("trainer", trainer);
  auto const before = contents(trainer.parameters());
  CHECK_THROWS(trainer.fit({.steps = 100}));
  archive.load("trainer", trainer);
  CHECK(contents(trainer.parameters()) == before);
  trainer.step();  // one step is finite
  CHECK(contents(trainer.parameters()) != before);
}

}  // namespace
