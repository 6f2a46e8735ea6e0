// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_DETAIL_FONT_HPP
#define BASIN_IO_DETAIL_FONT_HPP

#include <basin/core/arithmetic.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace basin::io::detail {

inline constexpr int glyph_height = 5;
inline constexpr int glyph_width  = 3;

// A glyph is five octal digits, one per row from the top; 4 is the left pixel, 1 the right one.
inline constexpr std::string_view glyph_names =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ .,:-+=/()%_'*<>[]|";
// clang-format off
inline constexpr std::array<std::uint16_t, glyph_names.size()> glyphs = {
    075557, 026227, 061247, 061216, 055711, 074616, 034652, 071122, 025252, 025316,  // 0 ... 9
    025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,  // A ... I
    011152, 055655, 044447, 057755, 065555, 025552, 065644, 025573, 065655,  // J ... R
    034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247,          // S ... Z
    000000, 000002, 000024, 002020, 000700, 002720, 007070, 011244,          // space .,:-+=/
    012221, 042224, 051245, 000007, 022000, 005250, 012421, 042124,          // ()%_'*<>
    064446, 031113, 022222};                                                 // []|
// clang-format on

/// The glyph of a character, lower case as upper case; -1 if there is none.
constexpr int find_glyph(char character) {
  if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
  auto const at = glyph_names.find(character);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// Whether the pixel at (row, column) of a glyph is set.
constexpr bool glyph_pixel(int glyph, int row, int column) {
  return (glyphs[static_cast<std::size_t>(glyph)] >> (3 * (4 - row) + 2 - column) & 1) != 0;
}

}  // namespace basin::io::detail

#endif
