// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_DETAIL_OBJECTIVE_CALLS_HPP
#define BASIN_TRAIN_DETAIL_OBJECTIVE_CALLS_HPP

#include <basin/objective/batch.hpp>
#include <basin/objective/contrast.hpp>

#include <array>
#include <memory>
#include <type_traits>

// All that a trainer asks of a bound objective and of its sampler.

namespace basin::train::detail {

template <class Bound>
inline constexpr int parameters_of = 0;
template <class Bound>
  requires requires { +Bound::parameters; }
inline constexpr int parameters_of<Bound> = Bound::parameters;

template <class Bound, class Exec, class Objective, class Dataset>
std::unique_ptr<Bound> bind_objective(Exec const& exec, Objective const& options, int batch,
                                      Dataset const& data, std::uint64_t seed) {
  if constexpr (std::is_constructible_v<Bound, Exec const&, Objective const&, int, Dataset const&,
                                        std::uint64_t>)
    return std::make_unique<Bound>(exec, options, batch, data, seed);
  else
    return std::make_unique<Bound>(exec, options, batch, data.points, seed);
}

// Where the data of a step belong.
template <class Batch, class Bound>
Batch batch_of(Bound const& bound) {
  if constexpr (requires { bound.batch(); })
    return bound.batch();
  else
    return {.points = bound.positives(), .labels = {}, .conditions = {}, .weights = {}};
}

// What the monitor averages: std::array<Column, n>.
template <class Scalar, class Objective, class Bound>
auto columns_of(Bound const& bound, int batch) {
  using Column = objective::Column<Scalar>;
  if constexpr (requires { bound.columns(); }) {
    return bound.columns();
  } else {
    auto const seen = bound.diagnostics();
    Column const data{
        {"energy_data", "E", "mean E of the batch of data"}, seen.energies_data, nullptr, batch};
    Column const samples{{"energy_samples", "E", "mean E of the batch of samples"},
                         seen.energies_samples,
                         nullptr,
                         batch};
    Column const loss{{"loss", "1", "mean of what the objective minimizes for a sample"},
                      seen.losses,
                      nullptr,
                      batch};
    if constexpr (requires { typename Objective::loss_type; }) {
      Column const displacement{{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
                                seen.chains.displacement,
                                nullptr,
                                batch};
      Column const clip{
          {"clip_fraction", "1", "share of dE/dx that the sampler's clip changed in its last step"},
          seen.chains.clipped,
          nullptr,
          batch};
      Column const clamp{
          {"clamp_fraction", "1", "share of coordinates on a bound after the sampler's last step"},
          seen.chains.clamped,
          nullptr,
          batch};
      if constexpr (requires { typename Objective::buffer_type; })
        return std::array{
            data,
            samples,
            displacement,
            clip,
            clamp,
            Column{{"buffer_age", "1", "mean sampler calls since the chains started, as drawn"},
                   nullptr,
                   seen.ages,
                   batch}};
      else
        return std::array{data, samples, displacement, clip, clamp};
    } else if constexpr (requires(Objective const& o) { o.ratio; }) {
      return std::array{data, samples, loss};
    } else {
      return std::array{data, loss};
    }
  }
}

template <class Scalar, class Objective, class Bound>
inline constexpr int column_count = static_cast<int>(
    std::tuple_size_v<decltype(columns_of<Scalar, Objective>(std::declval<Bound const&>(), 0))>);

// Whether a sampler moves chains of the energy. Found by the sampler's namespace, as a user's own is.
template <class Sampler, class E, class Exec, tile::Tuning tuning>
concept MovesChainsOf = requires(
    Exec const& exec, Sampler const& sampler, E const& energy,
    Kokkos::View<typename E::scalar_type**, Kokkos::LayoutRight, typename Exec::memory_space>
        chains,
    Stream stream) { sample<tuning>(exec, sampler, energy, chains, stream); };

template <tile::Tuning tuning, class Exec, class Sampler, class E, class Chains>
void run_sampler(Exec const& exec, Sampler const& sampler, E const& energy, Chains const& chains,
                 Stream const& stream) {
  sample<tuning>(exec, sampler, energy, chains, stream);
}

template <class Objective>
concept HasSampler = requires(Objective const& o) { o.sampler; };

// Whether the sampler of an objective, if there is one, moves chains of the energy.
template <class Objective, class E, class Exec, tile::Tuning tuning>
inline constexpr bool sampler_fits = true;
template <HasSampler Objective, class E, class Exec, tile::Tuning tuning>
inline constexpr bool sampler_fits<Objective, E, Exec, tuning> =
    MovesChainsOf<decltype(Objective::sampler), E, Exec, tuning>;

}  // namespace basin::train::detail

#endif
