// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_ROW_SOURCE_HPP
#define BASIN_CORE_ROW_SOURCE_HPP

#include <basin/core/check.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace basin {

/// Rows of numbers that are read in parts, for example from a file that memory does not hold:
///
///   std::uint64_t rows() const;
///   std::size_t dimension() const;                                          // numbers of a row
///   void read(std::uint64_t first, std::size_t count, float* to) const;     // (count, dimension)
///   void read_labels(std::uint64_t first, std::size_t count, int* to) const;  // (count), optional
///
/// read writes rows first ... first + count - 1 in row-major order. It is called by another thread
/// than the one that made the source, by one at a time, and throws std::runtime_error with one
/// sentence where the rows cannot be read. The same rows have the same numbers in every call.
template <class S>
concept RowSource = std::move_constructible<S> &&
                    requires(S const& source, std::uint64_t first, std::size_t count, float* to) {
                      { source.rows() } -> std::convertible_to<std::uint64_t>;
                      { source.dimension() } -> std::convertible_to<std::size_t>;
                      source.read(first, count, to);
                    };

/// A RowSource with a label for each row.
template <class S>
concept LabeledRowSource =
    RowSource<S> && requires(S const& source, std::uint64_t first, std::size_t count, int* to) {
      source.read_labels(first, count, to);
    };

/// The requirements of RowSource as an error message.
template <class S>
struct check_row_source {
  static_assert(RowSource<S>,
                "basin::RowSource: a source of rows needs 'std::uint64_t rows() const', "
                "'std::size_t dimension() const' and 'void read(std::uint64_t first, std::size_t "
                "count, float* to) const', which writes (count, dimension) numbers.");
  static constexpr bool value = RowSource<S>;
};

/// The rows of a source with labels from memory.
///
/// \tparam Labels  host View of integers, or another container with size() and (i)
template <RowSource Rows, class Labels>
class RowsWithLabels {
 public:
  /// \param labels  (rows), referenced if a View
  /// \throws std::invalid_argument if they are not one for each row
  RowsWithLabels(Rows rows, Labels labels) : rows_(std::move(rows)), labels_(std::move(labels)) {
    static_assert(std::is_integral_v<std::remove_cvref_t<decltype(labels_(0))>>,
                  "basin::RowsWithLabels: labels must be integers.");
    if (labels_.size() != rows_.rows())
      refuse("basin::RowsWithLabels", "there are ", labels_.size(), " labels, and ", rows_.rows(),
             " rows");
  }

  std::uint64_t rows() const { return rows_.rows(); }
  std::size_t dimension() const { return rows_.dimension(); }
  void read(std::uint64_t first, std::size_t count, float* to) const {
    rows_.read(first, count, to);
  }
  void read_labels(std::uint64_t first, std::size_t count, int* to) const {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<int>(labels_(first + i));
  }

 private:
  Rows rows_;
  Labels labels_;
};

}  // namespace basin

#endif
