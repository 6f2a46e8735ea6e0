// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_GAUSSIAN_MODEL_HPP
#define BASIN_TESTS_SUPPORT_GAUSSIAN_MODEL_HPP

#include <basin/energy/network.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/square.hpp>

#include "support/reference_noise.hpp"

#include <cmath>
#include <vector>

// The one model whose contrastive training can be done on paper.
namespace basin::test {

/// E(x) = (w x + b)^2, theta = (w, b): a Gaussian of stiffness k = 2 w^2 and mean -b / w.
using GaussianModel = energy::Network<double, Vector<1>, layer::Dense<1>, layer::Square>;

struct Theta {
  double w, b;
  double stiffness() const { return 2 * w * w; }
  double energy(double x) const { return (w * x + b) * (w * x + b); }
  double slope(double x) const { return 2 * w * (w * x + b); }
  Theta parameter_gradient(double x) const { return {2 * (w * x + b) * x, 2 * (w * x + b)}; }
};

/// Stiffness at which the unadjusted Langevin algorithm of step alpha (T = 1) leaves the variance v
/// as it is, so that contrastive divergence rests: (1 - alpha k)^2 v + 2 alpha = v. Not 1 / v.
inline double fixed_point(double alpha, double v) {
  return (1 - std::sqrt(1 - 2 * alpha / v)) / alpha;
}

/// Rows with mean 0 and variance v to the last rounding, otherwise normal: an epoch of them has no
/// sampling error of its own.
inline Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> normal_rows(int rows,
                                                                                  double v) {
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const x("x", rows, 1);
  double mean = 0, square = 0;
  for (int n = 0; n < rows; ++n)
    x(n, 0) = reference_normal({.seed = 99}, static_cast<std::uint32_t>(n), 0);
  for (int n = 0; n < rows; ++n) mean += x(n, 0) / rows;
  for (int n = 0; n < rows; ++n) square += (x(n, 0) - mean) * (x(n, 0) - mean) / rows;
  for (int n = 0; n < rows; ++n) x(n, 0) = (x(n, 0) - mean) * std::sqrt(v / square);
  return x;
}

/// A vector on the device as one on the host.
template <class View>
std::vector<double> values(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<double>(host.data(), host.data() + host.size());
}

template <class Trainer>
Theta theta_of(Trainer const& trainer) {
  auto const theta = values(trainer.parameters());
  return {theta[0], theta[1]};
}

template <class Trainer>
void set_theta(Trainer const& trainer, Theta theta) {
  auto const device = trainer.parameters();
  auto const host   = Kokkos::create_mirror_view(device);
  host(0)           = theta.w;
  host(1)           = theta.b;
  Kokkos::deep_copy(device, host);
}

/// One chain of the unadjusted Langevin algorithm at T = 1, by a scalar loop.
inline double moved(double x, Theta const& theta, double alpha, int steps, Stream stream,
                    std::uint32_t chain) {
  for (int k = 0; k < steps; ++k, ++stream.step)
    x += -alpha * theta.slope(x) + std::sqrt(2 * alpha) * reference_normal(stream, chain, 0);
  return x;
}

/// Trains from far off and gives the mean stiffness of the iterates of the second part.
template <class Trainer>
double learned_stiffness(Trainer& trainer, long before, long steps) {
  set_theta(trainer, {0.35, 0.3});
  trainer.fit({.steps = before});
  double sum = 0, count = 0;
  trainer.fit({.steps = steps, .report = [&](auto const&) {
                 sum += theta_of(trainer).stiffness();
                 count += 1;
               }});
  return sum / count;
}

}  // namespace basin::test

#endif
