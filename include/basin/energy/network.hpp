// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_NETWORK_HPP
#define BASIN_ENERGY_NETWORK_HPP

#include <basin/energy/concepts.hpp>
#include <basin/energy/detail/modules.hpp>
#include <basin/energy/detail/passes.hpp>
#include <basin/layer/dense.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace basin::energy {

/// A named block of the parameter vector.
struct NamedBlock {
  std::string name;  ///< e.g. "0.weight"
  int offset;
  int rows;
  int columns;
  layer::Law law;
};

/// A feed-forward energy E(x; theta) = head(f(x; theta)), f: R^dimension -> R^outputs, fixed at
/// compile time. Network and Classifier are the usual aliases.
///
/// A layer and the elementwise layers after it run as one pass over a tile; a final Dense<1> is
/// skipped when only dE/dx is needed, because its derivative is a row of weights. The offsets of
/// all arrays of a tile are planned at compile time.
///
/// An object is a handle to parameters that are owned elsewhere, for example by a
/// train::Trainer or in a View; copying it copies the handle.
///
/// \tparam Scalar  float or double
/// \tparam Input   shape of one state x, for example Vector<2> or Image<28, 28>
/// \tparam Head    computes an energy from the outputs, see head/single.hpp
/// \tparam Copies  tile::NoCopies, or tile::WeightCopies of the weights
/// \tparam Layers  layer policies, first to last; the last has the width that the head requires
template <class Scalar, class Input, class Head, class Copies, class... Layers>
class HeadedNetwork {  // for an invalid scalar or shape
  static_assert(detail::check_network<Scalar, Input>::value);
};
template <Real Scalar, Shape Input, class Head, class Copies, class... Layers>
class HeadedNetwork<Scalar, Input, Head, Copies, Layers...> {
  using Plan = detail::NetworkPlan<Scalar, Input, Head, Layers...>;
  template <int I>
  using layer_at = typename Plan::template layer_at<I>;
  template <int I>
  using activation_at           = typename Plan::template activation_at<I>;
  static constexpr int count    = Plan::count;
  static constexpr auto graph   = Plan::graph;
  static constexpr auto plan    = Plan::plan;
  static constexpr int seed     = Plan::seed;
  static constexpr int head_row = Plan::head_row;
  using Passes                  = detail::Passes<Scalar, Input, Head, Copies, Layers...>;
  using Task                    = detail::Task;

  template <int... I>
  static constexpr double sum_multiply_adds(std::integer_sequence<int, I...>) {
    return (0.0 + ... + layer_at<I>::multiply_adds);
  }

 public:
  using scalar_type              = Scalar;
  using input_shape              = Input;
  static constexpr int dimension = Input::size;
  /// Length of theta: the blocks of each layer in order, each row-major.
  static constexpr int parameters = graph.parameter_offset(count);

  static constexpr int workspace_rows = head_row + Head::rows;
  static constexpr int state_row      = plan.array[0].offset;
  static constexpr int gradient_row   = plan.array[1].offset;
  static constexpr int output_row     = plan.array[graph.value(count - 1)].offset;
  static constexpr int energy_row     = Plan::energy_row;
  /// Outputs of f.
  static constexpr int outputs = Plan::width;
  /// Whether the head uses labels.
  static constexpr bool conditions_differ = basin::detail::NamesConditions<Head>;

  /// Workspace of a tile of Width chains, in bytes.
  template <int Width>
  static constexpr std::size_t workspace_bytes =
      sizeof(Scalar) * std::size_t(workspace_rows) * Width;

  /// Floating-point operations of the matrix products of one state, 2 per multiply-add: of E, and
  /// of dE/dx as gradient() computes it. Elementwise work is not counted.
  static constexpr double energy_flops =
      2 * sum_multiply_adds(std::make_integer_sequence<int, count>{});
  static constexpr double gradient_flops =
      4 * sum_multiply_adds(std::make_integer_sequence<int, seed + 1>{});

  /// Of the parameter gradient: E, dE/dz of every layer, and the outer products with the inputs.
  static constexpr double parameter_gradient_flops =
      2 * energy_flops + gradient_flops / 2 - 2 * layer_at<0>::multiply_adds;

  /// Rows that tile::KeepsProducts needs.
  static constexpr int kept_rows = graph.kept(count, false);

  /// Rows of a Record, and work items of parameter_gradient.
  static constexpr int record_rows     = graph.record_offset(count);
  static constexpr int gradient_blocks = graph.block_offset(count);

  /// Elements kept besides theta from step to step, for layers that reparameterize their weights
  /// (layer::SpectralNorm); 0: theta is used as it is.
  static constexpr int state = graph.state_offset(count);
  /// Work items of reparameterize and pull_back_parameters.
  static constexpr int reparameterize_blocks = count;

  /// Elements of the copies of weights that kernels of a tuning read, see tile::Packing.
  template <tile::Tuning tuning>
  static constexpr int packed_numbers =
      graph.template packed_offset<tile::Packing<Scalar, tile::layout_of(tuning)>>(count);

  HeadedNetwork() = default;
  /// \param theta   (parameters) reachable from the execution space that will evaluate the energy;
  ///                where state > 0: as energy::reparameterize leaves them
  /// \param head    data of the head, for example labels
  /// \param copies  of the weights, see energy::pack
  KOKKOS_FUNCTION explicit HeadedNetwork(Scalar const* theta, Head const& head = {},
                                         Copies const& copies = {})
      : passes_{theta, nullptr, head, copies} {}

  /// (parameters) that this energy reads: theta, or the effective parameters of reparameterized
  /// layers.
  KOKKOS_FUNCTION Scalar const* theta() const { return passes_.theta; }

  /// The same network with another head: for a Classifier head::Labeled{labels} or
  /// head::CrossEntropy{labels}.
  template <class Other>
  KOKKOS_FUNCTION HeadedNetwork<Scalar, Input, Other, Copies, Layers...> with_head(
      Other const& other) const {
    return HeadedNetwork<Scalar, Input, Other, Copies, Layers...>(passes_.theta, other,
                                                                  passes_.copies);
  }
  /// The same energy with copies of its weights in main memory, as energy::pack makes them.
  template <class Other>
  KOKKOS_FUNCTION HeadedNetwork<Scalar, Input, Head, Other, Layers...> with_copies(
      Other const& copies) const {
    return HeadedNetwork<Scalar, Input, Head, Other, Layers...>(passes_.theta, passes_.head_,
                                                                copies);
  }
  /// The same energy with copies that the calling kernel has made itself with pack().
  KOKKOS_FUNCTION HeadedNetwork staged(Scalar const* packed) const {
    HeadedNetwork other  = *this;
    other.passes_.staged = packed;
    return other;
  }
  /// Copies the weights. \param packed (packed_numbers)
  template <class Context>
  KOKKOS_FUNCTION void pack(Context const& c, Scalar* packed) const {
    pack_stage<0>(c, packed);
    c.barrier();
  }

  /// The blocks of theta with their names, shapes and initial distributions.
  static std::vector<NamedBlock> parameter_blocks() {
    std::vector<NamedBlock> blocks;
    int offset = 0;
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (append_blocks<I>(blocks, offset), ...);
    }(std::make_integer_sequence<int, count>{});
    return blocks;
  }

  /// theta as the tensors of a torch.nn.Sequential of the same layers, see energy::tensors.
  static std::vector<NamedTensor> tensors() {
    return detail::tensors_of_layers<Scalar, Input, Layers...>();
  }

  /// Number of continuous derivatives of E in x.
  static constexpr int smoothness = [] {
    int least = layer::smooth;
    [&]<int... I>(std::integer_sequence<int, I...>) {
      ((least = activation_at<I>::smoothness < least ? activation_at<I>::smoothness : least), ...);
    }(std::make_integer_sequence<int, count>{});
    return least;
  }();

  /// Row energy_row = E(x), x in the rows from state_row on. In a context of jets every computed
  /// row is a jet.
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    passes_.template run<Task::energy>(c, workspace, layer::Inference{});
  }

  /// Rows from output_row on = f(x) (outputs, T).
  template <class Context>
  KOKKOS_FUNCTION void evaluate_outputs(Context const& c, Scalar* workspace) const {
    passes_.template forward<0, Task::energy>(c, workspace, layer::Inference{}, {});
  }

  /// The labels of chains, if the head uses them.
  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int chains) const {
    if constexpr (requires { passes_.head_.load_conditions(c, workspace, first, chains); })
      passes_.head_.load_conditions(c, workspace + head_row * Context::row_size, first, chains);
  }

  /// Row energy_row = E(x) and rows from gradient_row on = dE/dx, from one pass; x is unchanged.
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    passes_.template run<Task::both>(c, workspace, layer::Inference{});
  }

  /// Rows from gradient_row on = dE/dx; the state is unchanged.
  template <class Context, class Pass = layer::Inference>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace, Pass const& pass = {}) const {
    passes_.template run<Task::gradient>(c, workspace, pass);
  }

  /// One tile of a training pass: energies and, for every layer with parameters, its inputs and
  /// dE/d(output), into the record at sample first.
  ///
  /// In a context of jets of order K, with E(x + e u) = c_0 + c_1 e + ... + c_K e^K, what is
  /// recorded is that of the weighted sum L = sum_k s_(K-k) c_k of each sample, where the series s
  /// = seed_of(place, c) may depend on c and is held fixed.
  ///
  /// \param draws  Stream of dropout, or layer::Inference: dropout is off
  template <class Context, class Draws = Stream, class Seed = UnitSeed>
  KOKKOS_FUNCTION void record(Context const& c, Scalar* workspace, Record<Scalar> const& record,
                              int first, Draws const& draws, Seed const& seed_of = {}) const {
    layer::LayerRecord<Scalar> const whole{record.rows, record.samples, first, record.series};
    passes_.template forward<0, Task::record>(c, workspace, pass_of(draws, first), whole);
    passes_.apply_head(c, workspace);
    Scalar const* const e  = workspace + energy_row * Context::row_size;
    Scalar* const energies = record.energies + first;
    int const samples      = record.samples;
    c.map(1, [=](auto at) { tile::store(energies + at.lane, at.load(e), samples); });
    passes_.template start<Task::record>(c, workspace, whole, seed_of);
    passes_.template backward<seed, Task::record>(c, workspace, whole);
  }

  /// Work item block, in [0, gradient_blocks), of dtheta = sum_n w[n] dL_n/dtheta, L_n = E(x_n) or
  /// what record says, the samples in ascending order. Every element of dtheta is written by one
  /// work item, so the result does not depend on the number of threads. Scales the slice by w in
  /// place.
  ///
  /// \param w       (series, samples) weight of each sample, the same for all its coefficients, 0
  ///                past the batch; without jets (slice.end)
  /// \param slice   columns (series, samples) of the record that are summed
  /// \param dtheta  (parameters)
  template <class Context>
  static KOKKOS_FUNCTION void parameter_gradient(Context const& c, int block,
                                                 Record<Scalar> const& record, Scalar const* w,
                                                 layer::Slice slice, Scalar* dtheta) {
    Passes::template gradient_of_stage<0>(c, block, record, w, slice, dtheta);
  }

  /// Work item block of effective = what the layers read, after this many power iterations (-1: as
  /// many as each layer specifies).
  template <class Context>
  static KOKKOS_FUNCTION void reparameterize(Context const& c, int block, int iterations,
                                             Scalar const* theta, Scalar* state_of_all,
                                             Scalar* effective) {
    for_stage<0>(block, [&]<int I>(std::integral_constant<int, I>) {
      using L              = layer_at<I>;
      constexpr int offset = graph.parameter_offset(I), at = graph.state_offset(I);
      if constexpr (L::state > 0) {
        L::reparameterize(c, iterations < 0 ? +L::iterations : iterations, theta + offset,
                          state_of_all + at, effective + offset);
      } else if constexpr (L::parameters > 0) {
        c.each(+L::parameters, [=](int k) { effective[offset + k] = theta[offset + k]; });
      }
    });
  }

  /// Work item block of gradient = dL/dtheta in place of dL/d(effective).
  template <class Context>
  static KOKKOS_FUNCTION void pull_back_parameters(Context const& c, int block,
                                                   Scalar const* effective, Scalar* state_of_all,
                                                   Scalar* gradient) {
    for_stage<0>(block, [&]<int I>(std::integral_constant<int, I>) {
      constexpr int offset = graph.parameter_offset(I), at = graph.state_offset(I);
      if constexpr (layer_at<I>::state > 0)
        layer_at<I>::pull_back_parameters(c, effective + offset, state_of_all + at,
                                          gradient + offset);
    });
  }

  /// An initial state: u of every layer that has one, drawn from N(0, 1).
  static std::vector<Scalar> initial_state(std::uint64_t seed) {
    std::vector<Scalar> values(static_cast<std::size_t>(state));
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (
          [&] {
            if constexpr (layer_at<I>::state > 0) {
              using V = tile::Simd<double, 1>;
              for (int k = 0; k < layer_at<I>::start_length; ++k) {
                std::size_t const at =
                    static_cast<std::size_t>(graph.state_offset(I) + layer_at<I>::start_offset + k);
                V draw[4];
                tile::normal_block({seed, Purpose::parameter, 1},
                                   static_cast<std::uint32_t>(at / 4), 0u, draw);
                values[at] = static_cast<Scalar>(draw[at % 4][0]);
              }
            }
          }(),
          ...);
    }(std::make_integer_sequence<int, count>{});
    return values;
  }

 private:
  static KOKKOS_FORCEINLINE_FUNCTION layer::Training pass_of(Stream const& stream, int first) {
    return {stream, static_cast<std::uint32_t>(first)};
  }
  static KOKKOS_FORCEINLINE_FUNCTION layer::Inference pass_of(layer::Inference off, int) {
    return off;
  }

  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void pack_stage(Context const& c, Scalar* packed) const {
    if constexpr (I < count) {
      using packing        = typename Context::packing;
      constexpr int offset = graph.parameter_offset(I);
      constexpr int at     = graph.template packed_offset<packing>(I);
      if constexpr (graph.template packed<packing>(I) > 0)
        packing::fill(c, +graph.taps[I], +graph.out[I], +graph.in[I], passes_.theta + offset,
                      packed + at);
      pack_stage<I + 1>(c, packed);
    }
  }

  template <int I, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_stage(int i, F const& f) {
    if constexpr (I < count) {
      if (i == I)
        f(std::integral_constant<int, I>{});
      else
        for_stage<I + 1>(i, f);
    }
  }

  template <int I>
  static void append_blocks(std::vector<NamedBlock>& blocks, int& offset) {
    if constexpr (layer_at<I>::parameters > 0) {
      for (layer::ParameterBlock const& b : layer_at<I>::parameter_blocks()) {
        blocks.push_back({std::to_string(I) + "." + b.name, offset, b.rows, b.columns, b.law});
        offset += b.rows * b.columns;
      }
    }
  }

  Passes passes_{};
};

/// An energy E(x; theta) that is the single output of a feed-forward network.
///
/// \tparam Scalar  float or double
/// \tparam Input   shape of one state x, for example Vector<2> or Image<28, 28>
/// \tparam Layers  layer policies, first to last; the last must have width 1
template <class Scalar, class Input, class... Layers>
using Network = HeadedNetwork<Scalar, Input, head::Single, tile::NoCopies, Layers...>;

}  // namespace basin::energy

#endif
