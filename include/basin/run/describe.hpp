// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_DESCRIBE_HPP
#define BASIN_RUN_DESCRIBE_HPP

#include <basin/core/field_text.hpp>
#include <basin/version.hpp>

#include <Kokkos_Core.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <unistd.h>

/// The version of a program's sources, which basin_add_revision() of CMake links to it.
extern "C" [[gnu::weak]] char const* basin_program_revision();

namespace basin::run {

/// The values of options as nested JSON; what has no number there (inf) as text, as set_field reads.
template <HasFields Options>
nlohmann::ordered_json options_json(Options const& options) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  each_field(
      options, [&]<class T>(std::string const& path, Field const&, T const& value, Range const&) {
        nlohmann::ordered_json* at = &all;
        std::size_t from           = 0;
        for (std::size_t dot; (dot = path.find('.', from)) != std::string::npos; from = dot + 1)
          at = &(*at)[path.substr(from, dot - from)];
        nlohmann::ordered_json& to = (*at)[path.substr(from)];
        if constexpr (std::is_floating_point_v<T>) {
          if (!std::isfinite(value)) {
            to = field_text(value);
            return;
          }
        }
        to = value;
      });
  return all;
}

/// The name of a type as the compiler writes it, without blanks.
template <class T>
std::string type_text() {
  int failed = 0;
  std::unique_ptr<char, void (*)(void*)> const name(
      abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, &failed), std::free);
  std::string text = failed == 0 ? name.get() : typeid(T).name();
  std::erase(text, ' ');
  return text;
}

/// The version of these headers, "0.1.0".
inline std::string version_text() {
  std::ostringstream version;
  version << BASIN_VERSION_MAJOR << '.' << BASIN_VERSION_MINOR << '.' << BASIN_VERSION_PATCH;
  return version.str();
}

/// What a trainer is: the types of energy, objective and optimizer, the parameters by name with their
/// shapes, the options, the step and the version of basin. A checkpoint fits a trainer of the same
/// energy, objective and optimizer.
template <class Trainer>
nlohmann::ordered_json describe(Trainer const& trainer) {
  using Energy                      = typename Trainer::model_type;
  using Options                     = typename Trainer::Options;
  nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
  for (auto const& block : Energy::parameter_blocks())
    parameters.push_back({{"name", block.name}, {"shape", {block.rows, block.columns}}});
  return {{"basin", version_text()},
          {"step", trainer.steps_taken()},
          {"energy", type_text<Energy>()},
          {"objective", type_text<decltype(Options::objective)>()},
          {"optimizer", type_text<decltype(Options::optimizer)>()},
          {"parameters", parameters},
          {"options", options_json(trainer.options())}};
}

/// The text under a key of what the description of a checkpoint says; "not named" if there is none.
inline std::string described(std::string const& description, char const* key) {
  auto const all = nlohmann::ordered_json::parse(description, nullptr, false);
  return all.is_object() && all.contains(key) && all[key].is_string() ? all[key] : "not named";
}

/// What runs, and where: command line, options of the program besides the trainer's and the run's,
/// revision of the program, machine, backend.
template <HasFields... Options>
nlohmann::ordered_json describe_process(int argc, char const* const* argv,
                                        Options const&... options) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  nlohmann::ordered_json command = nlohmann::ordered_json::array();
  for (int i = 0; i < argc; ++i) command.push_back(argv[i]);
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  (all.update(options_json(options)), ...);
  return {{"command", command},
          {"options", all},
          {"revision", basin_program_revision ? basin_program_revision() : "unknown"},
          {"host", host.data()},
          {"backend", Kokkos::DefaultExecutionSpace::name()},
          {"concurrency", Kokkos::DefaultExecutionSpace().concurrency()},
          {"kokkos", KOKKOS_VERSION}};
}

}  // namespace basin::run

#endif
