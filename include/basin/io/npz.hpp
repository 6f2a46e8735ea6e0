// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_NPZ_HPP
#define BASIN_IO_NPZ_HPP

#include <basin/core/check.hpp>
#include <basin/io/npy.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zip.h>

// Format: NumPy's savez and savez_compressed: a zip archive with a member 'name.npy' for each
// array.

namespace basin::io {

namespace detail {

// The names of the arrays of an archive, as 'X, y'.
inline std::string npz_names(zip_t* archive) {
  std::string names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    std::string_view name = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    if (!name.ends_with(".npy")) continue;
    name.remove_suffix(4);
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names.empty() ? "none" : names;
}

// The bytes of one array's .npy file, unpacked and checked against its CRC-32.
inline std::string read_npz_member(std::filesystem::path const& path, std::string const& name) {
  auto const refuse = [&](std::string const& what) {
    throw std::runtime_error("basin::io::read_npz: '" + path.string() + "' " + what);
  };
  if (!std::filesystem::is_regular_file(path)) refuse("is no file");
  int code = 0;
  std::unique_ptr<zip_t, void (*)(zip_t*)> const archive(zip_open(path.c_str(), ZIP_RDONLY, &code),
                                                         zip_discard);
  if (code == ZIP_ER_NOZIP) refuse("is no zip archive");
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string const reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    refuse("cannot be opened: " + reason);
  }
  zip_int64_t const at = zip_name_locate(archive.get(), (name + ".npy").c_str(), 0);
  if (at < 0) refuse("has no array '" + name + "'; it has " + npz_names(archive.get()));
  std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> const member(
      zip_fopen_index(archive.get(), static_cast<zip_uint64_t>(at), 0), zip_fclose);
  if (member == nullptr)
    refuse("array '" + name + "' cannot be read: " + zip_strerror(archive.get()));

  // Grows by what was actually read: a damaged archive may state more than memory holds. The read
  // that finds the end makes libzip check the CRC.
  std::size_t constexpr chunk = std::size_t(1) << 16;
  std::string bytes;
  while (true) {
    std::size_t const before = bytes.size();
    bytes.resize(before + chunk);
    zip_int64_t const got = zip_fread(member.get(), bytes.data() + before, chunk);
    if (got < 0)
      refuse("array '" + name + "' cannot be read beyond " + std::to_string(before) +
             " bytes: " + zip_file_strerror(member.get()));
    bytes.resize(before + static_cast<std::size_t>(got));
    if (got == 0) return bytes;
  }
}

// A float of 16 bits, IEEE 754 binary16.
struct Half {
  std::uint16_t bits;

  float number() const {
    int const exponent = bits >> 10 & 31, fraction = bits & 1023;
    float const size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                       : exponent < 31
                           ? std::ldexp(static_cast<float>(1024 + fraction), exponent - 25)
                       : fraction == 0 ? std::numeric_limits<float>::infinity()
                                       : std::numeric_limits<float>::quiet_NaN();
    return (bits & 0x8000) != 0 ? -size : size;
  }
};

// work.operator()<Stored>() for the type that a header names, of either byte order; false if it is
// not one of these.
template <class Work>
bool with_npy_type(std::string const& type, Work const& work) {
  // "'<f8'": its byte order, kind and bytes.
  if (type.size() != 5 || std::string_view("<>|=").find(type[1]) == std::string_view::npos)
    return false;
  std::string_view const kind = std::string_view(type).substr(2, 2);
  auto const is               = [&]<class Stored>(char const* name, Stored) {
    if (kind != name) return false;
    work.template operator()<Stored>();
    return true;
  };
  return is("f8", double()) || is("f4", float()) || is("f2", Half()) || is("u1", std::uint8_t()) ||
         is("i1", std::int8_t()) || is("u2", std::uint16_t()) || is("i2", std::int16_t()) ||
         is("u4", std::uint32_t()) || is("i4", std::int32_t()) || is("u8", std::uint64_t()) ||
         is("i8", std::int64_t());
}

// The number of these bytes.
template <class Stored>
auto npy_number(char const* bytes, bool big_endian) {
  std::array<char, sizeof(Stored)> little;
  std::copy_n(bytes, sizeof(Stored), little.begin());
  if (big_endian) std::reverse(little.begin(), little.end());
  auto const value = std::bit_cast<Stored>(little);
  if constexpr (std::same_as<Stored, Half>)
    return value.number();
  else
    return value;
}

template <class Scalar, class Stored, class Refuse>
Scalar from_npz(Stored value, Refuse const& refuse) {
  auto constexpr most = std::numeric_limits<Scalar>::max();
  bool fits           = true;
  if constexpr (std::integral<Scalar> && std::integral<Stored>)
    fits = std::in_range<Scalar>(value);
  else if constexpr (std::floating_point<Stored>)
    fits = !std::isfinite(value) || std::isfinite(static_cast<Scalar>(value));
  if (!fits) {
    std::ostringstream what;
    what << "holds " << +value << ", the type asked for reaches " << +most;
    refuse(what.str());
  }
  return static_cast<Scalar>(value);
}

}  // namespace detail

/// An array of an archive that is written: its name and its bytes, which are a copy.
class NamedArray {
 public:
  /// \param name   of the array, without '.npy'
  /// \param array  Kokkos::View of rank 1 or 2 of float, double or integers, any layout and space; kernels
  ///               that write it must have finished
  template <class Array>
  NamedArray(std::string name, Array const& array) : name_(std::move(name)) {
    detail::write_npy_bytes(array, [&](void const* bytes, std::size_t count) {
      bytes_.append(static_cast<char const*>(bytes), count);
    });
  }
  std::string const& name() const { return name_; }
  std::string const& bytes() const { return bytes_; }

 private:
  std::string name_;
  std::string bytes_;  // of an npy file
};

/// \brief Writes arrays as NumPy's savez does, or savez_compressed.
///
///   write_npz("set.npz", {{"X", points}, {"y", labels}});
///
/// The archive is made in memory. The file replaces an existing one only when it is complete. Equal
/// arrays give equal bytes: members have no time.
///
/// \param packed  by deflate
/// \throws std::invalid_argument if there are no arrays, or a name is empty or there twice
/// \throws std::runtime_error if the file cannot be written
inline void write_npz(std::filesystem::path const& path, std::vector<NamedArray> const& arrays,
                      bool packed = false) {
  char const* const who = "basin::io::write_npz";
  if (arrays.empty()) refuse(who, "there are 0 arrays, must be >= 1");
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i].name().empty()) refuse(who, "array ", i, " has no name");
    for (std::size_t j = 0; j < i; ++j)
      if (arrays[j].name() == arrays[i].name())
        refuse(who, "arrays ", j, " and ", i, " have the name '", arrays[i].name(), "'");
  }
  zip_error_t error;
  zip_error_init(&error);
  auto const fail = [&](std::string const& reason) {
    throw std::runtime_error(std::string(who) + ": '" + path.string() +
                             "' cannot be written: " + reason);
  };
  // Kept for what is read of it once the archive is closed; the archive has a count of its own.
  std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> const target(
      zip_source_buffer_create(nullptr, 0, 0, &error), zip_source_free);
  if (target == nullptr) fail(zip_error_strerror(&error));
  zip_source_keep(target.get());
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive(
      zip_open_from_source(target.get(), ZIP_TRUNCATE, &error), zip_discard);
  if (archive == nullptr) {
    zip_source_free(target.get());
    fail(zip_error_strerror(&error));
  }
  for (NamedArray const& array : arrays) {
    zip_source_t* const source =
        zip_source_buffer(archive.get(), array.bytes().data(), array.bytes().size(), 0);
    zip_int64_t const at =
        source == nullptr ? -1
                          : zip_file_add(archive.get(), (array.name() + ".npy").c_str(), source, 0);
    if (at < 0) {
      zip_source_free(source);
      fail(zip_strerror(archive.get()));
    }
    auto const index = static_cast<zip_uint64_t>(at);
    if (zip_set_file_compression(archive.get(), index, packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) !=
            0 ||
        zip_file_set_dostime(archive.get(), index, 0, 33, 0) != 0)  // 1980-01-01, as NumPy
      fail(zip_strerror(archive.get()));
  }
  if (zip_close(archive.get()) != 0) fail(zip_strerror(archive.get()));
  archive.release();

  detail::AtomicFile file(who, path);
  if (zip_source_open(target.get()) != 0) fail(zip_error_strerror(zip_source_error(target.get())));
  std::vector<char> part(std::size_t(1) << 16);
  zip_int64_t got = 0;
  while ((got = zip_source_read(target.get(), part.data(), part.size())) > 0)
    file.write(part.data(), static_cast<std::size_t>(got));
  zip_source_close(target.get());
  if (got < 0) fail(zip_error_strerror(zip_source_error(target.get())));
  file.commit();
}

/// \brief Reads one array of an archive that NumPy's savez or savez_compressed wrote.
///
/// The file may hold floats of 16, 32 or 64 bits or integers of 8 to 64, of either byte order, in C or
/// Fortran order; what is returned is in C order, each value rounded to Scalar.
///
/// \tparam Scalar  float, double or a signed integer type; an integer type reads integers only
/// \tparam Rank    1 or 2, as in the file
/// \param name     of the array, without '.npy'
/// \throws std::runtime_error if the file does not exist, is not a zip archive, has no such array,
///         or the array is damaged, not a NumPy array of version 1.0, of another type or rank, or
///         holds a value out of Scalar's range
template <class Scalar, int Rank>
NpyArray<Scalar, Rank> read_npz(std::filesystem::path const& path, std::string const& name) {
  static_assert(Rank == 1 || Rank == 2, "basin::io::read_npz: Rank must be 1 or 2.");
  static_assert(std::same_as<Scalar, float> || std::same_as<Scalar, double> ||
                    (std::signed_integral<Scalar> && !std::same_as<Scalar, char>),
                "basin::io::read_npz: arrays are of float, double or a signed integer type.");
  auto const refuse = [&](std::string const& what) {
    throw std::runtime_error("basin::io::read_npz: '" + path.string() + "' array '" + name + "' " +
                             what);
  };
  std::string const bytes = detail::read_npz_member(path, name);
  std::string_view rest   = bytes;
  auto const read         = [&](std::size_t count) {
    std::string const part(rest.substr(0, count));
    rest.remove_prefix(part.size());
    return part;
  };
  auto const header  = detail::read_npy_header(bytes.size(), read, refuse);
  bool const fortran = header.order == "True";
  if (!fortran && header.order != "False")
    refuse("has 'fortran_order' " + header.order + ", neither True nor False");

  std::size_t each = 0;
  detail::with_npy_type(header.type, [&]<class Stored>() {
    if (std::integral<Scalar> && !std::integral<Stored>)
      refuse("has type " + header.type + ", which is no integer; read it as float or double");
    each = sizeof(Stored);
  });
  if (each == 0)
    refuse("has type " + header.type +
           ", which is no float or integer of NumPy's of 64 bits or fewer");
  std::size_t const values = detail::count_npy_values(header, each, bytes.size(), refuse);
  auto const array         = detail::make_npy_array<Scalar, Rank>(header, refuse);
  bool const big_endian    = header.type[1] == '>';
  detail::with_npy_type(header.type, [&]<class Stored>() {
    for (std::size_t i = 0; i < values; ++i) {
      auto const number = detail::from_npz<Scalar>(
          detail::npy_number<Stored>(rest.data() + i * sizeof(Stored), big_endian), refuse);
      if constexpr (Rank == 1)
        array(i) = number;
      else if (fortran)
        array(i % array.extent(0), i / array.extent(0)) = number;
      else
        array(i / array.extent(1), i % array.extent(1)) = number;
    }
  });
  return array;
}

}  // namespace basin::io

#endif
