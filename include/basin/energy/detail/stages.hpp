// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_STAGES_HPP
#define BASIN_ENERGY_DETAIL_STAGES_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/layer/frame.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/sum.hpp>
#include <basin/tile/context.hpp>

#include <tuple>

// Turns a list of layers into a list of stages, in execution order. A stage is a layer and the
// elementwise layers fused as its epilogue; it reads the output of stage 'source' (-1: the state x)
// and, after its elementwise layers, adds the output of stage 'adds' (none: no_stage).

namespace basin::energy::detail {

inline constexpr int no_stage = -2;

// Elementwise layers with no preceding layer to be fused into.
struct Identity {
  template <Real Scalar, Shape Input>
  struct bind : layer::BoundLayer {
    using output_shape             = Input;
    static constexpr int inputs    = Input::size;
    static constexpr int outputs   = Input::size;
    static constexpr bool in_place = true;

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, layer::Frame<Scalar> const&,
                                                    Scalar const* x, Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(x)); });
    }
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, layer::Frame<Scalar> const&,
                                                      Scalar const*, Scalar const* g,
                                                      Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(g)); });
    }
  };
};

template <class Layer, class Activation, class Output, int Source, int Adds>
struct Stage {
  using layer_type            = Layer;       // bound
  using activation            = Activation;  // a layer::Composition
  using output_shape          = Output;
  static constexpr int source = Source;
  static constexpr int adds   = Adds;
};

// An elementwise layer keeps the shape, unless it declares an output shape.
template <class E, class S>
struct ShapeBehind {
  using type = S;
};
template <class E, class S>
  requires requires { typename E::template output_shape<S>; }
struct ShapeBehind<E, S> {
  using type = typename E::template output_shape<S>;
};

template <class S, class Activation, class E>
struct Fused;
template <class L, class... Done, class Output, int Source, int Adds, class Activation, class E>
struct Fused<Stage<L, Activation, Output, Source, Adds>, layer::Composition<Done...>, E> {
  using type =
      Stage<L, layer::Composition<Done..., E>, typename ShapeBehind<E, Output>::type, Source, Adds>;
};

// The stages so far. Current is the one whose output comes next, -1 for x; Open: an elementwise
// layer may still be fused into it, because nothing else reads its output.
template <class Scalar, class Input, int Current, bool Open, class... Done>
struct StageList {
  using stages                 = std::tuple<Done...>;
  static constexpr int count   = sizeof...(Done);
  static constexpr int current = Current;
  static constexpr bool open   = Open;
  template <int I>
  using stage_at = std::tuple_element_t<I, stages>;

  template <int I>
  struct shape_of {
    using type = typename stage_at<I>::output_shape;
  };
  template <int I>
    requires(I < 0)
  struct shape_of<I> {
    using type = Input;
  };
  using shape = typename shape_of<Current>::type;

  using closed = StageList<Scalar, Input, Current, false, Done...>;
  template <int I>
  using behind = StageList<Scalar, Input, I, false, Done...>;
  template <class S>
  using with = StageList<Scalar, Input, count, true, Done..., S>;
  // A matrix layer, or a standalone elementwise layer.
  template <class L, int Source = Current, int Adds = no_stage>
  using with_layer =
      with<Stage<typename L::template bind<Scalar, typename shape_of<Source>::type>,
                 layer::Composition<>,
                 typename L::template bind<Scalar, typename shape_of<Source>::type>::output_shape,
                 Source, Adds>>;
};

template <class List, class Last>
struct ReplaceLast;
template <class Scalar, class Input, int Current, bool Open, class... Done, class Last>
struct ReplaceLast<StageList<Scalar, Input, Current, Open, Done...>, Last> {
  template <class Kept, class Left>
  struct drop;
  template <class... Kept, class Old>
  struct drop<std::tuple<Kept...>, std::tuple<Old>> {
    using type = StageList<Scalar, Input, Current, Open, Kept..., Last>;
  };
  template <class... Kept, class Next, class After, class... Left>
  struct drop<std::tuple<Kept...>, std::tuple<Next, After, Left...>>
      : drop<std::tuple<Kept..., Next>, std::tuple<After, Left...>> {};
  using type = typename drop<std::tuple<>, std::tuple<Done...>>::type;
};

template <class List, class L>
struct Append {
  using type = typename List::template with_layer<L>;
};

template <class L>
concept MatrixLayer = requires { typename L::template bind<float, Vector<1>>; };

// Types that are not layers are left out: only is_a_layer reports them.
template <class List, class L>
  requires(!layer::Elementwise<L> && !MatrixLayer<L>)
struct Append<List, L> {
  using type = List;
};

template <class List, layer::Elementwise E>
  requires(List::open)
struct Append<List, E> {
  using last = typename List::template stage_at<List::current>;
  using type =
      typename ReplaceLast<List, typename Fused<last, typename last::activation, E>::type>::type;
};
template <class List, layer::Elementwise E>
  requires(!List::open)
struct Append<List, E> : Append<typename List::template with_layer<Identity>, E> {};

template <class List, class... Layers>
struct AppendAll {
  using type = List;
};
template <class List, class L, class... Rest>
struct AppendAll<List, L, Rest...> : AppendAll<typename Append<List, L>::type, Rest...> {};

template <class S, int Adds>
struct Adding;
template <class L, class A, class O, int Source, int None, int Adds>
struct Adding<Stage<L, A, O, Source, None>, Adds> {
  using type = Stage<L, A, O, Source, Adds>;
};

// The output of the last stage plus that of stage Added: part of the last stage's pass, or a
// separate stage if that pass already has a sum.
template <class List, int Added>
struct AddToLast {
  using own = typename List::template with_layer<Identity>;
  using list =
      std::conditional_t<List::template stage_at<List::current>::adds == no_stage && List::open,
                         List, own>;
  using type =
      typename ReplaceLast<list, typename Adding<typename list::template stage_at<list::current>,
                                                 Added>::type>::type::closed;
};

// The sum at the end of a residual block that began after stage Fork; a projection adds the
// block's output in its own pass.
template <class List, int Fork, class Block>
struct Join {
  using projection =
      typename Block::template projection<typename List::template shape_of<Fork>::type,
                                          typename List::shape>;
  using type = typename List::template with_layer<projection, Fork, List::current>::closed;
};
template <class List, int Fork, class Block>
  requires std::same_as<typename List::template shape_of<Fork>::type, typename List::shape>
struct Join<List, Fork, Block> : AddToLast<List, Fork> {};

template <class List, class... Inside>
struct Append<List, layer::Residual<Inside...>> {
  using type = typename Join<typename AppendAll<typename List::closed, Inside...>::type,
                             List::current, layer::Residual<Inside...>>::type;
};

// Branches from after stage Fork, each of which adds the result of the one before it.
template <class List, int Fork, class... Branches>
struct AppendBranches {
  using type = List;
};
template <class List, int Fork, class Branch, class... Rest>
struct AppendBranches<List, Fork, Branch, Rest...> {
  using branch = typename Append<typename List::template behind<Fork>, Branch>::type;
  static_assert(branch::current != Fork,
                "basin::layer::Sum: every branch needs a layer that computes something.");
  static_assert(std::same_as<typename branch::shape, typename List::shape>,
                "basin::layer::Sum: all branches must end in the same shape; branch has another "
                "than List, the ones before it.");
  using type =
      typename AppendBranches<typename AddToLast<branch, List::current>::type, Fork, Rest...>::type;
};
template <class List, class First, class... Rest>
struct Append<List, layer::Sum<First, Rest...>> {
  using type = typename AppendBranches<typename Append<typename List::closed, First>::type::closed,
                                       List::current, Rest...>::type;
};

template <class List, class... Inside>
struct Append<List, layer::Sequence<Inside...>> : AppendAll<List, Inside...> {};

template <class Scalar, class Input, class... Layers>
using stages_of = typename AppendAll<StageList<Scalar, Input, -1, false>, Layers...>::type::stages;

// The wrong value is a template argument, so that it appears in the compiler's 'instantiation of'
// line next to the message.
template <int LastWidth>
struct ends_in_a_scalar {
  static_assert(
      LastWidth == 1,
      "basin::energy::Network: an energy is one number, so the last layer must have "
      "width 1, e.g. layer::Dense<1>; LastWidth is the width it has. (Of a network with an "
      "output for each class write energy::Classifier.)");
  static constexpr bool value = true;
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
template <class... Layers>
struct is_a_layer<layer::Residual<Layers...>> {
  static constexpr bool value = (is_a_layer<Layers>::value && ...);
};
template <class... Layers>
struct is_a_layer<layer::Sequence<Layers...>> : is_a_layer<layer::Residual<Layers...>> {};
template <class... Layers>
struct is_a_layer<layer::Sum<Layers...>> : is_a_layer<layer::Residual<Layers...>> {};

}  // namespace basin::energy::detail

#endif
