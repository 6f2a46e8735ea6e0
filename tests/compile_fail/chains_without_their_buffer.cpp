// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective: class-conditional chains need a buffer in parts, in which a chain keeps its class; write buffer::Replay<buffer::draw::ByClass>
// Expect: basin::objective: the buffer draws or starts by the labels of chains, and these chains have none; write objective::Joint with chains::ClassConditional<>
#include <basin/objective/joint.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

using Sampler     = basin::sampler::Langevin<>;
using Conditional = basin::objective::chains::ClassConditional<>;
using Parted      = basin::buffer::Replay<basin::buffer::draw::ByClass>;
using Whole       = basin::buffer::Replay<>;
#ifdef BASIN_EXPECT_REFUSAL
using Joint = basin::objective::Joint<Sampler, Whole, Conditional>;
using Plain = basin::objective::PersistentCd<Sampler, Parted>;
#else
using Joint = basin::objective::Joint<Sampler, Parted, Conditional>;
using Plain = basin::objective::PersistentCd<Sampler, Whole>;
#endif

static_assert(sizeof(Joint) > sizeof(Plain));
