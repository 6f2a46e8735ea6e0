// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Joint: the balance:: policy has no 'template <class Scalar, class Exec, tile::Tuning tuning> class bind', see basin/objective/balance.hpp.
#include <basin/objective/joint.hpp>
#include <basin/sampler/langevin.hpp>

struct Mine {
  using axis = basin::objective::balance_axis;
};

#ifdef BASIN_EXPECT_REFUSAL
using Balance = Mine;
#else
using Balance = basin::objective::balance::GradientNorms;
#endif

using Net   = basin::energy::Classifier<float, basin::Vector<2>, basin::layer::Dense<3>>;
using Exec  = Kokkos::DefaultHostExecutionSpace;
using Joint = basin::objective::Joint<basin::sampler::Langevin<>, basin::buffer::Replay<>, Balance>;
using Bound =
    Joint::bind<Net, Exec, basin::tile::default_tuning<Exec, float, Net::workspace_rows>()>;
static_assert(sizeof(Bound) > 0);
