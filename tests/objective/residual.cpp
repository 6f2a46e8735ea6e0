// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/classifier.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_conditional_score_matching.hpp>
#include <basin/objective/score_matching.hpp>
#include <basin/objective/sliced_score_matching.hpp>

#include "support/finite_difference.hpp"
#include "support/swapped_outputs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using namespace basin::objective;
namespace layer = basin::layer;
// E(x, y) = -f_y(x)
using Labeled = basin::energy::HeadedNetwork<double, basin::Vector<3>, basin::energy::head::Labeled,
                                             basin::tile::NoCopies, layer::Dense<7>, layer::Silu,
                                             layer::Dense<4>>;
using Points  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Labels  = std::vector<int>;

constexpr int batch = 48, classes = 4;
constexpr auto tuning = basin::tile::default_tuning<Exec, double, Labeled::workspace_rows>();

// Energies, as the jets have them, and losses of samples that carry these labels.
template <class Objective>
std::vector<double> left(
    Objective const& options, Labels const& labels,
    std::vector<double> const& parameters = basin::test::parameters_of<Labeled>(1)) {
  using Bound     = bound<Objective, Labeled, Exec, tuning>;
  int const count = static_cast<int>(labels.size());
  Bound state(Exec(), options, count, {}, 3);
  Kokkos::View<int*, Exec> const y("y", labels.size());
  auto const host = Kokkos::create_mirror_view(y);
  std::copy(labels.begin(), labels.end(), host.data());
  Kokkos::deep_copy(y, host);
  Points const points = state.batch().points;
  auto const x        = Kokkos::create_mirror_view(points);
  auto const values   = numbers(x.size(), 2, 1.5);
  std::copy(values.begin(), values.end(), x.data());
  Kokkos::deep_copy(points, x);
  auto const theta = on_device<Exec, double>(parameters);
  Labeled const plain(theta.data());
  Kokkos::View<double*, Exec> const gradient("gradient", +Labeled::parameters);
  state.gradient(Exec(), options,
                 plain.with_head(basin::energy::head::Labeled{{.labels = y.data()}}), 0, nullptr,
                 gradient.data());
  std::vector<double> all;  // column by column
  for (auto const& column : state.columns()) {
    auto const values = on_host(Kokkos::View<double const*, Exec>(column.values, labels.size()));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// Every sample has the energy and the loss that it has as a sample of label 0, were output 0 that of
// its label.
template <class Objective>
void check_labels(Objective const& options) {
  Labels mixed;
  for (int n = 0; n < batch; ++n) mixed.push_back((n + n / 5) % classes);
  auto const found = left(options, mixed);
  std::vector<double> right(2 * batch);
  for (int y = 0; y < classes; ++y) {
    auto const all = left(options, Labels(batch, 0),
                          swapped_outputs<Labeled>(basin::test::parameters_of<Labeled>(1), y));
    for (std::size_t n = 0; n < 2 * batch; ++n)
      if (mixed[n % batch] == y) right[n] = all[n];
  }
  CHECK(found == right);
}

TEST_CASE("conditions of samples reach the energy in every pass of a residual",
          "[objective][residual]") {
  check_labels(DenoisingScoreMatching{.standard_deviation = 0.3});
  check_labels(NoiseConditionalScoreMatching{.ladder = {.first = 1, .last = 0.1, .levels = 4}});
}

TEST_CASE("conditions of samples reach the energy along every direction", "[objective][residual]") {
  check_labels(SlicedScoreMatching<>{.projections = 2});
  check_labels(SlicedScoreMatching<form::VarianceReduced>{.projections = 3});
  check_labels(ScoreMatching<>{});
}

TEST_CASE("a batch whose directions do not fill tiles is refused where samples have conditions",
          "[objective][residual]") {
  // One direction fits always.
  CHECK_NOTHROW(left(SlicedScoreMatching<>{}, Labels(37, 1)));
  constexpr int jets = basin::energy::ParameterGradient<Labeled, 2, Exec, tuning>::jets.width;
  if constexpr (37 % jets != 0)
    CHECK_THROWS_WITH(
        left(SlicedScoreMatching<>{.projections = 2}, Labels(37, 1)),
        "basin::objective: the energy has conditions of single samples and there are 2 "
        "directions; the batch must be a multiple of " +
            std::to_string(jets) + ", it is 37");
}

}  // namespace
