// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_LOCAL_SLICES_HPP
#define BASIN_TRAIN_LOCAL_SLICES_HPP

#include <basin/core/archive_bytes.hpp>
#include <basin/energy/pack.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/share.hpp>
#include <basin/train/batch.hpp>
#include <basin/train/distance.hpp>
#include <basin/train/diversity.hpp>
#include <basin/train/slices.hpp>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin::train {

/// The slices of a run that this process holds, see Slices: of each its rows, its objective with buffer
/// and chains, and how far these are from the data.
template <class E, class Objective, class Exec, tile::Tuning tuning>
class LocalSlices {
 public:
  using Scalar  = typename E::scalar_type;
  using memory  = typename Exec::memory_space;
  using Samples = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
  using Dataset = objective::Dataset<Scalar, memory>;
  using Rows    = Batches<Scalar, E::dimension, objective::conditions<Objective>, Exec, tuning>;
  using objective_type =
      objective::bound<Objective, energy::packed_energy<E, tuning, Exec>, Exec, tuning>;

  /// One of them.
  struct Slice {
    int number;         ///< of all
    int batch;          ///< its rows of a step
    Objective options;  ///< its share of the run's
    std::uint64_t seed;
    Rows rows;
    std::unique_ptr<objective_type> objective;
    Distance<Exec> distance;
    Diversity<Exec> diversity;
  };

  /// \param data  a Dataset or a RowStream: of the whole run, or this process's share, see Slices::rows
  /// \throws std::invalid_argument, on all ranks, if data do not fit, or chains start far from them, on one
  template <class Data>
  LocalSlices(Exec const& exec, Slices const& slices, Objective const& options, int batch,
              Data const& data, std::uint64_t seed, double distance_limit)
      : slices_(slices), batch_(batch) {
    check_same(batch, seed);
    all_or_none(slices.ranks, [&] {
      Part const mine = slices.here();
      for (std::uint64_t s = mine.first; s < mine.last; ++s)
        all_.push_back(made(exec, options, data, static_cast<int>(s), seed, distance_limit));
    });
    see_distances();
  }

  std::vector<Slice>& all() { return all_; }
  std::vector<Slice> const& all() const { return all_; }
  Slice& first() { return all_.front(); }
  Slice const& first() const { return all_.front(); }

  /// Rows of the whole data set.
  std::uint64_t rows() const { return rows_; }

  /// Trains on other data. \throws as the constructor; the data are then those before
  template <class Data>
  void set_data(Exec const& exec, Data const& data) {
    std::vector<Rows> rows;
    all_or_none(slices_.ranks, [&] {
      for (Slice const& slice : all_) {
        rows.push_back(rows_of(exec, data, slice.number, slice.batch, slice.seed));
        rows.back().check(slice.objective->batch());
      }
    });
    for (std::size_t i = 0; i < all_.size(); ++i) {
      all_[i].rows = rows[i];
      all_[i].distance.set_data(exec, rows[i].data().points);
      all_[i].diversity.set_data(exec, rows[i].data().points);
    }
    see_distances();
  }

  /// Before a step: makes its rows those at hand, see Batches::advance, and lets chains migrate where that
  /// is due, which waits for exec.
  /// \throws std::invalid_argument, on all ranks, if slices keep arrays of different sizes
  void advance(Exec const& exec, std::uint64_t step) {
    for (Slice const& slice : all_) slice.rows.advance(exec, step);
    auto const every = static_cast<std::uint64_t>(slices_.migration);
    if (every == 0 || step == 0 || step % every != 0 || step == migrated_) return;
    exec.fence("basin::train::migration");
    migrate();
    migrated_ = step;
  }

  /// \throws std::invalid_argument if the options are wrong or need other arrays
  void change(Objective const& options) {
    for (Slice& slice : all_) {
      Objective const mine = objective::share_of(options, slice.number, slices_.count);
      mine.check(slice.batch);
      if constexpr (requires { slice.objective->change(mine); }) slice.objective->change(mine);
      slice.options = mine;
    }
  }

  static constexpr bool has_distance = objective::HasSamples<objective_type>;
  /// Whether chains have a distance from the data: the same on all ranks.
  bool measures() const { return measures_; }
  /// Whether samples have a diversity: the same on all ranks.
  bool compares() const { return compares_; }
  /// Measures the samples of the last step. Asynchronous on exec.
  void measure(Exec const& exec) {
    if constexpr (has_distance)
      for (Slice& slice : all_) {
        if (measures()) slice.distance.measure(exec, slice.objective->last_samples());
        if (compares()) slice.diversity.measure(exec, slice.objective->last_samples());
      }
  }
  /// The mean of the distances measured last, once exec is done, over all slices, weighted by their batches.
  double distance() { return mean_of(&Slice::distance); }
  /// That of the diversities measured last.
  double diversity() { return mean_of(&Slice::diversity); }

  /// What the objectives keep. Of a run of one slice it has no number.
  template <class A>
  void archive(A& a) {
    for (Slice& slice : all_) {
      Kept kept{slice.objective.get()};
      a(slices_.count == 1 ? "objective" : Slices::name_of(slice.number), kept);
    }
  }

 private:
  static constexpr char const* who = "basin::train::Trainer";

  // What an objective keeps; some keep nothing.
  struct Kept {
    objective_type* of;
    template <class A>
    void archive(A& a) {
      if constexpr (requires { of->archive(a); }) of->archive(a);
    }
  };

  // Over all slices, weighted by their batches.
  template <class Measure>
  double mean_of(Measure Slice::* of) {
    std::vector<double> all(static_cast<std::size_t>(slices_.count));
    for (Slice const& slice : all_)
      all[static_cast<std::size_t>(slice.number)] = (slice.*of).exists() ? (slice.*of).value() : 1;
    slices_.gather(all, 1);
    double mean = 0;
    for (int s = 0; s < slices_.count; ++s)
      mean += slices_.weight(batch_, s) * all[static_cast<std::size_t>(s)];
    return mean;
  }

  // What each slice keeps goes to the next, from the last to the first.
  void migrate() {
    std::vector<std::string> kept;
    for (Slice& slice : all_) {
      MemoryArchive archive;
      Kept mine{slice.objective.get()};
      archive.save("kept", mine);
      kept.push_back(to_bytes(archive.entries()));
    }
    std::string last = std::move(kept.back());
    kept.pop_back();
    if (int const R = slices_.rank_count(); R > 1) {
      int const me = slices_.rank(), to = (me + 1) % R, from = (me + R - 1) % R;
      std::uint64_t sent = last.size(), received = 0;
      Message const send{&sent, sizeof sent, to}, receive{&received, sizeof received, from};
      slices_.ranks->exchange({&send, 1}, {&receive, 1});
      std::string other(received, '\0');
      Message const send_all{last.data(), last.size(), to};
      Message const receive_all{other.data(), other.size(), from};
      slices_.ranks->exchange({&send_all, 1}, {&receive_all, 1});
      last = std::move(other);
    }
    kept.insert(kept.begin(), std::move(last));
    all_or_none(slices_.ranks, [&] {
      for (std::size_t i = 0; i < all_.size(); ++i) {
        Kept mine{all_[i].objective.get()};
        MemoryArchive(from_bytes(kept[i])).load("kept", mine);
      }
    });
  }

  // A run of which the ranks have different ideas would end with parameters that differ.
  void check_same(int batch, std::uint64_t seed) const {
    if (slices_.rank_count() == 1) return;
    std::ostringstream mine;
    mine << "batch = " << batch << ", seed = " << seed << ", slices.count = " << slices_.count
         << ", slices.rows = " << slices_.rows << ", parameters = " << +E::parameters;
    auto const all = all_gather(*slices_.ranks, mine.str());
    for (std::size_t r = 1; r < all.size(); ++r)
      if (all[r] != all[0]) refuse(who, "rank 0 has ", all[0], ", rank ", r, " has ", all[r]);
  }

  template <class Data>
  Slice made(Exec const& exec, Objective const& options, Data const& data, int number,
             std::uint64_t run_seed, double distance_limit) {
    int const batch          = slices_.batch_of(batch_, number);
    std::uint64_t const seed = seed_of_slice(run_seed, slices_.count, number);
    Objective const mine     = objective::share_of(options, number, slices_.count);
    if (slices_.count > 1) mine.check(batch);
    Rows const rows = rows_of(exec, data, number, batch, seed);
    auto objective  = std::make_unique<objective_type>(exec, mine, batch, rows.lasting(exec), seed);
    rows.check(objective->batch());
    Distance<Exec> distance(exec, rows.data().points, batch, bounds_of(mine));
    check_chains(exec, mine, seed, *objective, distance, distance_limit);
    Diversity<Exec> const diversity(exec, rows.data().points, has_distance ? batch : 0);
    return {number, batch, mine, seed, rows, std::move(objective), distance, diversity};
  }

  // On a rank whose rows are all equal too, since the distances are gathered.
  void see_distances() {
    measures_ = compares_ = false;
    if constexpr (has_distance) {
      for (Slice const& slice : all_) {
        measures_ = measures_ || slice.distance.exists();
        compares_ = compares_ || slice.diversity.exists();
      }
      measures_ = any(slices_.ranks, measures_);
      compares_ = any(slices_.ranks, compares_);
    }
  }

  // Chains that cannot reach the data would give a run without a sign of it.
  static void check_chains(Exec const& exec, Objective const& options, std::uint64_t seed,
                           objective_type& objective, Distance<Exec>& distance, double limit) {
    distance.check_bounds(who);
    if constexpr (objective::StartsChains<objective_type, Objective, Exec, Samples>) {
      Samples const chains("basin::train::starts", +Distance<Exec>::starts, +E::dimension);
      objective.start(exec, options, chains, {seed, Purpose::sampler_start, 0});
      distance.check_starts(exec, who, chains, limit);
    }
  }

  // The rows of a slice, of all, and the first of those given.
  std::pair<Part, std::uint64_t> part_here(std::uint64_t given, int slice) {
    std::uint64_t const all = slices_.rows > 0 ? slices_.rows : given;
    Part const here         = slices_.rows > 0 ? slices_.rows_here(all) : Part{0, all};
    if (given != here.count())
      refuse(who, "data has ", given, " rows, this rank's share of slices.rows = ", all, " is ",
             here.count(), ", rows ", here.first, " to ", here.last);
    rows_ = all;
    return {part_of(all, slices_.count, slice), here.first};
  }
  Rows rows_of(Exec const& exec, Dataset const& data, int slice, int batch, std::uint64_t seed) {
    auto const [part, given] = part_here(data.points.extent(0), slice);
    if (slices_.count == 1) return Rows(exec, batch, data, seed);
    auto const lines = std::pair(part.first - given, part.last - given);
    Dataset mine;
    mine.points = Kokkos::subview(data.points, lines, Kokkos::ALL);
    if (data.labels.extent(0) > 0) mine.labels = Kokkos::subview(data.labels, lines);
    if (data.conditions.extent(0) > 0)
      mine.conditions = Kokkos::subview(data.conditions, lines, Kokkos::ALL);
    if (data.weights.extent(0) > 0) mine.weights = Kokkos::subview(data.weights, lines);
    return Rows(exec, batch, mine, seed, part.first);
  }
  Rows rows_of(Exec const& exec, RowStream const& stream, int slice, int batch,
               std::uint64_t seed) {
    auto const [part, given] = part_here(stream.rows(), slice);
    Part const lines{part.first - given, part.last - given};
    return Rows(exec, batch, slices_.count == 1 ? stream : stream.part(lines), seed,
                label_count<E>);
  }

  Slices slices_;
  int batch_;                   // of all slices
  std::uint64_t rows_     = 0;  // of all slices
  bool measures_          = false;
  bool compares_          = false;
  std::uint64_t migrated_ = 0;  // before which step
  std::vector<Slice> all_;
};

}  // namespace basin::train

#endif
