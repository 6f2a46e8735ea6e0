// SPDX-License-Identifier: Apache-2.0
// Question: is the tuning that a backend chooses the fastest for a Langevin chain?
//
// Names: tuning/<network>/b<chains>/<width>x<rows>x<lanes>x<vectors>-<team>, the fields of
// tile::Tuning; the first of a network and batch is what the backend chooses. Those that a backend
// has no room for are left out.
#include <basin/energy/pack.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using basin::tile::Tuning;
using Exec = Kokkos::DefaultExecutionSpace;

constexpr int steps   = 60;
constexpr bool on_gpu = basin::tile::is_gpu<Exec>;

// 'steps' Langevin steps with weights packed for the tuning.
template <class E, Tuning tuning>
void langevin_with(benchmark::State& state, int batch) {
  using Scalar = typename E::scalar_type;
  Exec const exec;
  auto const trainer = pcd_trainer<E>(batch, 1);  // for its parameters
  Kokkos::View<Scalar*, Exec> const packed("packed",
                                           basin::energy::packed_numbers<E, tuning, Exec>());
  auto const energy = [&] {
    E const plain(trainer->parameters().data());
    if constexpr (basin::energy::packed_numbers<E, tuning, Exec>() > 0)
      return basin::energy::pack<tuning>(exec, plain, packed.data());
    else
      return plain;
  }();
  Chains<std::remove_const_t<decltype(energy)>, tuning> chains(energy, batch, steps);
  iterate<Scalar>(state, exec, {.flops = E::gradient_flops * batch * steps}, [&] { chains(); });
}

// Whether vectors divide the tile's width and near memory holds the tile.
template <class E>
constexpr bool possible(Tuning t) {
  std::size_t const bytes =
      std::size_t(E::workspace_rows + 1) * std::size_t(t.width) * sizeof(float);
  return t.width % (t.lanes * t.vectors) == 0 &&
         (t.shared == 0 || t.strategy == basin::tile::Strategy::layerwise ||
          bytes <= std::size_t(t.shared));
}

template <class E, Tuning tuning>
  requires(!possible<E>(tuning))
void add(std::string const&, std::vector<int> const&) {}

template <class E, Tuning tuning>
  requires(possible<E>(tuning))
void add(std::string const& network, std::vector<int> const& batches) {
  for (int const batch : batches) {
    auto const number      = [](int n) { return std::to_string(n); };
    std::string const name = "tuning/" + network + "/b" + number(batch) + "/" +
                             number(tuning.width) + "x" + number(tuning.rows) + "x" +
                             number(tuning.lanes) + "x" + number(tuning.vectors) + "-" +
                             number(tuning.team);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      langevin_with<E, tuning>(state, batch);
    })->Unit(benchmark::kMillisecond);
  }
}

constexpr Tuning with_block(Tuning t, int rows, int vectors) {
  t.rows    = rows;
  t.vectors = vectors;
  return t;
}
constexpr Tuning with_width(Tuning t, int width) {
  t.width = width;
  return t;
}
constexpr Tuning with_team(Tuning t, int team) {
  t.team  = team;
  t.items = team;
  return t;
}

template <class E>
int add_all(std::string const& network, int batch_on_host) {
  constexpr Tuning chosen = tuning_of<E, basin::tile::Precision::full>();
  if constexpr (on_gpu) {
    constexpr Tuning narrow = basin::tile::narrow_tuning(chosen);
    std::vector<int> const few{128, 256}, many{4096, 65536};
    add<E, narrow>(network, few);
    add<E, basin::tile::narrower(narrow, 2)>(network, few);
    add<E, with_block(narrow, 8, 1)>(network, few);
    add<E, with_team(narrow, chosen.team == 512 ? 256 : 512)>(network, few);
    add<E, chosen>(network, many);
    add<E, with_block(chosen, 8, 2)>(network, many);
    add<E, with_block(chosen, 4, 4)>(network, many);
    add<E, with_team(chosen, chosen.team == 512 ? 256 : 512)>(network, many);
    // Weights that are streamed serve more chains.
    add<E, with_team(with_block(with_width(chosen, 24), 4, 3), 256)>(network, many);
    add<E, with_width(chosen, 32)>(network, many);
  } else {
    std::vector<int> const batch{batch_on_host};
    add<E, chosen>(network, batch);
    add<E, with_block(basin::tile::narrower(chosen, chosen.lanes), chosen.rows * chosen.vectors,
                      1)>(network, batch);
    add<E, with_block(chosen, chosen.rows * 2 / 3, chosen.vectors)>(network, batch);
  }
  return 0;
}

auto const a = add_all<NetworkA>("2-128-128-1", 256);
auto const b = add_all<NetworkB>("43-512-512-1", 256);
auto const c = add_all<NetworkC>("784-256-256-1", 128);

}  // namespace
