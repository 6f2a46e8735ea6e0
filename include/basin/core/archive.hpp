// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_ARCHIVE_HPP
#define BASIN_CORE_ARCHIVE_HPP

#include <basin/core/check.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin {

/// What a persistent object is saved to and loaded from. The object has one member,
///
///   template <Archive A> void archive(A& a) {
///     a("theta", theta_);    // a View, on host or device
///     a("step", step_);      // a scalar
///     a("mean", mean_);      // a std::vector of numbers or std::string: gets the length that was saved
///     a("buffer", buffer_);  // an object with a member archive: names become "buffer/..."
///     if constexpr (A::loads) graph_.clear();  // whatever depends on the contents
///   }
///
/// which names the same entries in each call. A loading archive calls it twice: first to check all
/// of them, with loads false, then to write them.
template <class A>
concept Archive = requires(A& a, std::uint64_t& number) {
  { A::loads } -> std::convertible_to<bool>;
  a("name", number);
};

namespace detail {

// Values of one type, in row-major order.
struct ArchiveEntry {
  std::string type;                // "f4", "f8", "i4", "u8", ...: kind and bytes
  std::vector<std::size_t> shape;  // empty: a scalar
  std::vector<unsigned char> bytes;
};

template <class T>
std::string type_name() {
  static_assert(std::is_arithmetic_v<T>,
                "basin::Archive: only numbers, Views and std::vectors of numbers, std::string, and "
                "objects with a member archive(a) can be archived.");
  char const kind = std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
  return kind + std::to_string(sizeof(T));
}

inline std::string shape_text(std::vector<std::size_t> const& shape) {
  std::ostringstream text;
  text << '(';
  for (std::size_t i = 0; i < shape.size(); ++i) text << (i > 0 ? ", " : "") << shape[i];
  text << ')';
  return text.str();
}

template <class View>
std::vector<std::size_t> shape_of(View const& view) {
  static_assert(
      View::rank() <= 1 || std::is_same_v<typename View::array_layout, Kokkos::LayoutRight>,
      "basin::Archive: a View of rank 2 or more must be LayoutRight.");
  std::vector<std::size_t> shape;
  for (std::size_t r = 0; r < View::rank(); ++r) shape.push_back(view.extent(r));
  return shape;
}

// A std::vector of numbers, or a text, which is bytes.
template <class T>
concept ArchivedSequence = requires(T& t, std::size_t n) {
  t.resize(n);
  { t.data() } -> std::convertible_to<typename T::value_type const*>;
  requires std::is_arithmetic_v<typename T::value_type>;
};
template <class Sequence>
std::string sequence_type() {
  using Number = typename Sequence::value_type;
  return type_name<std::conditional_t<std::same_as<Number, char>, unsigned char, Number>>();
}

// Shared by all passes: the names of nested objects, and the dispatch on View, sequence, scalar or
// object.
template <class Pass>
class ArchivePass {
 public:
  template <class T>
  void operator()(std::string_view name, T&& thing) {
    using Thing            = std::remove_cvref_t<T>;
    std::size_t const size = path_.size();
    path_ += path_.empty() ? "" : "/";
    path_ += name;
    if constexpr (Kokkos::is_view_v<Thing>) {
      if (!thing.span_is_contiguous())
        refuse("basin::Archive", "'", path_, "' is a View with gaps; give one without");
      static_cast<Pass&>(*this).view(path_, thing);
    } else if constexpr (requires { thing.archive(static_cast<Pass&>(*this)); }) {
      thing.archive(static_cast<Pass&>(*this));
    } else if constexpr (ArchivedSequence<Thing>) {
      static_cast<Pass&>(*this).sequence(path_, thing);
    } else {
      static_cast<Pass&>(*this).number(path_, thing);
    }
    path_.resize(size);
  }

 private:
  std::string path_;
};

}  // namespace detail

/// Objects in memory, by name.
///
/// An object is restored completely or not at all: before the first value is written all entries
/// are found and their type and shape checked (of a sequence the type alone), and none may be left
/// over. Device Views are copied,
/// which waits for all device work.
class MemoryArchive {
 public:
  using Entries = std::map<std::string, detail::ArchiveEntry, std::less<>>;

  MemoryArchive() = default;
  /// What a file held, see io::read_checkpoint.
  explicit MemoryArchive(Entries entries) : entries_(std::move(entries)) {}

  /// Stores an object under a name, replacing what was there under the names that it uses.
  template <class T>
  void save(std::string_view name, T& object) {
    std::string const prefix = std::string(name) + "/";
    std::erase_if(entries_, [&](auto const& e) { return e.first.starts_with(prefix); });
    Saver pass(entries_);
    pass(name, object);
  }

  /// Whether an object can be loaded: the sentence of load, and nothing is written.
  /// \throws std::invalid_argument as load
  template <class T>
  void check(std::string_view name, T& object) const {
    Checker check(entries_);
    check(name, object);
    check.none_left(std::string(name) + "/");
  }

  /// Loads a saved object.
  /// \throws std::invalid_argument naming what is missing, left over, or has another type or shape;
  ///         the object is then unchanged
  template <class T>
  void load(std::string_view name, T& object) const {
    check(name, object);
    Loader pass(entries_);
    pass(name, object);
  }

  bool has(std::string_view name) const { return entries_.contains(name); }
  /// Names "object/.../number", each with its type, shape and bytes.
  Entries const& entries() const { return entries_; }

 private:
  class Saver : public detail::ArchivePass<Saver> {
   public:
    static constexpr bool loads = false;
    explicit Saver(Entries& entries) : entries_(entries) {}

    template <class View>
    void view(std::string const& name, View const& view) {
      using T             = typename View::non_const_value_type;
      auto const host     = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
      auto const* bytes   = reinterpret_cast<unsigned char const*>(host.data());
      std::size_t const n = host.size() * sizeof(T);
      entries_[name]      = {
          detail::type_name<T>(), detail::shape_of(view),
          n > 0 ? std::vector<unsigned char>(bytes, bytes + n) : std::vector<unsigned char>()};
    }
    template <class Sequence>
    void sequence(std::string const& name, Sequence const& sequence) {
      auto const* bytes   = reinterpret_cast<unsigned char const*>(sequence.data());
      std::size_t const n = sequence.size() * sizeof(typename Sequence::value_type);
      entries_[name]      = {
          detail::sequence_type<Sequence>(),
          {sequence.size()},
          n > 0 ? std::vector<unsigned char>(bytes, bytes + n) : std::vector<unsigned char>()};
    }
    template <class T>
    void number(std::string const& name, T const& number) {
      auto const* bytes = reinterpret_cast<unsigned char const*>(&number);
      entries_[name]    = {detail::type_name<T>(), {}, {bytes, bytes + sizeof(T)}};
    }

   private:
    Entries& entries_;
  };

  class Checker : public detail::ArchivePass<Checker> {
   public:
    static constexpr bool loads = false;
    explicit Checker(Entries const& entries) : entries_(entries) {}

    template <class View>
    void view(std::string const& name, View const& view) {
      static_assert(!std::is_const_v<typename View::value_type>,
                    "basin::MemoryArchive: a View of const numbers cannot be loaded.");
      fits(name, detail::type_name<typename View::non_const_value_type>(), detail::shape_of(view));
    }
    template <class Sequence>
    void sequence(std::string const& name, Sequence const& sequence) {
      auto const found = entries_.find(name);
      bool const line  = found != entries_.end() && found->second.shape.size() == 1;
      std::vector<std::size_t> const shape(1, line ? found->second.shape[0] : sequence.size());
      fits(name, detail::sequence_type<Sequence>(), shape);
    }
    template <class T>
    void number(std::string const& name, T&) {
      fits(name, detail::type_name<std::remove_const_t<T>>(), {});
    }
    void none_left(std::string const& prefix) const {
      for (auto at = entries_.lower_bound(prefix);
           at != entries_.end() && at->first.starts_with(prefix); ++at)
        if (!used_.contains(at->first))
          refuse("basin::MemoryArchive", "'", at->first,
                 "' was saved, the object has no such entry");
    }

   private:
    void fits(std::string const& name, std::string const& type,
              std::vector<std::size_t> const& shape) {
      used_.insert(name);
      char const* who  = "basin::MemoryArchive";
      auto const found = entries_.find(name);
      if (found == entries_.end()) refuse(who, "'", name, "' was not saved");
      detail::ArchiveEntry const& entry = found->second;
      if (entry.type != type)
        refuse(who, "'", name, "' was saved with type ", entry.type, ", the object has ", type);
      if (entry.shape != shape)
        refuse(who, "'", name, "' was saved with shape ", detail::shape_text(entry.shape),
               ", the object has ", detail::shape_text(shape));
    }
    Entries const& entries_;
    std::set<std::string, std::less<>> used_;
  };

  class Loader : public detail::ArchivePass<Loader> {
   public:
    static constexpr bool loads = true;
    explicit Loader(Entries const& entries) : entries_(entries) {}

    template <class View>
    void view(std::string const& name, View const& view) const {
      auto const host   = Kokkos::create_mirror_view(view);
      auto const& bytes = entries_.find(name)->second.bytes;
      if (!bytes.empty()) std::memcpy(host.data(), bytes.data(), bytes.size());
      Kokkos::deep_copy(view, host);
    }
    template <class Sequence>
    void sequence(std::string const& name, Sequence& sequence) const {
      auto const& entry = entries_.find(name)->second;
      sequence.resize(entry.shape[0]);
      if (!entry.bytes.empty())
        std::memcpy(sequence.data(), entry.bytes.data(), entry.bytes.size());
    }
    template <class T>
    void number(std::string const& name, T& number) const {
      std::memcpy(&number, entries_.find(name)->second.bytes.data(), sizeof(T));
    }

   private:
    Entries const& entries_;
  };

  Entries entries_;
};

}  // namespace basin

#endif
