// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Analytic: define 'template <class V> KOKKOS_FUNCTION V operator()(V const
#include <basin/energy/analytic.hpp>

struct DoubleWell {
  using scalar_type              = float;
  static constexpr int dimension = 1;

  template <class V>
#ifdef BASIN_EXPECT_REFUSAL  // the mistake: no energy is returned
  KOKKOS_FUNCTION void operator()(V const (&x)[1], V (&dx)[1]) const {
    dx[0] = x[0];
  }
#else
  KOKKOS_FUNCTION V operator()(V const (&x)[1], V (&dx)[1]) const {
    dx[0] = x[0];
    return x[0];
  }
#endif
};

static_assert(basin::energy::Analytic<DoubleWell>::dimension == 1);
