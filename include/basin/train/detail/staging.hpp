// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_DETAIL_STAGING_HPP
#define BASIN_TRAIN_DETAIL_STAGING_HPP

#include <Kokkos_Core.hpp>

#include <type_traits>

namespace basin::train::detail {

/// Whether the memory of kernels is the host's.
template <class Exec>
inline constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// Memory of the host from and to which kernels' memory is copied: pinned, with a GPU.
#if defined(KOKKOS_HAS_SHARED_HOST_PINNED_SPACE)
template <class Exec>
using StagingSpace =
    std::conditional_t<on_host<Exec>, Kokkos::HostSpace, Kokkos::SharedHostPinnedSpace>;
#else
template <class Exec>
using StagingSpace = Kokkos::HostSpace;
#endif

}  // namespace basin::train::detail

#endif
