// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_CHAIN_ACCESS_HPP
#define BASIN_TILE_CHAIN_ACCESS_HPP

#include <basin/tile/place.hpp>

#include <Kokkos_Core.hpp>

#include <type_traits>

namespace basin::tile {

/// The way of chains from a View (chains, rows) to the rows [row][T] of a tile and back; see Context
/// for the parameters. The caller puts a barrier behind.
template <class Team, class V, int T>
class ChainAccess {
  using Scalar                  = typename V::value_type;
  using P                       = typename V::simd_type;
  static constexpr int row_size = Place<V, T>::row_size, vectors = T / V::lanes;

 public:
  template <class Source>
  static KOKKOS_FORCEINLINE_FUNCTION void load(Team const& team, Source const& source, int first,
                                               int count, int rows, Scalar* x) {
    int done = 0;
    if constexpr (transposes<Source>) {
      // A full tile of contiguous chains: blocks of lanes x lanes values, transposed in registers.
      if (first + T <= count) {
        for (; done + V::lanes <= rows; done += V::lanes)
          for (int lane = 0; lane < T; lane += V::lanes) {
            P block[P::lanes];
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) block[l] =
                load_unaligned<P>(&source(first + lane + l, done));
            transpose(block);
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l)
                tile::store(x + (done + l) * row_size + lane, block[l]);
          }
      }
    }
    team.each((rows - done) * vectors, [&](int i) {
      int const d = done + i / vectors, lane = i % vectors * V::lanes, chain = first + lane;
      // Most vectors are full: no comparison for each lane.
      P const v = chain + P::lanes <= count
                      ? P::generate([&](int l) { return source(chain + l, d); })
                      : P::generate([&](int l) {
                          return source(chain + l < count ? chain + l : count - 1, d);
                        });
      tile::store(x + d * row_size + lane, v);
    });
  }

  template <class Target>
  static KOKKOS_FORCEINLINE_FUNCTION void store(Team const& team, Scalar const* x, int first,
                                                int count, int rows, Target const& target) {
    int done = 0;
    if constexpr (transposes<Target>) {
      if (first + T <= count) {
        for (; done + V::lanes <= rows; done += V::lanes)
          for (int lane = 0; lane < T; lane += V::lanes) {
            P block[P::lanes];
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l) block[l] =
                tile::load<P>(x + (done + l) * row_size + lane);
            transpose(block);
            BASIN_UNROLL for (int l = 0; l < P::lanes; ++l)
                store_unaligned(&target(first + lane + l, done), block[l]);
          }
      }
    }
    team.each((rows - done) * vectors, [&](int i) {
      int const d = done + i / vectors, lane = i % vectors * V::lanes, chain = first + lane;
      int const lanes = chain + V::lanes <= count ? +V::lanes : count - chain;
      for (int l = 0; l < lanes; ++l) target(chain + l, d) = x[d * row_size + lane + l];
    });
  }

 private:
  // Whether chains of a View are contiguous rows that a serial context may transpose.
  template <class View>
  static constexpr bool transposes = [] {
    if constexpr (Team::serial && Kokkos::is_view_v<View>)
      return std::is_same_v<typename View::array_layout, Kokkos::LayoutRight> &&
             std::is_same_v<typename View::non_const_value_type, Scalar>;
    return false;
  }();
};

}  // namespace basin::tile

#endif
