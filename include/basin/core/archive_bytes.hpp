// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_ARCHIVE_BYTES_HPP
#define BASIN_CORE_ARCHIVE_BYTES_HPP

#include <basin/core/archive.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace basin {

/// Entries of an archive as bytes, for a process of the same program.
inline std::string to_bytes(MemoryArchive::Entries const& entries) {
  std::string all;
  auto const number = [&](std::uint64_t n) {
    all.append(reinterpret_cast<char const*>(&n), sizeof n);
  };
  auto const bytes = [&](auto const& of) {
    number(of.size());
    all.append(reinterpret_cast<char const*>(of.data()), of.size());
  };
  number(entries.size());
  for (auto const& [name, entry] : entries) {
    bytes(name);
    bytes(entry.type);
    number(entry.shape.size());
    for (std::size_t const extent : entry.shape) number(extent);
    bytes(entry.bytes);
  }
  return all;
}

/// The entries of to_bytes.
inline MemoryArchive::Entries from_bytes(std::string_view all) {
  auto const number = [&] {
    std::uint64_t n = 0;
    std::memcpy(&n, all.data(), sizeof n);
    all.remove_prefix(sizeof n);
    return static_cast<std::size_t>(n);
  };
  auto const bytes = [&] {
    std::size_t const count = number();
    std::string_view of     = all.substr(0, count);
    all.remove_prefix(count);
    return of;
  };
  MemoryArchive::Entries entries;
  for (std::size_t left = number(); left > 0; --left) {
    std::string name(bytes());
    auto& entry = entries[std::move(name)];
    entry.type  = bytes();
    entry.shape.resize(number());
    for (std::size_t& extent : entry.shape) extent = number();
    auto const of = bytes();
    entry.bytes.assign(of.begin(), of.end());
  }
  return entries;
}

}  // namespace basin

#endif
