// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_LEVEL_ENERGY_HPP
#define TESTS_SUPPORT_LEVEL_ENERGY_HPP

#include "support/matching.hpp"

#include <array>
#include <cmath>
#include <numbers>

// Energies of Gaussians at all levels of noise, of which normalizers are known.

namespace basin::test {

/// E = a x^2 + b x^2 s + c s + d with the condition s, as squares of squares; theta is of (a, b, c, d).
using LevelEnergy  = energy::Network<double, Vector<2>, layer::Dense<3>, layer::Square,
                                     layer::Dense<6>, layer::Square, layer::Dense<1>>;
using LevelNumbers = std::array<double, 4>;  // a, b, c, d

inline std::vector<double> theta_of(LevelNumbers const& n) {
  // 4 x^2 s = (x^2 + s)^2 - (x^2 - s)^2, and so on.
  return {1,        0,         0,        1,         0,        1,         0,
          1,        -1,                                              // x, s + 1, s - 1
          1,        .25,       -.25,                                 // x^2 + s
          1,        -.25,      .25,                                  // x^2 - s
          1,        0,         0,        1,         0,        0,     // x^2 + 1, x^2 - 1
          0,        .25,       -.25,     0,         .25,      -.25,  // s + 1, s - 1
          0,        0,         1,        -1,        1,        -1,    //
          n[1] / 4, -n[1] / 4, n[0] / 4, -n[0] / 4, n[2] / 4, -n[2] / 4, n[3]};
}

/// The gradient of a loss in (a, b, c, d) of that in theta.
inline LevelNumbers gradient_of(std::vector<double> const& g) {
  return {(g[35] - g[36]) / 4, (g[33] - g[34]) / 4, (g[37] - g[38]) / 4, g[39]};
}

}  // namespace basin::test

#endif
