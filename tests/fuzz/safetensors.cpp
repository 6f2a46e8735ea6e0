// SPDX-License-Identifier: Apache-2.0
// Input: a file; or, behind a first byte 'h', its header alone, which gets its length and numbers.
#include <basin/io/safetensors.hpp>

#include "fuzz/input.hpp"

#include <cstdint>
#include <cstring>
#include <string>

namespace {

std::string file_of(std::string const& input) {
  if (!input.starts_with('h')) return input;
  std::uint64_t const length = input.size() - 1;
  return std::string(reinterpret_cast<char const*>(&length), sizeof length) + input.substr(1) +
         std::string(24, '\x3f');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  std::string const whole = file_of({reinterpret_cast<char const*>(bytes), count});
  basin::test::MemoryFile const file(whole);
  basin::test::read_or_refuse([&] {
    auto const read     = basin::io::read_safetensors(file.path());
    std::size_t numbers = 0;
    for (auto const& [name, entry] : read.tensors) {
      std::size_t values = entry.type == "f4" ? 4 : 8;
      for (std::size_t const extent : entry.shape) values *= extent;
      basin::test::require(values == entry.bytes.size(), "a tensor has other bytes than its shape");
      numbers += entry.bytes.size();
    }
    std::uint64_t length;
    std::memcpy(&length, whole.data(), sizeof length);
    basin::test::require(sizeof length + length + numbers == whole.size(),
                         "the tensors are not all of the file");
    // And to the same tensors again.
    auto const layout = basin::io::detail::lay_out_safetensors("fuzz", read.tensors, read.metadata);
    std::string written =
        file_of("h" + layout.header).substr(0, sizeof length + layout.header.size());
    for (auto const* bytes : layout.numbers) written.append(bytes->begin(), bytes->end());
    basin::test::MemoryFile const again(written);
    auto const twice = basin::io::read_safetensors(again.path());
    basin::test::require(
        twice.metadata == read.metadata && twice.tensors.size() == read.tensors.size(),
        "the file is another one when it is written");
    for (auto const& [name, entry] : read.tensors)
      basin::test::require(twice.tensors.at(name).bytes == entry.bytes &&
                               twice.tensors.at(name).shape == entry.shape,
                           "a tensor is another one when it is written");
  });
  return 0;
}
