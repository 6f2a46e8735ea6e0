// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

namespace {

bool const entered =
    networks()
        .emplace("mlp",
                 jem::network<jem::Mlp>({.steps = 1000, .batch = 128, .sampling_steps = 10}, 0.99))
        .second;

}  // namespace

Images draws_of_classes(Images const& images, Labels const& labels, int count, std::uint64_t seed) {
  using Exec           = Kokkos::DefaultExecutionSpace;
  auto const gaussians = jem::gaussians_of(images, labels);
  Kokkos::View<float**, Kokkos::LayoutRight, Exec::memory_space> const draws(
      "draws", static_cast<std::size_t>(count), images.extent(1));
  constexpr auto tuning = basin::tile::default_tuning<Exec, float, 1>();
  basin::sampler::start_chains<tuning>(Exec(), gaussians.start(), draws, decltype(draws)(),
                                       {seed, basin::Purpose::sampler_start, 0});
  Kokkos::fence("draws");
  Images const result("draws", draws.extent(0), draws.extent(1));
  Kokkos::deep_copy(result, draws);
  return result;
}
