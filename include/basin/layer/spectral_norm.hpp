// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SPECTRAL_NORM_HPP
#define BASIN_LAYER_SPECTRAL_NORM_HPP

#include <basin/core/policy.hpp>
#include <basin/layer/frame.hpp>
#include <basin/tile/context.hpp>
#include <basin/tile/scaling.hpp>

namespace basin::layer {

struct spectral_axis {};

/// The linear map by whose largest singular value a spectral norm divides.
namespace spectral {

/// The weights reshaped to a matrix (out, taps in), as in the cited paper and in IGEBM. For a
/// convolution this is not the norm of the map that it applies: that is at most sqrt(taps) larger.
struct Matrix {
  using axis = spectral_axis;
};

/// The map itself, with its stride and borders: for a convolution |W * x| <= |x| holds then.
/// Source: Farnia, Zhang and Tse 2019, ICLR, "Generalizable adversarial training via spectral
/// normalization", section 4.
struct Operator {
  using axis = spectral_axis;
};

}  // namespace spectral

/// A Dense or Conv2d whose weights are divided by their largest singular value: W' = W / sigma.
///
/// sigma = u^T W v by power iteration: v <- W^T u / |W^T u|, u <- W v / |W v|, Iterations times for
/// each training step; u and v are kept from step to step. The gradient takes u and v as constant:
///
///   dL/dW = (G - <G, W'> u v^T) / sigma,  G = dL/dW'
///
/// Biases are unchanged, and so are weights while they are all 0. Where sigma overflows W' is NaN, and
/// u starts anew. Source: Miyato, Kataoka, Koyama
/// and Yoshida 2018, ICLR, algorithm 1 and eq. 12.
///
/// The weights are divided once for each training step, not in every layer call: networks with
/// this layer read effective parameters, see energy::reparameterize. As tensors of PyTorch they are
/// W', of a module without spectral norm.
///
/// \tparam Layer       layer::Dense or layer::Conv2d
/// \tparam Norm        spectral::Matrix (default) or spectral::Operator
/// \tparam Iterations  power iterations of a training step
template <class Layer, class Norm = spectral::Matrix, int Iterations = 1>
struct SpectralNorm {
  static_assert(has_axis<Norm, spectral_axis>,
                "basin::layer::SpectralNorm: after the layer write spectral::Matrix or "
                "spectral::Operator.");
  static_assert(Iterations > 0, "basin::layer::SpectralNorm: Iterations must be positive.");

  template <Real Scalar, Shape Input>
  struct bind : Layer::template bind<Scalar, Input> {
    using base = typename Layer::template bind<Scalar, Input>;
    static_assert(
        requires {
          +base::taps;
          +base::in;
          +base::out;
        },
        "basin::layer::SpectralNorm: wraps a layer with weights, layer::Dense or "
        "layer::Conv2d.");
    static constexpr int taps = base::taps, in = base::in, out = base::out;
    static constexpr int weights            = taps * out * in;
    static constexpr bool by_matrix         = std::same_as<Norm, spectral::Matrix> || taps == 1;
    static constexpr int left               = by_matrix ? out : base::outputs;       // length of u
    static constexpr int right              = by_matrix ? taps * in : base::inputs;  // length of v
    static constexpr int iterations         = Iterations;
    static constexpr bool constant_gradient = base::constant_gradient;

    // state = [ sigma | u (left) | v (right) | rows (taps out, at least 2) working memory ]
    static constexpr int state = 1 + left + right + (taps * out > 2 ? taps * out : 2);

    /// The vector u starts from: any that is not orthogonal to the first singular vector.
    static constexpr int start_offset = 1, start_length = left;

    /// effective = theta with the weights divided by sigma, after 'count' power iterations.
    template <class Context>
    static KOKKOS_FUNCTION void reparameterize(Context const& c, int count, Scalar const* theta,
                                               Scalar* state, Scalar* effective) {
      Scalar* const sigma   = state;
      Scalar* const u       = state + 1;
      Scalar* const v       = u + left;
      Scalar* const length  = state + 1 + left + right;  // (1) |W^T u|
      Scalar* const divisor = length + 1;                // (1)
      for (int k = 0; k < count; ++k) {
        c.each(right, [=](int j) { v[j] = transposed(theta, u, j); });
        normalize(c, v, +right, divisor, length);
        // Where W^T u = 0, as for W = 0, u is unchanged, so that it can find W once W is not 0.
        c.each(left, [=](int i) {
          if (*length > 0) u[i] = applied(theta, v, i);
        });
        normalize(c, u, +left, divisor, sigma);
        c.each(1, [=](int) {
          if (!(*length > 0)) *sigma = *length;  // 0 or NaN
        });
      }
      // Without an iteration sigma is that of the new weights with the present u and v.
      if (count == 0)
        c.each(1, [=](int) {
          Scalar sum = 0;
          for (int i = 0; i < left; ++i) sum += u[i] * applied(theta, v, i);
          *sigma = sum;
        });
      c.each(+base::parameters, [=](int k) {
        bool const divide = (k < weights) && !(*sigma <= 0);  // NaN too
        effective[k]      = divide ? theta[k] / *sigma : theta[k];
      });
    }

    /// gradient = dL/dtheta in place of dL/d(effective).
    template <class Context>
    static KOKKOS_FUNCTION void pull_back_parameters(Context const& c, Scalar const* effective,
                                                     Scalar* state, Scalar* gradient) {
      Scalar const* const u = state + 1;
      Scalar const* const v = u + left;
      Scalar* const rows    = state + 1 + left + right;
      c.each(taps * out, [=](int r) {
        Scalar sum = 0;
        for (int i = 0; i < in; ++i) sum += gradient[r * in + i] * effective[r * in + i];
        rows[r] = sum;
      });
      c.each(1, [=](int) {
        Scalar sum = 0;
        for (int r = 0; r < taps * out; ++r) sum += rows[r];
        rows[0] = sum;
      });
      c.each(+weights, [=](int k) {
        int const tap = k / (out * in), o = k / in % out, i = k % in;
        if (!(*state <= 0)) gradient[k] = (gradient[k] - rows[0] * slope(u, v, tap, o, i)) / *state;
      });
    }

   private:
    // (A v)[i] and (A^T u)[j] of the map A that the norm is of.
    static KOKKOS_FUNCTION Scalar applied(Scalar const* w, Scalar const* v, int i) {
      Scalar sum = 0;
      if constexpr (by_matrix) {
        for (int k = 0; k < taps; ++k)
          for (int j = 0; j < in; ++j) sum += w[(k * out + i) * in + j] * v[k * in + j];
      } else {
        base::output_taps::for_each(i / out, [&](int tap, int q) {
          for (int j = 0; j < in; ++j) sum += w[(tap * out + i % out) * in + j] * v[q * in + j];
        });
      }
      return sum;
    }
    static KOKKOS_FUNCTION Scalar transposed(Scalar const* w, Scalar const* u, int j) {
      Scalar sum = 0;
      if constexpr (by_matrix) {
        for (int o = 0; o < out; ++o) sum += w[(j / in * out + o) * in + j % in] * u[o];
      } else {
        base::input_taps::for_each(j / in, [&](int tap, int p) {
          for (int o = 0; o < out; ++o) sum += w[(tap * out + o) * in + j % in] * u[p * out + o];
        });
      }
      return sum;
    }
    // d sigma / dW[tap][o][i] with u and v held fixed
    static KOKKOS_FUNCTION Scalar slope(Scalar const* u, Scalar const* v, int tap, int o, int i) {
      if constexpr (by_matrix) {
        return u[o] * v[tap * in + i];
      } else {
        Scalar sum = 0;
        base::pairs_of(tap).for_each([&](int p, int q) { sum += u[p * out + o] * v[q * in + i]; });
        return sum;
      }
    }
    // x <- x / |x|, norm = |x|: 0 leaves x; what is not finite starts anew, and norm is NaN. divisor
    // is working memory.
    template <class Context>
    static KOKKOS_FUNCTION void normalize(Context const& c, Scalar* x, int n, Scalar* divisor,
                                          Scalar* norm) {
      c.each(1, [=](int) {
        using One  = tile::Simd<Scalar, 1>;
        Scalar sum = 0;
        for (int i = 0; i < n; ++i) sum += x[i] * x[i];
        auto const of     = tile::scaled_norm(One(sum), n, [=](int i) { return One(x[i]); });
        Scalar const size = of.unit.size[0], inverse = of.unit.inverse[0];
        if (size != 1)
          for (int i = 0; i < n; ++i) x[i] *= inverse;
        *divisor = of.norm[0];
        *norm    = of.norm[0] * size;
        if (!Kokkos::isfinite(*norm)) *norm = Kokkos::Experimental::quiet_NaN_v<Scalar>;
      });
      c.each(n, [=](int i) {
        if (!Kokkos::isfinite(*norm))
          x[i] = Scalar(1) / Kokkos::sqrt(static_cast<Scalar>(n));
        else if (*norm > 0)
          x[i] = x[i] / *divisor;
      });
    }
  };
};

}  // namespace basin::layer

#endif
