// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_TRAIN_RESUME_HPP
#define TESTS_TRAIN_RESUME_HPP

#include <basin/core/archive.hpp>
#include <basin/energy/classifier.hpp>
#include <basin/io/checkpoint.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/objective/joint.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/train/trainer.hpp>

#include "support/temporary_folder.hpp"
#include "train/resume_set.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>

namespace basin::test {

using ResumeExec = BASIN_TEST_EXEC;
// One energy for all objectives with chains, so that they share their kernels.
using ResumeNet =
    energy::Classifier<float, Vector<2>, layer::Dense<8>, layer::Silu, layer::Dense<2>>;

// In the order of resume_set.hpp.
using ResumeBuffers =
    std::tuple<buffer::Replay<>, buffer::Replay<buffer::write::Ring>,
               buffer::Replay<buffer::write::Reservoir, buffer::draw::WithReplacement>,
               buffer::Replay<buffer::storage::Byte>, buffer::Replay<buffer::draw::ByClass>>;
using ResumeOptimizers = std::tuple<optimizer::Sgd, optimizer::Adam, optimizer::AdamW>;

template <class Optimizer>
Optimizer resume_optimizer() {
  Optimizer o{};
  o.learning_rate = 0.01;
  if constexpr (requires { o.momentum; }) o.momentum = 0.9;
  return o;
}

template <class Objective, class Optimizer, class E>
using ResumeTrainer = train::Trainer<E, Objective, Optimizer, optimizer::Cosine, ResumeExec>;

/// A trainer of 40 rows in [-1, 1], with labels if the objective takes some.
template <class T, bool labeled>
T resume_trainer(decltype(T::Options::objective) const& objective, int dimension) {
  using O = std::remove_cvref_t<decltype(std::declval<typename T::Options>().optimizer)>;
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const data("data", 40, dimension);
  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", 40);
  for (int n = 0; n < 40; ++n) {
    labels(n) = n % 5 == 4 ? 1 : 0;
    for (int d = 0; d < dimension; ++d)
      data(n, d) = 2 * unit_uniform<float>(random_word({7, Purpose::data_noise}, d, n)) - 1;
  }
  typename T::Options const options{.objective     = objective,
                                    .optimizer     = resume_optimizer<O>(),
                                    .schedule      = {.period = 10, .floor = 0.1},
                                    .batch         = 8,
                                    .ema_decay     = 0.9,
                                    .seed          = 3,
                                    .monitor_every = 3,
                                    // Where E is flat a sampler that tunes itself goes far.
                                    .distance_limit = 1e6};
  if constexpr (labeled)
    return T(options, data, labels);
  else
    return T(options, data);
}

inline void check_same_entries(MemoryArchive const& found, MemoryArchive const& expected) {
  CHECK(found.entries().size() == expected.entries().size());
  for (auto const& [name, entry] : expected.entries()) {
    INFO(name);
    auto const at = found.entries().find(name);
    REQUIRE(at != found.entries().end());
    CHECK(at->second.shape == entry.shape);
    CHECK((at->second.bytes == entry.bytes));  // not printed: Catch stumbles over escapes in bytes
  }
}
inline void check_same_metrics(train::Metrics const& found, train::Metrics const& expected) {
  CHECK(found.step == expected.step);
  REQUIRE(found.size() == expected.size());
  for (int i = 0; i < found.size(); ++i) {
    INFO(expected.begin()[i].quantity.name);
    CHECK(std::memcmp(&found.begin()[i].value, &expected.begin()[i].value, sizeof(double)) == 0);
  }
}

/// 3 + 3 steps are 3 steps, a checkpoint, its file in a new trainer, and 3 steps: all that is saved, and
/// what is not, as metrics have it.
template <class T>
void check_resumed(Row const& row, T whole, T first, T second) {
  INFO(row.text());
  TemporaryFolder const folder;
  whole.fit({.steps = 3});
  first.fit({.steps = 3});
  second.fit({.steps = 1});  // in whatever state it is
  MemoryArchive saved, found, expected;
  saved.save("run", first);
  io::write_checkpoint(folder / "run.h5", saved, "");
  io::read_checkpoint(folder / "run.h5").archive.load("run", second);
  auto const metrics = second.fit({.steps = 3}), of_whole = whole.fit({.steps = 3});
  check_same_metrics(metrics, of_whole);
  found.save("run", second);
  expected.save("run", whole);
  check_same_entries(found, expected);
  // There is something to lose.
  bool moved = false;
  for (auto const& [name, entry] : saved.entries())
    moved = moved || (name.starts_with("run/parameters/theta") &&
                      entry.bytes != found.entries().find(name)->second.bytes);
  CHECK(moved);
}

/// A row of resume_set.hpp whose objective is that of the argument.
template <int row, bool labeled, class E, class Objective>
void check_resumed(Objective const& objective) {
  using Optimizer = std::tuple_element_t<std::size_t(resume_set[row].optimizer), ResumeOptimizers>;
  using T         = ResumeTrainer<Objective, Optimizer, E>;
  constexpr int dimension = E::dimension - objective::conditions<Objective>;
  auto const make         = [&] { return resume_trainer<T, labeled>(objective, dimension); };
  check_resumed<T>(resume_set[row], make(), make(), make());
}

/// The rows of an objective without chains of its own, from the first on.
template <int row, bool labeled, class E, class Objective>
void check_each_optimizer_resumed(Objective const& objective) {
  static_assert(row >= rows_with_sampler);
  check_resumed<row, labeled, E>(objective);
  check_resumed<row + 1, labeled, E>(objective);
  check_resumed<row + 2, labeled, E>(objective);
}

/// The rows of a sampler.
template <int sampler, int k = 0, class Sampler>
void check_sampler_resumed(Sampler const& options) {
  if constexpr (k < rows_of_sampler) {
    constexpr int row = sampler * rows_of_sampler + k;
    constexpr Row r   = resume_set[row];
    static_assert(r.sampler == sampler);
    if constexpr (r.objective == contrastive_divergence) {
      check_resumed<row, false, ResumeNet>(
          objective::ContrastiveDivergence<Sampler>{.sampler = options});
    } else {
      using Buffer = std::tuple_element_t<std::size_t(r.buffer), ResumeBuffers>;
      using Chains = std::conditional_t<r.buffer == by_class, objective::chains::ClassConditional<>,
                                        objective::chains::Marginal>;
      Buffer buffer{};
      buffer.capacity = 24;
      buffer.fresh    = 0.2;
      if constexpr (r.objective == persistent_cd)
        check_resumed<row, false, ResumeNet>(
            objective::PersistentCd<Sampler, Buffer>{.sampler = options, .buffer = buffer});
      else
        check_resumed<row, true, ResumeNet>(
            objective::Joint<Sampler, Buffer, Chains>{.sampler = options, .buffer = buffer});
    }
    check_sampler_resumed<sampler, k + 1>(options);
  }
}

}  // namespace basin::test

#endif
