// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_TRANSFORM_RESCALE_HPP
#define BASIN_DATA_TRANSFORM_RESCALE_HPP

#include <basin/core/archive.hpp>
#include <basin/data/preprocessing.hpp>

#include <cmath>
#include <vector>

namespace basin::data::transform {

/// y = new_lower + f (x - lower), f = (new_upper - new_lower) / (upper - lower), for all columns;
/// log|det dy/dx| = dimension log f.
///
/// Values outside [lower, upper] stay outside. Members as described at Pipeline; all throw
/// std::invalid_argument if a lower end is not < its upper end.
struct Rescale {
  static constexpr char const* name = "rescale";

  double lower     = 0;    ///< in units of x
  double upper     = 255;  ///< in units of x
  double new_lower = -1;   ///< where lower goes
  double new_upper = 1;    ///< where upper goes

  template <Rows R>
  void apply(R const& x) const {
    check();
    rescale(x, lower, upper, new_lower, new_upper);
  }

  template <Rows R>
  void invert(R const& y) const {
    check();
    rescale(y, new_lower, new_upper, lower, upper);
  }

  template <Rows R>
  std::vector<double> log_jacobian(R const& x) const {
    check();
    return std::vector<double>(
        x.extent(0),
        static_cast<double>(x.extent(1)) * std::log((new_upper - new_lower) / (upper - lower)));
  }

  template <Archive A>
  void archive(A& a) {
    a("lower", lower);
    a("upper", upper);
    a("new_lower", new_lower);
    a("new_upper", new_upper);
  }

  void check() const {
    detail::check_ranges("basin::data::transform::Rescale", lower, upper, new_lower, new_upper);
  }
};

}  // namespace basin::data::transform

#endif
