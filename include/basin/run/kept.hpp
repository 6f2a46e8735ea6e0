// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_KEPT_HPP
#define BASIN_RUN_KEPT_HPP

#include <basin/core/archive.hpp>
#include <basin/core/check.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace basin::run {

/// An object of the program that lasts with a run: what it archives is "user/<name>/..." of each
/// checkpoint. It must live as long as the call of fit.
class Kept {
 public:
  /// What a run never changes and a resumed one must have again, to the bit, such as the normalization of
  /// its data: another one is refused by its name.
  template <class T>
  static Kept constant(std::string name, T& object) {
    return {std::move(name), object, true};
  }
  /// What the program changes while it runs: a resumed run loads it.
  template <class T>
  static Kept state(std::string name, T& object) {
    return {std::move(name), object, false};
  }

  std::string const& name() const { return name_; }
  std::string entry() const { return "user/" + name_; }

  void save(MemoryArchive& archive) const { save_(archive, entry(), object_); }
  /// \throws std::invalid_argument if it cannot be loaded, or is a constant of other contents
  void check(std::string const& path, MemoryArchive const& archive) const;
  /// Loads a state; check comes before.
  void load(MemoryArchive const& archive) const {
    if (!is_constant_) load_(archive, entry(), object_);
  }

 private:
  template <class T>
  Kept(std::string name, T& object, bool is_constant)
      : name_(std::move(name)), object_(&object), is_constant_(is_constant) {
    if (name_.empty() || name_.find('/') != std::string::npos)
      refuse("basin::run::Kept", "a name has letters and no '/', got '", name_, "'");
    save_ = [](MemoryArchive& a, std::string const& entry, void* t) {
      a.save(entry, *static_cast<T*>(t));
    };
    check_ = [](MemoryArchive const& a, std::string const& entry, void* t) {
      a.check(entry, *static_cast<T*>(t));
    };
    load_ = [](MemoryArchive const& a, std::string const& entry, void* t) {
      a.load(entry, *static_cast<T*>(t));
    };
  }

  std::string name_;
  void* object_;
  bool is_constant_;
  void (*save_)(MemoryArchive&, std::string const&, void*);
  void (*check_)(MemoryArchive const&, std::string const&, void*);
  void (*load_)(MemoryArchive const&, std::string const&, void*);
};

namespace detail {

// Value i of an entry.
inline std::string value_text(basin::detail::ArchiveEntry const& entry, std::size_t i) {
  std::ostringstream text;
  text.precision(17);
  auto const is = [&]<class T>(T value) {
    if (entry.type != basin::detail::type_name<T>()) return false;
    std::memcpy(&value, entry.bytes.data() + i * sizeof(T), sizeof(T));
    text << +value;
    return true;
  };
  static_cast<void>(is(float()) || is(double()) || is(std::int8_t()) || is(std::int16_t()) ||
                    is(std::int32_t()) || is(std::int64_t()) || is(std::uint8_t()) ||
                    is(std::uint16_t()) || is(std::uint32_t()) || is(std::uint64_t()));
  return text.str();
}

// Refuses entries of a checkpoint that the program keeps no object for.
inline void check_all_kept(std::string const& path, MemoryArchive const& archive,
                           std::vector<Kept> const& keep) {
  std::string_view const prefix = "user/";
  for (auto at = archive.entries().lower_bound(prefix);
       at != archive.entries().end() && at->first.starts_with(prefix); ++at) {
    std::string_view name = at->first;
    name.remove_prefix(prefix.size());
    name         = name.substr(0, name.find('/'));
    bool is_kept = false;
    for (Kept const& kept : keep) is_kept = is_kept || kept.name() == name;
    if (!is_kept)
      refuse("basin::run::fit", "'", path, "' has '", at->first,
             "', this program keeps no object '", name, "'; write it in Hooks::keep");
  }
}

inline void check_names(std::vector<Kept> const& keep) {
  for (std::size_t i = 0; i < keep.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (keep[i].name() == keep[j].name())
        refuse("basin::run::fit", "Hooks::keep has the name '", keep[i].name(), "' twice");
}

}  // namespace detail

inline void Kept::check(std::string const& path, MemoryArchive const& archive) const {
  check_(archive, entry(), object_);
  if (!is_constant_) return;
  MemoryArchive own;
  save(own);
  for (auto const& [name, now] : own.entries()) {
    basin::detail::ArchiveEntry const& was = archive.entries().find(name)->second;
    if (was.shape != now.shape)
      refuse("basin::run::fit", "'", name, "' of '", path, "' has shape ",
             basin::detail::shape_text(was.shape), ", this program's has ",
             basin::detail::shape_text(now.shape), "; it is a constant of the run");
    for (std::size_t at = 0; at < now.bytes.size(); ++at)
      if (was.bytes[at] != now.bytes[at]) {
        std::size_t values = 1;
        for (std::size_t const size : now.shape) values *= size;
        std::size_t const i = at / (now.bytes.size() / values);
        refuse("basin::run::fit", "'", name, "' of '", path, "' is ", detail::value_text(was, i),
               " at ", i, ", this program's ", detail::value_text(now, i),
               "; it is a constant of the run");
      }
  }
}

}  // namespace basin::run

#endif
