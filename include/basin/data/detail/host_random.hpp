// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_DETAIL_HOST_RANDOM_HPP
#define BASIN_DATA_DETAIL_HOST_RANDOM_HPP

#include <basin/core/arithmetic.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

namespace basin::data::detail {

/// Draws for generating and splitting data sets, in sequence, on the host. The standard fixes the
/// output of std::mt19937_64 but not that of its distributions, so those are written out here: the
/// same seed gives the same integers and uniforms everywhere, and the same normals up to the
/// rounding of the platform's log, cos and sin.
class HostRandom {
 public:
  explicit HostRandom(std::uint64_t seed) : engine_(seed) {}

  /// Uniform on [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  /// Uniform on {0, ..., n - 1}, n > 0. Rejects the incomplete last block of 2^64 / n values.
  std::uint64_t below(std::uint64_t n) {
    std::uint64_t const rejected = (0 - n) % n;  // 2^64 mod n
    std::uint64_t draw           = engine_();
    while (draw < rejected) draw = engine_();
    return draw % n;
  }

  /// Two independent N(0, 1). Box and Muller 1958, Ann. Math. Statist. 29(2).
  std::array<double, 2> normal_pair() {
    double const radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is in (0, 1]
    double const angle  = 2 * std::numbers::pi * uniform();
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace basin::data::detail

#endif
