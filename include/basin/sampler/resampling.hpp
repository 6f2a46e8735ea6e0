// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_RESAMPLING_HPP
#define BASIN_SAMPLER_RESAMPLING_HPP

#include <Kokkos_Macros.hpp>

#include <cstddef>
#include <vector>

namespace basin::sampler {

/// Indices of a systematic resampling: index i occurs n w_i / sum w times, rounded down or up, in
/// order. Source: Kitagawa 1996, JCGS 5, 1.
///
/// \param count    n
/// \param weight   (i) -> w_i >= 0, not all 0
/// \param sum      of the weights
/// \param uniform  in [0, 1)
/// \param indices  (n)
template <class Scalar, class Weight, class Indices>
KOKKOS_FUNCTION void resample_systematically(int count, Weight const& weight, Scalar sum,
                                             Scalar uniform, Indices&& indices) {
  Scalar cumulated = 0;
  int filled       = 0;
  for (int i = 0; i < count; ++i) {
    cumulated += weight(i);
    Scalar const end =
        i + 1 == count ? static_cast<Scalar>(count) : cumulated / sum * static_cast<Scalar>(count);
    while (filled < count && static_cast<Scalar>(filled) + uniform < end) indices[filled++] = i;
  }
}

/// The same on the host.
/// \param weights  (n) >= 0, not all 0
/// \param uniform  in [0, 1)
inline std::vector<int> systematic_resampling(std::vector<double> const& weights, double uniform) {
  double sum = 0;
  for (double const w : weights) sum += w;
  std::vector<int> indices(weights.size());
  resample_systematically(
      static_cast<int>(weights.size()), [&](int i) { return weights[static_cast<std::size_t>(i)]; },
      sum, uniform, indices.data());
  return indices;
}

}  // namespace basin::sampler

#endif
