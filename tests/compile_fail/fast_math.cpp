// SPDX-License-Identifier: Apache-2.0
// Expect: basin: with -ffast-math, -Ofast, -ffinite-math-only or -fassociative-math NaN is not found
#include <basin/metric/auroc.hpp>

static_assert(sizeof(basin::metric::auroc(std::span<float const>(), std::span<float const>())) > 0);
