// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_FIELD_HPP
#define BASIN_CORE_FIELD_HPP

#include <basin/core/check.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin {

/// The name, unit and meaning of an option.
struct Field {
  char const* name;  ///< the name of the member
  char const* unit;  ///< for example "x" or "steps"; "1": none
  char const* help;  ///< half a sentence
};

/// The allowed range of an option.
struct Range {
  double low        = -std::numeric_limits<double>::infinity();
  double high       = std::numeric_limits<double>::infinity();
  bool without_low  = false;
  bool without_high = false;
  bool is_finite    = false;

  /// The same, without infinity.
  constexpr Range finite() const { return {low, high, without_low, without_high, true}; }

  /// NaN is only in the unbounded range.
  template <class T>
  constexpr bool contains(T value) const {
    double const x = static_cast<double>(value), infinity = std::numeric_limits<double>::infinity();
    if (low == -infinity && high == infinity && !is_finite) return true;
    if (!(without_low ? x > low : x >= low) || !(without_high ? x < high : x <= high)) return false;
    return !is_finite || (x != infinity && x != -infinity);
  }

  /// "> 0 and finite", "in [0, 1)", or "" for all numbers.
  std::string text() const {
    double const infinity = std::numeric_limits<double>::infinity();
    std::ostringstream s;
    s.precision(10);  // integers without an exponent
    if (low > -infinity && high < infinity)
      s << "in " << (without_low ? '(' : '[') << low << ", " << high << (without_high ? ')' : ']');
    else if (low > -infinity)
      s << (without_low ? "> " : ">= ") << low;
    else if (high < infinity)
      s << (without_high ? "< " : "<= ") << high;
    if (is_finite) s << (s.str().empty() ? "finite" : " and finite");
    return s.str();
  }
};

/// The ranges for use in options.
namespace range {

inline constexpr Range any{};
constexpr Range at_least(double low) { return {.low = low}; }
constexpr Range above(double low) { return {.low = low, .without_low = true}; }
/// [low, high]
constexpr Range closed(double low, double high) { return {.low = low, .high = high}; }
/// [low, high)
constexpr Range right_open(double low, double high) {
  return {.low = low, .high = high, .without_high = true};
}
/// (low, high]
constexpr Range left_open(double low, double high) {
  return {.low = low, .high = high, .without_low = true};
}

}  // namespace range

namespace detail {

// Converts to any member of an aggregate, to test how many it has.
template <class Aggregate>
struct AnyMember {
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, Aggregate>)
  constexpr operator T() const noexcept;
};
template <class Aggregate, std::size_t>
using any_member = AnyMember<Aggregate>;

template <class T, std::size_t... i>
constexpr bool takes(std::index_sequence<i...>) {
  return requires { T{any_member<T, i>{}...}; };
}
// The number of members of an aggregate: the maximum number of initializers.
template <class T, std::size_t most = 32>
constexpr std::size_t member_count() {
  if constexpr (most == 0)
    return 0;
  else if constexpr (takes<T>(std::make_index_sequence<most>()))
    return most;
  else
    return member_count<T, most - 1>();
}

struct CountFields {
  std::size_t count = 0;
  template <class T>
  constexpr void operator()(Field const&, T const&, Range const& = {}) {
    ++count;
  }
  template <class T>
  constexpr void nested(char const*, T const&) {
    ++count;
  }
};

template <class Options>
constexpr std::size_t field_count() {
  Options const options{};
  CountFields counter;
  Options::fields(options, counter);
  return counter.count;
}

}  // namespace detail

/// Options that describe their fields once, in the order of the members:
///
///   template <class Self, class F>
///   static constexpr void fields(Self& self, F&& f) {
///     f(Field{"learning_rate", "theta", "size of a step"}, self.learning_rate, range::above(0));
///     f.nested("sampler", self.sampler);
///   }
///
/// A field without a range accepts any value. Self is Options, or Options const. The default is
/// that of the member.
template <class Options>
concept HasFields =
    requires(Options const& options, detail::CountFields& f) { Options::fields(options, f); };

namespace detail {

// Options with members that cannot be constexpr (heap arrays) are not counted.
template <class Options>
concept CountsFields =
    requires { typename std::integral_constant<std::size_t, field_count<Options>()>; };

}  // namespace detail

/// Whether every member is described. For a static_assert after the options.
template <HasFields Options>
inline constexpr bool describes_all_fields = true;
template <HasFields Options>
  requires detail::CountsFields<Options>
inline constexpr bool describes_all_fields<Options> =
    detail::field_count<Options>() == detail::member_count<Options>();

namespace detail {

struct CheckFields {
  char const* who;
  template <class T>
  void operator()(Field const& field, T const& value, Range const& range = {}) const {
    if constexpr (std::is_arithmetic_v<T>)
      if (!range.contains(value))
        refuse(who, field.name, " must be ", range.text(), ", got ", value);
  }
  template <class T>
  void nested(char const*, T const& options) const {
    if constexpr (requires { options.check(); }) options.check();
  }
};

}  // namespace detail

/// Rejects values outside their range. Nested options with a nullary check() check themselves.
/// \throws std::invalid_argument "who: name must be > 0 and finite, got -1"
template <HasFields Options>
void check_fields(char const* who, Options const& options) {
  static_assert(describes_all_fields<Options>,
                "basin::check_fields: fields() does not describe every member of these options.");
  Options::fields(options, detail::CheckFields{who});
}

/// A row of the table of options.
struct FieldDescription {
  std::string name;  ///< with the names of the enclosing options: "sampler.steps"
  std::string unit;
  std::string range;          ///< as in "must be ...", or empty
  std::string default_value;  ///< or empty if it is not a number
  std::string help;
};

namespace detail {

class DescribeFields {
 public:
  DescribeFields(std::vector<FieldDescription>& rows, std::string prefix)
      : rows_(rows), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(Field const& field, T const& value, Range const& range = {}) const {
    std::ostringstream text;
    if constexpr (std::is_same_v<T, bool>)
      text << (value ? "true" : "false");
    else if constexpr (std::is_arithmetic_v<T>)
      text << +value;
    rows_.push_back({prefix_ + field.name, field.unit, range.text(), text.str(), field.help});
  }
  template <class T>
  void nested(char const* name, T const& options) const {
    if constexpr (HasFields<T>) T::fields(options, DescribeFields(rows_, prefix_ + name + "."));
  }

 private:
  std::vector<FieldDescription>& rows_;
  std::string prefix_;
};

}  // namespace detail

/// The fields of options, including nested ones, with their defaults.
template <HasFields Options>
std::vector<FieldDescription> describe_fields() {
  std::vector<FieldDescription> rows;
  Options const defaults{};
  Options::fields(defaults, detail::DescribeFields(rows, ""));
  return rows;
}

}  // namespace basin

#endif
