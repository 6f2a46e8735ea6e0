// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_FIELD_TEXT_HPP
#define BASIN_CORE_FIELD_TEXT_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin {

/// Types of fields that have a text: numbers, bool, std::string.
template <class T>
concept FieldValue = std::is_arithmetic_v<T> || std::same_as<T, std::string>;

namespace detail {

template <class F>
class VisitFields {
 public:
  VisitFields(F& f, std::string prefix) : f_(f), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(Field const& field, T& value, Range const& range = {}) const {
    if constexpr (FieldValue<std::remove_const_t<T>>) f_(prefix_ + field.name, field, value, range);
  }
  template <class T>
  void nested(char const* name, T& options) const {
    if constexpr (HasFields<std::remove_const_t<T>>)
      std::remove_const_t<T>::fields(options, VisitFields(f_, prefix_ + name + "."));
  }

 private:
  F& f_;
  std::string prefix_;
};

}  // namespace detail

/// Calls f(path, field, value, range) for each field that has a text, those of nested options too,
/// for example with the path "objective.sampler.steps".
template <class Options, class F>
  requires HasFields<std::remove_const_t<Options>>
void each_field(Options& options, F&& f) {
  std::remove_const_t<Options>::fields(options,
                                       detail::VisitFields<std::remove_reference_t<F>>(f, ""));
}

/// The text of a value, of which parse_field makes the same value: "0.1", "inf", "true".
template <FieldValue T>
std::string field_text(T const& value) {
  if constexpr (std::same_as<T, std::string>) {
    return value;
  } else if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else {
    std::array<char, 64> text{};
    auto const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
  }
}

/// Whether all of the text is a value of this type; 1e4 is a whole number too.
template <FieldValue T>
bool parse_field(std::string_view text, T& value) {
  if constexpr (std::same_as<T, std::string>) {
    value = text;
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    value = text == "true" || text == "1";
    return value || text == "false" || text == "0";
  } else {
    auto const all = [&](auto& number) {
      auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      return error == std::errc() && end == text.data() + text.size();
    };
    T number{};
    if (all(number)) {
      value = number;
      return true;
    }
    if constexpr (std::is_integral_v<T>) {
      double whole = 0;  // within the numbers that a double holds exactly
      using Limits = std::numeric_limits<T>;
      if (!all(whole) || !(whole >= -0x1p53 && whole <= 0x1p53) ||
          whole != static_cast<double>(static_cast<long long>(whole)) ||
          whole < static_cast<double>(Limits::min()) || whole > static_cast<double>(Limits::max()))
        return false;
      value = static_cast<T>(whole);
      return true;
    }
    return false;
  }
}

namespace detail {

template <class T>
char const* kind_of_field() {
  if constexpr (std::same_as<T, bool>)
    return "true or false";
  else if constexpr (std::is_unsigned_v<T>)
    return "a whole number >= 0";
  else if constexpr (std::is_integral_v<T>)
    return "a whole number";
  else
    return "a number";
}

// The fields beside a path that does not exist: those below its longest part that does.
inline std::string fields_near(std::vector<std::string> const& paths, std::string part) {
  for (;;) {
    std::size_t const dot    = part.rfind('.');
    part                     = dot == std::string::npos ? "" : part.substr(0, dot);
    std::string const prefix = part.empty() ? "" : part + ".";
    std::string names, last;
    for (std::string const& path : paths)
      if (path.starts_with(prefix)) {
        std::string const rest = path.substr(prefix.size());
        std::string const name = rest.substr(0, rest.find('.'));
        if (name != last) names += (names.empty() ? "" : ", ") + name;
        last = name;
      }
    if (!names.empty() || part.empty())
      return (part.empty() ? "there is " : part + " has ") + (names.empty() ? "nothing" : names);
  }
}

}  // namespace detail

/// Sets the field at a path, as each_field names it, from its text.
///
/// \throws std::invalid_argument "who: there is no option 'batches'; there is batch, ...", or "who:
///         batch must be >= 1, got 0"; the options are then unchanged
template <HasFields Options>
void set_field(char const* who, Options& options, std::string_view path, std::string_view text) {
  bool found = false;
  each_field(options,
             [&]<class T>(std::string const& at, Field const&, T& value, Range const& range) {
               if (at != path) return;
               found = true;
               T wanted{};
               if (!parse_field(text, wanted))
                 refuse(who, path, " must be ", detail::kind_of_field<T>(), ", got '", text, "'");
               if constexpr (std::is_arithmetic_v<T>)
                 if (!range.contains(wanted))
                   refuse(who, path, " must be ", range.text(), ", got ", text);
               value = wanted;
             });
  if (found) return;
  std::vector<std::string> paths;
  each_field(options, [&](std::string const& at, auto const&...) { paths.push_back(at); });
  refuse(who, "there is no option '", path, "'; ", detail::fields_near(paths, std::string(path)));
}

}  // namespace basin

#endif
