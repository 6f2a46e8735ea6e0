// SPDX-License-Identifier: Apache-2.0
// Input: a file, then a byte each of header lines, delimiter, column (0: all) and how columns are named, what a missing
// cell is and whether the last column is one of texts.
#include <basin/data/csv.hpp>
#include <basin/data/missing.hpp>
#include <basin/data/preprocessing.hpp>

#include "fuzz/input.hpp"

#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  namespace data   = basin::data;
  int const column = input.ConsumeIntegralInRange(-1, 4);
  data::CsvOptions options{.delimiter = input.PickValueInArray({',', ';', '\t', ' ', '|'}),
                           .header    = input.ConsumeIntegralInRange(-1, 3),
                           .columns = column == 0 ? std::vector<int>{} : std::vector<int>{column}};
  int const how      = input.ConsumeIntegralInRange(0, 7);
  bool const by_name = how & 1, texts = how & 2;
  if (how & 4) options.missing = data::Missing::nan;
  basin::test::MemoryFile const file(input.ConsumeRemainingBytesAsString());
  basin::test::read_or_refuse([&] {
    std::vector<std::string> names;
    if (by_name || texts) names = data::csv_names(file.path(), options);
    if (texts && !names.empty())
      options.categories = data::find_categories(file.path(), {names.back()}, options);
    if (by_name) options.columns = {}, options.names = names;
    auto const table = data::read_csv(file.path(), options);
    for (std::size_t i = 0; i < table.size(); ++i)
      basin::test::require(
          std::isfinite(table.data()[i]) ||
              (options.missing == data::Missing::nan && std::isnan(table.data()[i])),
          "read_csv returns finite numbers, and NaN only where it is asked for");
    basin::MemoryArchive archive;
    archive.save("categories", options.categories);
    data::Categories loaded;
    archive.load("categories", loaded);
    basin::test::require(loaded == options.categories, "categories are loaded as they were saved");
    basin::test::read_or_refuse([&] { data::label_column(table, 0); });
    basin::test::read_or_refuse([&] { data::drop_columns(table, {0}); });
    data::impute(table, data::missing::Median());
    for (std::size_t i = 0; i < table.size(); ++i)
      basin::test::require(std::isfinite(table.data()[i]), "nothing is missing once it is imputed");
    data::standardize(table);
  });
  return 0;
}
