// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_SPLIT_BY_HASH_HPP
#define BASIN_DATA_SPLIT_BY_HASH_HPP

#include <basin/core/philox.hpp>
#include <basin/data/preprocessing.hpp>
#include <basin/data/samples.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace basin::data {

namespace detail {

// h <- two words of Philox4x32-10 of the counter 'word' by the key h, for one word after the other.
class HashOfWords {
 public:
  explicit HashOfWords(std::uint64_t seed) : hash_(seed) {}
  void add(std::uint64_t word) { hash_ = seed_of(hash_, word); }
  // In [0, 1), a multiple of 2^-53.
  double uniform() const { return static_cast<double>(hash_ >> 11) * 0x1p-53; }

 private:
  std::uint64_t hash_;
};

// hash(i) adds the words of row i.
template <class Hash>
RowSplit split_each(std::size_t count, double train_fraction, std::uint64_t seed,
                    Hash const& hash) {
  if (!(train_fraction > 0 && train_fraction < 1))
    throw std::invalid_argument(
        "basin::data::split_by_hash: train_fraction must be in (0, 1), got " +
        std::to_string(train_fraction));
  RowSplit split;
  for (std::size_t i = 0; i < count; ++i) {
    HashOfWords words(seed);
    hash(words, i);
    (words.uniform() < train_fraction ? split.train : split.test).push_back(i);
  }
  return split;
}

}  // namespace detail

/// \brief Splits rows by a hash of their bytes: where a row goes is a function of its numbers and the
///        seed alone.
///
///   row x is for training where hash(x; seed) / 2^64 < train_fraction
///
/// A row never moves from one set to the other when rows are added, removed or reordered, and equal
/// rows are in the same set. With a larger train_fraction no row leaves the training set. The parts
/// are as large as chance has it, n train_fraction +- sqrt(n train_fraction (1 - train_fraction)), and
/// may be empty. The same on every platform; -0 counts as 0. The bytes are those of the numbers as they
/// stand in samples: split before they are standardized or rounded, which gives them others.
///
/// hash: for each number h <- the first 64 bits of Philox4x32-10 (core/philox.hpp) with key h and its
/// bits as the counter, from h = seed.
///
/// \throws std::invalid_argument if train_fraction is outside (0, 1)
template <Rows R>
RowSplit split_by_hash(R const& samples, double train_fraction, std::uint64_t seed) {
  using Bits =
      std::conditional_t<std::same_as<typename R::value_type, float>, std::uint32_t, std::uint64_t>;
  return detail::split_each(
      samples.extent(0), train_fraction, seed, [&](detail::HashOfWords& words, std::size_t i) {
        for (std::size_t j = 0; j < samples.extent(1); ++j)
          words.add(std::bit_cast<Bits>(samples(i, j) == 0 ? 0 : samples(i, j)));
      });
}

/// The same by an identifier of each row, for example the number of a patient of whom there are several
/// rows: all of them are in one set.
inline RowSplit split_by_hash(std::span<std::uint64_t const> ids, double train_fraction,
                              std::uint64_t seed) {
  return detail::split_each(ids.size(), train_fraction, seed,
                            [&](detail::HashOfWords& words, std::size_t i) { words.add(ids[i]); });
}

/// The same by a text of each row, for example the name of its file.
inline RowSplit split_by_hash(std::span<std::string const> ids, double train_fraction,
                              std::uint64_t seed) {
  return detail::split_each(ids.size(), train_fraction, seed,
                            [&](detail::HashOfWords& words, std::size_t i) {
                              std::uint64_t word = 0, count = 0;
                              for (char const c : ids[i]) {
                                word = word << 8 | static_cast<unsigned char>(c);
                                if (++count % 8 == 0) words.add(word), word = 0;
                              }
                              words.add(word);
                              words.add(count);
                            });
}

}  // namespace basin::data

#endif
