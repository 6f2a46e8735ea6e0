// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_SAMPLES_HPP
#define BASIN_DATA_SAMPLES_HPP

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace basin::data {

/// One sample per row: (samples, dimension), contiguous, on the host. What every reader returns.
using Samples = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// One class label per sample: (samples), on the host.
using Labels = Kokkos::View<int*, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Uninitialized Samples of shape (count, dimension).
inline Samples make_samples(std::size_t count, std::size_t dimension) {
  return Samples(Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::data::Samples"), count,
                 dimension);
}

/// Uninitialized Labels of shape (count).
inline Labels make_labels(std::size_t count) {
  return Labels(Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::data::Labels"), count);
}

/// Checks that there is one label for each sample.
///
/// \throws std::invalid_argument naming both counts otherwise
inline void check_same_count(Samples const& samples, Labels const& labels) {
  if (samples.extent(0) != labels.extent(0))
    throw std::invalid_argument(
        "basin::data::check_same_count: " + std::to_string(samples.extent(0)) + " samples, " +
        std::to_string(labels.extent(0)) + " labels");
}

}  // namespace basin::data

#endif
