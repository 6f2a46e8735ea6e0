// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_TRANSFORM_DEQUANTIZE_HPP
#define BASIN_DATA_TRANSFORM_DEQUANTIZE_HPP

#include <basin/core/archive.hpp>
#include <basin/core/philox.hpp>
#include <basin/data/samples.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace basin::data::transform {

/// Integers x of 0 ... n - 1 to y = (x + u) / n in (0, 1), u ~ U(0, 1); log|det dy/d(x + u)| =
/// -sum_j log n_j.
///
/// A density p of y is one of x + u, and with it the expectation of log p(y) - sum_j log n_j over u is
/// at most the log of the probability that the model gives to the integers x. Uria, Murray and
/// Larochelle 2013, arXiv:1306.0186; "A note on the evaluation of generative models", 2016,
/// arXiv:1511.01844, section 3.1.
///
/// u is a function of (seed, row, column) alone: give each set a seed of its own, and each epoch where
/// noise is to be new. invert returns the integers themselves: floor(n y), of any y the nearest of
/// 0 ... n - 1. Members as described at Pipeline.
struct Dequantize {
  static constexpr char const* name = "dequantize";

  /// n of each column, or one n for all: >= 1, at most 2^20; 0 leaves a column as it is. Of pixels 256, of
  /// a table with categories Categories::levels.
  std::vector<int> levels{256};
  std::uint64_t seed = 0;  ///< of u

  /// \throws std::invalid_argument if a number is no integer of its levels; x is then unchanged
  template <Rows R>
  void apply(R const& x) const {
    using Scalar = typename R::value_type;
    check(x.extent(1));
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < x.extent(1); ++j) {
        double const value = x(i, j);
        int const n        = of(j);
        if (n > 0 && !(value >= 0 && value < n && value == std::floor(value)))
          throw std::invalid_argument("basin::data::transform::Dequantize: row " +
                                      std::to_string(i) + ", column " + std::to_string(j) + " is " +
                                      std::to_string(value) + ", must be an integer from 0 to " +
                                      std::to_string(n - 1));
      }
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < x.extent(1); ++j) {
        int const n = of(j);
        if (n == 0) continue;
        double const value  = x(i, j);
        Stream const stream = {seed, Purpose::dequantization, std::uint64_t(i) >> 32};
        double const u      = unit_uniform<double>(
            random_word(stream, static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(i)));
        auto y = static_cast<Scalar>((value + u) / n);
        while (level(y, n) > value) y = std::nextafter(y, Scalar(0));  // rounded out of its cell
        while (level(y, n) < value) y = std::nextafter(y, Scalar(1));
        x(i, j) = y;
      }
  }

  template <Rows R>
  void invert(R const& y) const {
    check(y.extent(1));
    for (std::size_t i = 0; i < y.extent(0); ++i)
      for (std::size_t j = 0; j < y.extent(1); ++j)
        if (int const n = of(j); n > 0)
          y(i, j) = static_cast<typename R::value_type>(level(y(i, j), n));
  }

  template <Rows R>
  std::vector<double> log_jacobian(R const& x) const {
    check(x.extent(1));
    double sum = 0;
    for (std::size_t j = 0; j < x.extent(1); ++j)
      if (int const n = of(j); n > 0) sum -= std::log(n);
    return std::vector<double>(x.extent(0), sum);
  }

  template <Archive A>
  void archive(A& a) {
    a("levels", levels);
    a("seed", seed);
  }

  void check(std::size_t dimension) const {
    std::string const caller = "basin::data::transform::Dequantize";
    if (levels.size() != 1 && levels.size() != dimension)
      throw std::invalid_argument(caller + ": levels has " + std::to_string(levels.size()) +
                                  " numbers, must have 1 or " + std::to_string(dimension));
    for (int const n : levels)
      if (n < 0 || n > 1 << 20)
        throw std::invalid_argument(caller + ": levels must be in [0, 1048576], got " +
                                    std::to_string(n));
  }

 private:
  int of(std::size_t column) const { return levels[levels.size() == 1 ? 0 : column]; }
  static double level(double y, int n) {
    return std::clamp(std::floor(y * n), 0.0, static_cast<double>(n - 1));
  }
};

}  // namespace basin::data::transform

#endif
