// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_DETAIL_HDF5_HPP
#define BASIN_IO_DETAIL_HDF5_HPP

#include <basin/core/arithmetic.hpp>

#include <cstddef>
#include <hdf5.h>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace basin::io::detail {

/// Held by every call: a build of HDF5 without threads has state that they share, and a run writes
/// checkpoints while another thread reads rows.
inline std::recursive_mutex& hdf5_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

/// An object of HDF5's C API, closed at the end of its scope; false where the call that made it failed.
class Hdf5 {
 public:
  Hdf5(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Hdf5(Hdf5&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5& operator=(Hdf5&&) = delete;
  ~Hdf5() { reset(); }
  /// Closes the object and has another one of its kind, or none.
  void reset(hid_t id = H5I_INVALID_HID) {
    if (id_ >= 0) {
      std::lock_guard const lock(hdf5_mutex());
      close_(id_);
    }
    id_ = id;
  }
  explicit operator bool() const { return id_ >= 0; }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// Within its scope no other thread calls HDF5, and it prints nothing: our sentence says what failed.
class QuietHdf5 {
 public:
  QuietHdf5() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  QuietHdf5(QuietHdf5 const&)            = delete;
  QuietHdf5& operator=(QuietHdf5 const&) = delete;
  ~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

 private:
  std::lock_guard<std::recursive_mutex> lock_{hdf5_mutex()};
  H5E_auto2_t function_ = nullptr;
  void* data_           = nullptr;
};

/// The type in a file of "f4", "i8", "u1", ...: little-endian; negative if there is none. (The names are
/// macros with a comma, which nvcc does not take in a braced list.)
inline hid_t hdf5_type(std::string const& name) {
  if (name == "f4") return H5T_IEEE_F32LE;
  if (name == "f8") return H5T_IEEE_F64LE;
  if (name == "i1") return H5T_STD_I8LE;
  if (name == "i2") return H5T_STD_I16LE;
  if (name == "i4") return H5T_STD_I32LE;
  if (name == "i8") return H5T_STD_I64LE;
  if (name == "u1") return H5T_STD_U8LE;
  if (name == "u2") return H5T_STD_U16LE;
  if (name == "u4") return H5T_STD_U32LE;
  if (name == "u8") return H5T_STD_U64LE;
  return H5I_INVALID_HID;
}

/// The name of a type in a file, or "" if it is no little-endian number.
inline std::string hdf5_type_name(hid_t type) {
  for (char const* const name : {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
    if (H5Tequal(type, hdf5_type(name)) > 0) return name;
  return "";
}

/// The extents of a data set; empty for a scalar.
inline std::vector<std::size_t> hdf5_shape(hid_t space) {
  int const rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extents(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

}  // namespace basin::io::detail

#endif
