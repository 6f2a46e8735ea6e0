// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_PLAN_HPP
#define BASIN_ENERGY_DETAIL_PLAN_HPP

#include <basin/energy/detail/graph.hpp>
#include <basin/energy/head/single.hpp>

#include <concepts>

namespace basin::energy::detail {

// Errors in the composition of a network, reported before it is instantiated.
template <class Scalar, class Input>
struct check_network {
  static_assert(Real<Scalar>,
                "basin::energy::Network: the first argument must be the scalar, float or double; "
                "write for example Network<float, Vector<2>, layer::Dense<1>>.");
  static_assert(!Real<Scalar> || Shape<Input>,
                "basin::energy::Network: the second argument must be the shape of one state; write "
                "for example Vector<2> or Image<28, 28> behind the scalar.");
  static constexpr bool value = Real<Scalar> && Shape<Input>;
};

// A network as constants: its stages, and the rows of a tile's workspace.
template <class Scalar, class Input, class Head, class... Layers>
struct NetworkPlan {
  static_assert(sizeof...(Layers) > 0, "basin::energy::Network: write at least one layer.");
  static_assert((is_a_layer<Layers>::value && ...));
  using stages               = stages_of<Scalar, Input, Layers...>;
  using graph_of             = GraphOf<stages, Input>;
  static constexpr int count = graph_of::count;
  template <int I>
  using layer_at = typename std::tuple_element_t<I, stages>::layer_type;
  template <int I>
  using activation_at               = typename std::tuple_element_t<I, stages>::activation;
  static constexpr auto graph       = graph_of::value;
  static constexpr auto plan        = graph.plan();
  static constexpr int plan_rows    = plan.rows;
  static constexpr bool linear_head = graph.linear_head;
  static constexpr int seed         = graph.seed();

  static constexpr bool single = std::same_as<Head, head::Single>;
  static constexpr int width   = layer_at<count - 1>::outputs;
  static_assert(ends_in_a_scalar<(single ? width : 1)>::value);
  static_assert(width >= Head::least_outputs,
                "basin::energy::Classifier: the last layer gives a logit for each class, two or "
                "more; write for example layer::Dense<10>.");
  // After the planned rows: E, and those of the head, which hold per-chain values.
  static constexpr int head_row = plan_rows + (single ? 0 : 1);

  template <int... I>
  static constexpr double sum_multiply_adds(std::integer_sequence<int, I...>) {
    return (0.0 + ... + layer_at<I>::multiply_adds);
  }
  static constexpr int energy_row = single ? plan.array[graph.value(count - 1)].offset : plan_rows;
};

}  // namespace basin::energy::detail

#endif
