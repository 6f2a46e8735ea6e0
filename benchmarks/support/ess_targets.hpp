// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_ESS_TARGETS_HPP
#define BENCHMARKS_SUPPORT_ESS_TARGETS_HPP

#include <basin/energy/network.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/energy/sum.hpp>
#include <basin/energy/target/funnel.hpp>
#include <basin/energy/target/gaussian.hpp>
#include <basin/energy/target/logistic_regression.hpp>
#include <basin/energy/target/phi4.hpp>
#include <basin/layer/silu.hpp>

#include "benchmarks/support/ess_reference.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

// The targets of ess_per_second, number for number those of benchmarks/peers/ess_jax.py. Each has
//
//   energy_type energy() const;
//   std::string name;  double spread;  // chains start from N(0, spread^2)
//   std::vector<Known> exact;          // mean of each listed function
//   Functions functions;

namespace basin::bench::ess {

using Exec   = Kokkos::DefaultExecutionSpace;
using Matrix = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Vector = Kokkos::View<float*, Exec>;

/// Number k of a sequence, uniform with mean 0 and variance 1: SplitMix64 (Steele, Lea and Flood 2014).
inline double hashed(std::uint64_t seed, std::uint64_t k) {
  std::uint64_t z = ((seed << 32) + k + 1) * 0x9E3779B97F4A7C15u;
  z               = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z               = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return (static_cast<double>(z >> 40) * 0x1p-24 - 0.5) * std::sqrt(12.0);
}

template <class F>
Vector filled(std::size_t size, F const& f) {
  Vector const view("basin::bench::numbers", size);
  auto const host = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < size; ++i) host(i) = static_cast<float>(f(i));
  Kokkos::deep_copy(view, host);
  return view;
}
template <class F>
Matrix filled(std::size_t rows, std::size_t columns, F const& f) {
  Matrix const view("basin::bench::numbers", rows, columns);
  auto const host = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) host(i, j) = static_cast<float>(f(i, j));
  Kokkos::deep_copy(view, host);
  return view;
}

/// Function k of a state, whose mean is estimated: the coordinates x_d, then (x_d - center_d)^2; of
/// the funnel x_0, then x_d exp(-x_0 / 2), then ln |x_d|.
struct Functions {
  Vector center;  // (D); empty: the funnel
  int every = 1;  // coordinates 0, every, 2 every, ...

  template <class X>
  KOKKOS_FUNCTION double operator()(X const& x, int k, int D) const {
    if (center.size() == 0) {
      if (k == 0) return x(0);
      if (k < D) return x(k) * Kokkos::exp(-x(0) / 2);
      return Kokkos::log(Kokkos::abs(x(k - D + 1)) + 1e-30f);
    }
    int const listed = D / every;
    if (k < listed) return x(k * every);
    int const d      = (k - listed) * every;
    double const off = static_cast<double>(x(d)) - static_cast<double>(center(d));
    return off * off;
  }
};

inline std::vector<Known> repeated(std::initializer_list<Known> values, std::size_t times) {
  std::vector<Known> all;
  for (Known const& value : values) all.insert(all.end(), times, value);
  return all;
}
template <std::size_t D>
std::vector<Known> joined(Known const (&means)[D], Known const (&variances)[D]) {
  std::vector<Known> all(means, means + D);
  all.insert(all.end(), variances, variances + D);
  return all;
}

/// Covariance 0.9^|i - j|.
struct Gaussian {
  static constexpr int D       = 100;
  using energy_type            = energy::target::Gaussian<float, D>;
  static constexpr char name[] = "gaussian";
  double spread                = 1;
  Vector zero                  = filled(D, [](std::size_t) { return 0.0; });
  Matrix factor                = filled(D, D, [](std::size_t i, std::size_t j) {
    double const rho = 0.9;
    if (j > i) return 0.0;
    return std::pow(rho, double(i - j)) * (j == 0 ? 1 : std::sqrt(1 - rho * rho));
  });
  std::vector<Known> exact     = repeated({{0, 0}, {1, 0}}, D);
  Functions functions{zero};
  energy_type energy() const { return {{factor, zero}}; }
};

struct Funnel {
  static constexpr int D       = 10;
  using energy_type            = energy::target::Funnel<float, D>;
  static constexpr char name[] = "funnel";
  double spread                = 1;
  std::vector<Known> exact     = [] {
    std::vector<Known> all(D, Known{0, 0});
    all.resize(2 * D - 1, Known{-(std::numbers::egamma + std::numbers::ln2) / 2, 0});
    return all;
  }();
  Functions functions{};
  energy_type energy() const { return {}; }
};

/// All sites are alike: every 16th is listed.
struct Phi4 {
  static constexpr int D       = 32 * 32;
  using energy_type            = energy::target::Phi4<float, 32, 32>;
  static constexpr char name[] = "phi4";
  double spread                = 0.4;
  std::vector<Known> exact     = repeated({{0, 0}, phi4_square}, D / 16);
  Functions functions{filled(D, [](std::size_t) { return 0.0; }), 16};
  energy_type energy() const { return {{.mass_square = -4, .coupling = 8}}; }
};

/// 1,000 rows of 25 columns, the first of ones; neighbors correlated by 0.5; prior N(0, 1).
struct Logistic {
  static constexpr int D = 25, N = 1000;
  using energy_type            = energy::target::LogisticRegression<float, D>;
  static constexpr char name[] = "logistic";
  double spread                = 1;
  Matrix rows{"basin::bench::rows", N, D};
  Vector labels{"basin::bench::labels", N};
  std::vector<Known> exact = joined(logistic_mean, logistic_variance);
  Functions functions{filled(D, [](std::size_t d) { return logistic_mean[d].mean; })};

  Logistic() {
    auto const x = Kokkos::create_mirror_view(rows);
    auto const y = Kokkos::create_mirror_view(labels);
    for (std::uint64_t n = 0; n < N; ++n) {
      double row[D], logit = 0;
      for (std::uint64_t d = 0; d < D; ++d) {
        row[d] = hashed(1, n * D + d);
        if (d >= 2) row[d] = 0.5 * row[d - 1] + std::sqrt(0.75) * row[d];
      }
      row[0] = 1;
      for (std::uint64_t d = 0; d < D; ++d) {
        logit += row[d] * 0.7 * hashed(2, d);
        x(n, d) = static_cast<float>(row[d]);
      }
      double const uniform = hashed(3, n) / std::sqrt(12.0) + 0.5;
      y(n)                 = uniform < 1 / (1 + std::exp(-logit)) ? 1 : 0;
    }
    Kokkos::deep_copy(rows, x);
    Kokkos::deep_copy(labels, y);
  }
  energy_type energy() const { return {{rows, labels, 1.0}}; }
};

/// 10-128-128-1 with SiLU, weights fixed, and |x|^2 / 2.
struct Mlp {
  static constexpr int D = 10;
  using Network          = energy::Network<float, basin::Vector<D>, layer::Dense<128>, layer::Silu,
                                           layer::Dense<128>, layer::Silu, layer::Dense<1>>;
  using energy_type      = energy::Sum<Network, energy::Quadratic<float, D>>;
  static constexpr char name[] = "mlp";
  double spread                = 1;
  Vector theta{"basin::bench::theta", std::size_t(+Network::parameters)};
  std::vector<Known> exact = joined(mlp_mean, mlp_variance);
  Functions functions{filled(D, [](std::size_t d) { return mlp_mean[d].mean; })};

  Mlp() {
    auto const host     = Kokkos::create_mirror_view(theta);
    std::uint64_t at    = 0;
    int const widths[4] = {D, 128, 128, 1};
    double const gain[] = {1.5, 1.5, 4};
    for (int i = 0; i < 3; ++i) {
      std::uint64_t const m = widths[i], n = widths[i + 1];
      for (std::uint64_t k = 0; k < m * n; ++k)
        host(at++) = static_cast<float>(gain[i] / std::sqrt(double(m)) * hashed(10 + i, k));
      for (std::uint64_t k = 0; k < n; ++k)
        host(at++) = static_cast<float>(0.5 * hashed(20 + i, k));
    }
    Kokkos::deep_copy(theta, host);
  }
  energy_type energy() const { return {Network(theta.data()), {{.stiffness = 1}}}; }
};

}  // namespace basin::bench::ess

#endif
