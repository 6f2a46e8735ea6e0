// SPDX-License-Identifier: Apache-2.0
// Expect: basin::data::transform::Pipeline: a stage has 'name', and for a data::Table x the const members
#include <basin/data/transform/logit.hpp>
#include <basin/data/transform/pipeline.hpp>

struct Square {
  static constexpr char const* name = "square";
  template <class Rows>
  void apply(Rows const&) const {}
  template <class Rows>
  void invert(Rows const&) const {}
#ifndef BASIN_EXPECT_REFUSAL
  template <class Rows>
  std::vector<double> log_jacobian(Rows const& x) const {
    return std::vector<double>(x.extent(0));
  }
#endif
};

using Stages = basin::data::transform::Pipeline<Square, basin::data::transform::Logit>;
static_assert(sizeof(Stages) > 0);
