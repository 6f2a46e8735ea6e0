// SPDX-License-Identifier: Apache-2.0
// Expect: basin::augmentation: an operation has 'static constexpr char const* name' and
#include <basin/augmentation/flip.hpp>
#include <basin/augmentation/pipeline.hpp>

namespace mine {

struct Nothing {
  static constexpr char const* name = "nothing";
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Operation = mine::Nothing;
#else
using Operation = basin::augmentation::Flip;
#endif

static_assert(sizeof(basin::augmentation::Pipeline<basin::Image<4, 4>, Operation>) > 0);
