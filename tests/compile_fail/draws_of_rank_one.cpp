// SPDX-License-Identifier: Apache-2.0
// Expect: basin::metric: draws must be a View of rank 2, (draws, chains), or 3, (draws, chains, functions).
#include <basin/metric/r_hat.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Draws = Kokkos::View<float*>;
#else
using Draws = Kokkos::View<float**>;
#endif

void user(Draws draws) { basin::metric::r_hat(Kokkos::DefaultExecutionSpace{}, draws); }
