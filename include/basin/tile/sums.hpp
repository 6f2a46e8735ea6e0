// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_SUMS_HPP
#define BASIN_TILE_SUMS_HPP

#include <basin/tile/columns.hpp>
#include <basin/tile/place.hpp>
#include <basin/tile/tuning.hpp>

#include <cstddef>

namespace basin::tile {

/// Sums over positions, channels and samples, in one order in every context; see Context for what
/// is summed and in which order. The caller puts a barrier behind.
template <class Team, class V, int T>
class Sums {
  using Scalar                  = typename V::value_type;
  using place_type              = Place<V, T>;
  static constexpr int row_size = place_type::row_size, vectors = T / V::lanes;

 public:
  template <int Terms, int Groups, int Members, int Positions, class F, class Out>
  static KOKKOS_FORCEINLINE_FUNCTION void of_groups(Team const& team, F const& f, Out const& out) {
    constexpr int channels = Groups * Members;
    if constexpr (Team::serial) {
      // Rows of one group are far apart: a few positions at a time, and eight groups of these in
      // registers, so that memory is read nearly in order.
      constexpr int chunk = Groups < 64 ? Groups : 64, near = 8, positions_near = 16;
      for (int lane = 0; lane < T; lane += V::lanes)
        for (int from = 0; from < Groups; from += chunk) {
          int const end = from + chunk < Groups ? from + chunk : Groups;
          V sums[chunk][Terms];
          for (int g = 0; g < end - from; ++g)
            for (int s = 0; s < Terms; ++s) sums[g][s] = V(Scalar(0));
          for (int p = 0; p < Positions; p += positions_near) {
            int const p_end = p + positions_near < Positions ? p + positions_near : Positions;
            int g           = from;
            for (; g + near <= end; g += near)
              add_groups<near, Terms>(g, Members, p, p_end, 1, channels, lane, f,
                                      sums + (g - from));
            for (; g < end; ++g)
              add_groups<1, Terms>(g, Members, p, p_end, 1, channels, lane, f, sums + (g - from));
          }
          for (int g = from; g < end; ++g) out(g, lane, sums[g - from]);
        }
    } else {
      constexpr int S = splits(Team::tuning, Groups * vectors, Positions);
      team.template each_split<S>(Groups * vectors, [&](int i, auto split) {
        int const group = i / vectors, lane = i % vectors * V::lanes;
        V sums[decltype(split)::slots][1][Terms];
        split.parts([&](int part, int slot) {
          for (int s = 0; s < Terms; ++s) sums[slot][0][s] = V(Scalar(0));
          add_groups<1, Terms>(group, Members, part, Positions, S, channels, lane, f, sums[slot]);
        });
        split.template sum<1, Terms>(sums,
                                     [&](int, V const(&total)[Terms]) { out(group, lane, total); });
      });
    }
  }

  static KOKKOS_FORCEINLINE_FUNCTION void of_rows(Team const& team, int rows, Scalar const* g,
                                                  Columns some, Scalar* sums) {
    constexpr int parts = 32;
    int const count = some.end - some.begin, samples = some.stride;
    g += some.begin;
    if constexpr (Team::serial) {
      constexpr int L = 64 / static_cast<int>(sizeof(Scalar));
      using Partial   = Simd<Scalar, L>;
      for (int m = 0; m < rows; ++m) {
        Scalar const* const row = g + static_cast<std::size_t>(m) * samples;
        Partial partial[parts / L];
        for (Partial& p : partial) p = Partial(Scalar(0));
        int n = 0;
        for (; n + parts <= count; n += parts)
          for (int p = 0; p < parts / L; ++p)
            partial[p] = partial[p] + load_unaligned<Partial>(row + n + p * L);
        Scalar sum[parts];
        for (int p = 0; p < parts; ++p) {
          sum[p] = partial[p / L][p % L];
          if (n + p < count) sum[p] += row[n + p];
        }
        for (int half = parts / 2; half > 0; half /= 2)
          for (int p = 0; p < half; ++p) sum[p] += sum[p + half];
        sums[m] = sum[0];
      }
    } else {
      using One = Simd<Scalar, 1>;
      team.template each_split<parts>(rows, [&](int m, auto split) {
        Scalar const* const row = g + static_cast<std::size_t>(m) * samples;
        One partial[decltype(split)::slots][1][1];
        split.parts([&](int part, int slot) {
          constexpr int ahead = 8;  // loads in flight
          Scalar sum          = 0;
          int n               = part;
          for (; n + (ahead - 1) * parts < count; n += ahead * parts) {
            Scalar next[ahead];
            BASIN_UNROLL for (int a = 0; a < ahead; ++a) next[a] = row[n + a * parts];
            BASIN_UNROLL for (int a = 0; a < ahead; ++a) sum += next[a];
          }
          for (; n < count; n += parts) sum += row[n];
          partial[slot][0][0] = One(sum);
        });
        split.template sum<1, 1>(partial,
                                 [&](int, One const(&total)[1]) { sums[m] = total[0][0]; });
      });
    }
  }

  static KOKKOS_FORCEINLINE_FUNCTION void scale_rows(Team const& team, int rows, Scalar const* w,
                                                     Columns some, Scalar* g) {
    int const count = some.end - some.begin, samples = some.stride;
    w += some.begin;
    g += some.begin;
    if constexpr (Team::serial) {
      for (int m = 0; m < rows; ++m) {
        Scalar* const row = g + static_cast<std::size_t>(m) * samples;
        for (int n = 0; n < count; ++n) row[n] = w[n] * row[n];
      }
    } else {
      team.each(rows * count, [&](int i) {
        Scalar& element = g[static_cast<std::size_t>(i / count) * samples + i % count];
        element         = w[i % count] * element;
      });
    }
  }

 private:
  // sums[g] += the terms of groups first, ..., first + G - 1 at the positions p, p + step, ... <
  // end
  template <int G, int Terms, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void add_groups(int first, int n, int p, int end, int step,
                                                     int channels, int lane, F const& f,
                                                     V (*sums)[Terms]) {
    V acc[G][Terms];
    BASIN_UNROLL for (int g = 0; g < G; ++g) {
      BASIN_UNROLL for (int s = 0; s < Terms; ++s) acc[g][s] = sums[g][s];
    }
    for (; p < end; p += step) {
      BASIN_UNROLL for (int g = 0; g < G; ++g) {
        for (int k = 0; k < n; ++k) {
          V terms[Terms];
          int const channel = (first + g) * n + k;
          f(place_type{p * channels + channel, lane}, channel, terms);
          BASIN_UNROLL for (int s = 0; s < Terms; ++s) acc[g][s] = acc[g][s] + terms[s];
        }
      }
    }
    BASIN_UNROLL for (int g = 0; g < G; ++g) {
      BASIN_UNROLL for (int s = 0; s < Terms; ++s) sums[g][s] = acc[g][s];
    }
  }
};

}  // namespace basin::tile

#endif
