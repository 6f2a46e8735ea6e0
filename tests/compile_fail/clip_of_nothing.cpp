// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: a clip policy needs 'template <class V, class Scalar> static KOKKOS_FUNCTION V element(V g,
#include <basin/sampler/langevin.hpp>

struct Clip {
  using axis = basin::sampler::clip_axis;
#if !defined(BASIN_EXPECT_REFUSAL)
  template <class V, class Scalar>
  static KOKKOS_FUNCTION V element(V g, Scalar) {
    return g;
  }
#endif
};
basin::sampler::Langevin<Clip> const langevin{};
