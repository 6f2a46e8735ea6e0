// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_OBJECTIVE_LAWS_HPP
#define TESTS_SUPPORT_OBJECTIVE_LAWS_HPP

#include "benchmarks/support/counters.hpp"
#include "support/clock.hpp"
#include "support/finite_difference.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <vector>

// What holds for every objective with chains. 'make' makes a Fixture.

namespace basin::test {

/// \param make  of an execution space
template <class Exec, class Make>
void check_bits_of_any_threads(Make const& make) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto all = make(Exec()),
         one = make(Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0]);
    for (std::uint64_t const k : {0, 1, 2}) CHECK(all(k) == one(k));
  }
}

template <class Exec, class Make>
void check_step_by_clock(Make const& make) {
  if constexpr (reads_clocks<Exec>) {
    auto at = make(Exec()), other = make(Exec());
    auto const right = at(4);
    Clock<Exec> const clock(4);
    other.run(clock.step());
    other.exec.fence();
    CHECK(on_host(other.gradient) == right);
  }
}

/// \param make  of a number of sampler steps
template <class Exec, class Make>
void check_launches_of_any_length(Make const& make) {
  bench::watch_kokkos();
  auto const run = [&](int steps) {
    auto at = make(steps);
    at.run(0);
    return bench::count(Exec(), 20, [&] { at.run(1); });
  };
  auto const few = run(1), many = run(90);
  CHECK(few.allocations + many.allocations == 0);
  CHECK(few.fences + many.fences == 0);
  CHECK(few.launches == many.launches);
}

/// \param make  a trainer, of an execution space
template <class Exec, class Make>
void check_training_of_any_threads(Make const& make, long steps) {
  auto const after = [&](Exec const& exec) {
    auto trainer = make(exec);
    trainer.fit({.steps = steps});
    return on_host(Kokkos::View<double const*, Exec>(trainer.parameters()));
  };
  auto const all = after(Exec());
  CHECK(after(Exec()) == all);
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
    CHECK(after(Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0]) == all);
}

}  // namespace basin::test

#endif
