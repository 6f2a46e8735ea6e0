// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_MODULES_HPP
#define BASIN_ENERGY_DETAIL_MODULES_HPP

#include <basin/core/check.hpp>
#include <basin/energy/detail/stages.hpp>
#include <basin/layer/tensor.hpp>

#include <string>
#include <utility>
#include <vector>

namespace basin::energy {

/// A tensor of PyTorch's module for a network, see layer::Tensor.
struct NamedTensor {
  std::string name;  ///< e.g. "2.weight"
  std::vector<int> shape;
  std::vector<layer::Axis> axes;
  int offset;  ///< in theta

  /// f(i) for the elements in row-major order, i in theta.
  template <class F>
  void each(F const& f) const {
    std::vector<int> at(axes.size(), 0);
    for (int i = offset;;) {
      f(i);
      std::size_t k = axes.size();
      for (; k > 0 && ++at[k - 1] == axes[k - 1].extent; --k) {
        i -= (axes[k - 1].extent - 1) * axes[k - 1].stride;
        at[k - 1] = 0;
      }
      if (k == 0) return;
      i += axes[k - 1].stride;
    }
  }
};

namespace detail {

inline constexpr char const* tensors_refuse = "basin::energy::tensors";

// What a walk over the modules leaves.
struct Modules {
  std::vector<NamedTensor> tensors;
  int offset = 0;  // parameters of the layers so far

  void add(std::string const& module, layer::Tensor const& t) {
    tensors.push_back({module + "." + t.name, t.shape, t.axes, offset + t.offset});
  }
};

// A bound layer as a module. Returns how PyTorch orders its output.
template <class Bound, class Input>
layer::Features add_module(Modules& all, std::string const& name, layer::Features const& read) {
  bool const flattened = !ImageShape<Input> && read.positions > 1;
  if constexpr (requires { Bound::tensors(read); }) {
    for (layer::Tensor const& t : Bound::tensors(read)) all.add(name, t);
  } else {
    if (flattened && (Bound::parameters > 0 || !Bound::keeps_order))
      refuse(
          tensors_refuse, "layer '", name, "' reads a flattened image of ", read.channels,
          " channels, whose elements PyTorch orders in another way; it needs a 'static "
          "std::vector<layer::Tensor> tensors(layer::Features const& read)', as layer::Dense, or "
          "without parameters 'static constexpr bool keeps_order = true'");
    if constexpr (Bound::parameters > 0) {
      int at = 0;
      for (layer::ParameterBlock const& b : Bound::parameter_blocks()) {
        std::vector<int> const shape =
            b.columns == 1 ? std::vector{b.rows} : std::vector{b.rows, b.columns};
        all.add(name, {b.name, shape, {{b.rows * b.columns, 1}}, at});
        at += b.rows * b.columns;
      }
    }
  }
  all.offset += Bound::parameters;
  return Bound::keeps_order && flattened ? read
                                         : layer::features_of<typename Bound::output_shape>();
}

template <class Scalar, class Input, class L>
using shape_behind = typename Append<StageList<Scalar, Input, -1, false>, L>::type::shape;

inline void check_sum(std::string const& name, layer::Features const& a, layer::Features const& b) {
  if (!(a == b))
    refuse(tensors_refuse, "'", name,
           "' adds a flattened image and a vector that is none, (positions, channels) = (",
           a.positions, ", ", a.channels, ") and (", b.positions, ", ", b.channels,
           "), whose elements PyTorch orders differently; write layer::Flatten behind it");
}

// The module of a layer that reads Input. (The layers of another type are Append's.)
template <class Scalar, class Input, class L>
struct Module {
  static layer::Features append(Modules& all, std::string const& name,
                                layer::Features const& read) {
    if constexpr (layer::Elementwise<L>) {
      using Output = shape_behind<Scalar, Input, L>;
      if constexpr (ImageShape<Output> && !ImageShape<Input>) {
        auto const written = layer::features_of<Output>();
        if (!(written == read))
          refuse(tensors_refuse, "layer '", name, "' makes an image of ", written.channels,
                 " channels of a vector, whose elements PyTorch orders in another way");
        return written;
      }
      return read;
    } else {
      using Bound = typename L::template bind<Scalar, Input>;
      return add_module<Bound, Input>(all, name, read);
    }
  }
};

// Layers one after the other, counted from 'index' on.
template <class Scalar, class Input, class... Layers>
struct Children {
  static layer::Features append(Modules&, std::string const&, int&, layer::Features const& read) {
    return read;
  }
};
template <class Scalar, class Input, class L, class... Rest>
struct Children<Scalar, Input, L, Rest...> {
  static layer::Features append(Modules& all, std::string const& prefix, int& index,
                                layer::Features const& read) {
    auto const next = Module<Scalar, Input, L>::append(all, prefix + std::to_string(index), read);
    ++index;
    return Children<Scalar, shape_behind<Scalar, Input, L>, Rest...>::append(all, prefix, index,
                                                                             next);
  }
};
template <class Scalar, class Input, class... Inside, class... Rest>
struct Children<Scalar, Input, layer::Sequence<Inside...>, Rest...>
    : Children<Scalar, Input, Inside..., Rest...> {};

template <class Scalar, class Input, class... Inside>
struct Module<Scalar, Input, layer::Residual<Inside...>> {
  using Output = shape_behind<Scalar, Input, layer::Residual<Inside...>>;
  static layer::Features append(Modules& all, std::string const& name,
                                layer::Features const& read) {
    int index       = 0;
    auto const body = Children<Scalar, Input, Inside...>::append(all, name + ".body.", index, read);
    if constexpr (std::same_as<Input, Output>) {
      check_sum(name, read, body);
    } else {
      using Projection = typename layer::Residual<Inside...>::template projection<Input, Output>;
      check_sum(name, Module<Scalar, Input, Projection>::append(all, name + ".projection", read),
                body);
    }
    return body;
  }
};

// A branch of a sum: a module, or a Sequential.
template <class Scalar, class Input, class Branch>
struct BranchModule : Module<Scalar, Input, Branch> {};
template <class Scalar, class Input, class... Inside>
struct BranchModule<Scalar, Input, layer::Sequence<Inside...>> {
  static layer::Features append(Modules& all, std::string const& name,
                                layer::Features const& read) {
    int index = 0;
    return Children<Scalar, Input, Inside...>::append(all, name + ".", index, read);
  }
};

template <class Scalar, class Input, class... Branches>
struct Module<Scalar, Input, layer::Sum<Branches...>> {
  static layer::Features append(Modules& all, std::string const& name,
                                layer::Features const& read) {
    int index = 0;
    std::vector<layer::Features> written;
    (written.push_back(BranchModule<Scalar, Input, Branches>::append(
         all, name + "." + std::to_string(index++), read)),
     ...);
    for (layer::Features const& w : written) check_sum(name, written[0], w);
    return written[0];
  }
};

// The tensors of a Sequential of these layers.
template <class Scalar, class Input, class... Layers>
std::vector<NamedTensor> tensors_of_layers() {
  Modules all;
  int index = 0;
  Children<Scalar, Input, Layers...>::append(all, "", index, layer::features_of<Input>());
  return std::move(all.tensors);
}

}  // namespace detail
}  // namespace basin::energy

#endif
