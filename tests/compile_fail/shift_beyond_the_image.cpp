// SPDX-License-Identifier: Apache-2.0
// Expect: basin::augmentation::Shift: an image is shifted by fewer pixels than it has rows and columns; write a smaller number.
#include <basin/augmentation/pipeline.hpp>
#include <basin/augmentation/shift.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Shape = basin::Image<4, 8>;
#else
using Shape = basin::Image<5, 8>;
#endif

static_assert(sizeof(basin::augmentation::Pipeline<Shape, basin::augmentation::Shift<4>>) > 0);
