// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_REPARAMETERIZED_HPP
#define TESTS_SUPPORT_REPARAMETERIZED_HPP

#include <basin/energy/reparameterize.hpp>

#include "support/finite_difference.hpp"

#include <vector>

namespace basin::test {

/// What reparameterize makes of theta, and the state that it leaves.
struct Reparameterized {
  std::vector<double> effective, state;
  bool operator==(Reparameterized const&) const = default;
};

template <class Exec, class Net, tile::Tuning tuning = tile::default_tuning<Exec, double>()>
Reparameterized reparameterize(std::vector<double> const& theta, std::vector<double> const& state,
                               int iterations) {
  auto const t = on_device<Exec, double>(theta), s = on_device<Exec, double>(state);
  Kokkos::View<double*, Exec> const p("effective", +Net::parameters);
  energy::reparameterize<Net, tuning>(Exec(), iterations, t.data(), s.data(), p.data());
  return {on_host(p), on_host(s)};
}

}  // namespace basin::test

#endif
