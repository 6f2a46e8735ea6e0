// SPDX-License-Identifier: Apache-2.0
// Smoke: --out runs/simulation_forces --resume --replicas 16 --steps 10 --settling 20
//
// A simulation code keeps positions, neighbors and charges in Views of its own and knows forces; basin
// samples its Boltzmann distribution. The chains are the code's positions themselves: nothing is
// copied. The virial theorem says whether the samples are right.
#include <basin/basin.hpp>
#include <basin/metric/convergence.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/loop.hpp>

#include "all_ranks.hpp"

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
  Positions positions, slopes;                                  // (replicas, 3 beads)
  Kokkos::View<double*, Exec> energies;                         // (replicas)
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> measured;  // (draws, replicas, 3)
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

constexpr int beads = 12;

struct Program {
  int replicas = 256, settling = 300;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"replicas", "1", "systems side by side"}, self.replicas,
      basin::range::at_least(4));
    f(basin::Field{"settling", "trajectories", "before the first draw"}, self.settling,
      basin::range::at_least(1));
  }
};

// Settles, then measures all replicas in each step, every second trajectory.
class Sampling {
 public:
  // What the simulation code has: a ring whose charges alternate, beads at the corners of a polygon.
  Sampling(Exec const& exec, int replicas, int settling, int draws, std::uint64_t seed)
      : exec_(exec),
        settling_(settling),
        positions_("positions", replicas, 3 * beads),
        slopes_("slopes", replicas, 3 * beads),
        energies_("energies", replicas),
        measured_("measured", draws, replicas, 3),
        stream_{.seed = seed} {
    Kokkos::View<int* [2], Exec> const neighbors("neighbors", beads);
    Kokkos::View<double*, Exec> const charges("charges", beads);
    auto const x    = Kokkos::create_mirror_view(positions_);
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
    Kokkos::deep_copy(positions_, x);
    Kokkos::deep_copy(neighbors, near);
    Kokkos::deep_copy(charges, q);
    forces_.neighbors = neighbors;
    forces_.charges   = charges;
  }

  void step() {
    if (drawn_ == 0) advance(exec_, forces_, positions_, settling_, stream_);
    advance(exec_, forces_, positions_, 2, stream_);
    basin::energy::Analytic<Forces<beads>> const energy{forces_};
    basin::energy::energies(exec_, energy, positions_, energies_);
    basin::energy::gradients(exec_, energy, positions_, slopes_);
    Kokkos::parallel_for(
        "measure", Kokkos::RangePolicy<Exec>(exec_, 0, positions_.extent(0)),
        Measure{positions_, slopes_, energies_, measured_, static_cast<int>(drawn_)});
    ++drawn_;
  }
  std::uint64_t steps_taken() const { return drawn_; }

  template <basin::Archive A>
  void archive(A& a) {
    a("positions", positions_);
    a("stream", stream_.step);
    a("measured", measured_);
    a("drawn", drawn_);
  }

  auto const& measured() const { return measured_; }

 private:
  Exec exec_;
  int settling_;
  Forces<beads> forces_;
  Positions positions_, slopes_;
  Kokkos::View<double*, Exec> energies_;
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> measured_;  // (draws, replicas, 3)
  basin::Stream stream_;
  std::uint64_t drawn_ = 0;
};

int run(Program const& program, basin::run::Options keep, nlohmann::ordered_json const& described,
        basin::run::Process const& process) {
  Exec const exec;
  keep.out = folder_here(process, keep.out);
  Sampling sampling(exec, chains_here(process, program.replicas), program.settling,
                    static_cast<int>(keep.steps), seed_here(process, 1));
  auto const ending = basin::run::loop(
      sampling, keep, {.progress = process.is_first() ? stderr : nullptr, .process = described});
  if (basin::train::any(process.ranks(), basin::run::exit_status(ending) != 0))
    return basin::run::exit_status(basin::run::Ending::signaled);
  auto const found = basin::metric::convergence(exec, of_all_ranks(process, sampling.measured()));
  std::fputs(basin::metric::convergence_table({"energy", "x.dE/dx / 3N", "radius"}, found).c_str(),
             stdout);
  std::printf("by the virial theorem x.dE/dx / 3N is 1: %.1f standard errors apart\n",
              (found[1].estimate.mean - 1) / found[1].estimate.error_of_mean);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  basin::run::Options keep{.steps = 200, .out = "out/simulation_forces"};
  basin::run::CommandLine line(
      "Samples a ring of charged beads with the forces of a simulation code.");
  line.add(program);
  line.add(keep);  // --steps: draws of each replica
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  try {
    return run(program, keep, basin::run::describe_process(argc, argv, program), process);
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
