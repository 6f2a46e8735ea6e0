// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_TRANSFORM_STANDARDIZE_HPP
#define BASIN_DATA_TRANSFORM_STANDARDIZE_HPP

#include <basin/core/archive.hpp>
#include <basin/data/preprocessing.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <vector>

namespace basin::data::transform {

/// y = (x - m) / s for each column, with m and s of the training set; log|det dy/dx| = -sum_j log s_j.
///
/// Members as described at Pipeline.
struct Standardize {
  static constexpr char const* name = "standardize";

  ColumnMoments moments;  ///< (dimension) means and standard deviations, see column_moments

  /// Takes the moments of a training set.
  /// \throws std::invalid_argument if there are no samples
  template <Rows R>
  void fit(R const& x) {
    moments = column_moments(x);
  }

  /// \throws std::invalid_argument as data::standardize
  template <Rows R>
  void apply(R const& x) const {
    standardize(x, moments);
  }

  template <Rows R>
  void invert(R const& y) const {
    check(y);
    for (std::size_t i = 0; i < y.extent(0); ++i)
      for (std::size_t j = 0; j < y.extent(1); ++j)
        y(i, j) = static_cast<typename R::value_type>(
            moments.mean[j] + moments.standard_deviation[j] * double(y(i, j)));
  }

  template <Rows R>
  std::vector<double> log_jacobian(R const& x) const {
    check(x);
    double sum = 0;
    for (double const s : moments.standard_deviation) sum -= std::log(s);
    return std::vector<double>(x.extent(0), sum);
  }

  template <Archive A>
  void archive(A& a) {
    a("mean", moments.mean);
    a("standard_deviation", moments.standard_deviation);
  }

 private:
  template <Rows R>
  void check(R const& x) const {
    detail::check_moments("basin::data::transform::Standardize", x.extent(1), moments,
                          std::same_as<typename R::value_type, float>);
  }
};

}  // namespace basin::data::transform

#endif
