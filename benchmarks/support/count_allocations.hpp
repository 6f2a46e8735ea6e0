// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_COUNT_ALLOCATIONS_HPP
#define BENCHMARKS_SUPPORT_COUNT_ALLOCATIONS_HPP

// Include in one source file of a program: every allocation from the heap is counted. With the
// sanitizers, which have a malloc of their own, and with nvcc, for which malloc is a function of
// the device too, only operator new is.

#include "benchmarks/support/counters.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__CUDACC__) || \
    !defined(__GLIBC__)

// Where only one of a pair is inlined, g++ sees memory of another function freed.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const p = std::malloc(bytes ? bytes : 1);
  KOKKOS_IF_ON_HOST(({
    ++basin::bench::counters.heap;
    if (!p) throw std::bad_alloc();
  }))
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

#else

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;

void* malloc(std::size_t bytes) noexcept {
  ++basin::bench::counters.heap;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  ++basin::bench::counters.heap;
  return __libc_calloc(count, bytes);
}
void* realloc(void* p, std::size_t bytes) noexcept {
  ++basin::bench::counters.heap;
  return __libc_realloc(p, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++basin::bench::counters.heap;
  return __libc_memalign(alignment, bytes);
}
}

#endif

#endif
