// SPDX-License-Identifier: Apache-2.0
// Expect: basin::augmentation::Gray: an image of red, green and blue has three channels; leave this operation out.
#include <basin/augmentation/gray.hpp>
#include <basin/augmentation/pipeline.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Shape = basin::Image<4, 4>;
#else
using Shape = basin::Image<4, 4, 3>;
#endif

static_assert(sizeof(basin::augmentation::Pipeline<Shape, basin::augmentation::Gray>) > 0);
