// SPDX-License-Identifier: Apache-2.0
#include "train/resume_set.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

using namespace basin::test;

// Why an objective has no such partner; empty: it can have it.
std::string_view reason(Row const& pair) {
  bool const chains = pair.objective <= joint;
  if (pair.objective == sum) return "its terms have it";
  if (!chains) return "it has no chains, or its own";
  if (pair.buffer >= 0 && pair.objective == contrastive_divergence)
    return "its chains start anew for each batch";
  if (pair.buffer == by_class && pair.objective == persistent_cd) return "its chains have no class";
  return "";
}

TEST_CASE("every pair of choices that can be is in a run that is interrupted", "[train][resume]") {
  auto const occurs = [](int Row::* a, int i, int Row::* b, int j) {
    for (Row const& row : resume_set)
      if (row.*a == i && row.*b == j) return true;
    return false;
  };
  struct Axis {
    int Row::* of;
    int count;
    char const* name;
  };
  Axis const axes[] = {{&Row::objective, int(objectives.size()), "objective"},
                       {&Row::buffer, int(buffers.size()), "buffer"},
                       {&Row::optimizer, int(optimizers.size()), "optimizer"},
                       {&Row::sampler, int(samplers.size()), "sampler"}};
  int found = 0, impossible = 0;
  for (Axis const& a : axes)
    for (Axis const& b : axes) {
      if (&a >= &b) continue;
      for (int i = 0; i < a.count; ++i)
        for (int j = 0; j < b.count; ++j) {
          Row pair{joint, -1, -1, -1};
          pair.*a.of = i;
          pair.*b.of = j;
          bool const can =
              a.of != &Row::objective || b.of == &Row::optimizer || reason(pair).empty();
          INFO(a.name << ' ' << i << ", " << b.name << ' ' << j << ": " << reason(pair));
          CHECK(occurs(a.of, i, b.of, j) == can);
          ++(can ? found : impossible);
        }
    }
  // 3 objectives of 14 samplers, 4 + 5 buffers, 21 of 3 optimizers; 5 buffers of 3 and of 14; 14 of 3.
  CHECK(found == 3 * 14 + 4 + 5 + 21 * 3 + 5 * 3 + 5 * 14 + 14 * 3);
  CHECK(impossible == 18 * 14 + 18 * 5 + 5 + 1);
}

}  // namespace
