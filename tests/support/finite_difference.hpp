// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_FINITE_DIFFERENCE_HPP
#define BASIN_TESTS_SUPPORT_FINITE_DIFFERENCE_HPP

#include <basin/energy/derivatives.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/parameter_gradient.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace basin::test {

// Near (epsilon of double)^(1/3), where the errors of a central difference are smallest: step^2 / 6
// of the third derivative, and epsilon / step of the value, each about 2e-11.
inline constexpr double step = 1e-5;
// What tests allow, relative to 1 + the largest value and derivative: third derivatives up to 500.
inline constexpr double tolerance = 1e-8;
// What tests allow of a float network of three layers of up to 15 inputs, relative to 1 + the
// largest value. There and back each element is rounded 6 * 15 times, to 2^-24 of a sum of |w x|
// that is at most sqrt(15) times the values: sqrt(90) * 2^-24 * 3.9 for errors of random sign.
inline constexpr double float_tolerance = 2.2e-6;

/// Numbers in [-size, size] that are multiples of 2^-20, so that float holds them exactly.
inline std::vector<double> numbers(std::size_t n, unsigned seed, double size = 1) {
  std::mt19937 bits(seed);
  std::vector<double> values(n);
  for (double& v : values)
    v = std::round(size * (static_cast<double>(bits()) * 0x1p-31 - 1) * 0x1p20) * 0x1p-20;
  return values;
}

template <class Exec, class Scalar>
Kokkos::View<Scalar*, Exec> on_device(std::vector<double> const& values) {
  Kokkos::View<Scalar*, Exec> const view("values", values.size());
  auto const mirror = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < values.size(); ++i) mirror(i) = static_cast<Scalar>(values[i]);
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class View>
std::vector<typename View::non_const_value_type> on_host(View const& view) {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
  return {mirror.data(), mirror.data() + mirror.size()};
}

inline double largest(std::vector<double> const& values) {
  double result = 0;
  for (double v : values) result = std::max(result, std::abs(v));
  return result;
}

// ---- elementwise layers ------------------------------------------------------

namespace detail {

template <class Layer, class Exec, class T>
struct EvaluateElementwise {
  Kokkos::View<T*, Exec> x, value, derivative, value_alone;
  KOKKOS_FUNCTION void operator()(int i) const {
    using V = tile::Simd<T, 4>;
    V f[2], g[1];
    V const at = tile::load<V>(x.data() + 4 * i);
    Layer::template evaluate<1>(at, f);
    Layer::template evaluate<0>(at, g);
    tile::store(value.data() + 4 * i, f[0]);
    tile::store(derivative.data() + 4 * i, f[1]);
    tile::store(value_alone.data() + 4 * i, g[0]);
  }
};

}  // namespace detail

/// f(x) and f'(x) of an elementwise layer, as it computes them with and without a derivative.
template <class T>
struct Elementwise {
  std::vector<T> value, derivative, value_alone;
};

template <class Layer, class Exec, class T>
Elementwise<T> evaluate(std::vector<double> x) {
  std::size_t const n = x.size();
  x.resize((n + 3) / 4 * 4);
  using View = Kokkos::View<T*, Exec>;
  View const value("f", x.size()), derivative("f'", x.size()), alone("f alone", x.size());
  Kokkos::parallel_for(
      Kokkos::RangePolicy<Exec>(0, static_cast<int>(x.size() / 4)),
      detail::EvaluateElementwise<Layer, Exec, T>{on_device<Exec, T>(x), value, derivative, alone});
  Elementwise<T> result{on_host(value), on_host(derivative), on_host(alone)};
  for (auto* v : {&result.value, &result.derivative, &result.value_alone}) v->resize(n);
  return result;
}

/// Points between -size and size, 2^-7 apart and none nearer to 0 than 2^-8; float holds them
/// exactly.
inline std::vector<double> line(int size) {
  std::vector<double> x;
  for (int i = -128 * size; i < 128 * size; ++i) x.push_back((i + 0.5) * 0x1p-7);
  return x;
}

/// The largest |f'(x) - central difference of f| / (1 + |f| + |f'|), in double.
template <class Layer, class Exec>
double derivative_error(std::vector<double> const& x) {
  std::vector<double> up = x, down = x;
  for (double& v : up) v += step;
  for (double& v : down) v -= step;
  auto const f     = evaluate<Layer, Exec, double>(x);
  auto const above = evaluate<Layer, Exec, double>(up), below = evaluate<Layer, Exec, double>(down);
  double error = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const difference = (above.value[i] - below.value[i]) / (up[i] - down[i]);
    error                   = std::max(error, std::abs(f.derivative[i] - difference) /
                                                  (1 + std::abs(f.value[i]) + std::abs(difference)));
  }
  return error;
}

/// The largest |f(x) - expected(x)| / (1 + |expected|), of T's value and of double's derivative,
/// which derivative_error has checked.
struct ElementwiseErrors {
  double value, derivative;
  int different_alone;  ///< values that differ when no derivative is asked for
};
template <class Layer, class Exec, class T, class Expected>
ElementwiseErrors elementwise_errors(std::vector<double> const& x, Expected const& expected) {
  auto const f = evaluate<Layer, Exec, T>(x);
  auto const d = evaluate<Layer, Exec, double>(x);
  ElementwiseErrors errors{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const y  = expected(x[i]);
    errors.value    = std::max(errors.value, std::abs(f.value[i] - y) / (1 + std::abs(y)));
    double const dy = d.derivative[i];
    errors.derivative =
        std::max(errors.derivative, std::abs(f.derivative[i] - dy) / (1 + std::abs(dy)));
    errors.different_alone += f.value[i] != f.value_alone[i];
  }
  return errors;
}

// ---- networks ----------------------------------------------------------------

namespace detail {

template <class Net, class Points>
struct RecordTile {
  using scalar_type                   = typename Net::scalar_type;
  static constexpr int workspace_rows = Net::workspace_rows;
  Net net;
  Points points;  // (n, dimension)
  energy::Record<scalar_type> record;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    int const first = tile * Context::width;
    c.load_chains(points, first, static_cast<int>(points.extent(0)), +Net::dimension,
                  workspace + Net::state_row * Context::width);
    load_conditions(c, net, workspace, first, static_cast<int>(points.extent(0)));
    net.record(c, workspace, record, first, stream);
  }
};

template <class Net>
struct ParameterGradient {
  using scalar_type                   = typename Net::scalar_type;
  static constexpr int workspace_rows = 0;
  energy::Record<scalar_type> record;
  scalar_type const* weights;
  int count;
  scalar_type* gradient;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int block) const {
    Net::parameter_gradient(c, block, record, weights, {0, count}, gradient);
  }
};

}  // namespace detail

/// A network with its parameters in Exec, and what can be asked of it, of points (n, dimension) on
/// the host.
template <class Exec, class Net,
          tile::Tuning tuning =
              tile::default_tuning<Exec, typename Net::scalar_type, Net::workspace_rows>()>
struct Model {
  using Scalar = typename Net::scalar_type;
  using Array  = Kokkos::View<Scalar*, Exec>;
  using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

  Array theta{"theta", Net::parameters > 0 ? Net::parameters : 1};

  explicit Model(std::vector<double> const& parameters) { set(parameters); }

  void set(std::vector<double> const& parameters) {
    auto const mirror = Kokkos::create_mirror_view(theta);
    for (std::size_t k = 0; k < parameters.size(); ++k)
      mirror(k) = static_cast<Scalar>(parameters[k]);
    Kokkos::deep_copy(theta, mirror);
  }

  Net net() const { return Net(theta.data()); }

  static int count(std::vector<double> const& x) {
    return static_cast<int>(x.size()) / Net::dimension;
  }
  static Points points(Array const& x) {
    return Points(x.data(), x.size() / Net::dimension, +Net::dimension);
  }

  std::vector<Scalar> energies(std::vector<double> const& x) const {
    auto const in = on_device<Exec, Scalar>(x);
    Array const e("energies", count(x));
    energy::energies<tuning>(Exec(), net(), points(in), e);
    return on_host(e);
  }

  /// dE/dx (n, dimension)
  std::vector<Scalar> gradients(std::vector<double> const& x) const {
    auto const in = on_device<Exec, Scalar>(x);
    Array const g("gradients", x.size());
    energy::gradients<tuning>(Exec(), net(), points(in), points(g));
    return on_host(g);
  }

  /// A training pass: E of each point, and sum_n w_n dE(x_n)/dtheta if there are weights.
  struct Training {
    std::vector<Scalar> energies, gradient;
  };
  Training training(std::vector<double> const& x, std::vector<double> const& w = {},
                    Stream const& stream = {}) const {
    // Whole tiles, and rows that are aligned.
    int constexpr padded = tuning.width < 16 ? 16 : tuning.width;
    int const n = count(x), samples = tile::tiles(n, padded) * padded;
    auto const in = on_device<Exec, Scalar>(x);
    Array const rows("record", Net::record_rows * samples), e("energies", samples);
    energy::Record<Scalar> const record{rows.data(), e.data(), samples};
    tile::for_each_tile<tuning>(Exec(), "test", tile::tiles(n, tuning.width),
                                detail::RecordTile<Net, Points>{net(), points(in), record, stream});
    Training result{on_host(e), {}};
    result.energies.resize(static_cast<std::size_t>(n));
    if (!w.empty()) {
      auto const weights = on_device<Exec, Scalar>(w);
      Array const gradient("gradient", +Net::parameters);
      tile::for_each_tile<tuning>(
          Exec(), "test", +Net::gradient_blocks,
          detail::ParameterGradient<Net>{record, weights.data(), n, gradient.data()});
      result.gradient = on_host(gradient);
    }
    return result;
  }
};

/// Parameters that keep the size of what flows through: weights of order 1 / sqrt(inputs).
template <class Net>
std::vector<double> parameters_of(unsigned seed) {
  auto theta = numbers(static_cast<std::size_t>(Net::parameters), seed);
  for (energy::NamedBlock const& b : Net::parameter_blocks())
    for (int k = 0; k < b.rows * b.columns; ++k) {
      double& value = theta[static_cast<std::size_t>(b.offset + k)];
      value         = std::round(value * 1.7 / std::sqrt(double(b.columns)) * 0x1p20) * 0x1p-20;
    }
  return theta;
}

/// Largest error of a network's derivatives against central differences, relative to
/// 1 + the largest energy and derivative.
struct GradientErrors {
  double state;       ///< dE/dx, as samplers ask for it
  double parameters;  ///< sum_n w_n dE(x_n)/dtheta, as training asks for it
};

template <class Exec, class Net>
GradientErrors gradient_errors(Stream const& stream = {}, int points = 5) {
  static_assert(sizeof(typename Net::scalar_type) == 8, "central differences need double");
  std::size_t constexpr D = Net::dimension;
  std::size_t const n     = static_cast<std::size_t>(points);
  auto theta              = parameters_of<Net>(1);
  auto const x            = numbers(n * D, 2, 1.5);
  auto const w            = numbers(n, 3);
  Model<Exec, Net> model(theta);
  auto const g = model.gradients(x);
  auto const t = model.training(x, w, stream);

  std::vector<double> moved;  // (n, D, up or down, D)
  for (std::size_t i = 0; i < n * D; ++i)
    for (double h : {step, -step})
      for (std::size_t d = 0; d < D; ++d) moved.push_back(x[i / D * D + d] + (d == i % D ? h : 0));
  auto const e      = model.energies(moved);
  double const size = 1 + largest(e) + largest(g) + largest(t.gradient);
  GradientErrors errors{};
  for (std::size_t i = 0; i < n * D; ++i)
    errors.state =
        std::max(errors.state, std::abs(g[i] - (e[2 * i] - e[2 * i + 1]) / (2 * step)) / size);

  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    double sum[2]     = {};
    for (int side = 0; side < 2; ++side) {
      theta[k] = here + (side == 0 ? step : -step);
      model.set(theta);
      auto const moved_energies = model.training(x, {}, stream).energies;
      for (std::size_t i = 0; i < n; ++i) sum[side] += w[i] * moved_energies[i];
    }
    theta[k]          = here;
    errors.parameters = std::max(errors.parameters,
                                 std::abs(t.gradient[k] - (sum[0] - sum[1]) / (2 * step)) / size);
  }
  return errors;
}

namespace detail {

// Of c_0 + c_1 e + c_2 e^2, the series of sliced score matching's c_1^2 / 2 - 2 c_2.
struct SlicedSeed {
  template <class Place, class V>
  KOKKOS_FUNCTION V operator()(Place, V c) const {
    using P = typename V::simd_type;
    V s(P(-2.0));
    s.c[1] = c.c[1];
    return s;
  }
};

}  // namespace detail

/// Largest error of what jets x + e u give of a network, relative to 1 + the largest number of its
/// kind: u.grad E, u.H u and H u against differences of dE/dx, and the parameter gradients of
/// sum_n w_n u_n.grad E(x_n) and of sum_n w_n ((u_n.grad E)^2 / 2 - u_n.H u_n) against differences
/// of these. All differences are of fourth order: with a step of 1e-3, errors of 1e-13 times the
/// fifth derivative, and of rounding.
template <class Exec, class Net>
double jet_error(int points = 5) {
  static_assert(sizeof(typename Net::scalar_type) == 8, "central differences need double");
  using M                  = Model<Exec, Net>;
  std::size_t constexpr D  = Net::dimension;
  std::size_t const n      = static_cast<std::size_t>(points);
  double constexpr h       = 1e-3;
  constexpr tile::Tuning t = tile::default_tuning<Exec, double, Net::workspace_rows>();
  auto theta               = parameters_of<Net>(1);
  auto const x = numbers(n * D, 2, 1.5), u = numbers(n * D, 4), w = numbers(n, 3);
  M model(theta);
  auto const at = on_device<Exec, double>(x), along = on_device<Exec, double>(u);
  double worst       = 0;
  auto const compare = [&](std::vector<double> const& found, std::vector<double> const& right) {
    for (std::size_t i = 0; i < right.size(); ++i)
      worst = std::max(worst, std::abs(found[i] - right[i]) / (1 + largest(right)));
  };

  // In x
  std::vector<double> moved[4];
  double const steps[4] = {h, -h, 2 * h, -2 * h};
  for (int s = 0; s < 4; ++s) {
    auto y = x;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += steps[s] * u[i];
    moved[s] = model.gradients(y);
  }
  auto const gradient = model.gradients(x);
  std::vector<double> product(n * D), first(n), second(n);
  for (std::size_t i = 0; i < n * D; ++i) {
    product[i] = (8 * (moved[0][i] - moved[1][i]) - (moved[2][i] - moved[3][i])) / (12 * h);
    first[i / D] += gradient[i] * u[i];
    second[i / D] += product[i] * u[i];
  }
  typename M::Array const found_first("first", n), found_second("second", n), found("Hu", n * D);
  auto const derivatives = [&] {
    energy::directional_derivatives(Exec(), model.net(), M::points(at), M::points(along),
                                    found_first, found_second);
  };
  derivatives();
  compare(on_host(found_first), first);
  compare(on_host(found_second), second);
  energy::hessian_vector_products(Exec(), model.net(), M::points(at), M::points(along),
                                  M::points(found));
  compare(on_host(found), product);

  // In theta
  typename M::Array const mixed("mixed", +Net::parameters), sliced("sliced", +Net::parameters);
  auto const fill =
      energy::FillJets<typename M::Points, typename M::Points>{M::points(at), M::points(along)};
  auto const weigh = [&](auto const& work) {
    int const samples = work.samples(), series = work.series;
    std::vector<double> all(static_cast<std::size_t>(samples * series));
    for (int k = 0; k < series; ++k)
      for (std::size_t i = 0; i < n; ++i) all[static_cast<std::size_t>(k * samples) + i] = w[i];
    Kokkos::deep_copy(typename M::Array(work.weights(), all.size()), on_device<Exec, double>(all));
  };
  energy::ParameterGradient<Net, 1, Exec, t> const order1(points);
  weigh(order1);
  order1.record(Exec(), model.net(), points, fill, {});
  order1.sum(Exec(), points, mixed.data());
  energy::ParameterGradient<Net, 2, Exec, t> const order2(points);
  weigh(order2);
  order2.record(Exec(), model.net(), points, fill, {}, detail::SlicedSeed{});
  order2.sum(Exec(), points, sliced.data());
  std::vector<double> mixed_right(theta.size()), sliced_right(theta.size());
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    double sums[4][2] = {};
    for (int s = 0; s < 4; ++s) {
      theta[k] = here + steps[s];
      model.set(theta);
      derivatives();
      auto const one = on_host(found_first), two = on_host(found_second);
      for (std::size_t i = 0; i < n; ++i) {
        sums[s][0] += w[i] * one[i];
        sums[s][1] += w[i] * (one[i] * one[i] / 2 - two[i]);
      }
    }
    theta[k]         = here;
    auto const slope = [&](int what) {
      return (8 * (sums[0][what] - sums[1][what]) - (sums[2][what] - sums[3][what])) / (12 * h);
    };
    mixed_right[k]  = slope(0);
    sliced_right[k] = slope(1);
  }
  compare(on_host(mixed), mixed_right);
  compare(on_host(sliced), sliced_right);
  return worst;
}

/// Largest difference of a network in float from the same one in double, of energies, dE/dx and
/// dE/dtheta, relative to 1 + the largest of them.
template <class Exec, class InFloat, class InDouble>
double float_error(Stream const& stream = {}) {
  std::size_t constexpr n = 7;
  auto const theta        = parameters_of<InDouble>(1);
  auto const x            = numbers(n * InDouble::dimension, 2, 1.5);
  auto const w            = numbers(n, 3);
  Model<Exec, InFloat> const in_float(theta);
  Model<Exec, InDouble> const in_double(theta);
  auto const few     = in_float.training(x, w, stream);
  auto const many    = in_double.training(x, w, stream);
  double error       = 0;
  auto const compare = [&](std::vector<float> const& a, std::vector<double> const& b) {
    for (std::size_t i = 0; i < b.size(); ++i)
      error = std::max(error, std::abs(a[i] - b[i]) / (1 + largest(b)));
  };
  compare(in_float.energies(x), in_double.energies(x));
  compare(in_float.gradients(x), in_double.gradients(x));
  compare(few.energies, many.energies);
  compare(few.gradient, many.gradient);
  return error;
}

}  // namespace basin::test

#endif
