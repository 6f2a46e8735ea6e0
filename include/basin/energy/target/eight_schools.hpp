// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_EIGHT_SCHOOLS_HPP
#define BASIN_ENERGY_TARGET_EIGHT_SCHOOLS_HPP

#include <basin/energy/analytic.hpp>
#include <basin/energy/restricted.hpp>
#include <basin/energy/target/draw.hpp>

#include <Kokkos_Core.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::energy::target {

/// What the eight schools' effects were, and the standard deviations of these estimates.
inline constexpr std::array<double, 8> eight_effects{28, 8, -3, 7, -1, 1, 18, 12};
inline constexpr std::array<double, 8> eight_deviations{15, 10, 16, 11, 9, 11, 10, 18};

template <Real Scalar>
struct EightSchoolsFormula {
  using scalar_type              = Scalar;
  static constexpr int schools   = 8;
  static constexpr int unknown   = schools + 2;        ///< mu, ln tau, eta
  static constexpr int dimension = unknown + schools;  ///< and the effects y

  Scalar location = 5;  ///< standard deviation of mu; > 0
  Scalar scale    = 5;  ///< of the half Cauchy law of tau; > 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[dimension], V (&dx)[dimension]) const {
    Scalar constexpr half = Scalar(0.5);
    Scalar const deviations[schools]{15, 10, 16, 11, 9, 11, 10, 18};
    V const mu = x[0], tau = exp(x[1]), ratio = tau * V(1 / scale);
    V const rest = V(1) + ratio * ratio;
    dx[0]        = mu * V(1 / (location * location));
    dx[1]        = V(Scalar(2)) * ratio * ratio / rest - V(1);
    V sum        = V(half) * mu * dx[0] + log(rest) - x[1];
    for (int j = 0; j < schools; ++j) {
      V const eta = x[2 + j], off = mu + tau * eta - x[unknown + j];
      V const pull    = off * V(1 / (deviations[j] * deviations[j]));
      sum             = sum + V(half) * (eta * eta + off * pull);
      dx[0]           = dx[0] + pull;
      dx[1]           = dx[1] + pull * tau * eta;
      dx[2 + j]       = eta + pull * tau;
      dx[unknown + j] = -pull;
    }
    return sum;
  }

  /// From the prior, and effects given it.
  KOKKOS_FUNCTION void draw(Numbers<Scalar> const& numbers, Scalar (&x)[dimension]) const {
    Scalar const deviations[schools]{15, 10, 16, 11, 9, 11, 10, 18};
    numbers.normals(x);
    x[0] *= location;
    Scalar const tau =
        scale * Kokkos::tan(static_cast<Scalar>(1.5707963267948966) * numbers.uniform());
    x[1] = Kokkos::log(tau);
    for (int j = 0; j < schools; ++j)
      x[unknown + j] = x[0] + tau * x[2 + j] + deviations[j] * x[unknown + j];
  }
};

/// The model of eight schools without centers, as a joint law of parameters and data,
///
///   mu ~ N(0, 5^2),  tau ~ half Cauchy(5),  eta_j ~ N(0, 1),  y_j ~ N(mu + tau eta_j, s_j^2)
///
/// in x = (mu, ln tau, eta_1 ... eta_8, y_1 ... y_8), with exact samples: s_j are eight_deviations.
/// Sources: Rubin 1981, Journal of Educational Statistics 6(4); Gelman et al. 2013, Bayesian Data
/// Analysis, 3rd edition, section 5.5; priors as in posteriordb, eight_schools_noncentered.
template <Real Scalar>
using EightSchoolsJoint = Analytic<EightSchoolsFormula<Scalar>>;

/// Given effects of each chain: of (mu, ln tau, eta) alone.
///
/// \tparam Known  gives effect j of a chain as known(chain, 10 + j), for example a View (chains, 18) of
///                exact samples of the joint law
template <Real Scalar, class Known>
using EightSchoolsGiven = Restricted<EightSchoolsJoint<Scalar>, 0, 10, Known>;

namespace detail {

// The effects that were found, as those of every chain.
template <class Scalar>
struct EightEffects {
  KOKKOS_FUNCTION Scalar operator()(int, int d) const {
    Scalar const effects[8]{28, 8, -3, 7, -1, 1, 18, 12};
    return effects[d - 10];
  }
};

}  // namespace detail

/// The posterior of (mu, ln tau, eta_1 ... eta_8) given the effects that were found; theta_j = mu + tau
/// eta_j. A funnel in ln tau is gone, as effects are known to no more than 9.
template <Real Scalar>
struct EightSchools : EightSchoolsGiven<Scalar, detail::EightEffects<Scalar>> {
  EightSchools()
      : EightSchoolsGiven<Scalar, detail::EightEffects<Scalar>>(EightSchoolsJoint<Scalar>{},
                                                                detail::EightEffects<Scalar>{}) {}
};

/// Means and variances under the posterior of eight schools, on the host: given tau all laws are normal
/// (Gelman et al. 2013, eqs. 5.17, 5.20, 5.21), and over ln tau the trapezoidal rule is exact to rounding.
class EightSchoolsPosterior {
 public:
  struct Moments {
    double mean, variance;
  };

  EightSchoolsPosterior() {
    double const step = 0.01;
    // exp(-ln tau) falls off on both sides: below as tau, above as tau^-1 times the likelihood's tau^-8.
    for (double log_tau = -40; log_tau <= 12; log_tau += step) {
      double const tau = std::exp(log_tau);
      Slice s{};
      s.tau            = tau;
      double precision = 1 / 25.0, log_density = log_tau - std::log1p(tau * tau / 25);
      double weighted = 0;
      for (std::size_t j = 0; j < 8; ++j) {
        double const w = 1 / (variance_of(j) + tau * tau);
        precision += w;
        weighted += w * eight_effects[j];
        log_density += std::log(w) / 2 - w * eight_effects[j] * eight_effects[j] / 2;
      }
      s.mean     = weighted / precision;
      s.variance = 1 / precision;
      log_density += (weighted * s.mean - std::log(precision)) / 2;
      s.log_weight = log_density;
      slices_.push_back(s);
      largest_ = log_density > largest_ ? log_density : largest_;
    }
    for (Slice const& s : slices_) total_ += std::exp(s.log_weight - largest_);
  }

  Moments mu() const {
    return moments([](Slice const& s) { return Moments{s.mean, s.variance}; });
  }
  Moments tau() const {
    return moments([](Slice const& s) { return Moments{s.tau, 0}; });
  }
  Moments log_tau() const {
    return moments([](Slice const& s) { return Moments{std::log(s.tau), 0}; });
  }
  /// Of school j, counted from 0.
  Moments theta(std::size_t j) const {
    return moments([j](Slice const& s) {
      double const square = s.tau * s.tau, all = square + variance_of(j);
      double const kept = variance_of(j) / all;  // of mu
      return Moments{kept * s.mean + square / all * eight_effects[j],
                     square * kept + kept * kept * s.variance};
    });
  }
  /// Of eta_j = (theta_j - mu) / tau.
  Moments eta(std::size_t j) const {
    return moments([j](Slice const& s) {
      double const all = s.tau * s.tau + variance_of(j), slope = s.tau / all;
      return Moments{slope * (eight_effects[j] - s.mean),
                     variance_of(j) / all + slope * slope * s.variance};
    });
  }

 private:
  struct Slice {
    double tau, log_weight, mean, variance;  // of mu given tau
  };
  static double variance_of(std::size_t j) { return eight_deviations[j] * eight_deviations[j]; }

  // By the law of total variance.
  template <class F>
  Moments moments(F const& f) const {
    double mean = 0, square = 0;
    for (Slice const& s : slices_) {
      Moments const m = f(s);
      double const w  = std::exp(s.log_weight - largest_) / total_;
      mean += w * m.mean;
      square += w * (m.variance + m.mean * m.mean);
    }
    return {mean, square - mean * mean};
  }

  std::vector<Slice> slices_;
  double largest_ = -1e300, total_ = 0;
};

}  // namespace basin::energy::target

#endif
