// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_MEMBER_HPP
#define BASIN_CORE_MEMBER_HPP

#include <basin/core/arithmetic.hpp>

#include <type_traits>

namespace basin {

template <class T, class Probe>
struct WithProbe : T, Probe {};
template <class T>
concept Probed = std::is_class_v<T> && !std::is_final_v<T>;

/// concept_name<T>: whether T has a member of this name, of any kind and signature: the name is
/// then ambiguous in a class that inherits a second one. With it an optional member that exists but
/// cannot be called is rejected, not ignored.
#define BASIN_NAMES_MEMBER(concept_name, member) \
  struct concept_name##Probe {                   \
    void member();                               \
  };                                             \
  template <class T>                             \
  concept concept_name =                         \
      ::basin::Probed<T> && !requires { &::basin::WithProbe<T, concept_name##Probe>::member; };

}  // namespace basin

#endif
