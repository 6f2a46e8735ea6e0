// SPDX-License-Identifier: Apache-2.0
// Expect: define 'static constexpr int states'
// Expect: define 'KOKKOS_FUNCTION double operator()(long step)
#include <basin/optimizer/adam.hpp>
#include <basin/optimizer/schedule.hpp>

struct Plain {
#ifndef BASIN_EXPECT_REFUSAL
  static constexpr int states = 0;
  KOKKOS_FUNCTION double operator()(long) const { return 1; }
#endif
  template <class Scalar>
  struct Rule {
    template <class V>
    KOKKOS_FUNCTION void operator()(V& theta, V g) const {
      theta = theta - g;
    }
  };
  template <class Scalar>
  KOKKOS_FUNCTION Rule<Scalar> at(long, double) const {
    return {};
  }
  void check() const {}
};
static_assert(basin::optimizer::check_optimizer<Plain, float>::value);
static_assert(basin::optimizer::check_schedule<Plain>::value);
