// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_NPZ_HPP
#define BASIN_IO_NPZ_HPP

#include <basin/io/npy.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
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
  std::size_t constexpr chunk = std::size_t(1) << 20;
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

// work(Stored()) for the type that a header names; false if it is not one of these.
template <class Work>
bool with_npy_type(std::string const& type, Work const& work) {
  auto const is = [&]<class Stored>(char const* name, Stored zero) {
    if (type != name) return false;
    work(zero);
    return true;
  };
  return is("'<f8'", double()) || is("'<f4'", float()) || is("'|u1'", std::uint8_t()) ||
         is("'|i1'", std::int8_t()) || is("'<u2'", std::uint16_t()) ||
         is("'<i2'", std::int16_t()) || is("'<u4'", std::uint32_t()) ||
         is("'<i4'", std::int32_t()) || is("'<u8'", std::uint64_t()) || is("'<i8'", std::int64_t());
}

template <class Scalar, class Stored, class Refuse>
Scalar from_npz(Stored value, Refuse const& refuse) {
  auto constexpr most = std::numeric_limits<Scalar>::max();
  bool fits           = true;
  if constexpr (std::integral<Scalar> && std::integral<Stored>)
    fits = std::in_range<Scalar>(value);
  else if constexpr (std::floating_point<Stored>)
    fits = !std::isfinite(value) || std::abs(value) <= most;
  if (!fits) {
    std::ostringstream what;
    what << "holds " << +value << ", the type asked for reaches " << +most;
    refuse(what.str());
  }
  return static_cast<Scalar>(value);
}

}  // namespace detail

/// \brief Reads one array of an archive that NumPy's savez or savez_compressed wrote.
///
/// The file may hold floats or integers of any width, in C or Fortran order; what is returned is in
/// C order, each value rounded to Scalar.
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
  detail::with_npy_type(header.type, [&]<class Stored>(Stored) {
    if (std::integral<Scalar> && !std::integral<Stored>)
      refuse("has type " + header.type + ", which is no integer; read it as float or double");
    each = sizeof(Stored);
  });
  if (each == 0) refuse("has type " + header.type + ", which is no float or integer of NumPy's");
  std::size_t const values = detail::count_npy_values(header, each, bytes.size(), refuse);
  auto const array         = detail::make_npy_array<Scalar, Rank>(header, refuse);
  detail::with_npy_type(header.type, [&]<class Stored>(Stored value) {
    for (std::size_t i = 0; i < values; ++i) {
      std::memcpy(&value, rest.data() + i * sizeof(Stored), sizeof(Stored));
      auto const number = detail::from_npz<Scalar>(value, refuse);
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
