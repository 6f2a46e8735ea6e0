// SPDX-License-Identifier: Apache-2.0
// A noise law of a user's own, outside of namespace basin.
#include <basin/layer/dense.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/noise_contrastive.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

// [listing]
namespace mine {

// Every coordinate Laplace(0, scale): density exp(-|x| / scale) / (2 scale).
struct Laplace {
  double scale                          = 1;
  bool operator==(Laplace const&) const = default;

  void check() const {
    if (!(scale > 0)) basin::refuse("mine::Laplace", "scale must be > 0, got ", scale);
  }

  template <class Scalar, class Exec>
  struct bind {
    Scalar scale;
    int dimension;
    bind(Laplace const& law, Eigen::MatrixXd const& data)
        : scale(static_cast<Scalar>(law.scale)), dimension(static_cast<int>(data.cols())) {}

    // The inverse of the distribution function, of a uniform u.
    KOKKOS_FUNCTION void sample(basin::Stream const& stream, std::uint32_t n, Scalar* x) const {
      for (int d = 0; d < dimension; ++d) {
        Scalar const u = basin::unit_uniform<Scalar>(
            basin::random_word(stream, static_cast<std::uint32_t>(d), n));
        x[d] = u < Scalar(0.5) ? scale * Kokkos::log(2 * u) : -scale * Kokkos::log(2 - 2 * u);
      }
    }
    KOKKOS_FUNCTION Scalar log_density(Scalar const* x) const {
      Scalar sum = 0;
      for (int d = 0; d < dimension; ++d) sum -= Kokkos::abs(x[d]) / scale + Kokkos::log(2 * scale);
      return sum;
    }
  };
};

}  // namespace mine
// [/listing]

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Catch::Matchers::WithinAbs;

TEST_CASE("a noise law of a user's own is drawn from and weighed by", "[archetype][noise]") {
  // Data at 0 and E = 0: every loss is softplus(-G) of G = -log p_n(0) = log 16 at nu = 1, plus
  // softplus(G) of the noise, G = -log p_n(x) = |x|_1 / 2 + log 16, of scale 2.
  using Net             = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<1>>;
  using Nce             = basin::objective::NoiseContrastive<mine::Laplace>;
  constexpr auto tuning = basin::tile::default_tuning<Exec, double, Net::workspace_rows>();
  int constexpr n       = 4096;
  Model<Exec, Net> const model{std::vector<double>(Net::parameters)};
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const data("data", n, 2);
  Nce const nce{.noise = {.scale = 2}};
  Nce::bind<Net, Exec, tuning> objective(Exec(), nce, n, {data, {}, {}, {}}, 1);
  Kokkos::View<double*, Exec> const gradient("gradient", Net::parameters + 1), log_z("log Z", 1);
  objective.gradient(Exec(), nce, model.net(), 0, log_z.data(), gradient.data());
  double mean = 0;
  for (auto const& column : objective.columns())
    if (std::string(column.quantity.name) == "loss")
      for (double const v :
           on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(column.values, n)))
        mean += v / n;
  // E softplus(G) over x: |x|_1 is Gamma(2, 2), so that s = |x|_1 / 2 has density s e^-s.
  double expected = std::log1p(std::exp(-std::log(16.0)));
  double const h  = 1e-3;
  for (double s = h / 2; s < 40; s += h)
    expected += h * s * std::exp(-s) * (s + std::log(16.0) + std::log1p(std::exp(-s) / 16));
  // The loss has a deviation of sqrt(2), that of s: four standard errors.
  CHECK_THAT(mean, WithinAbs(expected, 4 * std::sqrt(2.0 / n)));
  CHECK_THROWS_WITH(mine::Laplace{.scale = 0}.check(), "mine::Laplace: scale must be > 0, got 0");
}

}  // namespace
