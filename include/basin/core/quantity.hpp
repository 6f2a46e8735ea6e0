// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_QUANTITY_HPP
#define BASIN_CORE_QUANTITY_HPP

#include <basin/core/arithmetic.hpp>

namespace basin {

/// A named quantity: a column of chains, a metric. The texts are literals; they are not copied.
struct Quantity {
  char const* name;     ///< as in metrics and files, for example "energy_data"
  char const* unit;     ///< for example "E" or "x"; "1": none
  char const* meaning;  ///< half a sentence
};

}  // namespace basin

#endif
