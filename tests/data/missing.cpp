// SPDX-License-Identifier: Apache-2.0
#include <basin/data/missing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <vector>

namespace {

TEST_CASE("missing numbers are imputed by the rule of the training set", "[data][missing]") {
  auto const train = basin::data::make_table(4, 3), test = basin::data::make_table(1, 3);
  double const numbers[4][3] = {{1, 5, NAN}, {NAN, 7, NAN}, {2, 6, NAN}, {6, NAN, NAN}};
  auto const fill            = [&] {
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 3; ++j) train(i, j) = numbers[i][j];
    for (int j = 0; j < 3; ++j) test(0, j) = NAN;
  };
  using basin::data::impute;
  namespace missing = basin::data::missing;
  fill();
  CHECK_THROWS_WITH(impute(train, missing::Mean()),
                    "basin::data::impute: all 4 numbers of column 2 are missing; drop it, or write "
                    "missing::Constant");
  CHECK(std::isnan(train(1, 0)));
  for (int i = 0; i < 4; ++i) train(i, 2) = i < 2 ? i : NAN;
  auto mean = impute(train, missing::Mean());
  CHECK(mean.values == std::vector<double>{3, 6, 0.5});
  CHECK(train(1, 0) == 3);
  CHECK(train(0, 0) == 1);
  basin::data::Imputation loaded;
  basin::MemoryArchive archive;
  archive.save("imputation", mean);
  archive.load("imputation", loaded);
  impute(test, loaded);
  for (int j = 0; j < 3; ++j) CHECK(test(0, j) == mean.values[j]);

  fill();
  for (int i = 0; i < 4; ++i) train(i, 2) = 10 - i;
  CHECK(impute(train, missing::Median()).values == std::vector<double>{2, 6, 8.5});
  // Columns may have rules of their own.
  for (int i = 0; i < 4; ++i) train(i, 1) = i < 3 ? i % 2 : NAN, train(i, 2) = NAN;
  CHECK(impute(train, missing::MostFrequent(), {1}).values[1] == 0);
  CHECK(train(3, 1) == 0);
  CHECK(std::isnan(train(3, 2)));
  train(0, 2) = 7, train(1, 2) = 7, train(2, 2) = 3;
  CHECK(impute(train, missing::MostFrequent(), {2, 1}).values[2] == 7);
  CHECK_THROWS_WITH(impute(train, missing::Mean(), {3}),
                    "basin::data::impute: column 3 is asked for, there are 3");
  fill();
  CHECK(impute(train, missing::Constant{.number = -1}).values == std::vector<double>{-1, -1, -1});
  CHECK(train(3, 2) == -1);
  CHECK_THROWS_WITH(impute(train, missing::Constant{.number = NAN}),
                    "basin::data::impute: column 0 gets nan for a missing number, must be finite");
  CHECK_THROWS_WITH(impute(basin::data::make_table(1, 2), mean),
                    "basin::data::impute: samples have dimension 2, the imputation has 3");
}

}  // namespace
