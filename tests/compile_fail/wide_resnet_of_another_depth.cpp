// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::WideResNet<Scalar, Shape, Classes, Depth, Width>: Depth must be 6 n + 4 with n blocks in each of three stages
#include <basin/energy/wide_resnet.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int depth = 18;
#else
constexpr int depth = 16;
#endif
using Net = basin::energy::WideResNet<float, basin::Image<8, 8>, 3, depth, 1>;
int main() { return Net::outputs - 3; }
