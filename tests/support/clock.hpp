// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_CLOCK_HPP
#define BASIN_TESTS_SUPPORT_CLOCK_HPP

#include <basin/core/philox.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>

#include <cstdint>

namespace basin::test {

/// Whether kernels of Exec read clocks: a host beside a GPU does not.
template <class Exec>
inline constexpr bool reads_clocks =
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
    !is_host<Exec>;
#else
    true;
#endif

/// A clock in the memory of Exec.
template <class Exec>
struct Clock {
  Kokkos::View<std::uint64_t, Exec> time{"clock"};

  explicit Clock(std::uint64_t now) { set(now); }
  void set(std::uint64_t now) const { Kokkos::deep_copy(time, now); }
  /// The step that it shows.
  Step step() const { return Step(static_cast<std::uint64_t const*>(time.data())); }
};

}  // namespace basin::test

#endif
