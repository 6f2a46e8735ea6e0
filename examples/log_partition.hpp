// SPDX-License-Identifier: Apache-2.0
// What the examples on densities share: log Z of exp(-E) in the plane, by quadrature.
#ifndef EXAMPLES_LOG_PARTITION_HPP
#define EXAMPLES_LOG_PARTITION_HPP

#include <basin/data/samples.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

// exp(-E) on side^2 cells of a square, E taken to be constant in each.
struct Plane {
  double log_z;
  basin::data::Samples draws;  // (count, 2)
};

// \param energies  E(points), points (n, 2)
template <class Energies>
Plane integrate_plane(double half_width, int side, int count, std::uint64_t seed,
                      Energies const& energies) {
  auto const cells   = static_cast<std::size_t>(side);
  auto const centers = basin::data::make_samples(cells * cells, 2);
  auto const center  = [&](std::size_t i) {
    return static_cast<float>(half_width * ((2 * double(i) + 1) / side - 1));
  };
  for (std::size_t i = 0; i < centers.extent(0); ++i)
    centers(i, 0) = center(i % cells), centers(i, 1) = center(i / cells);
  auto const e       = energies(centers);
  float const least  = *std::min_element(&e[0], &e[0] + centers.extent(0));
  double const width = 2 * half_width / side;
  std::vector<double> cumulated(centers.extent(0));
  double sum = 0;
  for (std::size_t i = 0; i < cumulated.size(); ++i)
    cumulated[i] = sum += std::exp(double(least) - double(e[i]));
  auto const draws = basin::data::make_samples(static_cast<std::size_t>(count), 2);
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> uniform;
  for (std::size_t n = 0; n < draws.extent(0); ++n) {
    auto const cell = static_cast<std::size_t>(
        std::lower_bound(cumulated.begin(), cumulated.end(), sum * uniform(bits)) -
        cumulated.begin());
    for (std::size_t d = 0; d < 2; ++d)
      draws(n, d) = static_cast<float>(centers(cell, d) + width * (uniform(bits) - 0.5));
  }
  return {std::log(sum) + 2 * std::log(width) - double(least), draws};
}

#endif
