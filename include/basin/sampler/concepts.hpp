// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CONCEPTS_HPP
#define BASIN_SAMPLER_CONCEPTS_HPP

#include <basin/core/philox.hpp>
#include <basin/core/quantity.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace basin::sampler {

/// A training step has 2^steps_bits values of Stream::step for its sampling steps.
inline constexpr int steps_bits = 20;

/// What a sampler reports of chains besides their states: device arrays that the caller requests,
/// null if not requested.
template <class Scalar, int n>
struct Outputs {
  Scalar* columns[n > 0 ? n : 1]{};  ///< n arrays (chains), in the order of the sampler's columns
  Scalar* before_last = nullptr;     ///< (chains, dimension) states before the last step
};

namespace detail {

template <class S>
struct Columns {
  static constexpr std::array<Quantity, 0> value{};
};
template <class S>
  requires requires { S::columns; }
struct Columns<S> {
  static constexpr auto value = S::columns;
};

}  // namespace detail

/// The columns of a sampler, std::array<Quantity, n>: what it reports of each chain.
template <class S>
inline constexpr auto columns_of = detail::Columns<std::remove_cv_t<S>>::value;

/// The outputs type of a sampler.
template <class S, class Scalar>
using outputs_of = Outputs<Scalar, static_cast<int>(columns_of<S>.size())>;

/// Index of a column among those of a sampler; -1: no such column.
template <class S>
constexpr int find_column(std::string_view name) {
  for (std::size_t i = 0; i < columns_of<S>.size(); ++i)
    if (name == columns_of<S>[i].name) return static_cast<int>(i);
  return -1;
}

/// The state of a sampler without state.
struct NoState {
  NoState() = default;
  template <class... Arguments>
  explicit NoState(Arguments const&...) {}
  template <class Archive>
  void archive(Archive&) {}
};

namespace detail {

template <class S, class Scalar, class Exec>
struct StateOf {
  using type = NoState;
};
template <class S, class Scalar, class Exec>
  requires requires { typename S::template state<Scalar, Exec>; }
struct StateOf<S, Scalar, Exec> {
  using type = typename S::template state<Scalar, Exec>;
};

}  // namespace detail

/// What a sampler keeps on the device between calls, such as adaptive step sizes: its member
/// template state<Scalar, Exec>, made by (exec, options, chains, dimension, seed); empty if the
/// sampler has none.
template <class S, class Scalar, class Exec>
using state_of = typename detail::StateOf<S, Scalar, Exec>::type;

/// Coordinates of the energy that a sampler sets itself, after those of its chains.
template <class S>
inline constexpr int conditions_of = 0;
template <class S>
  requires requires { +S::conditions; }
inline constexpr int conditions_of<S> = S::conditions;

/// Whether the chains of a sampler have different laws, as rungs of a ladder of temperatures have: they
/// are then no samples for an objective. Declared as 'static constexpr bool chains_differ'.
template <class S>
inline constexpr bool chains_differ = false;
template <class S>
  requires requires { +S::chains_differ; }
inline constexpr bool chains_differ<S> = S::chains_differ;

/// Options of a sampler: a number of steps, which it validates with its other options.
///
/// A sampler also has one of
///  - a move, with which sampler::sample runs whole chains in one kernel (sampler/chain.hpp):
///    'template <class E> auto move() const', or 'move(state)' where it has a state;
///  - a function found by argument-dependent lookup:
///    'sample<tuning>(exec, options, [state,] energy, chains, stream, outputs)'.
///
/// It may declare 'static constexpr std::array<Quantity, n> columns', see columns_of, and 'template
/// <class Scalar, class Exec> struct state', see state_of.
template <class S>
concept Sampler = requires(S& s, S const& fixed) {
  s.steps = 1;
  fixed.check();
};

/// A sampler that is a move.
template <class S, class E>
concept HasMove = requires(S const& s) { s.template move<E>(); };
template <class S, class E, class State>
concept HasMoveOf = requires(S const& s, State const& state) { s.template move<E>(state); };

namespace detail {

template <class T>
inline constexpr bool is_quantities = false;
template <std::size_t n>
inline constexpr bool is_quantities<std::array<Quantity, n>> = true;
template <class S>
inline constexpr bool columns_fit = is_quantities<std::remove_cvref_t<decltype(columns_of<S>)>>;

}  // namespace detail

/// Whether a type is intended as a sampler: it has a number of steps.
template <class S>
concept NamesSteps = requires(S& s) { s.steps = 1; };

/// The requirements of Sampler as error messages, for types with steps.
template <class S>
struct check_sampler {
  static constexpr bool value = false;
};
template <NamesSteps S>
struct check_sampler<S> {
  static constexpr bool checks = requires(S const& s) { s.check(); };
  static_assert(checks,
                "basin::sampler: a sampler needs 'void check() const', which throws "
                "std::invalid_argument naming a field that is wrong and its value.");
  static_assert(detail::columns_fit<S>,
                "basin::sampler: the columns of a sampler are 'static constexpr "
                "std::array<basin::Quantity, n> columns'.");
  static constexpr bool value = checks && detail::columns_fit<S>;
};

/// The requirements of a sampler inside of another one, such as ParallelTempering, as error messages.
template <class Inner>
struct check_inner_sampler {
  static constexpr bool named = NamesSteps<Inner>;
  static_assert(named,
                "basin::sampler: the sampler inside of this one is none; write for example "
                "sampler::Hamiltonian.");
  static constexpr bool stateless =
      std::is_same_v<state_of<Inner, float, Kokkos::DefaultExecutionSpace>, NoState>;
  static_assert(stateless,
                "basin::sampler: the sampler inside of this one has a state, which chains of "
                "different laws can not share; write for example sampler::Hamiltonian.");
  static constexpr bool value = named && stateless;
};

namespace detail {

// An execution space, energy and chains used to test what a sampler supports.
template <class S, class Exec, class State, class E, class Chains, tile::Tuning tuning>
concept SamplesByItself =
    requires(S const& s, Exec const& exec, State& state, E const& energy, Chains const& chains,
             outputs_of<S, typename E::scalar_type> const& outputs) {
      sample<tuning>(exec, s, state, energy, chains, Stream{}, outputs);
    };
template <class S, class Exec, class E, class Chains, tile::Tuning tuning>
concept SamplesWithoutState =
    requires(S const& s, Exec const& exec, E const& energy, Chains const& chains,
             outputs_of<S, typename E::scalar_type> const& outputs) {
      sample<tuning>(exec, s, energy, chains, Stream{}, outputs);
    };

}  // namespace detail

}  // namespace basin::sampler

#endif
