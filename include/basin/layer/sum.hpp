// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SUM_HPP
#define BASIN_LAYER_SUM_HPP

namespace basin::layer {

/// y = F_1(x) + F_2(x) + ...: branches that read the same input and end in the same shape. A branch
/// is a layer or a Sequence of them. In PyTorch a ModuleList of the branches.
///
/// Energies at several scales, E(x) + E'(x halved), are a Sum whose branches end in Dense<1>.
template <class... Branches>
struct Sum {
  static_assert(sizeof...(Branches) > 1, "basin::layer::Sum: write at least two branches.");
};

}  // namespace basin::layer

#endif
