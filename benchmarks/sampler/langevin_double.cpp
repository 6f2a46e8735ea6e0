// SPDX-License-Identifier: Apache-2.0
// Question: what does a Langevin chain in double cost over one in float? A vector has half the
// lanes, so that 2 is the price of the width alone. The two run in turns: counter times_of_float.
#include <basin/energy/quadratic.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using Exec = Kokkos::DefaultExecutionSpace;

template <class Scalar>
using Mlp =
    basin::energy::Network<Scalar, basin::Vector<2>, Dense<64>, Silu, Dense<64>, Silu, Dense<1>>;

template <class E>
using ChainsOf = Chains<E, tuning_of<E, basin::tile::Precision::full>()>;

// Of double, with the chains of float beside.
template <class InDouble, class InFloat>
void in_turns(benchmark::State& state, double flops, int batch, int steps, InDouble const& energy,
              InFloat const& beside) {
  ChainsOf<InDouble> chains(energy, batch, steps);
  ChainsOf<InFloat> chains_beside(beside, batch, steps);
  double const median = iterate<double>(
      state, Exec(), {.flops = flops * batch * steps}, [&] { chains(); }, [&] { chains_beside(); });
  state.counters["times_of_float"]         = 1 / state.counters["beside_fraction"];
  state.counters["chain_steps_per_second"] = batch * steps / median;
}

void mlp(benchmark::State& state, int batch, int steps) {
  auto const trainer = pcd_trainer<Mlp<double>>(batch, 1);  // for its parameters
  auto const beside  = pcd_trainer<Mlp<float>>(batch, 1);
  in_turns(state, Mlp<double>::gradient_flops, batch, steps, trainer->energy(), beside->energy());
}

// No products: normals, and a few operations of the step.
template <int Dimension>
void quadratic(benchmark::State& state, int batch, int steps) {
  in_turns(state, 2 * Dimension, batch, steps, basin::energy::Quadratic<double, Dimension>{},
           basin::energy::Quadratic<float, Dimension>{});
}

auto const a = detail::register_each("langevin_double", "2-64-64-1", batches(256), {60}, mlp);
auto const b =
    detail::register_each("langevin_double", "quadratic-2", batches(4096), {60}, quadratic<2>);
auto const c =
    detail::register_each("langevin_double", "quadratic-32", batches(256), {60}, quadratic<32>);

}  // namespace
