// SPDX-License-Identifier: Apache-2.0
// Question: what does the gradient of a score-matching objective cost, in plain parameter
// gradients?
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/score_matching.hpp>
#include <basin/objective/sliced_score_matching.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using Exec = Kokkos::DefaultExecutionSpace;

// The gradient of an objective at a batch of uniform points. Counter cost_multiple: its time over
// that of d/dtheta sum_n E(x_n) at the same points, which runs in turns with it.
template <class E, class Objective>
void gradient_of(benchmark::State& state, int batch) {
  using Scalar          = typename E::scalar_type;
  constexpr auto tuning = basin::tile::default_tuning<Exec, Scalar, E::workspace_rows>();
  Exec const exec;
  auto const trainer = pcd_trainer<E>(batch, 1);     // for its parameters
  using Packed       = decltype(trainer->energy());  // with copies of weights, where a GPU has some
  using Bound        = basin::objective::bound<Objective, Packed, Exec, tuning>;
  Objective const objective{};
  Bound bound(exec, objective, batch, {}, 1);
  Kokkos::deep_copy(bound.batch().points, Scalar(0.25));
  Kokkos::View<Scalar*, Exec> const gradient("gradient", +E::parameters);
  std::uint64_t step = 0;

  basin::energy::ParameterGradient<Packed, 0, Exec, tuning> const plain(batch);
  plain.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
  using Fill = basin::energy::FillPoints<typename Bound::Chains>;
  iterate<Scalar>(
      state, exec, Cost{.flops = E::parameter_gradient_flops * batch},
      [&] {
        bound.gradient(exec, objective, trainer->energy(), step++, gradient.data(),
                       gradient.data());
      },
      [&] {
        plain.record(exec, trainer->energy(), batch, Fill{bound.batch().points}, {});
        plain.sum(exec, batch, gradient.data());
      });
  state.counters["cost_multiple"] = 1 / state.counters["beside_fraction"];
  // The operations counted are those of the plain gradient: a share of the peak would mislead.
  for (char const* name : {"gflops", "peak_fraction", "tensor_fraction", "beside_fraction"})
    state.counters.erase(name);
}

template <class E, class Objective>
int add(std::string const& what, std::string const& shape, std::vector<int> const& batches) {
  for (int const batch : batches)
    benchmark::RegisterBenchmark(
        ("objective/" + what + "/" + shape + "/b" + std::to_string(batch)).c_str(),
        [=](benchmark::State& state) { gradient_of<E, Objective>(state, batch); })
        ->Unit(benchmark::kMillisecond);
  return 0;
}

using Sliced    = basin::objective::SlicedScoreMatching<>;
using Denoising = basin::objective::DenoisingScoreMatching;

auto const ssm_a = add<NetworkA, Sliced>("ssm", "2-128-128-1", batches(256));
auto const ssm_b = add<NetworkB, Sliced>("ssm", "43-512-512-1", batches(256));
auto const ssm_c = add<NetworkC, Sliced>("ssm", "784-256-256-1", batches(128));
auto const dsm_a = add<NetworkA, Denoising>("dsm", "2-128-128-1", batches(256));
auto const dsm_b = add<NetworkB, Denoising>("dsm", "43-512-512-1", batches(256));
auto const dsm_c = add<NetworkC, Denoising>("dsm", "784-256-256-1", batches(128));

}  // namespace
