// SPDX-License-Identifier: Apache-2.0
// A run of S slices is the same run on any number of ranks.
#include <basin/mpi/ranks.hpp>
#include <basin/train/row_stream.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <cstring>
#include <optional>
#include <support/mpi.hpp>
#include <support/training.hpp>
#include <vector>

namespace {

using Exec    = BASIN_TEST_EXEC;
using Trainer = basin::test::SmallTrainer<Exec>;
using basin::mpi::Ranks;
using basin::test::contents;
using basin::test::uniform_points;
using Catch::Matchers::ContainsSubstring;
using Points = decltype(uniform_points(1, 1));

enum class Given { all, share, stream };

// Reads rows of points.
struct Rows {
  Points points;
  std::uint64_t rows() const { return points.extent(0); }
  std::size_t dimension() const { return points.extent(1); }
  void read(std::uint64_t first, std::size_t count, float* to) const {
    std::memcpy(to, &points(first, 0), count * dimension() * sizeof(float));
  }
};

Trainer::Options options(int slices, Ranks* ranks) {
  auto all          = basin::test::small_options<Trainer>();
  all.monitor_every = 50;
  all.slices        = {.count = slices, .ranks = ranks};
  return all;
}

Trainer made(Trainer::Options options, Given given) {
  auto const points = uniform_points(163, 3);
  if (given == Given::stream)
    return Trainer(options, basin::train::RowStream(Rows{points}, {.window = 20, .block = 3}));
  if (given == Given::all) return Trainer(options, points);
  options.slices.rows = points.extent(0);
  auto const here     = options.slices.rows_here(points.extent(0));
  return Trainer(options, Kokkos::subview(points, std::pair(here.first, here.last), Kokkos::ALL));
}

// Parameters, their average and what was reported, after 200 steps.
std::vector<float> after_200_steps(int slices, Ranks* ranks, Given given = Given::all) {
  Trainer trainer = made(options(slices, ranks), given);
  std::vector<float> all;
  trainer.fit({.steps = 200, .report = [&](basin::train::Metrics const& m) {
                 for (auto const& entry : m)
                   if (std::string(entry.quantity.name) != "stream_wait")
                     all.push_back(float(entry.value));
               }});
  for (auto const& numbers :
       {contents(trainer.parameters()), contents(trainer.averaged_parameters())})
    all.insert(all.end(), numbers.begin(), numbers.end());
  return all;
}

// Those of a run on the first R ranks; nothing on the others.
std::vector<float> on_ranks(int R, int slices, Given given,
                            basin::mpi::RanksOptions const& how = {}) {
  Subset const some(R);
  if (!some.holds_this()) return {};
  Ranks ranks(some.communicator(), how);
  return after_200_steps(slices, &ranks, given);
}

bool are_equal(std::vector<float> const& a, std::vector<float> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("200 steps give the same bits on 1, 2, 3 and 4 ranks") {
  for (int const S : {6, 8}) {
    auto const alone = after_200_steps(S, nullptr);
    for (int R = 1; R <= 4; ++R) {
      auto const many = on_ranks(R, S, Given::all);
      INFO(S << " slices, " << R << " ranks");
      if (!many.empty()) CHECK(are_equal(many, alone));
    }
  }
  CHECK(!are_equal(after_200_steps(6, nullptr), after_200_steps(8, nullptr)));
}

TEST_CASE(
    "ranks that are given their own rows alone, and rows that are streamed, give the same bits") {
  auto const alone  = after_200_steps(6, nullptr),
             stream = after_200_steps(6, nullptr, Given::stream);
  CHECK(are_equal(on_ranks(4, 6, Given::share), alone));
  CHECK(are_equal(on_ranks(4, 6, Given::share, {.path = basin::mpi::Path::staged}), alone));
  CHECK(are_equal(on_ranks(4, 6, Given::stream), stream));
}

TEST_CASE("chains that migrate from slice to slice are the same on any number of ranks") {
  // Sizes of all slices are equal: 5 of the batch, 20 of the buffer.
  auto const buffers = [](Ranks* ranks, long migration) {
    auto o                      = options(4, ranks);
    o.batch                     = 20;
    o.slices.migration          = migration;
    o.objective.buffer.capacity = 80;
    Trainer trainer             = made(o, Given::all);
    for (int i = 0; i < 25; ++i) trainer.step();
    return contents(trainer.parameters());
  };
  CHECK(buffers(&all_ranks(), 10) == buffers(nullptr, 10));
  CHECK(buffers(nullptr, 10) != buffers(nullptr, 0));

  // At once after the move slice s has what slice s - 1 had.
  auto o                      = options(4, nullptr);
  o.batch                     = 20;
  o.slices.migration          = 1;
  o.objective.buffer.capacity = 80;
  o.objective.buffer.fresh    = 0;
  o.objective.sampler.steps   = 1;
  Trainer trainer             = made(o, Given::all);
  trainer.step();
  auto const before = contents(trainer.state(3).buffer().ages());
  trainer.step();  // moves, then draws 5 of 20 and makes them older
  auto const after = contents(trainer.state(0).buffer().ages());
  int same         = 0;
  for (std::size_t i = 0; i < before.size(); ++i) same += before[i] == after[i] ? 1 : 0;
  CHECK(same == 15);
}

TEST_CASE("a rank whose rows are all equal reports with the others") {
  auto const points = uniform_points(160, 3);
  for (int n = 80; n < 120; ++n)  // those of slice 2
    for (int d = 0; d < 3; ++d) points(n, d) = 0.5F;
  auto const distance = [&](Ranks* ranks) {
    Trainer trainer(options(4, ranks), points);
    return trainer.fit({.steps = 50})["distance_samples"];
  };
  CHECK(distance(&all_ranks()) == distance(nullptr));
}

TEST_CASE("gradients summed by MPI_Allreduce are those of the fixed order to rounding") {
  Ranks ranks(MPI_COMM_WORLD, {.order = basin::mpi::Order::any});
  Trainer any = made(options(6, &ranks), Given::all), fixed = made(options(6, nullptr), Given::all);
  auto const a = contents(any.gradient()), b = contents(fixed.gradient());
  float most = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    norm = std::max(norm, std::abs(b[i]));
  }
  CHECK(most <= 1e-5F * norm);
  CHECK(norm > 0);
}

TEST_CASE("an archive of each rank loads, and the run goes on with the same bits") {
  Trainer whole = made(options(6, nullptr), Given::all);
  for (int i = 0; i < 20; ++i) whole.step();
  basin::MemoryArchive saved;
  {
    Trainer first = made(options(6, &all_ranks()), Given::all);
    for (int i = 0; i < 11; ++i) first.step();
    saved.save("run", first);
  }
  Trainer second = made(options(6, &all_ranks()), Given::all);
  saved.load("run", second);
  for (int i = 0; i < 9; ++i) second.step();
  CHECK(contents(second.parameters()) == contents(whole.parameters()));
}

TEST_CASE("what does not fit is refused on all ranks with one sentence") {
  Ranks& ranks   = all_ranks();
  auto const say = [&](Trainer::Options const& o, Given given = Given::all) {
    return thrown_by([&] { (void)made(o, given); });
  };
  CHECK(say(options(3, &ranks)) ==
        "basin::train::Slices: count is 3, fewer than the 4 ranks; write slices.count = 4 or more");
  CHECK(say(options(38, &ranks)) == "basin::train::Slices: count is 38, more than the batch of 37");
  auto other = options(4, &ranks);
  other.seed = ranks.rank() == 2 ? 6 : 5;
  CHECK_THAT(say(other), ContainsSubstring("rank 0 has batch = 37, seed = 5,") &&
                             ContainsSubstring(", rank 2 has batch = 37, seed = 6,"));

  auto const points          = uniform_points(163, 3);
  points(100, 1)             = std::nanf("");  // of slice 2
  std::string const position = "data(100, 1) is nan; drop that row, or replace the number";
  std::string const who      = "basin::train::Trainer: ";
  CHECK(thrown_by([&] { Trainer(options(4, &ranks), points); }) ==
        (ranks.rank() == 2 ? who + position : "rank 2: " + who + position));

  auto short_of        = options(4, &ranks);
  short_of.slices.rows = 200;
  CHECK_THAT(thrown_by([&] { Trainer(short_of, uniform_points(49, 3)); }),
             ContainsSubstring(
                 "data has 49 rows, this rank's share of slices.rows = 200 is 50, rows 0 to 50"));
}

TEST_CASE("what fails on one rank fails on all, and rank 0's file is everybody's") {
  Ranks& ranks        = all_ranks();
  auto const fails_on = [&](int rank) {
    return thrown_by([&] {
      basin::train::all_or_none(&ranks, [&] {
        if (ranks.rank() == rank) throw std::runtime_error("the disk is full");
      });
    });
  };
  CHECK(fails_on(1) == (ranks.rank() == 1 ? "the disk is full" : "rank 1: the disk is full"));
  CHECK(fails_on(-1).empty());
  int done = 0;
  basin::train::on_first(&ranks, [&] { ++done; });
  CHECK(done == (ranks.rank() == 0 ? 1 : 0));
  auto const all = basin::train::gather(ranks, std::string(std::size_t(ranks.rank()), 'x'));
  if (ranks.rank() == 0)
    CHECK(all == std::vector<std::string>{"", "x", "xx", "xxx"});
  else
    CHECK(all.empty());
}
