// SPDX-License-Identifier: Apache-2.0
// Expect: basin::RowSource: a source of rows needs 'std::uint64_t rows() const'
#include <basin/train/row_stream.hpp>

struct Rows {
  std::uint64_t rows() const { return 10; }
  std::size_t dimension() const { return 2; }
  void read(std::uint64_t, std::size_t, float*) const {}
};

#ifdef BASIN_EXPECT_REFUSAL
using Source = Kokkos::View<float**, Kokkos::HostSpace>;
#else
using Source = Rows;
#endif

basin::train::RowStream stream(Source source) { return basin::train::RowStream(source); }
