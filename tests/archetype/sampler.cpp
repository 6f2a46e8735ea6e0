// SPDX-License-Identifier: Apache-2.0
// Samplers of a user's own, outside of namespace basin.
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/chain.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

// [listing]
namespace mine {

// Random-walk Metropolis: x' = x + scale xi, accepted with probability min(1, exp(E(x) - E(x'))).
struct RandomWalk {
  int steps    = 10;
  double scale = 1;

  static constexpr std::array<basin::Quantity, 1> columns{
      {{"acceptance", "1", "share of proposals that were accepted"}}};

  // What is copied to the device. E: the energy.
  template <class E>
  struct Move {
    using Scalar              = typename E::scalar_type;
    static constexpr int D    = E::dimension;
    static constexpr int rows = D + 3;  // the present state, its E, acceptances, the present one
    Scalar scale;

    template <class Context, class Tile>
    KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
      using V           = typename Context::value_type;
      Scalar* const own = t.rows;
      t.energy.energy(c, t.workspace);
      c.map(1, [=](auto at) {
        at.at(D).store(own, at.load(t.value));
        at.at(D + 1).store(own, V(0));
      });
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, basin::Stream stream) const {
      using V           = typename Context::value_type;
      Scalar* const own = t.rows;
      Scalar const s    = scale;
      c.map(D, [=](auto at) { at.store(own, at.load(t.x)); });
      c.normal(D, stream, t.first,
               [=](auto at, auto z) { at.store(t.x, fma(decltype(z)(s), z, at.load(t.x))); });
      t.energy.energy(c, t.workspace);
      stream.purpose = basin::Purpose::sampler_accept;
      c.uniform(1, stream, t.first, [=](auto at, auto u) {
        using U      = decltype(u);
        auto const e = at.at(D);
        U const yes  = where_less(log(u), e.load(own) - at.load(t.value), U(1), U(0));
        e.store(own, where_less(U(0), yes, at.load(t.value), e.load(own)));
        at.at(D + 1).store(own, at.at(D + 1).load(own) + yes);
        at.at(D + 2).store(own, yes);
      });
      c.map(D, [=](auto at) {
        V const yes = at.at(D + 2).load(own);
        at.store(t.x, where_less(V(0), yes, at.load(t.x), at.load(own)));
      });
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
      using V             = typename Context::value_type;
      Scalar* const share = t.rows + (D + 1) * Context::row_size;
      Scalar const each   = Scalar(1) / static_cast<Scalar>(t.steps);
      c.map(1, [=](auto at) { at.store(share, V(each) * at.load(share)); });
      t.store_column(c, 0, share);
    }
  };
  template <class E>
  Move<E> move() const {
    return {static_cast<typename E::scalar_type>(scale)};
  }

  void check() const {
    if (steps < 1) basin::refuse("mine::RandomWalk", "steps must be >= 1, got ", steps);
    if (!(scale > 0)) basin::refuse("mine::RandomWalk", "scale must be > 0, got ", scale);
  }
};

}  // namespace mine
// [/listing]

namespace mine {

// A sampler with a kernel and a state of its own: x <- 0, and how often it was called.
struct Reset {
  int steps = 1;
  void check() const {}
  template <class Scalar, class Exec>
  struct state {
    Kokkos::View<Scalar*, typename Exec::memory_space> calls{"calls", 1};
    state(Exec const&, Reset const&, int, int, std::uint64_t) {}
    template <class Archive>
    void archive(Archive& a) {
      a("calls", calls);
    }
  };
};
template <basin::tile::Tuning, class Exec, class State, class E, class Chains, class Outputs>
void sample(Exec const& exec, Reset const&, State& state, E const&, Chains const& chains,
            basin::Stream const&, Outputs const&) {
  Kokkos::deep_copy(exec, chains, 0);
  Kokkos::deep_copy(exec, state.calls, 1);
}

}  // namespace mine

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::energy::Quadratic;
using Catch::Matchers::WithinAbs;
using namespace basin::test;
template <class Scalar>
using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

TEST_CASE("a move of a user's own has the law of the energy", "[archetype][sampler]") {
  // N(0, 1/4); the variance of 2^14 chains has a standard error of 0.25 sqrt(2 / 2^14) = 0.0028.
  int constexpr n = 1 << 14;
  Chains<double> const chains("chains", n, 1);
  Kokkos::View<double*, Exec> const acceptance("acceptance", n);
  mine::RandomWalk const walk{.steps = 100, .scale = 0.8};
  Quadratic<double, 1> const energy{{.stiffness = 4}};
  basin::sampler::NoState none;
  basin::sampler::run<basin::tile::default_tuning<Exec, double>()>(
      Exec(), walk, none, energy, chains, {.seed = 1}, {.columns = {acceptance.data()}});
  double square = 0, share = 0;
  for (double const x : on_host(chains)) square += x * x / n;
  for (double const a : on_host(acceptance)) share += a / n;
  CHECK_THAT(square, WithinAbs(0.25, 0.012));
  // Proposals of deviation r sigma are accepted with probability 2 / pi atan(2 / r).
  CHECK_THAT(share, WithinAbs(2 / std::numbers::pi * std::atan(2 / 1.6), 0.01));
  CHECK(basin::sampler::find_column<mine::RandomWalk>("acceptance") == 0);
  CHECK(basin::sampler::find_column<mine::RandomWalk>("displacement") == -1);
}

TEST_CASE("a move of a user's own has the same bits in every tuning", "[archetype][sampler]") {
  auto const results = run_in_each_tuning<Exec, float>([&]<basin::tile::Tuning tuning>() {
    Chains<float> const chains("chains", 37, 3);
    basin::sampler::sample<tuning>(Exec(), mine::RandomWalk{}, Quadratic<float, 3>{}, chains,
                                   {.seed = 3});
    return on_host(chains);
  });
  CHECK(tunings_that_differ(results) == 0);
}

TEST_CASE("a sample function of a user's own is found, with its state", "[archetype][sampler]") {
  Chains<float> const chains("chains", 5, 2);
  Kokkos::deep_copy(chains, 7.0f);
  basin::sampler::state_of<mine::Reset, float, Exec> state(Exec(), mine::Reset{}, 5, 2, 1);
  basin::sampler::run<basin::tile::default_tuning<Exec, float>()>(
      Exec(), mine::Reset{}, state, Quadratic<float, 2>{}, chains, {}, {});
  for (float const x : on_host(chains)) CHECK(x == 0);
  CHECK(on_host(state.calls)[0] == 1);
}

}  // namespace
