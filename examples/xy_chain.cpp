// SPDX-License-Identifier: Apache-2.0
// The program of docs/energy.md.

#include <basin/basin.hpp>

#include <cstdio>

// Angles on a ring, E = -J sum_i cos(x_(i+1) - x_i): the XY chain. Written once, over V, a vector of
// states: for a CPU's registers, a GPU's threads and second derivatives.
template <int L>
struct XyChain {
  using scalar_type              = float;
  static constexpr int dimension = L;
  float coupling                 = 1;  // J

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[L], V (&dx)[L]) const {  // writes dE/dx, returns E
    V e(0);
    for (int i = 0; i < L; ++i) dx[i] = V(0);
    for (int i = 0; i < L; ++i) {
      V const turn  = x[(i + 1) % L] - x[i];
      V const force = coupling * sin(turn);
      e -= coupling * cos(turn);
      dx[(i + 1) % L] += force;
      dx[i] -= force;
    }
    return e;
  }
};

int main(int argc, char** argv) {
  Kokkos::ScopeGuard const kokkos(argc, argv);
  Kokkos::DefaultExecutionSpace const exec;
  basin::energy::Analytic<XyChain<16>> const energy{{.coupling = 1}};
  basin::sampler::Langevin<> const langevin{.steps = 100, .step_size = 0.01, .temperature = 1};

  Kokkos::View<float**, Kokkos::LayoutRight> const chains("chains", 4096, 16);  // start at 0
  for (basin::Stream stream{.seed = 1}; stream.step < 2000; stream.step += langevin.steps)
    basin::sampler::sample(exec, langevin, energy, chains, stream);  // new noise at each step

  Kokkos::View<float*> const energies("energies", 4096);
  basin::energy::energies(exec, energy, chains, energies);
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), energies);
  double mean     = 0;
  for (int n = 0; n < 4096; ++n) mean += host(n) / 4096 / 16;
  std::printf("E of a bond %.3f, in theory -I1(1)/I0(1) = -0.446\n", mean);
}
