// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/cnn.hpp>

#include "network.hpp"

namespace {

bool const entered =
    networks()
        .emplace("cnn",
                 jem::network<
                     basin::energy::CnnClassifier<float, basin::Image<28, 28>, 10, 32, 64, 128>>(
                     {.steps = 400, .batch = 64, .sampling_steps = 10, .share = 2}, 0.98))
        .second;

}  // namespace
