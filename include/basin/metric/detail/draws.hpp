// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_DETAIL_DRAWS_HPP
#define BASIN_METRIC_DETAIL_DRAWS_HPP

#include <basin/core/check.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

// What diagnostics of chains share: the draws of one function of the state at a time, in double, on
// the device. Every sum runs in one order, whatever the number of threads.
namespace basin::metric::detail {

/// The draws of one function: (chains, draws), in the layout of the device, without gaps.
template <class Exec>
using ChainTable = Kokkos::View<double**, Exec>;

inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

template <class Exec, class Kernel>
void for_each_item(Exec const& exec, char const* label, std::int64_t count, Kernel const& kernel) {
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, count), kernel);
}

template <class Exec>
ChainTable<Exec> chain_table(Exec const& exec, std::size_t chains, std::size_t draws) {
  return ChainTable<Exec>(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "basin::metric::draws"), chains, draws);
}

// The numbers of a table in the order of memory.
template <class Exec>
auto all_of(ChainTable<Exec> const& table) {
  return Kokkos::View<double*, Exec, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(table.data(),
                                                                              table.size());
}

template <class View>
std::vector<double> to_host(View const& view) {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return {mirror.data(), mirror.data() + mirror.size()};
}

template <class Source, class Exec>
struct CopyDraws {
  Source draws;            // (draws, chains), or (draws, chains, functions)
  ChainTable<Exec> table;  // (chains, draws)
  std::size_t function;

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain);
    for (std::size_t i = 0; i < table.extent(1); ++i) {
      if constexpr (Source::rank() == 2)
        table(m, i) = static_cast<double>(draws(i, m));
      else
        table(m, i) = static_cast<double>(draws(i, m, function));
    }
  }
};

template <class Exec>
struct SplitChains {
  ChainTable<Exec> table;   // (chains, draws)
  ChainTable<Exec> halves;  // (2 chains, draws / 2)

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain), chains = table.extent(0),
                      half = halves.extent(1), second = table.extent(1) - half;
    for (std::size_t i = 0; i < half; ++i) {
      halves(m, i)          = table(m, i);
      halves(chains + m, i) = table(m, second + i);
    }
  }
};

/// The first and the last half of the draws of each chain as two chains, m and chains + m; the
/// middle draw of an odd number is left out.
template <class Exec>
ChainTable<Exec> split(Exec const& exec, ChainTable<Exec> const& table) {
  auto const halves = chain_table(exec, 2 * table.extent(0), table.extent(1) / 2);
  for_each_item(exec, "basin::split", static_cast<std::int64_t>(table.extent(0)),
                SplitChains<Exec>{table, halves});
  return halves;
}

template <class Exec>
struct FiniteChains {
  ChainTable<Exec> table;
  Kokkos::View<double*, Exec> finite;  // (chains) 1 or 0

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain);
    bool all            = true;
    for (std::size_t i = 0; i < table.extent(1); ++i) all = all && Kokkos::isfinite(table(m, i));
    finite(m) = all ? 1 : 0;
  }
};

/// Whether all numbers are finite: else nothing is said of the function, and nothing is sorted.
template <class Exec>
bool is_finite(Exec const& exec, ChainTable<Exec> const& table) {
  Kokkos::View<double*, Exec> const finite("basin::metric::finite", table.extent(0));
  for_each_item(exec, "basin::finite", static_cast<std::int64_t>(table.extent(0)),
                FiniteChains<Exec>{table, finite});
  auto const of = to_host(finite);
  return std::find(of.begin(), of.end(), 0.0) == of.end();
}

template <class Exec>
struct MomentsOfChains {
  ChainTable<Exec> table;
  Kokkos::View<double*, Exec> mean, squares;  // (chains)

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain), n = table.extent(1);
    // From the first draw on: a chain that stands still has exactly the variance 0.
    double const first = table(m, 0);
    double sum = 0, off = 0;
    for (std::size_t i = 0; i < n; ++i) sum += table(m, i) - first;
    double const center = first + sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) off += (table(m, i) - center) * (table(m, i) - center);
    mean(m)    = center;
    squares(m) = off;
  }
};

/// Of every chain, on the host.
struct ChainMoments {
  std::vector<double> mean;     // (chains)
  std::vector<double> squares;  // (chains) sum of (x - mean)^2
};

template <class Exec>
ChainMoments moments(Exec const& exec, ChainTable<Exec> const& table) {
  Kokkos::View<double*, Exec> const mean("basin::metric::mean", table.extent(0)),
      squares("basin::metric::squares", table.extent(0));
  for_each_item(exec, "basin::moments", static_cast<std::int64_t>(table.extent(0)),
                MomentsOfChains<Exec>{table, mean, squares});
  return {to_host(mean), to_host(squares)};
}

/// From the first on: of equal values exactly this one.
inline double mean_of(std::vector<double> const& values) {
  double sum = 0;
  for (double const v : values) sum += v - values.front();
  return values.front() + sum / static_cast<double>(values.size());
}

/// Divided by their number less one.
inline double variance_of(std::vector<double> const& values) {
  double const center = mean_of(values);
  double sum          = 0;
  for (double const v : values) sum += (v - center) * (v - center);
  return sum / static_cast<double>(values.size() - 1);
}

/// The requirements of draws as error messages.
template <class Exec, class Draws>
struct check_draws {
  static constexpr bool view = Kokkos::is_view_v<Draws>;
  static constexpr bool table() {
    if constexpr (view) return Draws::rank() == 2 || Draws::rank() == 3;
    return false;
  }
  static constexpr bool reached() {
    if constexpr (view)
      return Kokkos::SpaceAccessibility<Exec, typename Draws::memory_space>::accessible;
    return true;
  }
  static_assert(table(),
                "basin::metric: draws must be a View of rank 2, (draws, chains), or 3, (draws, "
                "chains, functions).");
  static_assert(reached(), "basin::metric: draws must be reachable from exec.");
  static constexpr bool value = table() && reached();
};

/// f(table) of each function of the draws: its result for a View of rank 2, of rank 3 a vector.
///
/// \param least  draws of a chain
template <class Exec, class Draws, class F>
auto of_each_function(char const* who, Exec const& exec, Draws const& draws, std::size_t least,
                      F const& f) {
  using Result = std::invoke_result_t<F const&, ChainTable<Exec> const&>;
  if constexpr (check_draws<Exec, Draws>::value) {
    constexpr bool several = Draws::rank() == 3;
    if (draws.extent(0) < least)
      refuse(who, "draws has first extent ", draws.extent(0), ", it must hold at least ", least,
             " draws of each chain");
    if (draws.extent(1) == 0) refuse(who, "draws has second extent 0, it must hold a chain");
    auto const table  = chain_table(exec, draws.extent(1), draws.extent(0));
    auto const result = [&](std::size_t function) {
      for_each_item(exec, "basin::draws", static_cast<std::int64_t>(table.extent(0)),
                    CopyDraws<Draws, Exec>{draws, table, function});
      return f(table);
    };
    if constexpr (several) {
      std::vector<Result> results;
      for (std::size_t k = 0; k < draws.extent(2); ++k) results.push_back(result(k));
      return results;
    } else {
      return result(0);
    }
  } else {
    return Result{};
  }
}

}  // namespace basin::metric::detail

#endif
