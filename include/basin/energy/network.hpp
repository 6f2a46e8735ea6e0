// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_NETWORK_HPP
#define BASIN_ENERGY_NETWORK_HPP

#include <basin/energy/concepts.hpp>
#include <basin/energy/detail/stages.hpp>
#include <basin/layer/dense.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace basin::energy {

/// What the parameter gradient of a batch needs of every sample. Row r of layer-wise data starts at
/// rows + r samples; samples is the batch padded to full tiles.
template <class Scalar>
struct Record {
  Scalar* rows;      ///< (record_rows, samples)
  Scalar* energies;  ///< (samples)
  int samples;
};

/// A named block of the parameter vector.
struct NamedBlock {
  std::string name;  ///< e.g. "0.weight"
  int offset;
  int rows;
  int columns;
  layer::Law law;
};

/// A feed-forward energy E(x; theta): R^dimension -> R, fixed at compile time.
///
/// A layer and the elementwise layers behind it run as one pass over a tile; a last Dense<1> is not
/// run at all when only dE/dx is asked for, because its derivative is a row of weights. All arrays
/// of a tile have offsets that are planned at compile time.
///
/// An object is a handle to parameters that are owned elsewhere, for example by a
/// train::Trainer or in a View; copying it copies the handle.
///
/// \tparam Scalar  float or double
/// \tparam Input   shape of one state x, for example Vector<2> or Image<28, 28>
/// \tparam Layers  layer policies, first to last; the last must have width 1
template <Real Scalar, Shape Input, class... Layers>
class Network {
  static_assert(sizeof...(Layers) > 0, "basin::energy::Network: write at least one layer.");
  static_assert((detail::is_a_layer<Layers>::value && ...));
  using stages =
      typename detail::Bind<Scalar, Input, typename detail::Stages<Layers...>::type>::type;
  static constexpr int count = std::tuple_size_v<stages>;
  template <int I>
  using layer_at = detail::layer_of<stages, I>;
  template <int I>
  using activation_at = detail::activation_of<stages, I>;
  static_assert(detail::ends_in_a_scalar<layer_at<count - 1>::outputs>::value);

  // The last layer is linear with one output: dE/dx starts as its row of weights.
  static constexpr bool linear_head =
      layer_at<count - 1>::constant_gradient && activation_at<count - 1>::identity;
  // The stage whose dE/dz starts the reverse sweep; -1: E itself is linear in x.
  static constexpr int seed = linear_head ? count - 2 : count - 1;

  // Arrays: 0 x, 1 dE/dx, 2 + 2i output h_i, 3 + 2i derivative f'(z_i), later dE/dz_i in place.
  // Stage i runs forward at time i and backward at time 2 count - 1 - i.
  static constexpr WorkspacePlan<2 + 2 * count> plan = [] {
    WorkspacePlan<2 + 2 * count> p;
    p.array[0] = {Input::size, 0, 2 * count};
    p.array[1] = {Input::size, 2 * count - 1, 2 * count};
    [&]<int... I>(std::integer_sequence<int, I...>) {
      ((p.array[2 + 2 * I] = {layer_at<I>::outputs, I, I == count - 1 ? 2 * count : I + 1},
        p.array[3 + 2 * I] = {linear_head && I == count - 1 ? 0 : layer_at<I>::outputs, I,
                              2 * count - 1 - I}),
       ...);
    }
    (std::make_integer_sequence<int, count>{});
    return plan_workspace(p);
  }();

  template <int... I>
  static constexpr double sum_multiply_adds(std::integer_sequence<int, I...>) {
    return (0.0 + ... + layer_at<I>::multiply_adds);
  }

 public:
  using scalar_type              = Scalar;
  using input_shape              = Input;
  static constexpr int dimension = Input::size;
  /// Length of theta: the blocks of each layer in order, each row-major.
  static constexpr int parameters = detail::parameter_offset<stages, count>;

  static constexpr int workspace_rows = plan.rows;
  static constexpr int state_row      = plan.array[0].offset;
  static constexpr int gradient_row   = plan.array[1].offset;
  static constexpr int energy_row     = plan.array[2 * count].offset;

  /// Workspace of a tile of Width chains, in bytes.
  template <int Width>
  static constexpr std::size_t workspace_bytes =
      sizeof(Scalar) * std::size_t(workspace_rows) * Width;

  /// Floating-point operations of matrix products, 2 for each multiply-add, of one state: of E, and
  /// of dE/dx as gradient() computes it. Elementwise work counts as none.
  static constexpr double energy_flops =
      2 * sum_multiply_adds(std::make_integer_sequence<int, count>{});
  static constexpr double gradient_flops =
      4 * sum_multiply_adds(std::make_integer_sequence<int, seed + 1>{});

  /// Of the parameter gradient: E, dE/dz of every layer, and the outer products with the inputs.
  static constexpr double parameter_gradient_flops =
      2 * energy_flops + gradient_flops / 2 - 2 * layer_at<0>::multiply_adds;

  /// Rows of a Record, and work items of parameter_gradient.
  static constexpr int record_rows     = detail::record_offset<stages, count>;
  static constexpr int gradient_blocks = detail::block_offset<stages, count>;

  Network() = default;
  /// \param theta (parameters) reachable from the execution space that will evaluate the energy
  KOKKOS_FUNCTION explicit Network(Scalar const* theta) : theta_(theta) {}

  /// The blocks of theta with their names, shapes and initial laws.
  static std::vector<NamedBlock> parameter_blocks() {
    std::vector<NamedBlock> blocks;
    int offset = 0;
    [&]<int... I>(std::integer_sequence<int, I...>) { (append_blocks<I>(blocks, offset), ...); }
    (std::make_integer_sequence<int, count>{});
    return blocks;
  }

  /// Row energy_row = E(x), x in the rows from state_row on.
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    forward_values<0>(c, workspace);
  }

  /// Rows from gradient_row on = dE/dx; the state stays.
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    if constexpr (seed < 0) {
      Scalar const* const head = layer_at<count - 1>::gradient_row(theta_of<count - 1>());
      Scalar* const dx         = row<1, Context>(workspace);
      c.map(+dimension, [=](auto at) { at.store(dx, at.broadcast(head)); });
    } else {
      forward_derivatives<0>(c, workspace);
      backward<seed>(c, workspace);
    }
  }

  /// One tile of a training pass: energies and, for every layer with parameters, its inputs and
  /// dE/d(output), into the record at sample first.
  template <class Context>
  KOKKOS_FUNCTION void record(Context const& c, Scalar* workspace, Record<Scalar> const& record,
                              int first, Stream const& stream) const {
    layer::Training const pass{stream, static_cast<std::uint32_t>(first)};
    record_forward<0>(c, workspace, record, first, pass);
    Scalar const* const e  = row<2 * count, Context>(workspace);
    Scalar* const energies = record.energies + first;
    c.map(1, [=](auto at) { at.store(energies, at.load(e)); });
    if constexpr (linear_head) {
      Scalar* const ones = recorded_gradient<count - 1>(record, first);
      using V            = typename Context::value_type;
      c.map(1, [=](auto at) { at.store(ones, V(1)); });
    }
    record_backward<seed>(c, workspace, record, first);
  }

  /// Work item block, in [0, gradient_blocks), of dtheta = sum_n w[n] dE(x_n)/dtheta, the samples
  /// in ascending order. Every element of dtheta is written by one work item, so the result does
  /// not depend on the number of threads. Scales the record by w in place.
  ///
  /// \param w       (count) weight of each sample
  /// \param dtheta  (parameters)
  template <class Context>
  static KOKKOS_FUNCTION void parameter_gradient(Context const& c, int block,
                                                 Record<Scalar> const& record, Scalar const* w,
                                                 int count_of_samples, Scalar* dtheta) {
    gradient_of_stage<0>(c, block, record, w, count_of_samples, dtheta);
  }

 private:
  template <int I>
  static void append_blocks(std::vector<NamedBlock>& blocks, int& offset) {
    for (layer::ParameterBlock const& b : layer_at<I>::parameter_blocks()) {
      blocks.push_back({std::to_string(I) + "." + b.name, offset, b.rows, b.columns, b.law});
      offset += b.rows * b.columns;
    }
  }

  template <int Array, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* row(Scalar* workspace) {
    constexpr int offset = plan.array[Array].offset;
    return workspace + offset * Context::width;
  }
  // Where stage I reads its input.
  template <int I, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* input(Scalar* workspace) {
    return row<(I == 0 ? 0 : 2 * I), Context>(workspace);
  }
  template <int I>
  KOKKOS_FORCEINLINE_FUNCTION Scalar const* theta_of() const {
    constexpr int offset = detail::parameter_offset<stages, I>;
    return theta_ + offset;
  }
  template <int I>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* recorded_panels(Record<Scalar> const& record) {
    constexpr std::size_t offset = detail::record_offset<stages, I>;
    return record.rows + offset * record.samples;
  }
  template <int I>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar* recorded_gradient(Record<Scalar> const& record,
                                                               int first) {
    constexpr std::size_t offset =
        detail::record_offset<stages, I> + detail::panel_rows<layer_at<I>>;
    return record.rows + offset * record.samples + first;
  }
  // Numbers of the elementwise layers behind stage I: distinct between stages.
  template <int I, class Pass>
  static KOKKOS_FORCEINLINE_FUNCTION detail::Where<Pass> where(Pass const& pass) {
    return {pass, 16 * I};
  }

  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void forward_values(Context const& c, Scalar* w) const {
    if constexpr (I < count) {
      using epilogue = detail::StoreValue<activation_at<I>, Scalar, layer::Inference>;
      layer_at<I>::forward(c, theta_of<I>(), input<I, Context>(w),
                           epilogue{where<I>(layer::Inference{}), row<2 + 2 * I, Context>(w)});
      forward_values<I + 1>(c, w);
    }
  }

  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void forward_derivatives(Context const& c, Scalar* w) const {
    if constexpr (I < seed || (I == seed && !linear_head)) {
      using epilogue = detail::StoreValueAndDerivative<activation_at<I>, Scalar, layer::Inference>;
      layer_at<I>::forward(c, theta_of<I>(), input<I, Context>(w),
                           epilogue{where<I>(layer::Inference{}), row<2 + 2 * I, Context>(w),
                                    row<3 + 2 * I, Context>(w)});
      if constexpr (I == seed && activation_at<I>::identity) {
        using V         = typename Context::value_type;
        Scalar* const g = row<3 + 2 * I, Context>(w);
        c.map(1, [=](auto at) { at.store(g, V(1)); });
      }
      if constexpr (I < seed) forward_derivatives<I + 1>(c, w);
    } else if constexpr (I == seed) {
      using epilogue = detail::StoreSeed<activation_at<I>, Scalar, layer::Inference>;
      layer_at<I>::forward(c, theta_of<I>(), input<I, Context>(w),
                           epilogue{where<I>(layer::Inference{}),
                                    layer_at<count - 1>::gradient_row(theta_of<count - 1>()),
                                    row<3 + 2 * I, Context>(w)});
    }
  }

  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void backward(Context const& c, Scalar* w) const {
    Scalar const* const g = row<3 + 2 * I, Context>(w);
    if constexpr (I == 0) {
      layer_at<0>::pull_back(c, theta_of<0>(), g, detail::Store<Scalar>{row<1, Context>(w)});
    } else {
      using epilogue = detail::MultiplyByDerivative<activation_at<I - 1>, Scalar>;
      layer_at<I>::pull_back(c, theta_of<I>(), g, epilogue{row<1 + 2 * I, Context>(w)});
      backward<I - 1>(c, w);
    }
  }

  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void record_forward(Context const& c, Scalar* w,
                                                  Record<Scalar> const& record, int first,
                                                  layer::Training const& pass) const {
    if constexpr (I < count) {
      using L         = layer_at<I>;
      Scalar* const x = input<I, Context>(w);
      Scalar* const h = row<2 + 2 * I, Context>(w);
      Scalar* const d = row<3 + 2 * I, Context>(w);
      if constexpr (L::parameters > 0)
        c.store_panels(+L::inputs, x, first, record.samples, recorded_panels<I>(record));
      if constexpr (linear_head && I == seed) {
        using epilogue = detail::StoreValueAndSeed<activation_at<I>, Scalar, layer::Training>;
        L::forward(
            c, theta_of<I>(), x,
            epilogue{where<I>(pass), layer_at<count - 1>::gradient_row(theta_of<count - 1>()), h, d,
                     recorded_gradient<I>(record, first), record.samples});
      } else if constexpr (linear_head && I == count - 1) {
        using epilogue = detail::StoreValue<activation_at<I>, Scalar, layer::Training>;
        L::forward(c, theta_of<I>(), x, epilogue{where<I>(pass), h});
      } else {
        using epilogue = detail::StoreValueAndDerivative<activation_at<I>, Scalar, layer::Training>;
        L::forward(c, theta_of<I>(), x, epilogue{where<I>(pass), h, d});
        if constexpr (I == seed) {
          using V         = typename Context::value_type;
          Scalar* const r = recorded_gradient<I>(record, first);
          c.map(1, [=](auto at) {
            V const g = activation_at<I>::identity ? V(1) : at.load(d);
            at.store(d, g);
            if constexpr (L::parameters > 0) at.store(r, g);
          });
        }
      }
      record_forward<I + 1>(c, w, record, first, pass);
    }
  }

  // dE/dz of the stages before I. The first layer with parameters ends the sweep: nothing asks for
  // dE/dx here.
  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void record_backward(Context const& c, Scalar* w,
                                                   Record<Scalar> const& record, int first) const {
    if constexpr (I > 0 && detail::parameter_offset < stages, (I > 0 ? I : 0) >> 0) {
      Scalar const* const g = row<3 + 2 * I, Context>(w);
      Scalar* const d       = row<1 + 2 * I, Context>(w);
      if constexpr (layer_at<I - 1>::parameters > 0) {
        using epilogue = detail::MultiplyByDerivativeAndRecord<activation_at<I - 1>, Scalar>;
        layer_at<I>::pull_back(
            c, theta_of<I>(), g,
            epilogue{d, recorded_gradient<I - 1>(record, first), record.samples});
      } else {
        using epilogue = detail::MultiplyByDerivative<activation_at<I - 1>, Scalar>;
        layer_at<I>::pull_back(c, theta_of<I>(), g, epilogue{d});
      }
      record_backward<I - 1>(c, w, record, first);
    }
  }

  template <int I, class Context>
  static KOKKOS_FORCEINLINE_FUNCTION void gradient_of_stage(Context const& c, int block,
                                                            Record<Scalar> const& record,
                                                            Scalar const* w, int n,
                                                            Scalar* dtheta) {
    if constexpr (I < count) {
      constexpr int first_block = detail::block_offset<stages, I>;
      constexpr int next_block  = detail::block_offset<stages, I + 1>;
      if constexpr (next_block > first_block) {
        if (block >= first_block && block < next_block) {
          constexpr int offset = detail::parameter_offset<stages, I>;
          layer_at<I>::parameter_gradient(c, block - first_block, recorded_gradient<I>(record, 0),
                                          recorded_panels<I>(record), w, n, record.samples,
                                          dtheta + offset);
          return;
        }
      }
      gradient_of_stage<I + 1>(c, block, record, w, n, dtheta);
    }
  }

  Scalar const* theta_ = nullptr;
};

}  // namespace basin::energy

#endif
