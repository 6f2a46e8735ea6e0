// SPDX-License-Identifier: Apache-2.0
// Input: a file, then a byte each of header lines, delimiter and column (0: all).
#include <basin/data/csv.hpp>
#include <basin/data/preprocessing.hpp>

#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t count) {
  FuzzedDataProvider input(bytes, count);
  namespace data   = basin::data;
  int const column = input.ConsumeIntegralInRange(-1, 4);
  data::CsvOptions const options{
      .delimiter = input.PickValueInArray({',', ';', '\t', ' ', '|'}),
      .header    = input.ConsumeIntegralInRange(-1, 3),
      .columns   = column == 0 ? std::vector<int>{} : std::vector<int>{column}};
  basin::test::MemoryFile const file(input.ConsumeRemainingBytesAsString());
  basin::test::read_or_refuse([&] {
    auto const table = data::read_csv(file.path(), options);
    for (std::size_t i = 0; i < table.size(); ++i)
      basin::test::require(std::isfinite(table.data()[i]), "read_csv returns finite numbers");
    basin::test::read_or_refuse([&] { data::label_column(table, 0); });
    basin::test::read_or_refuse([&] { data::drop_columns(table, {0}); });
    data::standardize(table);
  });
  return 0;
}
