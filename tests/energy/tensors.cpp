// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/cnn.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/tensors.hpp>
#include <basin/energy/wide_resnet.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/sum.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

// Layers of a user's own: what the network names of them is known without their passes.
namespace mine {

// f of each element, with a parameter each: stored as parameter_blocks() has them.
template <bool keeps>
struct Threshold {
  template <basin::Real Scalar, basin::Shape Input>
  struct bind : basin::layer::BoundLayer {
    using output_shape                = Input;
    static constexpr int inputs       = Input::size;
    static constexpr int outputs      = Input::size;
    static constexpr int parameters   = Input::size + 6;
    static constexpr bool keeps_order = keeps;
    static std::vector<basin::layer::ParameterBlock> parameter_blocks() {
      return {{"level", Input::size, 1, {}}, {"table", 2, 3, {}}};
    }
  };
};

// A vector turned around: without parameters.
template <bool keeps>
struct Turned {
  template <basin::Real Scalar, basin::Shape Input>
  struct bind : basin::layer::BoundLayer {
    using output_shape                = Input;
    static constexpr int inputs       = Input::size;
    static constexpr int outputs      = Input::size;
    static constexpr bool keeps_order = keeps;
  };
};

// An energy that is no network.
struct Formula {
  static constexpr int parameters = 7;
  static std::vector<basin::energy::NamedBlock> parameter_blocks() {
    return {{"A", 0, 2, 3, {}}, {"b", 6, 1, 1, {}}};
  }
};

// A vector as an image.
template <int Height, int Width, int Channels>
struct Reshape {
  template <class>
  using output_shape = basin::Image<Height, Width, Channels>;
  template <int Order, class V>
  static KOKKOS_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = x;
  }
};

}  // namespace mine

namespace {

using namespace basin::layer;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::energy::tensors;
using Catch::Matchers::WithinRel;
using Exec    = BASIN_TEST_EXEC;
using Shape   = std::vector<int>;
using Shapes  = std::vector<std::pair<std::string, Shape>>;
using Numbers = std::vector<double>;

// Names and shapes; every parameter must be in one tensor, once.
template <class E>
Shapes shapes_of() {
  Shapes all;
  std::vector<int> seen(std::size_t(E::parameters), 0);
  for (auto const& t : tensors<E>()) {
    all.emplace_back(t.name, t.shape);
    int count = 0, elements = 1;
    for (int const extent : t.shape) elements *= extent;
    t.each([&](int i) {
      ++seen.at(static_cast<std::size_t>(i));
      ++count;
    });
    INFO(t.name);
    CHECK(count == elements);
  }
  CHECK(seen == std::vector<int>(std::size_t(E::parameters), 1));
  return all;
}

TEST_CASE("tensors have the names and shapes of PyTorch's modules", "[energy][tensors]") {
  // Modules are counted, elementwise ones too, where parameter_blocks() counts stages.
  CHECK(shapes_of<Network<float, Vector<2>, Scale<std::ratio<2>>, Dense<64>, Silu, Dropout<>,
                          Dense<3>, Silu, Dense<1>>>() == Shapes{{"1.weight", {64, 2}},
                                                                 {"1.bias", {64}},
                                                                 {"4.weight", {3, 64}},
                                                                 {"4.bias", {3}},
                                                                 {"6.weight", {1, 3}},
                                                                 {"6.bias", {1}}});
  // A Sequence counts as what it holds.
  CHECK(shapes_of<basin::energy::Cnn<float, Image<8, 8, 3>, 4, 6>>() ==
        Shapes{{"0.weight", {4, 3, 3, 3}},
               {"0.bias", {4}},
               {"1.weight", {4}},
               {"1.bias", {4}},
               {"3.weight", {6, 4, 3, 3}},
               {"3.bias", {6}},
               {"4.weight", {6}},
               {"4.bias", {6}},
               {"7.weight", {3, 6}},
               {"7.bias", {3}},
               {"9.weight", {1, 3}},
               {"9.bias", {1}}});
  // Bodies, projections, branches; a branch that is a Sequence is a Sequential.
  CHECK(shapes_of<Network<double, Image<4, 4, 2>, Residual<Silu, Conv2d<2, 3, 1, bias::Without>>,
                          Residual<Sequence<Conv2d<4, 3, 2>, Silu>, RmsNorm<>>,
                          Sum<SpectralNorm<Conv2d<2, 1>>, Sequence<Silu, Residual<Conv2d<2, 3>>>>,
                          SelfAttention<2>, MeanPool, Residual<Dense<3>>, Dense<1>>>() ==
        Shapes{{"0.body.1.weight", {2, 2, 3, 3}},
               {"1.body.0.weight", {4, 2, 3, 3}},
               {"1.body.0.bias", {4}},
               {"1.body.2.weight", {4}},
               {"1.projection.weight", {4, 2, 1, 1}},
               {"1.projection.bias", {4}},
               {"2.0.weight", {2, 4, 1, 1}},
               {"2.0.bias", {2}},
               {"2.1.1.body.0.weight", {2, 4, 3, 3}},
               {"2.1.1.body.0.bias", {2}},
               {"2.1.1.projection.weight", {2, 4, 1, 1}},
               {"2.1.1.projection.bias", {2}},
               {"3.body.0.weight", {4, 2, 1, 1}},
               {"3.body.2.gain", {1}},
               {"5.body.0.weight", {3, 2}},
               {"5.body.0.bias", {3}},
               {"5.projection.weight", {3, 2}},
               {"5.projection.bias", {3}},
               {"6.weight", {1, 3}},
               {"6.bias", {1}}});
  CHECK(shapes_of<basin::energy::IgebmResNet<float, Image<8, 8, 3>, 2>>().size() == 26);
  CHECK(shapes_of<basin::energy::WideResNet<float, Image<8, 8, 3>, 5, 10, 1>>().size() == 20);
  CHECK(shapes_of<basin::energy::UvaCnn<float, Image<28, 28>>>()[8] ==
        std::pair<std::string, Shape>{"9.weight", {64, 256}});
}

TEST_CASE("a layer of a user's own is stored as its blocks", "[energy][tensors]") {
  CHECK(shapes_of<Network<float, Vector<5>, Silu, mine::Threshold<false>, Dense<1>>>() ==
        Shapes{{"1.level", {5}}, {"1.table", {2, 3}}, {"2.weight", {1, 5}}, {"2.bias", {1}}});
  CHECK(shapes_of<mine::Formula>() == Shapes{{"A", {2, 3}}, {"b", {1}}});
}

// ---- PyTorch's forward pass, of (channels, height, width) and the tensors alone ----------

using Tensors = std::map<std::string, Numbers>;

Numbers linear(Tensors const& t, std::string const& name, Numbers const& x) {
  Numbers y = t.at(name + ".bias");
  for (std::size_t o = 0; o < y.size(); ++o)
    for (std::size_t i = 0; i < x.size(); ++i)
      y[o] += t.at(name + ".weight")[o * x.size() + i] * x[i];
  return y;
}

// A kernel of 2 x 3 positions over (in, height, width), with zeros behind: no square, to tell the
// axes apart.
Numbers convolved(Tensors const& t, std::string const& name, Numbers const& x, std::size_t in,
                  std::size_t height, std::size_t width, std::size_t kernel) {
  Numbers const& w      = t.at(name + ".weight");
  std::size_t const out = t.at(name + ".bias").size(), oh = height - kernel + 1,
                    ow = width - kernel + 1;
  Numbers y(out * oh * ow);
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t r = 0; r < oh; ++r)
      for (std::size_t c = 0; c < ow; ++c) {
        double sum = t.at(name + ".bias")[o];
        for (std::size_t i = 0; i < in; ++i)
          for (std::size_t a = 0; a < kernel; ++a)
            for (std::size_t b = 0; b < kernel; ++b)
              sum += w[((o * in + i) * kernel + a) * kernel + b] *
                     x[(i * height + r + a) * width + c + b];
        y[(o * oh + r) * ow + c] = sum;
      }
  return y;
}

TEST_CASE("tensors give the energy that PyTorch's modules compute with them", "[energy][tensors]") {
  // 2 channels of 3 x 4, then 3 of 2 x 3, which Flatten makes a vector of: a scale for each of its
  // elements, a block whose sum is in its order, and a Dense.
  using Net = Network<double, Image<3, 4, 2>, Conv2d<3, 2, 1, padding::Valid>, Flatten, Gain<>,
                      RmsNorm<std::ratio<1, 8>>, Dense<2>, Dense<1>>;
  Kokkos::View<double*, Exec> const theta("theta", +Net::parameters), e("e", 1);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const x("x", 1, +Net::dimension);
  auto const theta_host = Kokkos::create_mirror_view(theta);
  auto const x_host     = Kokkos::create_mirror_view(x);
  unsigned word         = 1;
  auto const draw       = [&] {
    word = word * 1664525u + 1013904223u;
    return word * 0x1p-31 - 1;
  };
  for (int i = 0; i < Net::parameters; ++i) theta_host(i) = draw();
  for (int i = 0; i < Net::dimension; ++i) x_host(0, i) = draw();
  Kokkos::deep_copy(theta, theta_host);
  Kokkos::deep_copy(x, x_host);
  basin::energy::energies(Exec(), Net(theta.data()), x, e);

  Tensors t;
  for (auto const& [name, entry] : basin::energy::to_tensors<Net>(theta)) {
    CHECK(entry.type == "f8");
    t[name].resize(entry.bytes.size() / sizeof(double));
    std::memcpy(t[name].data(), entry.bytes.data(), entry.bytes.size());
  }
  Numbers planes(24);
  for (std::size_t p = 0; p < 12; ++p)
    for (std::size_t c = 0; c < 2; ++c) planes[12 * c + p] = x_host(0, 2 * p + c);
  Numbers h      = convolved(t, "0", planes, 2, 3, 4, 2);
  double squares = 0;
  for (double& v : h) {
    v *= t.at("2.gain")[0];
    squares += v * v;
  }
  for (std::size_t i = 0; i < h.size(); ++i)
    h[i] *= t.at("3.weight")[i] / std::sqrt(squares / double(h.size()) + 0.125);
  double const energy = linear(t, "5", linear(t, "4", h))[0];
  CHECK_THAT(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), e)(0),
             WithinRel(energy, 1e-13));

  // And back.
  Kokkos::View<double*, Exec> const again("again", +Net::parameters);
  basin::energy::from_tensors<Net>(basin::energy::to_tensors<Net>(theta), again);
  auto const again_host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), again);
  CHECK(std::memcmp(again_host.data(), theta_host.data(), sizeof(double) * Net::parameters) == 0);
}

TEST_CASE("a Dense of an image reads it as behind Flatten", "[energy][tensors]") {
  using Net = Network<float, Image<1, 2, 3>, Dense<1>>;
  std::vector<int> order;
  tensors<Net>()[0].each([&](int i) { order.push_back(i); });
  CHECK(order == std::vector<int>{0, 3, 1, 4, 2, 5});
}

TEST_CASE("what PyTorch orders in another way is refused", "[energy][tensors]") {
  using Picture = Image<2, 2, 4>;
  CHECK_THROWS_WITH((tensors<Network<float, Picture, Flatten, GroupNorm<2>, Dense<1>>>()),
                    "basin::layer::GroupNorm: its 2 groups are of 8 neighbors of a flattened image "
                    "of 4 channels, "
                    "which are no neighbors in PyTorch; write it in front of Flatten");
  std::string const lacks =
      "' reads a flattened image of 4 channels, whose elements PyTorch orders in another way; it "
      "needs a 'static std::vector<layer::Tensor> tensors(layer::Features const& read)', as "
      "layer::Dense, or without parameters 'static constexpr bool keeps_order = true'";
  CHECK_THROWS_WITH((tensors<Network<float, Picture, Flatten, mine::Threshold<true>, Dense<1>>>()),
                    "basin::energy::tensors: layer '1" + lacks);
  CHECK_THROWS_WITH(
      (tensors<Network<float, Picture, Flatten, Silu, Residual<mine::Turned<false>>, Dense<1>>>()),
      "basin::energy::tensors: layer '2.body.0" + lacks);
  CHECK_NOTHROW(tensors<Network<float, Picture, Flatten, mine::Turned<true>, Dense<1>>>());
  std::string const adds =
      "basin::energy::tensors: '1' adds a flattened image and a vector that is none, (positions, "
      "channels) = ";
  std::string const behind =
      ", whose elements PyTorch orders differently; write layer::Flatten behind it";
  CHECK_THROWS_WITH((tensors<Network<float, Picture, Flatten, Residual<Dense<16>>, Dense<1>>>()),
                    adds + "(4, 4) and (1, 16)" + behind);
  CHECK_THROWS_WITH((tensors<Network<float, Picture, Flatten, Sum<Dense<16>, Silu>, Dense<1>>>()),
                    adds + "(1, 16) and (4, 4)" + behind);
  CHECK_THROWS_WITH(
      (tensors<
          Network<float, Vector<8>, mine::Reshape<2, 2, 2>, Conv2d<1, 2>, Flatten, Dense<1>>>()),
      "basin::energy::tensors: layer '0' makes an image of 2 channels of a vector, whose elements "
      "PyTorch orders in another way");
  // One channel or one position: there is one order.
  CHECK_NOTHROW(tensors<Network<float, Image<3, 3>, Flatten, GroupNorm<3>, Dense<1>>>());
  CHECK_NOTHROW(tensors<Network<float, Image<1, 1, 4>, Flatten, Residual<Dense<4>>, Dense<1>>>());
  CHECK_NOTHROW(
      tensors<
          Network<float, Vector<9>, mine::Reshape<3, 3, 1>, Conv2d<1, 2>, Flatten, Dense<1>>>());
}

TEST_CASE("tensors that do not fit are refused, and nothing is written", "[energy][tensors]") {
  using Net = Network<float, Vector<2>, Dense<3>, Silu, Dense<1>>;
  Kokkos::View<float*, Kokkos::HostSpace> const theta("theta", +Net::parameters);
  Kokkos::View<float*, Kokkos::HostSpace> const other("other", +Net::parameters);
  Kokkos::deep_copy(other, 1.f);
  auto const good       = basin::energy::to_tensors<Net>(other);
  std::string const who = "basin::energy::from_tensors: ";
  auto const refused    = [&](basin::MemoryArchive::Entries const& entries,
                           std::string const& sentence) {
    CHECK_THROWS_WITH(basin::energy::from_tensors<Net>(entries, theta), who + sentence);
    for (std::size_t i = 0; i < theta.size(); ++i) CHECK(theta(i) == 0);
  };
  auto changed = good;
  changed.erase("2.bias");
  refused(changed, "there is no '2.bias' among 3 tensors, the energy has 4");
  changed             = good;
  changed["4.weight"] = good.at("2.weight");
  refused(changed, "there is a '4.weight' among 5 tensors, the energy has 4 without it");
  changed                = good;
  changed["2.bias"].type = "f8";
  refused(changed, "'2.bias' is of type f8, the energy of f4");
  changed                   = good;
  changed["0.weight"].shape = {2, 3};
  refused(changed, "'0.weight' has shape (2, 3), the energy takes (3, 2)");
  changed = good;
  changed["2.bias"].bytes.pop_back();
  refused(changed, "'2.bias' has 3 bytes, its shape takes 4");
  Kokkos::View<float*, Kokkos::HostSpace> const fewer("fewer", +Net::parameters - 1);
  CHECK_THROWS_WITH(basin::energy::from_tensors<Net>(good, fewer),
                    who + "theta has 12 numbers, the energy has 13");
  CHECK_THROWS_WITH(basin::energy::to_tensors<Net>(fewer),
                    "basin::energy::to_tensors: theta has 12 numbers, the energy has 13");
  basin::energy::from_tensors<Net>(good, theta);
  for (std::size_t i = 0; i < theta.size(); ++i) CHECK(theta(i) == 1);
}

}  // namespace
