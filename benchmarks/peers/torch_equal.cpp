// SPDX-License-Identifier: Apache-2.0
// basin's side of ./torch_equal.
//
//   torch_equal write FOLDER   leaves for each network NAME.safetensors, its parameters, and NAME_points.safetensors
//                              and classifier.safetensors, classifier_run.safetensors: batches and losses of a training
//   torch_equal read FOLDER    reads NAME_torch.safetensors and NAME_torch_energies.safetensors, and compares
#include <basin/core/philox.hpp>
#include <basin/energy/cnn.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/reparameterize.hpp>
#include <basin/energy/tensors.hpp>
#include <basin/energy/wide_resnet.hpp>
#include <basin/io/safetensors.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/softplus.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/objective/cross_entropy.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/run/describe.hpp>
#include <basin/train/trainer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

namespace {

using namespace basin::layer;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using Exec = Kokkos::DefaultExecutionSpace;

// The layers beside those of published networks, in double.
using Layers =
    Network<double, Image<8, 8, 3>, Scale<std::ratio<2>, std::ratio<-1>>,
            SpectralNorm<Conv2d<8, 3>>, LeakyRelu<>, GroupNorm<4>, Silu,
            Residual<Conv2d<16, 3, 2>, LayerNorm<>, Gelu, Conv2d<16, 3>>, SelfAttention<16, 2>,
            Sum<Conv2d<8, 1>, Sequence<Tanh, SpectralNorm<Conv2d<8, 3>>>>, RmsNorm<>, Upsample<2>,
            AveragePool<3, 2>, Downsample<2>, Dropout<>, Flatten, RmsNorm<>,
            SpectralNorm<Dense<24>>, Softplus, Residual<Dense<12>, Relu>, Gain<>, Dense<1>, Square>;
using Scales = basin::energy::MultiScale<float, Image<8, 8, 2>, Conv2d<6, 3, 2>, Silu, Flatten,
                                         Dense<12>, Silu, Dense<1>>;

constexpr int count      = 64;    // points
constexpr int iterations = 500;   // of spectral norms, until they have settled
constexpr double most    = 1e-5;  // |E - E of PyTorch| over the range of E among the points

template <class E>
struct Model {
  using Scalar  = typename E::scalar_type;
  using Numbers = Kokkos::View<Scalar*, Exec>;
  using Points  = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;
  Numbers theta{"theta", std::size_t(E::parameters)};
  Points points{"points", count, std::size_t(E::dimension)};

  // About each block's center, with variance 1 / fan-in, so that energies differ among the points.
  Model() {
    auto const host = Kokkos::create_mirror_view(theta);
    auto const draw = [](int i, int of) {
      return 2 * basin::unit_uniform<double>(
                     basin::random_word({1, basin::Purpose::parameter, std::uint64_t(of)}, i, 0)) -
             1;
    };
    for (auto const& b : E::parameter_blocks())
      for (int i = b.offset; i < b.offset + b.rows * b.columns; ++i)
        host(i) = static_cast<Scalar>(b.law.center +
                                      (b.law.scale > 0 ? 1.7 * b.law.scale : 0.3) * draw(i, 0));
    Kokkos::deep_copy(theta, host);
    auto const x = Kokkos::create_mirror_view(points);
    for (std::size_t i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<Scalar>(draw(static_cast<int>(i), 1));
    Kokkos::deep_copy(points, x);
  }

  // What the energy reads.
  Numbers effective() const {
    if constexpr (basin::energy::Reparameterized<E>) {
      constexpr auto tuning = basin::tile::default_tuning<Exec, Scalar, E::workspace_rows>();
      Numbers const state("state", +E::state), made("effective", +E::parameters);
      auto const start = E::initial_state(1);
      auto const host  = Kokkos::create_mirror_view(state);
      std::copy(start.begin(), start.end(), host.data());
      Kokkos::deep_copy(state, host);
      basin::energy::reparameterize<E, tuning>(Exec(), iterations, theta.data(), state.data(),
                                               made.data());
      return made;
    } else {
      return theta;
    }
  }
  Kokkos::View<Scalar*, Kokkos::HostSpace> energies() const {
    Numbers const read = effective(), e("energies", count);
    basin::energy::energies(Exec(), E(read.data()), points, e);
    Kokkos::View<Scalar*, Kokkos::HostSpace> const host("host", count);
    Kokkos::deep_copy(host, e);
    return host;
  }
};

template <class View>
basin::detail::ArchiveEntry entry(View const& view) {
  auto const host   = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  auto const* bytes = reinterpret_cast<unsigned char const*>(host.data());
  return {basin::detail::type_name<typename View::non_const_value_type>(),
          basin::detail::shape_of(host),
          {bytes, bytes + host.size() * sizeof(typename View::non_const_value_type)}};
}

template <class E>
bool run(std::string const& task, std::string const& folder, std::string const& name) {
  Model<E> const model;
  std::string const path = folder + "/" + name;
  if (task == "write") {
    basin::io::write_safetensors(path + ".safetensors",
                                 basin::energy::to_tensors<E>(model.effective()),
                                 {{"format", "pt"},
                                  {"basin", basin::run::version_text()},
                                  {"energy", basin::run::type_text<E>()}});
    basin::io::write_safetensors(
        path + "_points.safetensors",
        {{"points", entry(model.points)}, {"energies", entry(model.energies())}});
    return true;
  }
  basin::energy::from_tensors<E>(basin::io::read_safetensors(path + "_torch.safetensors").tensors,
                                 model.theta);
  auto const file      = basin::io::read_safetensors(path + "_torch_energies.safetensors");
  auto const& of_torch = file.tensors.at("energies");
  auto const e         = model.energies();
  if (of_torch.type != basin::detail::type_name<typename E::scalar_type>() ||
      of_torch.bytes.size() != e.size() * sizeof(e(0)))
    basin::refuse("torch_equal", path, "_torch_energies.safetensors has other energies");
  double difference = 0, lowest = INFINITY, highest = -INFINITY;
  for (std::size_t i = 0; i < e.size(); ++i) {
    typename E::scalar_type there;
    std::memcpy(&there, of_torch.bytes.data() + i * sizeof there, sizeof there);
    difference = std::fmax(difference, std::abs(double(e(i)) - double(there)));
    lowest = std::fmin(lowest, double(there)), highest = std::fmax(highest, double(there));
  }
  difference /= highest - lowest;
  std::printf("%s %.1e\n", name.c_str(), difference);
  return difference <= most;
}

// The parameters of a classifier before 200 steps of Adam on the cross-entropy, the batches of the
// steps, and their losses.
void write_training(std::string const& folder) {
  using E =
      basin::energy::Classifier<float, Vector<12>, Dense<64>, Silu, Dense<64>, Silu, Dense<5>>;
  using Trainer = basin::train::Trainer<E, basin::objective::CrossEntropy, basin::optimizer::Adam>;
  using Host    = Kokkos::HostSpace;
  constexpr int rows = 1000, steps = 200, batch = 64;
  Kokkos::View<float**, Kokkos::LayoutRight, Host> const x("x", rows, 12);
  Kokkos::View<int*, Host> const y("y", rows);
  for (int n = 0; n < rows; ++n) {
    float sum = 0;
    for (int d = 0; d < 12; ++d) {
      x(n, d) = 2 * basin::unit_uniform<float>(
                        basin::random_word({1, basin::Purpose::data_noise, 2}, d, n)) -
                1;
      sum += d < 2 ? x(n, d) : 0;
    }
    y(n) = static_cast<int>(std::fmin(4.0f, 2.5f + 1.25f * sum));  // sums in (-2, 2)
  }
  Trainer trainer({.optimizer = {.learning_rate = 1e-3}, .batch = batch}, x, y);
  auto const parameters = trainer.parameters();
  Kokkos::View<float*, Exec> const theta("theta", std::size_t(E::parameters));
  Kokkos::deep_copy(theta, parameters);
  basin::io::write_safetensors(folder + "/classifier.safetensors",
                               basin::energy::to_tensors<E>(theta), {{"format", "pt"}});
  Kokkos::View<float***, Kokkos::LayoutRight, Host> const points("points", steps, batch, 12);
  Kokkos::View<float**, Kokkos::LayoutRight, Host> const labels("labels", steps, batch);
  Kokkos::View<double*, Host> const losses("losses", steps);
  for (int k = 0; k < steps; ++k) {
    trainer.gradient();
    auto const drawn = trainer.state().batch();
    Kokkos::deep_copy(Kokkos::subview(points, k, Kokkos::ALL, Kokkos::ALL), drawn.points);
    auto const classes = Kokkos::create_mirror_view_and_copy(Host(), drawn.labels);
    for (int n = 0; n < batch; ++n) labels(k, n) = static_cast<float>(classes(n));
    trainer.update();
    losses(k) = trainer.metrics()["loss"];
  }
  basin::io::write_safetensors(
      folder + "/classifier_run.safetensors",
      {{"points", entry(points)}, {"labels", entry(labels)}, {"losses", entry(losses)}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || (std::string(argv[1]) != "write" && std::string(argv[1]) != "read")) {
    std::fprintf(stderr, "usage: torch_equal write|read FOLDER\n");
    return 2;
  }
  Kokkos::ScopeGuard const kokkos;
  try {
    std::string const task = argv[1], folder = argv[2];
    if (task == "write") write_training(folder);
    bool equal = run<Network<float, Vector<2>, Dense<64>, Silu, Dense<64>, Silu, Dense<1>>>(
        task, folder, "mlp");
    equal = run<basin::energy::Cnn<float, Image<28, 28>, 32, 64, 128>>(task, folder, "seed-cnn") &&
            equal;
    equal = run<basin::energy::UvaCnn<float, Image<28, 28>>>(task, folder, "uva-cnn") && equal;
    equal = run<Layers>(task, folder, "layers") && equal;
    equal = run<Scales>(task, folder, "scales") && equal;
    equal =
        run<basin::energy::IgebmResNet<float, Image<16, 16, 3>, 8>>(task, folder, "igebm") && equal;
    equal = run<basin::energy::WideResNet<float, Image<8, 8, 3>, 10, 10, 1>>(task, folder,
                                                                             "wide-resnet") &&
            equal;
    return equal ? 0 : 1;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
