// SPDX-License-Identifier: Apache-2.0
// Expect: basin::buffer::Storage: a storage policy holds its code; define 'template <class Scalar>
#include <basin/buffer/replay.hpp>

namespace mine {

// A tag that names its axis and does nothing.
struct Storage {
  using axis = basin::buffer::storage_axis;
};

}  // namespace mine

#ifdef BASIN_EXPECT_REFUSAL
using Storage = mine::Storage;
#else
using Storage = basin::buffer::storage::Byte;
#endif
static_assert(sizeof(basin::buffer::Replay<Storage>) > 0);
