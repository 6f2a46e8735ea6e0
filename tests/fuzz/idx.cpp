// SPDX-License-Identifier: Apache-2.0
// Input: a file, plain or gzip.
#include <basin/data/idx.hpp>

#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  basin::test::MemoryFile const file(std::string(reinterpret_cast<char const*>(bytes), count));
  basin::test::read_or_refuse([&] {
    auto const images = basin::data::read_idx_images(file.path());
    auto const pixels =
        std::size_t(images.height) * std::size_t(images.width) * std::size_t(images.channels);
    basin::test::require(images.samples.extent(1) == pixels, "an image has all of its pixels");
    for (std::size_t i = 0; i < images.samples.size(); ++i)
      basin::test::require(std::abs(images.samples.data()[i]) <= 1, "pixels are in [-1, 1]");
  });
  basin::test::read_or_refuse([&] { basin::data::read_idx_labels(file.path()); });
  return 0;
}
