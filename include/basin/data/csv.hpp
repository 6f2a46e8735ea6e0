// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_CSV_HPP
#define BASIN_DATA_CSV_HPP

#include <basin/data/categories.hpp>
#include <basin/data/columns.hpp>
#include <basin/data/detail/gz_file.hpp>
#include <basin/data/samples.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <locale>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace basin::data {

/// What becomes of a missing cell: one that is empty, or NA, N/A, n/a, NaN, nan, NAN, NULL, null, None or
/// '?'.
enum class Missing {
  refused,  ///< an error that names line and column
  nan       ///< NaN, to be imputed (missing.hpp)
};

/// Layout of a table of text.
struct CsvOptions {
  char delimiter                 = ',';  ///< between cells; '\t' of a tsv file
  int header                     = 0;    ///< lines before the data; the last may have names; >= 0
  std::vector<int> columns       = {};   ///< columns to return, in this order, from 0; empty: all
  std::vector<std::string> names = {};   ///< the same by name, in place of columns
  Missing missing                = Missing::refused;  ///< what becomes of missing cells
  std::vector<std::string> missing_texts = {};        ///< further ones, such as "-999"
  Categories categories                  = {};  ///< of columns that hold texts, see find_categories
};

namespace detail {

inline std::string_view trimmed(std::string_view cell) {
  std::size_t const first = cell.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return cell.substr(first, cell.find_last_not_of(" \t\r") - first + 1);
}

inline bool parse_number(std::string_view text, double& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ptr != text.data() + text.size()) return false;
  if (result.ec == std::errc::result_out_of_range) {  // too large, or nearer to 0 than any double
    std::istringstream again{std::string(text)};
    again.imbue(std::locale::classic());
    return static_cast<bool>(again >> value) && std::abs(value) < 1;
  }
  return result.ec == std::errc() && std::isfinite(value);
}

inline std::string quoted(char delimiter) {
  return delimiter == '\t' ? "'\\t'" : std::string("'") + delimiter + "'";
}

// What divides the numbers of a line of one cell, if anything: advice on the delimiter.
inline std::string other_delimiter(std::vector<std::string_view> const& cells, char delimiter) {
  if (cells.size() != 1) return {};
  for (char const other : {',', ';', '\t', '|', ' '})
    if (other != delimiter && cells[0].find(other) != std::string_view::npos)
      return "; write .delimiter = " + quoted(other) + " if that divides the cells";
  return {};
}

// "a, b, c"; of many the first.
inline std::string listed(std::vector<std::string> const& names) {
  std::size_t constexpr most = 50;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return names.empty() ? "none" : text + (names.size() > most ? ", ..." : "");
}

// The cells of a table, line by line.
class CsvLines {
 public:
  CsvLines(std::string const& caller, std::filesystem::path const& path, CsvOptions const& options)
      : caller_(caller), path_(path), options_(options), file_(caller, path) {
    if (options.header < 0)
      throw std::invalid_argument(caller + ": CsvOptions::header must be >= 0, got " +
                                  std::to_string(options.header));
    text_ = file_.read_all();
    rest_ = text_;
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);  // byte order mark of UTF-8
    while (line_ < static_cast<std::size_t>(options.header) && read_line()) {
    }
    if (line_ > 0) names_.assign(cells_.begin(), cells_.end());
  }

  // The next line of data, with as many cells as the first; false at the end.
  bool next() {
    if (!read_line()) {
      if (lines_ == 0)
        file_.refuse("holds no data after " + std::to_string(options_.header) + " header lines" +
                     (options_.header > 0 ? "; write a smaller .header" : ""));
      return false;
    }
    if (lines_++ == 0) first_line_ = line_, cells_a_line_ = cells_.size();
    if (cells_.size() != cells_a_line_)
      file_.refuse(
          "line " + std::to_string(line_) + " has " + std::to_string(cells_.size()) +
          " cells, line " + std::to_string(first_line_) + " has " + std::to_string(cells_a_line_) +
          "; write .header = " + std::to_string(line_ - 1) + " if the data begin in line " +
          std::to_string(line_) + ", or another .delimiter than " + quoted(options_.delimiter));
    return true;
  }

  std::vector<std::string_view> const& cells() const { return cells_; }
  std::size_t line() const { return line_; }     // from 1
  bool is_first() const { return lines_ == 1; }  // of the data
  GzFile const& file() const { return file_; }
  std::vector<std::string> const& names() const { return names_; }

  // The column of a name; asked for at a line of data.
  int column(std::string const& name) const {
    auto const refuse = [&](std::string const& what) {
      throw std::invalid_argument(caller_ + ": '" + path_.string() + "' " + what);
    };
    if (options_.header == 0)
      refuse("has no names before its data, and '" + name +
             "' is asked for; write .header = 1 if the first line has them");
    if (names_.size() != cells_.size())
      refuse("line " + std::to_string(options_.header) + " has " + std::to_string(names_.size()) +
             " names, line " + std::to_string(line_) + " has " + std::to_string(cells_.size()) +
             " cells");
    int found = -1;
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name) {
        if (found >= 0)
          refuse("has the name '" + name + "' in columns " + std::to_string(found) + " and " +
                 std::to_string(i) + "; write .columns");
        found = static_cast<int>(i);
      }
    if (found < 0) refuse("has no column '" + name + "'; it has " + listed(names_));
    return found;
  }

  // "line 3, column 1 'age': ", with its name where columns have names.
  std::string place(std::size_t column, bool with_name) const {
    return "line " + std::to_string(line_) + ", column " + std::to_string(column) +
           (with_name ? " '" + names_[column] + "': " : ": ");
  }

  bool is_missing(std::string_view cell) const {
    for (char const* const text :
         {"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "None", "?"})
      if (cell == text) return true;
    for (std::string const& text : options_.missing_texts)
      if (cell == text) return true;
    return false;
  }
  [[noreturn]] void refuse_missing(std::size_t column, bool with_name) const {
    file_.refuse(
        place(column, with_name) + "'" + std::string(cells_[column]) +
        "' is missing; write .missing = Missing::nan and impute it, or leave out the column" +
        (is_first() ? ", or .header = " + std::to_string(line_) + " if that line is a header"
                    : ""));
  }

 private:
  bool read_line() {
    if (rest_.find_first_not_of(" \t\r\n") == std::string_view::npos) return false;
    std::size_t const end = rest_.find('\n');
    std::string_view row  = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    ++line_;
    cells_.clear();
    for (std::size_t cut = row.find(options_.delimiter); cut != std::string_view::npos;
         cut             = row.find(options_.delimiter)) {
      cells_.push_back(trimmed(row.substr(0, cut)));
      row.remove_prefix(cut + 1);
    }
    cells_.push_back(trimmed(row));
    return true;
  }

  std::string caller_;
  std::filesystem::path path_;
  CsvOptions const& options_;
  GzFile file_;
  std::string text_;
  std::string_view rest_;
  std::vector<std::string_view> cells_;
  std::vector<std::string> names_;
  std::size_t line_ = 0, lines_ = 0, first_line_ = 0, cells_a_line_ = 0;
};

// A column that is returned.
struct CsvColumn {
  std::size_t at;
  Category const* category;  // null: numbers
};

// Which columns are returned, at the first line of data.
inline std::vector<CsvColumn> csv_columns(std::string const& caller, CsvLines const& lines,
                                          CsvOptions const& options) {
  if (!options.columns.empty() && !options.names.empty())
    throw std::invalid_argument(caller + ": CsvOptions::columns has " +
                                std::to_string(options.columns.size()) + " columns and names has " +
                                std::to_string(options.names.size()) + "; write one of them");
  std::vector<int> wanted = options.columns;
  if (std::string const divided = other_delimiter(lines.cells(), options.delimiter);
      !wanted.empty())
    check_columns(caller, wanted, lines.cells().size(),
                  divided.empty() ? "; .columns counts from 0" : divided);
  for (std::string const& name : options.names) wanted.push_back(lines.column(name));
  if (wanted.empty())
    for (std::size_t i = 0; i < lines.cells().size(); ++i) wanted.push_back(static_cast<int>(i));
  std::vector<CsvColumn> columns;
  for (int const at : wanted) columns.push_back({static_cast<std::size_t>(at), nullptr});
  for (Category const& category : options.categories.columns) {
    auto const at = static_cast<std::size_t>(lines.column(category.name));
    for (CsvColumn& column : columns)
      if (column.at == at) column.category = &category;
  }
  return columns;
}

}  // namespace detail

/// \brief Reads a table of numbers from text, plain or gzip, one sample a line.
///
/// Format: RFC 4180 without quotes; lines end in LF or CRLF, blanks around a cell and empty lines
/// at the end do not count. Only returned columns need be numbers. A column of options.categories
/// holds texts, and becomes their numbers.
///
/// \return (lines, columns), in double; the trainer rounds to its scalar
/// \throws std::invalid_argument if options.header < 0, or a column is asked for that is not there,
///         with the names that there are
/// \throws std::runtime_error if the file is not there, is cut or holds no data, a line has another
///         number of cells than the first, a cell is missing and options.missing refuses it, is no
///         finite number, or no text of its category. Messages count lines from 1 and columns from
///         0, and name the option that may be meant.
inline Table read_csv(std::filesystem::path const& path, CsvOptions const& options = {}) {
  std::string const caller = "basin::data::read_csv";
  detail::CsvLines lines(caller, path, options);
  bool const named = !options.names.empty() || !options.categories.columns.empty();
  std::vector<detail::CsvColumn> columns;
  std::vector<double> values;
  while (lines.next()) {
    if (lines.is_first()) columns = detail::csv_columns(caller, lines, options);
    for (auto const& [column, category] : columns) {
      std::string_view const cell = lines.cells()[column];
      double value                = 0;
      if (lines.is_missing(cell)) {
        if (options.missing == Missing::refused) lines.refuse_missing(column, named);
        value = std::numeric_limits<double>::quiet_NaN();
      } else if (category != nullptr) {
        std::size_t const number = category->number(cell);
        if (number == category->texts.size())
          lines.file().refuse(lines.place(column, named) + "'" + std::string(cell.substr(0, 40)) +
                              "' is none of the " + std::to_string(category->texts.size()) +
                              " texts of its category: " + detail::listed(category->texts));
        value = static_cast<double>(number);
      } else if (!detail::parse_number(cell, value)) {
        std::string advice = detail::other_delimiter(lines.cells(), options.delimiter);
        if (advice.empty() && lines.is_first())
          advice = "; write .header = " + std::to_string(lines.line()) +
                   " if that line is a header, or .columns without column " +
                   std::to_string(column);
        else if (advice.empty())
          advice = "; write .columns without column " + std::to_string(column) +
                   " if it holds no numbers";
        lines.file().refuse(lines.place(column, named) + "'" + std::string(cell.substr(0, 40)) +
                            "' is no finite number" + advice);
      }
      values.push_back(value);
    }
  }
  Table const table = make_table(values.size() / columns.size(), columns.size());
  for (std::size_t i = 0; i < values.size(); ++i) table.data()[i] = values[i];
  return table;
}

/// \brief The names of a table's columns: the cells of the last header line.
///
/// \throws std::invalid_argument if options.header < 1
/// \throws std::runtime_error if the file is not there, is cut, or has no such line
inline std::vector<std::string> csv_names(std::filesystem::path const& path,
                                          CsvOptions const& options) {
  std::string const caller = "basin::data::csv_names";
  if (options.header < 1)
    throw std::invalid_argument(caller + ": CsvOptions::header must be >= 1, got " +
                                std::to_string(options.header));
  detail::CsvLines const lines(caller, path, options);
  if (lines.line() < static_cast<std::size_t>(options.header))
    lines.file().refuse("has " + std::to_string(lines.line()) +
                        " lines, its names are asked for in line " +
                        std::to_string(options.header));
  return lines.names();
}

/// \brief The texts of categorical columns, each of which gets a number: 0, 1, ... in the order of
///        their bytes, whatever the order of the lines.
///
/// Found once, in the training set; with CsvOptions::categories any file is then read by it. Adding
/// uniform noise makes a density of the numbers, see transform::Dequantize and Categories::levels:
/// their order then means that neighbors are near each other, which texts are not.
///
/// \param columns  names of the columns
/// \throws std::invalid_argument, std::runtime_error as read_csv
inline Categories find_categories(std::filesystem::path const& path,
                                  std::vector<std::string> const& columns,
                                  CsvOptions const& options) {
  detail::CsvLines lines("basin::data::find_categories", path, options);
  std::vector<std::size_t> at;
  std::vector<std::set<std::string, std::less<>>> texts(columns.size());
  while (lines.next()) {
    if (lines.is_first())
      for (std::string const& name : columns)
        at.push_back(static_cast<std::size_t>(lines.column(name)));
    for (std::size_t i = 0; i < at.size(); ++i) {
      std::string_view const cell = lines.cells()[at[i]];
      if (!lines.is_missing(cell)) {
        if (!texts[i].contains(cell)) texts[i].emplace(cell);
      } else if (options.missing == Missing::refused) {
        lines.refuse_missing(at[i], true);
      }
    }
  }
  Categories categories;
  for (std::size_t i = 0; i < columns.size(); ++i)
    categories.columns.push_back({.name = columns[i], .texts = {texts[i].begin(), texts[i].end()}});
  return categories;
}

}  // namespace basin::data

#endif
