// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_NETWORKS_HPP
#define BENCHMARKS_SUPPORT_NETWORKS_HPP

#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "benchmarks/support/batches.hpp"
#include "benchmarks/support/timing.hpp"

#include <memory>
#include <string>
#include <vector>

// Benchmarks of any network:
//
//   using Mine = basin::energy::Network<float, basin::Vector<10>, Dense<64>, Silu, Dense<1>>;
//   auto const langevin = basin::bench::register_langevin<Mine>("10-64-1", 256, {1, 60});
//   auto const training = basin::bench::register_training<Mine>("10-64-1", 256, {1, 60});
//
// in a file of its own under benchmarks/ is all that it takes. For a comparison on host and GPU,
// batches(256) in place of the batch.

namespace basin::bench {

using Rule = sampler::Langevin<sampler::Decoupled, sampler::clip::PerElement>;

inline constexpr Rule rule{.step_size = 0.01, .noise = 0.1, .clip = 1, .lower = -1, .upper = 1};

/// The tuning of a backend for E with a precision of its matrix products.
template <class E, tile::Precision precision, class Exec = Kokkos::DefaultExecutionSpace>
constexpr tile::Tuning tuning_of() {
  return tile::with_precision(
      tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>(), precision);
}

/// (rows, dimension) uniform in [-1, 1].
template <class Scalar>
auto uniform_data(int rows, int dimension) {
  Kokkos::View<Scalar**, Kokkos::LayoutRight, Kokkos::HostSpace> const data("data", rows,
                                                                            dimension);
  for (int n = 0; n < rows; ++n)
    for (int d = 0; d < dimension; ++d)
      data(n, d) = 2 * unit_uniform<Scalar>(random_word({1, Purpose::data_noise}, d, n)) - 1;
  return data;
}

/// Options of what is benched: a buffer of so many chains, Adam, data noise, energy penalty.
template <class Trainer>
typename Trainer::Options buffered_options(int batch, int steps, int rows,
                                           train::Slices const& slices = {}) {
  Rule langevin  = rule;
  langevin.steps = steps;
  return {.objective  = {.sampler   = langevin,
                         .buffer    = {.capacity = rows},
                         .energy_l2 = {.coefficient = 0.1}},
          .optimizer  = {.learning_rate = 1e-4, .beta1 = 0},
          .batch      = batch,
          .data_noise = {.standard_deviation = 0.005, .lower = -1, .upper = 1},
          .slices     = slices};
}

/// The trainer that is benched, on a buffer of 8192 or of the batch.
template <class E, tile::Precision precision = tile::Precision::full,
          class Exec = Kokkos::DefaultExecutionSpace>
auto pcd_trainer(int batch, int steps, train::Slices const& slices = {}) {
  using Trainer  = train::Trainer<E, objective::PersistentCd<Rule>, optimizer::Adam,
                                  optimizer::Constant, Exec, tuning_of<E, precision, Exec>()>;
  int const rows = 8192 > batch ? 8192 : batch;
  return std::make_unique<Trainer>(buffered_options<Trainer>(batch, steps, rows, slices),
                                   uniform_data<typename E::scalar_type>(rows, E::dimension));
}

/// K Langevin steps of a batch of chains, in one call.
template <class E, tile::Tuning tuning>
class Chains {
 public:
  Chains(E const& energy, int batch, int steps)
      : energy_(energy), chains_("chains", batch, +E::dimension), rule_(rule) {
    rule_.steps = steps;
  }
  void operator()() {
    sampler::sample<tuning>(exec_, rule_, energy_, chains_, {1, Purpose::sampler_noise, step_});
    step_ += static_cast<std::uint64_t>(rule_.steps);
  }

 private:
  Kokkos::DefaultExecutionSpace exec_;
  E energy_;
  Kokkos::View<typename E::scalar_type**, Kokkos::LayoutRight, Kokkos::DefaultExecutionSpace>
      chains_;
  Rule rule_;
  std::uint64_t step_ = 0;
};

namespace detail {

// Bytes of so many of an energy's numbers.
template <class E>
constexpr double bytes_of(double count) {
  return count * sizeof(typename E::scalar_type);
}

}  // namespace detail

template <class E, tile::Precision precision = tile::Precision::full>
void langevin(benchmark::State& state, int batch, int steps) {
  Kokkos::DefaultExecutionSpace const exec;
  auto const trainer = pcd_trainer<E, precision>(batch, 1);  // for its parameters
  Chains<decltype(trainer->energy()), tuning_of<E, precision>()> chains(trainer->energy(), batch,
                                                                        steps);
  Cost const cost{.flops = E::gradient_flops * batch * steps,
                  .bytes = detail::bytes_of<E>(2.0 * batch * E::dimension + E::parameters)};
  double const median = iterate<typename E::scalar_type>(state, exec, cost, [&] { chains(); });
  state.counters["chain_steps_per_second"] = batch * steps / median;
}

/// One whole training step: draw, sample, write back, gradient, update. Counter beside_fraction:
/// the rate of chain steps over that of the sampler alone, which runs in turns with it.
template <class E, tile::Precision precision = tile::Precision::full>
void train_pcd(benchmark::State& state, int batch, int steps) {
  Kokkos::DefaultExecutionSpace const exec;
  auto const trainer = pcd_trainer<E, precision>(batch, steps);
  Chains<decltype(trainer->energy()), tuning_of<E, precision>()> chains(trainer->energy(), batch,
                                                                        steps);
  // Data, and chains from the buffer and back; parameters and Adam's two moments, updated.
  Cost const cost{
      .flops = E::gradient_flops * batch * steps + E::parameter_gradient_flops * 2 * batch,
      .bytes = detail::bytes_of<E>(3.0 * batch * E::dimension + 6.0 * E::parameters)};
  double const median = iterate<typename E::scalar_type>(
      state, exec, cost, [&] { trainer->step(); }, [&] { chains(); });
  state.counters["chain_steps_per_second"] = batch * steps / median;
}

namespace detail {

template <class Run>
int register_each(std::string const& what, std::string const& shape,
                  std::vector<int> const& batches, std::initializer_list<int> steps, Run run) {
  for (int const batch : batches)
    for (int const k : steps)
      benchmark::RegisterBenchmark(
          (what + "/" + shape + "/b" + std::to_string(batch) + "/k" + std::to_string(k)).c_str(),
          [=](benchmark::State& state) { run(state, batch, k); })
          ->Unit(benchmark::kMillisecond);
  return 0;
}

}  // namespace detail

template <class E>
int register_langevin(std::string const& shape, std::vector<int> const& batches,
                      std::initializer_list<int> steps) {
  return detail::register_each("langevin", shape, batches, steps, langevin<E>);
}
template <class E>
int register_langevin(std::string const& shape, int batch, std::initializer_list<int> steps) {
  return register_langevin<E>(shape, std::vector<int>{batch}, steps);
}

template <class E>
int register_training(std::string const& shape, std::vector<int> const& batches,
                      std::initializer_list<int> steps) {
  return detail::register_each("train_pcd", shape, batches, steps, train_pcd<E>);
}
template <class E>
int register_training(std::string const& shape, int batch, std::initializer_list<int> steps) {
  return register_training<E>(shape, std::vector<int>{batch}, steps);
}

/// The same with products of reduced precision, names 'langevin-tf32' and so on, on a GPU: a host
/// has no units for them.
template <class E>
int register_reduced(std::string const& shape, std::vector<int> const& batches,
                     std::initializer_list<int> steps) {
  using tile::Precision;
  if constexpr (!Kokkos::SpaceAccessibility<Kokkos::DefaultExecutionSpace,
                                            Kokkos::HostSpace>::accessible) {
    detail::register_each("langevin-tf32", shape, batches, steps, langevin<E, Precision::tf32>);
    detail::register_each("langevin-bf16", shape, batches, steps, langevin<E, Precision::bf16>);
    detail::register_each("train_pcd-tf32", shape, batches, steps, train_pcd<E, Precision::tf32>);
    detail::register_each("train_pcd-bf16", shape, batches, steps, train_pcd<E, Precision::bf16>);
  }
  return 0;
}

// The networks that every comparison uses.
using layer::Dense;
using layer::Silu;
using NetworkA = energy::Network<float, Vector<2>, Dense<128>, Silu, Dense<128>, Silu, Dense<1>>;
using NetworkB = energy::Network<float, Vector<43>, Dense<512>, Silu, Dense<512>, Silu, Dense<1>>;
using NetworkC = energy::Network<float, Vector<784>, Dense<256>, Silu, Dense<256>, Silu, Dense<1>>;

}  // namespace basin::bench

#endif
