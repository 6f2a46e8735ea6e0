// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Cnn, DeepCnn: write at least one width
// Expect: basin::energy::DeepCnn<Blocks>: Blocks must be >= 0.
#include <basin/energy/cnn.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Cnn     = basin::energy::Cnn<float, basin::Image<8, 8>>;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<8, 8>, -1, 4>;
#else
using Cnn     = basin::energy::Cnn<float, basin::Image<8, 8>, 4>;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<8, 8>, 0, 4>;
#endif

static_assert(Cnn::parameters == DeepCnn::parameters);
