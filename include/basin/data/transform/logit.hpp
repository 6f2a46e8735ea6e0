// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_TRANSFORM_LOGIT_HPP
#define BASIN_DATA_TRANSFORM_LOGIT_HPP

#include <basin/core/archive.hpp>
#include <basin/data/samples.hpp>

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace basin::data::transform {

/// y = log p - log(1 - p), p = alpha + (1 - 2 alpha) x, of numbers x in [0, 1], for all columns;
/// log|det dy/dx| = sum_j log(1 - 2 alpha) - log p_j - log(1 - p_j).
///
/// Dinh, Sohl-Dickstein and Bengio 2017 (RealNVP, arXiv:1605.08803), section 4.1, in the symmetric form
/// of Papamakarios, Pavlakou and Murray 2017 (arXiv:1705.07057). p must be in (0, 1). invert gives numbers
/// beyond [0, 1], by less than alpha / (1 - 2 alpha), where |y| is larger than that of data can be.
/// Members as described at Pipeline.
struct Logit {
  static constexpr char const* name = "logit";

  double alpha = 0.05;  ///< distance of p from 0 and 1; in [0, 1/2)

  /// \throws std::invalid_argument if p of a number is not in (0, 1); x is then unchanged
  template <Rows R>
  void apply(R const& x) const {
    check_rows(x);
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < x.extent(1); ++j) {
        double const p = squeezed(x(i, j));
        x(i, j)        = static_cast<typename R::value_type>(std::log(p) - std::log1p(-p));
      }
  }

  template <Rows R>
  void invert(R const& y) const {
    check();
    for (std::size_t i = 0; i < y.extent(0); ++i)
      for (std::size_t j = 0; j < y.extent(1); ++j) {
        double const e = std::exp(-std::abs(double(y(i, j))));
        double const p = (y(i, j) < 0 ? e : 1) / (1 + e);
        y(i, j)        = static_cast<typename R::value_type>((p - alpha) / (1 - 2 * alpha));
      }
  }

  template <Rows R>
  std::vector<double> log_jacobian(R const& x) const {
    check_rows(x);
    std::vector<double> sums(x.extent(0),
                             static_cast<double>(x.extent(1)) * std::log1p(-2 * alpha));
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < x.extent(1); ++j) {
        double const p = squeezed(x(i, j));
        sums[i] -= std::log(p) + std::log1p(-p);
      }
    return sums;
  }

  template <Archive A>
  void archive(A& a) {
    a("alpha", alpha);
  }

  void check() const {
    if (!(alpha >= 0 && alpha < 0.5))
      throw std::invalid_argument("basin::data::transform::Logit: alpha must be in [0, 0.5), got " +
                                  std::to_string(alpha));
  }

 private:
  double squeezed(double x) const { return alpha + (1 - 2 * alpha) * x; }
  template <Rows R>
  void check_rows(R const& x) const {
    check();
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < x.extent(1); ++j)
        if (double const p = squeezed(x(i, j)); !(p > 0 && p < 1))
          throw std::invalid_argument("basin::data::transform::Logit: row " + std::to_string(i) +
                                      ", column " + std::to_string(j) + " is " +
                                      std::to_string(x(i, j)) + " and p " + std::to_string(p) +
                                      ", must be in (0, 1)");
  }
};

}  // namespace basin::data::transform

#endif
