// SPDX-License-Identifier: Apache-2.0
// Input: an archive with an array 'X', or what is the array 'X' of one; then a byte each
// of the type to read it as and of which of the two it is.
#include <basin/io/npz.hpp>

#include "fuzz/input.hpp"

#include <zlib.h>

namespace {

// Bytes of a number, the least first.
std::string little(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> 8 * i & 255);
  return text;
}

// An archive that holds X.npy unpacked (PKWARE's APPNOTE, 4.3).
std::string archive_of(std::string const& member) {
  std::string const name = "X.npy";
  auto const crc = ::crc32(0, reinterpret_cast<Bytef const*>(member.data()), uInt(member.size()));
  // Version, flags, method, time, date; CRC-32, sizes packed and unpacked; lengths of name, extra.
  std::string const common = little(20, 2) + little(0, 2) + little(0, 2) + little(0, 2) +
                             little(33, 2) + little(crc, 4) + little(member.size(), 4) +
                             little(member.size(), 4) + little(name.size(), 2) + little(0, 2);
  std::string const local     = "PK\x03\x04" + common + name + member;
  std::string const directory = "PK\x01\x02" + little(20, 2) + common + little(0, 2) +
                                little(0, 2) + little(0, 2) + little(0, 4) + little(0, 4) + name;
  return local + directory + "PK\x05\x06" + little(0, 2) + little(0, 2) + little(1, 2) +
         little(1, 2) + little(directory.size(), 4) + little(local.size(), 4) + little(0, 2);
}

template <class Scalar, int rank>
void read(std::string const& path) {
  basin::test::read_or_refuse([&] {
    auto const array     = basin::io::read_npz<Scalar, rank>(path, "X");
    Scalar volatile last = 0;
    for (std::size_t i = 0; i < array.size(); ++i) last = array.data()[i];
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  bool const whole       = input.ConsumeBool();
  int const type         = input.ConsumeIntegralInRange(0, 3);
  std::string const rest = input.ConsumeRemainingBytesAsString();
  basin::test::MemoryFile const file(whole ? rest : archive_of(rest));
  if (type == 0) read<float, 1>(file.path());
  if (type == 1) read<double, 2>(file.path());
  if (type == 2) read<int, 1>(file.path());
  if (type == 3) read<long, 2>(file.path());
  return 0;
}
