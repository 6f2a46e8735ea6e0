// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_DETAIL_SAFETENSORS_HEADER_HPP
#define BASIN_IO_DETAIL_SAFETENSORS_HEADER_HPP

#include <basin/core/archive.hpp>
#include <basin/core/check.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace basin::io::detail {

inline constexpr std::uint64_t safetensors_longest_header = 100'000'000;
inline constexpr std::string_view safetensors_metadata    = "__metadata__";

// One tensor of a header.
struct SafetensorsEntry {
  std::string name;
  std::string dtype              = {};
  std::vector<std::size_t> shape = {};
  std::uint64_t begin = 0, end = 0;  // of the numbers
};

// The bytes of numbers of 'each' bytes.
inline std::string safetensors_bytes(std::uint64_t each, std::vector<std::size_t> const& shape) {
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return "0";
  for (std::size_t const extent : shape) {
    if (each > std::numeric_limits<std::uint64_t>::max() / extent) return "more than 2^64";
    each *= extent;
  }
  return std::to_string(each);
}

/// The header of a file, read without a tree of its values, which keeps the last of two equal names.
class SafetensorsHeader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<SafetensorsEntry> tensors;  // in the order of their numbers
  std::map<std::string, std::string> metadata;

  /// \param text     the header
  /// \param numbers  bytes behind it
  /// \return what is wrong, or ""
  std::string read(std::string const& text, std::uint64_t numbers) {
    length_ = text.size();
    if (text.empty() || text[0] != '{')
      return "is no safetensors file: its header does not begin with '{'";
    if (!nlohmann::json::sax_parse(text, this)) return wrong_;
    return placed(numbers);
  }

  // What the parser calls; false ends it.
  bool null() override { return unexpected("null"); }
  bool boolean(bool value) override { return unexpected(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, string_t const& text) override { return unexpected(text); }
  bool binary(binary_t&) override { return unexpected("bytes"); }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      tensors.back().shape.push_back(value);
      return true;
    }
    if (place_ != Place::offsets) return unexpected(std::to_string(value));
    if (offsets_ == 2) return fail("has more than two data_offsets of '" + subject() + "'");
    (offsets_ == 0 ? tensors.back().begin : tensors.back().end) = value;
    ++offsets_;
    return true;
  }
  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      metadata[key_] = std::move(text);
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") return unexpected("'" + text + "'");
    if (text != "F32" && text != "F64")
      return fail("has '" + subject() + "' of dtype " + text + ", F32 and F64 are read");
    tensors.back().dtype = std::move(text);
    return true;
  }
  bool start_object(std::size_t) override {
    if (place_ == Place::before) {
      place_ = Place::file;
    } else if (place_ == Place::file) {
      keys_.clear();
      if (key_ == safetensors_metadata) {
        place_ = Place::metadata;
      } else {
        place_ = Place::tensor;
        tensors.push_back({key_});
      }
    } else {
      return unexpected("{");
    }
    return true;
  }
  bool key(string_t& text) override {
    auto& keys = place_ == Place::file ? names_ : keys_;
    key_       = std::move(text);
    if (!keys.insert(key_).second)
      return fail("has '" + key_ + "' twice" +
                  (place_ == Place::file ? "" : " in '" + subject() + "'"));
    if (place_ == Place::tensor && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets")
      return fail("has '" + key_ + "' in '" + subject() +
                  "', a tensor has dtype, shape and data_offsets");
    return true;
  }
  bool end_object() override {
    if (place_ == Place::tensor && keys_.size() < 3)
      return fail("has " + std::to_string(keys_.size()) + " entries in '" + subject() +
                  "', a tensor has dtype, shape and data_offsets");
    place_ = place_ == Place::file ? Place::before : Place::file;
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || (key_ != "shape" && key_ != "data_offsets"))
      return unexpected("[");
    place_   = key_ == "shape" ? Place::shape : Place::offsets;
    offsets_ = 0;
    return true;
  }
  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2)
      return fail("has " + std::to_string(offsets_) + " data_offsets of '" + subject() +
                  "', there are two");
    place_ = Place::tensor;
    return true;
  }
  bool parse_error(std::size_t position, std::string const&,
                   nlohmann::detail::exception const&) override {
    return fail("has a header of " + std::to_string(length_) + " bytes that is no JSON from byte " +
                std::to_string(position) + " on");
  }

 private:
  enum class Place { before, file, metadata, tensor, shape, offsets };

  bool fail(std::string what) {
    wrong_ = std::move(what);
    return false;
  }
  std::string subject() const {
    return place_ == Place::metadata || place_ == Place::file || tensors.empty()
               ? std::string(safetensors_metadata)
               : tensors.back().name;
  }
  bool unexpected(std::string const& what) {
    return fail("has " + what + " in its header where " +
                (place_ == Place::metadata  ? "a text of " + std::string(safetensors_metadata)
                 : place_ == Place::tensor  ? "the " + key_ + " of '" + subject() + "'"
                 : place_ == Place::shape   ? "an extent of '" + subject() + "'"
                 : place_ == Place::offsets ? "a data offset of '" + subject() + "'"
                                            : "'" + key_ + "'") +
                " should be");
  }

  // Whether the tensors lie one after the other, as their shapes say.
  std::string placed(std::uint64_t numbers) {
    std::sort(tensors.begin(), tensors.end(), [](auto const& a, auto const& b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (SafetensorsEntry const& t : tensors) {
      std::string const offsets =
          "'" + t.name + "' from byte " + std::to_string(t.begin) + " to " + std::to_string(t.end);
      if (t.begin != at)
        return "has " + offsets + ", the tensors before it end at " + std::to_string(at);
      if (t.end < t.begin || t.end > numbers)
        return "has " + offsets + ", there are " + std::to_string(numbers);
      std::string const takes = safetensors_bytes(t.dtype == "F32" ? 4 : 8, t.shape);
      if (takes != std::to_string(t.end - t.begin))
        return "has " + offsets + ", " + t.dtype + " of shape " +
               basin::detail::shape_text(t.shape) + " takes " + takes + " bytes";
      at = t.end;
    }
    if (at != numbers)
      return "has " + std::to_string(numbers) + " bytes of numbers, its tensors end at " +
             std::to_string(at);
    return "";
  }

  Place place_ = Place::before;
  std::set<std::string> names_, keys_;  // of the file, of the present object
  std::string key_, wrong_;
  int offsets_        = 0;
  std::size_t length_ = 0;
};

// The header of a file, and the numbers behind it.
struct SafetensorsLayout {
  std::string header;
  std::vector<std::vector<unsigned char> const*> numbers;
};

// Sorted by falling size of a number, then by name, as safetensors' own writer.
inline SafetensorsLayout lay_out_safetensors(char const* who, MemoryArchive::Entries const& tensors,
                                             std::map<std::string, std::string> const& metadata) {
  SafetensorsLayout layout;
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(safetensors_metadata)] = metadata;
  std::uint64_t at = 0;
  for (auto const& [name, entry] : tensors) {
    if (entry.type != "f4" && entry.type != "f8")
      refuse(who, "'", name, "' is of type ", entry.type, ", f4 and f8 are written");
    if (name == safetensors_metadata) refuse(who, "a tensor cannot have the name '", name, "'");
    std::string const takes = safetensors_bytes(entry.type == "f4" ? 4 : 8, entry.shape);
    if (takes != std::to_string(entry.bytes.size()))
      refuse(who, "'", name, "' has ", entry.bytes.size(), " bytes, ", entry.type, " of shape ",
             basin::detail::shape_text(entry.shape), " takes ", takes);
  }
  for (char const* const type : {"f8", "f4"})
    for (auto const& [name, entry] : tensors) {
      if (entry.type != type) continue;
      header[name] = {{"dtype", entry.type == "f4" ? "F32" : "F64"},
                      {"shape", entry.shape},
                      {"data_offsets", {at, at + entry.bytes.size()}}};
      at += entry.bytes.size();
      layout.numbers.push_back(&entry.bytes);
    }
  try {
    layout.header = header.dump();
  } catch (nlohmann::json::type_error const&) {
    refuse(who, "of ", tensors.size(), " names and ", metadata.size(), " texts one is not UTF-8");
  }
  layout.header.resize((layout.header.size() + 7) / 8 * 8, ' ');
  if (layout.header.size() > safetensors_longest_header)
    refuse(who, "the header of ", tensors.size(), " tensors has ", layout.header.size(),
           " bytes, one has at most ", +safetensors_longest_header);
  return layout;
}

}  // namespace basin::io::detail

#endif
