// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Coupling: a coupling has a member template 'bind<Scalar, Exec, tuning>' with a constructor of (batch, dimension)
#include <basin/objective/flow_matching.hpp>

struct Coupling {
  using axis = basin::objective::coupling_axis;
#ifndef BASIN_EXPECT_REFUSAL
  template <class Scalar, class Exec, basin::tile::Tuning tuning>
  struct bind {
    bind(int, int) {}
    template <class Points>
    int const* pair(Exec const&, Coupling const&, Points const&, Points const&,
                    basin::Stream const&) const {
      return nullptr;
    }
  };
#endif
};

static_assert(sizeof(basin::objective::FlowMatching<Coupling>) > 0);
