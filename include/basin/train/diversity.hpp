// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_DIVERSITY_HPP
#define BASIN_TRAIN_DIVERSITY_HPP

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace basin::train {

namespace detail {

// nearest(n) = the distance of point n to the nearest other one of its group, in double.
template <class Points, class Numbers>
struct NearestOther {
  Points points;    // (rows, dimension)
  Numbers nearest;  // (groups * count)
  long count;       // points of a group
  long groups;

  // Member i of a group: rows evenly spaced.
  KOKKOS_FUNCTION long row(long i, long group) const {
    return (i * groups + group) * static_cast<long>(points.extent(0)) / (count * groups);
  }
  KOKKOS_FUNCTION void operator()(int n) const {
    long const group = n / count, mine = row(n % count, group);
    double least = Kokkos::Experimental::infinity_v<double>;
    for (long j = 0; j < count; ++j) {
      if (j == n % count) continue;
      long const other = row(j, group);
      double sums[4]{};  // so that a sum need not wait for the one before
      int const D = static_cast<int>(points.extent(1));
      for (int d = 0; d < D; d += 4)
        for (int k = 0; k < 4; ++k) {
          if (d + k >= D) break;
          double const away =
              static_cast<double>(points(mine, d + k)) - static_cast<double>(points(other, d + k));
          sums[k] += away * away;
        }
      double const sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      least            = sum < least ? sum : least;
    }
    nearest(n) = Kokkos::sqrt(least);
  }
};

}  // namespace detail

/// How far samples are from each other, to see a collapse onto few modes or points:
///
///   diversity = mean_i min_(j != i) |x_i - x_j| / the same of as many rows of the data
///
/// in double, of at most 256 samples, and of the mean over up to 1024 rows in groups of as many as the
/// samples are; both evenly spaced. Fresh draws of the law of the data have 1, equal samples 0, and samples
/// spread wider than the data more than 1. Where most rows are equal to another there is none.
template <class Exec>
class Diversity {
  using memory = typename Exec::memory_space;

 public:
  static constexpr int most      = 256;   ///< samples
  static constexpr int most_rows = 1024;  ///< of the data

  /// Waits for exec.
  /// \param points   (rows, dimension) the data, on the device, at least as many as samples
  /// \param samples  of a step
  template <class Points>
  Diversity(Exec const& exec, Points const& points, int samples)
      : count_(std::min(samples, +most)),
        nearest_("basin::train::nearest", static_cast<std::size_t>(std::max(count_, +most_rows))),
        fetched_(Kokkos::create_mirror_view(nearest_)) {
    set_data(exec, points);
  }

  /// Other data. Waits for exec.
  template <class Points>
  void set_data(Exec const& exec, Points const& points) {
    of_data_ = 0;
    if (count_ < 2 || points.extent(0) < static_cast<std::size_t>(count_)) return;
    long const groups = std::min(static_cast<long>(points.extent(0)), long(most_rows)) / count_;
    compare(exec, points, groups);
    exec.fence("basin::train::diversity");
    of_data_ = mean();
  }

  /// Whether there is one.
  bool exists() const { return of_data_ > 0 && of_data_ < std::numeric_limits<double>::infinity(); }
  /// Measures chains, (samples, dimension). Asynchronous on exec.
  template <class Chains>
  void measure(Exec const& exec, Chains const& chains) {
    if (exists()) compare(exec, chains, 1);
  }
  /// That of the chains measured last, once exec is done.
  double value() const { return mean() / of_data_; }

 private:
  using Numbers = Kokkos::View<double*, memory>;

  template <class Points>
  void compare(Exec const& exec, Points const& points, long groups) {
    compared_ = static_cast<int>(groups) * count_;
    Kokkos::parallel_for("basin::nearest", Kokkos::RangePolicy<Exec>(exec, 0, compared_),
                         detail::NearestOther<Points, Numbers>{points, nearest_, count_, groups});
    Kokkos::deep_copy(exec, fetched_, nearest_);
  }
  double mean() const {
    double sum = 0;
    for (int n = 0; n < compared_; ++n) sum += fetched_(n);
    return sum / compared_;
  }

  int count_;        // samples
  Numbers nearest_;  // (samples, or rows of the data)
  decltype(Kokkos::create_mirror_view(nearest_)) fetched_;
  int compared_   = 0;
  double of_data_ = 0;
};

}  // namespace basin::train

#endif
