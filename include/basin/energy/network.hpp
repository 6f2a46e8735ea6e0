// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_NETWORK_HPP
#define BASIN_ENERGY_NETWORK_HPP

#include <basin/energy/concepts.hpp>
#include <basin/energy/detail/graph.hpp>
#include <basin/energy/head/single.hpp>
#include <basin/layer/dense.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace basin::energy {

/// What the parameter gradient of a batch needs of every sample. Of jets of order K every sample
/// has series = K + 1 coefficients.
template <class Scalar>
struct Record {
  Scalar* rows;      ///< (record_rows, series, samples)
  Scalar* energies;  ///< (series, samples)
  int samples;       ///< the batch padded to full tiles
  int series = 1;
};

/// The adjoint of E from which the plain parameter gradient starts: dE/dE.
struct UnitSeed {
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION V operator()(Place, V) const {
    return V(1);
  }
};

/// A named block of the parameter vector.
struct NamedBlock {
  std::string name;  ///< e.g. "0.weight"
  int offset;
  int rows;
  int columns;
  layer::Law law;
};

namespace detail {

// Refusals of what a network is made of, before anything is made of it.
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

}  // namespace detail

/// A feed-forward energy E(x; theta) = head(f(x; theta)), f: R^dimension -> R^outputs, fixed at
/// compile time. Network and Classifier are the usual ones.
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
/// \tparam Head    what makes an energy of the outputs, see head/single.hpp
/// \tparam Copies  tile::NoCopies, or tile::WeightCopies of the weights
/// \tparam Layers  layer policies, first to last; the last must have the width that the head asks for
template <class Scalar, class Input, class Head, class Copies, class... Layers>
class HeadedNetwork {
  static_assert(detail::check_network<Scalar, Input>::value);
  static_assert(sizeof...(Layers) > 0, "basin::energy::Network: write at least one layer.");
  static_assert((detail::is_a_layer<Layers>::value && ...));
  using stages               = detail::stages_of<Scalar, Input, Layers...>;
  using graph_of             = detail::GraphOf<stages, Input>;
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
  static_assert(detail::ends_in_a_scalar<(single ? width : 1)>::value);
  static_assert(width >= Head::least_outputs,
                "basin::energy::Classifier: the last layer gives a logit for each class, two or "
                "more; write for example layer::Dense<10>.");
  // Behind the planned rows: E, and those of the head, which keep what belongs to chains.
  static constexpr int head_row = plan_rows + (single ? 0 : 1);

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
  static constexpr int energy_row     = single ? output_row : plan_rows;
  /// Of f.
  static constexpr int outputs = width;

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

  /// Rows that tile::KeepsProducts needs.
  static constexpr int kept_rows = graph.kept(count, false);

  /// Rows of a Record, and work items of parameter_gradient.
  static constexpr int record_rows     = graph.record_offset(count);
  static constexpr int gradient_blocks = graph.block_offset(count);

  /// Numbers that are kept beside theta from step to step, for layers whose weights are effective
  /// before they are used (layer::SpectralNorm); 0: theta is used as it is.
  static constexpr int state = graph.state_offset(count);
  /// Work items of reparameterize and pull_back_parameters.
  static constexpr int reparameterize_blocks = count;

  /// Numbers of the copies of weights that kernels of a tuning read, see tile::Packing.
  template <tile::Tuning tuning>
  static constexpr int packed_numbers =
      graph.template packed_offset<tile::Packing<Scalar, tile::layout_of(tuning)>>(count);

  HeadedNetwork() = default;
  /// \param theta   (parameters) reachable from the execution space that will evaluate the energy;
  ///                where state > 0: as energy::reparameterize leaves them
  /// \param head    what the head knows, for example labels
  /// \param copies  of the weights, see energy::pack
  KOKKOS_FUNCTION explicit HeadedNetwork(Scalar const* theta, Head const& head = {},
                                         Copies const& copies = {})
      : theta_(theta), head_(head), copies_(copies) {}

  /// The same body with another head: of a Classifier head::Labeled{labels} or
  /// head::CrossEntropy{labels}.
  template <class Other>
  KOKKOS_FUNCTION HeadedNetwork<Scalar, Input, Other, Copies, Layers...> with_head(
      Other const& other) const {
    return HeadedNetwork<Scalar, Input, Other, Copies, Layers...>(theta_, other, copies_);
  }
  /// The same energy with copies of its weights in main memory, as energy::pack makes them.
  template <class Other>
  KOKKOS_FUNCTION HeadedNetwork<Scalar, Input, Head, Other, Layers...> with_copies(
      Other const& copies) const {
    return HeadedNetwork<Scalar, Input, Head, Other, Layers...>(theta_, head_, copies);
  }
  /// The same energy with copies that the calling kernel has made itself with pack().
  KOKKOS_FUNCTION HeadedNetwork staged(Scalar const* packed) const {
    HeadedNetwork other = *this;
    other.staged_       = packed;
    return other;
  }
  /// Copies the weights. \param packed (packed_numbers)
  template <class Context>
  KOKKOS_FUNCTION void pack(Context const& c, Scalar* packed) const {
    pack_stage<0>(c, packed);
    c.barrier();
  }

  /// The blocks of theta with their names, shapes and initial laws.
  static std::vector<NamedBlock> parameter_blocks() {
    std::vector<NamedBlock> blocks;
    int offset = 0;
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (append_blocks<I>(blocks, offset), ...);
    }(std::make_integer_sequence<int, count>{});
    return blocks;
  }

  /// How many continuous derivatives E has in x.
  static constexpr int smoothness = [] {
    int least = layer::smooth;
    [&]<int... I>(std::integer_sequence<int, I...>) {
      ((least = activation_at<I>::smoothness < least ? activation_at<I>::smoothness : least), ...);
    }(std::make_integer_sequence<int, count>{});
    return least;
  }();

  /// Row energy_row = E(x), x in the rows from state_row on. Of a jet x in a context of jets all
  /// that is computed is a jet.
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    forward<0, Task::energy>(c, workspace, layer::Inference{}, {});
    apply_head(c, workspace);
  }

  /// Rows from output_row on = f(x) (outputs, T).
  template <class Context>
  KOKKOS_FUNCTION void evaluate_outputs(Context const& c, Scalar* workspace) const {
    forward<0, Task::energy>(c, workspace, layer::Inference{}, {});
  }

  /// The labels of chains, where the head asks for some.
  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int chains) const {
    if constexpr (requires { head_.load_conditions(c, workspace, first, chains); })
      head_.load_conditions(c, workspace + head_row * Context::row_size, first, chains);
  }

  /// Row energy_row = E(x) and rows from gradient_row on = dE/dx, from one pass; the state stays.
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    forward<0, Task::both>(c, workspace, layer::Inference{}, {});
    apply_head(c, workspace);
    start<Task::both>(c, workspace, {});
    backward<seed, Task::both>(c, workspace, {});
  }

  /// Rows from gradient_row on = dE/dx; the state stays.
  template <class Context, class Pass = layer::Inference>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace, Pass const& pass = {}) const {
    forward<0, Task::gradient>(c, workspace, pass, {});
    apply_head(c, workspace);
    start<Task::gradient>(c, workspace, {});
    backward<seed, Task::gradient>(c, workspace, {});
  }

  /// One tile of a training pass: energies and, for every layer with parameters, its inputs and
  /// dE/d(output), into the record at sample first.
  ///
  /// In a context of jets of order K, with E(x + e u) = c_0 + c_1 e + ... + c_K e^K, what is
  /// recorded is that of the weighted sum L = sum_k s_(K-k) c_k of each sample, where the series s
  /// = seed_of(place, c) may depend on c and is held fixed.
  template <class Context, class Seed = UnitSeed>
  KOKKOS_FUNCTION void record(Context const& c, Scalar* workspace, Record<Scalar> const& record,
                              int first, Stream const& stream, Seed const& seed_of = {}) const {
    layer::LayerRecord<Scalar> const whole{record.rows, record.samples, first, record.series};
    forward<0, Task::record>(c, workspace,
                             layer::Training{stream, static_cast<std::uint32_t>(first)}, whole);
    apply_head(c, workspace);
    Scalar const* const e  = workspace + energy_row * Context::row_size;
    Scalar* const energies = record.energies + first;
    int const samples      = record.samples;
    c.map(1, [=](auto at) { tile::store(energies + at.lane, at.load(e), samples); });
    start<Task::record>(c, workspace, whole, seed_of);
    backward<seed, Task::record>(c, workspace, whole);
  }

  /// Work item block, in [0, gradient_blocks), of dtheta = sum_n w[n] dL_n/dtheta, L_n = E(x_n) or
  /// what record says, the samples in ascending order. Every element of dtheta is written by one
  /// work item, so the result does not depend on the number of threads. Scales the slice by w in
  /// place.
  ///
  /// \param w       (series, samples) weight of each sample, the same for all its coefficients, 0
  ///                behind the batch; without jets (slice.end)
  /// \param slice   columns (series, samples) of the record that are summed
  /// \param dtheta  (parameters)
  template <class Context>
  static KOKKOS_FUNCTION void parameter_gradient(Context const& c, int block,
                                                 Record<Scalar> const& record, Scalar const* w,
                                                 layer::Slice slice, Scalar* dtheta) {
    gradient_of_stage<0>(c, block, record, w, slice, dtheta);
  }

  /// Work item block of effective = what the layers read, after so many power iterations (-1: as
  /// many as each layer asks for).
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

  /// A state to start from: u of every layer that has one, drawn from N(0, 1).
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
  template <int I, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void pack_stage(Context const& c, Scalar* packed) const {
    if constexpr (I < count) {
      using packing        = typename Context::packing;
      constexpr int offset = graph.parameter_offset(I);
      constexpr int at     = graph.template packed_offset<packing>(I);
      if constexpr (graph.template packed<packing>(I) > 0)
        packing::fill(c, +graph.taps[I], +graph.out[I], +graph.in[I], theta_ + offset, packed + at);
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

  // What a pass is for. A pass for E keeps no derivatives.
  enum class Task { energy, gradient, both, record };

  template <int I>
  static void append_blocks(std::vector<NamedBlock>& blocks, int& offset) {
    if constexpr (layer_at<I>::parameters > 0) {
      for (layer::ParameterBlock const& b : layer_at<I>::parameter_blocks()) {
        blocks.push_back({std::to_string(I) + "." + b.name, offset, b.rows, b.columns, b.law});
        offset += b.rows * b.columns;
      }
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
    constexpr int offset       = graph.parameter_offset(I);
    using packing              = typename Context::packing;
    constexpr int packed       = graph.template packed_offset<packing>(I);
    Scalar const* const copies = copies_for<Context>();
    bool const has             = graph.template packed<packing>(I) > 0 && copies != nullptr;
    return {theta_ + offset, row<graph.saved_of(I), Context>(w),
            back ? row<graph.scratch_of(I, true), Context>(w)
                 : row<graph.scratch_of(I, false), Context>(w),
            has ? copies + packed : nullptr};
  }
  // Copies of all weights that a context reads; null: theta.
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION Scalar const* copies_for() const {
    if constexpr (!Context::reads_copies) {
      return nullptr;
    } else if constexpr (std::same_as<Copies, tile::NoCopies>) {
      return staged_;
    } else {
      static_assert(Copies::layout == Context::packing::layout,
                    "basin::energy::Network: the copies of weights were made for another tuning "
                    "than that of this kernel; call energy::pack with the tuning of the kernel.");
      return staged_ ? staged_ : copies_.data;
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

  // ---- one element on its way --------------------------------------------------------

  // v is a contribution to dE/d(output of stage S), that stage C makes by adding or by its
  // pull-back. With the last one dE/dz of S is known.
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

  // v = dE/d(output of stage S), whole: on to what S adds, and through its elementwise layers.
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

  // With a linear head dE/dz of the stage before it is known as soon as z is, but for jets, whose
  // seed waits for the energy.
  template <Task task, class Place>
  static constexpr bool starts_in_forward = task != Task::energy && linear_head &&
                                            (task != Task::record || Place::value_type::order == 0);

  // What becomes of z, an element that the layer of stage I has computed.
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
      // Numbers of the elementwise layers behind stage I: distinct between stages.
      activation_at<I>::template evaluate<Order>(layer::Site<Pass>{pass, 16 * I, at.row, at.lane},
                                                 z, f);
      if constexpr (graph.adds[I] >= -1) {
        constexpr int added =
            graph.adds[I] < 0
                ? plan.array[0].offset
                : plan.array[graph.value(graph.adds[I] < 0 ? 0 : graph.adds[I])].offset;
        f[0] = f[0] + at.load(w + static_cast<std::size_t>(added) * size);
      }
      // For dE/dx nobody reads the output before a linear head.
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
      Scalar const* head                  = nullptr;
      if constexpr (linear_head && I == seed) {
        constexpr int offset = graph.parameter_offset(count - 1);
        head                 = layer_at<count - 1>::gradient_row(theta_ + offset);
      }
      if constexpr (task == Task::record && L::record_rows > 0)
        L::record_input(c, my_frame, x, record_of<I>(whole));
      Forward<I, task, Pass> const epilogue{w, head, pass, whole};
      constexpr int kept = graph.kept(I, false);
      auto const& here   = c.template at_product<kept>();
      if constexpr (reads_a_line<I>)
        L::forward(here.with_input_on_a_line(), my_frame, x, epilogue);
      else
        L::forward(here, my_frame, x, epilogue);
      forward<I + 1, task>(c, w, pass, whole);
    }
  }

  // The seed, dE/dE = 1 if nobody gives another, or what a linear head makes of it.
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
          Scalar const* const head = layer_at<last>::gradient_row(theta_ + offset);
          c.map(+layer_at<last>::inputs, [=](auto at) {
            auto const s = seed_of(at.at(0), at.at(0).load(e));
            complete<seed, task>(
                at, typename Context::place_type::value_type::simd_type(head[at.row]) * s, w,
                whole);
          });
        }
      } else if constexpr (seed < 0) {
        constexpr int offset     = graph.parameter_offset(last);
        Scalar const* const head = layer_at<last>::gradient_row(theta_ + offset);
        Scalar* const dx         = row<1, Context>(w);
        c.map(+dimension, [=](auto at) { at.store(dx, at.broadcast(head)); });
      }
    }
  }

  // A training pass pulls back as far as there are parameters.
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

  Scalar const* theta_  = nullptr;
  Scalar const* staged_ = nullptr;
  Head head_{};
  Copies copies_{};
};

/// An energy E(x; theta) that is the only output of a feed-forward network.
///
/// \tparam Scalar  float or double
/// \tparam Input   shape of one state x, for example Vector<2> or Image<28, 28>
/// \tparam Layers  layer policies, first to last; the last must have width 1
template <class Scalar, class Input, class... Layers>
using Network = HeadedNetwork<Scalar, Input, head::Single, tile::NoCopies, Layers...>;

}  // namespace basin::energy

#endif
