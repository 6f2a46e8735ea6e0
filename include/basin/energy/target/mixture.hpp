// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_MIXTURE_HPP
#define BASIN_ENERGY_TARGET_MIXTURE_HPP

#include <basin/core/check.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/target/gaussian.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension, class Memory>
class MixtureFormula {
 public:
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  /// \param means               (components, dimension) m_k
  /// \param weights             (components) w_k > 0, of any sum
  /// \param standard_deviation  s > 0 of every component, units of x
  /// \throws std::invalid_argument if a shape does not fit, or s is not > 0
  MixtureFormula(Borrowed<Scalar const**, Memory> const& means,
                 Borrowed<Scalar const*, Memory> const& weights, double standard_deviation)
      : means_(means), weights_(weights), deviation_(static_cast<Scalar>(standard_deviation)) {
    char const* who = "basin::energy::target::Mixture";
    if (means.extent(0) == 0 || !is_extent(means.extent(1), Dimension))
      refuse(who, "means has shape (", means.extent(0), ", ", means.extent(1),
             "), it must have a component and ", Dimension, " columns");
    if (weights.extent(0) != means.extent(0))
      refuse(who, "there are ", weights.extent(0), " weights and ", means.extent(0), " means");
    if (!(standard_deviation > 0) || std::isinf(standard_deviation))
      refuse(who, "standard_deviation must be > 0 and finite, got ", standard_deviation);
  }

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    int const components = static_cast<int>(means_.extent(0));
    Scalar const inverse = 1 / (deviation_ * deviation_);
    V nearest            = square(x, 0);  // the largest exponent: no sum of exp underflows to 0
    for (int k = 1; k < components; ++k) {
      V const here = square(x, k);
      nearest      = where_less(here, nearest, here, nearest);
    }
    V sum(0);
    for (int d = 0; d < Dimension; ++d) dx[d] = V(0);
    for (int k = 0; k < components; ++k) {
      V const w = V(weights_(k)) * exp(V(Scalar(0.5) * inverse) * (nearest - square(x, k)));
      sum += w;
      for (int d = 0; d < Dimension; ++d) dx[d] = fma(w, x[d] - V(means_(k, d)), dx[d]);
    }
    V const each = V(inverse) / sum;
    for (int d = 0; d < Dimension; ++d) dx[d] = each * dx[d];
    return V(Scalar(0.5) * inverse) * nearest - log(sum);
  }

  KOKKOS_FUNCTION void draw(Numbers<Scalar> const& numbers, Scalar (&x)[Dimension]) const {
    int const components = static_cast<int>(means_.extent(0));
    Scalar total         = 0;
    for (int k = 0; k < components; ++k) total += weights_(k);
    Scalar rest   = numbers.uniform() * total;
    int component = 0;
    while (component + 1 < components && rest >= weights_(component)) {
      rest -= weights_(component);
      ++component;
    }
    Scalar z[Dimension];
    numbers.normals(z);
    for (int d = 0; d < Dimension; ++d) x[d] = means_(component, d) + deviation_ * z[d];
  }

  /// D/2 ln 2 pi s^2 + ln sum_k w_k
  double log_partition() const {
    return Dimension / 2.0 * std::log(2 * std::numbers::pi) +
           Dimension * std::log(static_cast<double>(deviation_)) + std::log(moments(0).weight);
  }
  double mean(int d) const { return moments(d).mean; }
  double variance(int d) const { return moments(d).variance; }

 private:
  struct Moments {
    double weight, mean, variance;
  };
  Moments moments(int d) const {
    auto const m = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), means_);
    auto const w = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), weights_);
    Moments of{0, 0, static_cast<double>(deviation_) * static_cast<double>(deviation_)};
    for (std::size_t k = 0; k < w.extent(0); ++k) of.weight += static_cast<double>(w(k));
    for (std::size_t k = 0; k < w.extent(0); ++k)
      of.mean += static_cast<double>(w(k)) / of.weight * static_cast<double>(m(k, d));
    for (std::size_t k = 0; k < w.extent(0); ++k) {
      double const apart = static_cast<double>(m(k, d)) - of.mean;
      of.variance += static_cast<double>(w(k)) / of.weight * apart * apart;
    }
    return of;
  }

  // |x - m_k|^2
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V square(V const (&x)[Dimension], int k) const {
    V sum(0);
    for (int d = 0; d < Dimension; ++d) {
      V const apart = x[d] - V(means_(k, d));
      sum           = fma(apart, apart, sum);
    }
    return sum;
  }

  Borrowed<Scalar const**, Memory> means_;   // (components, dimension)
  Borrowed<Scalar const*, Memory> weights_;  // (components)
  Scalar deviation_;
};

/// E(x) = -ln sum_k w_k exp(-|x - m_k|^2 / 2 s^2), a mixture of Gaussians of one width: chains must
/// find every mode, and their weights. Write it as Mixture<double, 2>{{means, weights, 0.5}}; both
/// Views are read on the device and not copied.
///
/// \tparam Exec  whose memory holds means and weights
template <Real Scalar, int Dimension, class Exec = Kokkos::DefaultExecutionSpace>
using Mixture = Analytic<MixtureFormula<Scalar, Dimension, typename Exec::memory_space>>;

}  // namespace basin::energy::target

#endif
