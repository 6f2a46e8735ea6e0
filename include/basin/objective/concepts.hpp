// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CONCEPTS_HPP
#define BASIN_OBJECTIVE_CONCEPTS_HPP

#include <basin/core/member.hpp>
#include <basin/core/philox.hpp>
#include <basin/objective/batch.hpp>
#include <basin/tile/tuning.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace basin::objective {

// An objective is a struct of options that defines what is minimized,
//
//   void check(int batch) const;             // throws std::invalid_argument
//   static constexpr int conditions = ...;   // optional: energy coordinates after those of
//                                            // the data, which the objective sets itself
//   static constexpr std::array advice{"a larger ..."};  // optional: what to try, after a smaller
//                                            // learning rate, when a run diverges
//   template <class E, class Exec, tile::Tuning tuning> class bind;
//
// and its bound form, for one type of energy, holds the arrays. Scalar is
// E::scalar_type, memory Exec::memory_space.
//
//   bind(Exec const&, Options const&, int batch, Dataset<Scalar, memory> const& data,
//        std::uint64_t seed);
//   Batch<Scalar, memory> batch() const;     // where the trainer writes the input of a step; a
//                                            // View that is not used is empty
//   // gradient (E::parameters, then those of the objective) = dL/dtheta; asynchronous, allocates
//   // nothing and waits for nothing
//   void gradient(Exec const&, Options const&, E const& energy, Step const&,
//                 Scalar const* own_parameters, Scalar* gradient);
//   std::array<Column<Scalar>, n> columns() const;  // what a step reports to the monitor
//
// and, optionally,
//
//   static constexpr int parameters = ...;   // its own, learned besides theta from 0
//   void change(Options const&);             // other options, from the next step on; throws if
//                                            // they need different arrays
//   void start(Exec const&, Options const&, Chains const&, Stream const&); // chains (n, dimension)
//                                            // of a user start as in training
//   Chains last_samples() const;             // (n, dimension) the samples of the last step: a run
//                                            // stops where they have left the data
//   template <class Archive> void archive(Archive& a);  // a("name", View, scalar or object with
//                                            // its own archive) for all that must be saved
//
// Contrast is a base for objectives that take samples of the model, Sum adds two objectives.

/// An objective on an execution space, as a trainer drives it.
template <class Objective, class E, class Exec, tile::Tuning tuning>
using bound = typename Objective::template bind<E, Exec, tuning>;

/// Whether a type can be an objective: it has a bound form for an energy, a space and a tuning.
template <class Objective, class E, class Exec, tile::Tuning tuning>
concept BindsEnergy = requires { typename Objective::template bind<E, Exec, tuning>; };

/// Energy coordinates that an objective sets itself, after those of the data.
template <class Objective>
inline constexpr int conditions = 0;
template <class Objective>
  requires requires { +Objective::conditions; }
inline constexpr int conditions<Objective> = Objective::conditions;

/// What to try when a run of this objective diverges.
template <class Objective>
inline constexpr std::array<char const*, 0> advice{};
template <class Objective>
  requires requires { Objective::advice.size(); }
inline constexpr auto advice<Objective> = Objective::advice;

/// Parameters of a bound objective, learned besides those of the energy.
template <class Bound>
inline constexpr int parameters_of = 0;
template <class Bound>
  requires requires { +Bound::parameters; }
inline constexpr int parameters_of<Bound> = Bound::parameters;

namespace detail {

template <class T>
inline constexpr int columns_in = -1;
template <class Scalar, std::size_t n>
inline constexpr int columns_in<std::array<Column<Scalar>, n>> = static_cast<int>(n);

template <class O, class E, class Exec, tile::Tuning tuning>
struct Asked {
  using Scalar  = typename E::scalar_type;
  using memory  = typename Exec::memory_space;
  using Bound   = bound<O, E, Exec, tuning>;
  using Dataset = objective::Dataset<Scalar, memory>;

  static constexpr bool checks = requires(O const& o) { o.check(1); };
  static constexpr bool constructs =
      std::constructible_from<Bound, Exec const&, O const&, int, Dataset const&, std::uint64_t>;
  static constexpr bool batches = requires(Bound const& b) {
    { b.batch() } -> std::same_as<Batch<Scalar, memory>>;
  };
  static constexpr bool sums =
      requires(Bound& b, Exec const& exec, O const& o, E const& energy, Step const& step,
               Scalar const* own, Scalar* to) { b.gradient(exec, o, energy, step, own, to); };
  static constexpr bool names = [] {
    if constexpr (requires(Bound const& b) { b.columns(); })
      return columns_in<decltype(std::declval<Bound const&>().columns())> >= 0;
    return false;
  }();
};

}  // namespace detail

/// Whether a bound objective can start a user's chains.
template <class Bound, class Options, class Exec, class Chains>
concept StartsChains = requires(Bound& b, Exec const& exec, Options const& o, Chains const& chains,
                                Stream const& stream) { b.start(exec, o, chains, stream); };

/// Whether a bound objective shows the samples of its last step.
template <class Bound>
concept HasSamples = requires(Bound const& b) { b.last_samples().extent(0); };

namespace detail {

BASIN_NAMES_MEMBER(NamesChange, change)

}  // namespace detail

/// Columns of a bound objective.
template <class Bound>
inline constexpr int column_count =
    detail::columns_in<decltype(std::declval<Bound const&>().columns())>;

/// What a trainer requires of an objective, see above.
template <class O, class E, class Exec, tile::Tuning tuning>
concept Objective =
    BindsEnergy<O, E, Exec, tuning> && detail::Asked<O, E, Exec, tuning>::checks &&
    detail::Asked<O, E, Exec, tuning>::constructs && detail::Asked<O, E, Exec, tuning>::batches &&
    detail::Asked<O, E, Exec, tuning>::sums && detail::Asked<O, E, Exec, tuning>::names;

/// The requirements of Objective as error messages, for a type that BindsEnergy.
template <class O, class E, class Exec, tile::Tuning tuning>
struct check_objective {
  static constexpr bool value = false;
};
template <class O, class E, class Exec, tile::Tuning tuning>
  requires BindsEnergy<O, E, Exec, tuning>
struct check_objective<O, E, Exec, tuning> {
  using asked = detail::Asked<O, E, Exec, tuning>;
  static_assert(asked::checks,
                "basin::objective::Objective: define 'void check(int batch) const', which throws "
                "std::invalid_argument naming a number that is wrong.");
  static_assert(asked::constructs,
                "basin::objective::Objective: define the constructor 'bind(Exec const& exec, "
                "Options const& options, int batch, basin::objective::Dataset<Scalar, typename "
                "Exec::memory_space> const& data, std::uint64_t seed)' of the bound objective.");
  static_assert(asked::batches,
                "basin::objective::Objective: define 'basin::objective::Batch<Scalar, typename "
                "Exec::memory_space> batch() const' in the bound objective, where the trainer "
                "writes what a step works on.");
  static_assert(asked::sums,
                "basin::objective::Objective: define 'void gradient(Exec const& exec, Options "
                "const& options, E const& energy, basin::Step const& step, Scalar const* "
                "own_parameters, Scalar* gradient)' in the bound objective.");
  static_assert(asked::names,
                "basin::objective::Objective: define 'auto columns() const' in the bound "
                "objective, which returns std::array<basin::objective::Column<Scalar>, n>; n may "
                "be 0.");
  static_assert(
      !detail::NamesChange<typename asked::Bound> ||
          requires(typename asked::Bound& b, O const& o) { b.change(o); },
      "basin::objective::Objective: the bound objective has a 'change' that can not be "
      "called; write 'void change(Options const& options)'.");
  static constexpr bool value = Objective<O, E, Exec, tuning>;
};

}  // namespace basin::objective

#endif
