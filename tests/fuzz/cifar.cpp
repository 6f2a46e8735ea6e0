// SPDX-License-Identifier: Apache-2.0
// Input: a file, plain or gzip; or bytes that are repeated to the length of some records, more or less. Then how long, and
// which of the two formats.
#include <basin/data/cifar.hpp>

#include "fuzz/input.hpp"

#include <cmath>

namespace {

void check(basin::data::Images const& images, basin::data::Labels const& labels, int classes) {
  using basin::test::require;
  require(images.samples.extent(1) == 3072, "an image has all of its pixels");
  require(images.samples.extent(0) == labels.extent(0), "an image has its label");
  for (std::size_t i = 0; i < images.samples.size(); ++i)
    require(std::abs(images.samples.data()[i]) <= 1, "pixels are in [-1, 1]");
  for (std::size_t i = 0; i < labels.extent(0); ++i)
    require(labels(i) >= 0 && labels(i) < classes, "labels are those of the set");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  bool const hundred       = input.ConsumeBool();
  std::size_t const record = hundred ? 3074 : 3073;
  std::size_t length       = input.ConsumeIntegralInRange<std::size_t>(0, 3) * record;
  if (input.ConsumeBool()) length += input.ConsumeIntegralInRange<std::size_t>(0, 4);
  std::string file = input.ConsumeRemainingBytesAsString();
  if (length > 0 && !file.empty()) {
    std::string const part = file;
    while (file.size() < length) file += part;
    file.resize(length);
  }
  basin::test::MemoryFile const in_memory(file);
  basin::test::read_or_refuse([&] {
    if (hundred) {
      auto const read = basin::data::read_cifar100({in_memory.path()});
      check(read.images, read.labels, 100);
      check(read.images, read.superclasses, 20);
    } else {
      auto const read = basin::data::read_cifar10({in_memory.path()});
      check(read.images, read.labels, 10);
    }
  });
  return 0;
}
