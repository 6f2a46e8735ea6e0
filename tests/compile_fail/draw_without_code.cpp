// SPDX-License-Identifier: Apache-2.0
// Expect: basin::buffer::Draw: a draw policy holds its code; define 'static constexpr bool distinct'
#include <basin/buffer/replay.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Draw {
  using axis = basin::buffer::draw_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Draw = mine::Draw;
#else
using Draw = basin::buffer::draw::WithReplacement;
#endif
static_assert(sizeof(basin::buffer::Replay<Draw>) > 0);
