// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_ALL_NUMBERS_HPP
#define BASIN_TESTS_SUPPORT_ALL_NUMBERS_HPP

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <vector>

namespace basin::test {

/// Everything that is asked of a network, at points that fill the last tile of no tuning: energies,
/// dE/dx, and of a training pass with dropout energies and parameter gradient.
template <class Exec, class Net,
          tile::Tuning tuning =
              tile::default_tuning<Exec, typename Net::scalar_type, Net::workspace_rows>()>
std::vector<typename Net::scalar_type> all_numbers() {
  std::size_t constexpr points = 37;
  Model<Exec, Net, tuning> const model(parameters_of<Net>(1));
  auto const x        = numbers(points * Net::dimension, 2);
  auto all            = model.energies(x);
  auto const gradient = model.gradients(x);
  auto const training = model.training(x, numbers(points, 3), {4, Purpose::dropout, 5});
  all.insert(all.end(), gradient.begin(), gradient.end());
  all.insert(all.end(), training.energies.begin(), training.energies.end());
  all.insert(all.end(), training.gradient.begin(), training.gradient.end());
  return all;
}

/// Tunings in which any of them differs in a bit from that of the first: few, as a layer is written
/// in primitives, whose bits tests/tile/ compares in all.
template <class Exec, class Net>
int tunings_that_differ() {
  return tunings_that_differ(run_in_few_tunings<Exec, typename Net::scalar_type>(
      []<tile::Tuning tuning>() { return all_numbers<Exec, Net, tuning>(); }));
}

}  // namespace basin::test

#endif
