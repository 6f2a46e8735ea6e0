// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Loss: a loss policy holds its weights; define 'template <class Scalar>
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Loss {
  using axis = basin::objective::loss_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Loss = mine::Loss;
#else
using Loss = basin::objective::loss::Softplus;
#endif
static_assert(sizeof(basin::objective::PersistentCd<basin::sampler::Langevin<>,
                                                    basin::buffer::Replay<>, Loss>) > 0);
