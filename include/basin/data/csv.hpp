// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_CSV_HPP
#define BASIN_DATA_CSV_HPP

#include <basin/data/detail/gz_file.hpp>
#include <basin/data/samples.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace basin::data {

/// Layout of a table of text.
struct CsvOptions {
  char delimiter           = ',';  ///< between cells
  int header               = 0;    ///< lines before the data, which are skipped; >= 0
  std::vector<int> columns = {};   ///< columns to return, in this order, from 0; empty: all
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

inline void check_columns(std::string const& caller, std::vector<int> const& columns,
                          std::size_t count, std::string const& advice = {}) {
  for (int const column : columns)
    if (column < 0 || static_cast<std::size_t>(column) >= count)
      throw std::invalid_argument(caller + ": column " + std::to_string(column) +
                                  " is asked for, there are " + std::to_string(count) + advice);
}

}  // namespace detail

/// \brief Reads a table of numbers from text, plain or gzip, one sample a line.
///
/// Format: RFC 4180 without quotes; lines end in LF or CRLF, blanks around a cell and empty lines
/// at the end do not count. Only returned columns need be numbers.
///
/// \return (lines, columns), in double; the trainer rounds to its scalar
/// \throws std::invalid_argument if options.header < 0, or a column is asked for that is not there
/// \throws std::runtime_error if the file is not there, is cut or holds no data, a line has another
///         number of cells than the first, or a cell is no finite number. Messages count lines from
///         1 and columns from 0, and name the option that may be meant.
inline Table read_csv(std::filesystem::path const& path, CsvOptions const& options = {}) {
  std::string const caller = "basin::data::read_csv";
  if (options.header < 0)
    throw std::invalid_argument(caller + ": CsvOptions::header must be >= 0, got " +
                                std::to_string(options.header));
  detail::GzFile file(caller, path);
  std::string const text = file.read_all();

  std::string_view rest = text;
  std::vector<std::string_view> cells;
  std::vector<double> values;
  std::size_t line = 0, first_line = 0, cells_a_line = 0, lines = 0;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // byte order mark of UTF-8
  while (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    std::size_t const end = rest.find('\n');
    std::string_view row  = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (++line <= static_cast<std::size_t>(options.header)) continue;

    cells.clear();
    for (std::size_t cut = row.find(options.delimiter); cut != std::string_view::npos;
         cut             = row.find(options.delimiter)) {
      cells.push_back(detail::trimmed(row.substr(0, cut)));
      row.remove_prefix(cut + 1);
    }
    cells.push_back(detail::trimmed(row));

    if (lines == 0) {
      first_line                = line;
      cells_a_line              = cells.size();
      std::string const divided = detail::other_delimiter(cells, options.delimiter);
      detail::check_columns(caller, options.columns, cells_a_line,
                            divided.empty() ? "; .columns counts from 0" : divided);
    }
    if (cells.size() != cells_a_line)
      file.refuse("line " + std::to_string(line) + " has " + std::to_string(cells.size()) +
                  " cells, line " + std::to_string(first_line) + " has " +
                  std::to_string(cells_a_line) + "; write .header = " + std::to_string(line - 1) +
                  " if the data begin in line " + std::to_string(line) +
                  ", or another .delimiter than " + detail::quoted(options.delimiter));
    std::size_t const columns = options.columns.empty() ? cells_a_line : options.columns.size();
    for (std::size_t i = 0; i < columns; ++i) {
      std::size_t const column =
          options.columns.empty() ? i : static_cast<std::size_t>(options.columns[i]);
      double value = 0;
      if (!detail::parse_number(cells[column], value)) {
        std::string advice = detail::other_delimiter(cells, options.delimiter);
        if (advice.empty() && lines == 0)
          advice = "; write .header = " + std::to_string(line) +
                   " if that line is a header, or .columns without column " +
                   std::to_string(column);
        else if (advice.empty())
          advice = "; write .columns without column " + std::to_string(column) +
                   " if it holds no numbers";
        file.refuse("line " + std::to_string(line) + ", column " + std::to_string(column) + ": '" +
                    std::string(cells[column].substr(0, 40)) + "' is no finite number" + advice);
      }
      values.push_back(value);
    }
    ++lines;
  }
  if (lines == 0)
    file.refuse("holds no data after " + std::to_string(options.header) + " header lines" +
                (options.header > 0 ? "; write a smaller .header" : ""));

  Table const table = make_table(lines, values.size() / lines);
  for (std::size_t i = 0; i < values.size(); ++i) table.data()[i] = values[i];
  return table;
}

/// \brief Copy of some columns, in the given order.
///
/// \throws std::invalid_argument if a column does not exist, or none is given
template <Rows R>
detail::RowsLike<R> select_columns(R const& samples, std::vector<int> const& columns) {
  detail::check_columns("basin::data::select_columns", columns, samples.extent(1));
  if (columns.empty())
    throw std::invalid_argument("basin::data::select_columns: 0 columns are asked for, there are " +
                                std::to_string(samples.extent(1)));
  auto const selected = detail::make_rows<R>(samples.extent(0), columns.size());
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j) selected(i, j) = samples(i, columns[j]);
  return selected;
}

/// \brief Copy of all columns but some, in their order.
///
/// \throws std::invalid_argument if a column does not exist, or none would be left
template <Rows R>
detail::RowsLike<R> drop_columns(R const& samples, std::vector<int> const& columns) {
  detail::check_columns("basin::data::drop_columns", columns, samples.extent(1));
  std::vector<bool> dropped(samples.extent(1), false);
  for (int const column : columns) dropped[column] = true;
  std::vector<int> kept;
  for (std::size_t j = 0; j < dropped.size(); ++j)
    if (!dropped[j]) kept.push_back(static_cast<int>(j));
  if (kept.empty())
    throw std::invalid_argument("basin::data::drop_columns: all " +
                                std::to_string(samples.extent(1)) + " columns are to be dropped");
  return select_columns(samples, kept);
}

/// \brief One column as class labels.
///
/// \return (samples)
/// \throws std::invalid_argument if the column does not exist, or holds a value that is not an
///         integer from 0 to 2^31 - 1, in float to 2^24 - 1
template <Rows R>
Labels label_column(R const& samples, int column) {
  std::string const caller = "basin::data::label_column";
  detail::check_columns(caller, {column}, samples.extent(1));
  // From 2^24 on float skips integers: what was read need not be what was written.
  int constexpr most  = std::same_as<typename R::value_type, float> ? 0xFFFFFF : 0x7FFFFFFF;
  Labels const labels = make_labels(samples.extent(0));
  for (std::size_t i = 0; i < samples.extent(0); ++i) {
    double const value = samples(i, column);
    if (!(value >= 0 && value <= most && value == std::floor(value)))
      throw std::invalid_argument(caller + ": sample " + std::to_string(i) + " has " +
                                  std::to_string(value) + " in column " + std::to_string(column) +
                                  ", a label is an integer from 0 to " + std::to_string(most));
    labels(i) = static_cast<int>(value);
  }
  return labels;
}

}  // namespace basin::data

#endif
