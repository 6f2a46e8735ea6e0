// SPDX-License-Identifier: Apache-2.0
// Expect: basin::buffer::Replay: write at most one policy of each axis.
#include <basin/buffer/replay.hpp>

namespace policy = basin::buffer::write;
#ifdef BASIN_EXPECT_REFUSAL
using Buffer = basin::buffer::Replay<policy::Ring, policy::SameSlot>;
#else
using Buffer = basin::buffer::Replay<policy::Ring>;
#endif

static_assert(sizeof(Buffer) > 0);
