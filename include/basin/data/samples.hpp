// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_SAMPLES_HPP
#define BASIN_DATA_SAMPLES_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace basin::data {

/// One sample per row: (samples, dimension), contiguous, on the host.
using Samples = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Numbers as a file states them: (rows, columns), contiguous, on the host. A column may be large
/// beside its variation, as a time is: standardize it before it is rounded to float.
using Table = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Samples, a Table, or another host View of either's numbers.
template <class T>
concept Rows =
    Kokkos::is_view_v<T> && (T::rank() == 2) &&
    (std::same_as<typename T::value_type, float> || std::same_as<typename T::value_type, double>);

namespace detail {

// Uninitialized, of the numbers of R.
template <Rows R>
using RowsLike = Kokkos::View<typename R::value_type**, Kokkos::LayoutRight, Kokkos::HostSpace>;
template <Rows R>
RowsLike<R> make_rows(std::size_t count, std::size_t dimension) {
  return RowsLike<R>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::data::Samples"), count,
                     dimension);
}

}  // namespace detail

/// \brief Copy of a View of float or double of rank 2, of any layout and memory space, as readers return
///        it: (rows, columns), contiguous, on the host. Waits for all device work.
template <class View>
auto host_rows(View const& view) {
  using Rows =
      Kokkos::View<typename View::non_const_value_type**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  static_assert(basin::data::Rows<Rows> && View::rank() == 2,
                "basin::data::host_rows: the View must be of float or double, of rank 2.");
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  Rows const rows = detail::make_rows<Rows>(view.extent(0), view.extent(1));
  for (std::size_t i = 0; i < rows.extent(0); ++i)
    for (std::size_t j = 0; j < rows.extent(1); ++j) rows(i, j) = host(i, j);
  return rows;
}

/// One class label per sample: (samples), on the host.
using Labels = Kokkos::View<int*, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Uninitialized Samples of shape (count, dimension).
inline Samples make_samples(std::size_t count, std::size_t dimension) {
  return detail::make_rows<Samples>(count, dimension);
}

/// Uninitialized Table of shape (rows, columns).
inline Table make_table(std::size_t rows, std::size_t columns) {
  return detail::make_rows<Table>(rows, columns);
}

/// Copy of a table, each number rounded to float.
inline Samples rounded(Table const& table) {
  Samples const samples = make_samples(table.extent(0), table.extent(1));
  for (std::size_t i = 0; i < table.extent(0); ++i)
    for (std::size_t j = 0; j < table.extent(1); ++j)
      samples(i, j) = static_cast<float>(table(i, j));
  return samples;
}

/// Uninitialized Labels of shape (count).
inline Labels make_labels(std::size_t count) {
  return Labels(Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::data::Labels"), count);
}

/// Checks that there is one label for each sample.
///
/// \throws std::invalid_argument naming both counts otherwise
template <Rows R>
void check_same_count(R const& samples, Labels const& labels) {
  if (samples.extent(0) != labels.extent(0))
    throw std::invalid_argument(
        "basin::data::check_same_count: " + std::to_string(samples.extent(0)) + " samples, " +
        std::to_string(labels.extent(0)) + " labels");
}

}  // namespace basin::data

#endif
