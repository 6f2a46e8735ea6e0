// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_GPU_HPP
#define BASIN_TILE_GPU_HPP

#include <Kokkos_Core.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <ucontext.h>
#include <vector>

// In the place of basin/tile/gpu.hpp: BASIN_TEST_EXEC, a host's, is taken for a GPU with the memory
// of an H100's blocks and with matrix units. The threads of a block are contexts of one thread that
// run in turn, each until it must wait; who comes first changes from turn to turn, so that a result
// that rests on a barrier which is not there has other bits, or none: shared memory is NaN before a
// block begins. What is written behind its end, and threads that wait in different places, end the
// program with a sentence.

#define BASIN_DEVICE_PASS 1
#define BASIN_MATRIX_UNITS 1
#define BASIN_GPU(name) ::basin::test::played::name

namespace basin::test::played {

[[noreturn]] inline void stop(char const* sentence) {
  std::fprintf(stderr, "played GPU: %s\n", sentence);
  std::abort();
}

/// The threads of one block.
class Block {
 public:
  static constexpr int warp = 32;

  static Block& current() { return *present(); }
  int thread() const { return thread_; }

  /// body() on each of n threads. Allocates at first only.
  template <class Body>
  void run(int n, Body const& body) {
    call_  = [](void const* b) { (*static_cast<Body const*>(b))(); };
    body_  = &body;
    whole_ = {n, 0, 0};
    warps_.assign(static_cast<std::size_t>(n / warp), Warp{});
    while (static_cast<int>(stacks_.size()) < n)
      stacks_.push_back(std::make_unique<std::array<char, stack_bytes>>());
    contexts_.assign(static_cast<std::size_t>(n), {});
    done_.assign(static_cast<std::size_t>(n), false);
    present() = this;
    for (int t = 0; t < n; ++t) {
      ucontext_t& c = contexts_[static_cast<std::size_t>(t)];
      getcontext(&c);
      c.uc_stack.ss_sp   = stacks_[static_cast<std::size_t>(t)]->data();
      c.uc_stack.ss_size = stack_bytes;
      c.uc_link          = &scheduler_;
      makecontext(&c, &Block::begin, 0);
    }
    for (int left = n; left > 0;) {
      std::uint64_t const before = progress_;
      int const first            = static_cast<int>(turn_ * 2654435761u % static_cast<unsigned>(n));
      bool const down            = turn_++ % 2 == 1;
      for (int i = 0; i < n; ++i) {
        thread_       = (first + (down ? n - i : i)) % n;
        auto const at = static_cast<std::size_t>(thread_);
        if (done_[at]) continue;
        swapcontext(&scheduler_, &contexts_[at]);
        if (done_[at]) --left, ++progress_;
      }
      if (progress_ == before) stop("threads wait for each other in different places.");
    }
    present() = nullptr;
  }

  void wait() { wait(whole_); }

  /// What thread mask ^ lane of the warp gives at the same time.
  template <class T>
  T exchange(T v, int mask) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    int const lane = thread_ % warp;
    Warp& w        = warps_[static_cast<std::size_t>(thread_ / warp)];
    // Two sets in turn: who writes the next has waited until everyone had read the last.
    auto& values = w.values[w.waiting.round % 2];
    std::memcpy(&values[static_cast<std::size_t>(lane)], &v, sizeof(T));
    wait(w.waiting);
    std::memcpy(&v, &values[static_cast<std::size_t>(lane ^ mask)], sizeof(T));
    return v;
  }

  /// c += a b, by a warp, of the fragments in the PTX ISA's order.
  template <bool pairs>
  void multiply(float (&c)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2]) {
    int const lane = thread_ % warp;
    Warp& w        = warps_[static_cast<std::size_t>(thread_ / warp)];
    auto& all      = w.fragments[w.waiting.round % 2];
    for (int i = 0; i < 4; ++i) all[lane][i] = a[i];
    for (int i = 0; i < 2; ++i) all[lane][4 + i] = b[i];
    wait(w.waiting);
    constexpr int steps = pairs ? 16 : 8, in_register = pairs ? 2 : 1;
    auto const number = [&](int l, int i, int k) {
      std::uint32_t const r    = all[l][i];
      std::uint32_t const bits = !pairs ? r & 0xffffe000u : k % 2 == 0 ? r << 16 : r & 0xffff0000u;
      return Kokkos::bit_cast<float>(bits);
    };
    for (int i = 0; i < 4; ++i) {
      int const row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = c[i];
      for (int k = 0; k < steps; ++k) {
        int const q = k % (steps / 2) / in_register, half = k / (steps / 2);
        sum += double(number(row % 8 * 4 + q, row / 8 + 2 * half, k)) *
               double(number(column * 4 + q, 4 + half, k));
      }
      c[i] = static_cast<float>(sum);
    }
  }

 private:
  static constexpr std::size_t stack_bytes = 256 * 1024;
  struct Waiting {
    int threads         = warp;
    int arrived         = 0;
    std::uint64_t round = 0;
  };
  struct Warp {
    Waiting waiting;
    std::array<std::uint64_t, warp> values[2];
    std::uint32_t fragments[2][warp][6];
  };

  static Block*& present() {
    static Block* block = nullptr;
    return block;
  }
  static void begin() {
    Block& block = current();
    block.call_(block.body_);
    block.done_[static_cast<std::size_t>(block.thread_)] = true;
  }
  void wait(Waiting& w) {
    ++progress_;
    if (++w.arrived == w.threads) {
      w.arrived = 0;
      ++w.round;
      return;
    }
    int const me = thread_;
    for (std::uint64_t const round = w.round; w.round == round;)
      swapcontext(&contexts_[static_cast<std::size_t>(me)], &scheduler_);
  }

  void (*call_)(void const*) = nullptr;
  void const* body_          = nullptr;
  ucontext_t scheduler_{};
  std::vector<ucontext_t> contexts_;
  std::vector<std::unique_ptr<std::array<char, stack_bytes>>> stacks_;
  std::vector<char> done_;
  Waiting whole_;
  std::vector<Warp> warps_;
  int thread_             = 0;
  unsigned turn_          = 0;
  std::uint64_t progress_ = 0;
};

// ---- what basin asks of a runtime --------------------------------------------------

enum Error { Success, ErrorInvalidValue };
enum Mode { StreamCaptureModeThreadLocal };
inline char const* GetErrorString(Error e) {
  return e == Success ? "no error" : "invalid argument";
}

using Graph_t     = std::vector<std::function<void()>>*;
using GraphExec_t = Graph_t;
inline Graph_t& captured() {
  static Graph_t graph = nullptr;
  return graph;
}
inline Error StreamBeginCapture(int, Mode) {
  return captured() = new std::vector<std::function<void()>>, Success;
}
inline Error StreamEndCapture(int, Graph_t* graph) {
  *graph     = captured();
  captured() = nullptr;
  return Success;
}
inline Error GraphInstantiateWithFlags(GraphExec_t* made, Graph_t graph, unsigned) {
  *made = new std::vector<std::function<void()>>(*graph);
  return Success;
}
inline Error GraphLaunch(GraphExec_t graph, int) {
  for (auto const& kernel : *graph) kernel();
  return Success;
}
inline Error GraphDestroy(Graph_t graph) { return delete graph, Success; }
inline Error GraphExecDestroy(GraphExec_t graph) { return delete graph, Success; }

template <class Kernel>
void run(int count, Kernel const& kernel) {
  static Block block;
  constexpr std::size_t bytes = Kernel::bytes, whole = (bytes + 255) / 128 * 128;
  alignas(128) static unsigned char shared[whole];  // at least a byte more than the block has
  for (int i = 0; i < count; ++i) {
    std::memset(shared, 0xff, whole);
    block.run(Kernel::threads, [&] { kernel(i, shared); });
    for (std::size_t b = bytes; b < whole; ++b)
      if (shared[b] != 0xff) stop("a block wrote behind its shared memory.");
  }
}

}  // namespace basin::test::played

namespace basin::tile {

template <class Exec>
inline constexpr bool is_gpu = std::is_same_v<Exec, BASIN_TEST_EXEC>;
template <class Exec>
inline constexpr bool has_blocks     = is_gpu<Exec>;
inline constexpr int threads_in_step = test::played::Block::warp;
template <class Exec>
constexpr int shared_memory() {
  return is_gpu<Exec> ? 227 * 1024 : 0;
}

inline int stream_of(BASIN_TEST_EXEC const&) { return 0; }
inline int multiprocessors(BASIN_TEST_EXEC const&) { return 4; }

inline void hide(int&) {}
inline int thread_of_block() { return test::played::Block::current().thread(); }
inline void wait_for_block() { test::played::Block::current().wait(); }
template <class T>
T of_partner(T v, int mask) {
  return test::played::Block::current().exchange(v, mask);
}
inline std::uint32_t unit_tf32(float x) {
  std::uint32_t const b = Kokkos::bit_cast<std::uint32_t>(x);
  return (b & 0x7f800000u) == 0x7f800000u ? b : (b + 0x1000u) & 0xffffe000u;
}
inline std::uint32_t unit_bf16(float first, float second) {
  auto const rounded = [](float x) {
    std::uint32_t const b = Kokkos::bit_cast<std::uint32_t>(x);
    return (b & 0x7f800000u) == 0x7f800000u ? b >> 16 : (b + 0x7fffu + (b >> 16 & 1u)) >> 16;
  };
  return rounded(second) << 16 | rounded(first);
}
inline void unit_multiply_bf16(float (&c)[4], std::uint32_t const (&a)[4],
                               std::uint32_t const (&b)[2]) {
  test::played::Block::current().multiply<true>(c, a, b);
}
inline void unit_multiply_tf32(float (&c)[4], std::uint32_t const (&a)[4],
                               std::uint32_t const (&b)[2]) {
  test::played::Block::current().multiply<false>(c, a, b);
}

namespace detail {

template <class Block>
test::played::Error launch(int count, Block const& block, int) {
  if (Block::bytes > std::size_t(shared_memory<BASIN_TEST_EXEC>()))
    return test::played::ErrorInvalidValue;
  if (test::played::captured())
    test::played::captured()->push_back([=] { test::played::run(count, block); });
  else
    test::played::run(count, block);
  return test::played::Success;
}

}  // namespace detail

}  // namespace basin::tile

#endif
