// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_SYNTHETIC_HPP
#define BASIN_DATA_SYNTHETIC_HPP

#include <basin/data/detail/host_random.hpp>
#include <basin/data/samples.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <stdexcept>
#include <string>

// Two-dimensional sets. Defaults are those of Grathwohl et al. 2019 (FFJORD, arXiv:1810.01367) and
// Chen et al. 2019 (Residual Flows, arXiv:1906.02735), in the file lib/toy_data.py of both; they
// fill about [-4, 4]^2. Where those give each component the same number of points, here each
// point draws its component: points are independent.
//
// All functions return (count, 2), depend on the seed alone, and for a larger count begin with the
// same points. All throw std::invalid_argument if count <= 0 or an option is outside its range.

namespace basin::data {

/// Options of eight_gaussians.
struct EightGaussiansOptions {
  double radius             = 2 * std::numbers::sqrt2;  ///< of the circle of centers; >= 0
  double standard_deviation = std::numbers::sqrt2 / 4;  ///< on each axis; > 0
};

/// Options of two_moons.
struct TwoMoonsOptions {
  double scale              = 2;    ///< radius of a moon; > 0
  double standard_deviation = 0.2;  ///< of the noise on each axis; >= 0
};

/// Options of checkerboard.
struct CheckerboardOptions {
  double side = 2;  ///< of a square; > 0
};

/// Options of pinwheel.
struct PinwheelOptions {
  int arms                    = 5;     ///< > 0
  double scale                = 2;     ///< distance of an arm's middle from the origin; > 0
  double radial_deviation     = 0.3;   ///< in units of scale; >= 0
  double tangential_deviation = 0.1;   ///< in units of scale; >= 0
  double rate                 = 0.25;  ///< radians of twist per exp(a)
};

/// Options of rings.
struct RingsOptions {
  int rings                 = 4;     ///< > 0
  double radius             = 3;     ///< of the outermost; > 0
  double standard_deviation = 0.08;  ///< of the noise on each axis; >= 0
};

/// Options of swiss_roll.
struct SwissRollOptions {
  double scale              = 0.2;  ///< radius gained per radian; > 0
  double standard_deviation = 0.2;  ///< of the noise on each axis; >= 0
};

namespace detail {

inline void check_count(std::string const& caller, int count) {
  if (count <= 0)
    throw std::invalid_argument(caller + ": count must be > 0, got " + std::to_string(count));
}

inline void check_positive(std::string const& name, double value) {
  if (!(value > 0 && std::isfinite(value)))
    throw std::invalid_argument(name + " must be finite and > 0, got " + std::to_string(value));
}

inline void check_not_negative(std::string const& name, double value) {
  if (!(value >= 0 && std::isfinite(value)))
    throw std::invalid_argument(name + " must be finite and >= 0, got " + std::to_string(value));
}

// (count, 2) points, each from point(random).
template <class Point>
Samples draw_points(int count, std::uint64_t seed, Point const& point) {
  HostRandom random(seed);
  Samples const samples = make_samples(static_cast<std::size_t>(count), 2);
  for (int i = 0; i < count; ++i) {
    std::array<double, 2> const x = point(random);
    samples(i, 0)                 = static_cast<float>(x[0]);
    samples(i, 1)                 = static_cast<float>(x[1]);
  }
  return samples;
}

// (x, y) + standard_deviation (z1, z2).
inline std::array<double, 2> with_noise(HostRandom& random, double x, double y,
                                        double standard_deviation) {
  auto const noise = random.normal_pair();
  return {x + standard_deviation * noise[0], y + standard_deviation * noise[1]};
}

inline void check_options(std::string const& caller, EightGaussiansOptions const& options) {
  check_not_negative(caller + ": EightGaussiansOptions::radius", options.radius);
  check_positive(caller + ": EightGaussiansOptions::standard_deviation",
                 options.standard_deviation);
}

}  // namespace detail

/// \brief Mixture of eight Gaussians on a circle.
///
///   p(x) = 1/8 sum_k N(x; R (cos(k pi/4), sin(k pi/4)), s^2 I),   k = 0 ... 7
///
/// R = radius, s = standard_deviation. The defaults are FFJORD's radius 4 and standard deviation
/// 1/2, both over sqrt(2).
inline Samples eight_gaussians(int count, std::uint64_t seed,
                               EightGaussiansOptions const& options = {}) {
  detail::check_count("basin::data::eight_gaussians", count);
  detail::check_options("basin::data::eight_gaussians", options);
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    double const angle = static_cast<double>(random.below(8)) * std::numbers::pi / 4;
    return detail::with_noise(random, options.radius * std::cos(angle),
                              options.radius * std::sin(angle), options.standard_deviation);
  });
}

/// log p(x, y) of eight_gaussians, in nats, normalized.
inline double eight_gaussians_log_density(double x, double y,
                                          EightGaussiansOptions const& options = {}) {
  detail::check_options("basin::data::eight_gaussians_log_density", options);
  double const variance = options.standard_deviation * options.standard_deviation;
  std::array<double, 8> exponent;
  double largest = -HUGE_VAL;
  for (int k = 0; k < 8; ++k) {
    double const dx = x - options.radius * std::cos(k * std::numbers::pi / 4);
    double const dy = y - options.radius * std::sin(k * std::numbers::pi / 4);
    exponent[k]     = -(dx * dx + dy * dy) / (2 * variance);
    largest         = std::fmax(largest, exponent[k]);
  }
  double sum = 0;
  for (double const e : exponent) sum += std::exp(e - largest);
  return largest + std::log(sum / (16 * std::numbers::pi * variance));
}

/// \brief Two interleaved half circles with Gaussian noise.
///
///   x = a (cos t, sin t) - a (1/2, 1/10)              with probability 1/2, else
///   x = a (1 - cos t, 1/2 - sin t) - a (1/2, 1/10),   t ~ U(0, pi)
///
/// plus N(0, s^2 I); a = scale, s = standard_deviation. The half circles are those of
/// scikit-learn's make_moons; mean (0, 3a/20).
inline Samples two_moons(int count, std::uint64_t seed, TwoMoonsOptions const& options = {}) {
  detail::check_count("basin::data::two_moons", count);
  detail::check_positive("basin::data::two_moons: TwoMoonsOptions::scale", options.scale);
  detail::check_not_negative("basin::data::two_moons: TwoMoonsOptions::standard_deviation",
                             options.standard_deviation);
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    bool const outer = random.below(2) == 0;
    double const t   = std::numbers::pi * random.uniform();
    double const x   = outer ? std::cos(t) : 1 - std::cos(t);
    double const y   = outer ? std::sin(t) : 0.5 - std::sin(t);
    return detail::with_noise(random, options.scale * (x - 0.5), options.scale * (y - 0.1),
                              options.standard_deviation);
  });
}

/// \brief Uniform on eight squares of a 4 x 4 board.
///
///   p(x, y) = 1 / (8 a^2) where floor(x / a) + floor(y / a) is even and -2 <= x/a, y/a < 2, else 0
///
/// a = side.
inline Samples checkerboard(int count, std::uint64_t seed,
                            CheckerboardOptions const& options = {}) {
  detail::check_count("basin::data::checkerboard", count);
  detail::check_positive("basin::data::checkerboard: CheckerboardOptions::side", options.side);
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    auto const square = static_cast<int>(random.below(8));
    int const column  = square / 2;                     // 0 ... 3 from the left
    int const row     = 2 * (square % 2) + column % 2;  // same parity as the column
    double const x    = (column - 2 + random.uniform()) * options.side;
    double const y    = (row - 2 + random.uniform()) * options.side;
    return std::array<double, 2>{x, y};
  });
}

/// \brief Arms that spiral out of a wheel.
///
///   x = c (a cos w + b sin w, b cos w - a sin w),   w = 2 pi k / n + rate exp(a),
///   a ~ N(1, radial_deviation^2),   b ~ N(0, tangential_deviation^2),   k ~ U{0 ... n - 1}
///
/// c = scale, n = arms. First in Johnson et al. 2016, arXiv:1603.06277.
inline Samples pinwheel(int count, std::uint64_t seed, PinwheelOptions const& options = {}) {
  detail::check_count("basin::data::pinwheel", count);
  if (options.arms <= 0)
    throw std::invalid_argument("basin::data::pinwheel: PinwheelOptions::arms must be > 0, got " +
                                std::to_string(options.arms));
  detail::check_positive("basin::data::pinwheel: PinwheelOptions::scale", options.scale);
  detail::check_not_negative("basin::data::pinwheel: PinwheelOptions::radial_deviation",
                             options.radial_deviation);
  detail::check_not_negative("basin::data::pinwheel: PinwheelOptions::tangential_deviation",
                             options.tangential_deviation);
  if (!std::isfinite(options.rate))
    throw std::invalid_argument(
        "basin::data::pinwheel: PinwheelOptions::rate must be finite, got " +
        std::to_string(options.rate));
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    auto const arm   = static_cast<double>(random.below(static_cast<std::uint64_t>(options.arms)));
    auto const noise = random.normal_pair();
    double const along = 1 + options.radial_deviation * noise[0];
    double const aside = options.tangential_deviation * noise[1];
    double const angle = 2 * std::numbers::pi * arm / options.arms + options.rate * std::exp(along);
    return std::array<double, 2>{
        options.scale * (along * std::cos(angle) + aside * std::sin(angle)),
        options.scale * (aside * std::cos(angle) - along * std::sin(angle))};
  });
}

/// \brief Concentric circles with Gaussian noise, each equally likely.
///
///   x = R k/n (cos t, sin t) + N(0, s^2 I),   t ~ U(0, 2 pi),   k ~ U{1 ... n}
///
/// R = radius, n = rings, s = standard_deviation. The defaults are those of Residual Flows.
inline Samples rings(int count, std::uint64_t seed, RingsOptions const& options = {}) {
  detail::check_count("basin::data::rings", count);
  if (options.rings <= 0)
    throw std::invalid_argument("basin::data::rings: RingsOptions::rings must be > 0, got " +
                                std::to_string(options.rings));
  detail::check_positive("basin::data::rings: RingsOptions::radius", options.radius);
  detail::check_not_negative("basin::data::rings: RingsOptions::standard_deviation",
                             options.standard_deviation);
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    auto const ring = static_cast<double>(random.below(static_cast<std::uint64_t>(options.rings)));
    double const radius = options.radius * (ring + 1) / options.rings;
    double const angle  = 2 * std::numbers::pi * random.uniform();
    return detail::with_noise(random, radius * std::cos(angle), radius * std::sin(angle),
                              options.standard_deviation);
  });
}

/// \brief Spiral with Gaussian noise: the swiss roll seen along its axis.
///
///   x = a t (cos t, sin t) + N(0, s^2 I),   t ~ U(3 pi/2, 9 pi/2)
///
/// a = scale, s = standard_deviation. The curve is that of scikit-learn's make_swiss_roll.
inline Samples swiss_roll(int count, std::uint64_t seed, SwissRollOptions const& options = {}) {
  detail::check_count("basin::data::swiss_roll", count);
  detail::check_positive("basin::data::swiss_roll: SwissRollOptions::scale", options.scale);
  detail::check_not_negative("basin::data::swiss_roll: SwissRollOptions::standard_deviation",
                             options.standard_deviation);
  return detail::draw_points(count, seed, [&](detail::HostRandom& random) {
    double const t      = 1.5 * std::numbers::pi * (1 + 2 * random.uniform());
    double const radius = options.scale * t;
    return detail::with_noise(random, radius * std::cos(t), radius * std::sin(t),
                              options.standard_deviation);
  });
}

}  // namespace basin::data

#endif
