// SPDX-License-Identifier: Apache-2.0
// Input: a checkpoint; or what a file of HDF5 holds, which gets the end mark that fits it. The bytes of HDF5 itself are
// not changed behind their checksum: HDF5 1.10 reads past its buffers there.
#include <basin/io/checkpoint.hpp>

#include "fuzz/hdf5_image.hpp"
#include "fuzz/input.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace {

using basin::io::detail::Hdf5;

// A file of groups, links and data sets of many types, extents and layouts.
std::string file_of(FuzzedDataProvider& input) {
  basin::io::detail::QuietHdf5 const quiet;
  Hdf5 const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, 4096, 0);
  H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
  Hdf5 const file(H5Fcreate("input", H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  {
    Hdf5 const space(H5Screate(H5S_SCALAR), H5Sclose);
    std::uint64_t const format =
        input.ConsumeProbability<float>() < 0.9f ? 1 : input.ConsumeIntegral<std::uint64_t>();
    Hdf5 const a(H5Acreate2(file, "format", H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT),
                 H5Aclose);
    H5Awrite(a, H5T_NATIVE_UINT64, &format);
  }
  hid_t const types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE,  H5T_STD_I32LE,
                         H5T_STD_U8LE,   H5T_IEEE_F64BE,  H5T_NATIVE_LDOUBLE,
                         H5T_C_S1,       H5T_STD_REF_OBJ, H5T_STD_B64LE};
  while (input.remaining_bytes() > 0) {
    std::string name = input.PickValueInArray({"description", "run/x", "run/step", "a", "a/b"});
    if (input.ConsumeBool()) name += input.ConsumeBytesAsString(1);
    if (name.find('\0') != std::string::npos) continue;
    Hdf5 const links(H5Pcreate(H5P_LINK_CREATE), H5Pclose),
        layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(links, 1);
    int const kind = input.ConsumeIntegralInRange(0, 9);
    if (kind == 0) {
      H5Lcreate_soft("/run/x", file, name.c_str(), links, H5P_DEFAULT);
    } else if (kind == 1) {
      H5Lcreate_external("/etc/passwd", "/", file, name.c_str(), links, H5P_DEFAULT);
    } else if (kind == 2) {
      H5Gclose(H5Gcreate2(file, name.c_str(), links, H5P_DEFAULT, H5P_DEFAULT));
    } else {
      std::vector<hsize_t> extents(input.ConsumeIntegralInRange<std::size_t>(0, 3)),
          chunk(extents.size(), 1);
      for (hsize_t& e : extents)
        e = input.ConsumeBool() ? input.ConsumeIntegralInRange(0, 9)
                                : input.ConsumeIntegralInRange<std::int64_t>(0, 1ll << 40);
      Hdf5 const space(extents.empty() ? H5Screate(input.ConsumeBool() ? H5S_SCALAR : H5S_NULL)
                                       : H5Screate_simple(static_cast<int>(extents.size()),
                                                          extents.data(), nullptr),
                       H5Sclose);
      if (kind == 3 && !extents.empty())
        H5Pset_chunk(layout, static_cast<int>(chunk.size()), chunk.data());
      if (kind == 4) H5Pset_layout(layout, H5D_COMPACT);
      if (kind == 5) H5Pset_external(layout, "/etc/passwd", 0, 100);
      Hdf5 const set(H5Dcreate2(file, name.c_str(), input.PickValueInArray(types), space, links,
                                layout, H5P_DEFAULT),
                     H5Dclose);
    }
  }
  return basin::test::hdf5_image(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  bool const whole = input.ConsumeBool();
  std::string file;
  if (whole) {
    file = input.ConsumeRemainingBytesAsString();
  } else {
    file                          = file_of(input);
    std::uint64_t const numbers[] = {
        file.size(), basin::io::detail::crc32_of(
                         reinterpret_cast<unsigned char const*>(file.data()), file.size())};
    file += "basinend" + std::string(reinterpret_cast<char const*>(numbers), sizeof numbers);
  }
  basin::test::MemoryFile const in_memory(file);
  basin::test::read_or_refuse([&] {
    auto const read    = basin::io::read_checkpoint(in_memory.path());
    std::size_t stored = 0;
    for (auto const& [name, entry] : read.archive.entries()) stored += entry.bytes.size();
    basin::test::require(stored <= file.size(), "more was read than the file holds");
  });
  return 0;
}
