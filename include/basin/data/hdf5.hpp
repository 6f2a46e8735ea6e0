// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_HDF5_HPP
#define BASIN_DATA_HDF5_HPP

#include <basin/data/samples.hpp>
#include <basin/io/detail/hdf5.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace basin::data {

/// \brief The rows of one data set of an HDF5 file, read some at a time.
///
/// The first extent counts rows, the others are one row, row-major: (n) is n rows of one number, (n, height,
/// width, channels) n rows of height * width * channels. Floats of 16 to 64 bits and integers of 8 to 64 of
/// either byte order, contiguous, compact or in chunks with any filter that the library has. A number is
/// rounded to the type that is read, and refused where that does not reach it.
///
/// Speed: of a data set in chunks the chunks of as many rows as a chunk has are kept unpacked, at most 256 MiB
/// of them; read rows in ascending order, else chunks are unpacked again and again. Chunks of 0.25 to 4 MiB
/// that hold whole rows are read fastest. All calls of HDF5 by basin wait
/// for each other, whatever its build: a RowStream reads while a run writes a checkpoint.
///
/// The library's own parser reads the file's headers. HDF5 1.10 reads past its buffers in some files that were
/// made to break it, against which a data set in this format has no checksum: take files from whom you trust.
/// What it hands on is checked here before anything is allocated: extents that the file does not hold, numbers
/// that lie in other files, links to other files.
class Hdf5Rows {
 public:
  /// \param name  of the data set, with its groups: "train/images"
  /// \throws std::runtime_error if the file does not exist, is no HDF5 file, is cut, has no such data set, or
  ///         one that is no array of numbers, has no rows or no columns, lies in other files, was not written
  ///         to the end, has chunks above 256 MiB, or needs a filter that this HDF5 library has not
  Hdf5Rows(std::filesystem::path const& path, std::string name)
      : path_(path.string()), name_(std::move(name)), file_(open_file()), set_(open_set()) {
    io::detail::QuietHdf5 const quiet;
    Hdf5 const type(H5Dget_type(set_), H5Tclose), space(H5Dget_space(set_), H5Sclose);
    Hdf5 const creation(H5Dget_create_plist(set_), H5Pclose);
    if (!type || !space || !creation) refuse("cannot be opened");
    H5T_class_t const kind = H5Tget_class(type);
    is_integer_            = kind == H5T_INTEGER;
    if (kind != H5T_INTEGER && kind != H5T_FLOAT) refuse("holds no floats or integers");
    std::size_t const each = H5Tget_size(type);
    if (each > 8) refuse("has numbers of " + std::to_string(each) + " bytes, at most 8 are read");
    shape_ = io::detail::hdf5_shape(space);
    if (shape_.empty()) refuse("is no array: it has rank 0");
    std::uint64_t numbers = each;
    for (std::size_t const extent : shape_) {
      if (extent == 0) refuse("has shape " + shape_text() + ", every extent must be > 0");
      if (numbers > std::uint64_t(std::numeric_limits<std::int64_t>::max()) / extent)
        refuse("has shape " + shape_text() + ", more than this machine can address");
      numbers *= extent;
    }
    for (std::size_t r = 1; r < shape_.size(); ++r) dimension_ *= shape_[r];
    check_storage(creation, each, numbers);
    cache_chunks(creation, each);
  }

  std::uint64_t rows() const { return shape_[0]; }
  /// Numbers of a row.
  std::size_t dimension() const { return dimension_; }
  /// As in the file, rows first.
  std::vector<std::size_t> const& shape() const { return shape_; }

  /// \brief Reads 'count' rows from number 'first' on.
  ///
  /// \param to  (count, dimension), row-major, on the host
  /// \throws std::runtime_error if there are fewer rows, they cannot be read, or a number is out of the range
  ///         of the type that is read
  void read(std::uint64_t first, std::size_t count, float* to) const {
    read(first, count, H5T_NATIVE_FLOAT, to);
  }
  /// The same, in double.
  void read(std::uint64_t first, std::size_t count, double* to) const {
    read(first, count, H5T_NATIVE_DOUBLE, to);
  }
  /// The same of a data set of integers.
  /// \throws std::runtime_error also if it holds floats
  void read(std::uint64_t first, std::size_t count, int* to) const {
    if (!is_integer_) refuse("holds floats, and integers are asked for");
    read(first, count, H5T_NATIVE_INT, to);
  }

 private:
  using Hdf5                          = io::detail::Hdf5;
  static constexpr double most_cached = 0x1p28;  // bytes

  [[noreturn]] void refuse(std::string const& what) const {
    throw std::runtime_error("basin::data::Hdf5Rows: '" + path_ + "' data set '" + name_ + "' " +
                             what);
  }
  [[noreturn]] void refuse_file(std::string const& what) const {
    throw std::runtime_error("basin::data::Hdf5Rows: '" + path_ + "' " + what);
  }
  std::string shape_text() const {
    std::string text = "(";
    for (std::size_t r = 0; r < shape_.size(); ++r)
      text += (r == 0 ? "" : ", ") + std::to_string(shape_[r]);
    return text + ")";
  }

  Hdf5 open_file() const {
    io::detail::QuietHdf5 const quiet;
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) refuse_file("is no file");
    if (H5Fis_hdf5(path_.c_str()) <= 0) refuse_file("is no HDF5 file");
    Hdf5 file(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file) refuse_file("cannot be opened: it was cut, is damaged, or is being written");
    return file;
  }

  static herr_t refuse_other_files(char const*, char const*, char const*, char const*, unsigned*,
                                   hid_t, void*) {
    return -1;
  }
  Hdf5 open_set() const {
    io::detail::QuietHdf5 const quiet;
    Hdf5 const access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    H5Pset_elink_cb(access, refuse_other_files, nullptr);
    // The cache is that of cache_chunks, once the chunks are known.
    H5Pset_chunk_cache(access, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, 0, 1);
    Hdf5 set(H5Dopen2(file_, name_.c_str(), access), H5Dclose);
    if (!set) refuse_file("has no data set '" + name_ + "'; it has " + names());
    return set;
  }

  static herr_t add_name(hid_t file, char const* name, H5L_info_t const* link, void* to) {
    auto& names = *static_cast<std::vector<std::string>*>(to);
    if (link->type != H5L_TYPE_HARD) return 0;
    Hdf5 const object(H5Oopen(file, name, H5P_DEFAULT), H5Oclose);
    if (object && H5Iget_type(object) == H5I_DATASET) names.emplace_back(name);
    return names.size() < 50 ? 0 : 1;
  }
  // Of data sets.
  std::string names() const {
    std::vector<std::string> names;
    H5Lvisit(file_, H5_INDEX_NAME, H5_ITER_INC, add_name, &names);
    std::string text;
    for (std::string const& name : names) text += (text.empty() ? "" : ", ") + name;
    return names.empty() ? "none" : text + (names.size() < 50 ? "" : ", ...");
  }

  // What the header states must be there: whoever allocates rows() * dimension() numbers trusts it.
  void check_storage(hid_t creation, std::size_t each, std::uint64_t bytes) const {
    H5D_layout_t const layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) != 0)
      refuse("lies in other files");
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
      unsigned flags = 0, configuration = 0;
      std::size_t values = 0;
      char filter[64]    = "";
      H5Z_filter_t const number =
          H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr,
                         sizeof filter, filter, &configuration);
      if (H5Zfilter_avail(number) <= 0)
        refuse("is packed by filter " + std::to_string(number) + " '" + filter +
               "', which this HDF5 library has not");
    }
    if (layout == H5D_CHUNKED) {
      Hdf5 const space(H5Dget_space(set_), H5Sclose);
      std::vector<hsize_t> const chunk = chunk_of(creation);
      std::uint64_t expected           = 1;
      double of_chunk                  = static_cast<double>(each);
      for (std::size_t r = 0; r < shape_.size(); ++r) {
        expected *= (shape_[r] + chunk[r] - 1) / chunk[r];
        of_chunk *= static_cast<double>(chunk[r]);
      }
      if (of_chunk > most_cached) {
        std::ostringstream size;
        size << of_chunk;
        refuse("has chunks of " + size.str() + " bytes, at most 268435456 are unpacked");
      }
      hsize_t there = 0;
      if (H5Dget_num_chunks(set_, space, &there) < 0) refuse("has chunks that cannot be counted");
      if (there < expected)
        refuse("has " + std::to_string(there) + " of the " + std::to_string(expected) +
               " chunks of its shape " + shape_text() + "; the others were never written");
      if (H5Pget_nfilters(creation) != 0) return;
    }
    hsize_t const stored = H5Dget_storage_size(set_);
    hsize_t size         = 0;
    H5Fget_filesize(file_, &size);
    if (stored < bytes || size < bytes)
      refuse("has " + std::to_string(std::min(stored, size)) + " bytes, its shape " + shape_text() +
             " promises " + std::to_string(bytes));
  }

  std::vector<hsize_t> chunk_of(hid_t creation) const {
    std::vector<hsize_t> chunk(shape_.size(), 0);
    H5Pget_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
    for (hsize_t const extent : chunk)
      if (extent == 0) refuse("has chunks without numbers");
    return chunk;
  }

  // Opens the data set again with a cache for the chunks that lie beside each other in the same rows. The
  // library's default, 1 MiB, unpacks a larger chunk for every row.
  void cache_chunks(hid_t creation, std::size_t each) {
    if (H5Pget_layout(creation) != H5D_CHUNKED) return;
    std::vector<hsize_t> const chunk = chunk_of(creation);
    double bytes                     = static_cast<double>(each) * static_cast<double>(chunk[0]);
    double count                     = 1;
    for (std::size_t r = 1; r < shape_.size(); ++r) {
      double const across = static_cast<double>((shape_[r] + chunk[r] - 1) / chunk[r]);
      bytes *= across * static_cast<double>(chunk[r]);
      count *= across;
    }
    auto const cache = static_cast<std::size_t>(std::min(bytes, most_cached));
    // Slots: many times the chunks, so that none share one (H5Pset_chunk_cache advises 100 times).
    auto const slots = static_cast<std::size_t>(std::min(100 * count + 1, 100003.0));
    Hdf5 const access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    H5Pset_elink_cb(access, refuse_other_files, nullptr);
    H5Pset_chunk_cache(access, slots, cache, 1);
    set_.reset();
    set_.reset(H5Dopen2(file_, name_.c_str(), access));
    if (!set_) refuse("cannot be opened");
  }

  static H5T_conv_ret_t stop_out_of_range(H5T_conv_except_t what, hid_t from, hid_t, void* number,
                                          void*, void* out_of_range) {
    if (what != H5T_CONV_EXCEPT_RANGE_HI && what != H5T_CONV_EXCEPT_RANGE_LOW)
      return H5T_CONV_UNHANDLED;
    // The library's own double to float says so of infinity too.
    if (H5Tequal(from, H5T_NATIVE_DOUBLE) > 0) {
      double value = 0;
      std::memcpy(&value, number, sizeof value);
      if (std::isinf(value)) return H5T_CONV_UNHANDLED;
    }
    *static_cast<bool*>(out_of_range) = true;
    return H5T_CONV_ABORT;
  }
  void read(std::uint64_t first, std::size_t count, hid_t type, void* to) const {
    if (count > rows() || first > rows() - count)
      refuse("has " + std::to_string(rows()) + " rows, " + std::to_string(count) + " from row " +
             std::to_string(first) + " on are asked for");
    if (count == 0) return;
    io::detail::QuietHdf5 const quiet;
    Hdf5 const space(H5Dget_space(set_), H5Sclose);
    std::vector<hsize_t> start(shape_.size(), 0), extents(shape_.begin(), shape_.end());
    start[0]            = first;
    extents[0]          = count;
    hsize_t const total = static_cast<hsize_t>(count) * dimension_;
    Hdf5 const memory(H5Screate_simple(1, &total, nullptr), H5Sclose);
    Hdf5 const transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
    bool out_of_range = false;
    H5Pset_type_conv_cb(transfer, stop_out_of_range, &out_of_range);
    bool const there = H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr,
                                           extents.data(), nullptr) >= 0 &&
                       H5Dread(set_, type, memory, space, transfer, to) >= 0;
    std::string const rows =
        "rows " + std::to_string(first) + " to " + std::to_string(first + count - 1);
    if (out_of_range)
      refuse("has in " + rows + " a number out of the range of the type that is read");
    if (!there) refuse("cannot be read at " + rows);
  }

  std::string path_, name_;
  Hdf5 file_, set_;
  std::vector<std::size_t> shape_;
  std::size_t dimension_ = 1;
  bool is_integer_       = false;
};

/// \brief All rows of a data set of an HDF5 file, see Hdf5Rows.
///
/// \tparam R  Samples (float) or Table (double)
/// \return (rows, dimension)
/// \throws std::runtime_error as Hdf5Rows
template <Rows R = Samples>
R read_hdf5(std::filesystem::path const& path, std::string const& name) {
  Hdf5Rows const rows(path, name);
  R const all = detail::make_rows<R>(rows.rows(), rows.dimension());
  rows.read(0, rows.rows(), all.data());
  return all;
}

/// \brief A data set of integers of an HDF5 file as class labels.
///
/// \return (rows)
/// \throws std::runtime_error as Hdf5Rows, if a row has several numbers, or there are floats
inline Labels read_hdf5_labels(std::filesystem::path const& path, std::string const& name) {
  Hdf5Rows const rows(path, name);
  if (rows.dimension() != 1)
    throw std::runtime_error("basin::data::read_hdf5_labels: '" + path.string() + "' data set '" +
                             name + "' has " + std::to_string(rows.dimension()) +
                             " numbers a row, a label is one");
  Labels const labels = make_labels(rows.rows());
  rows.read(0, rows.rows(), labels.data());
  return labels;
}

}  // namespace basin::data

#endif
