#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What ArviZ 0.23.4 and arviz-stats 0.8.0 say of the chains in chains.hpp, which this program writes anew:
python3 tests/metric/chains.py > tests/metric/chains.hpp && tools/lint --fix"""

import math

import arviz
import numpy as np
from arviz_stats.base import array_stats

HEAD = """// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_METRIC_CHAINS_HPP
#define BASIN_TESTS_METRIC_CHAINS_HPP

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

// Written by chains.py: what ArviZ says of these chains.
namespace basin::test::reference {

/// Draw i of chain m is at [m * draws + i]. Every operation is rounded once, so that every language
/// has the same numbers: x' = memory x + u, u uniform on multiples of 2^-31, times 1 + widening m,
/// shifted by shift m, in steps of 'rounding' unless that is 0.
inline std::vector<double> chains(int chains, int draws, double memory, double shift, double rounding,
                                  double widening = 0) {
  std::vector<double> values;
  for (int m = 0; m < chains; ++m) {
    std::uint64_t state = static_cast<std::uint64_t>(m) + 1;
    double x            = 0;
    for (int i = -10; i < draws; ++i) {
      state          = state * 6364136223846793005u + 1442695040888963407u;
      double const u = static_cast<double>(state >> 33) / 2147483648.0 - 0.5;
      x              = memory * x;
      x              = x + u;
      double width   = widening * m;
      width          = 1 + width;
      double y       = width * x;
      double by      = shift * m;
      y              = by + y;
      if (rounding > 0) y = std::floor(y / rounding) * rounding;
      if (i >= 0) values.push_back(y);
    }
  }
  return values;
}

struct Case {
  char const* name;
  int chains, draws;
  double memory, shift, rounding, widening;
  double effective_sample_size, bulk, tail, r_hat, split_r_hat;
  double error_of_mean, error_of_standard_deviation;
  double error_of_5_percent, error_of_median, error_of_95_percent;
};
"""


def chains(chains, draws, memory, shift, rounding, widening=0.0):
    values = np.zeros((chains, draws))
    for m in range(chains):
        state, x = m + 1, 0.0
        for i in range(-10, draws):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            u = (state >> 33) / 2147483648.0 - 0.5
            x = memory * x
            x = x + u
            width = widening * m
            width = 1 + width
            y = width * x
            by = shift * m
            y = by + y
            if rounding > 0:
                y = math.floor(y / rounding) * rounding
            if i >= 0:
                values[m, i] = y
    return values


CASES = [("of little memory", 4, 100, 0.3, 0.0, 0.0, 0.0),
         ("of an odd number of draws", 4, 101, 0.7, 0.0, 0.0, 0.0),
         ("apart", 6, 60, 0.5, 0.25, 0.0, 0.0),
         ("with ties", 5, 80, 0.6, 0.0, 0.25, 0.0),
         ("that alternate", 3, 64, -0.8, 0.0, 0.0, 0.0),
         ("that hardly move", 4, 40, 0.98, 0.0, 0.0, 0.0),
         ("of six draws", 3, 6, 0.0, 0.0, 0.0, 0.0),
         ("of many short chains", 64, 8, 0.4, 0.0, 0.0, 0.0),
         ("whose last even lag is negative", 2, 14, 0.0, 0.25, 0.0, 0.0),
         ("of other widths", 4, 60, 0.3, 0.0, 0.0, 0.75)]


def number(x):
    return repr(float(x)) if math.isfinite(x) else "NAN"


def main():
    print(HEAD)
    print("inline std::vector<Case> const cases = {")
    for name, *of in CASES:
        x = chains(*of)
        ess = [arviz.ess(x, method=method) for method in ("mean", "bulk", "tail")]
        r_hat = [arviz.rhat(x, method=method) for method in ("rank", "split")]
        error = [arviz.mcse(x, method=method) for method in ("mean", "sd")]
        error += [arviz.mcse(x, method="quantile", prob=p) for p in (0.05, 0.5, 0.95)]
        print(f'    {{"{name}", ' + ", ".join(map(str, of)) + ", " + ", ".join(map(number, ess + r_hat + error)) + "},")
    print("};\n")

    x = chains(12, 10, 0.5, 0.02, 0.0)
    ids = np.repeat(np.arange(3), 4)
    print("// chains(12, 10, 0.5, 0.02, 0), three superchains of four; of the first draw of each alone")
    nested = lambda x, method: number(array_stats.rhat_nested(x, ids, method=method))
    print(f"inline constexpr double nested_r_hat = {nested(x, 'identity')};")
    print(f"inline constexpr double rank_nested_r_hat = {nested(x, 'rank')};")
    # The package asks for four draws; the formula does not.
    print(f"inline constexpr double nested_r_hat_of_one_draw = {number(array_stats._rhat_nested(x[:, :1], ids))};")
    print("// of the first two chains as energies")
    print("inline std::vector<double> const bfmi = {" + ", ".join(map(number, arviz.bfmi(x[:2]))) + "};")
    print("\n}  // namespace basin::test::reference\n\n#endif")


main()
