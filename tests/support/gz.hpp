// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_GZ_HPP
#define BASIN_TESTS_SUPPORT_GZ_HPP

#include <string>
#include <zlib.h>

namespace basin::test {

inline void write_gz(std::string const& path, std::string const& bytes) {
  gzFile const file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

}  // namespace basin::test

#endif
