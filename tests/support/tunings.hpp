// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_TUNINGS_HPP
#define BASIN_TESTS_SUPPORT_TUNINGS_HPP

#include <basin/tile/library.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace basin::test {

template <class Exec>
inline constexpr bool is_host = !tile::is_gpu<Exec>;

constexpr tile::Tuning layerwise(tile::Tuning t) {
  t.strategy = tile::Strategy::layerwise;
  return t;
}

/// Whether there are as many threads as a team has: a host's are few.
template <class Exec>
bool has_threads(tile::Tuning t) {
  bool const few = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible &&
                   !(tile::has_blocks<Exec> && t.shared > 0);
  return !few || t.team <= Exec().concurrency();
}

/// Whether a library sums a tuning's products, in an order of its own: no bits of ours.
template <class Exec>
constexpr bool by_library(tile::Tuning t) {
  return t.strategy == tile::Strategy::layerwise &&
         !std::is_same_v<tile::library_of<Exec>, tile::NoLibrary>;
}

namespace detail {

template <class Exec, tile::Tuning... tunings, class F>
void run_tunings(F const& f) {
  ((has_threads<Exec>(tunings) ? f.template operator()<tunings>() : void()), ...);
}

}  // namespace detail

/// f.template operator()<tuning>() for tunings of Exec that share as little as possible: other tile
/// widths, vectors and register blocks; one thread a tile, teams of several, and phases of layers.
template <class Exec, class Scalar, class F>
void for_each_tuning(F const& f) {
  if constexpr (is_host<Exec>)
    // The vectors of the second: no larger than a register of AVX-512, for which g++ has no ABI
    // notes.
    detail::run_tunings<Exec, tile::Tuning{16, 8, 6, 2, 0},
                        tile::Tuning{32, sizeof(Scalar) == 4 ? 16 : 4, 12, 2, 0},
                        tile::Tuning{8, 8, 4, 1, 0}, layerwise(tile::Tuning{16, 4, 4, 1, 1}),
                        tile::Tuning{8, 1, 3, 2, 2}>(f);
  else
    detail::run_tunings<Exec, tile::Tuning{16, 4, 4, 1, 256},
                        tile::Tuning{16, 4, 4, 2, 256, tile::shared_memory<Exec>()},
                        layerwise(tile::Tuning{32, 4, 4, 1, 128, tile::shared_memory<Exec>()}),
                        tile::Tuning{8, 1, 3, 2, 64}>(f);
}

/// The same for fewer, for the compiler's sake: wide vectors, one number at a time in a team, phases
/// of layers.
template <class Exec, class F>
void for_few_tunings(F const& f) {
  if constexpr (is_host<Exec>)
    detail::run_tunings<Exec, tile::Tuning{16, 8, 6, 2, 0}, layerwise(tile::Tuning{16, 4, 4, 1, 1}),
                        tile::Tuning{8, 1, 3, 2, 2}>(f);
  else
    detail::run_tunings<Exec, tile::Tuning{16, 4, 4, 1, 256},
                        layerwise(tile::Tuning{32, 4, 4, 1, 128, tile::shared_memory<Exec>()}),
                        tile::Tuning{8, 1, 3, 2, 64}>(f);
}

/// What run.template operator()<tuning>() returns, a vector of numbers, in one tuning.
template <class Scalar>
struct TunedResult {
  tile::Tuning tuning;
  bool by_library;  ///< see above
  std::vector<Scalar> numbers;

  bool has_the_bits_of(TunedResult const& other) const {
    return numbers.size() == other.numbers.size() &&
           std::memcmp(numbers.data(), other.numbers.data(), numbers.size() * sizeof(Scalar)) == 0;
  }

  /// Sums of K terms in two orders are within 2 K u sum |w x| of each other; the tests' K is below
  /// 250, and their sums of sizes are within a few times the largest number.
  bool is_near(TunedResult const& other) const {
    if (numbers.size() != other.numbers.size()) return false;
    Scalar largest = 0;
    for (Scalar const number : other.numbers) largest = std::max(largest, std::abs(number));
    Scalar const most = 1000 * std::numeric_limits<Scalar>::epsilon() * largest;
    bool near         = true;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      near = near && std::abs(numbers[i] - other.numbers[i]) <= most;  // no NaN is
    return near;
  }
};

template <class Exec, class Scalar, class Run>
std::vector<TunedResult<Scalar>> run_in_each_tuning(Run const& run) {
  std::vector<TunedResult<Scalar>> results;
  for_each_tuning<Exec, Scalar>([&]<tile::Tuning tuning>() {
    results.push_back({tuning, by_library<Exec>(tuning), run.template operator()<tuning>()});
  });
  return results;
}

template <class Exec, class Scalar, class Run>
std::vector<TunedResult<Scalar>> run_in_few_tunings(Run const& run) {
  std::vector<TunedResult<Scalar>> results;
  for_few_tunings<Exec>([&]<tile::Tuning tuning>() {
    results.push_back({tuning, by_library<Exec>(tuning), run.template operator()<tuning>()});
  });
  return results;
}

/// Tunings whose numbers differ in a bit from those of the first, or, where a library sums, by more
/// than the rounding of sums.
template <class Scalar>
int tunings_that_differ(std::vector<TunedResult<Scalar>> const& results) {
  int differ = 0;
  for (TunedResult<Scalar> const& r : results)
    differ += !(r.by_library ? r.is_near(results[0]) : r.has_the_bits_of(results[0]));
  return differ;
}

}  // namespace basin::test

#endif
