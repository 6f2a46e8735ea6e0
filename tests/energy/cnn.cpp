// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/cnn.hpp>
#include <basin/layer/tanh.hpp>

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include "benchmarks/support/count_allocations.hpp"
#include "support/all_numbers.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::energy::Cnn;
using basin::energy::DeepCnn;
using basin::energy::EnergyBlock;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::GroupNorm;
using basin::layer::MeanPool;
using basin::layer::Residual;
using basin::layer::Sequence;
using basin::layer::Silu;
using basin::layer::Tanh;
using namespace basin::test;

// ---- what the recipes are ----------------------------------------------------------------

TEST_CASE("an energy block is a convolution, a norm of at most 32 groups and an activation",
          "[energy][cnn]") {
  STATIC_REQUIRE(std::same_as<EnergyBlock<8>, Sequence<Conv2d<8, 3, 2>, GroupNorm<8>, Silu>>);
  STATIC_REQUIRE(
      std::same_as<EnergyBlock<64, 5, 1, Tanh>, Sequence<Conv2d<64, 5, 1>, GroupNorm<32>, Tanh>>);
}

TEST_CASE("the convolutional recipes know their size and their work", "[energy][cnn]") {
  using Large = Cnn<float, Image<28, 28>, 32, 64, 128>;
  STATIC_REQUIRE(Large::parameters == (9 * 1 * 32 + 3 * 32) + (9 * 32 * 64 + 3 * 64) +
                                          (9 * 64 * 128 + 3 * 128) + (128 * 64 + 64) + (64 + 1));
  // 28 -> 14 -> 7 -> 4, without the taps that fall outside.
  STATIC_REQUIRE(Large::energy_flops ==
                 2 * (41 * 41 * 32 + 20 * 20 * 32 * 64 + 10 * 10 * 64 * 128 + 128 * 64 + 64));
  STATIC_REQUIRE(Large::energy_flops == 2 * 1'700'448.0);

  // For each width one block that changes the shape, and Blocks that keep it.
  using Deep       = DeepCnn<float, Image<8, 8, 3>, 3, 4, 6>;
  auto const block = [](int in, int out) { return 9 * in * out + 3 * out; };
  STATIC_REQUIRE(Deep::parameters == block(3, 4) + 3 * block(4, 4) + block(4, 6) + 3 * block(6, 6) +
                                         (6 * 3 + 3) + (3 + 1));
}

TEST_CASE("the convolutional recipes are their layers, written out", "[energy][cnn]") {
  using WrittenCnn = Network<float, Image<5, 4>, Conv2d<4, 3, 2>, GroupNorm<4>, Silu, MeanPool,
                             Dense<2>, Silu, Dense<1>>;
  CHECK(all_numbers<Exec, Cnn<float, Image<5, 4>, 4>>() == all_numbers<Exec, WrittenCnn>());

  using Block       = Residual<Conv2d<4, 3>, GroupNorm<4>, Silu>;
  using WrittenDeep = Network<float, Image<4, 4>, Conv2d<4, 3, 2>, GroupNorm<4>, Silu, Block, Block,
                              MeanPool, Dense<2>, Silu, Dense<1>>;
  CHECK(all_numbers<Exec, DeepCnn<float, Image<4, 4>, 2, 4>>() == all_numbers<Exec, WrittenDeep>());
}

// ---- training one ------------------------------------------------------------------------

using Small = Cnn<float, Image<8, 8>, 5>;

template <basin::tile::Tuning tuning>
using Trainer = basin::train::Trainer<Small, SmallObjective, basin::optimizer::Adam,
                                      basin::optimizer::Constant, Exec, tuning>;

constexpr basin::tile::Tuning usual =
    basin::tile::default_tuning<Exec, float, Small::workspace_rows>();
using Usual = basin::train::Trainer<Small, SmallObjective, basin::optimizer::Adam,
                                    basin::optimizer::Constant, Exec>;

TEST_CASE("a norm starts as no more than itself", "[energy][cnn]") {
  Usual const trainer(small_options<Usual>(), uniform_points(50, 64));
  auto const theta = contents(trainer.parameters());
  int norms = 0, wrong = 0;
  for (auto const& b : Small::parameter_blocks()) {
    if (b.name != "1.scale" && b.name != "1.shift") continue;
    ++norms;
    for (int k = 0; k < b.rows; ++k)
      wrong += theta[static_cast<std::size_t>(b.offset + k)] != (b.name == "1.scale" ? 1 : 0);
  }
  CHECK(norms == 2);
  CHECK(wrong == 0);
}

// Parameters and chains.
template <basin::tile::Tuning tuning>
std::vector<float> after_20_steps(Exec const& exec = Exec()) {
  using T = Trainer<tuning>;
  T trainer(small_options<T>(), uniform_points(50, 64), exec);
  trainer.fit({.steps = 20});
  auto all          = contents(trainer.parameters());
  auto const chains = contents(trainer.state().buffer().stored());
  all.insert(all.end(), chains.begin(), chains.end());
  return all;
}

TEST_CASE("training a Cnn gives the same bits in every tuning and for any number of threads",
          "[energy][cnn]") {
  if constexpr (is_host<Exec>) {
    auto const reference = after_20_steps<usual>();
    CHECK(after_20_steps<basin::tile::Tuning{16, 8, 6, 2, 0}>() == reference);
    CHECK(after_20_steps<basin::tile::Tuning{16, 4, 4, 1, 1}>() == reference);
    auto const parts = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1});
    CHECK(after_20_steps<usual>(parts[0]) == reference);
  } else {
    // The usual one splits sums, and so has other bits.
    constexpr int shared = basin::tile::shared_memory<Exec>();
    auto const reference = after_20_steps<basin::tile::Tuning{16, 4, 4, 1, 128, shared}>();
    CHECK(after_20_steps<basin::tile::Tuning{8, 4, 4, 1, 64, shared}>() == reference);
    CHECK(after_20_steps<basin::tile::Tuning{2, 2, 4, 1, 64, shared}>() == reference);
    CHECK(after_20_steps<basin::tile::Tuning{1, 1, 4, 1, 64, shared}>() == reference);
  }
}

TEST_CASE("training a Cnn allocates nothing, fences nothing and launches the same for any K",
          "[energy][cnn]") {
  namespace bench = basin::bench;
  bench::watch_kokkos();
  auto const data = uniform_points(50, 64);
  auto const run  = [&](int sampling_steps) {
    Usual trainer(small_options<Usual>(sampling_steps), data);
    for (int i = 0; i < 3; ++i) trainer.step();
    return bench::count(Exec(), 20, [&] { trainer.step(); });
  };
  bench::Tally const one = run(1), many = run(9);
  CHECK(one.allocations == 0);
  CHECK(many.allocations == 0);
  CHECK(one.fences == 0);
  CHECK(many.fences == 0);
  CHECK(one.launches == many.launches);
}

}  // namespace
