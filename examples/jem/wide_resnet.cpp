// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/wide_resnet.hpp>

#include "network.hpp"

namespace {

bool const entered =
    networks()
        .emplace("wide_resnet",
                 jem::network<basin::energy::WideResNet<float, basin::Image<32, 32, 3>, 10, 10, 1>>(
                     {.steps = 300, .batch = 32, .sampling_steps = 5, .share = 4}, 0.97))
        .second;

}  // namespace
