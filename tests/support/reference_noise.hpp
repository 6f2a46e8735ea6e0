// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_REFERENCE_NOISE_HPP
#define BASIN_TESTS_SUPPORT_REFERENCE_NOISE_HPP

#include <basin/core/philox.hpp>

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>

namespace basin::test {

/// The four words of block element / 4 of a stream, by Random123.
inline r123::Philox4x32::ctr_type reference_words(Stream const& stream, std::uint32_t chain,
                                                  int element) {
  std::uint32_t const purpose = static_cast<std::uint32_t>(stream.purpose);
  r123::Philox4x32::ctr_type const counter{
      {static_cast<std::uint32_t>(element) / 4, chain, static_cast<std::uint32_t>(stream.step),
       static_cast<std::uint32_t>(stream.step >> 32) << 8 | purpose}};
  r123::Philox4x32::key_type const key{
      {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)}};
  return r123::Philox4x32()(counter, key);
}

/// The N(0, 1) draw of one element of one chain, in double: Box and Muller on Random123's words.
inline double reference_normal(Stream const& stream, std::uint32_t chain, int element) {
  auto const words    = reference_words(stream, chain, element);
  int const pair      = element % 4 / 2;
  double const radius = std::sqrt(-2 * std::log((words[2 * pair] + 0.5) / 4294967296.0));
  double const angle  = 6.283185307179586477 * (words[2 * pair + 1] / 4294967296.0);
  return radius * (element % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

}  // namespace basin::test

#endif
