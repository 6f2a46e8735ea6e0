// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_COMMAND_LINE_HPP
#define BASIN_RUN_COMMAND_LINE_HPP

#include <basin/core/field_text.hpp>
#include <basin/run/config_file.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin::run {

/// The options of a program: what its fields say in their defaults, then in a config file (--config),
/// then on the command line (--objective.sampler.steps 40). --help lists each with its unit, range,
/// default and meaning.
class CommandLine {
 public:
  /// \param description  what the program does, for --help
  explicit CommandLine(std::string const& description) : app_(description) {
    app_.add_option("--config", config_, "TOML or JSON file with the same options")
        ->type_name("FILE");
  }
  CommandLine(CommandLine const&)            = delete;
  CommandLine& operator=(CommandLine const&) = delete;

  /// A flag for each field, those of nested options too. Their values in 'options' are the defaults.
  /// \param options  set by parse(): must live until then
  template <HasFields Options>
  void add(Options& options) {
    each_field(options, [&]<class T>(std::string const& path, Field const& field, T& value,
                                     Range const& range) {
      std::string const unit = field.unit;
      std::string about      = field.help;
      if (!range.text().empty()) about += "; " + range.text();
      std::size_t const dot   = path.rfind('.');
      std::string const group = dot == std::string::npos ? "Options" : path.substr(0, dot);
      if constexpr (std::is_same_v<T, bool>) {
        about += std::string("; default ") + field_text(value);
        app_.add_flag_function(
                "--" + path,
                [this, path](std::int64_t count) { given_[path] = field_text(count > 0); }, about)
            ->group(group);
      } else {
        app_.add_option_function<std::string>(
                "--" + path, [this, path](std::string const& text) { given_[path] = text; }, about)
            ->group(group)
            ->default_str(field_text(value))
            ->type_name(unit == "1" ? "" : "[" + unit + "]");
      }
    });
    set_.push_back([&options](char const* who, std::string const& path, std::string const& text) {
      bool has = false;
      each_field(options, [&](std::string const& at, auto const&...) { has = has || at == path; });
      if (has) set_field(who, options, path, text);
      return has;
    });
    names_.push_back([&options](std::vector<std::string>& all) {
      each_field(options, [&](std::string const& at, auto const&...) { all.push_back(at); });
    });
  }

  /// For flags of the program's own.
  CLI::App& app() { return app_; }

  /// Sets the options. \return whether to go on: not after --help or a mistake, whose sentence is then
  /// on stderr, and status() what to return from main
  bool parse(int argc, char const* const* argv) {
    try {
      app_.parse(argc, argv);
      if (!config_.empty())
        for (auto const& [path, text] : read_config(config_)) set(config_.c_str(), path, text);
      for (auto const& [path, text] : given_) set("command line", path, text);
      return true;
    } catch (CLI::ParseError const& end) {
      status_ = app_.exit(end) == 0 ? 0 : 2;
    } catch (std::exception const& error) {
      std::cerr << error.what() << '\n';
      status_ = 2;
    }
    return false;
  }
  /// 0 after --help, 2 after a mistake.
  int status() const { return status_; }

 private:
  void set(char const* who, std::string const& path, std::string const& text) const {
    for (auto const& to : set_)
      if (to(who, path, text)) return;
    std::vector<std::string> all;
    for (auto const& names : names_) names(all);
    refuse(who, "there is no option '", path, "'; ", basin::detail::fields_near(all, path));
  }

  CLI::App app_;
  std::string config_;
  std::map<std::string, std::string> given_;
  std::vector<std::function<bool(char const*, std::string const&, std::string const&)>> set_;
  std::vector<std::function<void(std::vector<std::string>&)>> names_;
  int status_ = 0;
};

}  // namespace basin::run

#endif
