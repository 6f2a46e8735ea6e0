// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_CHECK_HPP
#define BASIN_CORE_CHECK_HPP

#include <basin/core/arithmetic.hpp>

#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <string>

namespace basin {

/// Error for an invalid value: "who: what and both values".
template <class... Parts>
[[noreturn]] void refuse(char const* who, Parts const&... parts) {
  std::ostringstream sentence;
  sentence << who << ": ";
  (sentence << ... << parts);
  throw std::invalid_argument(sentence.str());
}

/// Whether an extent of a View is that of a type, however large it is.
constexpr bool is_extent(std::size_t extent, int expected) {
  return extent == static_cast<std::size_t>(expected);
}

/// The rows of a View, as a number of work items. Kernels count in int, to the end of a last tile.
///
/// \param name  of the View
/// \throws std::invalid_argument if there are 2^31 - 2^16 or more
inline int checked_count(char const* who, char const* name, std::size_t rows) {
  constexpr std::size_t most = (std::size_t(1) << 31) - (1 << 16) - 1;
  if (rows > most)
    refuse(who, name, " has ", rows, " rows, a call takes at most ", +most,
           "; call it for parts of them, each a Kokkos::subview");
  return static_cast<int>(rows);
}

/// Rejects steps with more points than kernels count, see checked_count.
///
/// \param name       of the option that says how many points a datum has, besides itself or not
/// \param per_datum  points of each datum
/// \throws std::invalid_argument naming the option, its value and the batch size
inline void check_points_of_step(char const* who, char const* name, int value, double per_datum,
                                 int batch) {
  constexpr double most = 0x1p31 - 0x1p16 - 1;
  if (per_datum * batch > most)
    refuse(who, name, " is ", value, " and the batch size ", batch, "; a step has at most ",
           static_cast<long long>(most), " points");
}

/// Rejects a change of a value that the arrays depend on.
template <class T>
void refuse_change(char const* who, char const* name, T const& made_with, T const& wanted) {
  if (wanted != made_with)
    refuse(who, name, " is ", made_with, " since the arrays were made and cannot become ", wanted);
}

}  // namespace basin

#endif
