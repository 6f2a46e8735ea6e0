// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_MONITOR_HPP
#define BASIN_TRAIN_MONITOR_HPP

#include <basin/objective/batch.hpp>
#include <basin/tile/launch.hpp>

#include <limits>
#include <string_view>

namespace basin::train {

/// What training reports: means over the steps since the last report, at most monitor_every of
/// them. Computed on the device at every step, fetched with one fence.
struct Metrics {
  std::uint64_t step = 0;  ///< training steps so far
  double energy_data = 0;  ///< mean E of the batch of data
  /// mean E of the batch of samples; NaN where the objective has none
  double energy_samples = std::numeric_limits<double>::quiet_NaN();
  double gap            = 0;  ///< energy_samples - energy_data; healthy: small, around 0 or above
  double energy_square  = 0;  ///< mean E^2 over data and samples
  double gradient_norm  = 0;  ///< |dL/dtheta|_2 before clipping
  double displacement   = 0;  ///< mean |x_K - x_0|_2 of the chains
  double clip_fraction = 0;  ///< share of dE/dx that the sampler's clip changed, last sampling step
  double clamp_fraction = 0;  ///< share of coordinates on a bound after the last sampling step
  double buffer_age     = 0;  ///< mean sampler calls since the chains started, as drawn
  double loss =
      0;  ///< mean of what the objective minimizes, where that is a number for each sample
  double learning_rate_factor = 1;  ///< factor of the schedule
  double steps_per_second     = 0;  ///< since the last report
};

namespace detail {

inline constexpr int metric_count = 10;

// The columns of an objective by their names; null where it has none of the name.
template <class Scalar>
struct Seen {
  Scalar const *energies_data = nullptr, *energies_samples = nullptr, *losses = nullptr;
  Scalar const *displacement = nullptr, *clipped = nullptr, *clamped = nullptr;
  int const* ages = nullptr;

  template <class Columns>
  explicit Seen(Columns const& columns) {
    for (auto const& c : columns) {
      std::string_view const name = c.quantity.name;
      if (name == "energy_data") energies_data = c.values;
      if (name == "energy_samples") energies_samples = c.values;
      if (name == "loss") losses = c.values;
      if (name == "displacement") displacement = c.values;
      if (name == "clip_fraction") clipped = c.values;
      if (name == "clamp_fraction") clamped = c.values;
      if (name == "buffer_age") ages = c.integers;
    }
  }
};

// The end of a training step before the update: the norm of the gradient, the factor that clips it,
// the numbers of the update, and a row of the monitor. The clock, if there is one, moves on.
template <class Scalar, class Optimizer, class Schedule>
struct Summarize {
  using scalar_type                   = Scalar;
  using update_type                   = decltype(Optimizer().template at<Scalar>(0, 0.0));
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of each sum, whatever the backend
  Scalar const* partial;                     // (blocks) squared norms of the gradient
  int blocks;
  Scalar clip_norm;  // largest norm, infinite: none
  Seen<Scalar> seen;
  int batch;
  Step step;
  std::uint64_t* clock;  // null: none
  Optimizer optimizer;
  Schedule schedule;
  Scalar* sums;         // (metric_count, parts) working memory
  Scalar* factor;       // (2): of the gradient; the first step that was not finite, or -1
  update_type* update;  // (1)
  Scalar* rows;         // (every, metric_count)
  int every;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    Summarize const s = *this;
    // Part p sums up samples p, p + parts, ...
    c.each(+parts, [=](int p) {
      auto const& seen = s.seen;
      Scalar data = 0, samples = 0, squares = 0, moved = 0, clipped = 0, clamped = 0, age = 0;
      Scalar loss = 0, square = 0;
      for (int b = p; b < s.blocks; b += parts) square += s.partial[b];
      for (int n = p; n < s.batch; n += parts) {
        Scalar const up   = seen.energies_data ? seen.energies_data[n] : Scalar(0);
        Scalar const down = seen.energies_samples ? seen.energies_samples[n] : Scalar(0);
        data += up;
        samples += down;
        squares += up * up + down * down;
        if (seen.displacement) moved += seen.displacement[n];
        if (seen.clipped) clipped += seen.clipped[n];
        if (seen.clamped) clamped += seen.clamped[n];
        if (seen.ages) age += static_cast<Scalar>(seen.ages[n]);
        if (seen.losses) loss += seen.losses[n];
      }
      Scalar const all[metric_count] = {data,    samples, squares, square, moved,
                                        clipped, clamped, age,     loss,   0};
      for (int i = 0; i < metric_count; ++i) s.sums[i * parts + p] = all[i];
    });
    c.each(+metric_count, [=](int i) {
      Scalar sum = 0;
      for (int p = 0; p < parts; ++p) sum += s.sums[i * parts + p];
      s.sums[i * parts] = sum;
    });
    c.each(1, [=](int) {
      std::uint64_t const now = s.step.now();
      auto const sum          = [=](int i) { return s.sums[i * parts]; };
      Scalar const norm       = Kokkos::sqrt(sum(3));
      if (!Kokkos::isfinite(norm) && s.factor[1] < 0) s.factor[1] = static_cast<Scalar>(now);
      // Once a step was not finite no later one may change the parameters.
      s.factor[0]       = s.factor[1] >= 0     ? Kokkos::Experimental::quiet_NaN_v<Scalar>
                          : norm > s.clip_norm ? s.clip_norm / norm
                                               : Scalar(1);
      long const count  = static_cast<long>(now);
      *s.update         = s.optimizer.template at<Scalar>(count, s.schedule(count));
      Scalar const each = Scalar(1) / static_cast<Scalar>(s.batch);
      Scalar* const row =
          s.rows +
          static_cast<std::size_t>(now % static_cast<std::uint64_t>(s.every)) * metric_count;
      for (int i = 0; i < metric_count; ++i) row[i] = sum(i) * each;
      if (s.seen.energies_samples) row[2] = row[2] / 2;
      row[3] = norm;
      row[9] = s.factor[1];
      if (s.clock) ++*s.clock;
    });
  }
};

}  // namespace detail
}  // namespace basin::train

#endif
