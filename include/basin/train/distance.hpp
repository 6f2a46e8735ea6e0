// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_DISTANCE_HPP
#define BASIN_TRAIN_DISTANCE_HPP

#include <basin/core/check.hpp>
#include <basin/train/gap.hpp>
#include <basin/train/metrics.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace basin::train {

namespace detail {

// Moments of a column over evenly spaced rows: mean, variance, least, largest, and how many are
// outside of bounds.
template <class Points, class Numbers>
struct MeasureColumn {
  Points points;    // (rows, dimension)
  Numbers moments;  // (5, dimension)
  long taken;       // rows
  double lower, upper;

  KOKKOS_FUNCTION double at(long i, int d) const {
    long const rows = static_cast<long>(points.extent(0));
    return static_cast<double>(points(i * rows / taken, d));
  }
  KOKKOS_FUNCTION void operator()(int d) const {
    double sum = 0, least = at(0, d), largest = least, outside = 0;
    for (long i = 0; i < taken; ++i) {
      double const x = at(i, d);
      sum += x;
      least   = x < least ? x : least;
      largest = x > largest ? x : largest;
      outside += x < lower || x > upper ? 1 : 0;
    }
    double const mean = sum / static_cast<double>(taken);
    double squares    = 0;
    for (long i = 0; i < taken; ++i) squares += (at(i, d) - mean) * (at(i, d) - mean);
    moments(0, d) = mean;
    moments(1, d) = squares / static_cast<double>(taken);
    moments(2, d) = least;
    moments(3, d) = largest;
    moments(4, d) = outside / static_cast<double>(taken);
  }
};

// squares(n) = |x_n - m|^2
template <class Chains, class Numbers, class Squares>
struct SquaredDistance {
  Chains chains;    // (n, dimension or more)
  Numbers moments;  // (5, dimension)
  Squares squares;  // (n)

  KOKKOS_FUNCTION void operator()(int n) const {
    double sum = 0;
    for (int d = 0; d < static_cast<int>(moments.extent(1)); ++d) {
      double const away = static_cast<double>(chains(n, d)) - moments(0, d);
      sum += away * away;
    }
    squares(n) = sum;
  }
};

}  // namespace detail

/// The bounds of the chains of an objective; infinite where its sampler has none.
struct Bounds {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
};
template <class Objective>
Bounds bounds_of(Objective const& objective) {
  if constexpr (requires { Bounds{objective.sampler.lower, objective.sampler.upper}; })
    return {objective.sampler.lower, objective.sampler.upper};
  return {};
}

/// How far chains are from the data, to tell those that start elsewhere and those that have left:
///
///   distance = sqrt(mean |x - m|^2 / D) / s
///
/// with m the mean of each of the D columns and s^2 the mean of their variances, in double, of at
/// most 4096 rows, evenly spaced. The data themselves are at distance 1. Where these rows are equal
/// (s = 0) nothing is far.
template <class Exec>
class Distance {
  using memory = typename Exec::memory_space;

 public:
  static constexpr int starts = 256;  ///< chains that show where a start is

  /// Waits for exec.
  /// \param points  (rows, dimension) the data, on the device
  /// \param batch   samples of a step
  /// \param bounds  of the chains
  template <class Points>
  Distance(Exec const& exec, Points const& points, int batch, Bounds const& bounds)
      : moments_("basin::train::moments", 5, points.extent(1)),
        squares_("basin::train::distances", static_cast<std::size_t>(std::max(batch, +starts))),
        fetched_(Kokkos::create_mirror_view(squares_)),
        bounds_(bounds) {
    set_data(exec, points);
  }

  /// Other data. Waits for exec.
  template <class Points>
  void set_data(Exec const& exec, Points const& points) {
    constexpr long most = 4096;
    Kokkos::parallel_for("basin::moments",
                         Kokkos::RangePolicy<Exec>(exec, 0, static_cast<int>(points.extent(1))),
                         detail::MeasureColumn<Points, Numbers>{
                             points, moments_, std::min(most, static_cast<long>(points.extent(0))),
                             bounds_.lower, bounds_.upper});
    exec.fence("basin::train::moments");
    auto const host     = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), moments_);
    std::size_t const D = host.extent(1);
    double mean = 0, variance = 0, outside = 0;
    least_ = std::numeric_limits<double>::infinity(), largest_ = -least_;
    for (std::size_t d = 0; d < D; ++d) {
      mean += host(0, d);
      variance += host(1, d);
      least_   = std::min(least_, host(2, d));
      largest_ = std::max(largest_, host(3, d));
      outside += host(4, d);
    }
    mean_     = mean / static_cast<double>(D);
    variance_ = variance / static_cast<double>(D);
    outside_  = outside / static_cast<double>(D);
  }

  /// "mean 3, standard deviation 2, from -1 to 7": of all columns together
  std::string describe() const {
    return "mean " + number(mean_) + ", standard deviation " + number(std::sqrt(variance_)) +
           ", from " + number(least_) + " to " + number(largest_);
  }

  /// \throws std::invalid_argument if most of the data are outside of the bounds
  void check_bounds(char const* who) const {
    if (outside_ > 0.5)
      refuse(who, "chains stay in [", bounds_.lower, ", ", bounds_.upper,
             "], the bounds of the sampler, and ", std::lround(100 * outside_),
             " % of the data are outside: they have ", describe(),
             ". Scale the data, or write other bounds");
  }
  /// \param chains  (starts, dimension) as they start. Waits for exec.
  /// \throws std::invalid_argument if they are farther from the data than the limit
  template <class Chains>
  void check_starts(Exec const& exec, char const* who, Chains const& chains, double limit) {
    if (!exists()) return;
    measure(exec, chains);
    exec.fence("basin::train::starts");
    if (value() > limit)
      refuse(who, "chains start at a distance of ", value(),
             " standard deviations from the data, distance_limit is ", limit, "; the data have ",
             describe(),
             ". Standardize the data, or write a start near them, for example start::Data");
  }

  /// Whether there is a distance.
  bool exists() const {
    return variance_ > 0 && variance_ < std::numeric_limits<double>::infinity();
  }
  /// Measures chains, (n, dimension or more). Asynchronous on exec.
  template <class Chains>
  void measure(Exec const& exec, Chains const& chains) {
    count_ = static_cast<int>(chains.extent(0));
    Kokkos::parallel_for(
        "basin::distance", Kokkos::RangePolicy<Exec>(exec, 0, count_),
        detail::SquaredDistance<Chains, Numbers, Squares>{chains, moments_, squares_});
    Kokkos::deep_copy(exec, fetched_, squares_);
  }
  /// That of the chains measured last, once exec is done.
  double value() const {
    double sum = 0;
    for (int n = 0; n < count_; ++n) sum += fetched_(n);
    return std::sqrt(sum / count_ / static_cast<double>(moments_.extent(1)) / variance_);
  }

 private:
  using Numbers = Kokkos::View<double**, Kokkos::LayoutRight, memory>;
  using Squares = Kokkos::View<double*, memory>;

  static std::string number(double x) {
    std::ostringstream text;
    text << x;
    return text.str();
  }

  Numbers moments_;  // (5, dimension)
  Squares squares_;  // (chains)
  decltype(Kokkos::create_mirror_view(squares_)) fetched_;
  Bounds bounds_;
  int count_   = 0;
  double mean_ = 0, variance_ = 0, outside_ = 0;  // of all columns together
  double least_ = 0, largest_ = 0;
};

/// The error message for chains that have left the data.
inline std::string left_the_data(Metrics const& m, std::string const& data, double limit,
                                 std::vector<char const*> const& advice) {
  std::ostringstream sentence;
  sentence << "basin::train::Trainer: the chains have left the data before step " << m.step
           << ", at a distance of " << m["distance_samples"]
           << " of their standard deviations, distance_limit is " << limit << "; the data have "
           << data << ". Try " << alternatives(advice) << ".";
  return sentence.str();
}

}  // namespace basin::train

#endif
