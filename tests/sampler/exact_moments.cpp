// SPDX-License-Identifier: Apache-2.0
#include "sampler/exact_moments.hpp"

#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/chees_hamiltonian.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>
#include <basin/sampler/microcanonical.hpp>

// Every sampler whose law is that of the energy, on a target of each class. Those with an error of their own
// (Langevin, SGLD, BAOAB), with a prior (elliptical slices) or a ladder are on laws that take it into account:
// in their own tests.

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace sampler = basin::sampler;

auto const every_sampler = [](std::string const& name, auto const& energy, auto const& mean,
                              auto const& variance, double unit, int effort) {
  auto const check = [&](auto const& s, char const* who) {
    check_moments<Exec>(s, name + ", " + who, energy, mean, variance);
  };
  check(sampler::Mala{.steps = 200 * effort, .step_size = 0.15 * unit * unit}, "Mala");
  check(sampler::Metropolis{.steps = 400 * effort, .scale = 0.7 * unit}, "Metropolis");
  check(
      sampler::Hamiltonian{
          .steps = 30 * effort, .step_size = 0.4 * unit, .trajectory_length = 4 * unit},
      "Hamiltonian");
  check(sampler::AdaptiveHamiltonian{.steps = 230 + 20 * effort, .adaptation = {.warmup = 200}},
        "AdaptiveHamiltonian");
  check(sampler::CheesHamiltonian{.steps = 230 + 20 * effort, .adaptation = {.warmup = 200}},
        "CheesHamiltonian");
  check(sampler::Microcanonical{.steps      = 230 + 20 * effort,
                                .adaptation = {.warmup = 200, .target_acceptance = 0.9}},
        "Microcanonical");
};

TEST_CASE("every sampler has the moments of small targets", "[sampler][exact_moments][long]") {
  with_small_targets<Exec, double>(every_sampler);
}

TEST_CASE("every sampler has the moments of a lattice and of eight schools",
          "[sampler][exact_moments][long]") {
  with_large_targets<double>(every_sampler);
}

// Each target in the other scalar.
TEST_CASE("moments of every target in float", "[sampler][exact_moments][long]") {
  auto const tuned = [](std::string const& name, auto const& energy, auto const& mean,
                        auto const& variance, double, int effort) {
    check_moments<Exec>(
        sampler::AdaptiveHamiltonian{.steps = 230 + 20 * effort, .adaptation = {.warmup = 200}},
        name + " in float", energy, mean, variance);
  };
  with_small_targets<Exec, float>(tuned);
  with_large_targets<float>(tuned);
}

}  // namespace
