// SPDX-License-Identifier: Apache-2.0
#include <basin/buffer/replay.hpp>

#include "support/clock.hpp"
#include "support/many_rows.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace start   = basin::sampler::start;
namespace storage = basin::buffer::storage;
namespace draw    = basin::buffer::draw;
namespace write   = basin::buffer::write;
using basin::buffer::Replay;
using Catch::Matchers::WithinAbs;

using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Table = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

// Few types for all tests: every kernel costs compile time.
using Plain     = Replay<>;  // Uniform, Full, WithoutReplacement, SameSlot
using Bytes     = Replay<draw::WithReplacement, storage::Byte>;
using Ring      = Replay<start::Data, write::Ring>;
using Reservoir = Replay<write::Reservoir, start::Gaussian>;

template <class Options>
using Bound =
    typename Options::template bind<Exec, float, basin::tile::default_tuning<Exec, float>()>;

using Values = std::vector<double>;  // row by row
using Ints   = std::vector<int>;

template <class View>
auto on_host(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  using T         = typename View::non_const_value_type;
  using Element   = std::conditional_t<std::is_same_v<T, int>, int, double>;
  return std::vector<Element>(host.data(), host.data() + host.size());
}

Table<float> on_device(Values const& values, int dimension) {
  Table<float> const table("table", values.size() / static_cast<std::size_t>(dimension), dimension);
  auto const host = Kokkos::create_mirror_view(table);
  for (std::size_t i = 0; i < values.size(); ++i) host.data()[i] = static_cast<float>(values[i]);
  Kokkos::deep_copy(table, host);
  return table;
}

// What the buffer holds, decoded.
template <class Buffer>
Values content(Buffer const& buffer) {
  Values values = on_host(buffer.stored());
  for (double& x : values) x = buffer.decode(static_cast<typename Buffer::stored_type>(x));
  return values;
}

constexpr int dimension = 3;

template <class Options>
Bound<Options> make(Options const& options, int batch, std::uint64_t seed,
                    Exec const& exec = Exec(), Table<float> const& data = {}) {
  return Bound<Options>(exec, options, batch, dimension, data, seed);
}

// Data whose every row is negative, -(r + 1) in all coordinates: no other start gives such values.
Table<float> negative_rows(int rows) {
  Values values;
  for (int r = 0; r < rows; ++r) values.insert(values.end(), dimension, -(r + 1.));
  return on_device(values, dimension);
}

// 5 standard deviations about the mean of a chi-square law with df degrees of freedom.
void check_chi_square(double chi_square, double df) {
  CHECK_THAT(chi_square, WithinAbs(df, 5 * std::sqrt(2 * df)));
}
double chi_square(Values const& counts, double expected) {
  double sum = 0;
  for (double const n : counts) sum += (n - expected) * (n - expected) / expected;
  return sum;
}

TEST_CASE("the initial content is drawn from Uniform", "[buffer][replay]") {
  int constexpr capacity = 5000;
  auto const buffer = make(Plain{.capacity = capacity, .start = {.lower = 1, .upper = 3}}, 1, 1);
  auto const x      = content(buffer);
  CHECK(*std::min_element(x.begin(), x.end()) >= 1);
  CHECK(*std::max_element(x.begin(), x.end()) <= 3);
  // Mean 2, variance 1/3: standard error sqrt(1 / (3 N)); about the center the fourth power has
  // mean 1/5, so that the square has standard error sqrt((1/5 - 1/9) / N). 5 of each.
  double const N = capacity * dimension;
  double mean = 0, square = 0;
  for (double const v : x) mean += v / N, square += (v - 2) * (v - 2) / N;
  CHECK_THAT(mean, WithinAbs(2, 5 * std::sqrt(1 / (3 * N))));
  CHECK_THAT(square, WithinAbs(1. / 3, 5 * std::sqrt((1. / 5 - 1. / 9) / N)));
  CHECK(on_host(buffer.ages()) == Ints(capacity, 0));
}

TEST_CASE("the initial content is drawn from Gaussian", "[buffer][replay]") {
  int constexpr capacity = 5000;
  auto const x           = content(
      make(Reservoir{.capacity = capacity, .start = {.mean = 2, .standard_deviation = 0.5}}, 1, 1));
  double const N = capacity * dimension;
  double mean = 0, square = 0;
  for (double const v : x) mean += v / N, square += (v - 2) * (v - 2) / N;
  CHECK_THAT(mean, WithinAbs(2, 5 * 0.5 / std::sqrt(N)));
  CHECK_THAT(square, WithinAbs(0.25, 5 * 0.25 * std::sqrt(2 / N)));
}

TEST_CASE("the initial content is rows of Data, each about equally often", "[buffer][replay]") {
  int constexpr capacity = 5000, rows = 50;
  auto const x = content(make(Ring{.capacity = capacity}, 1, 1, Exec(), negative_rows(rows)));
  Values counts(rows);
  for (std::size_t i = 0; i < x.size(); ++i) {
    REQUIRE(x[i] == x[i / dimension * dimension]);
    counts.at(static_cast<std::size_t>(-x[i] - 1)) += 1. / dimension;
  }
  check_chi_square(chi_square(counts, double(capacity) / rows), rows - 1);
}

TEST_CASE("fresh chains are not the initial content over again", "[buffer][replay]") {
  auto buffer = make(Plain{.capacity = 64, .fresh = 1}, 64, 1);
  Table<float> const chains("chains", 64, dimension);
  buffer.draw(Exec(), chains, 0);
  auto const first = on_host(chains);
  CHECK(first != content(buffer));
  buffer.draw(Exec(), chains, 1);
  CHECK(on_host(chains) != first);
}

TEST_CASE("fill replaces the whole content, and its ages", "[buffer][replay]") {
  auto buffer = make(Plain{.capacity = 20, .fresh = 0}, 5, 1);
  Table<float> const chains("chains", 5, dimension);
  buffer.draw(Exec(), chains, 0);
  buffer.write(Exec(), chains, 0);
  CHECK(on_host(buffer.ages()) != Ints(20, 0));

  Values samples(20 * dimension);
  std::iota(samples.begin(), samples.end(), -7);
  // Samples may lie on the host.
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const host("host", 20, dimension);
  for (std::size_t i = 0; i < samples.size(); ++i) host.data()[i] = static_cast<float>(samples[i]);
  buffer.fill(Exec(), host);
  CHECK(content(buffer) == samples);
  // And in another scalar.
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> const other("other", 20, dimension);
  for (int slot = 0; slot < 20; ++slot)
    for (int d = 0; d < dimension; ++d) other(slot, d) = samples[0] - slot * dimension - d;
  buffer.fill(Exec(), other);
  std::transform(samples.begin(), samples.end(), samples.begin(),
                 [first = samples[0]](double x) { return 2 * first - x; });
  CHECK(content(buffer) == samples);
  CHECK(on_host(buffer.ages()) == Ints(20, 0));
}

int fences = 0;
void count_fence(char const*, std::uint32_t, std::uint64_t*) { ++fences; }

TEST_CASE("fill waits for nothing where the samples are within reach", "[buffer][replay]") {
  Exec const exec;
  auto buffer        = make(Bytes{.capacity = 20}, 5, 1);
  auto const samples = on_device(Values(20 * dimension, 0.5), dimension);
  exec.fence("test");
  Kokkos::Tools::Experimental::set_begin_fence_callback(count_fence);
  fences = 0;
  buffer.fill(exec, samples);
  int const in_fill = fences;
  exec.fence("test");
  Kokkos::Tools::Experimental::set_begin_fence_callback(nullptr);
  CHECK(in_fill == 0);
  CHECK(fences == 1);  // so they are counted
}

TEST_CASE("a byte keeps a coordinate to 1/510 of the range", "[buffer][replay]") {
  int constexpr capacity = 1001;
  for (auto const& [lower, upper] : {std::pair(-1., 1.), std::pair(0., 1.), std::pair(-0.1, 0.7)}) {
    CAPTURE(lower, upper);
    auto buffer        = make(Bytes{.capacity = capacity,
                                    .start    = {.lower = lower, .upper = upper},
                                    .lower    = lower,
                                    .upper    = upper},
                              1, 1);
    double const range = upper - lower;
    Values samples;
    for (int i = 0; i < capacity * dimension; ++i)
      samples.push_back(lower + range * i / (capacity * dimension - 1));
    buffer.fill(Exec(), on_device(samples, dimension));
    auto const kept = content(buffer);
    double largest  = 0;
    for (std::size_t i = 0; i < kept.size(); ++i)
      largest = std::max(largest, std::abs(kept[i] - samples[i]));
    // A few roundings of floats of order 1, 6e-8 each, come on top.
    CHECK(largest <= range / 510 + 5e-7);
    CHECK(largest >= range / 510 - range / 3000);  // not a finer code than a byte has
  }
}

TEST_CASE("a byte drawn and written back unchanged stays the same byte", "[buffer][replay]") {
  auto buffer = make(Bytes{.capacity = 256,
                           .fresh    = 0,
                           .start    = {.lower = 0, .upper = 1},
                           .lower    = -0.3,
                           .upper    = 1.1},
                     256, 1);
  Values levels;
  for (int level = 0; level < 256; ++level)
    levels.insert(levels.end(), dimension, buffer.decode(static_cast<unsigned char>(level)));
  buffer.fill(Exec(), on_device(levels, dimension));
  auto const before = on_host(buffer.stored());
  for (std::size_t i = 0; i < before.size(); ++i) REQUIRE(before[i] == double(i / dimension));
  Table<float> const chains("chains", 256, dimension);
  for (std::uint64_t step = 0; step < 5; ++step) {
    buffer.draw(Exec(), chains, step);
    buffer.write(Exec(), chains, step);
  }
  CHECK(on_host(buffer.stored()) == before);
}

TEST_CASE("what a byte cannot hold becomes the nearest bound, NaN the lower one",
          "[buffer][replay]") {
  auto buffer           = make(Bytes{.capacity = 1, .lower = -1, .upper = 1}, 1, 1);
  double const infinity = std::numeric_limits<double>::infinity();
  buffer.fill(Exec(), on_device({-1.5, infinity, std::nan("")}, dimension));
  CHECK(on_host(buffer.stored()) == Values{0, 255, 0});
  buffer.fill(Exec(), on_device({1e30, -infinity, 1.001}, dimension));
  CHECK(on_host(buffer.stored()) == Values{255, 0, 255});
}

TEST_CASE("draws without replacement never share a slot, and favor none", "[buffer][replay]") {
  int constexpr capacity = 50, batch = 20, steps = 3000;
  auto buffer = make(Plain{.capacity = capacity, .fresh = 0}, batch, 7);
  Table<float> const chains("chains", batch, dimension);
  Values all(capacity), of_first_chain(capacity);
  for (std::uint64_t step = 0; step < steps; ++step) {
    buffer.draw(Exec(), chains, step);
    auto slots = on_host(buffer.slots());
    of_first_chain.at(static_cast<std::size_t>(slots[0])) += 1;
    std::sort(slots.begin(), slots.end());
    REQUIRE(std::adjacent_find(slots.begin(), slots.end()) == slots.end());
    for (int const slot : slots) all.at(static_cast<std::size_t>(slot)) += 1;
  }
  // Counts of a slot are binomial (steps, p), p = batch / capacity, so their variance is 1 - p of
  // that of Poisson counts; the sum over slots is fixed.
  double const p = double(batch) / capacity;
  check_chi_square(chi_square(all, steps * p) / (1 - p) * (capacity - 1) / capacity, capacity - 1);
  check_chi_square(chi_square(of_first_chain, double(steps) / capacity), capacity - 1);
}

TEST_CASE("draws with replacement are uniform and independent", "[buffer][replay]") {
  int constexpr capacity = 50, batch = 20, steps = 3000;
  auto buffer = make(Bytes{.capacity = capacity, .fresh = 0}, batch, 7);
  Table<float> const chains("chains", batch, dimension);
  Values counts(capacity);
  double pairs = 0;  // of chains from one slot
  for (std::uint64_t step = 0; step < steps; ++step) {
    buffer.draw(Exec(), chains, step);
    Ints of_step(capacity);
    for (int const slot : on_host(buffer.slots())) {
      counts.at(static_cast<std::size_t>(slot)) += 1;
      pairs += of_step.at(static_cast<std::size_t>(slot))++;
    }
  }
  check_chi_square(chi_square(counts, double(steps) * batch / capacity), capacity - 1);
  // Each of the batch (batch - 1) / 2 pairs with probability 1 / capacity, pairwise independent.
  double const expected = steps * batch * (batch - 1) / 2. / capacity;
  CHECK_THAT(pairs, WithinAbs(expected, 5 * std::sqrt(expected)));
}

TEST_CASE("chains start afresh with their probability", "[buffer][replay]") {
  int constexpr capacity = 100, batch = 100, steps = 200;
  for (double const fresh : {0., 0.05, 0.5, 1.}) {
    CAPTURE(fresh);
    auto buffer = make(Plain{.capacity = capacity, .fresh = fresh}, batch, 3);
    buffer.fill(Exec(), on_device(Values(capacity * dimension, 7.), dimension));
    Table<float> const chains("chains", batch, dimension);
    double count = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      buffer.draw(Exec(), chains, step);
      auto const x = on_host(chains);
      for (std::size_t i = 0; i < x.size(); i += dimension) {
        bool const is_fresh = x[i] != 7;
        count += is_fresh;
        // The whole chain or nothing of it, from Uniform's [-1, 1].
        for (std::size_t d = i; d < i + dimension; ++d)
          REQUIRE((is_fresh ? std::abs(x[d]) <= 1 : x[d] == 7));
      }
    }
    // Binomial; 5 standard deviations, none at the ends.
    double const n = double(batch) * steps;
    CHECK_THAT(count, WithinAbs(n * fresh, 5 * std::sqrt(n * fresh * (1 - fresh))));
  }
}

// A buffer on the host: one row a slot, and its age.
struct Model {
  Values content;
  Ints ages;
  int head = 0;

  void put(int slot, Values const& chains, int chain, int age) {
    std::copy_n(chains.begin() + chain * dimension, dimension, content.begin() + slot * dimension);
    ages.at(static_cast<std::size_t>(slot)) = age;
  }
};

// Drives a buffer and its model through draws and writes of values that never come again (bytes: of
// 256), and compares everything after each. put(model, chains, drawn slots, slots after write, new
// ages) does to the model what the write policy's documentation says.
template <class Options, class Put>
void follow(Options const& options, int batch, Put const& put) {
  auto buffer        = make(options, batch, 11, Exec(), negative_rows(9));
  int const capacity = options.capacity;
  Model model{content(buffer), Ints(static_cast<std::size_t>(capacity)), 0};
  Table<float> const chains("chains", batch, dimension);
  int total_fresh = 0;
  for (int step = 0; step < 60; ++step) {
    CAPTURE(step);
    buffer.draw(Exec(), chains, static_cast<std::uint64_t>(step));
    auto const x     = on_host(chains);
    auto const slots = on_host(buffer.slots());
    auto ages        = on_host(buffer.drawn_ages());
    for (int i = 0; i < batch; ++i) {
      int const slot   = slots.at(static_cast<std::size_t>(i));
      bool const fresh = !std::equal(x.begin() + i * dimension, x.begin() + (i + 1) * dimension,
                                     model.content.begin() + slot * dimension);
      total_fresh += fresh;
      int& age = ages.at(static_cast<std::size_t>(i));
      REQUIRE(age == (fresh ? 0 : model.ages.at(static_cast<std::size_t>(slot))));
      ++age;
    }
    // Drawing changes nothing.
    REQUIRE(content(buffer) == model.content);

    Values moved;
    for (int i = 0; i < batch; ++i)
      for (int d = 0; d < dimension; ++d) moved.push_back((step * batch + i + 70 * d) % 256);
    Kokkos::deep_copy(chains, on_device(moved, dimension));
    buffer.write(Exec(), chains, static_cast<std::uint64_t>(step));
    put(model, moved, slots, on_host(buffer.slots()), ages);
    // The slots that were not written too: bit by bit as they were.
    REQUIRE(content(buffer) == model.content);
    REQUIRE(on_host(buffer.ages()) == model.ages);
  }
  // Binomial (60 batch, 0.2); 5 standard deviations: both kinds were seen.
  double const n = 60. * batch;
  CHECK_THAT(total_fresh,
             WithinAbs(n * options.fresh, 5 * std::sqrt(n * options.fresh * (1 - options.fresh))));
}

TEST_CASE("SameSlot writes each chain back to where it was drawn", "[buffer][replay]") {
  follow(Plain{.capacity = 13, .fresh = 0.2}, 6,
         [](Model& model, Values const& chains, Ints const& drawn, Ints const&, Ints const& ages) {
           for (int i = 0; i < 6; ++i)
             model.put(drawn[static_cast<std::size_t>(i)], chains, i,
                       ages[static_cast<std::size_t>(i)]);
         });
}

TEST_CASE("of two chains of one slot SameSlot keeps the one of lower number", "[buffer][replay]") {
  // 6 of 7 slots with replacement: hardly a step without a contest.
  follow(Bytes{.capacity = 7,
               .fresh    = 0.2,
               .start    = {.lower = 0, .upper = 255},
               .lower    = 0,
               .upper    = 255},
         6,
         [](Model& model, Values const& chains, Ints const& drawn, Ints const&, Ints const& ages) {
           for (int i = 5; i >= 0; --i)
             model.put(drawn[static_cast<std::size_t>(i)], chains, i,
                       ages[static_cast<std::size_t>(i)]);
         });
}

TEST_CASE("Ring replaces the oldest slots in turn, and begins again at the end",
          "[buffer][replay]") {
  follow(Ring{.capacity = 13, .fresh = 0.2}, 5,
         [](Model& model, Values const& chains, Ints const&, Ints const&, Ints const& ages) {
           for (int i = 0; i < 5; ++i) {
             model.put(model.head, chains, i, ages[static_cast<std::size_t>(i)]);
             model.head = model.head == 12 ? 0 : model.head + 1;
           }
         });
}

TEST_CASE("of two chains of one slot Reservoir keeps the later one", "[buffer][replay]") {
  int contested = 0;
  follow(Reservoir{.capacity = 6, .fresh = 0.2}, 6,
         [&](Model& model, Values const& chains, Ints const&, Ints slots, Ints const& ages) {
           for (int i = 0; i < 6; ++i)
             if (slots[static_cast<std::size_t>(i)] >= 0)
               model.put(slots[static_cast<std::size_t>(i)], chains, i,
                         ages[static_cast<std::size_t>(i)]);
           slots.erase(std::remove(slots.begin(), slots.end(), -1), slots.end());
           std::sort(slots.begin(), slots.end());
           contested += std::adjacent_find(slots.begin(), slots.end()) != slots.end();
         });
  CHECK(contested > 0);
}

TEST_CASE("Reservoir chooses anew at every step", "[buffer][replay]") {
  auto const slots_at = [](std::uint64_t step) {
    auto buffer = make(Reservoir{.capacity = 40}, 40, 1);
    buffer.write(Exec(), Table<float>("chains", 40, dimension), step);
    return on_host(buffer.slots());
  };
  CHECK(slots_at(3) == slots_at(3));
  CHECK(slots_at(3) != slots_at(4));
}

TEST_CASE("Reservoir holds a uniform sample of all that was ever written", "[buffer][replay]") {
  // Batches as large as the buffer, where the order within a batch matters most.
  int constexpr batch = 32, steps = 5, all = batch * (1 + steps), runs = 200;
  Values kept(all);
  Values samples;
  auto const numbers = [&](int first) {
    samples.clear();
    for (int i = 0; i < batch; ++i) samples.insert(samples.end(), dimension, first + i);
    return on_device(samples, dimension);
  };
  for (int run = 0; run < runs; ++run) {
    auto buffer = make(Reservoir{.capacity = batch, .fresh = 0}, batch,
                       1000 + static_cast<std::uint64_t>(run));
    buffer.fill(Exec(), numbers(0));
    for (int s = 1; s <= steps; ++s)
      buffer.write(Exec(), numbers(s * batch), static_cast<std::uint64_t>(s));
    auto const x = content(buffer);
    for (std::size_t i = 0; i < x.size(); i += dimension)
      kept.at(static_cast<std::size_t>(x[i])) += 1;
  }
  // Each is kept with probability p = batch / all: counts are binomial (runs, p), so their variance
  // is 1 - p of that of Poisson counts; their sum is fixed.
  double const p = double(batch) / all;
  check_chi_square(chi_square(kept, runs * p) / (1 - p) * (all - 1) / all, all - 1);
}

// Content after some steps that contest slots.
template <class Options>
Values after_steps(Options const& options, std::uint64_t seed, Exec const& exec) {
  int constexpr batch = 30;
  auto buffer         = make(options, batch, seed, exec);
  Table<float> const chains("chains", batch, dimension);
  Table<float> const moved("moved", batch, dimension);
  for (std::uint64_t step = 0; step < 20; ++step) {
    buffer.draw(exec, chains, step);
    // What is written back must differ from chain to chain.
    auto x = on_host(chains);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.9 * x[i] + 0.001 * double(i);
    Kokkos::deep_copy(exec, chains, on_device(x, dimension));
    buffer.write(exec, chains, step);
  }
  exec.fence();
  return content(buffer);
}

// An instance with one thread, where the backend has such instances; else another instance.
template <class Space>
Space small_instance() {
  if constexpr (std::is_constructible_v<Space, int>)
    return Space(1);
  else
    return Kokkos::Experimental::partition_space(Space(), 1)[0];
}

TEST_CASE("the content is a function of the seed, for any number of threads", "[buffer][replay]") {
  Bytes const bytes{.capacity = 40, .fresh = 0.2};
  Reservoir const reservoir{.capacity = 40, .fresh = 0.2};
  Exec const one = small_instance<Exec>();
  CHECK(after_steps(bytes, 5, Exec()) == after_steps(bytes, 5, Exec()));
  CHECK(after_steps(bytes, 5, Exec()) == after_steps(bytes, 5, one));
  CHECK(after_steps(bytes, 5, Exec()) != after_steps(bytes, 6, Exec()));
  CHECK(after_steps(reservoir, 5, Exec()) == after_steps(reservoir, 5, one));
  CHECK(after_steps(reservoir, 5, Exec()) != after_steps(reservoir, 6, Exec()));
}

// Chains, slots, ages and contents of some steps; at every step the chains move.
template <class Options, class StepOf>
std::vector<Values> several_steps(Options const& options, StepOf const& step_of) {
  auto buffer = make(options, 9, 7, Exec(), negative_rows(30));
  std::vector<Values> all;
  for (std::uint64_t const n : {0, 1, 2, 5}) {
    Table<float> const chains("chains", 9, dimension);
    buffer.draw(Exec(), chains, step_of(n));
    all.push_back(on_host(chains));
    Values moved = all.back();
    for (double& x : moved) x = x / 2 + double(n) / 8;
    buffer.write(Exec(), on_device(moved, dimension), step_of(n));
    Exec().fence();  // before the clock goes on
    all.push_back(content(buffer));
    for (auto const& ints :
         {on_host(buffer.slots()), on_host(buffer.ages()), on_host(buffer.drawn_ages())})
      all.emplace_back(ints.begin(), ints.end());
  }
  return all;
}

template <class Options>
void check_clock(Options const& options) {
  basin::test::Clock<Exec> const clock(0);
  auto const by_number = several_steps(options, [](std::uint64_t n) { return basin::Step(n); });
  auto const by_clock  = several_steps(options, [&](std::uint64_t n) {
    clock.set(n);
    return clock.step();
  });
  // A host beside a GPU reads no clock.
  if constexpr (basin::test::reads_clocks<Exec>) CHECK(by_clock == by_number);
  auto const at_first =
      several_steps(options, [](std::uint64_t) { return basin::Step(std::uint64_t(0)); });
  CHECK(at_first != by_number);
  if constexpr (!basin::test::reads_clocks<Exec>) CHECK(by_clock == at_first);
}

TEST_CASE("draws and writes by a clock are those by the number of the step", "[buffer][replay]") {
  check_clock(Plain{.capacity = 20, .fresh = 0.3});
  check_clock(Bytes{.capacity = 20, .fresh = 0.3});
  check_clock(Ring{.capacity = 20, .fresh = 0.3});
  check_clock(Reservoir{.capacity = 20, .fresh = 0.3});
}

TEST_CASE("Replay refuses numbers that mean nothing, and says them", "[buffer][replay]") {
  std::string const who = "basin::buffer::Replay: ";
  CHECK_THROWS_WITH(Plain{.capacity = 4}.check(5),
                    who + "capacity is 4, smaller than the batch of 5");
  CHECK_THROWS_WITH(Plain{.fresh = 1.5}.check(1), who + "fresh must be in [0, 1], got 1.5");
  CHECK_THROWS_WITH(Plain{.fresh = -0.5}.check(1), who + "fresh must be in [0, 1], got -0.5");
  CHECK_THROWS_WITH(Plain{.fresh = std::nan("")}.check(1),
                    who + "fresh must be in [0, 1], got nan");
  CHECK_THROWS_WITH((Bytes{.lower = 2, .upper = 1}.check(1)),
                    who + "lower must be < upper and both finite, got 2 and 1");
  double const infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(Bytes{.lower = -infinity}.check(1),
                    who + "lower must be < upper and both finite, got -inf and 1");
  CHECK_THROWS_WITH(Bytes{.upper = infinity}.check(1),
                    who + "lower must be < upper and both finite, got -1 and inf");
  CHECK_THROWS_WITH(Bytes{.upper = std::nan("")}.check(1),
                    who + "lower must be < upper and both finite, got -1 and nan");
  CHECK_THROWS_WITH(
      Reservoir{.start = {.standard_deviation = -1}}.check(1),
      "basin::sampler::start::Gaussian: standard_deviation must be >= 0 and finite, got -1");
  using BytesFromUniform = Replay<storage::Byte>;
  CHECK_THROWS_WITH((BytesFromUniform{.start = {.lower = -2, .upper = 1}}.check(1)),
                    who +
                        "the storage keeps [-1, 1], the start has [-2, 1]; write a range "
                        "of the buffer that holds it, or narrower bounds there");
  CHECK_THROWS_WITH(BytesFromUniform{}.check_chains(-1, infinity),
                    who +
                        "the storage keeps [-1, 1], the sampler has [-1, inf]; write a range "
                        "of the buffer that holds it, or narrower bounds there");
  CHECK_NOTHROW(BytesFromUniform{}.check_chains(-0.5, 1));
  CHECK_NOTHROW(Replay<>{.start = {.lower = -2, .upper = 2}}.check(1));
  CHECK_NOTHROW(Replay<>{}.check_chains(-infinity, infinity));
  CHECK_NOTHROW((Plain{.capacity = 4, .fresh = 0}.check(4)));
  CHECK_NOTHROW((Plain{.capacity = 4, .fresh = 1}.check(4)));

  CHECK_THROWS_WITH(make(Plain{.capacity = 4}, 5, 1),
                    who + "capacity is 4, smaller than the batch of 5");
  CHECK_THROWS_WITH(
      make(Ring{.capacity = 4}, 2, 1),
      who + "the start draws rows of the data, which has shape (0, 0); the energy has dimension 3");
  CHECK_THROWS_WITH(
      make(Ring{.capacity = 4}, 2, 1, Exec(), Table<float>("data", 9, 2)),
      who + "the start draws rows of the data, which has shape (9, 2); the energy has dimension 3");
  auto buffer = make(Plain{.capacity = 4}, 2, 1);
  for (std::size_t const rows : basin::test::many_rows)
    CHECK_THROWS_WITH(
        make(Ring{.capacity = 4}, 2, 1, Exec(), basin::test::absent<Table<float>>(rows, 3)),
        basin::test::too_many("basin::buffer::Replay", "the data", rows));
  CHECK_THROWS_WITH(buffer.fill(Exec(), Table<float>("samples", 4, 2)),
                    who + "fill was given shape (4, 2), the buffer has (4, 3)");
  CHECK_THROWS_WITH(buffer.fill(Exec(), Table<float>("samples", 5, 3)),
                    who + "fill was given shape (5, 3), the buffer has (4, 3)");
}

TEST_CASE("other options hold from the next draw on, but for those of the arrays",
          "[buffer][replay]") {
  std::string const who = "basin::buffer::Replay: ";
  auto buffer           = make(Plain{.capacity = 4, .fresh = 0}, 2, 1);
  CHECK_THROWS_WITH(buffer.change({.capacity = 5}),
                    who + "capacity is 4 since the arrays were made and cannot become 5");
  CHECK_THROWS_WITH(buffer.change({.capacity = 4, .fresh = 2}),
                    who + "fresh must be in [0, 1], got 2");
  auto bytes = make(Bytes{.capacity = 4}, 2, 1);
  CHECK_THROWS_WITH(bytes.change({.capacity = 4, .upper = 3}),
                    who + "upper is 1 since the arrays were made and cannot become 3");
  Table<float> const chains("chains", 2, 3);
  for (std::uint64_t step = 0; step < 3; ++step) {
    buffer.draw(Exec(), chains, step);
    buffer.write(Exec(), chains, step);
  }
  buffer.change({.capacity = 4, .fresh = 1});
  buffer.draw(Exec(), chains, 3);
  CHECK(on_host(buffer.drawn_ages()) == Ints{0, 0});
}

TEST_CASE("draw and write refuse more chains than the batch and chains of another dimension",
          "[buffer][replay]") {
  std::string const who = "basin::buffer::Replay: ";
  auto buffer           = make(Plain{.capacity = 8}, 5, 1);
  auto const before     = content(buffer);
  Table<float> const many("many", 6, 3), wide("wide", 5, 4), narrow("narrow", 5, 2);
  CHECK_THROWS_WITH(buffer.draw(Exec(), many, 0),
                    who + "draw was given shape (6, 3), the batch has (5, 3)");
  CHECK_THROWS_WITH(buffer.draw(Exec(), wide, 0),
                    who + "draw was given shape (5, 4), the batch has (5, 3)");
  CHECK_THROWS_WITH(buffer.draw(Exec(), narrow, 0),
                    who + "draw was given shape (5, 2), the batch has (5, 3)");
  CHECK_THROWS_WITH(buffer.write(Exec(), many, 0),
                    who + "write was given shape (6, 3), the batch has (5, 3)");
  CHECK_THROWS_WITH(buffer.write(Exec(), wide, 0),
                    who + "write was given shape (5, 4), the batch has (5, 3)");
  CHECK_THROWS_WITH(buffer.write(Exec(), narrow, 0),
                    who + "write was given shape (5, 2), the batch has (5, 3)");
  CHECK(content(buffer) == before);
  // Fewer are no mistake.
  Table<float> const few("few", 2, 3);
  CHECK_NOTHROW(buffer.draw(Exec(), few, 0));
  CHECK_NOTHROW(buffer.write(Exec(), few, 0));
  Exec().fence();
}

}  // namespace
