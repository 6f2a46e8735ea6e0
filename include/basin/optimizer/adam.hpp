// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_ADAM_HPP
#define BASIN_OPTIMIZER_ADAM_HPP

#include <basin/core/field.hpp>
#include <basin/tile/simd.hpp>

#include <Kokkos_NumericTraits.hpp>

namespace basin::optimizer {

namespace detail {

template <class Scalar>
struct AdamStep {
  Scalar learning_rate;  // learning_rate / (1 - beta1^t)
  Scalar beta1, beta2;
  Scalar correction2;  // 1 / (1 - beta2^t)
  Scalar epsilon;
  Scalar decay;  // (1 - beta1^t) decay: decoupled weight decay, per unit of learning rate

  // state: m, v; is_weight: 1 if the parameter decays, else 0
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(V& theta, V g, V (&state)[2], V is_weight) const {
    constexpr Scalar most = sizeof(Scalar) == 8 ? Scalar(0x1p510) : Scalar(0x1p62f);
    constexpr Scalar inf  = Kokkos::Experimental::infinity_v<Scalar>;
    // An infinite gradient is no large one: it stays, and makes theta NaN.
    g = where_less(abs(g), V(inf), clamp(g, -most, most), g);

    state[0]      = fma(V(beta1), state[0], V(Scalar(1) - beta1) * g);
    state[1]      = fma(V(beta2), state[1], V(Scalar(1) - beta2) * g * g);
    V const slope = state[0] / (sqrt(state[1] * V(correction2)) + V(epsilon));
    // The sum is rounded once: a factor 1 - learning_rate decay of theta would add a rounding.
    theta = fma(V(-learning_rate), fma(V(decay) * is_weight, theta, slope), theta);
  }
};

template <class Scalar>
KOKKOS_FUNCTION AdamStep<Scalar> adam_at(long step, double learning_rate, double beta1,
                                         double beta2, double epsilon, double decay) {
  double const t = static_cast<double>(step) + 1;
  // The corrections use the rounded betas, as the moments do: in float 1 - 0.999 is off by 1e-5. A
  // beta under 1 must not become 1.
  auto const rounded = [](double beta) {
    Scalar const most = Scalar(1) - Kokkos::Experimental::epsilon_v<Scalar> / 2;
    return beta < double(most) ? static_cast<Scalar>(beta) : most;
  };
  Scalar const b1 = rounded(beta1), b2 = rounded(beta2);
  double const correction1 = 1 - Kokkos::pow(double(b1), t);
  return {static_cast<Scalar>(learning_rate / correction1),
          b1,
          b2,
          static_cast<Scalar>(1 / (1 - Kokkos::pow(double(b2), t))),
          static_cast<Scalar>(epsilon),
          static_cast<Scalar>(correction1 * decay)};
}

}  // namespace detail

/// Adam with bias correction:
///
///   m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
///   theta <- theta - learning_rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
///
/// with b1 and b2 rounded to theta's scalar everywhere, so that m / (1 - b1^t) of a constant g is
/// g, and finite g limited to 2^62 (in double 2^510), so that g^2 is finite. Source: Kingma and Ba
/// 2015, arXiv:1412.6980, algorithm 1. beta1 = 0 is common for image EBMs trained with short chains
/// (IGEBM, ICD).
struct Adam {
  double learning_rate = 1e-4;   ///< units of theta; >= 0
  double beta1         = 0.9;    ///< in [0, 1)
  double beta2         = 0.999;  ///< in [0, 1)
  double epsilon       = 1e-8;   ///< units of g; >= 1e-37

  static constexpr int states = 2;  ///< arrays of the size of theta: m, v

  /// The update at a step (from 0), with the learning rate times factor.
  template <class Scalar>
  KOKKOS_FUNCTION detail::AdamStep<Scalar> at(long step, double factor) const {
    return detail::adam_at<Scalar>(step, learning_rate * factor, beta1, beta2, epsilon, 0);
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"learning_rate", "theta", "size of a step"}, self.learning_rate,
      range::at_least(0).finite());
    f(Field{"beta1", "1", "decay of the mean of g"}, self.beta1, range::right_open(0, 1));
    f(Field{"beta2", "1", "decay of the mean of g^2"}, self.beta2, range::right_open(0, 1));
    // A smaller one would be 0 in float, and the update of a parameter without gradient 0 / 0.
    f(Field{"epsilon", "g", "added to the root of the mean of g^2"}, self.epsilon,
      range::at_least(1e-37).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::Adam", *this); }
};

/// Adam with decoupled weight decay: theta <- (1 - learning_rate decay) theta before Adam's update.
/// Parameters of an objective, such as log Z, do not decay. Source: Loshchilov and Hutter 2019,
/// arXiv:1711.05101, algorithm 2.
struct AdamW {
  double learning_rate = 1e-4;   ///< units of theta; >= 0
  double beta1         = 0.9;    ///< in [0, 1)
  double beta2         = 0.999;  ///< in [0, 1)
  double epsilon       = 1e-8;   ///< units of g; >= 1e-37
  double decay         = 0.01;   ///< per update and unit of learning rate; >= 0

  static constexpr int states = 2;  ///< arrays of the size of theta: m, v

  /// The update at a step (from 0), with the learning rate times factor.
  template <class Scalar>
  KOKKOS_FUNCTION detail::AdamStep<Scalar> at(long step, double factor) const {
    return detail::adam_at<Scalar>(step, learning_rate * factor, beta1, beta2, epsilon, decay);
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    Adam::fields(self, f);
    f(Field{"decay", "1", "of the weights, per update and unit of learning rate"}, self.decay,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::AdamW", *this); }
};

}  // namespace basin::optimizer

#endif
