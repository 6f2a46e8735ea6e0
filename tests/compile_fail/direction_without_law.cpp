// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Direction: a direction policy holds its law; define 'template <class V>
#include <basin/objective/sliced_score_matching.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Direction {
  using axis = basin::objective::direction_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Direction = mine::Direction;
#else
using Direction = basin::objective::direction::Gaussian;
#endif
static_assert(sizeof(basin::objective::SlicedScoreMatching<Direction>) > 0);
