// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, three of each objective
#include <basin/objective/mutual_information.hpp>
#include <basin/sampler/langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::objective;
using basin::test::check_each_optimizer_resumed;
using basin::test::ResumeNet;
using basin::test::row_of;

TEST_CASE("a run of a balanced joint model goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("Joint<GradientNorms>", 0), true, ResumeNet>(
      Joint<basin::sampler::Langevin<>, basin::buffer::Replay<>, balance::GradientNorms>{
          .sampler = {.steps = 2, .step_size = 0.05, .lower = -1, .upper = 1},
          .buffer  = {.capacity = 24, .fresh = 0.2}});
}

TEST_CASE("a run of mutual information goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("MutualInformation", 0), false, ResumeNet>(
      MutualInformation{.weight = {.coefficient = 1}});
}

}  // namespace
