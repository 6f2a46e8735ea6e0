// SPDX-License-Identifier: Apache-2.0
// Input: what an HDF5 file holds: a data set of any type, extents, layout, chunks and filters, written or not, or a link.
// The bytes of HDF5 itself are not changed: HDF5 1.10 reads past its buffers there.
#include <basin/data/hdf5.hpp>

#include "fuzz/hdf5_image.hpp"
#include "fuzz/input.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using basin::io::detail::Hdf5;

std::string file_of(FuzzedDataProvider& input) {
  basin::io::detail::QuietHdf5 const quiet;
  Hdf5 const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, 4096, 0);
  if (input.ConsumeBool()) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  Hdf5 const file(H5Fcreate("input", H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  hid_t const types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE,  H5T_IEEE_F64BE, H5T_STD_I32LE,
                         H5T_STD_U8LE,   H5T_STD_U64BE,   H5T_STD_I16LE,  H5T_NATIVE_LDOUBLE,
                         H5T_C_S1,       H5T_STD_REF_OBJ, H5T_STD_B64LE};
  {
    int const kind = input.ConsumeIntegralInRange(0, 9);
    Hdf5 const layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    if (kind == 0) H5Lcreate_external("/etc/passwd", "/", file, "x", H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 1) H5Lcreate_soft("/x", file, "x", H5P_DEFAULT, H5P_DEFAULT);
    std::vector<hsize_t> extents(input.ConsumeIntegralInRange<std::size_t>(0, 4)), most, chunk;
    std::uint64_t numbers = 1;
    for (hsize_t& e : extents) {
      e = input.ConsumeBool() ? input.ConsumeIntegralInRange(0, 9)
                              : input.ConsumeIntegralInRange<std::int64_t>(0, 1ll << 40);
      numbers *= std::min<hsize_t>(e, 10000);
      most.push_back(kind > 4 ? H5S_UNLIMITED : e);
      chunk.push_back(input.ConsumeProbability<float>() < 0.9f
                          ? input.ConsumeIntegralInRange(1, 5)
                          : input.ConsumeIntegralInRange<std::int64_t>(1, 1ll << 32));
    }
    Hdf5 const space(extents.empty() ? H5Screate(input.ConsumeBool() ? H5S_SCALAR : H5S_NULL)
                                     : H5Screate_simple(static_cast<int>(extents.size()),
                                                        extents.data(), most.data()),
                     H5Sclose);
    if (kind > 3 && !extents.empty()) {
      H5Pset_chunk(layout, static_cast<int>(chunk.size()), chunk.data());
      if (input.ConsumeBool()) H5Pset_shuffle(layout);
      if (input.ConsumeBool()) H5Pset_deflate(layout, 9);
      if (input.ConsumeBool()) H5Pset_fletcher32(layout);
    }
    if (kind == 2) H5Pset_layout(layout, H5D_COMPACT);
    if (kind == 3 && input.ConsumeBool()) H5Pset_external(layout, "/etc/passwd", 0, 100);
    Hdf5 const set(H5Dcreate2(file, "x", input.PickValueInArray(types), space, H5P_DEFAULT, layout,
                              H5P_DEFAULT),
                   H5Dclose);
    if (set && numbers < 1000 && input.ConsumeBool()) {
      std::vector<double> values(numbers);
      for (double& value : values)
        value = input.ConsumeBool() ? input.ConsumeFloatingPoint<double>()
                                    : input.ConsumeIntegral<std::int8_t>();
      H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
  }
  return basin::test::hdf5_image(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  std::string const file = file_of(input);
  basin::test::MemoryFile const in_memory(file);
  basin::test::read_or_refuse([&] {
    basin::data::Hdf5Rows const rows(in_memory.path(), "x");
    basin::test::require(
        double(rows.rows()) * double(rows.dimension()) <= 2048.0 * double(file.size()),
        "the rows are in the file, packed or not");
    std::vector<float> all(rows.rows() * rows.dimension()), row(rows.dimension());
    rows.read(0, rows.rows(), all.data());
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(rows.rows(), 20); ++i) {
      rows.read(i, 1, row.data());
      for (std::size_t j = 0; j < row.size(); ++j) {
        float const other = all[i * row.size() + j];
        basin::test::require(row[j] == other || (std::isnan(row[j]) && std::isnan(other)),
                             "a row is that of the whole");
      }
    }
  });
  basin::test::read_or_refuse([&] { basin::data::read_hdf5_labels(in_memory.path(), "x"); });
  return 0;
}
