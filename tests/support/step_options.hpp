// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_STEP_OPTIONS_HPP
#define TESTS_SUPPORT_STEP_OPTIONS_HPP

#include <basin/core/field.hpp>

namespace basin::test {

/// Options to be nested in others: a whole number and a finite one.
struct StepOptions {
  int steps        = 20;
  double step_size = 0.1;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "of a chain"}, self.steps, range::at_least(0));
    f(Field{"step_size", "x^2", "of a step"}, self.step_size, range::above(0).finite());
  }
};

}  // namespace basin::test

#endif
