// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_GAUSSIAN_HPP
#define BASIN_ENERGY_TARGET_GAUSSIAN_HPP

#include <basin/core/check.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/target/draw.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

/// An array that somebody else owns, which must outlive the energy.
template <class Data, class Memory>
using Borrowed =
    Kokkos::View<Data, Kokkos::LayoutRight, Memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

template <Real Scalar, int Dimension, class Memory>
class GaussianFormula {
 public:
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  /// \param factor  (dimension, dimension) L, lower triangular, of the covariance L L^T; what is
  ///                above the diagonal is not read
  /// \param mean    (dimension)
  /// \throws std::invalid_argument if a shape does not fit
  GaussianFormula(Borrowed<Scalar const**, Memory> const& factor,
                  Borrowed<Scalar const*, Memory> const& mean)
      : factor_(factor), mean_(mean) {
    char const* who = "basin::energy::target::Gaussian";
    if (!is_extent(factor.extent(0), Dimension) || !is_extent(factor.extent(1), Dimension))
      refuse(who, "factor has shape (", factor.extent(0), ", ", factor.extent(1), "), it must be (",
             Dimension, ", ", Dimension, ")");
    if (!is_extent(mean.extent(0), Dimension))
      refuse(who, "mean has ", mean.extent(0), " numbers, the dimension is ", Dimension);
  }

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    V y[Dimension], square(0);  // L y = x - mean, L^T dx = y
    for (int d = 0; d < Dimension; ++d) {
      V rest = x[d] - V(mean_(d));
      for (int e = 0; e < d; ++e) rest = fma(V(-factor_(d, e)), y[e], rest);
      y[d]   = V(Scalar(1) / factor_(d, d)) * rest;
      square = fma(y[d], y[d], square);
    }
    for (int d = Dimension - 1; d >= 0; --d) {
      V rest = y[d];
      for (int e = d + 1; e < Dimension; ++e) rest = fma(V(-factor_(e, d)), dx[e], rest);
      dx[d] = V(Scalar(1) / factor_(d, d)) * rest;
    }
    return V(Scalar(0.5)) * square;
  }

  KOKKOS_FUNCTION void draw(Numbers<Scalar> const& numbers, Scalar (&x)[Dimension]) const {
    Scalar z[Dimension];
    numbers.normals(z);
    for (int d = 0; d < Dimension; ++d) {
      x[d] = mean_(d);
      for (int e = 0; e <= d; ++e) x[d] += factor_(d, e) * z[e];
    }
  }

  /// D/2 ln 2 pi + ln det L
  double log_partition() const {
    auto const l = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), factor_);
    double sum   = Dimension / 2.0 * std::log(2 * std::numbers::pi);
    for (int d = 0; d < Dimension; ++d) sum += std::log(static_cast<double>(l(d, d)));
    return sum;
  }
  double mean(int d) const {
    return static_cast<double>(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), mean_)(d));
  }
  double variance(int d) const {
    auto const l = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), factor_);
    double sum   = 0;
    for (int e = 0; e <= d; ++e) sum += static_cast<double>(l(d, e)) * static_cast<double>(l(d, e));
    return sum;
  }

 private:
  Borrowed<Scalar const**, Memory> factor_;  // (dimension, dimension)
  Borrowed<Scalar const*, Memory> mean_;     // (dimension)
};

/// E(x) = (x - m)^T S^-1 (x - m) / 2 of any covariance S = L L^T, by two triangular solves in
/// dimension^2 multiply-adds: exp(-E) is proportional to the density of N(m, S). Write it as
/// Gaussian<double, 3>{{factor, mean}}; both Views are read on the device and not copied.
///
/// \tparam Exec  whose memory holds factor and mean
template <Real Scalar, int Dimension, class Exec = Kokkos::DefaultExecutionSpace>
using Gaussian = Analytic<GaussianFormula<Scalar, Dimension, typename Exec::memory_space>>;

}  // namespace basin::energy::target

#endif
