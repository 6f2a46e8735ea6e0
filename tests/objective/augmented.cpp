// SPDX-License-Identifier: Apache-2.0
#include "support/augmented.hpp"

#include <basin/augmentation/flip.hpp>
#include <basin/augmentation/shift.hpp>
#include <basin/objective/augmented.hpp>
#include <basin/objective/improved_contrastive_divergence.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/matching.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Flips  = basin::augmentation::Pipeline<basin::Image<1, 3>, basin::augmentation::Flip>;
using Buffer = basin::buffer::Replay<basin::sampler::start::Gaussian, Flips>;
using Improved =
    basin::objective::ImprovedContrastiveDivergence<basin::sampler::Langevin<>, Buffer>;
using Around = basin::objective::Augmented<Improved, Flips>;
using At     = Fixture<Exec, Small, Around>;

using Bound = Buffer::bind<Exec, double, basin::tile::default_tuning<Exec, double>()>;

// Of one step of no length: chains end where they are drawn.
Improved still(double fresh = 0.2, int steps = 1) {
  return {.sampler = {.steps = steps, .step_size = 1e-30, .temperature = 0},
          .buffer  = {.capacity = 40, .fresh = fresh},
          .entropy = 0.3,
          .draws   = 30};
}
constexpr int batch = 21;

std::vector<double> flipped(std::vector<double> x) {
  for (std::size_t i = 0; i < x.size(); i += 3) std::swap(x[i], x[i + 2]);
  return x;
}

TEST_CASE("an objective on augmented rows is that on those rows", "[objective][augmented]") {
  auto const x = numbers(3 * batch, 2);
  At at({still(), Flips{{.probability = 0.5}}}, x);
  for (std::uint64_t const k : {0, 2}) {
    auto const g     = at(k);
    auto const rows  = on_host(at.state.augmented());
    auto const input = at.state.batch().points;
    CHECK(on_host(input) == x);
    int turned = 0;
    for (std::size_t n = 0; n < batch; ++n) {
      auto const now = sample_of(rows, n, 3), was = sample_of(x, n, 3);
      turned += now == flipped(was);
      CHECK((now == was || now == flipped(was)));
    }
    CHECK((turned > 3 && turned < 18));
    if (k != 0) continue;
    Fixture<Exec, Small, Improved> other(still(), rows);
    CHECK(other(k) == g);
  }
}

TEST_CASE("what is drawn from a buffer is augmented, but not what starts anew, nor what is stored",
          "[objective][augmented][buffer]") {
  auto o                                                = still(0.3);
  o.buffer.augmentation.of<basin::augmentation::Flip>() = {.probability = 1};
  At at({o, Flips{{.probability = 0}}}, numbers(3 * batch, 2));
  auto& buffer = at.state.buffer();
  for (std::uint64_t k = 0; k < 6; ++k) {
    auto const before = on_host(buffer.stored());
    auto const ages   = on_host(buffer.ages());
    at(k);
    auto const chains = on_host(at.state.last_samples());
    auto const slots = on_host(buffer.slots()), drawn = on_host(buffer.drawn_ages());
    for (std::size_t n = 0; n < batch; ++n) {
      auto const slot = std::size_t(slots[n]);
      auto const was = sample_of(before, slot, 3), now = sample_of(chains, n, 3);
      if (drawn[n] > 0) CHECK(now == flipped(was));
      if (drawn[n] == 0) CHECK(now != flipped(was));
    }
    auto const looked = on_host(at.state.draws());
    auto const where  = on_host(at.state.draw_slots());
    for (std::size_t i = 0; i < where.size(); ++i) {
      auto const slot = std::size_t(where[i]);
      auto const was  = sample_of(before, slot, 3);
      CHECK(sample_of(looked, i, 3) == (ages[slot] > 0 ? flipped(was) : was));
    }
  }
}

TEST_CASE("a trainer takes an augmented objective as it takes the objective",
          "[objective][augmented]") {
  using Trainer = basin::train::Trainer<Small, Around, basin::optimizer::Adam,
                                        basin::optimizer::Constant, Exec>;
  auto const x  = numbers(3 * 100, 4);
  Kokkos::View<double const**, Kokkos::LayoutRight, Kokkos::HostSpace,
               Kokkos::MemoryTraits<Kokkos::Unmanaged>> const data(x.data(), 100, 3);
  Trainer trainer({.objective = {still(), {}}, .batch = batch}, data);
  auto const first = trainer.fit({.steps = 3});
  for (char const* const name : {"entropy", "diversity", "distance_samples", "buffer_age"})
    CHECK(first.has(name));
  CHECK_THAT(first["distance_samples"], Catch::Matchers::WithinAbs(std::sqrt(3.0), 0.6));
  trainer.objective().sampler.steps                                            = 2;
  trainer.objective().augmentation.of<basin::augmentation::Flip>().probability = 2;
  CHECK_THROWS_AS(trainer.step(), std::invalid_argument);
}

TEST_CASE("augmentation allocates and fences nothing, whatever the length of chains",
          "[objective][augmented]") {
  check_launches_of_any_length<Exec>(
      [](int steps) { return At({still(0.2, steps), {}}, numbers(3 * batch, 2)); });
}

TEST_CASE("a buffer refuses an augmentation of another shape", "[objective][augmented][refusal]") {
  using Catch::Matchers::Message;
  CHECK_THROWS_MATCHES(
      Bound(Exec(), Buffer{}, 4, 2, {}, 1), std::invalid_argument,
      Message("basin::buffer::Replay: the augmentation is of a shape of 3 numbers, "
              "the energy has dimension 2"));
  Around wrong{};
  wrong.augmentation.of<basin::augmentation::Flip>().probability = -1;
  CHECK_THROWS_MATCHES(wrong.check(8), std::invalid_argument,
                       Message("basin::augmentation::Flip: probability must be in [0, 1], got -1"));
}

}  // namespace
