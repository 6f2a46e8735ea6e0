// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, with kernels of their own
#include <basin/sampler/dense_hamiltonian.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

using Exec = BASIN_TEST_EXEC;

TEST_CASE("a run of Hamiltonian Monte Carlo goes on to the bit", "[train][resume]") {
  check_sampler_resumed<3>(Hamiltonian{.steps = 2, .step_size = 0.2, .trajectory_length = 0.8});
}

TEST_CASE("a run of Hamiltonian Monte Carlo with a dense mass goes on to the bit",
          "[train][resume]") {
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const factor("factor", 2, 2);
  auto const host = Kokkos::create_mirror_view(factor);
  host(0, 0) = 1, host(1, 0) = 0.5f, host(1, 1) = 0.75f;
  Kokkos::deep_copy(factor, host);
  check_sampler_resumed<4>(DenseHamiltonian<float, Exec>{
      .steps = 2, .step_size = 0.2, .trajectory_length = 0.8, .mass = {factor}});
}

}  // namespace
