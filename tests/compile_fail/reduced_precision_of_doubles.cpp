// SPDX-License-Identifier: Apache-2.0
// Expect: basin::tile::Precision: tf32 and bf16 are for float networks; write Precision::full.
#include <basin/tile/packing.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Scalar = double;
#else
using Scalar = float;
#endif
constexpr basin::tile::Tuning tuning{.width     = 16,
                                     .lanes     = 4,
                                     .rows      = 4,
                                     .vectors   = 1,
                                     .team      = 1,
                                     .precision = basin::tile::Precision::tf32};

static_assert(basin::tile::Packing<Scalar, basin::tile::layout_of(tuning)>::numbers(1, 16, 16) > 0);
