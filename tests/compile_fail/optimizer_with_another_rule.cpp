// SPDX-License-Identifier: Apache-2.0
// Expect: the rule that at(step, factor) returns needs
#include <basin/optimizer/concepts.hpp>

struct Plain {
  static constexpr int states = 1;
  template <class Scalar>
  struct Rule {
    template <class V>
#ifdef BASIN_EXPECT_REFUSAL
    KOKKOS_FUNCTION void operator()(V& theta, V g) const {  // has a state and takes none
      theta = theta - g;
    }
#else
    KOKKOS_FUNCTION void operator()(V& theta, V g, V& state) const {
      state = g;
      theta = theta - state;
    }
#endif
  };
  template <class Scalar>
  KOKKOS_FUNCTION Rule<Scalar> at(long, double) const {
    return {};
  }
  void check() const {}
};
static_assert(basin::optimizer::check_optimizer<Plain, float>::value);
