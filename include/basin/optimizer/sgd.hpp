// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_SGD_HPP
#define BASIN_OPTIMIZER_SGD_HPP

#include <basin/core/check.hpp>
#include <basin/tile/pack.hpp>

#include <cmath>

namespace basin::optimizer {

/// Stochastic gradient descent with momentum:
///
///   m <- momentum m + g,  theta <- theta - rate m
///
/// Source: Sutskever, Martens, Dahl and Hinton 2013, ICML, eqs. 1-2, in the form in which the rate
/// multiplies the sum (PyTorch's), so that a schedule acts at once.
struct Sgd {
  double rate     = 1e-3;  ///< units of theta^2 / loss; >= 0
  double momentum = 0;     ///< in [0, 1)

  static constexpr int states = 1;  ///< arrays of the size of theta: m

  template <class Scalar>
  struct Step {
    Scalar rate, momentum;

    template <class V>
    KOKKOS_FORCEINLINE_FUNCTION void operator()(V& theta, V g, V (&state)[1]) const {
      state[0] = fma(V(momentum), state[0], g);
      theta    = fma(V(-rate), state[0], theta);
    }
  };

  /// The update number step (from 0), with the rate times factor.
  template <class Scalar>
  KOKKOS_FUNCTION Step<Scalar> at(long, double factor) const {
    return {static_cast<Scalar>(rate * factor), static_cast<Scalar>(momentum)};
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    if (!(rate >= 0) || std::isinf(rate))
      refuse("basin::optimizer::Sgd", "rate must be >= 0 and finite, got ", rate);
    if (!(momentum >= 0 && momentum < 1))
      refuse("basin::optimizer::Sgd", "momentum must be in [0, 1), got ", momentum);
  }
};

}  // namespace basin::optimizer

#endif
