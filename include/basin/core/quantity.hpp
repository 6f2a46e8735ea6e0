// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_QUANTITY_HPP
#define BASIN_CORE_QUANTITY_HPP

namespace basin {

/// A named number: a column of chains, an entry of a table of metrics.
struct Quantity {
  char const* name;     ///< as in files and reports, for example "acceptance"
  char const* unit;     ///< "" where it is a pure number
  char const* meaning;  ///< in half a sentence
};

}  // namespace basin

#endif
