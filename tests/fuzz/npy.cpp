// SPDX-License-Identifier: Apache-2.0
// Input: a file.
#include <basin/io/npy.hpp>

#include "fuzz/input.hpp"

namespace {

template <class Scalar, int rank>
void read(std::string const& path) {
  basin::test::read_or_refuse([&] {
    auto const array = basin::io::read_npy<Scalar, rank>(path);
    // All of it is there.
    Scalar volatile last = 0;
    for (std::size_t i = 0; i < array.size(); ++i) last = array.data()[i];
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  basin::test::MemoryFile const file(std::string(reinterpret_cast<char const*>(bytes), count));
  read<float, 1>(file.path());
  read<float, 2>(file.path());
  read<double, 1>(file.path());
  read<double, 2>(file.path());
  return 0;
}
