// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_MATRIX_UNIT_PRODUCTS_HPP
#define BASIN_TILE_MATRIX_UNIT_PRODUCTS_HPP

#include <basin/tile/packing.hpp>
#include <basin/tile/place.hpp>

#include <cstddef>
#include <cstdint>

namespace basin::tile {

/// Products of a tile on matrix units: tiles of 16 rows and 4 lanes chains, one per warp. Column n
/// of fragment j of b is chain n columns + j: so a thread reads neighboring chains at once, and its
/// results are vectors of them.
template <class Team, class V, int T>
class MatrixUnitProducts {
  using Scalar                  = typename V::value_type;
  using place_type              = Place<V, T>;
  using packing                 = Packing<Scalar, layout_of(Team::tuning)>;
  static constexpr int row_size = place_type::row_size;

 public:
  /// y[p] = sum over the taps (k, q) of p of W_k x[q].
  ///
  /// \param w  fragments, as Packing leaves them, for products with M results and K terms
  template <int M, int K, class Taps, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void multiply(Team const& team, Scalar const* w,
                                                   Scalar const* x, Epilogue const& epilogue) {
    using F             = Fragments<Team::tuning.precision>;
    constexpr int tiles = (M + 15) / 16, columns = V::lanes / 2, chains = 4 * V::lanes;
    using Chains = Simd<Scalar, columns>;
    static_assert(T % chains == 0,
                  "basin::tile::Tuning: matrix units need 4 * lanes to divide the tile's width.");
    constexpr int blocks = T / chains;
    team.each_warp(Taps::positions * tiles * blocks, [&](int i, auto warp) {
      using W     = decltype(warp);
      int const v = i % blocks * chains, row = i / blocks % tiles * 16, p = i / blocks / tiles;
      float c[columns][W::slots][4];
      warp.lanes([&](int lane, int slot) {
        BASIN_UNROLL for (int r = 0; r < 4; ++r) {
          int const m       = row + F::row_of_c(lane, r);
          float const start = m < M ? epilogue.initial(m) : Scalar(0);
          BASIN_UNROLL for (int j = 0; j < columns; ++j) c[j][slot][r] = start;
        }
      });
      Taps::for_each(p, [&](int tap, int q) {
        constexpr int k_tiles = (K + F::steps - 1) / F::steps;
        Scalar const* const a_of =
            w + static_cast<std::size_t>(tap) * packing::numbers(M, K) + row / 16 * k_tiles * 128;
        Scalar const* const xq = x + static_cast<std::size_t>(q) * K * row_size + v;
        BASIN_UNROLL_BY_4 for (int t = 0; t < k_tiles; ++t) {
          std::uint32_t a[W::slots][4], b[columns][W::slots][2];
          warp.lanes([&](int lane, int slot) {
            auto const bits_of_a =
                bits<std::uint32_t>(tile::load<Simd<float, 4>>(a_of + (t * 32 + lane) * 4));
            BASIN_UNROLL for (int r = 0; r < 4; ++r) a[slot][r] = bits_of_a[r];
            Scalar const* const from = xq + F::column_of_b(lane) * columns;
            auto const at            = [&](int k) {
              return K % F::steps == 0 || k < K ? tile::load<Chains>(from + k * row_size)
                                                           : Chains(Scalar(0));
            };
            BASIN_UNROLL for (int r = 0; r < 2; ++r) {
              int const k        = t * F::steps + F::step_of_b(lane, r);
              Chains const first = at(k), second = F::pairs ? at(k + F::second) : Chains(Scalar(0));
              BASIN_UNROLL for (int j = 0; j < columns; ++j) b[j][slot][r] =
                  F::encode(first[j], second[j]);
            }
          });
          BASIN_UNROLL for (int j = 0; j < columns; ++j) F::multiply_add(warp, c[j], a, b[j]);
        }
      });
      warp.lanes([&](int lane, int slot) {
        BASIN_UNROLL for (int half = 0; half < 2; ++half) {
          int const m = row + F::row_of_c(lane, 2 * half);
          if (m < M)
            epilogue(place_type{p * M + m, v + lane % 4 * V::lanes}, V::generate([&](int l) {
                       return c[l % columns][slot][2 * half + l / columns];
                     }));
        }
      });
    });
  }
};

}  // namespace basin::tile

#endif
