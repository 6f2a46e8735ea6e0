// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_FUZZ_HDF5_IMAGE_HPP
#define TESTS_FUZZ_HDF5_IMAGE_HPP

#include <hdf5.h>
#include <string>

namespace basin::test {

/// The bytes of an HDF5 file in memory; empty if it has none.
inline std::string hdf5_image(hid_t file) {
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  ssize_t const size = H5Fget_file_image(file, nullptr, 0);
  std::string image(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  if (!image.empty()) H5Fget_file_image(file, image.data(), image.size());
  return image;
}

}  // namespace basin::test

#endif
