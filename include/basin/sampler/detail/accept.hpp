// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_DETAIL_ACCEPT_HPP
#define BASIN_SAMPLER_DETAIL_ACCEPT_HPP

#include <basin/core/philox.hpp>

#include <cstdint>
#include <type_traits>

// The accept-reject step of Metropolis and Hastings, for the moves that share it.

namespace basin::sampler::detail {

/// E and dE/dx of the current state, and no proposal accepted so far.
template <class Context, class Tile, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void begin_proposals(Context const& c, Tile const& t,
                                                 Scalar* dx,      // (dimension, T)
                                                 Scalar* e,       // (1, T)
                                                 Scalar* kept) {  // (1, T)
  using V                    = typename Context::value_type;
  Scalar const *const new_dx = t.gradient, *const new_e = t.value;
  t.energy.value_and_gradient(c, t.workspace);
  c.map(+std::remove_cvref_t<decltype(t.energy)>::dimension,
        [=](auto at) { at.store(dx, at.load(new_dx)); });
  c.map(1, [=](auto at) {
    at.store(e, at.load(new_e));
    at.store(kept, V(0));
  });
}

/// log_ratio = 1 where a uniform number of the chain is below exp(log_ratio), else 0, also where it
/// is NaN; kept += that; f(place, yes) for the one place of each chain.
template <class Context, class Scalar, class F>
KOKKOS_FORCEINLINE_FUNCTION void accept(Context const& c, Stream stream, int first,
                                        Scalar* log_ratio,  // (1, T)
                                        Scalar* kept,       // (1, T)
                                        F const& f) {
  stream.purpose = Purpose::sampler_accept;
  c.uniform(1, stream, static_cast<std::uint32_t>(first), [=](auto at, auto u) {
    using U     = decltype(u);
    U const yes = where_less(log(u), at.load(log_ratio), U(1), U(0));
    at.store(log_ratio, yes);
    at.store(kept, at.load(kept) + yes);
    f(at, yes);
  });
}

/// What holds for accepted chains, else what held before.
template <class Scalar, class Place, class V>
KOKKOS_FORCEINLINE_FUNCTION V chosen(Place at, Scalar const* accepted, V now, V before) {
  return where_less(V(Scalar(0.5)), V(at.at(0).load(accepted)), now, before);
}

/// Where a proposal is accepted, see accept, its E and dE/dx become those of the current state; else x
/// becomes the old state again.
template <class Context, class Tile, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void accept_proposals(Context const& c, Tile const& t,
                                                  Stream const& stream,
                                                  Scalar const* old,  // (dimension, T)
                                                  Scalar* dx,         // (dimension, T)
                                                  Scalar* e,          // (1, T)
                                                  Scalar* log_ratio,  // (1, T)
                                                  Scalar* kept) {     // (1, T)
  constexpr int D            = std::remove_cvref_t<decltype(t.energy)>::dimension;
  Scalar* const x            = t.x;
  Scalar const *const new_dx = t.gradient, *const new_e = t.value;
  accept(c, stream, t.first, log_ratio, kept, [=](auto at, auto yes) {
    using U = decltype(yes);
    at.store(e, where_less(U(Scalar(0.5)), yes, at.load(new_e), at.load(e)));
  });
  c.map(+D, [=](auto at) {
    at.store(x, chosen(at, log_ratio, at.load(x), at.load(old)));
    at.store(dx, chosen(at, log_ratio, at.load(new_dx), at.load(dx)));
  });
}

/// column i = row / steps: the share of the steps that were counted in the row (1, T).
template <class Context, class Tile, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void store_share(Context const& c, Tile const& t, int i, Scalar* row) {
  using V            = typename Context::value_type;
  Scalar const share = Scalar(1) / static_cast<Scalar>(t.steps > 0 ? t.steps : 1);
  c.map(1, [=](auto at) { at.store(row, V(share) * at.load(row)); });
  t.store_column(c, i, row);
}

}  // namespace basin::sampler::detail

#endif
