// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_AUGMENTED_HPP
#define BASIN_TESTS_SUPPORT_AUGMENTED_HPP

#include <basin/augmentation/pipeline.hpp>

#include "support/finite_difference.hpp"

#include <cmath>
#include <vector>

namespace basin::test {

/// Samples of a pipeline's shape, augmented at a step, the first of them with this number.
template <class Exec, tile::Tuning tuning = tile::default_tuning<Exec, double>(), class P>
std::vector<double> augmented(P const& pipeline, std::vector<double> const& samples,
                              std::uint64_t step = 0, std::uint32_t first = 0,
                              Exec const& exec = Exec()) {
  using Points     = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  auto const count = samples.size() / P::shape::size;
  auto const x     = on_device<Exec, double>(samples);
  Points const to("to", count, +P::shape::size), other("other", count, +P::shape::size);
  augmentation::apply<tuning>(exec, pipeline, Points(x.data(), count, +P::shape::size), to, other,
                              {7, Purpose::augmentation, step}, first);
  exec.fence();
  return on_host(to);
}

/// Sample n of many of a size.
inline std::vector<double> sample_of(std::vector<double> const& all, std::size_t n,
                                     std::size_t size) {
  return {all.begin() + std::ptrdiff_t(n * size), all.begin() + std::ptrdiff_t((n + 1) * size)};
}

/// The same sample n times.
inline std::vector<double> repeated(std::vector<double> const& sample, std::size_t n) {
  std::vector<double> all;
  for (std::size_t i = 0; i < n; ++i) all.insert(all.end(), sample.begin(), sample.end());
  return all;
}

/// Five standard deviations of the share of n independent events of probability p.
inline double share_tolerance(double p, double n) { return 5 * std::sqrt(p * (1 - p) / n); }

}  // namespace basin::test

#endif
