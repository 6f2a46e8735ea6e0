// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_METRICS_HPP
#define BASIN_TRAIN_METRICS_HPP

#include <basin/core/check.hpp>
#include <basin/core/quantity.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace basin::train {

/// What training reports: a table of named means over the steps since the last report, at most
/// monitor_every of them.
///
/// First come the columns of the objective, then the derived entries: gap (energy_samples -
/// energy_data), energy_square, gradient_norm, learning_rate_factor, distance_samples,
/// diversity. Columns that an objective
/// lacks are absent: check with has(). Fixed capacity, no heap allocation.
class Metrics {
 public:
  struct Entry {
    Quantity quantity;
    double value;
  };
  static constexpr int capacity = 32;  ///< entries

  std::uint64_t step      = 0;  ///< training steps so far
  double steps_per_second = 0;  ///< since the last report

  /// Whether there is an entry with this name.
  bool has(std::string_view name) const { return find(name) != nullptr; }

  /// The value of an entry, for example m["gap"].
  /// \throws std::invalid_argument naming the existing entries
  double operator[](std::string_view name) const {
    if (Entry const* const entry = find(name)) return entry->value;
    std::string names;
    for (Entry const& e : *this) (names += names.empty() ? "" : ", ") += e.quantity.name;
    refuse("basin::train::Metrics", "there is no '", name, "'; there is ",
           names.empty() ? "nothing" : names);
  }

  /// Adds an entry after the others.
  /// \throws std::invalid_argument if the name is taken, or the table full
  void add(Quantity const& quantity, double value) {
    char const* who = "basin::train::Metrics";
    if (has(quantity.name)) refuse(who, "'", quantity.name, "' is there already");
    if (count_ == capacity)
      refuse(who, "'", quantity.name, "' would be one more than the ", +capacity,
             " entries that fit");
    entries_[static_cast<std::size_t>(count_++)] = {quantity, value};
  }

  int size() const { return count_; }
  Entry const* begin() const { return entries_.data(); }
  Entry const* end() const { return entries_.data() + count_; }

 private:
  Entry const* find(std::string_view name) const {
    for (Entry const& e : *this)
      if (name == e.quantity.name) return &e;
    return nullptr;
  }

  std::array<Entry, capacity> entries_{};
  int count_ = 0;
};

}  // namespace basin::train

#endif
