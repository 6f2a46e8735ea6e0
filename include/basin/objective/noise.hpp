// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_NOISE_HPP
#define BASIN_OBJECTIVE_NOISE_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/moments.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/random.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

/// Noise distributions of noise-contrastive estimation. A user-defined one is a struct with
///
///   template <class Scalar, class Exec> struct bind {
///     bind(Law const&, Eigen::MatrixXd const& data);        // (rows, dimension)
///     KOKKOS_FUNCTION void sample(Stream const&, std::uint32_t sample, Scalar* x) const;
///     KOKKOS_FUNCTION Scalar log_density(Scalar const* x) const;   // normalized
///   };
///   void check() const;  // if it has options to validate; throws std::invalid_argument
///   bool operator==(Law const&) const = default;  // without it changed options are ignored,
///                                                 // not refused
namespace basin::objective::noise {

namespace detail {

template <class Scalar, class Exec>
using Array = Kokkos::View<Scalar*, typename Exec::memory_space>;

template <class Scalar, class Exec, class Values>
Array<Scalar, Exec> on_device(Values const& values) {
  Array<Scalar, Exec> const array("basin::objective::noise", std::size_t(values.size()));
  auto const host = Kokkos::create_mirror_view(array);
  for (Eigen::Index i = 0; i < values.size(); ++i)
    host(static_cast<std::size_t>(i)) = static_cast<Scalar>(values.data()[i]);
  Kokkos::deep_copy(array, host);
  return array;
}

// x (dimension) of N(0, 1), keyed as tile::normal_block.
template <class Scalar>
KOKKOS_FUNCTION void fill_normal(Stream const& stream, std::uint32_t sample, int dimension,
                                 Scalar* x) {
  for (int d = 0; d < dimension; d += 4) {
    tile::Simd<Scalar, 1> z[4];
    tile::normal_block(stream, static_cast<std::uint32_t>(d / 4), sample, z);
    for (int i = 0; i < 4 && d + i < dimension; ++i) x[d + i] = z[i][0];
  }
}

// sum_(j < n) a[j] f(x)[j], f(vector or scalar of x, place). 32 bytes of partial sums, of j mod P,
// then those and the rest in order, to avoid a chain of n dependent additions.
template <class Scalar, class F>
KOKKOS_FUNCTION Scalar dot(int n, Scalar const* a, Scalar const* x, F const& f) {
  constexpr int P = 32 / static_cast<int>(sizeof(Scalar));
  using Partial   = tile::Simd<Scalar, P>;
  using One       = tile::Simd<Scalar, 1>;
  Partial sums(Scalar(0));
  int j = 0;
  for (; j + P <= n; j += P)
    sums =
        fma(tile::load_unaligned<Partial>(a + j), f(tile::load_unaligned<Partial>(x + j), j), sums);
  Scalar total = 0;
  for (int l = 0; l < P; ++l) total += sums[l];
  for (; j < n; ++j) total += a[j] * f(One(x[j]), j)[0];
  return total;
}

inline double log_two_pi() { return 1.8378770664093454836; }

}  // namespace detail

/// N(m, S) with the mean and covariance matrix of the data.
struct Gaussian {
  double ridge                           = 0;  ///< added to the diagonal of S, units of x^2; >= 0
  bool operator==(Gaussian const&) const = default;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"ridge", "x^2", "added to the diagonal of the covariance"}, self.ridge,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::noise::Gaussian", *this); }

  template <class Scalar, class Exec>
  struct bind {
    bind(Gaussian const& options, Eigen::MatrixXd const& data)
        : dimension(static_cast<int>(data.cols())) {
      namespace moments       = objective::detail;
      Eigen::VectorXd const m = moments::column_means(data);
      Eigen::MatrixXd l       = moments::covariance(data, m);
      l.diagonal().array() += options.ridge;
      // What rounding leaves of a column that depends on others: of the data, and of the factor.
      Eigen::VectorXd const variance = l.diagonal();
      auto const least               = [&](Eigen::Index d) {
        double const of_data   = 8 * double(Kokkos::Experimental::epsilon_v<Scalar>);
        double const of_factor = 4 * dimension * Kokkos::Experimental::epsilon_v<double>;
        return std::max(of_data * of_data * (variance(d) + m(d) * m(d)), of_factor * variance(d));
      };
      int const dependent = moments::factor_in_place(l, least);
      if (dependent >= 0)
        refuse("basin::objective::noise::Gaussian", "column ", dependent, " of the data is ",
               variance(dependent) > options.ridge
                   ? "to rounding a linear function of those before it; leave it out, or write a "
                     "ridge > 0, it is "
                   : "constant; write a ridge > 0, it is ",
               options.ridge);
      // Row-major, so that a row of L is contiguous.
      using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
      mean       = detail::on_device<Scalar, Exec>(m);
      lower      = detail::on_device<Scalar, Exec>(Rows(l));
      inverse    = detail::on_device<Scalar, Exec>(Rows(moments::inverse_of_lower(l)));
      constant   = static_cast<Scalar>(-0.5 * dimension * detail::log_two_pi() -
                                       moments::sum_of_logs(l.diagonal()));
    }

    /// x = m + L z
    KOKKOS_FUNCTION void sample(Stream const& stream, std::uint32_t sample, Scalar* x) const {
      detail::fill_normal(stream, sample, dimension, x);
      auto const itself = [](auto z, int) { return z; };
      for (int i = dimension - 1; i >= 0; --i)
        x[i] = mean(i) + detail::dot(i + 1, &lower(i * dimension), x, itself);
    }
    /// -|L^-1 (x - m)|^2 / 2 - log det L - dimension / 2 log 2 pi
    KOKKOS_FUNCTION Scalar log_density(Scalar const* x) const {
      Scalar const* const m = mean.data();
      auto const centered   = [=](auto v, int j) {
        return v - tile::load_unaligned<decltype(v)>(m + j);
      };
      Scalar square = 0;
      for (int i = 0; i < dimension; ++i) {
        Scalar const y = detail::dot(i + 1, &inverse(i * dimension), x, centered);
        square += y * y;
      }
      return constant - square / 2;
    }

    int dimension;
    Scalar constant = 0;
    detail::Array<Scalar, Exec> mean;            // (dimension)
    detail::Array<Scalar, Exec> lower, inverse;  // (dimension, dimension) L, L^-1
  };
};

/// N(m, diag s^2) with the mean and standard deviation of every coordinate of the data.
struct DiagonalGaussian {
  double ridge                                   = 0;  ///< added to s^2, units of x^2; >= 0
  bool operator==(DiagonalGaussian const&) const = default;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"ridge", "x^2", "added to the variances"}, self.ridge, range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::noise::DiagonalGaussian", *this); }

  template <class Scalar, class Exec>
  struct bind {
    bind(DiagonalGaussian const& options, Eigen::MatrixXd const& data)
        : dimension(static_cast<int>(data.cols())) {
      namespace moments       = objective::detail;
      Eigen::VectorXd const m = moments::column_means(data);
      Eigen::VectorXd const s = (moments::variances(data, m).array() + options.ridge).sqrt();
      for (int d = 0; d < dimension; ++d)
        if (!(s(d) > 0))
          refuse("basin::objective::noise::DiagonalGaussian", "column ", d,
                 " of the data is constant; write a ridge > 0, it is ", options.ridge);
      mean      = detail::on_device<Scalar, Exec>(m);
      deviation = detail::on_device<Scalar, Exec>(s);
      constant =
          static_cast<Scalar>(-0.5 * dimension * detail::log_two_pi() - moments::sum_of_logs(s));
    }

    KOKKOS_FUNCTION void sample(Stream const& stream, std::uint32_t sample, Scalar* x) const {
      detail::fill_normal(stream, sample, dimension, x);
      for (int d = 0; d < dimension; ++d) x[d] = mean(d) + deviation(d) * x[d];
    }
    KOKKOS_FUNCTION Scalar log_density(Scalar const* x) const {
      Scalar square = 0;
      for (int d = 0; d < dimension; ++d) {
        Scalar const z = (x[d] - mean(d)) / deviation(d);
        square += z * z;
      }
      return constant - square / 2;
    }

    int dimension;
    Scalar constant = 0;
    detail::Array<Scalar, Exec> mean, deviation;  // (dimension)
  };
};

/// Uniform on a box: the range of the data, extended by 'margin' times the range on both sides.
struct Box {
  double margin                     = 0;  ///< >= 0
  bool operator==(Box const&) const = default;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"margin", "1", "widens the box on both sides, in ranges of the data"}, self.margin,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::noise::Box", *this); }

  template <class Scalar, class Exec>
  struct bind {
    bind(Box const& options, Eigen::MatrixXd const& data)
        : dimension(static_cast<int>(data.cols())) {
      Eigen::VectorXd const least = data.colwise().minCoeff(), most = data.colwise().maxCoeff();
      Eigen::VectorXd const from = least - options.margin * (most - least);
      Eigen::VectorXd const span = (1 + 2 * options.margin) * (most - least);
      for (int d = 0; d < dimension; ++d)
        if (!(span(d) > 0))
          refuse("basin::objective::noise::Box", "column ", d,
                 " of the data is constant, a box would have no volume");
      lower = detail::on_device<Scalar, Exec>(from);
      upper =
          detail::on_device<Scalar, Exec>(Eigen::VectorXd(most + options.margin * (most - least)));
      width   = detail::on_device<Scalar, Exec>(span);
      density = static_cast<Scalar>(-objective::detail::sum_of_logs(span));
    }

    KOKKOS_FUNCTION void sample(Stream const& stream, std::uint32_t sample, Scalar* x) const {
      for (int d = 0; d < dimension; d += 4) {
        tile::Simd<Scalar, 1> u[4];
        tile::uniform_block(stream, static_cast<std::uint32_t>(d / 4), sample, u);
        for (int i = 0; i < 4 && d + i < dimension; ++i)
          x[d + i] = Kokkos::min(lower(d + i) + width(d + i) * u[i][0], upper(d + i));
      }
    }
    /// -inf outside the box.
    KOKKOS_FUNCTION Scalar log_density(Scalar const* x) const {
      for (int d = 0; d < dimension; ++d)
        if (x[d] < lower(d) || x[d] > upper(d)) return -Kokkos::Experimental::infinity_v<Scalar>;
      return density;
    }

    int dimension;
    Scalar density = 0;
    // upper is rounded separately: lower + width may miss the maximum of the data.
    detail::Array<Scalar, Exec> lower, upper, width;  // (dimension)
  };
};

}  // namespace basin::objective::noise

#endif
