// SPDX-License-Identifier: Apache-2.0
// Energies of a user's own, outside of namespace basin.
#include <basin/energy/network.hpp>
#include <basin/energy/wrapper.hpp>
#include <basin/layer/silu.hpp>
#include <basin/sampler/mala.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

// [listing]
namespace mine {

// E(x) + |x - y|^2 / (2 sigma^2), with y and sigma of each chain: the conditional energy of
// recovery likelihood, from x = y + sigma xi.
template <class E, class Tethers, class Widths>
class Tethered : public basin::energy::Wrapper<Tethered<E, Tethers, Widths>, E> {
  using base             = basin::energy::Wrapper<Tethered, E>;
  using Scalar           = typename E::scalar_type;
  static constexpr int D = E::dimension, own = E::workspace_rows;  // first of our rows

 public:
  static constexpr int workspace_rows = own + D + 1;  // y, 1 / sigma^2

  KOKKOS_FUNCTION Tethered(E const& energy, Tethers const& y, Widths const& sigma)
      : base(energy), y_(y), sigma_(sigma) {}

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    using V         = typename Context::value_type;
    using P         = typename V::simd_type;
    Scalar* const y = workspace + own * Context::row_size;  // (D, T), then (1, T) 1 / sigma^2
    Tethers const& tethers = y_;
    Widths const& widths   = sigma_;
    c.map(D + 1, [=, &tethers, &widths](auto at) {
      at.store(y, V(P::generate([&](int l) {
                 int const chain = first + at.lane + l < count ? first + at.lane + l : count - 1;
                 return at.row < D ? tethers(chain, at.row)
                                   : Scalar(1) / (widths(chain) * widths(chain));
               })));
    });
    base::load_conditions(c, workspace, first, count);
  }

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    add_value(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    add_slope(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    base::value_and_gradient(c, workspace);
    add_value(c, workspace);
    add_slope(c, workspace);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Tethered<Other, Tethers, Widths>(other, y_, sigma_);
  }

 private:
  template <class Context>
  KOKKOS_FUNCTION void add_value(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + E::state_row * size;
    Scalar const* const y = workspace + own * size;
    Scalar* const e       = workspace + E::energy_row * size;
    c.reduce(
        1, D,
        [=](auto at) {
          V const apart = at.load(x) - at.load(y);
          return apart * apart;
        },
        [=](auto at, V sum) { at.store(e, at.load(e) + V(Scalar(0.5)) * at.at(D).load(y) * sum); });
  }
  template <class Context>
  KOKKOS_FUNCTION void add_slope(Context const& c, Scalar* workspace) const {
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + E::state_row * size;
    Scalar const* const y = workspace + own * size;
    Scalar* const dx      = workspace + E::gradient_row * size;
    c.map(D, [=](auto at) {
      at.store(dx, at.load(dx) + at.at(D).load(y) * (at.load(x) - at.load(y)));
    });
  }

  Tethers y_;     // (chains, D)
  Widths sigma_;  // (chains)
};

}  // namespace mine
// [/listing]

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Catch::Matchers::WithinAbs;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Widths = Kokkos::View<double*, Exec>;
using Net    = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<9>,
                                      basin::layer::Silu, basin::layer::Dense<1>>;
using E      = mine::Tethered<Net, Chains, Widths>;

// (In a template: nvcc 13 forgets the argument of a variable template in a plain function.)
constexpr basin::tile::Tuning packing{16, 4, 4, 1, 64};
template <class T>
constexpr int packed_numbers_of() {
  return T::template packed_numbers<packing>;
}

TEST_CASE("an energy of a user's own adds to the one that it wraps, chain by chain",
          "[archetype][energy]") {
  int constexpr n = 37;
  Model<Exec, Net> const model(parameters_of<Net>(1));
  auto const x = numbers(2 * n, 2), y = numbers(2 * n, 3), s = numbers(n, 4);
  std::vector<double> sigma;
  for (double const v : s) sigma.push_back(0.5 + v * v);
  auto const points = on_device<Exec, double>(x), tethers = on_device<Exec, double>(y);
  E const energy(model.net(), Chains(tethers.data(), n, 2), on_device<Exec, double>(sigma));
  Chains const at(points.data(), n, 2), g("g", n, 2);
  Widths const e("e", n);
  basin::energy::energies(Exec(), energy, at, e);
  basin::energy::gradients(Exec(), energy, at, g);
  auto const inside = model.energies(x), slopes = model.gradients(x), found = on_host(e),
             found_slopes = on_host(g);
  double worst            = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double square = 0, precision = 1 / (sigma[i] * sigma[i]);
    for (std::size_t d = 2 * i; d < 2 * i + 2; ++d) {
      square += (x[d] - y[d]) * (x[d] - y[d]);
      worst = std::max(worst, std::abs(found_slopes[d] - slopes[d] - precision * (x[d] - y[d])));
    }
    worst = std::max(worst, std::abs(found[i] - inside[i] - precision * square / 2));
  }
  CHECK(worst < 1e-13);
  STATIC_REQUIRE(basin::Energy<E> && basin::HasValueAndGradient<E>);
  STATIC_REQUIRE(packed_numbers_of<E>() == packed_numbers_of<Net>());
}

TEST_CASE("chains of a tethered energy have their own posterior", "[archetype][energy]") {
  // Without an energy inside: x ~ N(y, sigma^2), two tethers and widths in turn. A mean of 4096
  // chains has a standard error of sigma / 64, a variance one of sigma^2 sqrt(2 / 4096).
  int constexpr n = 8192;
  Model<Exec, Net> const flat{std::vector<double>(Net::parameters)};
  Chains const y("y", n, 2), chains("x", n, 2);
  Widths const sigma("sigma", n);
  auto const y_host = Kokkos::create_mirror_view(y);
  auto const s_host = Kokkos::create_mirror_view(sigma);
  for (int i = 0; i < n; ++i) {
    s_host(i) = i % 2 ? 0.5 : 0.1;
    for (int d = 0; d < 2; ++d) y_host(i, d) = i % 2 ? 3 : -1;
  }
  Kokkos::deep_copy(y, y_host);
  Kokkos::deep_copy(sigma, s_host);
  Kokkos::deep_copy(chains, y);
  basin::sampler::sample(Exec(), basin::sampler::Mala{.steps = 200, .step_size = 0.01},
                         E(flat.net(), y, sigma), chains, {.seed = 7});
  auto const x   = on_host(chains);
  double mean[2] = {}, square[2] = {};
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::size_t const kind = i / 2 % 2;
    double const from      = x[i] - (kind ? 3 : -1);
    mean[kind] += from / n;
    square[kind] += from * from / n;
  }
  CHECK_THAT(mean[0], WithinAbs(0, 5 * 0.1 / 90));
  CHECK_THAT(mean[1], WithinAbs(0, 5 * 0.5 / 90));
  CHECK_THAT(square[0], WithinAbs(0.01, 5 * 0.01 * 0.0156));
  CHECK_THAT(square[1], WithinAbs(0.25, 5 * 0.25 * 0.0156));
}

}  // namespace
