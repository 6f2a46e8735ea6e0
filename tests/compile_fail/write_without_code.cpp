// SPDX-License-Identifier: Apache-2.0
// Expect: basin::buffer::Write: a write policy holds its code; define 'static constexpr
#include <basin/buffer/replay.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Write {
  using axis = basin::buffer::write_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Write = mine::Write;
#else
using Write = basin::buffer::write::Ring;
#endif
static_assert(sizeof(basin::buffer::Replay<Write>) > 0);
