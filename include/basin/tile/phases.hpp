// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_PHASES_HPP
#define BASIN_TILE_PHASES_HPP

#include <basin/tile/library.hpp>
#include <basin/tile/team.hpp>

// Layer-wise execution of a work that was written for one tile. What lies between two barriers is a
// phase. The host walks through the work once and computes nothing: at every barrier it launches a
// kernel over all tiles, whose threads walk through the same work and execute that one phase. So
// the barrier between phases is the end of a kernel, a tile may be shared by any number of threads,
// and no layer knows of it.
//
// Matrix products are in kernels of their own: the registers that they take would leave the rest of
// the work too few threads to hide the latency of main memory.
//
// This relies on two rules that teams need anyway: which primitives are called does not depend on
// values in a workspace, and one primitive passes data to the next only through a workspace.

namespace basin::tile {

/// Where a phase is: counted from the start, each loop as one; within a loop 'inner' counts from
/// the start of an iteration.
struct Position {
  int phase     = 0;
  int iteration = 0;
  int inner     = -1;  ///< -1: in no loop
};

/// The position of a walk, and the phase that it executes.
class Walk {
 public:
  KOKKOS_FORCEINLINE_FUNCTION explicit Walk(Position wanted) : wanted_(wanted) {}

  KOKKOS_FORCEINLINE_FUNCTION bool here() const {
    return inside_ ? inner_ == wanted_.inner : wanted_.inner < 0 && phase_ == wanted_.phase;
  }
  // If the compiler knew the value, it would duplicate what follows a phase for each path to it,
  // and take gigabytes of memory.
  KOKKOS_FORCEINLINE_FUNCTION void pass() {
    int& at = inside_ ? inner_ : phase_;
    ++at;
    hide(at);
  }

  // Of a loop only the wanted iteration; of a nested loop all.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void repeat(int n, F const& f) {
    if (inside_) {
      for (int k = 0; k < n; ++k) f(k);
      return;
    }
    if (phase_ == wanted_.phase && wanted_.inner >= 0) {
      inside_ = true;
      inner_  = 0;
      f(wanted_.iteration);
      inside_ = false;
    }
    ++phase_;
  }

 private:
  Position wanted_;
  int phase_ = 0, inner_ = 0;
  bool inside_ = false;
};

/// The part of a phase that a kernel executes.
enum class Part { products, rest };

/// Threads that execute one part of one phase of a tile.
///
/// \tparam elsewhere  products of dense layers come from a library
template <Tuning tuned, bool elsewhere, Part part>
class PhaseTeam {
 public:
  static constexpr bool serial             = false;
  static constexpr bool products_elsewhere = elsewhere;
  static constexpr Tuning tuning           = tuned;

  /// \param products  of this tile (rows, terms, T), as the library left them
  KOKKOS_FORCEINLINE_FUNCTION PhaseTeam(Walk& walk, Threads<tuned> threads, void const* products)
      : walk_(&walk), threads_(threads), products_(products) {}

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const& f) const {
    if constexpr (part == Part::rest)
      if (walk_->here()) threads_.each(n, f);
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_split(int n, F const& f) const {
    if constexpr (part == Part::rest)
      if (walk_->here()) threads_.template each_split<S>(n, f);
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_product(int n, F const& f) const {
    if constexpr (part == Part::products)
      if (walk_->here()) threads_.template each_product<S>(n, f);
  }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_warp(int n, F const& f) const {
    if constexpr (part == Part::products)
      if (walk_->here()) threads_.each_warp(n, f);
  }
  KOKKOS_FORCEINLINE_FUNCTION void barrier() const { walk_->pass(); }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void repeat(int n, F const& f) const {
    walk_->repeat(n, f);
  }
  template <class Scalar>
  KOKKOS_FORCEINLINE_FUNCTION Scalar const* product(Product<Scalar> const&) const {
    return static_cast<Scalar const*>(products_);
  }

 private:
  Walk* walk_;
  Threads<tuned> threads_;
  void const* products_;
};

/// The host's walk: counts work items, and launches the phase at every barrier.
///
/// \tparam Launch  launch<Part>(Position, items), multiply(Product)
template <Tuning tuned, bool elsewhere, class Launch>
class LaunchTeam {
 public:
  static constexpr bool serial             = false;
  static constexpr bool products_elsewhere = elsewhere;
  static constexpr Tuning tuning           = tuned;

  struct State {
    Launch& launch;
    Position at{};
    int products = 0, rest = 0;  ///< work items of the phase
    /// Named outside of host-only code, so that the compiler's device pass instantiates the
    /// kernels.
    void (Launch::*start_products)(Position, int) = &Launch::template launch<Part::products>;
    void (Launch::*start_rest)(Position, int)     = &Launch::template launch<Part::rest>;
  };
  KOKKOS_FORCEINLINE_FUNCTION explicit LaunchTeam(State& state) : state_(&state) {}

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each(int n, F const&) const {
    if (n > state_->rest) state_->rest = n;
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_split(int n, F const& f) const {
    each(n * S, f);
  }
  template <int S, class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_product(int n, F const&) const {
    if (n * S > state_->products) state_->products = n * S;
  }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void each_warp(int n, F const& f) const {
    each_product<32>(n, f);
  }
  KOKKOS_FUNCTION void barrier() const {
    KOKKOS_IF_ON_HOST(
        (if (state_->products > 0)(state_->launch.*state_->start_products)(state_->at,
                                                                           state_->products);
         if (state_->rest > 0)(state_->launch.*state_->start_rest)(state_->at, state_->rest);))
    state_->products = 0;
    state_->rest     = 0;
    ++(state_->at.inner < 0 ? state_->at.phase : state_->at.inner);
  }
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void repeat(int n, F const& f) const {
    if (state_->at.inner >= 0) {
      for (int k = 0; k < n; ++k) f(k);
      return;
    }
    for (int k = 0; k < n; ++k) {
      state_->at.iteration = k;
      state_->at.inner     = 0;
      f(k);
    }
    state_->at.inner = -1;
    ++state_->at.phase;
  }
  template <class Scalar>
  KOKKOS_FUNCTION Scalar const* product(Product<Scalar> const& p) const {
    (void)p;
    KOKKOS_IF_ON_HOST((state_->launch.multiply(p);))
    return nullptr;
  }

 private:
  State* state_;
};

}  // namespace basin::tile

#endif
