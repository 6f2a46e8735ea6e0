// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/calibration.hpp>
#include <basin/metric/classification.hpp>
#include <basin/metric/inception_score.hpp>

#include "metric/reference.hpp"
#include "metric/table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using namespace basin::metric;
using namespace basin::test;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

Table logits() {
  auto const f = reference_table(0, 60, 3);
  for (int n = 0; n < 60; ++n)
    for (int y = 0; y < 3; ++y) f(n, y) /= 4;
  return f;
}
Labels reference_labels() {
  Labels const y("labels", 60);
  for (int i = 0; i < 60; ++i) y(i) = reference::label(i);
  return y;
}
Labels labels(std::vector<int> const& from) {
  Labels const y("labels", from.size());
  for (std::size_t i = 0; i < from.size(); ++i) y(i) = from[i];
  return y;
}

TEST_CASE("accuracy, cross-entropy and Brier score are scikit-learn's",
          "[metric][classification]") {
  auto const f = logits();
  auto const y = reference_labels();
  CHECK(accuracy(f, y) == reference::accuracy);
  CHECK(accuracy(softmax(f), y) == reference::accuracy);
  CHECK_THAT(cross_entropy(f, y), WithinRel(reference::cross_entropy, 1e-13));
  CHECK_THAT(brier_score(softmax(f), y), WithinRel(reference::brier, 1e-13));
}

TEST_CASE("logits of any size give probabilities", "[metric][classification]") {
  auto const p = softmax(table({{1e4, 1e4 - 1, -1e4}}));
  CHECK_THAT(p(0, 0), WithinRel(1 / (1 + std::exp(-1.0)), 1e-12));
  CHECK(p(0, 2) == 0);
  CHECK_THAT(cross_entropy(table({{1e4, 0}}), labels({1})), WithinAbs(1e4, 1e-10));
  // A temperature divides the logits.
  CHECK_THAT(softmax(table({{3, 0}}), 3)(0, 0), WithinRel(1 / (1 + std::exp(-1.0)), 1e-14));
}

// Confidences 0.5, 0.5, 0.7, 0.9 and 1 of two classes, of which the second, third and fifth are
// right. Bins of width 1/5: (0.4, 0.6] has two, (0.6, 0.8] one, (0.8, 1] two.
TEST_CASE("a reliability diagram counted by hand", "[metric][calibration]") {
  auto const p = table({{0.5, 0.5}, {0.5, 0.5}, {0.7, 0.3}, {0.1, 0.9}, {0, 1}});
  auto const y = labels({1, 0, 0, 0, 1});
  auto const d = reliability_diagram(p, y, {.count = 5});
  CHECK(d.count == std::vector<long>{0, 0, 2, 1, 2});
  CHECK(std::isnan(d.confidence[0]));
  CHECK(d.lower[2] == 0.4);
  CHECK(d.upper[2] == 0.6);
  CHECK(d.confidence[2] == 0.5);
  CHECK(d.accuracy[2] == 0.5);
  CHECK_THAT(d.confidence[4], WithinAbs(0.95, 1e-15));
  CHECK(d.accuracy[4] == 0.5);
  CHECK_THAT(d.expected_calibration_error(), WithinAbs((1 * 0.3 + 2 * 0.45) / 5, 1e-15));
  // Of equal mass, two bins: the ranks {0.5, 0.5} and {0.7, 0.9, 1}.
  auto const m = reliability_diagram(p, y, {.count = 2, .binning = Binning::equal_mass});
  CHECK(m.count == std::vector<long>{2, 3});
  CHECK(m.lower[1] == 0.7);
  CHECK(m.upper[1] == 1);
  CHECK_THAT(m.expected_calibration_error(), WithinAbs(3 * std::abs(2.6 / 3 - 2.0 / 3) / 5, 1e-15));
  // A confidence on an edge is in the lower bin: 0.6 of (0.4, 0.6].
  CHECK(reliability_diagram(table({{0.6, 0.4}}), labels({0}), {.count = 5}).count[2] == 1);
}

// The label is right with the probability c that is claimed. What is left is the bias of the
// estimate: of B bins with n_b samples its mean is sum_b n_b / n sqrt(2 c (1 - c) / (pi n_b)), at
// most sqrt(2 / pi) / 2 sqrt(B / n) = 0.0155, and half of it where c (1 - c) is a quarter as large.
TEST_CASE("a calibrated classifier has the error of the estimate's bias", "[metric][calibration]") {
  int constexpr n = 10000;
  Table const p("p", n, 2), bold("bold", n, 2);
  Labels const y("y", n);
  basin::data::detail::HostRandom random(3);
  for (int i = 0; i < n; ++i) {
    double const c = 0.5 + 0.4 * random.uniform();
    p(i, 0)        = c;
    p(i, 1)        = 1 - c;
    bold(i, 0)     = c + 0.1;
    bold(i, 1)     = 0.9 - c;
    y(i)           = random.uniform() < c ? 0 : 1;
  }
  for (auto const binning : {Binning::equal_width, Binning::equal_mass}) {
    double const error = expected_calibration_error(p, y, {.binning = binning});
    CHECK(error > 0.001);
    CHECK(error < 0.0155);
    // One that claims 0.1 more is wrong by 0.1.
    CHECK_THAT(expected_calibration_error(bold, y, {.binning = binning}), WithinAbs(0.1, 0.0155));
  }
}

// Two logits g apart of which a share q is right: p_T = 1 / (1 + exp(-g / T)) = q.
TEST_CASE("a temperature makes the confidence the share that is right", "[metric][calibration]") {
  auto const f   = table({{3, 0}, {0, 3}, {3, 0}, {-1, 2}});
  auto const y   = labels({0, 1, 1, 1});  // three of four
  double const t = calibration_temperature(f, y);
  CHECK_THAT(t, WithinRel(3 / std::log(3.0), 1e-12));
  CHECK_THAT(expected_calibration_error(softmax(f, t), y), WithinAbs(0, 1e-12));
  // Logits scaled by a factor have a temperature scaled by it, and no temperature is better.
  auto const g = logits();
  auto const z = reference_labels();  // no better than chance: three of four are made right
  for (int n = 0; n < 60; ++n)
    if (n % 4 != 0)
      for (int k = 0; k < 3; ++k)
        if (g(n, k) > g(n, z(n))) z(n) = k;
  double const best = calibration_temperature(g, z);
  auto const loss   = [&](double temperature) {
    auto const p = softmax(g, temperature);
    double sum   = 0;
    for (int n = 0; n < 60; ++n) sum -= std::log(p(n, z(n)));
    return sum;
  };
  CHECK(loss(best) < loss(1.01 * best));
  CHECK(loss(best) < loss(0.99 * best));
  for (int n = 0; n < 60; ++n)
    for (int k = 0; k < 3; ++k) g(n, k) *= 4;
  CHECK_THAT(calibration_temperature(g, z), WithinRel(4 * best, 1e-12));

  std::string const who = "basin::metric::calibration_temperature: the cross-entropy falls ";
  CHECK_THROWS_WITH(calibration_temperature(f, labels({0, 1, 0, 1})),
                    who +
                        "down to T = 2^-20: every label has the largest logit; use rows that were "
                        "not trained on");
  CHECK_THROWS_WITH(calibration_temperature(f, labels({1, 0, 1, 1})),
                    who + "up to T = 2^20: the logits say no more of the labels than equal ones");
}

TEST_CASE("the inception score is 1 without information, and the number of classes at most",
          "[metric][inception_score]") {
  auto const flat = table({{0.2, 0.8}, {0.2, 0.8}, {0.2, 0.8}});
  CHECK_THAT(inception_score(flat).mean, WithinAbs(1, 1e-14));
  auto const sharp = table({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}});
  CHECK_THAT(inception_score(sharp).mean, WithinAbs(3, 1e-14));
  // Splits of three rows each, of two rows each: three classes, two classes.
  CHECK_THAT(inception_score(sharp, 2).mean, WithinAbs(3, 1e-14));
  CHECK_THAT(inception_score(sharp, 3).mean, WithinAbs(2, 1e-14));
  // Rows (1, 0) and (1/2, 1/2): p(y) = (3/4, 1/4), and KL by hand; the splits of one row score 1.
  auto const mixed    = table({{1, 0}, {0.5, 0.5}});
  double const expect = 0.5 * std::log(4 / 3.) + 0.25 * std::log(2 / 3.) + 0.25 * std::log(2.);
  CHECK_THAT(inception_score(mixed).mean, WithinAbs(std::exp(expect), 1e-14));
  auto const both = inception_score(table({{1, 0}, {0, 1}, {1, 0}, {1, 0}}), 2);  // scores 2 and 1
  CHECK_THAT(both.mean, WithinAbs(1.5, 1e-14));
  CHECK_THAT(both.standard_deviation, WithinAbs(0.5, 1e-14));
}

TEST_CASE("metrics of a classifier refuse what does not fit", "[metric][classification]") {
  auto const f = table({{0.25, 0.75}, {0.5, 0.5}});
  CHECK_THROWS_WITH(accuracy(f, labels({0})),
                    "basin::metric::accuracy: labels has first extent 1, there are 2 rows");
  CHECK_THROWS_WITH(cross_entropy(f, labels({0, 2})),
                    "basin::metric::cross_entropy: labels must be in [0, 2), the number of "
                    "columns; labels(1) is 2");
  CHECK_THROWS_WITH(brier_score(table({{0.5, 0.6}}), labels({0})),
                    "basin::metric::brier_score: row 0 of probabilities has the sum 1.1, it must "
                    "be 1; metric::softmax makes them of logits");
  CHECK_THROWS_WITH(brier_score(table({{-0.5, 1.5}}), labels({0})),
                    "basin::metric::brier_score: probabilities(0, 0) is -0.5, it must be >= 0");
  CHECK_THROWS_WITH(accuracy(Table("f", 0, 2), Labels()),
                    "basin::metric::accuracy: scores has shape (0, 2), it must have at least 1 row "
                    "and a column");
  CHECK_THROWS_WITH(softmax(table({{NAN, 0}})),
                    "basin::metric::softmax: logits(0, 0) is nan, it must be finite");
  CHECK_THROWS_WITH(softmax(f, 0),
                    "basin::metric::softmax: temperature must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(reliability_diagram(f, labels({0, 1}), {.count = 0}),
                    "basin::metric::reliability_diagram: count of bins must be >= 1, got 0");
  CHECK_THROWS_WITH(
      reliability_diagram(f, labels({0, 1}), {.count = 3, .binning = Binning::equal_mass}),
      "basin::metric::reliability_diagram: 3 bins of equal mass need as many samples, there are 2");
  CHECK_THROWS_WITH(inception_score(f, 3),
                    "basin::metric::inception_score: splits must be in [1, 2], the number of rows, "
                    "got 3");
}

}  // namespace
