// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_CONFIG_FILE_HPP
#define BASIN_RUN_CONFIG_FILE_HPP

#include <basin/core/check.hpp>
#include <basin/core/field_text.hpp>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#if !defined(__NVCC__)  // nvcc 13 cannot compile toml++ 3.3
#include <toml++/toml.h>
#endif

namespace basin::run {

/// A value of a config file: the path of its option, "objective.sampler.steps", and its text.
using ConfigValue = std::pair<std::string, std::string>;

namespace detail {

template <class... What>
[[noreturn]] void fail_config(std::filesystem::path const& path, What const&... what) {
  std::ostringstream sentence;
  sentence << "basin::run::read_config: '" << path.string() << "' ";
  (sentence << ... << what);
  throw std::runtime_error(sentence.str());
}

#if !defined(__NVCC__)
inline void append_toml(std::filesystem::path const& file, toml::table const& table,
                        std::string const& prefix, std::vector<ConfigValue>& values) {
  for (auto const& [key, node] : table) {
    std::string const path = prefix + std::string(key.str());
    if (auto const* const inner = node.as_table())
      append_toml(file, *inner, path + ".", values);
    else if (auto const* const number = node.as_integer())
      values.emplace_back(path, field_text(number->get()));
    else if (auto const* const real = node.as_floating_point())
      values.emplace_back(path, field_text(real->get()));
    else if (auto const* const flag = node.as_boolean())
      values.emplace_back(path, field_text(flag->get()));
    else if (auto const* const text = node.as_string())
      values.emplace_back(path, text->get());
    else
      fail_config(file, "has an array or a date at '", path,
                  "'; an option is a number, true or false, or a text");
  }
}

#endif

inline void append_json(std::filesystem::path const& file, nlohmann::json const& object,
                        std::string const& prefix, std::vector<ConfigValue>& values) {
  for (auto const& [key, value] : object.items()) {
    std::string const path = prefix + key;
    if (value.is_object())
      append_json(file, value, path + ".", values);
    else if (value.is_number_unsigned())
      values.emplace_back(path, field_text(value.get<std::uint64_t>()));
    else if (value.is_number_integer())
      values.emplace_back(path, field_text(value.get<std::int64_t>()));
    else if (value.is_number())
      values.emplace_back(path, field_text(value.get<double>()));
    else if (value.is_boolean())
      values.emplace_back(path, field_text(value.get<bool>()));
    else if (value.is_string())
      values.emplace_back(path, value.get<std::string>());
    else
      fail_config(file, "has an array or null at '", path,
                  "'; an option is a number, true or false, or a text");
  }
}

}  // namespace detail

/// The values of a config file: TOML, or JSON if its name ends in .json (JSON alone in a program that nvcc
/// compiled). Tables are nested options:
///
///   batch = 256
///   [objective.sampler]
///   steps = 40
///
/// \throws std::runtime_error naming the file and the line, or the entry that is no option's value
inline std::vector<ConfigValue> read_config(std::filesystem::path const& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf()))
    detail::fail_config(path, "cannot be read: ", std::strerror(errno != 0 ? errno : ENODATA));
  std::vector<ConfigValue> values;
  if (path.extension() == ".json") try {
      auto const all = nlohmann::json::parse(text.str());
      if (!all.is_object()) detail::fail_config(path, "is no JSON object");
      detail::append_json(path, all, "", values);
    } catch (nlohmann::json::exception const& error) {
      detail::fail_config(path, "is no JSON: ", error.what());
    }
  else
#if defined(__NVCC__)
    detail::fail_config(path,
                        "is TOML, which a program that nvcc compiled does not read; write the "
                        "same options as JSON in a file whose name ends in .json");
#else
    try {
      detail::append_toml(path, toml::parse(text.str()), "", values);
    } catch (toml::parse_error const& error) {
      detail::fail_config(path, "is no TOML: ", error.description(), ", line ",
                          error.source().begin.line);
    }
#endif
  return values;
}

}  // namespace basin::run

#endif
