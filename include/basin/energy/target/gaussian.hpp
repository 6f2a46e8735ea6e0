// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_GAUSSIAN_HPP
#define BASIN_ENERGY_TARGET_GAUSSIAN_HPP

#include <basin/core/check.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/target/draw.hpp>
#include <basin/tile/simd.hpp>

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
    // L y = x - mean, L^T dx = y, by blocks of rows whose sums do not wait for each other.
    constexpr int block = 8, last = Dimension % block, whole = Dimension - last;
    V y[Dimension], square(0);
    for (int from = 0; from < whole; from += block) solve<block>(from, x, y);
    solve<last>(+whole, x, y);
    for (int d = 0; d < Dimension; ++d) square = fma(y[d], y[d], square);
    solve_transposed<last>(+whole, y, dx);
    for (int from = whole - block; from >= 0; from -= block) solve_transposed<block>(from, y, dx);
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
  // y_d of 'rows' rows from the one 'from' on, those before them being known.
  template <int rows, class V>
  KOKKOS_FORCEINLINE_FUNCTION void solve(int from, V const (&x)[Dimension],
                                         V (&y)[Dimension]) const {
    if constexpr (rows > 0) {
      V sum[rows];  // sum_e L_de y_e + mean_d - x_d
      BASIN_UNROLL for (int r = 0; r < rows; ++r) sum[r] = V(mean_(from + r)) - x[from + r];
      for (int e = 0; e < from; ++e) {
        BASIN_UNROLL for (int r = 0; r < rows; ++r) sum[r] =
            fma(V(factor_(from + r, e)), y[e], sum[r]);
      }
      BASIN_UNROLL for (int r = 0; r < rows; ++r) {
        y[from + r] = V(Scalar(-1) / factor_(from + r, from + r)) * sum[r];
        BASIN_UNROLL for (int s = r + 1; s < rows; ++s) sum[s] =
            fma(V(factor_(from + s, from + r)), y[from + r], sum[s]);
      }
    }
  }
  // dx_d of 'rows' rows from the one 'from' on, those behind them being known.
  template <int rows, class V>
  KOKKOS_FORCEINLINE_FUNCTION void solve_transposed(int from, V const (&y)[Dimension],
                                                    V (&dx)[Dimension]) const {
    if constexpr (rows > 0) {
      V sum[rows];  // sum_e L_ed dx_e - y_d
      BASIN_UNROLL for (int r = 0; r < rows; ++r) sum[r] = -y[from + r];
      for (int e = from + rows; e < Dimension; ++e) {
        BASIN_UNROLL for (int r = 0; r < rows; ++r) sum[r] =
            fma(V(factor_(e, from + r)), dx[e], sum[r]);
      }
      BASIN_UNROLL for (int r = rows - 1; r >= 0; --r) {
        dx[from + r] = V(Scalar(-1) / factor_(from + r, from + r)) * sum[r];
        BASIN_UNROLL for (int s = 0; s < r; ++s) sum[s] =
            fma(V(factor_(from + r, from + s)), dx[from + r], sum[s]);
      }
    }
  }

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
