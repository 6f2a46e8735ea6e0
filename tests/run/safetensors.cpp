// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/run/safetensors.hpp>
#include <basin/train/trainer.hpp>

#include "support/silent_objective.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace basin::layer;
using basin::run::load_safetensors;
using basin::run::save_safetensors;
using basin::test::contents;
using basin::test::TemporaryFolder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using Exec = BASIN_TEST_EXEC;

using Net = basin::energy::Network<float, basin::Vector<2>, SpectralNorm<Dense<5>>, Silu, Dense<1>>;
using Trainer = basin::train::Trainer<Net, basin::test::Mute, basin::optimizer::Sgd,
                                      basin::optimizer::Constant, Exec>;

Trainer make(std::uint64_t seed, double ema_decay = 0) {
  return Trainer(
      {.optimizer = {.learning_rate = 0.1}, .batch = 8, .ema_decay = ema_decay, .seed = seed},
      basin::test::uniform_points(64, 2));
}
std::vector<float> energies(Trainer& trainer) {
  auto const e = trainer.energies(basin::test::uniform_points(20, 2));
  return {e.data(), e.data() + e.size()};
}
// [listing]
// The parameters of a trainer in another one, by a file that PyTorch reads and writes too.
void hand_over(Trainer& from, Trainer& to, std::string const& path) {
  basin::run::save_safetensors(path, from);
  basin::run::load_safetensors(path, to);
}
// [/listing]

// The largest |a - b| / largest |b|.
double distance(std::vector<float> const& a, std::vector<float> const& b) {
  double most = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(double(a[i]) - double(b[i])));
    size = std::max(size, std::abs(double(b[i])));
  }
  return most / size;
}
// The weight (5, 2) that a file has.
std::vector<float> weight(std::string const& path) {
  auto const file   = basin::io::read_safetensors(path);
  auto const& bytes = file.tensors.find("0.weight")->second.bytes;
  std::vector<float> w(bytes.size() / sizeof(float));
  std::memcpy(w.data(), bytes.data(), bytes.size());
  return w;
}

TEST_CASE("safetensors have what the energy reads: averages, weights of norm 1",
          "[run][safetensors]") {
  TemporaryFolder const folder;
  std::string const path = folder / "t";
  Trainer trainer        = make(1, 0.5);
  // The averages are the first of these, the current parameters another.
  auto const averaged = contents(trainer.averaged_parameters());
  Kokkos::deep_copy(trainer.parameters(), 3.f);
  save_safetensors(path, trainer);

  auto const file = basin::io::read_safetensors(path);
  CHECK(file.metadata.at("format") == "pt");
  CHECK(file.metadata.at("basin") == basin::run::version_text());
  CHECK(file.metadata.at("step") == "0");
  CHECK_THAT(file.metadata.at("energy"),
             StartsWith("basin::energy::HeadedNetwork<float,basin::Vector<2>,") &&
                 ContainsSubstring("basin::layer::SpectralNorm<basin::layer::Dense<5"));
  CHECK(file.tensors.size() == 4);
  // Of a matrix of two columns, by its Gram matrix.
  auto const norm = [](std::vector<float> const& w) {
    double a = 0, b = 0, c = 0;
    for (std::size_t o = 0; o < 5; ++o) {
      double const x = w[2 * o], y = w[2 * o + 1];
      a += x * x, b += x * y, c += y * y;
    }
    return std::sqrt((a + c + std::sqrt((a - c) * (a - c) + 4 * b * b)) / 2);
  };
  double const sigma = norm(averaged);
  auto const stored  = weight(path);
  CHECK(std::abs(norm(stored) - 1) < 1e-2);  // after eight iterations
  double const factor = averaged[3] / stored[3];
  CHECK(std::abs(factor / sigma - 1) < 1e-2);
  for (std::size_t i = 0; i < stored.size(); ++i)
    CHECK(std::abs(stored[i] * factor - averaged[i]) < 1e-6);
}

TEST_CASE("a trainer that loads safetensors has their energies", "[run][safetensors]") {
  TemporaryFolder const folder;
  std::string const path = folder / "t";
  Trainer from           = make(1);
  for (double const decay : {0.0, 0.5}) {
    // Another seed: its vectors of the power iteration begin elsewhere.
    Trainer to = make(2, decay);
    CHECK(distance(energies(to), energies(from)) > 0.1);
    hand_over(from, to, path);
    auto const loaded = energies(to);
    // Settled: no more iterations change what is stored then.
    save_safetensors(folder / "again", to);
    load_safetensors(folder / "again", to);
    CHECK(distance(energies(to), loaded) < 1e-6);
    CHECK(distance(weight(folder / "again"), weight(path)) < 1e-2);
    if (decay > 0) CHECK(contents(to.averaged_parameters()) == contents(to.parameters()));
    to.step();
  }
}

TEST_CASE("what does not fit a trainer leaves it as it was", "[run][safetensors]") {
  TemporaryFolder const folder;
  std::string const path = folder / "t";
  Trainer trainer        = make(1, 0.5);
  auto const parameters  = contents(trainer.parameters());
  auto const averaged    = contents(trainer.averaged_parameters());
  auto const state       = contents(trainer.layer_state());
  auto const refused     = [&](basin::MemoryArchive::Entries const& tensors,
                           std::string const& sentence) {
    basin::io::write_safetensors(path, tensors);
    CHECK_THROWS_WITH(load_safetensors(path, trainer),
                          "basin::run::load_safetensors: '" + path + "': " + sentence);
    CHECK(contents(trainer.parameters()) == parameters);
    CHECK(contents(trainer.averaged_parameters()) == averaged);
    CHECK(contents(trainer.layer_state()) == state);
  };
  std::vector<float> theta(std::size_t(Net::parameters), 0.f);
  for (std::size_t i = 0; i < 10; ++i) theta[i] = i % 2 == 0 ? 0.3f : 0.f;
  auto const tensors_of = [&] {
    return basin::energy::to_tensors<Net>(
        Kokkos::View<float const*, Kokkos::HostSpace>(theta.data(), theta.size()));
  };
  auto short_of_one = tensors_of();
  short_of_one.erase("2.bias");
  refused(short_of_one, "there is no '2.bias' among 3 tensors, the energy has 4");
  // Of norm 0.3 sqrt(5), 0.670820: the energy would be another one in PyTorch.
  refused(
      tensors_of(),
      "of the largest number of '0.weight', 0.3, its layer makes 0.447214; store weights that "
      "are divided by their largest singular value already, as layer::SpectralNorm divides them");
  CHECK_THROWS_WITH(load_safetensors(folder / "none", trainer),
                    "basin::io::read_safetensors: '" + (folder / "none") + "' is no file");
  // Weights of 0 stay 0.
  for (float& w : theta) w = 0;
  basin::io::write_safetensors(path, tensors_of());
  load_safetensors(path, trainer);
  CHECK(energies(trainer) == std::vector<float>(20, 0.f));
}

}  // namespace
