// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Objective: define 'void check(int batch) const', which throws
// Expect: basin::objective::Objective: define the constructor 'bind(Exec const& exec, Options const&
// Expect: basin::objective::Objective: define 'basin::objective::Batch<Scalar, typename
// Expect: basin::objective::Objective: define 'void gradient(Exec const& exec, Options const&
// Expect: basin::objective::Objective: define 'auto columns() const' in the bound objective, which
#include <basin/layer/dense.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/denoising_score_matching.hpp>

namespace mine {

struct Nothing {
  template <class E, class Exec, basin::tile::Tuning tuning>
  struct bind {};
};

}  // namespace mine

using Exec  = Kokkos::DefaultHostExecutionSpace;
using Model = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
#ifdef BASIN_EXPECT_REFUSAL
using Objective = mine::Nothing;
#else
using Objective = basin::objective::DenoisingScoreMatching;
#endif
constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, float>();
static_assert(basin::objective::check_objective<Objective, Model, Exec, tuning>::value);
