// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_PIPELINE_HPP
#define BASIN_AUGMENTATION_PIPELINE_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/tile/launch.hpp>

#include <concepts>
#include <type_traits>

namespace basin::augmentation {

/// Samples as they are.
struct None {
  using axis = augmentation_axis;
};

namespace detail {

template <class Operation, class Shape>
constexpr bool check_shape() {
  if constexpr (requires { Operation::template check_shape<Shape>(); })
    return Operation::template check_shape<Shape>();
  return true;
}

}  // namespace detail

/// Operations one after the other, each on every sample with its probability and its own draws. Images
/// are changed in one kernel, each by one thread of a host or one team of a GPU, and the same for any
/// number of threads and any tuning.
///
///   using Augmentation = augmentation::Pipeline<Image<32, 32, 3>, augmentation::RandomResizedCrop,
///                                               augmentation::Flip>;
///   Augmentation a{{.least_area = 0.5}, {}};
///   a.of<augmentation::Flip>().probability = 0.2;
///
/// As a policy of buffer::Replay it changes what is drawn from the buffer, as around an objective,
/// objective::Augmented, what is drawn from the data.
///
/// \tparam Shape       of a sample, for example Image<28, 28>
/// \tparam Operations  in their order, each of another type
template <class Shape, class... Operations>
struct Pipeline : Operations... {
  static_assert(ImageShape<Shape>,
                "basin::augmentation::Pipeline: the first argument is the shape of a sample; write "
                "for example Image<32, 32, 3>.");
  static_assert((check_augmentation<Operations>::value && ...));
  static_assert(!ImageShape<Shape> || (detail::check_shape<Operations, Shape>() && ...));
  using axis  = augmentation_axis;
  using shape = Shape;

  /// The options of an operation.
  template <class Operation>
  Operation& of() {
    return *this;
  }
  template <class Operation>
  Operation const& of() const {
    return *this;
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    (f.nested(Operations::name,
              static_cast<std::conditional_t<std::is_const_v<Self>, Operations const, Operations>&>(
                  self)),
     ...);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { (check_numbers(of<Operations>()), ...); }

  /// A sample, from 'from' to 'to' by way of 'other', all (Shape::size); 'to' may be 'from'.
  template <class Context, class Scalar>
  KOKKOS_FUNCTION void augment(Context const& c, Stream const& stream, std::uint32_t sample,
                               Scalar const* from, Scalar* to, Scalar* other) const {
    std::uint32_t place = 0;
    (apply<Operations>(c, {stream, sample, (Draws::count + 1) * place++}, from, to, other), ...);
    if (from != to) c.each(+Shape::size, [=](int i) { to[i] = from[i]; });
  }

 private:
  template <class Operation, class Context, class Scalar>
  KOKKOS_FUNCTION void apply(Context const& c, Draws draws, Scalar const*& from, Scalar* to,
                             Scalar* other) const {
    Operation const& operation = *this;
    if constexpr (requires { operation.probability; })
      if (draws(Draws::count) >= operation.probability) return;
    Scalar* const target = from == to ? other : to;
    operation(c, Shape{}, draws, from, target);
    from = target;
  }
};

namespace detail {

template <class P, class From, class To>
struct AugmentSample {
  using scalar_type                   = typename To::non_const_value_type;
  static constexpr int workspace_rows = 0;
  P pipeline;
  From from;         // (n, P::shape::size)
  To to, other;      // (n, P::shape::size)
  int const* ages;   // samples of age 0 stay as they are; null: none do
  int const* slots;  // (n) places in ages; null: 0, 1, ...
  Stream stream;
  std::uint32_t first;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    scalar_type const* const source = &from(n, 0);
    scalar_type* const target       = &to(n, 0);
    if (ages && ages[slots ? slots[n] : n] == 0) {
      if (source != target) c.each(+P::shape::size, [=](int i) { target[i] = source[i]; });
      return;
    }
    pipeline.augment(c, stream.now(), first + static_cast<std::uint32_t>(n), source, target,
                     &other(n, 0));
  }
};

}  // namespace detail

/// Which samples stay as they are: those of age 0.
struct Ages {
  int const* ages  = nullptr;  ///< on the device; null: none stay
  int const* slots = nullptr;  ///< (n) the place of a sample in ages; null: its number
};

/// to = from, sample n by the draws of (stream, first + n): one kernel. Asynchronous on exec.
///
/// \param from   (n, size of the shape)
/// \param to     (n, size of the shape), may be from
/// \param other  (n or more, size of the shape) working memory
/// \throws std::invalid_argument if an extent does not fit
template <tile::Tuning tuning, class Exec, class P, class From, class To>
void apply(Exec const& exec, P const& pipeline, From const& from, To const& to, To const& other,
           Stream const& stream, std::uint32_t first = 0, Ages const& ages = {}) {
  char const* who = "basin::augmentation::apply";
  for (auto const extent : {from.extent(1), to.extent(1), other.extent(1)})
    if (!is_extent(extent, P::shape::size))
      refuse(who, "samples have second extent ", extent, ", the shape has ", +P::shape::size,
             " numbers");
  if (to.extent(0) != from.extent(0) || other.extent(0) < from.extent(0))
    refuse(who, "there are ", from.extent(0), " samples, ", to.extent(0),
           " results and memory for ", other.extent(0));
  using Work = detail::AugmentSample<P, tile::Borrowed<From>, tile::Borrowed<To>>;
  tile::for_each_chain<tuning>(
      exec, "basin::augment", static_cast<int>(from.extent(0)),
      Work{pipeline, from, to, other, ages.ages, ages.slots, stream, first});
}

}  // namespace basin::augmentation

#endif
