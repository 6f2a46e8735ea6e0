// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_CATEGORIES_HPP
#define BASIN_DATA_CATEGORIES_HPP

#include <basin/core/archive.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace basin::data {

/// The texts of one categorical column.
struct Category {
  std::string name;                ///< of the column
  std::vector<std::string> texts;  ///< text k is the number k; in the order of their bytes

  bool operator==(Category const&) const = default;
  /// The number of a text; texts.size() if it is none of them.
  std::size_t number(std::string_view text) const {
    auto const at = std::lower_bound(texts.begin(), texts.end(), text);
    return at != texts.end() && *at == text ? static_cast<std::size_t>(at - texts.begin())
                                            : texts.size();
  }
};

/// Categorical columns of a table: texts to integers, see find_categories and
/// CsvOptions::categories. It belongs to a model, as the moments of its columns do: archive it.
struct Categories {
  std::vector<Category> columns;

  bool operator==(Categories const&) const = default;

  /// The column of this name, or null.
  Category const* find(std::string_view name) const {
    for (Category const& column : columns)
      if (column.name == name) return &column;
    return nullptr;
  }

  /// The number of texts of each of these columns, 0 for one that holds numbers: levels of
  /// transform::Dequantize.
  std::vector<int> levels(std::vector<std::string> const& names) const {
    std::vector<int> counts;
    for (std::string const& name : names) {
      Category const* const column = find(name);
      counts.push_back(column == nullptr ? 0 : static_cast<int>(column->texts.size()));
    }
    return counts;
  }

  /// As numbers of texts and all texts, each ended by a newline.
  template <Archive A>
  void archive(A& a) {
    std::vector<std::uint64_t> counts;
    std::string names, texts;
    for (Category const& column : columns) {
      counts.push_back(column.texts.size());
      names += column.name + '\n';
      for (std::string const& text : column.texts) texts += text + '\n';
    }
    a("counts", counts);
    a("names", names);
    a("texts", texts);
    if constexpr (A::loads) {
      std::string_view rest_names = names, rest_texts = texts;
      columns.clear();
      for (std::uint64_t const count : counts) {
        Category column{.name = next(rest_names), .texts = {}};
        for (std::uint64_t k = 0; k < count; ++k) column.texts.push_back(next(rest_texts));
        columns.push_back(column);
      }
      if (!rest_names.empty() || !rest_texts.empty())
        throw std::invalid_argument("basin::data::Categories: its texts are more than its counts");
    }
  }

 private:
  static std::string next(std::string_view& rest) {
    std::size_t const end = rest.find('\n');
    if (end == std::string_view::npos)
      throw std::invalid_argument("basin::data::Categories: its texts are fewer than its counts");
    std::string const line(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    return line;
  }
};

}  // namespace basin::data

#endif
