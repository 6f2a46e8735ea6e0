// SPDX-License-Identifier: Apache-2.0
// Expect: second derivatives and score matching need an energy that is twice continuously differentiable
#include <basin/layer/relu.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/train/trainer.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Activation = basin::layer::Relu;
#else
using Activation = basin::layer::Silu;
#endif

using Energy = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<4>, Activation,
                                      basin::layer::Dense<1>>;
using Trainer =
    basin::train::Trainer<Energy, basin::objective::DenoisingScoreMatching, basin::optimizer::Adam>;

auto make(Trainer::Options const& options,
          Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const& data) {
  return Trainer(options, data).steps_taken();
}
