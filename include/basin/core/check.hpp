// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_CHECK_HPP
#define BASIN_CORE_CHECK_HPP

#include <sstream>
#include <stdexcept>
#include <string>

namespace basin {

/// Refusal of a value: "who: what and both values".
template <class... Parts>
[[noreturn]] void refuse(char const* who, Parts const&... parts) {
  std::ostringstream sentence;
  sentence << who << ": ";
  (sentence << ... << parts);
  throw std::invalid_argument(sentence.str());
}

}  // namespace basin

#endif
