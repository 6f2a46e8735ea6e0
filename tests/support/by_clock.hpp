// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_BY_CLOCK_HPP
#define BASIN_TESTS_SUPPORT_BY_CLOCK_HPP

#include <basin/objective/concepts.hpp>

#include "support/clock.hpp"
#include "support/finite_difference.hpp"
#include "support/training.hpp"

#include <cstdint>
#include <vector>

namespace basin::test {

/// Parameter gradients of an objective at steps 0, 1 and 4, which step_of gives.
template <class Exec, class Objective, class StepOf>
std::vector<std::vector<float>> gradients_at(Objective const& options, StepOf const& step_of) {
  int constexpr batch   = 37;
  constexpr auto tuning = tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
  using State           = objective::bound<Objective, SmallNetwork, Exec, tuning>;
  using Numbers         = Kokkos::View<float*, Exec>;
  auto const data       = uniform_points(150, 3);
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const pool("pool", 150, 3);
  Kokkos::deep_copy(pool, data);
  Numbers const theta = on_device<Exec, float>(parameters_of<SmallNetwork>(1));
  Numbers const gradient("gradient", +SmallNetwork::parameters);
  // Of the objective itself, which some read behind theta.
  Numbers const own("own", objective::parameters_of<State> + 1);
  SmallNetwork const energy(theta.data());
  State state(Exec(), options, batch, {pool, {}, {}, {}}, 5);
  Kokkos::deep_copy(state.batch().points, Kokkos::subview(pool, std::pair(0, +batch), Kokkos::ALL));
  std::vector<std::vector<float>> all;
  for (std::uint64_t const n : {0, 1, 4}) {
    state.gradient(Exec(), options, energy, step_of(n), own.data(), gradient.data());
    Exec().fence();  // before a clock goes on
    all.push_back(on_host(gradient));
  }
  return all;
}

/// Whether gradients by a clock have the bits of those by the number of the step, and others at
/// another step; on a host beside a GPU, which reads no clock, those of step 0.
template <class Exec, class Objective>
bool same_by_clock(Objective const& options) {
  Clock<Exec> const clock(0);
  auto const by_number = gradients_at<Exec>(options, [](std::uint64_t n) { return Step(n); });
  auto const by_clock  = gradients_at<Exec>(options, [&](std::uint64_t n) {
    clock.set(n);
    return clock.step();
  });
  auto const at_first =
      gradients_at<Exec>(options, [](std::uint64_t) { return Step(std::uint64_t(0)); });
  return by_clock == (reads_clocks<Exec> ? by_number : at_first) && at_first != by_number &&
         at_first[0] == by_number[0];
}

}  // namespace basin::test

#endif
