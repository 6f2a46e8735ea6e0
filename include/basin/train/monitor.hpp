// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_MONITOR_HPP
#define BASIN_TRAIN_MONITOR_HPP

#include <basin/objective/batch.hpp>
#include <basin/optimizer/update.hpp>
#include <basin/tile/launch.hpp>
#include <basin/train/gap.hpp>
#include <basin/train/metrics.hpp>
#include <basin/train/slices.hpp>

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
  // A row: the columns, the mean square of the energies, the larger of their mean sizes, the norm of
  // the gradient, and the first step that was not finite. In double, which holds the squares of all
  // floats.
  static constexpr int square_at = columns, size_at = columns + 1, norm_at = columns + 2,
                       failed_at = columns + 3, row_size = columns + 4;
  // Of sums: those of both energies' sizes, squares of the gradient and their units.
  static constexpr int sizes_at = columns + 1, norms_at = columns + 3, units_at = columns + 4,
                       sums_size = columns + 5;

  Numbers column[columns > 0 ? columns : 1];
  int energies[2];        // which columns are energies, -1: none
  Scalar const* partial;  // (blocks) squared norms of the gradient, in
  Scalar const* units;    // (blocks)
  int blocks;
  Scalar clip_norm;  // maximum norm, infinite: none
  Step step;
  std::uint64_t* clock;  // null: none
  Optimizer optimizer;
  Schedule schedule;
  double* sums;         // (sums_size, parts) working memory
  Scalar* factor;       // (2): of the gradient; the first step that was not finite, or -1
  update_type* update;  // (1)
  double* rows;         // (every, row_size) of the slice
  int every;

  // Part p of the sum of a column. The column is a compile-time constant: a run-time array index
  // would move the array from registers to memory on a GPU.
  template <int i>
  KOKKOS_FUNCTION void sum_column(int p, double& squares, double (&sizes)[2]) const {
    Numbers const& of = column[i];
    double sum = 0, square = 0, size = 0;
    for (int n = p; n < of.count; n += parts) {
      double const x = of.values ? static_cast<double>(of.values[n]) : of.integers[n];
      sum += x;
      square += x * x;
      size += Kokkos::abs(x);
    }
    sums[i * parts + p] = sum;
    if (i == energies[0] || i == energies[1]) {
      squares += square / of.count;
      if (i == energies[0])
        sizes[0] = size / of.count;
      else
        sizes[1] = size / of.count;
    }
  }
  template <int... i>
  KOKKOS_FUNCTION void sum_columns(int p, std::integer_sequence<int, i...>) const {
    double squares = 0, sizes[2]{};
    (sum_column<i>(p, squares, sizes), ...);
    tile::AddSquares<Scalar> norm;
    for (int b = p; b < blocks; b += parts) norm.add(partial[b], units[b]);
    sums[square_at * parts + p]      = squares;
    sums[sizes_at * parts + p]       = sizes[0];
    sums[(sizes_at + 1) * parts + p] = sizes[1];
    sums[norms_at * parts + p]       = static_cast<double>(norm.squares);
    sums[units_at * parts + p]       = static_cast<double>(norm.unit);
  }
  template <int... i>
  KOKKOS_FUNCTION void write_means(double* row, std::integer_sequence<int, i...>) const {
    ((row[i] = sums[i * parts] / column[i].count), ...);
    bool const both    = energies[0] >= 0 && energies[1] >= 0;
    row[square_at]     = both ? sums[square_at * parts] / 2 : sums[square_at * parts];
    double const first = sums[sizes_at * parts], second = sums[(sizes_at + 1) * parts];
    row[size_at] = first > second || first != first ? first : second;  // NaN if one is
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    using all         = std::make_integer_sequence<int, columns>;
    Summarize const s = *this;
    c.each(+parts, [=](int p) { s.sum_columns(p, all()); });
    c.each(+norms_at, [=](int i) {
      double sum = 0;
      for (int p = 0; p < parts; ++p) sum += s.sums[i * parts + p];
      s.sums[i * parts] = sum;
    });
    c.each(1, [=](int) {
      std::uint64_t const now = s.step.now();
      tile::AddSquares<Scalar> of;
      for (int p = 0; p < parts; ++p)
        of.add(static_cast<Scalar>(s.sums[norms_at * parts + p]),
               static_cast<Scalar>(s.sums[units_at * parts + p]));
      Scalar const norm = Kokkos::sqrt(of.squares), unit = of.unit;  // |g| = norm unit
      if (!Kokkos::isfinite(norm) && s.factor[1] < 0) s.factor[1] = static_cast<Scalar>(now);
      // After a step that was not finite, no later one may change the parameters.
      s.factor[0]      = s.factor[1] >= 0            ? Kokkos::Experimental::quiet_NaN_v<Scalar>
                         : norm > s.clip_norm / unit ? s.clip_norm / norm / unit
                                                     : Scalar(1);
      long const count = static_cast<long>(now);
      *s.update        = s.optimizer.template at<Scalar>(count, s.schedule(count));
      double* const row =
          s.rows + static_cast<std::size_t>(now % static_cast<std::uint64_t>(s.every)) * row_size;
      s.write_means(row, all());
      row[norm_at]   = static_cast<double>(norm) * static_cast<double>(unit);
      row[failed_at] = static_cast<double>(s.factor[1]);
      if (s.clock) ++*s.clock;
    });
  }
};

}  // namespace detail

/// Whether a run can go on.
struct Health {
  double failed      = -1;  ///< the first step whose gradient was not finite, or -1
  double energy_size = 0;   ///< mean |E| of the data or of the samples, the larger
};

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
  static_assert(columns + 7 <= Metrics::capacity,
                "basin::train::Monitor: the objective has more columns than Metrics can hold.");

 public:
  using update_type = typename Summarize::update_type;
  using Columns     = std::array<objective::Column<Scalar>, static_cast<std::size_t>(columns)>;

  /// \param blocks  of the parameters
  /// \param slices  of the run
  /// \param batch   of all slices
  /// \throws std::invalid_argument if the rows of 'every' steps take more than 1 GiB
  Monitor(int every, int blocks, Slices const& slices, int batch)
      : slices_(slices),
        batch_(batch),
        here_(static_cast<int>(slices.here().count())),
        every_(checked(every, here_)),
        blocks_(blocks),
        partial_("basin::train::partial_norms", blocks),
        units_("basin::train::units_of_norms", blocks),
        sums_("basin::train::sums", Summarize::sums_size * Summarize::parts),
        factor_("basin::train::factor", 2),
        update_("basin::train::update"),
        rows_("basin::train::metrics", here_, every, +Summarize::row_size),
        fetched_(Kokkos::create_mirror_view(rows_)),
        all_(static_cast<std::size_t>(slices.count * Summarize::row_size)) {
    reset();
  }

  /// Clears the record of a step that was not finite.
  void reset() const {
    auto const factor = Kokkos::create_mirror_view(factor_);
    factor(0)         = 1;
    factor(1)         = -1;
    Kokkos::deep_copy(factor_, factor);
  }

  /// The squared norms of the blocks of a step's gradient, for what follows. Asynchronous on exec.
  /// \param gradient  (blocks of parameters)
  void take_norms(Exec const& exec, Scalar const* gradient) const {
    optimizer::squared_norms<tuning>(exec, gradient, partial_.data(), units_.data(), blocks_);
  }

  /// The row of a slice, the factor of the gradient and the values of the update. Asynchronous on exec.
  ///
  /// \param slice  of those here, from 0 on
  /// \param clock  on the device, advanced; null: none
  void summarize(Exec const& exec, int slice, Columns const& of, double clip_norm,
                 Optimizer const& optimizer, Schedule const& schedule, Step const& step,
                 std::uint64_t* clock) const {
    Summarize work{{},
                   {place(of, "energy_data"), place(of, "energy_samples")},
                   partial_.data(),
                   units_.data(),
                   blocks_,
                   static_cast<Scalar>(clip_norm),
                   step,
                   clock,
                   optimizer,
                   schedule,
                   sums_.data(),
                   factor_.data(),
                   update_.data(),
                   rows_.data() + static_cast<std::size_t>(slice * every_) * Summarize::row_size,
                   every_};
    for (std::size_t i = 0; i < of.size(); ++i)
      work.column[i] = {of[i].values, of[i].integers, of[i].count};
    tile::for_each_tile<tuning>(exec, "basin::summary", 1, work);
  }

  /// The means over the last steps before 'step', at most one per row, and over all slices in their order,
  /// weighted by their batches. Waits for exec, and for all ranks.
  Metrics fetch(Exec const& exec, Columns const& of, std::uint64_t step, std::uint64_t steps,
                double learning_rate_factor, Health& health) {
    Kokkos::deep_copy(exec, fetched_, rows_);
    static std::string const label = "basin::train::monitor";
    exec.fence(label);
    std::uint64_t const every = static_cast<std::uint64_t>(every_);
    steps                     = std::clamp<std::uint64_t>(steps, 1, std::min(every, step));
    std::fill(all_.begin(), all_.end(), 0.0);
    double* row = all_.data() + slices_.here().first * Summarize::row_size;
    for (int s = 0; s < here_; ++s, row += Summarize::row_size)
      for (std::uint64_t back = 1; back <= steps; ++back)
        for (int i = 0; i < Summarize::row_size; ++i)
          row[i] += double(fetched_(s, (step - back) % every, i)) / double(steps);
    slices_.gather(all_, Summarize::row_size);
    double mean[Summarize::row_size]{};
    for (int s = 0; s < slices_.count; ++s)
      for (int i = 0; i < Summarize::row_size; ++i)
        mean[i] +=
            slices_.weight(batch_, s) * all_[static_cast<std::size_t>(s * Summarize::row_size + i)];
    mean[Summarize::norm_at] = all_[Summarize::norm_at];  // that of the sum, in each slice's row
    health = {fetched_(0, (step - 1) % every, +Summarize::failed_at), mean[Summarize::size_at]};

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
  // A row is kept for each step of a report.
  static int checked(int every, int slices) {
    constexpr std::size_t most = std::size_t(1) << 30;
    std::size_t const row      = sizeof(double) * Summarize::row_size * std::size_t(slices);
    if (static_cast<std::size_t>(every) > most / row)
      refuse("basin::train::Trainer", "monitor_every is ", every, ", and a report holds ", row,
             " bytes of each step; write at most ", most / row, ", which take 1 GiB");
    return every;
  }
  static int place(Columns const& of, std::string_view name) {
    for (std::size_t i = 0; i < of.size(); ++i)
      if (name == of[i].quantity.name) return static_cast<int>(i);
    return -1;
  }

  Slices slices_;
  int batch_;  // of all slices
  int here_;   // slices
  int every_, blocks_;
  Numbers partial_, units_;             // (blocks)
  Kokkos::View<double*, memory> sums_;  // (sums_size, parts)
  Numbers factor_;                      // (2): factor of the gradient, first step not finite
  Kokkos::View<update_type, memory> update_;
  Kokkos::View<double***, Kokkos::LayoutRight, memory> rows_;  // (slices here, every, row_size)
  decltype(Kokkos::create_mirror_view(rows_)) fetched_;
  std::vector<double> all_;  // (slices, row_size)
};

/// Whether a run must stop: a gradient that was not finite, or energies past their limit.
inline bool has_diverged(Health const& health, double energy_limit) {
  return health.failed >= 0 || !(health.energy_size <= energy_limit);  // NaN exceeds it
}

/// Thrown where a run has diverged.
struct Divergence : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The error message for such a run.
inline std::string divergence(Metrics const& m, Health const& health, double energy_limit,
                              std::vector<char const*> const& advice) {
  std::ostringstream sentence;
  sentence << "basin::train::Trainer: the run diverged ";
  if (health.failed >= 0)
    sentence << "at step " << health.failed << ", where the gradient was not finite";
  else
    sentence << "before step " << m.step << ", mean |E| is " << health.energy_size
             << ", energy_limit is " << energy_limit;
  if (m.has("energy_data")) sentence << "; E(data) = " << m["energy_data"];
  if (m.has("energy_samples")) sentence << ", E(samples) = " << m["energy_samples"];
  sentence << ". The parameters are the last finite ones. Try ";
  sentence << alternatives(advice) << ".";
  return sentence.str();
}

}  // namespace basin::train

#endif
