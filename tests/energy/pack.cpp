// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/pack.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>

#include "support/all_derivatives.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
namespace tile = basin::tile;
using tile::Tuning;

using Vectors  = Network<float, Vector<5>, Dense<19>, Silu, Dropout<>, Dense<33>, Tanh, Dense<1>>;
using InDouble = Network<double, Vector<5>, Dense<7>, Silu, Dense<1>>;
using Images   = Network<float, Image<5, 4, 1>, Conv2d<3, 3, 2>, GroupNorm<3>, Silu,
                         Residual<Conv2d<5, 3>, Silu>, MeanPool, Dense<1>>;
using WithAttention = Network<float, Image<3, 3, 1>, Conv2d<5, 2>, SelfAttention<5, 2>, Silu,
                              MeanPool, Dense<2>, Tanh, Dense<1>>;

// Tunings in which products read packed copies, but for the last, whose blocks have 3 rows.
template <class F>
void for_each_packing(F const& f) {
  if constexpr (is_host<Exec>)
    basin::test::detail::run_tunings<Exec, Tuning{16, 4, 4, 1, 1},
                                     layerwise(Tuning{16, 8, 2, 1, 2}), Tuning{8, 1, 3, 2, 2}>(f);
  else
    basin::test::detail::run_tunings<
        Exec, Tuning{16, 4, 4, 1, 64}, Tuning{16, 4, 4, 2, 128, tile::shared_memory<Exec>()},
        layerwise(Tuning{16, 4, 2, 1, 64, tile::shared_memory<Exec>()}),
        Tuning{8, 1, 3, 2, 64, tile::shared_memory<Exec>()}>(f);
}

// Copies of the weights of net for a tuning.
template <Tuning tuning, class Net>
Kokkos::View<typename Net::scalar_type*, Exec> copies_of(Net const& net) {
  using Scalar = typename Net::scalar_type;
  Kokkos::View<Scalar*, Exec> const copies("copies", +Net::template packed_numbers<tuning>);
  // What pack leaves out would be seen.
  Kokkos::deep_copy(copies, std::numeric_limits<Scalar>::quiet_NaN());
  basin::energy::pack<tuning>(Exec(), net, copies.data());
  return copies;
}

// The energy that reads copies made for a tuning.
template <Tuning tuning, class Net, class Copies>
auto read(Net const& net, Copies const& copies) {
  using Scalar = typename Net::scalar_type;
  return net.with_copies(tile::WeightCopies<Scalar, tile::layout_of(tuning)>{copies.data()});
}

TEMPLATE_TEST_CASE("an energy with packed weights has the bits of one without", "[energy][pack]",
                   Vectors, InDouble, Images, WithAttention) {
  using Scalar = typename TestType::scalar_type;
  Model<Exec, TestType> const model(parameters_of<TestType>(1));
  for_each_packing([&]<Tuning tuning>() {
    CAPTURE(tuning.width, tuning.rows, tuning.team);
    auto const plain  = all_derivatives<Exec, tuning>(model.net());
    auto const copies = copies_of<tuning>(model.net());
    CHECK(all_derivatives<Exec, tuning>(read<tuning>(model.net(), copies)) == plain);
    // They are read: other copies are another energy.
    auto const other = on_host(copies);
    std::vector<double> doubled(other.begin(), other.end());
    for (double& w : doubled) w *= 2;
    auto const wrong     = on_device<Exec, Scalar>(doubled);
    auto const changed   = all_derivatives<Exec, tuning>(read<tuning>(model.net(), wrong));
    bool constexpr reads = (tuning.rows & (tuning.rows - 1)) == 0;
    for (std::size_t kind = 0; kind < plain.size(); ++kind) {
      CAPTURE(kind);
      // A GPU's block makes copies of its own where they fit, and reads these.
      if constexpr (is_host<Exec>) CHECK((changed[kind] != plain[kind]) == reads);
    }
  });
}

TEST_CASE("an energy with weights packed for another precision is nearly the same",
          "[energy][pack]") {
  constexpr Tuning tuning = is_host<Exec> ? Tuning{16, 4, 4, 1, 1}
                                          : Tuning{16, 4, 4, 1, 128, tile::shared_memory<Exec>()};
  Model<Exec, Vectors> const model(parameters_of<Vectors>(1));
  auto const full  = all_derivatives<Exec, tuning>(model.net());
  auto const check = [&]<tile::Precision precision>(double u) {
    constexpr Tuning reduced = tile::with_precision(tuning, precision);
    auto const copies        = copies_of<reduced>(model.net());
    auto const found         = all_derivatives<Exec, reduced>(read<reduced>(model.net(), copies));
    CAPTURE(u);
    // E and dE/dx; jets are not rounded. There and back four products, each of which gives 2 u of a
    // sum of |w x| that is at most sqrt(33) times the values, with errors of random sign.
    for (std::size_t kind : {0u, 1u}) {
      double const error = largest_difference<float>({found[kind]}, {full[kind]});
      CHECK(error <= 8 * u * 6);
      CHECK(error >= u / 64);  // of factors with 24 bits a few agree by chance
    }
    for (std::size_t kind : {2u, 3u, 4u, 6u, 7u}) CHECK(found[kind] == full[kind]);
  };
  check.template operator()<tile::Precision::tf32>(0x1p-11);
  check.template operator()<tile::Precision::bf16>(0x1p-8);
}

TEST_CASE("copies are worth making on GPUs alone", "[energy][pack]") {
  constexpr Tuning tuning{16, 4, 4, 1, 64, tile::shared_memory<Exec>()};
  constexpr int together = basin::energy::packed_numbers<Vectors, tuning, Exec>();
  constexpr int phases   = basin::energy::packed_numbers<Vectors, layerwise(tuning), Exec>();
  STATIC_REQUIRE(together == 0);  // they fit the memory of a team
  if (is_host<Exec>) CHECK(phases == 0);
}

}  // namespace
