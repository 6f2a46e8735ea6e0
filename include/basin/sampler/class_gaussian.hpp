// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CLASS_GAUSSIAN_HPP
#define BASIN_SAMPLER_CLASS_GAUSSIAN_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/start.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace basin::sampler {

namespace start {

/// x ~ N(mean_y, S_y) with y the label of the chain, limited to [lower, upper]: class-conditional
/// chains start as the data of their class look (Yang and Ji 2021, arXiv:2109.09032, JEM++, section
/// 3.2). Made by ClassGaussians, whose arrays it reads. Without labels, as for a user's chains, chain
/// n is of class n modulo the number of classes.
struct ClassGaussian {
  using axis = start_axis;

  int const* labels     = nullptr;  ///< (chains); set by the objective
  double const* means   = nullptr;  ///< (classes, dimension), units of x
  double const* factors = nullptr;  ///< (classes, dimension) standard deviations, or (classes,
                                    ///< dimension, dimension) lower triangles L of S = L L^T
  int classes   = 1;
  int dimension = 0;
  bool full     = false;                                     ///< whether the factors are triangles
  double lower  = -std::numeric_limits<double>::infinity();  ///< units of x
  double upper  = std::numeric_limits<double>::infinity();   ///< units of x

  /// \throws std::invalid_argument if it was not made by ClassGaussians
  void check() const {
    if (means == nullptr)
      refuse("basin::sampler::start::ClassGaussian",
             "it has no means; take ClassGaussians::start() of the data and their labels");
  }

  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    using V = tile::Simd<Scalar, 1>;
    int const y =
        labels ? labels[chain] : static_cast<int>(chain % static_cast<std::uint32_t>(classes));
    std::size_t const row = static_cast<std::size_t>(y) * static_cast<std::size_t>(dimension);
    double sum[4]         = {};
    for (int b = full ? 0 : block; b <= block; ++b) {
      V z[4];
      tile::normal_block(stream, static_cast<std::uint32_t>(b), chain, z);
      for (int i = 0; i < 4; ++i) {
        int const d = 4 * block + i;
        if (d >= dimension) break;
        if (!full) {
          sum[i] = factors[row + static_cast<std::size_t>(d)] * static_cast<double>(z[i][0]);
          continue;
        }
        double const* const of_row =
            factors + (row + static_cast<std::size_t>(d)) * static_cast<std::size_t>(dimension);
        for (int j = 0; j < 4 && 4 * b + j <= d; ++j)
          sum[i] += of_row[4 * b + j] * static_cast<double>(z[j][0]);
      }
    }
    for (int i = 0; i < 4; ++i) {
      int const d = 4 * block + i;
      if (d >= dimension) break;
      double const at = means[row + static_cast<std::size_t>(d)] + sum[i];
      x[i]            = static_cast<Scalar>(at < lower ? lower : at > upper ? upper : at);
    }
  }
};

}  // namespace start

/// Options of ClassGaussians.
struct ClassGaussiansOptions {
  double ridge = 1e-4;   ///< added to the variances, units of x^2; > 0
  bool full    = false;  ///< whole covariances, classes D^2 numbers; a draw costs D^2 / 2 products
  double lower = -1;     ///< bound of the starts, units of x
  double upper = 1;      ///< bound of the starts, units of x; > lower

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"ridge", "x^2", "added to the variances"}, self.ridge, range::above(0).finite());
    f(Field{"full", "1", "whole covariances"}, self.full);
    f(Field{"lower", "x", "bound of the starts"}, self.lower);
    f(Field{"upper", "x", "bound of the starts, > lower"}, self.upper);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::ClassGaussians";
    check_fields(who, *this);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }
};

/// A Gaussian of each class, fitted to the rows with its label: mean, and variances or covariance
/// (divided by n) plus a ridge. Must outlive what takes its start().
template <class Exec = Kokkos::DefaultExecutionSpace>
class ClassGaussians {
 public:
  /// \param points  (rows, dimension) on the host
  /// \param labels  (rows) on the host, in [0, classes), or -1: such a row is left out
  /// \throws std::invalid_argument naming the option, the row, or the class that has no row
  template <class Points, class Labels>
  ClassGaussians(Points const& points, Labels const& labels, int classes,
                 ClassGaussiansOptions const& options = {}) {
    char const* who = "basin::sampler::ClassGaussians";
    options.check();
    if (classes < 1) refuse(who, "classes must be >= 1, got ", classes);
    if (labels.extent(0) != points.extent(0))
      refuse(who, "labels has first extent ", labels.extent(0), ", points has ", points.extent(0),
             " rows");
    std::vector<std::vector<std::size_t>> rows(static_cast<std::size_t>(classes));
    for (std::size_t n = 0; n < labels.extent(0); ++n) {
      if (labels(n) < -1 || labels(n) >= classes)
        refuse(who, "labels must be in [-1, ", classes, "); labels(", n, ") is ", labels(n));
      if (labels(n) >= 0) rows[static_cast<std::size_t>(labels(n))].push_back(n);
    }
    std::size_t const D = points.extent(1), each = options.full ? D * D : D;
    means_             = Numbers("basin::sampler::means", rows.size() * D);
    factors_           = Numbers("basin::sampler::factors", rows.size() * each);
    auto const means   = Kokkos::create_mirror_view(means_),
               factors = Kokkos::create_mirror_view(factors_);
    for (std::size_t y = 0; y < rows.size(); ++y) {
      if (rows[y].empty())
        refuse(who, "class ", y, " of ", classes,
               " has no row, and a start of its chains none to "
               "look like");
      Eigen::MatrixXd x(static_cast<Eigen::Index>(rows[y].size()), static_cast<Eigen::Index>(D));
      for (std::size_t n = 0; n < rows[y].size(); ++n)
        for (std::size_t d = 0; d < D; ++d)
          x(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(d)) =
              static_cast<double>(points(rows[y][n], d));
      Eigen::RowVectorXd const mean = x.colwise().mean();
      x.rowwise() -= mean;
      double const share = 1 / static_cast<double>(x.rows());
      Eigen::MatrixXd root;
      Eigen::RowVectorXd deviations;
      if (options.full) {
        Eigen::MatrixXd s = share * (x.transpose() * x);
        s.diagonal().array() += options.ridge;
        root = s.llt().matrixL();
      } else {
        deviations = (share * x.array().square().colwise().sum() + options.ridge).sqrt();
      }
      for (std::size_t d = 0; d < D; ++d) {
        Eigen::Index const at = static_cast<Eigen::Index>(d);
        means(y * D + d)      = mean(at);
        if (!options.full) factors(y * D + d) = deviations(at);
        for (std::size_t j = 0; options.full && j < D; ++j)
          factors((y * D + d) * D + j) = root(at, static_cast<Eigen::Index>(j));
      }
    }
    Kokkos::deep_copy(means_, means);
    Kokkos::deep_copy(factors_, factors);
    start_.means     = means_.data();
    start_.factors   = factors_.data();
    start_.classes   = classes;
    start_.dimension = static_cast<int>(D);
    start_.full      = options.full;
    start_.lower     = options.lower;
    start_.upper     = options.upper;
  }

  /// For a buffer of class-conditional chains.
  start::ClassGaussian start() const { return start_; }

 private:
  using Numbers = Kokkos::View<double*, typename Exec::memory_space>;
  Numbers means_;    // (classes, dimension)
  Numbers factors_;  // (classes, dimension) or (classes, dimension, dimension)
  start::ClassGaussian start_;
};

}  // namespace basin::sampler

#endif
