// SPDX-License-Identifier: Apache-2.0
// Included before all else by the preset tsan. Kokkos's barriers, within a team and within a scan, order memory by
// fences alone, which ThreadSanitizer does not see, and wait in a library that it does not see either. Here a fence
// meets all fences before it, and the wait is compiled with the program.
#ifndef BASIN_CMAKE_TSAN_HPP
#define BASIN_CMAKE_TSAN_HPP

#include <sanitizer/tsan_interface.h>

inline char basin_tsan_fence;

#define __atomic_thread_fence(order) \
  (__tsan_release(&basin_tsan_fence), __tsan_acquire(&basin_tsan_fence))

#if __has_include(<Kokkos_Core.hpp>)
#include <Kokkos_Core.hpp>

#include <thread>

[[gnu::weak]] void Kokkos::Impl::HostBarrier::impl_backoff_wait_until_equal(int* const pointer,
                                                                            int const value,
                                                                            bool const) noexcept {
  while (!test_equal(pointer, value)) std::this_thread::yield();
}
#endif

#endif
