// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_CLASSIFIER_HPP
#define BASIN_ENERGY_CLASSIFIER_HPP

#include <basin/energy/derivatives.hpp>
#include <basin/energy/head/labeled.hpp>
#include <basin/energy/head/log_sum_exp.hpp>
#include <basin/energy/network.hpp>

namespace basin::energy {

/// A classifier with logits f(x) that is also an energy: E(x) = -log sum_y exp f_y(x). With
/// with_head(head::Labeled{labels}) it is E(x, y) = -f_y(x) with a label per chain, with
/// with_head(head::CrossEntropy{labels}) the loss -log p(y | x) with a label per sample; all share
/// their parameters and kernels. Source: Grathwohl et al. 2020, arXiv:1912.03263.
///
/// \tparam Layers  layer policies, first to last; the last gives a logit for each class
template <class Scalar, class Input, class... Layers>
using Classifier = HeadedNetwork<Scalar, Input, head::LogSumExp, tile::NoCopies, Layers...>;

namespace detail {

template <class E, class Points, class Out>
struct OutputsTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows;
  E energy;
  Points points;  // (points, dimension)
  Out out;        // (points, outputs)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    int const first = tile * Context::width, count = static_cast<int>(points.extent(0));
    c.load_chains(points, first, count, +E::dimension,
                  workspace + E::state_row * Context::row_size);
    energy.evaluate_outputs(c, workspace);
    c.store_chains(workspace + E::output_row * Context::row_size, first, count, +E::outputs, out);
  }
};

}  // namespace detail

/// result(n, y) = f_y(points(n, :)), the logits of a Classifier, with dropout off. Asynchronous on
/// exec.
///
/// \param points  (n, dimension of the energy)
/// \param result  (n, outputs)
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Out>
void logits(Exec const& exec, E const& classifier, Points const& points, Out const& result) {
  char const* who = "basin::energy::logits";
  detail::check_points<E>(who, points);
  if (result.extent(0) != points.extent(0) || !is_extent(result.extent(1), E::outputs))
    refuse(who, "the result has shape (", result.extent(0), ", ", result.extent(1), "), it takes (",
           points.extent(0), ", ", +E::outputs, ")");
  constexpr tile::Tuning tuning =
      tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>();
  if (points.extent(0) == 0) return;
  tile::for_each_tile<tuning>(exec, "basin::logits",
                              tile::tiles(static_cast<int>(points.extent(0)), tuning.width),
                              detail::OutputsTile<E, Points, Out>{classifier, points, result});
}

}  // namespace basin::energy

#endif
