// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_NPY_HPP
#define BASIN_IO_NPY_HPP

#include <basin/io/detail/atomic_file.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Format: NumPy, numpy.lib.format, version 1.0: the bytes \x93NUMPY 1 0, a little-endian uint16
// with the length of the header, the header (a Python dictionary, padded with blanks so that data
// begin at a multiple of 64, ended by a newline), the values.

namespace basin::io {

namespace detail {

static_assert(std::endian::native == std::endian::little,
              "basin::io: npy files are read and written on little-endian machines only.");

inline constexpr std::string_view npy_magic("\x93NUMPY\x01\x00", 8);

// "<f4", "<i8", "|u1", ...
template <class Scalar>
std::string npy_type() {
  static_assert(std::same_as<Scalar, float> || std::same_as<Scalar, double> ||
                    (std::integral<Scalar> && !std::same_as<Scalar, char> &&
                     !std::same_as<Scalar, bool> && sizeof(Scalar) <= 8),
                "basin::io: npy arrays are of float, double or an integer type that is not char.");
  char const kind = std::floating_point<Scalar> ? 'f' : std::signed_integral<Scalar> ? 'i' : 'u';
  return std::string(sizeof(Scalar) == 1 ? "|" : "<") + kind + std::to_string(sizeof(Scalar));
}

// Advice for a file of another type: the scalar to read it as, if there is one.
inline std::string read_as(std::string_view type) {
  if (type == "'<f4'") return "; read it as float";
  if (type == "'<f8'") return "; read it as double";
  if (type == "'<i4'") return "; read it as int";
  return "";
}

// "(3, 4)", "(3,)"
inline std::string npy_shape(std::vector<std::size_t> const& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

template <class Scalar, int Rank>
struct npy_view;
template <class Scalar>
struct npy_view<Scalar, 1> {
  using type = Kokkos::View<Scalar*, Kokkos::LayoutRight, Kokkos::HostSpace>;
};
template <class Scalar>
struct npy_view<Scalar, 2> {
  using type = Kokkos::View<Scalar**, Kokkos::LayoutRight, Kokkos::HostSpace>;
};

// What follows 'key': in a header, without leading blanks; empty if there is no such key.
inline std::string_view npy_field(std::string_view header, std::string_view key) {
  std::size_t const at = header.find("'" + std::string(key) + "':");
  if (at == std::string_view::npos) return {};
  std::string_view field = header.substr(at + key.size() + 3);
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  return field;
}

// The extents of "(3, 4)" at the start of field; false if it is not such a tuple.
inline bool parse_npy_shape(std::string_view field, std::vector<std::size_t>& shape) {
  if (field.empty() || field[0] != '(' || field.find(')') == std::string_view::npos) return false;
  field = field.substr(1, field.find(')') - 1);
  while (true) {
    field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
    if (field.empty()) return true;
    std::size_t size  = 0;
    auto const result = std::from_chars(field.data(), field.data() + field.size(), size);
    if (result.ec == std::errc::result_out_of_range)
      size = std::numeric_limits<std::size_t>::max();
    else if (result.ec != std::errc())
      return false;
    shape.push_back(size);
    field.remove_prefix(static_cast<std::size_t>(result.ptr - field.data()));
    if (field.starts_with('L')) field.remove_prefix(1);  // a long integer of Python 2
    if (field.empty()) return true;
    if (field[0] != ',') return false;
    field.remove_prefix(1);
  }
}

// The header of a file, in Python's notation, and the number of bytes before the values.
struct NpyHeader {
  std::string type;   // with its quotes
  std::string order;  // of 'fortran_order': True or False
  std::vector<std::size_t> shape;
  std::size_t end = 0;
};

// The header of a file of 'size' bytes; read(n) returns its next n bytes, or as many as there are.
template <class Read, class Refuse>
NpyHeader read_npy_header(std::uintmax_t size, Read const& read, Refuse const& refuse) {
  std::string const start = read(10);
  if (start.size() < 10 || !start.starts_with(npy_magic.substr(0, 6)))
    refuse("is no NumPy file: it does not start with the bytes \\x93NUMPY");
  if (start[6] != 1 || start[7] != 0)
    refuse("has format version " + std::to_string(static_cast<unsigned char>(start[6])) + "." +
           std::to_string(static_cast<unsigned char>(start[7])) + ", not 1.0");
  std::size_t const length = static_cast<unsigned char>(start[8]) +
                             std::size_t(256) * static_cast<unsigned char>(start[9]);
  if (start.size() + length > size)
    refuse("ends after " + std::to_string(size) + " bytes, its header ends at " +
           std::to_string(start.size() + length));
  std::string const header     = read(length);
  std::string_view const type  = npy_field(header, "descr");
  std::string_view const order = npy_field(header, "fortran_order");
  NpyHeader found;
  if (type.empty() || order.empty() || !parse_npy_shape(npy_field(header, "shape"), found.shape))
    refuse("has no header with 'descr', 'fortran_order' and 'shape'");
  found.type  = type.substr(0, type.find_first_of(",}"));
  found.order = order.substr(0, order.find_first_of(",}"));
  found.end   = start.size() + length;
  return found;
}

// Number of values, of 'each' bytes. Checked before memory is allocated: a damaged shape may state
// anything.
template <class Refuse>
std::size_t count_npy_values(NpyHeader const& header, std::size_t each, std::uintmax_t file_size,
                             Refuse const& refuse) {
  std::size_t values = 1;
  for (std::size_t const size : header.shape) {
    if (size != 0 && values > std::numeric_limits<std::ptrdiff_t>::max() / each / size)
      refuse("has shape " + npy_shape(header.shape) + ", more than this machine can address");
    values *= size;
  }
  if (file_size - header.end != values * each)
    refuse("has " + std::to_string(file_size - header.end) + " bytes of data, its shape " +
           npy_shape(header.shape) + " promises " + std::to_string(values * each));
  return values;
}

// What stands before the values: magic, length and header, to a multiple of 64 bytes.
template <class Scalar>
std::string npy_start(std::vector<std::size_t> const& shape) {
  std::string header = "{'descr': '" + npy_type<Scalar>() +
                       "', 'fortran_order': False, 'shape': " + npy_shape(shape) + ", }";
  std::size_t const prefix = npy_magic.size() + 2;
  while ((prefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return std::string(npy_magic) + static_cast<char>(header.size() % 256) +
         static_cast<char>(header.size() / 256) + header;
}

// The bytes of an npy file of an array of any layout and space, in C order, to write(bytes, count).
template <class Array, class Write>
void write_npy_bytes(Array const& array, Write const& write) {
  using Scalar       = typename Array::non_const_value_type;
  int constexpr rank = static_cast<int>(Array::rank());
  static_assert(rank == 1 || rank == 2, "basin::io: the array must have rank 1 or 2.");
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, array);
  std::vector<std::size_t> shape;
  for (int r = 0; r < rank; ++r) shape.push_back(host.extent(r));
  std::string const start = npy_start<Scalar>(shape);
  write(start.data(), start.size());
  if constexpr (rank == 1) {
    for (std::size_t i = 0; i < host.extent(0); ++i) {
      Scalar const value = host(i);
      write(&value, sizeof(Scalar));
    }
  } else {
    std::vector<Scalar> row(host.extent(1));
    for (std::size_t i = 0; i < host.extent(0); ++i) {
      for (std::size_t j = 0; j < row.size(); ++j) row[j] = host(i, j);
      write(row.data(), row.size() * sizeof(Scalar));
    }
  }
}

// Uninitialized, of the shape in a header.
template <class Scalar, int Rank, class Refuse>
typename npy_view<Scalar, Rank>::type make_npy_array(NpyHeader const& header,
                                                     Refuse const& refuse) {
  std::vector<std::size_t> const& shape = header.shape;
  if (shape.size() != Rank)
    refuse("has shape " + npy_shape(shape) + " of rank " + std::to_string(shape.size()) + ", not " +
           std::to_string(Rank));
  auto const name = Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::io::NpyArray");
  if constexpr (Rank == 1)
    return typename npy_view<Scalar, Rank>::type(name, shape[0]);
  else
    return typename npy_view<Scalar, Rank>::type(name, shape[0], shape[1]);
}

}  // namespace detail

/// A host array as read_npy returns it: (size) or (rows, columns), in C order.
template <class Scalar, int Rank>
using NpyArray = typename detail::npy_view<Scalar, Rank>::type;

/// \brief Writes an array of rank 1 or 2 of float, double or integers as a NumPy file, in C order.
///
/// The file replaces an existing one only when it is complete. A device array is copied to the
/// host.
///
/// \param array  Kokkos::View, any layout and space; kernels that write it must have finished
/// \throws std::runtime_error if the file cannot be written
template <class Array>
void write_npy(std::filesystem::path const& path, Array const& array) {
  detail::AtomicFile file("basin::io::write_npy", path);
  detail::write_npy_bytes(array,
                          [&](void const* bytes, std::size_t count) { file.write(bytes, count); });
  file.commit();
}

/// \brief Reads a NumPy file, format version 1.0, little-endian, C order.
///
/// \tparam Scalar  float ('<f4'), double ('<f8') or an integer type (int is '<i4'), as in the file:
///                 nothing is converted
/// \tparam Rank    1 or 2, as in the file
/// \throws std::runtime_error if the file does not exist, is not a NumPy file of version 1.0, has
///         another type, order or rank, is truncated, or has more data than its header states
template <class Scalar, int Rank>
NpyArray<Scalar, Rank> read_npy(std::filesystem::path const& path) {
  static_assert(Rank == 1 || Rank == 2, "basin::io::read_npy: Rank must be 1 or 2.");
  auto const refuse = [&](std::string const& what) {
    throw std::runtime_error("basin::io::read_npy: '" + path.string() + "' " + what);
  };
  if (!std::filesystem::is_regular_file(path)) refuse("is no file");
  std::uintmax_t const file_size = std::filesystem::file_size(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse("cannot be opened");

  auto const header = detail::read_npy_header(
      file_size,
      [&](std::size_t count) {
        std::string bytes(count, '\0');
        file.read(bytes.data(), static_cast<std::streamsize>(count));
        bytes.resize(static_cast<std::size_t>(file.gcount()));
        return bytes;
      },
      refuse);
  std::string const expected = "'" + detail::npy_type<Scalar>() + "'";
  if (header.type != expected)
    refuse("has type " + header.type + ", not " + expected + detail::read_as(header.type));
  if (header.order != "False") refuse("has 'fortran_order' " + header.order + ", not False");
  std::size_t const values = detail::count_npy_values(header, sizeof(Scalar), file_size, refuse);
  // Not assigned: under g++ 12, assigning a View of Kokkos 4.6.99 damages its reference count.
  auto const array = detail::make_npy_array<Scalar, Rank>(header, refuse);
  file.read(reinterpret_cast<char*>(array.data()),
            static_cast<std::streamsize>(values * sizeof(Scalar)));
  if (static_cast<std::size_t>(file.gcount()) != values * sizeof(Scalar))
    refuse("cannot be read beyond " + std::to_string(file.gcount()) + " bytes of data");
  return array;
}

}  // namespace basin::io

#endif
