// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_MANY_ROWS_HPP
#define TESTS_SUPPORT_MANY_ROWS_HPP

#include <array>
#include <cstddef>
#include <string>

namespace basin::test {

/// Numbers of rows that an int does not hold: it would be negative, 0 and 1.
inline constexpr std::array<std::size_t, 3> many_rows{std::size_t(1) << 31, std::size_t(1) << 32,
                                                      (std::size_t(1) << 32) + 1};

/// A View of rows that are not there: one that is read ends the test.
template <class View, class... Columns>
View absent(std::size_t rows, Columns... columns) {
  static typename View::non_const_value_type nothing{};
  return View(&nothing, rows, columns...);
}

inline std::string too_many(std::string const& who, std::string const& name, std::size_t rows) {
  return who + ": " + name + " has " + std::to_string(rows) +
         " rows, a call takes at most 2147418111; call it for parts of them, each a "
         "Kokkos::subview";
}

}  // namespace basin::test

#endif
