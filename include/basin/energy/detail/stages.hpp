// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_STAGES_HPP
#define BASIN_ENERGY_DETAIL_STAGES_HPP

#include <basin/core/shape.hpp>
#include <basin/core/workspace.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/layer/initializer.hpp>
#include <basin/tile/context.hpp>

#include <tuple>
#include <vector>

namespace basin::energy::detail {

// Elementwise layers at the front of a network have no layer before them to be fused into.
struct Identity {
  template <Real Scalar, Shape Input>
  struct bind {
    using output_shape                      = Input;
    static constexpr int inputs             = Input::size;
    static constexpr int outputs            = Input::size;
    static constexpr int parameters         = 0;
    static constexpr int gradient_blocks    = 0;
    static constexpr double multiply_adds   = 0;
    static constexpr bool constant_gradient = false;

    static std::vector<layer::ParameterBlock> parameter_blocks() { return {}; }

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Scalar const*,
                                                    Scalar const* x, Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(x)); });
    }
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Scalar const*,
                                                      Scalar const* g, Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(g)); });
    }
  };
};

// A layer, and the elementwise layers behind it that run as its epilogue.
template <class Layer, class... Elementwise>
struct Stage {
  using layer_type = Layer;
  using activation = layer::Composition<Elementwise...>;
  template <class E>
  using then = Stage<Layer, Elementwise..., E>;
};

// Groups a list of layers into stages.
template <class Done, class Open, class... Layers>
struct Group;
template <class... Done, class Open>
struct Group<std::tuple<Done...>, Open> {
  using type = std::tuple<Done..., Open>;
};
template <class... Done, class Open, class L, class... Rest>
struct Group<std::tuple<Done...>, Open, L, Rest...>
    : Group<std::tuple<Done..., Open>, Stage<L>, Rest...> {};
template <class... Done, class Open, layer::Elementwise L, class... Rest>
struct Group<std::tuple<Done...>, Open, L, Rest...>
    : Group<std::tuple<Done...>, typename Open::template then<L>, Rest...> {};

template <class First, class... Rest>
struct Stages : Group<std::tuple<>, Stage<First>, Rest...> {};
template <layer::Elementwise First, class... Rest>
struct Stages<First, Rest...> : Group<std::tuple<>, Stage<Identity, First>, Rest...> {};

// A stage with the scalar and the input shape that it has in this network.
template <class Layer, class Activation>
struct BoundStage {
  using layer_type = Layer;
  using activation = Activation;
};

template <class Scalar, class Input, class Stages, class... Bound>
struct Bind;
template <class Scalar, class Input, class... Bound>
struct Bind<Scalar, Input, std::tuple<>, Bound...> {
  using type = std::tuple<Bound...>;
};
template <class Scalar, class Input, class S, class... Rest, class... Bound>
struct Bind<Scalar, Input, std::tuple<S, Rest...>, Bound...> {
  using bound = typename S::layer_type::template bind<Scalar, Input>;
  using type  = typename Bind<Scalar, typename bound::output_shape, std::tuple<Rest...>, Bound...,
                             BoundStage<bound, typename S::activation>>::type;
};

template <class Bound, int I>
using layer_of = typename std::tuple_element_t<I, Bound>::layer_type;
template <class Bound, int I>
using activation_of = typename std::tuple_element_t<I, Bound>::activation;

constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

// Sums over the stages before I. At namespace scope: an in-class variable template cannot name
// itself.
template <class Bound, int I>
inline constexpr int parameter_offset =
    parameter_offset<Bound, I - 1> + layer_of<Bound, I - 1>::parameters;
template <class Bound>
inline constexpr int parameter_offset<Bound, 0> = 0;

template <class Bound, int I>
inline constexpr int block_offset =
    block_offset<Bound, I - 1> + layer_of<Bound, I - 1>::gradient_blocks;
template <class Bound>
inline constexpr int block_offset<Bound, 0> = 0;

// Rows that a stage with parameters leaves in a record: its inputs in panels, then dE/dy.
template <class L>
inline constexpr int panel_rows = L::parameters > 0 ? round_up(L::inputs, tile::max_panel) : 0;
template <class Bound, int I>
inline constexpr int record_offset =
    record_offset<Bound, I - 1> + panel_rows<layer_of<Bound, I - 1>> +
    (layer_of<Bound, I - 1>::parameters > 0 ? layer_of<Bound, I - 1>::outputs : 0);
template <class Bound>
inline constexpr int record_offset<Bound, 0> = 0;

// The number that is wrong stands in the template argument, so that it is in the compiler's
// 'instantiation of' line beside the sentence.
template <int LastWidth>
struct ends_in_a_scalar {
  static_assert(LastWidth == 1,
                "basin::energy::Network: an energy is one number, so the last layer must have "
                "width 1, e.g. layer::Dense<1>; LastWidth is the width it has.");
  static constexpr bool value = true;
};

template <class L>
concept MatrixLayer = requires {
  typename L::template bind<float, Vector<1>>;
};

template <class L>
struct is_a_layer {
  static_assert(layer::Elementwise<L> || MatrixLayer<L>,
                "basin::energy::Network: every argument after the input shape must be a layer: a "
                "type with a member template 'bind<Scalar, Input>' (as layer::Dense) or with "
                "'template <int Order, class V> static void evaluate(V x, V (&f)[Order + 1])' (as "
                "layer::Silu).");
  static constexpr bool value = true;
};

// Epilogues: what becomes of an element that a layer has computed. 'site' says in which pass.

template <class Pass>
struct Where {
  Pass pass;
  int layer;
  template <class Place>
  KOKKOS_FORCEINLINE_FUNCTION layer::Site<Pass> operator()(Place at) const {
    return {pass, layer, at.row, at.lane};
  }
};

// h = f(z)
template <class Activation, class Scalar, class Pass>
struct StoreValue {
  Where<Pass> where;
  Scalar* h;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V z) const {
    V f[1];
    Activation::template evaluate<0>(where(at), z, f);
    at.store(h, f[0]);
  }
};

// h = f(z), d = f'(z)
template <class Activation, class Scalar, class Pass>
struct StoreValueAndDerivative {
  Where<Pass> where;
  Scalar* h;
  Scalar* d;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V z) const {
    V f[2];
    Activation::template evaluate<1>(where(at), z, f);
    at.store(h, f[0]);
    if constexpr (!Activation::identity) at.store(d, f[1]);
  }
};

// dE/dz = f'(z) head[row], where E = head . f(z) + const
template <class Activation, class Scalar, class Pass>
struct StoreSeed {
  Where<Pass> where;
  Scalar const* head;
  Scalar* g;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V z) const {
    V f[2];
    Activation::template evaluate<1>(where(at), z, f);
    at.store(g, f[1] * at.broadcast(head));
  }
};

// As StoreSeed, with h = f(z) kept and dE/dz recorded.
template <class Activation, class Scalar, class Pass>
struct StoreValueAndSeed {
  Where<Pass> where;
  Scalar const* head;
  Scalar* h;
  Scalar* g;
  Scalar* recorded;  // (rows, samples), at the tile's first sample
  int samples;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V z) const {
    V f[2];
    Activation::template evaluate<1>(where(at), z, f);
    at.store(h, f[0]);
    V const seed = f[1] * at.broadcast(head);
    at.store(g, seed);
    tile::store(recorded + static_cast<std::size_t>(at.row) * samples + at.lane, seed);
  }
};

// dE/dz = v f'(z) in place of f'(z); with no activation dE/dz = v
template <class Activation, class Scalar>
struct MultiplyByDerivative {
  Scalar* d;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    if constexpr (Activation::identity)
      at.store(d, v);
    else
      at.store(d, v * at.load(d));
  }
};

template <class Activation, class Scalar>
struct MultiplyByDerivativeAndRecord {
  Scalar* d;
  Scalar* recorded;  // (rows, samples), at the tile's first sample
  int samples;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    V g = v;
    if constexpr (!Activation::identity) g = v * at.load(d);
    at.store(d, g);
    tile::store(recorded + static_cast<std::size_t>(at.row) * samples + at.lane, g);
  }
};

template <class Scalar>
struct Store {
  Scalar* to;
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    at.store(to, v);
  }
};

}  // namespace basin::energy::detail

#endif
