// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_PASSES_HPP
#define BASIN_ENERGY_DETAIL_PASSES_HPP

#include <basin/energy/detail/plan.hpp>
#include <basin/energy/record.hpp>

#include <cstddef>

namespace basin::energy::detail {

// The purpose of a pass. A pass for E keeps no derivatives.
enum class Task { energy, gradient, both, record };

// The passes over a tile: forward through the stages, the head, and back.
template <class Scalar, class Input, class Head, class Copies, class... Layers>
struct Passes {
  using Plan = NetworkPlan<Scalar, Input, Head, Layers...>;
  template <int I>
  using layer_at = typename Plan::template layer_at<I>;
  template <int I>
  using activation_at               = typename Plan::template activation_at<I>;
  static constexpr int count        = Plan::count;
  static constexpr auto graph       = Plan::graph;
  static constexpr auto plan        = Plan::plan;
  static constexpr bool linear_head = Plan::linear_head;
  static constexpr bool single      = Plan::single;
  static constexpr int seed         = Plan::seed;
  static constexpr int head_row     = Plan::head_row;
  static constexpr int energy_row   = Plan::energy_row;
  static constexpr int outputs      = Plan::width;
  static constexpr int dimension    = Input::size;

  Scalar const* theta  = nullptr;
  Scalar const* staged = nullptr;
  Head head_{};
  Copies copies{};

  // One pass of a task over the tile, without a record.
  template <Task task, class Context, class Pass>
  KOKKOS_FORCEINLINE_FUNCTION void run(Context const& c, Scalar* w, Pass const& pass) const {
    forward<0, task>(c, w, pass, {});
    apply_head(c, w);
    if constexpr (task != Task::energy) {
      start<task>(c, w, {});
      backward<seed, task>(c, w, {});
    }
  }

  template <int Array, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* row(Scalar* workspace) {
    constexpr int offset = plan.array[Array].offset;
    return workspace + static_cast<std::size_t>(offset) * Context::row_size;
  }
  // Output of stage I; of -1: the state.
  template <int I, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* value(Scalar* workspace) {
    return row<(I < 0 ? 0 : graph.value(I)), Context>(workspace);
  }
  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION layer::Frame<Scalar> frame(Scalar* w, bool back) const {
    constexpr int offset               = graph.parameter_offset(I);
    using packing                      = typename Context::packing;
    constexpr int packed               = graph.template packed_offset<packing>(I);
    Scalar const* const packed_weights = copies_for<Context>();
    bool const has = graph.template packed<packing>(I) > 0 && packed_weights != nullptr;
    return {theta + offset, row<graph.saved_of(I), Context>(w),
            back ? row<graph.scratch_of(I, true), Context>(w)
                 : row<graph.scratch_of(I, false), Context>(w),
            has ? packed_weights + packed : nullptr};
  }
  // Copies of all weights that a context reads; null: theta.
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION Scalar const* copies_for() const {
    if constexpr (!Context::reads_copies) {
      return nullptr;
    } else if constexpr (std::same_as<Copies, tile::NoCopies>) {
      return staged;
    } else {
      static_assert(Copies::layout == Context::packing::layout,
                    "basin::energy::Network: the copies of weights were made for another tuning "
                    "than that of this kernel; call energy::pack with the tuning of the kernel.");
      return staged ? staged : copies.data;
    }
  }

  // E and what its slope needs, from the outputs.
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void apply_head(Context const& c, Scalar* w) const {
    if constexpr (!single)
      head_.template energy<outputs>(c, row<graph.value(count - 1), Context>(w),
                                     w + head_row * Context::row_size,
                                     w + energy_row * Context::row_size);
  }
  // Stage I reads the state, a jet with no terms past the first.
  template <int I>
  static constexpr bool reads_a_line = graph.source[I] < 0;

  template <int I>
  static KOKKOS_FORCEINLINE_FUNCTION layer::LayerRecord<Scalar> record_of(
      layer::LayerRecord<Scalar> whole) {
    constexpr std::size_t offset = graph.record_offset(I);
    whole.rows += offset * static_cast<std::size_t>(whole.columns());
    if (reads_a_line<I> && whole.series > 2) whole.series = 2;
    return whole;
  }

  // ---- processing one element --------------------------------------------------------

  // v is a contribution to dE/d(output of stage S), which stage C makes by adding or by its
  // pull-back. The last contribution completes dE/dz of S.
  template <int S, int C, bool by_adding, Task task, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void contribute(Place at, V v, Scalar* w,
                                                     layer::LayerRecord<Scalar> const& whole) {
    if constexpr (S >= -1) {
      constexpr int offset = plan.array[graph.partial(S)].offset;
      Scalar* const part   = w + static_cast<std::size_t>(offset) * Place::row_size;
      if constexpr (!graph.is_first(C, by_adding, S)) v = v + at.load(part);
      if constexpr (S == -1 || !graph.is_last(C, by_adding, S))
        at.store(part, v);
      else
        complete<S, task>(at, v, w, whole);
    }
  }

  // v = dE/d(output of stage S), complete: to what S adds, and through its elementwise layers.
  template <int S, Task task, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void complete(Place at, V v, Scalar* w,
                                                   layer::LayerRecord<Scalar> const& whole) {
    constexpr int offset = plan.array[graph.slope(S)].offset;
    Scalar* const slope  = w + static_cast<std::size_t>(offset) * Place::row_size;
    V d(1);
    if constexpr (!activation_at<S>::identity) d = at.load(slope);
    complete_with<S, task>(at, v, d, w, whole);
  }
  template <int S, Task task, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void complete_with(Place at, V v, V d, Scalar* w,
                                                        layer::LayerRecord<Scalar> const& whole) {
    constexpr int adds   = graph.adds[S];
    constexpr int offset = plan.array[graph.slope(S)].offset;
    Scalar* const slope  = w + static_cast<std::size_t>(offset) * Place::row_size;
    if constexpr (task != Task::record || graph.trained(adds))
      contribute<adds, S, true, task>(at, v, w, whole);
    V const g = activation_at<S>::identity ? v : v * d;
    at.store(slope, g);
    constexpr int recorded = layer_at<S>::gradient_row_of_record;
    if constexpr (task == Task::record && recorded >= 0) {
      record_of<S>(whole).store_gradient(recorded + at.row, at.lane, g);
    }
  }

  // With a linear head dE/dz of the stage before it is known as soon as z is, except for jets,
  // whose seed depends on the energy.
  template <Task task, class Place>
  static constexpr bool starts_in_forward = task != Task::energy && linear_head &&
                                            (task != Task::record || Place::value_type::order == 0);

  // Processes z, an element that the layer of stage I has computed.
  template <int I, Task task, class Pass>
  struct Forward {
    Scalar* w;
    Scalar const* head;  // (outputs) dE/d(output), where the next stage is the linear head
    Pass pass;
    layer::LayerRecord<Scalar> whole;

    template <class Place, class V>
    KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V z) const {
      constexpr int size    = Place::row_size;
      constexpr int values  = plan.array[graph.value(I)].offset;
      constexpr int slopes  = plan.array[graph.slope(I)].offset;
      constexpr bool starts = starts_in_forward<task, Place> && I == seed;
      constexpr bool keeps  = task != Task::energy && I <= seed;
      constexpr int Order   = keeps && !activation_at<I>::identity ? 1 : 0;
      V f[Order + 1];
      // Site indices of the elementwise layers after stage I: distinct between stages.
      activation_at<I>::template evaluate<Order>(layer::Site<Pass>{pass, 16 * I, at.row, at.lane},
                                                 z, f);
      if constexpr (graph.adds[I] >= -1) {
        constexpr int added =
            graph.adds[I] < 0
                ? plan.array[0].offset
                : plan.array[graph.value(graph.adds[I] < 0 ? 0 : graph.adds[I])].offset;
        f[0] = f[0] + at.load(w + static_cast<std::size_t>(added) * size);
      }
      // For dE/dx nothing reads the output before a linear head.
      if constexpr (!starts || task != Task::gradient)
        at.store(w + static_cast<std::size_t>(values) * size, f[0]);
      if constexpr (starts)
        complete_with<I, task>(at, at.broadcast(head), f[Order], w, whole);
      else if constexpr (Order > 0)
        at.store(w + static_cast<std::size_t>(slopes) * size, f[1]);
    }
  };

  template <int I, Task task>
  struct Backward {
    Scalar* w;
    layer::LayerRecord<Scalar> whole;

    template <class Place, class V>
    KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
      contribute<graph.source[I], I, false, task>(at, v, w, whole);
    }
  };

  // ---- passes over a tile ------------------------------------------------------------

  template <int I, Task task, class Context, class Pass>
  KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Scalar* w, Pass const& pass,
                                           layer::LayerRecord<Scalar> const& whole) const {
    if constexpr (I < count && (task != Task::gradient || I <= seed)) {
      using L                             = layer_at<I>;
      Scalar const* const x               = value<graph.source[I], Context>(w);
      layer::Frame<Scalar> const my_frame = frame<I, Context>(w, false);
      Scalar const* of_head               = nullptr;
      if constexpr (linear_head && I == seed) {
        constexpr int offset = graph.parameter_offset(count - 1);
        of_head              = layer_at<count - 1>::gradient_row(theta + offset);
      }
      if constexpr (task == Task::record && L::record_rows > 0)
        L::record_input(c, my_frame, x, record_of<I>(whole));
      Forward<I, task, Pass> const epilogue{w, of_head, pass, whole};
      constexpr int kept = graph.kept(I, false);
      auto const& here   = c.template at_product<kept>();
      if constexpr (reads_a_line<I>)
        L::forward(here.with_input_on_a_line(), my_frame, x, epilogue);
      else
        L::forward(here, my_frame, x, epilogue);
      forward<I + 1, task>(c, w, pass, whole);
    }
  }

  // The seed, dE/dE = 1 by default, or what a linear head makes of it.
  template <Task task, class Context, class Seed = UnitSeed>
  KOKKOS_FORCEINLINE_FUNCTION void start(Context const& c, Scalar* w,
                                         layer::LayerRecord<Scalar> const& whole,
                                         Seed const& seed_of = {}) const {
    constexpr int last    = count - 1;
    Scalar const* const e = row<graph.value(last), Context>(w);
    if constexpr (!single) {
      Scalar const* const of_head = w + head_row * Context::row_size;
      Scalar const* const value   = w + energy_row * Context::row_size;
      Head const& head            = head_;
      c.map(+outputs, [=, &head](auto at) {
        auto const s = seed_of(at.at(0), at.at(0).load(value));
        complete<last, task>(at, head.slope(at, at.load(e), of_head) * s, w, whole);
      });
    } else if constexpr (!linear_head) {
      c.map(1, [=](auto at) { complete<last, task>(at, seed_of(at, at.load(e)), w, whole); });
    } else {
      if constexpr (task == Task::record) {
        layer::LayerRecord<Scalar> const mine = record_of<last>(whole);
        constexpr int recorded                = layer_at<last>::gradient_row_of_record;
        c.map(1, [=](auto at) { mine.store_gradient(recorded, at.lane, seed_of(at, at.load(e))); });
        if constexpr (seed >= 0 && !starts_in_forward<task, typename Context::place_type>) {
          constexpr int offset     = graph.parameter_offset(last);
          Scalar const* const head = layer_at<last>::gradient_row(theta + offset);
          c.map(+layer_at<last>::inputs, [=](auto at) {
            auto const s = seed_of(at.at(0), at.at(0).load(e));
            complete<seed, task>(
                at, typename Context::place_type::value_type::simd_type(head[at.row]) * s, w,
                whole);
          });
        }
      } else if constexpr (seed < 0) {
        constexpr int offset     = graph.parameter_offset(last);
        Scalar const* const head = layer_at<last>::gradient_row(theta + offset);
        Scalar* const dx         = row<1, Context>(w);
        c.map(+dimension, [=](auto at) { at.store(dx, at.broadcast(head)); });
      }
    }
  }

  // A training pass pulls back only as far as there are parameters.
  template <int I, Task task, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void backward(Context const& c, Scalar* w,
                                            layer::LayerRecord<Scalar> const& whole) const {
    if constexpr (I >= 0) {
      using L                             = layer_at<I>;
      layer::Frame<Scalar> const my_frame = frame<I, Context>(w, true);
      Scalar const* const x               = value<graph.source[I], Context>(w);
      Scalar const* const g               = row<graph.slope(I), Context>(w);
      if constexpr (task == Task::record && L::record_rows > 0 && L::gradient_row_of_record < 0)
        L::record_gradient(c, my_frame, x, g, record_of<I>(whole));
      if constexpr (task != Task::record || graph.trained(graph.source[I]))
        L::pull_back(c.template at_product<graph.kept(I, true)>(), my_frame, x, g,
                     Backward<I, task>{w, whole});
      backward<I - 1, task>(c, w, whole);
    }
  }

  template <int I, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION void gradient_of_stage(Context const& c, int block,
                                                            Record<Scalar> const& record,
                                                            Scalar const* w, layer::Slice slice,
                                                            Scalar* dtheta) {
    if constexpr (I < count) {
      constexpr int first_block = graph.block_offset(I);
      constexpr int next_block  = graph.block_offset(I + 1);
      if constexpr (next_block > first_block) {
        if (block >= first_block && block < next_block) {
          constexpr int offset = graph.parameter_offset(I);
          layer_at<I>::parameter_gradient(
              c, block - first_block, record_of<I>({record.rows, record.samples, 0, record.series}),
              w, slice, dtheta + offset);
          return;
        }
      }
      gradient_of_stage<I + 1>(c, block, record, w, slice, dtheta);
    }
  }
};

}  // namespace basin::energy::detail

#endif
