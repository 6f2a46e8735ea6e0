// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_PREPARED_HPP
#define TESTS_SUPPORT_PREPARED_HPP

#include <basin/energy/prepare.hpp>

#include "support/finite_difference.hpp"

#include <vector>

namespace basin::test {

/// What prepare makes of theta, and the state that it leaves.
struct Prepared {
  std::vector<double> prepared, state;
  bool operator==(Prepared const&) const = default;
};

template <class Exec, class Net, tile::Tuning tuning = tile::default_tuning<Exec, double>()>
Prepared prepare(std::vector<double> const& theta, std::vector<double> const& state,
                 int iterations) {
  auto const t = on_device<Exec, double>(theta), s = on_device<Exec, double>(state);
  Kokkos::View<double*, Exec> const p("prepared", +Net::parameters);
  energy::prepare<Net, tuning>(Exec(), iterations, t.data(), s.data(), p.data());
  return {on_host(p), on_host(s)};
}

}  // namespace basin::test

#endif
