// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_EVENT_FILE_HPP
#define BASIN_IO_EVENT_FILE_HPP

#include <basin/core/arithmetic.hpp>
#include <basin/train/metrics.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

// Format: TensorBoard's event files (tensorboard/compat/proto/event.proto, summary.proto,
// histogram.proto). A record: uint64 length, masked CRC-32C of these 8 bytes, the message, masked
// CRC-32C of it; little-endian. A message is Protocol Buffers, of which three wire types are needed.

namespace basin::io {

namespace detail {

/// CRC-32C (Castagnoli), polynomial 0x1EDC6F41, reflected.
inline std::uint32_t crc32c(std::string_view bytes) {
  static std::array<std::uint32_t, 256> const table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1u) ? 0x82f63b78u : 0u);
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (char const c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 255u];
  return ~crc;
}
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

/// A message of Protocol Buffers.
class Message {
 public:
  Message& integer(int field, std::uint64_t value) { return key(field, 0).varint(value); }
  Message& number(int field, double value) { return key(field, 1).raw(value); }
  Message& single(int field, float value) { return key(field, 5).raw(value); }
  Message& bytes(int field, std::string_view value) {
    key(field, 2).varint(value.size());
    text_ += value;
    return *this;
  }
  Message& message(int field, Message const& of) { return bytes(field, of.text_); }
  Message& numbers(int field, std::vector<double> const& values) {
    return bytes(field, {reinterpret_cast<char const*>(values.data()), 8 * values.size()});
  }
  std::string const& text() const { return text_; }

 private:
  Message& key(int field, unsigned wire) {
    return varint(static_cast<std::uint64_t>(field) << 3 | wire);
  }
  Message& varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>((value & 127) | 128);
    text_ += static_cast<char>(value);
    return *this;
  }
  template <class T>
  Message& raw(T value) {
    text_.append(reinterpret_cast<char const*>(&value), sizeof value);
    return *this;
  }
  std::string text_;
};

}  // namespace detail

/// Scalars, images and histograms for TensorBoard, in a file of its own for each process: point
/// tensorboard --logdir at the folder. Written at every call.
class EventFile {
 public:
  /// Makes "events.out.tfevents.<seconds>.<host>.<process>".
  ///
  /// \param from  the step at which a run resumes: what files of the same folder say of later ones is
  ///              then dropped by TensorBoard
  /// \throws std::runtime_error if it cannot be written
  explicit EventFile(std::filesystem::path const& folder, std::uint64_t from = 0)
      : path_(folder / name()), file_(std::fopen(path_.c_str(), "wbe"), std::fclose) {
    if (file_ == nullptr) fail();
    write(detail::Message().number(1, seconds()).bytes(3, "brain.Event:2"));
    if (from > 0)
      write(event(from + 1).message(7, detail::Message().integer(1, 1)));  // SessionLog::START
  }

  /// The entries of a report, by their names, and steps_per_second.
  void operator()(train::Metrics const& m) {
    detail::Message summary;
    auto const add = [&](std::string_view tag, double value) {
      summary.message(1, detail::Message().bytes(1, tag).single(2, static_cast<float>(value)));
    };
    for (train::Metrics::Entry const& entry : m) add(entry.quantity.name, entry.value);
    add("steps_per_second", m.steps_per_second);
    write(event(m.step).message(5, summary));
  }

  /// An image that is a PNG file in memory, see png_bytes.
  void image(std::string_view tag, std::uint64_t step, int height, int width,
             std::string_view png) {
    auto const of = detail::Message()
                        .integer(1, static_cast<std::uint64_t>(height))
                        .integer(2, static_cast<std::uint64_t>(width))
                        .integer(3, 3)
                        .bytes(4, png);
    value(step, detail::Message().bytes(1, tag).message(4, of));
  }

  /// A histogram of values in 'bins' cells of equal width from the least to the greatest finite one.
  void histogram(std::string_view tag, std::uint64_t step, std::vector<double> const& values,
                 int bins = 30) {
    double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0, squares = 0;
    double count = 0;
    for (double const v : values) {
      if (!std::isfinite(v)) continue;
      low = std::min(low, v), high = std::max(high, v), sum += v, squares += v * v, ++count;
    }
    if (count == 0) low = high = 0;
    auto const n = static_cast<std::size_t>(bins);
    std::vector<double> limits(n), counts(n);
    double const width = high > low ? (high - low) / bins : 1;
    for (std::size_t i = 0; i < n; ++i)
      limits[i] = i + 1 == n ? std::max(high, low + width) : low + width * double(i + 1);
    for (double const v : values) {
      if (!std::isfinite(v)) continue;
      auto const i = static_cast<std::size_t>(std::min((v - low) / width, double(n - 1)));
      ++counts[i];
    }
    auto const of = detail::Message()
                        .number(1, low)
                        .number(2, high)
                        .number(3, count)
                        .number(4, sum)
                        .number(5, squares)
                        .numbers(6, limits)
                        .numbers(7, counts);
    value(step, detail::Message().bytes(1, tag).message(5, of));
  }

  std::filesystem::path const& path() const { return path_; }

 private:
  static double seconds() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  static std::string name() {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), "%010lld", static_cast<long long>(seconds()));
    static int files = 0;
    return std::string("events.out.tfevents.") + time.data() + "." + host.data() + "." +
           std::to_string(::getpid()) + "." + std::to_string(files++);
  }
  static detail::Message event(std::uint64_t step) {
    return detail::Message().number(1, seconds()).integer(2, step);
  }
  void value(std::uint64_t step, detail::Message const& of) {
    write(event(step).message(5, detail::Message().message(1, of)));
  }
  void write(detail::Message const& message) {
    std::string const& text   = message.text();
    std::uint64_t const count = text.size();
    std::string record(reinterpret_cast<char const*>(&count), 8);
    auto const crc = [&](std::string_view of) {
      std::uint32_t const masked = detail::masked_crc32c(of);
      record.append(reinterpret_cast<char const*>(&masked), 4);
    };
    crc(std::string(record));
    record += text;
    crc(text);
    if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() ||
        std::fflush(file_.get()) != 0)
      fail();
  }
  [[noreturn]] void fail() const {
    throw std::runtime_error("basin::io::EventFile: '" + path_.string() +
                             "' cannot be written: " + std::strerror(errno));
  }

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace basin::io

#endif
