// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_DETAIL_ARGUMENTS_HPP
#define BASIN_METRIC_DETAIL_ARGUMENTS_HPP

#include <basin/core/check.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>

// What metrics require of their arguments.
namespace basin::metric::detail {

template <class T>
concept OnHost =
    Kokkos::is_view_v<T> &&
    bool(Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename T::memory_space>::accessible);

/// A View of rank 2 on the host: a row is a sample.
template <class T>
concept Table = OnHost<T> && T::rank() == 2;

/// A View of rank 1 of integers on the host: a class of each sample.
template <class T>
concept Classes = OnHost<T> && T::rank() == 1 && std::is_integral_v<typename T::value_type>;

template <class Scalar>
void check_scores(char const* who, char const* name, std::span<Scalar const> scores) {
  if (scores.empty()) refuse(who, name, " has 0 scores");
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i])) refuse(who, name, " score ", i, " of ", scores.size(), " is NaN");
}

template <Table T>
void check_rows(char const* who, char const* name, T const& table, std::size_t least = 1) {
  if (table.extent(0) < least || table.extent(1) == 0)
    refuse(who, name, " has shape (", table.extent(0), ", ", table.extent(1),
           "), it must have at least ", least, least == 1 ? " row" : " rows", " and a column");
  for (std::size_t n = 0; n < table.extent(0); ++n)
    for (std::size_t d = 0; d < table.extent(1); ++d)
      if (!std::isfinite(static_cast<double>(table(n, d))))
        refuse(who, name, "(", n, ", ", d, ") is ", table(n, d), ", it must be finite");
}

template <Table A, Table B>
void check_same_columns(char const* who, char const* name, A const& a, char const* other,
                        B const& b) {
  if (a.extent(1) != b.extent(1))
    refuse(who, name, " has ", a.extent(1), " columns, ", other, " has ", b.extent(1));
}

template <Table T, Classes Labels>
void check_labels(char const* who, T const& table, Labels const& labels) {
  if (labels.extent(0) != table.extent(0))
    refuse(who, "labels has first extent ", labels.extent(0), ", there are ", table.extent(0),
           " rows");
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    if (labels(n) < 0 || static_cast<std::size_t>(labels(n)) >= table.extent(1))
      refuse(who, "labels must be in [0, ", table.extent(1), "), the number of columns; labels(", n,
             ") is ", labels(n));
}

/// Rows of probabilities: not negative, with sum 1 to the rounding of floats.
template <Table T>
void check_probabilities(char const* who, T const& table) {
  check_rows(who, "probabilities", table);
  for (std::size_t n = 0; n < table.extent(0); ++n) {
    double sum = 0;
    for (std::size_t y = 0; y < table.extent(1); ++y) {
      double const p = static_cast<double>(table(n, y));
      if (!(p >= 0)) refuse(who, "probabilities(", n, ", ", y, ") is ", p, ", it must be >= 0");
      sum += p;
    }
    if (!(std::abs(sum - 1) < 1e-4))
      refuse(who, "row ", n, " of probabilities has the sum ", sum,
             ", it must be 1; metric::softmax makes them of logits");
  }
}

/// The first of the largest values of a row.
template <Table T>
std::size_t largest_of_row(T const& table, std::size_t n) {
  std::size_t best = 0;
  for (std::size_t y = 1; y < table.extent(1); ++y)
    if (table(n, y) > table(n, best)) best = y;
  return best;
}

/// Squared distance of two rows.
template <Table A, Table B>
double squared_distance(A const& a, std::size_t i, B const& b, std::size_t j) {
  double sum = 0;
  for (std::size_t d = 0; d < a.extent(1); ++d) {
    double const apart = static_cast<double>(a(i, d)) - static_cast<double>(b(j, d));
    sum += apart * apart;
  }
  return sum;
}

}  // namespace basin::metric::detail

#endif
