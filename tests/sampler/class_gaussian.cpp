// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/class_gaussian.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::sampler::ClassGaussians;
using Catch::Matchers::WithinAbs;
using Points          = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using Labels          = Kokkos::View<int*, Kokkos::HostSpace>;
constexpr int D       = 5;  // two blocks of coordinates
constexpr auto tuning = basin::tile::default_tuning<Exec, double>();

// Six rows of class 0, four of class 1, and one without a label that would spoil both.
struct Data {
  Points x{"x", 11, D};
  Labels y{"y", 11};
  Data() {
    for (int n = 0; n < 11; ++n) {
      y(n) = n == 10 ? -1 : n < 6 ? 0 : 1;
      for (int d = 0; d < D; ++d)
        x(n, d) = n == 10 ? 1000 : ((n * 6 + d * 5 + n * d) % 11) / 4.0 + y(n);
    }
  }
  double mean(int label, int d) const {
    double sum = 0, rows = label == 0 ? 6 : 4;
    for (int n = 0; n < 10; ++n)
      if (y(n) == label) sum += x(n, d) / rows;
    return sum;
  }
  double covariance(int label, int d, int e) const {
    double sum = 0, rows = label == 0 ? 6 : 4;
    for (int n = 0; n < 10; ++n)
      if (y(n) == label) sum += (x(n, d) - mean(label, d)) * (x(n, e) - mean(label, e)) / rows;
    return sum;
  }
};

TEST_CASE("chains of a class start with the moments of its rows", "[sampler][class_gaussian]") {
  Data const data;
  bool const full    = GENERATE(false, true);
  double const ridge = 0.01, infinity = std::numeric_limits<double>::infinity();
  ClassGaussians<Exec> const fitted(
      data.x, data.y, 2, {.ridge = ridge, .full = full, .lower = -infinity, .upper = infinity});
  int constexpr chains = 40000;
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const device("chains", chains, D);
  basin::sampler::start_chains<tuning>(Exec(), fitted.start(), device, device, {.seed = 3});
  auto const x       = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
  double const count = chains / 2;
  for (int label = 0; label < 2; ++label)
    for (int d = 0; d < D; ++d) {
      double mean = 0;
      for (int n = label; n < chains; n += 2) mean += x(n, d) / count;
      double const variance = data.covariance(label, d, d) + ridge;
      // Five standard errors, of the mean and of a product of two normals.
      CHECK_THAT(mean, WithinAbs(data.mean(label, d), 5 * std::sqrt(variance / count)));
      for (int e = 0; e <= d; ++e) {
        double sum = 0;
        for (int n = label; n < chains; n += 2)
          sum += (x(n, d) - data.mean(label, d)) * (x(n, e) - data.mean(label, e)) / count;
        double const other    = data.covariance(label, e, e) + ridge;
        double const expected = d == e ? variance : full ? data.covariance(label, d, e) : 0;
        CHECK_THAT(sum, WithinAbs(expected,
                                  5 * std::sqrt((variance * other + expected * expected) / count)));
      }
    }
}

TEST_CASE("labels say which class a chain starts as, and bounds hold",
          "[sampler][class_gaussian]") {
  Data const data;
  ClassGaussians<Exec> const fitted(data.x, data.y, 2, {.lower = 1, .upper = 2});
  Kokkos::View<int*, Exec> const labels("labels", 50);
  Kokkos::deep_copy(labels, 1);
  auto start   = fitted.start();
  using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  Chains const some("chains", 50, D), all("chains", 100, D);
  basin::sampler::start_chains<tuning>(Exec(), start, all, all, {.seed = 3});
  start.labels = labels.data();
  basin::sampler::start_chains<tuning>(Exec(), start, some, some, {.seed = 3});
  auto const one   = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), some);
  auto const every = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), all);
  int differ = 0, beyond = 0, on_bound = 0;
  for (int n = 0; n < 50; ++n)
    for (int d = 0; d < D; ++d) {
      if (n % 2 == 1) differ += one(n, d) != every(n, d);  // of class 1 in both
      beyond += one(n, d) < 1 || one(n, d) > 2;
      on_bound += one(n, d) == 1 || one(n, d) == 2;
    }
  CHECK(differ == 0);
  CHECK(beyond == 0);
  CHECK(on_bound > 0);
}

TEST_CASE("Gaussians of classes refuse what does not fit", "[sampler][class_gaussian]") {
  Data const data;
  std::string const who = "basin::sampler::ClassGaussians: ";
  CHECK_THROWS_WITH(ClassGaussians<Exec>(data.x, data.y, 3),
                    who + "class 2 of 3 has no row, and a start of its chains none to look like");
  CHECK_THROWS_WITH(ClassGaussians<Exec>(data.x, data.y, 1),
                    who + "labels must be in [-1, 1); labels(6) is 1");
  CHECK_THROWS_WITH(ClassGaussians<Exec>(data.x, data.y, 0), who + "classes must be >= 1, got 0");
  CHECK_THROWS_WITH(ClassGaussians<Exec>(data.x, Labels("y", 3), 1),
                    who + "labels has first extent 3, points has 11 rows");
  CHECK_THROWS_WITH(ClassGaussians<Exec>(data.x, data.y, 2, {.ridge = 0}),
                    who + "ridge must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(basin::sampler::start::ClassGaussian{}.check(),
                    "basin::sampler::start::ClassGaussian: it has no means; take "
                    "ClassGaussians::start() of the data and their labels");
}

}  // namespace
