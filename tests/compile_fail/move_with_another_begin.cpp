// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: the move has a 'begin' that can not be called; write 'template <class Context, class Tile>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/chain.hpp>

struct Stay {
  int steps = 1;
  void check() const {}
  struct Move {
    static constexpr int rows = 0;
#ifdef BASIN_EXPECT_REFUSAL
    template <class Context, class Tile>
    KOKKOS_FUNCTION void begin(Context const&, Tile const&) {}
#else
    template <class Context, class Tile>
    KOKKOS_FUNCTION void begin(Context const&, Tile const&) const {}
#endif
    template <class Context, class Tile>
    KOKKOS_FUNCTION void step(Context const&, Tile const&, int, basin::Stream const&) const {}
  };
  template <class E>
  Move move() const {
    return {};
  }
};

void run(Kokkos::View<float**, Kokkos::LayoutRight> const& chains) {
  basin::sampler::sample(Kokkos::DefaultExecutionSpace(), Stay{},
                         basin::energy::Quadratic<float, 2>{}, chains, {});
}
