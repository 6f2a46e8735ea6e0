// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_SHARE_HPP
#define BASIN_OBJECTIVE_SHARE_HPP

namespace basin::objective {

/// The options of a slice's objective: those of the run, where what belongs to the whole batch is shared.
/// An objective, and its buffer, that has such an option defines 'Self share(int slice, int slices) const'.
/// See train::Slices.
template <class Objective>
Objective share_of(Objective const& options, int slice, int slices) {
  if (slices == 1) return options;
  Objective mine = options;
  if constexpr (requires { mine = options.share(slice, slices); })
    mine = options.share(slice, slices);
  if constexpr (requires { mine.buffer = options.buffer.share(slice, slices); })
    mine.buffer = options.buffer.share(slice, slices);
  return mine;
}

}  // namespace basin::objective

#endif
