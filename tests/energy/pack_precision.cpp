// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/pack.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>

#include "support/packed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
namespace tile = basin::tile;
using tile::Tuning;

using Vectors = Network<float, Vector<5>, Dense<19>, Silu, Dropout<>, Dense<33>, Tanh, Dense<1>>;

TEST_CASE("an energy with weights packed for another precision is nearly the same",
          "[energy][pack]") {
  constexpr Tuning tuning = in_tiles<Exec>;
  Model<Exec, Vectors> const model(parameters_of<Vectors>(1));
  auto const full  = all_derivatives<Exec, tuning>(model.net());
  auto const check = [&]<tile::Precision precision>(double u, auto const& ask) {
    constexpr Tuning reduced = tile::with_precision(tuning, precision);
    auto const copies        = copies_of<Exec, reduced>(model.net());
    auto const found = ask.template operator()<reduced>(read<reduced>(model.net(), copies.data()));
    CAPTURE(u);
    // E and dE/dx; jets are not rounded. There and back four products, each of which gives 2 u of a
    // sum of |w x| that is at most sqrt(33) times the values, with errors of random sign.
    for (std::size_t kind : {0u, 1u}) {
      double const error = largest_difference<float>({found[kind]}, {full[kind]});
      CHECK(error <= 8 * u * 6);
      CHECK(error >= u / 64);  // of factors with 24 bits a few agree by chance
    }
    for (std::size_t kind : {2u, 3u, 4u, 6u})
      if (kind < found.size()) CHECK(found[kind] == full[kind]);
  };
  auto const values = []<Tuning t>(auto const& net) { return values_and_gradients<Exec, t>(net); };
  auto const all    = []<Tuning t>(auto const& net) { return all_derivatives<Exec, t>(net); };
  check.template operator()<tile::Precision::tf32>(0x1p-11, values);
  check.template operator()<tile::Precision::bf16>(0x1p-8, all);
}

}  // namespace
