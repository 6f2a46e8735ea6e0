// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_DRAW_HPP
#define BASIN_BUFFER_DRAW_HPP

#include <basin/core/philox.hpp>
#include <basin/core/policy.hpp>

#include <concepts>

namespace basin::buffer {

struct draw_axis {};

/// Which slots a batch is drawn from. A user-defined draw is a struct with
///
///   using axis = basin::buffer::draw_axis;
///   static constexpr bool distinct = ...;  // whether no two chains of a batch share a slot
///   struct bind {  // the draw of one step
///     KOKKOS_FUNCTION bind(Draw const&, int capacity, Stream const& stream);
///     KOKKOS_FUNCTION int operator()(std::uint32_t chain) const;  // in [0, capacity)
///   };
///   void check() const;  // if it has options to validate; throws std::invalid_argument
///
/// Where 'bind' has the constructor (Draw const&, int capacity, Stream const&, draw::AgeOrder const&) instead,
/// the buffer sorts its slots by age before each draw.
namespace draw {

/// The slots by age.
struct AgeOrder {
  int const* slots = nullptr;  ///< (capacity) from the youngest to the oldest
  int chains       = 0;        ///< of the batch
};

/// Distinct slots, uniformly.
struct WithoutReplacement {
  using axis                     = draw_axis;
  static constexpr bool distinct = true;

  struct bind {
    Permutation permutation;
    KOKKOS_FUNCTION bind(WithoutReplacement const&, int capacity, Stream const& stream)
        : permutation(static_cast<std::uint32_t>(capacity), stream) {}
    KOKKOS_FUNCTION int operator()(std::uint32_t chain) const {
      return static_cast<int>(permutation(chain));
    }
  };
};

/// Independent slots, uniformly; two chains may start from one.
struct WithReplacement {
  using axis                     = draw_axis;
  static constexpr bool distinct = false;

  struct bind {
    Stream stream;
    int capacity;
    KOKKOS_FUNCTION bind(WithReplacement const&, int slots, Stream const& of_step)
        : stream(of_step), capacity(slots) {}
    KOKKOS_FUNCTION int operator()(std::uint32_t chain) const {
      std::uint64_t const u = random_word(stream, 0, chain);
      return static_cast<int>(u * static_cast<std::uint64_t>(capacity) >> 32);
    }
  };
};

}  // namespace draw

/// Whether a draw reads the order of the slots by age.
template <class D>
concept DrawsByAge =
    std::constructible_from<typename D::bind, D const&, int, Stream const&, draw::AgeOrder const&>;

/// Which slots a batch is drawn from, see namespace draw.
template <class D>
concept Draw =
    has_axis<D, draw_axis> &&
    (std::constructible_from<typename D::bind, D const&, int, Stream const&> || DrawsByAge<D>) &&
    requires(typename D::bind const& draw) {
      { +D::distinct } -> std::convertible_to<bool>;
      { draw(std::uint32_t(0)) } -> std::same_as<int>;
    };

/// The requirements of Draw as an error message.
template <class D>
struct check_draw {
  static_assert(Draw<D>,
                "basin::buffer::Draw: a draw policy holds its code; define 'static constexpr bool "
                "distinct' and 'struct bind' with a constructor from (Draw const&, int capacity, "
                "basin::Stream const& stream) and 'int operator()(std::uint32_t chain) const', the "
                "slot of a chain, both KOKKOS_FUNCTION.");
  static constexpr bool value = Draw<D>;
};

}  // namespace basin::buffer

#endif
