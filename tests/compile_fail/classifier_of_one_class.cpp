// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Classifier: the last layer gives a logit for each class, two or more; write for example layer::Dense<10>.
#include <basin/energy/classifier.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int classes = 1;
#else
constexpr int classes = 2;
#endif

using Net = basin::energy::Classifier<float, basin::Vector<2>, basin::layer::Dense<classes>>;
static_assert(Net::outputs == classes);
