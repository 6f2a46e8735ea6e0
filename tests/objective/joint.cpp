// SPDX-License-Identifier: Apache-2.0
#include <basin/augmentation/flip.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/augmented.hpp>
#include <basin/objective/joint.hpp>
#include <basin/objective/sum.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/class_gaussian.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/finite_difference.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace joint_test {

// A law of a user's own: of three classes the second is never drawn.
struct NotTheSecond {
  using axis = basin::objective::label_axis;
  std::vector<double> operator()(std::vector<long> const& counts) const {
    std::vector<double> weights(counts.size(), 1);
    weights[1] = 0;
    return weights;
  }
};

}  // namespace joint_test

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::Joint;
using Catch::Matchers::WithinAbs;
namespace chains = basin::objective::chains;
namespace head   = basin::energy::head;
namespace label  = basin::objective::label;
namespace layer  = basin::layer;
namespace turn   = basin::objective::turn;

constexpr int n = 21, rows = 60, classes = 3;
using Net      = basin::energy::Classifier<double, basin::Vector<2>, layer::Dense<5>, layer::Silu,
                                           layer::Dense<classes>>;
using Sampler  = basin::sampler::Langevin<>;
using Parted   = basin::buffer::Replay<basin::buffer::draw::ByClass>;
using Marginal = Joint<Sampler>;
using ByClass  = Joint<Sampler, Parted, chains::ClassConditional<>, turn::Alternating>;
using Dataset  = basin::objective::Dataset<double, Exec::memory_space>;
constexpr auto tuning = basin::tile::default_tuning<Exec, double, Net::workspace_rows>();
template <class J>
using Bound = typename J::template bind<Net, Exec, tuning>;

Kokkos::View<int*, Exec> ints(std::vector<int> const& values) {
  Kokkos::View<int*, Exec> const view("labels", values.size());
  auto const host = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < values.size(); ++i) host(i) = values[i];
  Kokkos::deep_copy(view, host);
  return view;
}
std::vector<int> on_host_ints(Kokkos::View<int const*, Exec> const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return {host.data(), host.data() + host.size()};
}
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
Points table(std::vector<double> const& x) {
  Points const points("points", x.size() / 2, 2);
  auto const host = Kokkos::create_mirror_view(points);
  std::copy(x.begin(), x.end(), host.data());
  Kokkos::deep_copy(points, host);
  return points;
}

// Labels of the data: every third row has none if 'some' are missing.
std::vector<int> labels_of(int count, bool some) {
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) labels.push_back(some && i % 3 == 0 ? -1 : i * i % 5 % classes);
  return labels;
}
Dataset dataset(bool some = false) {
  return {table(numbers(2 * rows, 4, 1.5)), ints(labels_of(rows, some)), {}, {}};
}

template <class E>
std::vector<double> energies(E const& energy, Points const& points) {
  Kokkos::View<double*, Exec> const e("e", points.extent(0));
  basin::energy::energies(Exec(), energy, points, e);
  return on_host(e);
}

// A step's input, and the options that agree for all objectives of this file.
template <class J>
J with(J options, int capacity = 63) {
  options.sampler         = {.steps = 3, .step_size = 0.1};
  options.buffer.capacity = capacity;
  return options;
}
template <class B>
void load(B const& objective, std::vector<int> const& labels) {
  auto const batch = objective.batch();
  Kokkos::deep_copy(batch.points, table(numbers(2 * n, 2, 1.5)));
  Kokkos::deep_copy(batch.labels, ints(labels));
}
template <class J>
std::vector<double> gradient_at(Bound<J>& objective, J const& options, basin::Step const& step,
                                std::vector<double> const& theta) {
  Model<Exec, Net> const model(theta);
  Kokkos::View<double*, Exec> const gradient("gradient", +Net::parameters);
  objective.gradient(Exec(), options, model.net(), step, nullptr, gradient.data());
  return on_host(gradient);
}

double mean(std::vector<double> const& v) {
  double sum = 0;
  for (double const x : v) sum += x / double(v.size());
  return sum;
}

// What a step minimizes, its samples and rows held fixed, in plain loops over logits.
template <class J>
double loss(J const& options, Bound<J> const& objective, std::vector<double> const& theta,
            Points const& labeled, std::vector<int> const& labels, std::uint64_t step) {
  Model<Exec, Net> const model(theta);
  auto const f = [&](Points const& points) {
    Kokkos::View<double**, Kokkos::LayoutRight, Exec> const to("f", points.extent(0), classes);
    basin::energy::logits(Exec(), model.net(), points, to);
    return on_host(to);
  };
  auto const log_sum = [](double const* at) {
    double sum = 0;
    for (int y = 0; y < classes; ++y) sum += std::exp(at[y]);
    return std::log(sum);
  };
  auto const at_labels = f(labeled);
  double entropy = 0, joint = 0, count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    double const* const at = &at_labels[classes * i];
    double const fy        = at[labels[i]];
    double const all       = (at[0] + at[1] + at[2]) / classes;
    entropy += log_sum(at) - (1 - options.smoothing) * fy - options.smoothing * all;
    joint -= fy;
    ++count;
  }
  auto const samples = objective.last_samples();
  double const contrast =
      mean(energies(model.net(), objective.batch().points)) - mean(energies(model.net(), samples));
  double joint_samples = 0;
  if constexpr (J::chains_type::labeled)
    joint_samples = mean(energies(
        model.net().with_head(head::Labeled{{objective.sample_labels().data()}}), samples));
  else  // y- ~ p(y | x-): mean E(x-, y-) less mean -log p(y- | x-), which has no gradient
    joint_samples = mean(energies(model.net(), samples));
  return options.turn.discriminative(step) * options.p_y_given_x.at(step) * entropy / count +
         options.turn.generative(step) * (options.p_x.at(step) * contrast +
                                          options.p_x_y.at(step) * (joint / count - joint_samples));
}

template <class J>
double gradient_error(J const& options, bool some, std::uint64_t step) {
  auto theta        = parameters_of<Net>(1);
  auto const labels = labels_of(n, some);
  Bound<J> objective(Exec(), options, n, dataset(some), 1);
  load(objective, labels);
  auto const found = gradient_at<J>(objective, options, step, theta);
  double worst     = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    double side[2];
    for (int s = 0; s < 2; ++s) {
      theta[k] = here + (s ? -basin::test::step : basin::test::step);
      side[s]  = loss<J>(options, objective, theta, objective.batch().points, labels, step);
    }
    theta[k] = here;
    worst    = std::max(worst, std::abs(found[k] - (side[0] - side[1]) / (2 * basin::test::step)));
  }
  return worst;
}

TEST_CASE("slices of a run share the labeled rows of a step and the buffer, inside of a sum too",
          "[objective][joint]") {
  using basin::objective::share_of;
  Marginal joint;
  joint.labeled         = 11;
  joint.buffer.capacity = 90;
  basin::objective::Sum<Marginal, Marginal> const sum{joint, {}, {.coefficient = 2}};
  int labeled = 0, capacity = 0;
  for (int s = 0; s < 4; ++s) {
    auto const mine = share_of(sum, s, 4);
    labeled += mine.first.labeled;
    capacity += mine.first.buffer.capacity;
    CHECK(mine.second.labeled == 0);
    CHECK(mine.second.buffer.capacity == 8192 / 4);
    CHECK(mine.weight.coefficient == 2);
  }
  CHECK(labeled == 11);
  CHECK(capacity == 90);
  basin::augmentation::Pipeline<basin::Image<1, 2>, basin::augmentation::Flip> const flips{};
  basin::objective::Augmented<Marginal, std::remove_const_t<decltype(flips)>> const of_flips{joint,
                                                                                             flips};
  auto const augmented = share_of(of_flips, 0, 3);
  CHECK(augmented.labeled == 3);
  CHECK(augmented.buffer.capacity == 30);
  CHECK_THROWS_WITH(share_of(joint, 0, 12),
                    "basin::objective::Joint: labeled is 11, fewer than the 12 slices of the run; "
                    "write 0 or a number of at least as many");
}

TEST_CASE("the gradient of a joint model is that of its terms", "[objective][joint]") {
  auto const weights = [](auto options) {
    options.p_y_given_x.coefficient = 0.7;
    options.p_x                     = {.coefficient = 1.3, .ramp = 4};
    return options;
  };
  CHECK(gradient_error(with(Marginal{}), false, 0) < tolerance);
  auto marginal = weights(with(Marginal{}));
  CHECK(gradient_error(marginal, true, 1) < tolerance);  // rows without a label
  marginal.smoothing = 0.2;
  CHECK(gradient_error(marginal, true, 0) < tolerance);
  marginal.smoothing         = 0;
  marginal.p_x_y.coefficient = 0.4;
  CHECK(gradient_error(marginal, false, 5) < tolerance);

  auto by_class              = weights(with(ByClass{}));
  by_class.p_x_y.coefficient = 0.4;
  CHECK(gradient_error(by_class, false, 0) < tolerance);  // of log p(y | x) alone
  CHECK(gradient_error(by_class, false, 1) < tolerance);  // of the others
}

TEST_CASE("the cross-entropy of a joint model is that of CrossEntropy, bit by bit",
          "[objective][joint]") {
  using Plain       = basin::objective::CrossEntropy;
  auto options      = with(Marginal{.p_x = {.coefficient = 0}, .smoothing = 0.1});
  auto const theta  = parameters_of<Net>(1);
  auto const labels = labels_of(n, false);
  Bound<Marginal> joint(Exec(), options, n, dataset(), 1);
  Bound<Plain> plain(Exec(), {}, n, dataset(), 1);
  load(joint, labels);
  load(plain, labels);
  auto const found = gradient_at<Marginal>(joint, options, 0, theta);
  CHECK(found == gradient_at<Plain>(plain, {.smoothing = 0.1}, 0, theta));
  CHECK(found != gradient_at<Plain>(plain, {}, 0, theta));
  auto const all = joint.columns();
  CHECK(std::string(all[all.size() - 2].quantity.name) == "cross_entropy");
  auto const values = [](auto const& column) {
    return on_host(
        Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(column.values, column.count));
  };
  gradient_at<Plain>(plain, {.smoothing = 0.1}, 0, theta);
  CHECK(values(all[all.size() - 2]) == values(plain.columns()[0]));
}

// Rows of the data whose points give away their number.
TEST_CASE("labeled rows of a step are drawn in epochs of their own", "[objective][joint]") {
  int constexpr labeled = 8;
  auto data             = dataset(true);
  auto const known      = labels_of(rows, true);
  auto const x          = on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(
      data.points.data(), data.points.size()));
  auto options          = with(Marginal{.labeled = labeled});
  Bound<Marginal> objective(Exec(), options, n, data, 1);
  load(objective, labels_of(n, true));
  auto const theta = parameters_of<Net>(1);
  std::vector<int> drawn;  // 40 of the 60 rows have a label: 5 steps are an epoch
  for (std::uint64_t step = 0; step < 10; ++step) {
    auto const found = gradient_at<Marginal>(objective, options, step, theta);
    auto const at    = on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(
        objective.labeled_points().data(), 2 * labeled));
    std::vector<int> labels;
    for (int i = 0; i < labeled; ++i) {
      int row = 0;
      while (row < rows && x[std::size_t(2 * row)] != at[std::size_t(2 * i)]) ++row;
      REQUIRE(row < rows);
      drawn.push_back(row);
      labels.push_back(known[std::size_t(row)]);
      REQUIRE(labels.back() >= 0);
    }
    if (step > 0) continue;
    // The gradient is that of these rows, and of p(x) of the batch.
    auto moved   = theta;
    double worst = 0;
    for (std::size_t k = 0; k < theta.size(); ++k) {
      double side[2];
      for (int s = 0; s < 2; ++s) {
        moved[k] = theta[k] + (s ? -basin::test::step : basin::test::step);
        side[s] =
            loss<Marginal>(options, objective, moved, objective.labeled_points(), labels, step);
      }
      moved[k] = theta[k];
      worst = std::max(worst, std::abs(found[k] - (side[0] - side[1]) / (2 * basin::test::step)));
    }
    CHECK(worst < tolerance);
  }
  std::vector<int> one(drawn.begin(), drawn.begin() + 40), other(drawn.begin() + 40, drawn.end());
  CHECK(one != other);
  std::sort(one.begin(), one.end());
  std::sort(other.begin(), other.end());
  CHECK(std::adjacent_find(one.begin(), one.end()) == one.end());
  CHECK(one == other);
}

// f_y(x) = -(x - m_y)^2 / (2 v): p(x | y) is N(m_y, v), with m = (-2, 3) and v = 1/4. Chains start
// where the other class is, and are at the mean of their own after one call: ten steps leave
// (1 - 0.05 / v)^10 = 0.1 of the distance. There they stay, ten standard deviations from the other.
TEST_CASE("no chain leaves its class in 10^5 steps of the sampler", "[objective][joint]") {
  using Two = basin::energy::Classifier<double, basin::Vector<1>, layer::Dense<2>, layer::Square,
                                        layer::Dense<2>>;
  using J   = Joint<
        Sampler,
        basin::buffer::Replay<basin::buffer::draw::ByClass, basin::sampler::start::ClassGaussian>,
        chains::ClassConditional<>>;
  int constexpr batch = 4, capacity = 16, steps = 10000;
  // One label in four is 1.
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const rows("rows", 4, 1);
  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", 4);
  for (int n = 0; n < 4; ++n) {
    labels(n)  = n == 1;
    rows(n, 0) = n == 1 ? -2 : 3;
  }
  basin::sampler::ClassGaussians<Exec> const gaussians(rows, labels, 2, {.lower = -4, .upper = 4});
  Model<Exec, Two> const model({1, 1, 2, -3, -2, 0, 0, -2, 0, 0});
  J const options{.sampler = {.steps = 10, .step_size = 0.05},
                  .buffer  = {.capacity = capacity, .fresh = 0.1, .start = gaussians.start()}};
  Dataset const data{
      Kokkos::View<double**, Kokkos::LayoutRight, Exec>("data", 4, 1), ints({0, 1, 0, 0}), {}, {}};
  using State = J::bind<Two, Exec, tuning>;
  J strange   = options;
  Kokkos::View<int*, Kokkos::HostSpace> const all_alike("labels", 4);
  basin::sampler::ClassGaussians<Exec> const of_one(rows, all_alike, 1);
  strange.buffer.start = of_one.start();
  CHECK_THROWS_WITH(State(Exec(), strange, batch, data, 1),
                    "basin::objective::chains::ClassConditional: the start is of 1 classes and "
                    "dimension 1, the classifier has 2 and 1");
  State objective(Exec(), options, batch, data, 1);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const x("x", batch, 1);
  auto const initial = on_host(
      Kokkos::View<double*, Exec>(objective.buffer().stored().data(), std::size_t(capacity)));
  for (std::size_t slot = 0; slot < capacity; ++slot)
    CHECK_THAT(initial[slot], WithinAbs(slot < capacity / 2 ? 3 : -2, 0.1));  // the ridge is 0.01^2
  int crossed = 0, strangers = 0, repeated = 0;
  long second = 0, old = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    objective.samples(Exec(), options, model.net(), {}, x, step, {});
    auto const y     = on_host_ints(objective.sample_labels());
    auto const slots = on_host_ints(objective.buffer().slots());
    auto const ages  = on_host_ints(objective.buffer().drawn_ages());
    auto const at    = on_host(Kokkos::View<double*, Exec>(x.data(), batch));
    for (std::size_t i = 0; i < batch; ++i) {
      second += y[i];
      strangers += slots[i] / (capacity / 2) != y[i];
      for (std::size_t j = 0; j < i; ++j) repeated += slots[i] == slots[j];
      crossed += std::abs(at[i] - (y[i] == 1 ? 3 : -2)) > 4;
      old += ages[i] >= 5;
    }
  }
  CHECK(strangers == 0);
  CHECK(repeated == 0);
  CHECK(crossed == 0);
  CHECK(old > steps);  // chains do go on
  // Binomial with p = 1/4: five standard deviations of 4 10^4 draws.
  CHECK_THAT(double(second) / (batch * steps), WithinAbs(0.25, 5 * 0.433 / std::sqrt(4e4)));
}

TEST_CASE("labels of chains follow the law", "[objective][joint]") {
  using J           = Joint<Sampler, Parted, chains::ClassConditional<joint_test::NotTheSecond>>;
  using Same        = Joint<Sampler, Parted, chains::ClassConditional<label::Uniform>>;
  auto const counts = [](auto const& options) {
    using Options = std::remove_cvref_t<decltype(options)>;
    Bound<Options> objective(Exec(), options, n, dataset(), 1);
    Model<Exec, Net> const model(parameters_of<Net>(1));
    Kokkos::View<double**, Kokkos::LayoutRight, Exec> const x("x", n, 2);
    std::vector<double> share(classes);
    for (std::uint64_t step = 0; step < 400; ++step) {
      objective.samples(Exec(), options, model.net(), {}, x, step, {});
      for (int const y : on_host_ints(objective.sample_labels()))
        share[std::size_t(y)] += 1.0 / (400 * n);
    }
    return share;
  };
  // Five standard deviations of 8400 draws with p = 1/2, and with p = 1/3.
  auto const two = counts(with(J{})), three = counts(with(Same{}));
  CHECK(two[1] == 0);
  CHECK_THAT(two[0], WithinAbs(0.5, 5 * 0.5 / std::sqrt(8400.0)));
  for (double const share : three)
    CHECK_THAT(share, WithinAbs(1 / 3.0, 5 * 0.4714 / std::sqrt(8400.0)));
}

TEST_CASE("alternating turns counted by hand", "[objective][joint]") {
  turn::Alternating const two_of_three{.discriminative_steps = 2, .generative_steps = 1};
  for (std::uint64_t step = 0; step < 9; ++step) {
    CHECK(two_of_three.discriminative(step) == (step % 3 < 2 ? 1 : 0));
    CHECK(two_of_three.generative(step) == (step % 3 < 2 ? 0 : 1));
    CHECK(turn::Combined{}.discriminative(step) + turn::Combined{}.generative(step) == 2);
  }
}

template <class J>
using Trainer =
    basin::train::Trainer<Net, J, basin::optimizer::Sgd, basin::optimizer::Constant, Exec>;

// A trainer knows nothing of joint models.
Trainer<ByClass> trainer(Exec const& exec = Exec()) {
  auto options              = with(ByClass{});
  options.p_x_y.coefficient = 0.3;
  auto const x              = numbers(2 * rows, 4, 1.5);
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const points("points", rows, 2);
  std::copy(x.begin(), x.end(), points.data());
  return Trainer<ByClass>({.objective = options, .optimizer = {.learning_rate = 0.05}, .batch = n},
                          points, ints(labels_of(rows, false)), exec);
}

TEST_CASE("a joint model trains to the same bits for any number of threads", "[objective][joint]") {
  check_training_of_any_threads<Exec>([](Exec const& exec) { return trainer(exec); }, 50);
}

TEST_CASE("a step of a joint model allocates nothing, waits for nothing and has the same kernels",
          "[objective][joint]") {
  namespace bench = basin::bench;
  bench::watch_kokkos();
  auto t = trainer();
  for (int i = 0; i < 3; ++i) t.step();
  auto const tally = bench::count(Exec(), 20, [&] { t.step(); });
  CHECK(tally.allocations == 0);
  CHECK(tally.fences == 0);
  // A graph is recorded anew, and launched once a step.
  t.objective().sampler.steps = 17;
  t.step();
  CHECK(bench::count(Exec(), 20, [&] { t.step(); }).launches == tally.launches);
  CHECK(tally.launches > 0);
  auto const m = t.metrics();
  CHECK(m["cross_entropy"] > 0);
  CHECK(m.has("gap"));
}

TEST_CASE("a gradient of a joint model by a clock is that by the number of the step",
          "[objective][joint]") {
  auto options              = with(ByClass{});
  options.p_x.ramp          = 3;
  options.p_x_y.coefficient = 0.3;
  auto const theta          = parameters_of<Net>(1);
  auto const all            = [&](auto const& step_of) {
    Bound<ByClass> objective(Exec(), options, n, dataset(), 1);
    load(objective, labels_of(n, false));
    std::vector<std::vector<double>> found;
    for (std::uint64_t const k : {0, 1, 3}) {
      found.push_back(gradient_at<ByClass>(objective, options, step_of(k), theta));
      Exec().fence();
    }
    return found;
  };
  Clock<Exec> const clock(0);
  auto const by_clock = all([&](std::uint64_t k) {
    clock.set(k);
    return clock.step();
  });
  if constexpr (reads_clocks<Exec>)
    CHECK(by_clock == all([](std::uint64_t k) { return basin::Step(k); }));
}

TEST_CASE("a joint model refuses labels and numbers that do not fit", "[objective][joint]") {
  auto const labeled = [](std::vector<int> const& labels) {
    return Dataset{table(numbers(2 * int(labels.size()), 4)), ints(labels), {}, {}};
  };
  auto const make = [&](auto const& options, std::vector<int> const& labels, int batch = 1) {
    Bound<std::remove_cvref_t<decltype(options)>>(Exec(), options, batch, labeled(labels), 1);
  };
  std::string const who = "basin::objective::Joint: ";
  CHECK_THROWS_WITH(make(with(Marginal{}), {0, 2, 3}),
                    who +
                        "labels must be in [0, 3), the number of logits, or -1 where there is "
                        "none; labels(2) is 3");
  CHECK_THROWS_WITH(make(with(Marginal{}), {0, -2}),
                    who +
                        "labels must be in [0, 3), the number of logits, or -1 where there is "
                        "none; labels(1) is -2");
  CHECK_THROWS_WITH(make(with(Marginal{}), {-1, -1}),
                    who +
                        "no row of the data has a label; write objective::PersistentCd for p(x) "
                        "alone");
  CHECK_THROWS_WITH(make(with(Marginal{.p_x_y = {0.5}}), {0, -1}),
                    who +
                        "p_x_y is 0.5, and log p(x, y) needs the label of every row; labels(1) "
                        "is -1: write p_x and p_y_given_x");
  CHECK_THROWS_WITH(make(with(Marginal{.labeled = 3}), {0, -1, 2}),
                    who + "labeled is 3, and 2 rows of the data have a label");
  CHECK_THROWS_WITH((with(Marginal{.p_x_y = {0.5}, .smoothing = 0.1}).check(1)),
                    who +
                        "smoothing is 0.1 and p_x_y is 0.5; E(x, y) has no smoothed labels: write "
                        "one of them");
  CHECK_THROWS_WITH((with(Marginal{.p_x_y = {0.5}, .labeled = 2}).check(1)),
                    who +
                        "labeled is 2 and p_x_y is 0.5; log p(x, y) is of the rows of the batch: "
                        "write one of them");
  CHECK_THROWS_WITH((with(Marginal{.smoothing = 1}).check(1)),
                    who + "smoothing must be in [0, 1), got 1");
  CHECK_THROWS_WITH(with(ByClass{.turn = {.generative_steps = 0}}).check(1),
                    "basin::objective::turn::Alternating: generative_steps must be >= 1, got 0");
  std::string const parts =
      "basin::objective::chains::ClassConditional: the capacity of the buffer ";
  CHECK_THROWS_WITH(make(with(ByClass{}, 64), {0, 1, 2}),
                    parts + "must be a multiple of the 3 classes, got 64; write for example 66");
  CHECK_THROWS_WITH(make(with(ByClass{}), {0, 1, 2}, 22),
                    parts + "is 63, 21 for each of 3 classes, fewer than the batch of 22");
  auto t                          = trainer();
  t.objective().labeled           = 4;
  t.objective().p_x_y.coefficient = 0;
  CHECK_THROWS_WITH(t.step(), who + "labeled is 0 since the arrays were made and cannot become 4");
}

}  // namespace
