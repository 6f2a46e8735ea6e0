// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_SGD_HPP
#define BASIN_OPTIMIZER_SGD_HPP

#include <basin/core/field.hpp>
#include <basin/tile/simd.hpp>

namespace basin::optimizer {

/// Stochastic gradient descent with momentum:
///
///   m <- momentum m + g,  theta <- theta - learning_rate m
///
/// Source: Sutskever, Martens, Dahl and Hinton 2013, ICML, eqs. 1-2, in the form in which the
/// learning rate multiplies the sum (PyTorch's), so that a schedule takes effect at once.
struct Sgd {
  double learning_rate = 1e-3;  ///< units of theta^2 / loss; >= 0
  double momentum      = 0;     ///< in [0, 1)

  static constexpr int states = 1;  ///< arrays of the size of theta: m

  template <class Scalar>
  struct Step {
    Scalar learning_rate, momentum;

    template <class V>
    KOKKOS_FORCEINLINE_FUNCTION void operator()(V& theta, V g, V (&state)[1]) const {
      state[0] = fma(V(momentum), state[0], g);
      theta    = fma(V(-learning_rate), state[0], theta);
    }
  };

  /// The update at a step (from 0), with the learning rate times factor.
  template <class Scalar>
  KOKKOS_FUNCTION Step<Scalar> at(long, double factor) const {
    return {static_cast<Scalar>(learning_rate * factor), static_cast<Scalar>(momentum)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"learning_rate", "theta^2 / loss", "size of a step"}, self.learning_rate,
      range::at_least(0).finite());
    f(Field{"momentum", "1", "decay of the sum of gradients"}, self.momentum,
      range::right_open(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::Sgd", *this); }
};

}  // namespace basin::optimizer

#endif
