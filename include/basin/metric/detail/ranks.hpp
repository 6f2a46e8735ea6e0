// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_DETAIL_RANKS_HPP
#define BASIN_METRIC_DETAIL_RANKS_HPP

#include <basin/metric/detail/draws.hpp>

#include <Kokkos_Sort.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace basin::metric::detail {

/// The quantile z of N(0, 1), Phi(z) = p, for p in (0, 1) to 1e-15 max(1, |z|): Abramowitz and
/// Stegun 26.2.23, then two steps of Halley on erfc.
KOKKOS_INLINE_FUNCTION double normal_quantile(double p) {
  double const tail = p < 0.5 ? p : 1 - p;
  double const t    = Kokkos::sqrt(-2 * Kokkos::log(tail));
  double z          = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                     (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int i = 0; i < 2; ++i) {
    double const off = 0.5 * Kokkos::erfc(z * 0.707106781186547524) - tail;
    double const u   = off * 2.50662827463100050 * Kokkos::exp(0.5 * z * z);
    z += u / (1 - 0.5 * z * u);
  }
  return p < 0.5 ? -z : z;
}

/// All numbers of a table in ascending order. On a host std::sort of one thread, see Kokkos::sort.
template <class Exec>
Kokkos::View<double*, Exec> sorted(Exec const& exec, ChainTable<Exec> const& table) {
  Kokkos::View<double*, Exec> const numbers(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "basin::metric::sorted"), table.size());
  Kokkos::deep_copy(exec, numbers, all_of<Exec>(table));
  Kokkos::sort(exec, numbers);
  return numbers;
}

/// Numbers first and first + 1 of sorted ones, the last for what is past it.
template <class Exec>
Kokkos::Array<double, 2> neighbors(Kokkos::View<double*, Exec> const& sorted, std::size_t first) {
  std::size_t const second = first + 1 < sorted.extent(0) ? first + 1 : first;
  auto const both          = to_host(Kokkos::subview(sorted, Kokkos::pair(first, second + 1)));
  return {both.front(), both.back()};
}

/// The quantile of sorted numbers at p in [0, 1], type 7 of Hyndman and Fan 1996: linear between
/// the order statistics, of which the first is at 0 and the last at 1.
template <class Exec>
double quantile(Kokkos::View<double*, Exec> const& sorted, double p) {
  double const at = p * static_cast<double>(sorted.extent(0) - 1), below = std::floor(at);
  auto const between = neighbors<Exec>(sorted, static_cast<std::size_t>(below));
  return between[0] + (at - below) * (between[1] - between[0]);
}

template <class Exec>
double median(Kokkos::View<double*, Exec> const& sorted) {
  std::size_t const n = sorted.extent(0);
  auto const middle   = neighbors<Exec>(sorted, (n - 1) / 2);
  return n % 2 == 1 ? middle[0] : 0.5 * middle[0] + 0.5 * middle[1];
}

template <class Exec>
struct NormalScores {
  ChainTable<Exec> table;              // x, then z
  Kokkos::View<double*, Exec> sorted;  // x

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    double const x = table.data()[i];
    // Numbers below x, and numbers not above it: ties share the mean of their ranks.
    std::size_t const n = sorted.extent(0);
    std::size_t below = 0, end = n;
    while (below < end) {
      std::size_t const middle = below + (end - below) / 2;
      if (sorted(middle) < x)
        below = middle + 1;
      else
        end = middle;
    }
    std::size_t up_to = below, past = n;
    while (up_to < past) {
      std::size_t const middle = up_to + (past - up_to) / 2;
      if (sorted(middle) <= x)
        up_to = middle + 1;
      else
        past = middle;
    }
    double const rank = 0.5 * static_cast<double>(below + up_to + 1);
    table.data()[i]   = normal_quantile((rank - 0.375) / (static_cast<double>(n) + 0.25));
  }
};

/// Replaces every number by its normal score z = Phi^-1((r - 3/8) / (S + 1/4)), r its rank among all
/// S, the mean rank for ties (Blom 1958).
template <class Exec>
void to_normal_scores(Exec const& exec, ChainTable<Exec> const& table,
                      Kokkos::View<double*, Exec> const& sorted) {
  for_each_item(exec, "basin::scores", static_cast<std::int64_t>(table.size()),
                NormalScores<Exec>{table, sorted});
}

template <class Exec>
struct Fold {
  ChainTable<Exec> table, folded;
  double center;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    folded.data()[i] = Kokkos::abs(table.data()[i] - center);
  }
};

/// |x - median|.
template <class Exec>
ChainTable<Exec> fold(Exec const& exec, ChainTable<Exec> const& table, double median) {
  auto const folded = chain_table(exec, table.extent(0), table.extent(1));
  for_each_item(exec, "basin::fold", static_cast<std::int64_t>(table.size()),
                Fold<Exec>{table, folded, median});
  return folded;
}

}  // namespace basin::metric::detail

#endif
