// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_CHECK_HPP
#define BASIN_CORE_CHECK_HPP

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

/// Rejects a change of a value that the arrays depend on.
template <class T>
void refuse_change(char const* who, char const* name, T const& made_with, T const& wanted) {
  if (wanted != made_with)
    refuse(who, name, " is ", made_with, " since the arrays were made and cannot become ", wanted);
}

}  // namespace basin

#endif
