// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::SlicedScoreMatching: the forms are closed; write form::Plain or
#include <basin/objective/sliced_score_matching.hpp>

namespace mine {

struct Form {
  using axis = basin::objective::form_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Form = mine::Form;
#else
using Form = basin::objective::form::VarianceReduced;
#endif
static_assert(sizeof(basin::objective::SlicedScoreMatching<Form>) > 0);
