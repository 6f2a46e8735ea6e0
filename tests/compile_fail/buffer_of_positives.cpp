// SPDX-License-Identifier: Apache-2.0
// Expect: basin::buffer::Replay: a fresh chain has no positive of its own; write start::Data
#include <basin/buffer/replay.hpp>

namespace start = basin::sampler::start;
#ifdef BASIN_EXPECT_REFUSAL
using Buffer = basin::buffer::Replay<start::Positives>;
#else
using Buffer = basin::buffer::Replay<start::Data>;
#endif

static_assert(sizeof(Buffer) > 0);
