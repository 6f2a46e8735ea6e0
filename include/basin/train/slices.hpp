// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_SLICES_HPP
#define BASIN_TRAIN_SLICES_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/core/part.hpp>
#include <basin/core/philox.hpp>
#include <basin/train/ranks.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace basin::train {

/// Which ranks share a run: a pointer among options, which no file and no flag sets.
class RanksPointer {
 public:
  constexpr RanksPointer(Ranks* ranks = nullptr) : ranks_(ranks) {}
  constexpr operator Ranks*() const { return ranks_; }
  Ranks* operator->() const { return ranks_; }
  template <class Self, class F>
  static constexpr void fields(Self&, F&&) {}

 private:
  Ranks* ranks_;
};

/// The parts of a run that several processes can share.
///
/// Slice s of S has its own rows of the data, [s N / S, (s + 1) N / S), its own part of the batch, of the
/// buffer and of the draws. The gradient of a step is the mean of those of the slices, weighted by their
/// batches, in the order of SumTree. A rank holds the slices [r S / R, (r + 1) S / R): a run of S slices
/// has the same bits for any number R <= S of ranks, and may be resumed with another.
///
/// What an objective computes of its whole batch, for example a coupling, it computes of a slice's.
struct Slices {
  int count = 1;           ///< S, the same for the whole run; >= ranks
  RanksPointer ranks{};    ///< outlive the trainer; null: this process alone
  std::uint64_t rows = 0;  ///< N of the whole data set, where each rank is given its share of the
                           ///< rows alone, rows_here(N); 0: each is given all
  long migration = 0;      ///< steps after which what a slice's objective keeps, its buffer of
                           ///< chains, moves to the next slice, with its own data; 0: never

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"count", "1", "parts of batch, data and buffer, the same for any number of ranks"},
      self.count, range::at_least(1));
    f.nested("ranks", self.ranks);
    f(Field{"rows", "1", "of the whole data set, if a rank is given its own alone; 0: all"},
      self.rows);
    f(Field{"migration", "steps", "after which a slice's chains move to the next slice; 0: never"},
      self.migration, range::at_least(0));
  }

  int rank() const { return ranks ? ranks->rank() : 0; }
  int rank_count() const { return ranks ? ranks->count() : 1; }
  /// Those of a rank.
  Part of_rank(int rank) const {
    return part_of(static_cast<std::uint64_t>(count), rank_count(), rank);
  }
  Part here() const { return of_rank(rank()); }

  /// The rows of a step that a slice has.
  int batch_of(int batch, int slice) const {
    return static_cast<int>(part_of(static_cast<std::uint64_t>(batch), count, slice).count());
  }
  /// The weight of a slice in means over the batch.
  double weight(int batch, int slice) const { return double(batch_of(batch, slice)) / batch; }

  /// Numbers of all slices, 'each' of every one, of which those here are there. For all ranks.
  void gather(std::vector<double>& numbers, std::size_t each) const {
    if (rank_count() == 1) return;
    std::vector<Stretch> at;
    for (int r = 0; r < rank_count(); ++r) {
      Part const of = of_rank(r);
      at.push_back({of.first * each * sizeof(double), of.count() * each * sizeof(double)});
    }
    ranks->all_gather(numbers.data(), at);
  }

  /// "slice_3": the name in an archive of what a slice keeps.
  static std::string name_of(int slice) { return prefix + std::to_string(slice); }
  static constexpr char const* prefix = "slice_";

  /// The rows of N that this process works on.
  Part rows_here(std::uint64_t all) const {
    Part const mine = here();
    return {part_of(all, count, static_cast<int>(mine.first)).first,
            part_of(all, count, static_cast<int>(mine.last) - 1).last};
  }

  /// \throws std::invalid_argument naming the field and both values
  void check(int batch) const {
    char const* who = "basin::train::Slices";
    check_fields(who, *this);
    if (count < rank_count())
      refuse(who, "count is ", count, ", fewer than the ", rank_count(),
             " ranks; write slices.count = ", rank_count(), " or more");
    if (batch < count) refuse(who, "count is ", count, ", more than the batch of ", batch);
  }
};

/// The seed of a slice: of a run of one slice the run's own.
inline std::uint64_t seed_of_slice(std::uint64_t seed, int slices, int slice) {
  constexpr std::uint64_t calls = std::uint64_t(1) << 63;  // behind those of Trainer::sample
  return slices == 1 ? seed : seed_of(seed, calls + static_cast<std::uint64_t>(slice));
}

}  // namespace basin::train

#endif
