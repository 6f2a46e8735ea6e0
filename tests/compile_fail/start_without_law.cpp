// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::Start: a start policy holds its law; define 'template <class Scalar>
#include <basin/buffer/replay.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Start {
  using axis = basin::sampler::start_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Start = mine::Start;
#else
using Start = basin::sampler::start::Gaussian;
#endif
static_assert(sizeof(basin::buffer::Replay<Start>) > 0);
