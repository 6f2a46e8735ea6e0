// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: a sampler needs 'void check() const', which throws std::invalid_argument naming a field
#include <basin/objective/persistent_cd.hpp>

struct Stay {
  int steps = 1;
#ifndef BASIN_EXPECT_REFUSAL
  void check() const {}
#endif
};

basin::objective::PersistentCd<Stay> const objective{};
