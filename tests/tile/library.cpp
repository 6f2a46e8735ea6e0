// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/conv2d.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/tile/library.hpp>

#include "support/all_derivatives.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <vector>

namespace library_test {

/// A host's library: each sum from 0 on, in ascending order.
struct PlainLibrary {
  static inline int calls = 0;

  template <class Exec, class Scalar>
  static void multiply(Exec const& exec, basin::tile::Product<Scalar> const& p,
                       std::size_t stride_x, Scalar* y, std::size_t stride_y, int tiles,
                       basin::tile::Precision) {
    exec.fence("library_test");
    ++calls;
    for (int tile = 0; tile < tiles; ++tile) {
      Scalar const* const x = p.x + static_cast<std::size_t>(tile) * stride_x;
      Scalar* const to      = y + static_cast<std::size_t>(tile) * stride_y;
      for (int row = 0; row < p.rows; ++row)
        for (int t = 0; t < p.width; ++t) {
          Scalar sum = 0;
          for (int k = 0; k < p.steps; ++k)
            sum = std::fma(p.by_rows ? p.w[row * p.steps + k] : p.w[k * p.rows + row],
                           x[k * p.row_size + t], sum);
          to[row * p.width + t] = sum;
        }
    }
  }
};

}  // namespace library_test

namespace basin::tile::detail {

// Of a GPU none: what it has is tested where it is.
template <class Exec>
  requires test::is_host<Exec>
struct LibraryOf<Exec> {
  using type = library_test::PlainLibrary;
};

}  // namespace basin::tile::detail

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
using basin::tile::Tuning;
using library_test::PlainLibrary;

// One thread a tile, and a team.
constexpr int shared   = basin::tile::shared_memory<Exec>();
constexpr Tuning alone = is_host<Exec> ? Tuning{16, 4, 4, 1, 1} : Tuning{8, 2, 3, 2, 64, shared};
constexpr Tuning in_a_team =
    is_host<Exec> ? Tuning{8, 2, 3, 2, 2} : Tuning{32, 2, 4, 1, 128, shared};

using Plain = Network<double, Vector<5>, Dense<13>, Silu, Dense<33>, Tanh, Dense<1>>;
// Every kind of stage, of which only the dense layers are the library's.
using Mixed = Network<double, Image<3, 3, 1>, Conv2d<4, 3>, GroupNorm<2>, Silu,
                      Residual<Dense<36>, Dropout<>, Tanh>, Dense<7>, Silu, Dense<1>, Square>;

template <class Net, Tuning tuning>
void check_library() {
  auto theta = parameters_of<Net>(1);
  CAPTURE(tuning.width, tuning.team);
  constexpr Tuning phases = layerwise(tuning);
  STATIC_REQUIRE(std::is_same_v<basin::tile::library_of<Exec>, PlainLibrary> == is_host<Exec>);
  {
    Model<Exec, Net> const model(theta);
    auto const fused      = all_derivatives<Exec, tuning>(model.net());
    PlainLibrary::calls   = 0;
    auto const by_library = all_derivatives<Exec, phases>(model.net());
    CHECK((PlainLibrary::calls > 0) == is_host<Exec>);
    // The library adds to 0 what kernels add to a bias: of one sum each rounds the other's way.
    // As float_tolerance, of double, and of jets of three terms 6 times as many roundings; twice,
    // because both sides have them. A GPU's library adds up to 36 terms in an order of its own.
    double const tolerance = 12 * float_tolerance * 0x1p-29;
    CHECK(largest_difference(by_library, fused) <= (is_host<Exec> ? 1 : 36) * tolerance);
  }
  if (!is_host<Exec>) return;
  // Without biases the sums are the same, and so are the bits.
  auto without = theta;
  for (auto const& block : Net::parameter_blocks())
    if (block.name.ends_with("bias"))
      for (int k = 0; k < block.rows * block.columns; ++k)
        without[static_cast<std::size_t>(block.offset + k)] = 0;
  Model<Exec, Net> const model(without);
  CHECK(all_derivatives<Exec, phases>(model.net()) == all_derivatives<Exec, tuning>(model.net()));
}

TEST_CASE("with products of a library a network has the same numbers", "[tile][library]") {
  check_library<Plain, alone>();
  if (has_threads<Exec>(in_a_team)) check_library<Mixed, in_a_team>();
}

template <Tuning tuning, class Net>
int calls_for_energies_and_gradients(Net const& net) {
  using M = Model<Exec, Net>;
  typename M::Array const x("x", 37 * Net::dimension), e("e", 37), g("g", 37 * Net::dimension);
  PlainLibrary::calls = 0;
  basin::energy::energies<tuning>(Exec(), net, M::points(x), e);
  int const of_energies = PlainLibrary::calls;
  basin::energy::gradients<tuning>(Exec(), net, M::points(x), M::points(g));
  return 100 * of_energies + PlainLibrary::calls - of_energies;
}

TEST_CASE("a library makes one product a dense layer, for all tiles at once", "[tile][library]") {
  Model<Exec, Plain> const model(parameters_of<Plain>(1));
  if (!is_host<Exec>) return;
  // E: three layers. dE/dx: two there and two back, the last one is a row of weights.
  CHECK(calls_for_energies_and_gradients<layerwise(alone)>(model.net()) == 304);
  CHECK(calls_for_energies_and_gradients<alone>(model.net()) == 0);
  // The mixed one has four, with the projection beside the residual block; none is left out,
  // because E^2 is not linear.
  if (!has_threads<Exec>(in_a_team)) return;
  Model<Exec, Mixed> const mixed(parameters_of<Mixed>(1));
  CHECK(calls_for_energies_and_gradients<layerwise(in_a_team)>(mixed.net()) == 408);
}

}  // namespace
