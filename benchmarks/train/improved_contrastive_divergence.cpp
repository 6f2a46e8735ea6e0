// SPDX-License-Identifier: Apache-2.0
// Long: it takes the compiler over a minute
// Question: what do the last step and the entropy of improved CD add to persistent CD?
// Smoke: --benchmark_filter=2-256-256-256-256-1
#include <basin/energy/cnn.hpp>
#include <basin/objective/improved_contrastive_divergence.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
namespace objective = basin::objective;
using Mlp     = basin::energy::Network<float, basin::Vector<2>, Dense<256>, Silu, Dense<256>, Silu,
                                       Dense<256>, Silu, Dense<256>, Silu, Dense<1>>;
using SeedCnn = basin::energy::Cnn<float, basin::Image<28, 28>, 32, 64, 128>;

// One whole step with the defaults of the objective, and the sampler, buffer and optimizer of
// pcd_trainer. Counter pcd_fraction: the time of a step of persistent CD over it, in turns.
template <class E>
void train_icd(benchmark::State& state, int batch, int steps) {
  using Exec         = Kokkos::DefaultExecutionSpace;
  constexpr auto how = tuning_of<E, basin::tile::Precision::full>();
  using Objective    = objective::ImprovedContrastiveDivergence<Rule>;
  using Trainer      = basin::train::Trainer<E, Objective, basin::optimizer::Adam,
                                             basin::optimizer::Constant, Exec, how>;
  constexpr int rows = 8192;
  Trainer trainer(buffered_options<Trainer>(batch, steps, rows),
                  uniform_data<float>(rows, E::dimension));
  auto const plain = pcd_trainer<E>(batch, steps);
  Exec const exec;
  // As train_pcd, and gradients in x of all chains at both ends of the last step, and a gradient in theta
  // of jets, of twice the operations of one of values.
  Cost const cost{
      .flops = E::gradient_flops * batch * (steps + 2) + E::parameter_gradient_flops * 4 * batch,
      .bytes = sizeof(float) * (3.0 * batch * E::dimension + 6.0 * E::parameters)};
  double const median =
      iterate<float>(state, exec, cost, [&] { trainer.step(); }, [&] { plain->step(); });
  state.counters["chain_steps_per_second"] = batch * steps / median;
  state.counters["pcd_fraction"]           = state.counters["beside_fraction"];
  state.counters.erase("beside_fraction");
}

auto const mlp =
    detail::register_each("train_icd", "2-256-256-256-256-1", {512}, {20}, train_icd<Mlp>);
auto const cnn = detail::register_each("train_icd", "seed-cnn", {64}, {20}, train_icd<SeedCnn>);

}  // namespace
