// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Loss: the loss has a 'value' that can not be called; write 'template <class Scalar>
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

namespace loss = basin::objective::loss;

struct Constant {
  using axis = basin::objective::loss_axis;
  template <class Scalar>
  KOKKOS_FUNCTION loss::Weights<Scalar> operator()(loss::Energies<Scalar> const& e, int) const {
    return {e.share, -e.share};
  }
#ifdef BASIN_EXPECT_REFUSAL
  template <class Scalar>
  KOKKOS_FUNCTION Scalar value(loss::Energies<Scalar> const& e) const {
    return e.data[0];
  }
#else
  template <class Scalar>
  KOKKOS_FUNCTION Scalar value(loss::Energies<Scalar> const& e, int n) const {
    return e.data[n];
  }
#endif
};

basin::objective::PersistentCd<basin::sampler::Langevin<>, basin::buffer::Replay<>, Constant> const
    objective{};
