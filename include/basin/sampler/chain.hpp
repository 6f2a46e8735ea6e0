// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CHAIN_HPP
#define BASIN_SAMPLER_CHAIN_HPP

#include <basin/core/check.hpp>
#include <basin/energy/concepts.hpp>
#include <basin/sampler/concepts.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/scaling.hpp>

#include <cstdint>

// One kernel for all samplers that are moves: it loads a tile of chains, runs the steps of the
// move, and stores the chains. The chains stay out of main memory between steps.

namespace basin::sampler {

/// What a move works on: a tile of chains and the rows [row][T] of its workspace.
template <class E, int n>
struct ChainTile {
  using Scalar = typename E::scalar_type;
  E const& energy;
  Scalar* workspace;  ///< of the energy
  Scalar* x;          ///< (dimension, T) the states
  Scalar* gradient;   ///< (dimension, T) where energy.gradient leaves dE/dx
  Scalar* value;      ///< (1, T) where energy.energy leaves E
  Scalar* rows;       ///< (Move::rows, T) the move's own, persistent between steps
  int first;          ///< index of the chain in lane 0
  int count;          ///< of all chains; lanes from count - first on repeat the last chain
  int steps;          ///< K
  Outputs<Scalar, n> outputs;

  /// Column i of chain first + t = row[t], if requested. With a barrier.
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void store_column(Context const& c, int i, Scalar const* row) const {
    Scalar* const out = outputs.columns[i];
    int const from = first, end = count;
    if (out == nullptr) return;
    c.each(+Context::width, [=](int t) {
      if (from + t < end) out[from + t] = row[t];
    });
  }

  /// row = factor sum_d f(place_d) of each chain, and column i, if requested.
  template <class Context, class F>
  KOKKOS_FORCEINLINE_FUNCTION void store_sum(Context const& c, int i, F const& f, Scalar factor,
                                             Scalar* row) const {
    using V = typename Context::value_type;
    c.reduce(1, +E::dimension, f, [=](auto place, V sum) { place.store(row, V(factor) * sum); });
    store_column(c, i, row);
  }
};

/// A move, as run_chains expects it: a struct that is copied into kernels, with
///
///   static constexpr int rows;         // of its own in the workspace; at least 1 is always there
///   // optional: before the first step
///   template <class Context, class Tile> KOKKOS_FUNCTION
///   void begin(Context const& c, Tile const& t) const;
///   // step k of t.steps; stream is that of this step, its purpose sampler_noise
///   template <class Context, class Tile> KOKKOS_FUNCTION
///   void step(Context const& c, Tile const& t, int k, Stream const& stream) const;
///   // optional: after the last step, for columns
///   template <class Context, class Tile> KOKKOS_FUNCTION
///   void end(Context const& c, Tile const& t) const;
///   // optional: the derivative of a step, for objectives that need it. t.x: the states before the
///   // step -> where it asks the energy for its gradient g. v (dimension, T): dL/dx of the states
///   // behind the step -> dL/dg, with what else the step depends on held fixed
///   template <class Context, class Tile> KOKKOS_FUNCTION
///   void pull_back(Context const& c, Tile const& t, Stream const& stream, Scalar* v) const;
///
/// written with the primitives of tile/context.hpp. Only t.x, t.rows and what the energy promises
/// to keep (see basin::Energy) survive a call of the energy. Writing past the rows is not checked.
namespace detail {

BASIN_NAMES_MEMBER(NamesBegin, begin)
BASIN_NAMES_MEMBER(NamesEnd, end)

// Whether a move has its parts, on a context that exists everywhere.
template <class Move, class E, int n>
struct AskedMove {
  using Context = basin::detail::probe_context<typename E::scalar_type>;
  using Tile    = ChainTile<E, n>;

  static constexpr bool rows   = requires { +Move::rows; };
  static constexpr bool steps  = requires(Move const& move, Context const& c, Tile const& t,
                                         Stream const& stream) { move.step(c, t, 0, stream); };
  static constexpr bool begins = !NamesBegin<Move> || requires(Move const& move, Context const& c,
                                                               Tile const& t) { move.begin(c, t); };
  static constexpr bool ends   = !NamesEnd<Move> || requires(Move const& move, Context const& c,
                                                           Tile const& t) { move.end(c, t); };
};

// The requirements of a move as error messages.
template <class Move, class E, int n>
struct check_move {
  using asked = AskedMove<Move, E, n>;
  static_assert(asked::rows,
                "basin::sampler: a move needs 'static constexpr int rows', the rows of its own in "
                "the workspace of a tile.");
  static_assert(asked::steps,
                "basin::sampler: a move needs 'template <class Context, class Tile> "
                "KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, basin::Stream "
                "const& stream) const'.");
  static_assert(asked::begins,
                "basin::sampler: the move has a 'begin' that can not be called; write 'template "
                "<class Context, class Tile> KOKKOS_FUNCTION void begin(Context const& c, Tile "
                "const& t) const'.");
  static_assert(asked::ends,
                "basin::sampler: the move has an 'end' that can not be called; write 'template "
                "<class Context, class Tile> KOKKOS_FUNCTION void end(Context const& c, Tile "
                "const& t) const'.");
  static constexpr bool value = asked::rows && asked::steps && asked::begins && asked::ends;
};

// The displacement of chains is measured here for every move: x_0 is still in main memory.
template <class Move, class E, class Chains, int n, int displacement>
struct RunChains {
  using scalar_type                   = typename E::scalar_type;
  using Scalar                        = scalar_type;
  static constexpr int own_rows       = Move::rows > 1 ? Move::rows : 1;
  static constexpr int workspace_rows = E::workspace_rows + own_rows;

  E energy;
  Chains chains;  // (chains, dimension)
  Move move;
  int steps;
  Stream stream;
  Outputs<Scalar, n> outputs;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int tile) const {
    constexpr int T   = Context::width;
    int const count   = static_cast<int>(chains.extent(0));
    int const first   = tile * T;
    using Tile        = ChainTile<E, n>;
    Scalar* const x   = workspace + E::state_row * T;       // (dimension, T)
    Scalar* const own = workspace + E::workspace_rows * T;  // (own_rows, T)
    Tile const t{energy,
                 workspace,
                 x,
                 workspace + E::gradient_row * T,
                 workspace + E::energy_row * T,
                 own,
                 first,
                 count,
                 steps,
                 outputs};
    c.load_chains(chains, first, count, +E::dimension, x);
    load_conditions(c, energy, workspace, first, count);
    if constexpr (requires { move.begin(c, t); }) move.begin(c, t);
    Stream const from = stream.now();
    c.repeat(steps, [&, this](int k) {
      Stream at = from;
      at.step += static_cast<std::uint64_t>(k);
      if (outputs.before_last && k == steps - 1) store_before_last(c, x, first, count);
      move.step(c, t, k, at);
    });
    if constexpr (requires { move.end(c, t); }) move.end(c, t);
    if constexpr (displacement >= 0)
      if (outputs.columns[displacement]) measure_displacement(c, t);
    c.store_chains(x, first, count, +E::dimension, chains);
  }

 private:
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void store_before_last(Context const& c, Scalar const* x, int first,
                                                     int count) const {
    Scalar* const out = outputs.before_last;
    c.each(+E::dimension * +Context::width, [=](int i) {
      int const d = i / Context::width, lane = i % Context::width;
      if (first + lane < count)
        out[static_cast<std::size_t>(first + lane) * E::dimension + d] = x[i];
    });
  }

  template <class Context, class Tile>
  KOKKOS_FORCEINLINE_FUNCTION void measure_displacement(Context const& c, Tile const& t) const {
    using V            = typename Context::value_type;
    Chains const start = chains;
    int const first = t.first, count = t.count;
    Scalar const* const x = t.x;
    Scalar* const row     = t.rows;
    auto const moved      = [=](auto place) {
      int const chain = first + place.lane;
      V const from    = V::generate(
          [&](int l) { return start(chain + l < count ? chain + l : count - 1, place.row); });
      return place.load(x) - from;
    };
    c.reduce(
        1, +E::dimension,
        [=](auto place) {
          V const d = moved(place);
          return d * d;
        },
        [=](auto place, V squares) {
          auto const norm =
              tile::scaled_norm(squares, +E::dimension, [&](int d) { return moved(place.at(d)); });
          place.store(row, norm.norm * norm.unit.size);
        });
    t.store_column(c, displacement, row);
  }
};

// Error messages for the types of chains.
template <class Exec, class E, class Chains>
struct check_chains {
  static constexpr bool reached =
      Kokkos::SpaceAccessibility<Exec, typename Chains::memory_space>::accessible;
  static constexpr bool table = Chains::rank() == 2;
  static constexpr bool same = std::is_same_v<typename Chains::value_type, typename E::scalar_type>;
  static_assert(reached, "basin::sampler::sample: chains must be reachable from exec.");
  static_assert(table,
                "basin::sampler::sample: chains must be a View of rank 2, (chains, dimension).");
  static_assert(same || !table,
                "basin::sampler::sample: the elements of chains must be the energy's "
                "scalar_type, which is another, or chains are const.");
  static constexpr bool value = reached && table && same;
};

}  // namespace detail

/// A sampler without a state whose steps have a derivative: its move has a 'pull_back'.
template <class S, class E>
concept HasPullBack =
    HasMove<S, E> &&
    requires(S const& s, basin::detail::probe_context<typename E::scalar_type> const& c,
             ChainTile<E, 0> const& t, Stream const& stream,
             typename E::scalar_type* v) { s.template move<E>().pull_back(c, t, stream, v); };

/// Moves every chain in place by a number of steps of a move: one kernel. Asynchronous on exec. The
/// draws of step k are those of stream.step + k, so that two calls of K steps, the second starting
/// K later, equal one call of 2 K.
///
/// \tparam displacement  column that holds |x_K - x_0|_2; -1: none
/// \param move     see above
/// \param energy   models basin::Energy
/// \param chains   (chains, dimension of the energy), any number of chains
/// \param stream   seed and first step; its purpose becomes sampler_noise
/// \throws std::invalid_argument if the second extent of chains differs from the energy's
///         dimension, or there are no chains
template <tile::Tuning tuning, int displacement = -1, class Exec, class Move, class E, class Chains,
          int n>
void run_chains(Exec const& exec, tile::Label label, Move const& move, E const& energy,
                Chains const& chains, Stream stream, int steps,
                Outputs<typename E::scalar_type, n> const& outputs) {
  if constexpr (detail::check_chains<Exec, E, Chains>::value &&
                detail::check_move<Move, E, n>::value) {
    char const* who = "basin::sampler::sample";
    if (chains.extent(0) == 0) refuse(who, "chains has first extent 0, it must hold a chain");
    if (!is_extent(chains.extent(1), E::dimension))
      refuse(who, "chains has second extent ", chains.extent(1), ", the energy has dimension ",
             +E::dimension);
    int const count = checked_count(who, "chains", chains.extent(0));
    stream.purpose  = Purpose::sampler_noise;
    using work      = detail::RunChains<Move, E, Chains, n, displacement>;
    work const chain_steps{energy, chains, move, steps, stream, outputs};
    auto const in_tiles = [&]<tile::Tuning chosen>() {
      tile::for_each_tile<chosen, Kokkos::Schedule<Kokkos::Dynamic>>(
          exec, label, tile::tiles(count, chosen.width), chain_steps);
    };
    // A chain takes long: narrow tiles on all of a GPU are better than wide ones on part of it.
    // Narrower still if every tile has its own copy of the weights: if they are streamed, twice the
    // tiles would read them twice as often.
    constexpr tile::Tuning narrow    = tile::narrow_tuning(tuning);
    constexpr tile::Tuning narrowest = tile::narrower(narrow, narrow.width / 2);
    if constexpr (narrow.width < tuning.width) {
      int const at_once = tile::tiles_at_once(exec);
      if constexpr (tile::stages_weights<Exec, narrowest, work>() &&
                    narrowest.precision == tile::Precision::full) {
        if (tile::tiles(count, narrowest.width) <= at_once)
          return in_tiles.template operator()<narrowest>();
      }
      if (tile::tiles(count, tuning.width) < at_once) return in_tiles.template operator()<narrow>();
    }
    in_tiles.template operator()<tuning>();
  }
}

/// Moves every chain in place by options.steps steps of a sampler that is a move, with its state,
/// if any. Asynchronous on exec.
///
/// \tparam tuning   how the backend splits the work; results do not depend on it
/// \param options   the sampler
/// \param energy    models basin::Energy
/// \param chains    (chains, dimension of the energy), any number of chains
/// \param stream    seed and first step; the same stream repeats the same draws, so a call that
///                  continues chains advances the step by options.steps
/// \param outputs   what to report of each chain
/// \throws std::invalid_argument if an option is invalid, the second extent of chains differs from
///         the energy's dimension, or there are no chains
template <tile::Tuning tuning, class Exec, Sampler S, class State, class E, class Chains>
  requires HasMoveOf<S, E, State>
void sample(Exec const& exec, S const& options, State& state, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  if constexpr (check_energy<E>::value) {
    options.check();
    run_chains<tuning, find_column<S>("displacement")>(exec, "basin::chains",
                                                       options.template move<E>(state), energy,
                                                       chains, stream, options.steps, outputs);
  }
}
template <tile::Tuning tuning, class Exec, Sampler S, class E, class Chains>
  requires HasMove<S, E>
void sample(Exec const& exec, S const& options, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  if constexpr (check_energy<E>::value) {
    options.check();
    run_chains<tuning, find_column<S>("displacement")>(exec, "basin::chains",
                                                       options.template move<E>(), energy, chains,
                                                       stream, options.steps, outputs);
  }
}

/// As above, with the tuning of the backend.
template <class Exec, Sampler S, class E, class Chains>
void sample(Exec const& exec, S const& options, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  if constexpr (check_energy<E>::value)
    sample<tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>(
        exec, options, energy, chains, stream, outputs);
}

/// The same for a sampler with a state, made by (exec, options, chains, dimension, seed).
template <class Exec, Sampler S, class State, class E, class Chains>
  requires std::same_as<State, state_of<S, typename E::scalar_type, Exec>>
void sample(Exec const& exec, S const& options, State& state, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  sample<tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>(
      exec, options, state, energy, chains, stream, outputs);
}

/// Called by objectives and trainers: the sample function of a sampler, the library's for a move or
/// a user's found by argument-dependent lookup.
template <tile::Tuning tuning, class Exec, class S, class State, class E, class Chains>
void run(Exec const& exec, S const& options, State& state, E const& energy, Chains const& chains,
         Stream const& stream, outputs_of<S, typename E::scalar_type> const& outputs) {
  static_assert(
      conditions_of<S> == 0,
      "basin::sampler: this sampler sets coordinates of the energy itself, as "
      "AnnealedLangevin does log sigma, and its chains have fewer; it can not be the sampler "
      "of an objective: write for example sampler::Langevin<>.");
  if constexpr (detail::SamplesByItself<S, Exec, State, E, Chains, tuning>) {
    sample<tuning>(exec, options, state, energy, chains, stream, outputs);
  } else {
    static_assert(detail::SamplesWithoutState<S, Exec, E, Chains, tuning>,
                  "basin::sampler: the sampler has nothing to sample with; write 'template <class "
                  "E> auto move() const' (see basin/sampler/chain.hpp), or in the namespace of the "
                  "sampler 'template <basin::tile::Tuning tuning, ...> void sample(exec, options, "
                  "energy, chains, stream, outputs)'.");
    if constexpr (detail::SamplesWithoutState<S, Exec, E, Chains, tuning>)
      sample<tuning>(exec, options, energy, chains, stream, outputs);
  }
}

}  // namespace basin::sampler

#endif
