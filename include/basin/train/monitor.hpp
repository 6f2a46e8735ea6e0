// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_MONITOR_HPP
#define BASIN_TRAIN_MONITOR_HPP

#include <basin/objective/batch.hpp>
#include <basin/optimizer/update.hpp>
#include <basin/tile/launch.hpp>
#include <basin/train/metrics.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace basin::train {

namespace detail {

// The end of a training step before the update: the norm of the gradient, its clipping factor, the
// values of the update, and a row of the monitor. Advances the clock, if there is one.
template <class Scalar, int columns, class Optimizer, class Schedule>
struct Summarize {
  struct Numbers {
    Scalar const* values;
    int const* integers;
    int count;
  };
  using scalar_type                   = Scalar;
  using update_type                   = decltype(Optimizer().template at<Scalar>(0, 0.0));
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of each sum, on every backend
  // A row: the columns, the mean square of the energies, the norm of the gradient, and the first
  // step that was not finite.
  static constexpr int square_at = columns, norm_at = columns + 1, failed_at = columns + 2,
                       row_size = columns + 3;

  Numbers column[columns > 0 ? columns : 1];
  int energies[2];        // which columns are energies, -1: none
  Scalar const* partial;  // (blocks) squared norms of the gradient
  int blocks;
  Scalar clip_norm;  // maximum norm, infinite: none
  Step step;
  std::uint64_t* clock;  // null: none
  Optimizer optimizer;
  Schedule schedule;
  Scalar* sums;         // (row_size, parts) working memory
  Scalar* factor;       // (2): of the gradient; the first step that was not finite, or -1
  update_type* update;  // (1)
  Scalar* rows;         // (every, row_size)
  int every;

  // Part p of the sum of a column. The column is a compile-time constant: a run-time array index
  // would move the array from registers to memory on a GPU.
  template <int i>
  KOKKOS_FUNCTION void sum_column(int p, Scalar& squares) const {
    Numbers const& of = column[i];
    Scalar sum = 0, square = 0;
    for (int n = p; n < of.count; n += parts) {
      Scalar const x = of.values ? of.values[n] : static_cast<Scalar>(of.integers[n]);
      sum += x;
      square += x * x;
    }
    sums[i * parts + p] = sum;
    if (i == energies[0] || i == energies[1]) squares += square / static_cast<Scalar>(of.count);
  }
  template <int... i>
  KOKKOS_FUNCTION void sum_columns(int p, std::integer_sequence<int, i...>) const {
    Scalar squares = 0, norm = 0;
    (sum_column<i>(p, squares), ...);
    for (int b = p; b < blocks; b += parts) norm += partial[b];
    sums[square_at * parts + p] = squares;
    sums[norm_at * parts + p]   = norm;
  }
  template <int... i>
  KOKKOS_FUNCTION void write_means(Scalar* row, std::integer_sequence<int, i...>) const {
    ((row[i] = sums[i * parts] * (Scalar(1) / static_cast<Scalar>(column[i].count))), ...);
    bool const both = energies[0] >= 0 && energies[1] >= 0;
    row[square_at]  = both ? sums[square_at * parts] / 2 : sums[square_at * parts];
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    using all         = std::make_integer_sequence<int, columns>;
    Summarize const s = *this;
    c.each(+parts, [=](int p) { s.sum_columns(p, all()); });
    c.each(+failed_at, [=](int i) {
      Scalar sum = 0;
      for (int p = 0; p < parts; ++p) sum += s.sums[i * parts + p];
      s.sums[i * parts] = sum;
    });
    c.each(1, [=](int) {
      std::uint64_t const now = s.step.now();
      Scalar const norm       = Kokkos::sqrt(s.sums[norm_at * parts]);
      if (!Kokkos::isfinite(norm) && s.factor[1] < 0) s.factor[1] = static_cast<Scalar>(now);
      // After a step that was not finite, no later one may change the parameters.
      s.factor[0]      = s.factor[1] >= 0     ? Kokkos::Experimental::quiet_NaN_v<Scalar>
                         : norm > s.clip_norm ? s.clip_norm / norm
                                              : Scalar(1);
      long const count = static_cast<long>(now);
      *s.update        = s.optimizer.template at<Scalar>(count, s.schedule(count));
      Scalar* const row =
          s.rows + static_cast<std::size_t>(now % static_cast<std::uint64_t>(s.every)) * row_size;
      s.write_means(row, all());
      row[norm_at]   = norm;
      row[failed_at] = s.factor[1];
      if (s.clock) ++*s.clock;
    });
  }
};

}  // namespace detail

/// The reports of a step: a row of means on the device for each of the last 'every' steps, and the
/// factor of its gradient. To report another quantity, add a column to the objective.
///
/// \tparam columns  of the objective
template <class Scalar, int columns, class Optimizer, class Schedule, class Exec,
          tile::Tuning tuning>
class Monitor {
  using Summarize = detail::Summarize<Scalar, columns, Optimizer, Schedule>;
  using memory    = typename Exec::memory_space;
  using Numbers   = Kokkos::View<Scalar*, memory>;
  static_assert(columns + 4 <= Metrics::capacity,
                "basin::train::Monitor: the objective has more columns than Metrics can hold.");

 public:
  using update_type = typename Summarize::update_type;
  using Columns     = std::array<objective::Column<Scalar>, static_cast<std::size_t>(columns)>;

  /// \param blocks  of the parameters
  Monitor(int every, int blocks)
      : every_(every),
        blocks_(blocks),
        partial_("basin::train::partial_norms", blocks),
        sums_("basin::train::sums", Summarize::row_size * Summarize::parts),
        factor_("basin::train::factor", 2),
        update_("basin::train::update"),
        rows_("basin::train::metrics", every, +Summarize::row_size),
        fetched_(Kokkos::create_mirror_view(rows_)) {
    reset();
  }

  /// Clears the record of a step that was not finite.
  void reset() const {
    auto const factor = Kokkos::create_mirror_view(factor_);
    factor(0)         = 1;
    factor(1)         = -1;
    Kokkos::deep_copy(factor_, factor);
  }

  /// The row of a step, the factor of its gradient and the values of its update, by two kernels.
  /// Asynchronous on exec.
  ///
  /// \param gradient  (blocks of parameters)
  /// \param clock     on the device, advanced; null: none
  void summarize(Exec const& exec, Columns const& of, Scalar const* gradient, double clip_norm,
                 Optimizer const& optimizer, Schedule const& schedule, Step const& step,
                 std::uint64_t* clock) const {
    optimizer::squared_norms<tuning>(exec, gradient, partial_.data(), blocks_);
    Summarize work{{},
                   {place(of, "energy_data"), place(of, "energy_samples")},
                   partial_.data(),
                   blocks_,
                   static_cast<Scalar>(clip_norm),
                   step,
                   clock,
                   optimizer,
                   schedule,
                   sums_.data(),
                   factor_.data(),
                   update_.data(),
                   rows_.data(),
                   every_};
    for (std::size_t i = 0; i < of.size(); ++i)
      work.column[i] = {of[i].values, of[i].integers, of[i].count};
    tile::for_each_tile<tuning>(exec, "basin::summary", 1, work);
  }

  /// The means over the last steps before 'step', at most one per row. Waits for exec.
  ///
  /// \param failed  the first step that was not finite, or -1
  Metrics fetch(Exec const& exec, Columns const& of, std::uint64_t step, std::uint64_t steps,
                double learning_rate_factor, double& failed) const {
    Kokkos::deep_copy(exec, fetched_, rows_);
    static std::string const label = "basin::train::monitor";
    exec.fence(label);
    std::uint64_t const every = static_cast<std::uint64_t>(every_);
    steps                     = std::clamp<std::uint64_t>(steps, 1, std::min(every, step));
    double mean[Summarize::row_size]{};
    for (std::uint64_t back = 1; back <= steps; ++back)
      for (int i = 0; i < Summarize::row_size; ++i)
        mean[i] += double(fetched_((step - back) % every, i)) / double(steps);
    failed = fetched_((step - 1) % every, +Summarize::failed_at);

    Metrics m;
    m.step = step;
    for (std::size_t i = 0; i < of.size(); ++i) m.add(of[i].quantity, mean[i]);
    bool const data = m.has("energy_data"), samples = m.has("energy_samples");
    if (data && samples)
      m.add({"gap", "E", "energy_samples - energy_data; healthy: small, around 0 or above"},
            m["energy_samples"] - m["energy_data"]);
    if (data || samples)
      m.add({"energy_square", "E^2", "mean E^2 over data and samples"}, mean[Summarize::square_at]);
    m.add({"gradient_norm", "E / theta", "|dL/dtheta|_2 before clipping"},
          mean[Summarize::norm_at]);
    m.add({"learning_rate_factor", "1", "factor of the schedule in the last step"},
          learning_rate_factor);
    return m;
  }

  /// (1) on the device: of the gradient of the step
  Scalar const* factor() const { return factor_.data(); }
  /// (1) on the device
  update_type const* update() const { return update_.data(); }

 private:
  static int place(Columns const& of, std::string_view name) {
    for (std::size_t i = 0; i < of.size(); ++i)
      if (name == of[i].quantity.name) return static_cast<int>(i);
    return -1;
  }

  int every_, blocks_;
  Numbers partial_;  // (blocks)
  Numbers sums_;     // (row_size, parts)
  Numbers factor_;   // (2): factor of the gradient, first step not finite
  Kokkos::View<update_type, memory> update_;
  Kokkos::View<Scalar**, Kokkos::LayoutRight, memory> rows_;  // (every, row_size)
  decltype(Kokkos::create_mirror_view(rows_)) fetched_;
};

/// Whether a run must stop: a gradient that was not finite, or an energy past its limit.
///
/// \param failed  the first step that was not finite, or -1
inline bool has_diverged(Metrics const& m, double failed, double energy_limit) {
  // Written so that NaN exceeds it.
  auto const within = [&](char const* name) {
    return !m.has(name) || std::abs(m[name]) <= energy_limit;
  };
  return failed >= 0 || !within("energy_data") || !within("energy_samples");
}

/// Thrown where a run has diverged.
struct Divergence : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The error message for such a run.
inline std::string divergence(Metrics const& m, double failed, double energy_limit,
                              std::vector<char const*> const& advice) {
  std::ostringstream sentence;
  sentence << "basin::train::Trainer: the run diverged ";
  if (failed >= 0)
    sentence << "at step " << failed << ", where the gradient was not finite";
  else
    sentence << "before step " << m.step << ", energy_limit is " << energy_limit;
  if (m.has("energy_data")) sentence << "; E(data) = " << m["energy_data"];
  if (m.has("energy_samples")) sentence << ", E(samples) = " << m["energy_samples"];
  sentence << ". The parameters are the last finite ones. Try ";
  for (std::size_t i = 0; i < advice.size(); ++i)
    sentence << (i == 0 ? "" : i + 1 < advice.size() ? ", " : " or ") << advice[i];
  sentence << ".";
  return sentence.str();
}

}  // namespace basin::train

#endif
