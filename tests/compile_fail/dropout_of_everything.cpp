// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Dropout<Probability>: Probability must be in [0, 1).
#include <basin/layer/dropout.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Dropout = basin::layer::Dropout<std::ratio<1>>;
#else
using Dropout = basin::layer::Dropout<std::ratio<1, 10>>;
#endif

static_assert(basin::layer::Elementwise<Dropout> && sizeof(Dropout) == 1);
