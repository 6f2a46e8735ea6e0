// SPDX-License-Identifier: Apache-2.0
// Smoke: --replicas 16 --draws 10 --settling 20
//
// A simulation code keeps positions, neighbors and charges in Views of its own and knows forces; basin
// samples its Boltzmann distribution. The chains are the code's positions themselves: nothing is
// copied. The virial theorem says whether the samples are right.
#include <basin/basin.hpp>
#include <basin/metric/convergence.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>

namespace {

using Exec      = Kokkos::DefaultExecutionSpace;
using Positions = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

// [listing]
// A ring of charged beads in a trap. Springs join neighbors, and all pairs of charges repel or
// attract each other, smoothed below a distance of 0.3. T is the unit of energy.
template <int beads>
struct Forces {
  using scalar_type              = double;
  static constexpr int dimension = 3 * beads;
  Kokkos::View<int const* [2], Exec> neighbors;  // (beads, 2) of the simulation, as are the charges
  Kokkos::View<double const*, Exec> charges;     // (beads)
  double spring = 20, trap = 0.1, smoothing = 0.3;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[dimension], V (&dx)[dimension]) const {
    V energy(0);
    for (int d = 0; d < dimension; ++d) {
      energy += V(trap / 2) * x[d] * x[d];
      dx[d] = V(trap) * x[d];
    }
    auto const add = [&](int i, int j, V const& slope) {  // slope = dE/dr / r, of the pair
      for (int d = 0; d < 3; ++d) {
        V const force = slope * (x[3 * i + d] - x[3 * j + d]);
        dx[3 * i + d] += force;
        dx[3 * j + d] -= force;
      }
    };
    auto const square = [&](int i, int j) {
      V sum(0);
      for (int d = 0; d < 3; ++d) {
        V const apart = x[3 * i + d] - x[3 * j + d];
        sum           = fma(apart, apart, sum);
      }
      return sum;
    };
    for (int i = 0; i < beads; ++i) {
      for (int k = 0; k < 2; ++k)
        if (int const j = neighbors(i, k); i < j) {  // spring / 2 (r - 1)^2
          V const r = sqrt(square(i, j) + V(1e-12));
          energy += V(spring / 2) * (r - V(1)) * (r - V(1));
          add(i, j, V(spring) * (r - V(1)) / r);
        }
      for (int j = 0; j < i; ++j) {  // q_i q_j / sqrt(r^2 + smoothing^2)
        V const inverse = V(1) / sqrt(square(i, j) + V(smoothing * smoothing));
        V const of_pair = V(charges(i) * charges(j)) * inverse;
        energy += of_pair;
        add(i, j, V(0) - of_pair * inverse * inverse);
      }
    }
    return energy;
  }
};

// Moves the positions of all replicas, where they are.
template <int beads>
void advance(Exec const& exec, Forces<beads> const& forces, Positions const& positions, int moves,
             basin::Stream& stream) {
  basin::energy::Analytic<Forces<beads>> const energy{forces};
  basin::sampler::Hamiltonian const hmc{
      .steps = moves, .step_size = 0.12, .trajectory_length = 1.5};
  basin::sampler::sample(exec, hmc, energy, positions, stream);
  stream.step += static_cast<std::uint64_t>(moves);
}
// [/listing]

// Of each replica: its energy, x.dE/dx / (3 beads), which is T = 1 in the mean, and its radius of gyration.
struct Measure {
  Positions positions, slopes;             // (replicas, 3 beads)
  Kokkos::View<double*, Exec> energies;    // (replicas)
  Kokkos::View<double***, Exec> measured;  // (draws, replicas, 3)
  int draw;

  KOKKOS_FUNCTION void operator()(int n) const {
    int const dimension = static_cast<int>(positions.extent(1));
    double virial = 0, square = 0, center[3] = {0, 0, 0};
    for (int d = 0; d < dimension; ++d) {
      virial += positions(n, d) * slopes(n, d) / dimension;
      square += positions(n, d) * positions(n, d) * 3 / dimension;
      center[d % 3] += positions(n, d) * 3 / dimension;
    }
    for (double const c : center) square -= c * c;
    measured(draw, n, 0) = energies(n);
    measured(draw, n, 1) = virial;
    measured(draw, n, 2) = Kokkos::sqrt(square);
  }
};

int run(int argc, char** argv) {
  constexpr int beads = 12;
  int replicas = 256, draws = 200, settling = 300;
  CLI::App app("Samples a ring of charged beads with the forces of a simulation code.");
  app.add_option("--replicas", replicas, "systems side by side")
      ->capture_default_str()
      ->check(CLI::Range(4, 100000));
  app.add_option("--draws", draws, "of each, every second trajectory")
      ->capture_default_str()
      ->check(CLI::Range(4, 100000));
  app.add_option("--settling", settling, "trajectories before")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);

  // What the simulation code has: a ring whose charges alternate, beads at the corners of a polygon.
  Exec const exec;
  Positions const positions("positions", replicas, 3 * beads);
  Kokkos::View<int* [2], Exec> const neighbors("neighbors", beads);
  Kokkos::View<double*, Exec> const charges("charges", beads);
  auto const x    = Kokkos::create_mirror_view(positions);
  auto const near = Kokkos::create_mirror_view(neighbors);
  auto const q    = Kokkos::create_mirror_view(charges);
  for (int i = 0; i < beads; ++i) {
    near(i, 0) = (i + beads - 1) % beads;
    near(i, 1) = (i + 1) % beads;
    q(i)       = i % 2 == 0 ? 1 : -1;
    for (int n = 0; n < replicas; ++n) {
      x(n, 3 * i)     = 2 * std::cos(2 * 3.14159265358979 * i / beads);
      x(n, 3 * i + 1) = 2 * std::sin(2 * 3.14159265358979 * i / beads);
    }
  }
  Kokkos::deep_copy(positions, x);
  Kokkos::deep_copy(neighbors, near);
  Kokkos::deep_copy(charges, q);

  Forces<beads> const forces{neighbors, charges};
  basin::energy::Analytic<Forces<beads>> const energy{forces};
  basin::Stream stream{.seed = 1};
  advance(exec, forces, positions, settling, stream);
  Positions const slopes("slopes", replicas, 3 * beads);
  Kokkos::View<double*, Exec> const energies("energies", replicas);
  Kokkos::View<double***, Exec> const measured("measured", draws, replicas, 3);
  for (int draw = 0; draw < draws; ++draw) {
    advance(exec, forces, positions, 2, stream);
    basin::energy::energies(exec, energy, positions, energies);
    basin::energy::gradients(exec, energy, positions, slopes);
    Kokkos::parallel_for("measure", Kokkos::RangePolicy<Exec>(exec, 0, replicas),
                         Measure{positions, slopes, energies, measured, draw});
  }
  auto const found = basin::metric::convergence(exec, measured);
  std::fputs(basin::metric::convergence_table({"energy", "x.dE/dx / 3N", "radius"}, found).c_str(),
             stdout);
  std::printf("by the virial theorem x.dE/dx / 3N is 1: %.1f standard errors apart\n",
              (found[1].estimate.mean - 1) / found[1].estimate.error_of_mean);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard const kokkos(argc, argv);
  return run(argc, argv);
}
