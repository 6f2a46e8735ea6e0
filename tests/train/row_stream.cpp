// SPDX-License-Identifier: Apache-2.0
// A set that is read while a run trains on it.
#include <basin/core/archive.hpp>
#include <basin/train/row_stream.hpp>

#include "support/silent_objective.hpp"
#include "support/training.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <atomic>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Permutation;
using basin::Purpose;
using basin::test::contents;
using basin::test::small_options;
using basin::test::uniform_points;
using basin::train::RowStream;

using Labeled = basin::train::Trainer<basin::test::SmallNetwork, basin::test::Silent<true>,
                                      basin::optimizer::Adam, basin::optimizer::Constant, Exec>;
using Trainer = basin::test::SmallTrainer<Exec>;
using Points  = decltype(uniform_points(1, 3));

// Points in memory as a source; row n has label n.
struct Source {
  Points points;  // (rows, dimension)
  std::uint64_t rows() const { return points.extent(0); }
  std::size_t dimension() const { return points.extent(1); }
  void read(std::uint64_t first, std::size_t count, float* to) const {
    std::copy_n(&points(first, 0), count * dimension(), to);
  }
};
struct Numbered : Source {
  void read_labels(std::uint64_t first, std::size_t count, int* to) const {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<int>(first + i);
  }
};

// More rows than an int counts: all numbers of row n, and its label, are n / 1024.
struct Large {
  std::uint64_t rows() const { return std::uint64_t(1) << 33; }
  std::size_t dimension() const { return 3; }
  void read(std::uint64_t first, std::size_t count, float* to) const {
    for (std::size_t i = 0; i < 3 * count; ++i) to[i] = static_cast<float>((first + i / 3) >> 10);
  }
  void read_labels(std::uint64_t first, std::size_t count, int* to) const {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<int>((first + i) >> 10);
  }
};

// The rows of the next steps.
std::vector<int> rows_of_steps(Labeled& trainer, int steps) {
  std::vector<int> rows;
  for (int i = 0; i < steps; ++i) {
    trainer.step();
    auto const labels = contents(trainer.state().batch().labels);
    rows.insert(rows.end(), labels.begin(), labels.end());
  }
  return rows;
}

TEST_CASE("a row of a stream is drawn once per epoch, with its label", "[train][stream]") {
  for (auto const& [rows, window, block] : {std::tuple(60, 20, 7), std::tuple(60, 60, 60),
                                            std::tuple(57, 20, 10), std::tuple(23, 1000, 4)}) {
    CAPTURE(rows, window, block);
    auto const points = uniform_points(rows, 3);
    Labeled trainer({.batch = 5, .seed = 3},
                    RowStream(Numbered{{points}}, {.window = window, .block = block}));
    int const at_hand = std::min(window, rows) / 5 * 5;
    std::vector<int> count(static_cast<std::size_t>(rows));
    for (int n = 0; n < 8; ++n) {
      for (int i = 0; i < at_hand / 5; ++i) {
        trainer.step();
        auto const batch  = trainer.state().batch();
        auto const labels = contents(batch.labels);
        auto const values = contents(batch.points);
        for (std::size_t b = 0; b < 5; ++b) {
          ++count[static_cast<std::size_t>(labels[b])];
          for (std::size_t d = 0; d < 3; ++d) CHECK(values[3 * b + d] == points(labels[b], d));
        }
      }
      // After whole windows all rows have been drawn equally often, or some once more.
      int const epochs = (n + 1) * at_hand / rows;
      for (int const c : count) CHECK((c == epochs || c == epochs + 1));
    }
  }
}

TEST_CASE("a batch is a function of seed and step: the rows of a window in the order of data",
          "[train][stream]") {
  constexpr int rows = 53, batch = 5, window = 20, block = 6, steps = 30;
  constexpr std::uint64_t seed = 3;
  Labeled trainer({.batch = batch, .seed = seed},
                  RowStream(Numbered{{uniform_points(rows, 3)}},
                            {.window = window + 4, .block = block}));  // rounded down
  // Epochs of permuted blocks, cut into windows, each permuted.
  std::vector<int> all, wanted;
  for (std::uint64_t epoch = 0; all.size() < steps * batch + window; ++epoch) {
    Permutation const blocks((rows + block - 1) / block, {seed, Purpose::data_block, epoch});
    for (std::uint32_t b = 0; b < blocks.size(); ++b)
      for (int row = static_cast<int>(blocks(b)) * block;
           row < std::min(rows, (static_cast<int>(blocks(b)) + 1) * block); ++row)
        all.push_back(row);
  }
  for (std::uint64_t n = 0; wanted.size() < steps * batch; ++n) {
    Permutation const order(window, {seed, Purpose::data_order, n});
    for (std::uint32_t i = 0; i < window; ++i) wanted.push_back(all[n * window + order(i)]);
  }
  wanted.resize(steps * batch);
  CHECK(rows_of_steps(trainer, steps) == wanted);
  // The objective keeps the first window.
  CHECK(contents(trainer.state().given().labels) == std::vector(all.begin(), all.begin() + window));
  trainer.set_step(9);  // another window, and back
  CHECK(rows_of_steps(trainer, 2) ==
        std::vector(wanted.begin() + 9 * batch, wanted.begin() + 11 * batch));
  trainer.set_step(2);
  CHECK(rows_of_steps(trainer, 1) ==
        std::vector(wanted.begin() + 2 * batch, wanted.begin() + 3 * batch));
  trainer.set_step(0);
  trainer.fit({.epochs = 2});  // of all rows
  CHECK(trainer.steps_taken() == (2 * rows + batch - 1) / batch);
}

TEST_CASE("a stream may have more than 2^31 rows", "[train][stream]") {
  Labeled trainer({.batch = 5}, RowStream(Large(), {.window = 20, .block = 1 << 20}));
  int largest = 0;
  for (std::uint64_t n = 0; n < 20; ++n) {
    trainer.set_step(n << 20);  // in another block
    trainer.step();
    auto const labels = contents(trainer.state().batch().labels);
    CHECK(contents(trainer.state().batch().points)[0] == static_cast<float>(labels[0]));
    largest = std::max(largest, labels[0]);
  }
  CHECK(largest >= 1 << 21);
  CHECK(largest < 1 << 23);
}

std::vector<float> state_of(Trainer& trainer) {
  auto all = contents(trainer.parameters());
  for (auto const& more :
       {contents(trainer.averaged_parameters()), contents(trainer.state().buffer().stored())})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("one block of all rows in one window is the run in memory, to the bit",
          "[train][stream]") {
  auto const points = uniform_points(4 * 37, 3);
  Trainer there(small_options<Trainer>(), points),
      streamed(small_options<Trainer>(), RowStream(Source{points}));
  there.fit({.epochs = 3});
  auto const m = streamed.fit({.epochs = 3});
  CHECK(streamed.steps_taken() == 12);
  CHECK(state_of(streamed) == state_of(there));
  CHECK(m.has("stream_wait"));
  CHECK(m["stream_wait"] >= 0);
  CHECK(m["stream_wait"] <= 1);
  streamed.set_data(points);
  streamed.step(), there.step();
  CHECK(!streamed.metrics().has("stream_wait"));
  CHECK(state_of(streamed) == state_of(there));
}

TEST_CASE("a run on a stream that is saved goes on in a new trainer, for any number of threads",
          "[train][stream]") {
  RowStream const rows(Source{uniform_points(300, 3)}, {.window = 80, .block = 17});
  auto const options = small_options<Trainer>();
  Trainer whole(options, rows), first(options, rows);
  whole.fit({.steps = 40});
  first.fit({.steps = 19});  // within a window
  basin::MemoryArchive archive;
  archive.save("trainer", first);
  auto const goes_on = [&](Exec const& exec) {
    Trainer second(options, rows, exec);
    archive.load("trainer", second);
    second.fit({.steps = 21});
    CHECK(state_of(second) == state_of(whole));
  };
  goes_on(Exec());
  if constexpr (basin::test::is_host<Exec>)
    goes_on(Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0]);
}

// Row 'bad' cannot be read, as long as 'broken'.
struct Broken : Numbered {
  std::uint64_t bad;
  std::shared_ptr<std::atomic<bool>> broken = std::make_shared<std::atomic<bool>>(true);
  void read(std::uint64_t first, std::size_t count, float* to) const {
    if (*broken && first <= bad && bad < first + count)
      throw std::runtime_error("row " + std::to_string(bad) + " cannot be read");
    Numbered::read(first, count, to);
  }
};

// With windows of 20 rows, each a block.
Labeled by_twenties(auto const& source) {
  return Labeled({.batch = 5, .seed = 3}, RowStream(source, {.window = 20, .block = 20}));
}
// The first row of window n.
std::uint64_t first_of(std::uint64_t n) {
  return basin::train::RowOrder(60, 20, 20, 3)(n)[0].first;
}

TEST_CASE("what is wrong in a window is said by the step that needs it", "[train][stream]") {
  auto const refuses = [](Labeled& trainer, std::string const& sentence) {
    for (int i = 0; i < 4; ++i) trainer.step();
    auto const before = contents(trainer.state().batch().points);
    CHECK_THROWS_WITH(trainer.step(), sentence);
    CHECK_THROWS_WITH(trainer.step(), sentence);
    CHECK(trainer.steps_taken() == 4);
    CHECK(contents(trainer.state().batch().points) == before);
  };
  Broken broken{{{uniform_points(60, 3)}}, first_of(1) + 3};
  Labeled trainer = by_twenties(broken);
  refuses(trainer, "row " + std::to_string(broken.bad) + " cannot be read");
  *broken.broken = false;  // a later step tries again
  CHECK_NOTHROW(trainer.step());
  CHECK(trainer.steps_taken() == 5);

  auto const holed          = uniform_points(60, 3);
  holed(first_of(1) + 7, 2) = std::numeric_limits<float>::quiet_NaN();
  Labeled reads_holes       = by_twenties(Numbered{{holed}});
  refuses(reads_holes, "basin::train::Trainer: data(" + std::to_string(first_of(1) + 7) +
                           ", 2) is nan; drop that row, or replace the number");
  holed(first_of(0), 1) = -std::numeric_limits<float>::infinity();  // now by the constructor
  CHECK_THROWS_WITH(by_twenties(Numbered{{holed}}),
                    "basin::train::Trainer: data(" + std::to_string(first_of(0)) +
                        ", 1) is -inf; drop that row, or replace the number");

  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", 60);
  labels(first_of(1) + 2) = -1;
  Labeled unlabeled = by_twenties(basin::RowsWithLabels(Source{uniform_points(60, 3)}, labels));
  refuses(unlabeled, "basin::train::Trainer: labels(" + std::to_string(first_of(1) + 2) +
                         ") is -1, and no row of the first window is without a label; write a "
                         "larger window, or put such rows elsewhere in the file");
}

struct Ten {
  static constexpr int outputs = 10;
};

TEST_CASE("labels of a classifier are below the number of its logits", "[train][stream]") {
  CHECK(basin::train::label_count<Ten> == 10);
  CHECK(basin::train::label_count<basin::test::SmallNetwork> == 0);
  RowStream const rows(Numbered{{uniform_points(60, 3)}});
  using Window = basin::train::Window<float, Exec>;
  CHECK_NOTHROW(Window(Exec(), rows, 5, 3, 60));
  CHECK_THROWS_WITH(Window(Exec(), rows, 5, 3, 59),
                    "basin::train::Trainer: labels must be below 59, the number of logits; "
                    "labels(59) is 59");
}

TEST_CASE("a stream that does not fit is refused", "[train][stream]") {
  Numbered const source{{uniform_points(60, 3)}};
  auto const refused = [](auto const& rows, char const* sentence,
                          basin::train::RowStreamOptions const& options = {}) {
    CHECK_THROWS_WITH(Labeled({.batch = 10}, RowStream(rows, options)), sentence);
  };
  refused(Numbered{{uniform_points(60, 4)}},
          "basin::train::Trainer: data has second extent 4, the energy has dimension 3");
  refused(Numbered{{uniform_points(9, 3)}},
          "basin::train::Trainer: data has 9 rows, fewer than the batch of 10");
  refused(source, "basin::train::RowStream: window is 9 rows, fewer than the batch of 10",
          {.window = 9});
  refused(source, "basin::train::RowStream: window must be >= 0, got -1", {.window = -1});
  refused(source,
          "basin::train::RowStream: window is 2147483640 rows, a batch of 10 takes at most "
          "2147483637",
          {.window = 2147483640});
  refused(Source{uniform_points(60, 3)},
          "basin::train::Trainer: the objective takes labels, and none are given; write them "
          "behind the data");
  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", 59);
  CHECK_THROWS_WITH(basin::RowsWithLabels(source, labels),
                    "basin::RowsWithLabels: there are 59 labels, and 60 rows");

  Labeled trainer({.batch = 10}, RowStream(source));
  auto const rows = rows_of_steps(trainer, 2);
  CHECK_THROWS_WITH(trainer.set_data(RowStream(Numbered{{uniform_points(9, 3)}})),
                    "basin::train::Trainer: data has 9 rows, fewer than the batch of 10");
  Labeled same({.batch = 10}, RowStream(source));
  same.set_step(2);
  CHECK(rows_of_steps(trainer, 2) == rows_of_steps(same, 2));  // it was left as it was
}

}  // namespace
