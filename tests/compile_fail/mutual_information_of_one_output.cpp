// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::MutualInformation: the energy is no classifier; write energy::Classifier<Scalar, Shape, Layers...>, whose last layer has a logit for each class.
#include <basin/layer/silu.hpp>
#include <basin/objective/mutual_information.hpp>

namespace layer = basin::layer;
#ifdef BASIN_EXPECT_REFUSAL
using Net =
    basin::energy::Network<float, basin::Vector<2>, layer::Dense<4>, layer::Silu, layer::Dense<1>>;
#else
using Net = basin::energy::Classifier<float, basin::Vector<2>, layer::Dense<4>, layer::Silu,
                                      layer::Dense<3>>;
#endif

using Exec  = Kokkos::DefaultHostExecutionSpace;
using Bound = basin::objective::MutualInformation::bind<
    Net, Exec, basin::tile::default_tuning<Exec, float, Net::workspace_rows>()>;
static_assert(sizeof(Bound) > 0);
