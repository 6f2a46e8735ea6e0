// SPDX-License-Identifier: Apache-2.0
// Long: it takes the compiler a minute
// Question: what does a joint energy-based model add to persistent CD of the same body?
// Smoke: --benchmark_filter=784-256-256-1
#include <basin/energy/classifier.hpp>
#include <basin/energy/cnn.hpp>
#include <basin/objective/joint.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
namespace energy    = basin::energy;
namespace objective = basin::objective;
using Body =
    energy::Classifier<float, basin::Vector<784>, Dense<256>, Silu, Dense<256>, Silu, Dense<10>>;
using SeedCnn          = energy::Cnn<float, basin::Image<28, 28>, 32, 64, 128>;
using SeedCnnOfClasses = energy::CnnClassifier<float, basin::Image<28, 28>, 10, 32, 64, 128>;

// One whole step of log p(y | x) + log p(x), with sampler, buffer and optimizer of pcd_trainer.
template <class E>
void train_jem(benchmark::State& state, int batch, int steps) {
  using Exec         = Kokkos::DefaultExecutionSpace;
  constexpr auto how = tuning_of<E, basin::tile::Precision::full>();
  using Trainer      = basin::train::Trainer<E, objective::Joint<Rule>, basin::optimizer::Adam,
                                             basin::optimizer::Constant, Exec, how>;
  constexpr int rows = 8192;
  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", rows);
  for (int n = 0; n < rows; ++n) labels(n) = n % E::outputs;
  Trainer trainer(buffered_options<Trainer>(batch, steps, rows),
                  uniform_data<float>(rows, E::dimension), labels);
  Exec const exec;
  Chains<decltype(trainer.energy()), how> chains(trainer.energy(), batch, steps);
  // As train_pcd, with a third gradient in theta: that of the cross-entropy of the data.
  Cost const cost{
      .flops = E::gradient_flops * batch * steps + E::parameter_gradient_flops * 3 * batch,
      .bytes = sizeof(float) * (4.0 * batch * E::dimension + 6.0 * E::parameters)};
  double const median =
      iterate<float>(state, exec, cost, [&] { trainer.step(); }, [&] { chains(); });
  state.counters["chain_steps_per_second"] = batch * steps / median;
}

auto const mlp_pcd = register_training<NetworkC>("784-256-256-1", 128, {20});
auto const mlp_jem =
    detail::register_each("train_jem", "784-256-256-10", {128}, {20}, train_jem<Body>);
auto const cnn_pcd = register_training<SeedCnn>("seed-cnn", 64, {20});
auto const cnn_jem =
    detail::register_each("train_jem", "seed-cnn", {64}, {20}, train_jem<SeedCnnOfClasses>);

}  // namespace
