// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --out runs/inpainting --resume --steps 2 --images 12 --moves 4
//
// Structured prediction: an energy of whole images, learned by denoising score matching, says what a
// hidden lower half is given the upper one, and what an image was before noise. Both are
// minimized, and averaged over chains; each is scored by the squared error of a pixel, beside the
// nearest training image, the mean image and the Gaussian of the images. Leaves its run and
// inpainting.png.

#include <basin/basin.hpp>
#include <basin/io/picture.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>

#include "images.hpp"

#include <Eigen/Dense>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>
#include <ratio>
#include <vector>

namespace layer  = basin::layer;
namespace energy = basin::energy;

namespace {

using Exec   = Kokkos::DefaultExecutionSpace;
using Chains = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// E(y) = |y|^2 / 2 + sum_k a_k (u_k.y + b_k)^2 + 64 MLP(y) of y = (image - mean) / sigma with noise of
// deviation 1: the first two terms can be the Gaussian of the images, the network corrects it.
using Noise = layer::Sequence<layer::Square, layer::SumPool, layer::Scale<std::ratio<1, 2>>>;
using Quadratic =
    layer::Sequence<layer::Flatten, layer::Dense<256>, layer::Square, layer::Dense<1>>;
using Mlp     = layer::Sequence<layer::Flatten, layer::Dense<512>, layer::Silu, layer::Dense<256>,
                                layer::Silu, layer::Dense<1>, layer::Scale<std::ratio<64>>>;
using Energy  = energy::Network<float, basin::Image<28, 28>, layer::Sum<Mlp, Noise, Quadratic>>;
using Trainer = basin::train::Trainer<Energy, basin::objective::DenoisingScoreMatching,
                                      basin::optimizer::Adam, basin::optimizer::Cosine>;

constexpr int pixels = 784, hidden = 392;  // the lower half, behind the upper one

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist";
  int images = 1000, moves = 300;
  double noise = 0.8, observed_noise = 1.2;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"data", "1", "folder with the four files of MNIST, or any like them"},
      self.data);
    f(basin::Field{"images", "1", "test images"}, self.images, basin::range::at_least(1));
    f(basin::Field{"moves", "1", "of each chain, down and then at temperature 1"}, self.moves,
      basin::range::at_least(1));
    f(basin::Field{"noise", "x", "deviation, of the energy; pixels are in [-1, 1]"}, self.noise,
      basin::range::above(0));
    f(basin::Field{"observed_noise", "x", "deviation, of the images that are denoised; more"},
      self.observed_noise, basin::range::above(0));
  }
};

Eigen::Map<Matrix> matrix(Images const& x) {
  return {x.data(), static_cast<Eigen::Index>(x.extent(0)), static_cast<Eigen::Index>(x.extent(1))};
}

Images on_host(Matrix const& x) {
  Images const images = basin::data::make_samples(static_cast<std::size_t>(x.rows()),
                                                  static_cast<std::size_t>(x.cols()));
  matrix(images)      = x;
  return images;
}

Chains on_device(Matrix const& x) {
  return Kokkos::create_mirror_view_and_copy(Exec(), on_host(x));
}

Matrix from_device(Chains const& x) {
  Images const host("host", x.extent(0), x.extent(1));
  Kokkos::deep_copy(host, x);
  return matrix(host);
}

// Of the images of 'from' that which is nearest in the first columns.
Matrix nearest(Matrix const& from, Matrix const& to, Eigen::Index columns) {
  Matrix const part            = from.leftCols(columns);
  Eigen::VectorXf const square = part.rowwise().squaredNorm();
  Matrix result(to.rows(), from.cols());
  for (Eigen::Index n = 0; n < to.rows(); ++n) {
    Eigen::Index at = 0;
    (square - 2 * (part * to.row(n).head(columns).transpose())).minCoeff(&at);
    result.row(n) = from.row(at);
  }
  return result;
}

// What a minimum, a chain and the mean of the chain say.
struct Answers {
  Matrix minimum, sample, mean;
};

// Of all chains at once: downhill without noise, then at temperature 1. Of a draw y the noise is taken
// off as y - share dE/dy, whose mean is that of y, since that of dE/dy is 0.
template <class E>
Answers answer(E const& given, Matrix const& start, float share, int moves, std::uint64_t seed) {
  Exec const exec;
  basin::sampler::Langevin<> langevin{.steps = moves, .step_size = 0.5, .temperature = 0};
  Chains const chains = on_device(start), slopes("slopes", start.rows(), start.cols());
  basin::sampler::sample(exec, langevin, given, chains, {.seed = seed});
  Answers answers{from_device(chains), {}, Matrix::Zero(start.rows(), start.cols())};
  langevin.temperature = 1;
  langevin.step_size   = 0.1;
  int const draws      = 20;
  langevin.steps       = std::max(1, moves / draws);
  basin::Stream stream{.seed = seed + 1};
  for (int draw = -draws / 2; draw < draws; ++draw) {  // the first ones are not counted
    basin::sampler::sample(exec, langevin, given, chains, stream);
    stream.step += static_cast<std::uint64_t>(langevin.steps);
    basin::energy::gradients(exec, given, chains, slopes);
    exec.fence();
    answers.sample = from_device(chains) - share * from_device(slopes);
    if (draw >= 0) answers.mean += answers.sample / float(draws);
  }
  return answers;
}

int run(Options const& o, basin::run::Options const& keep, Trainer::Options const& training,
        nlohmann::ordered_json const& process) {
  if (o.observed_noise <= o.noise)
    basin::refuse("inpainting", "observed_noise must be > noise, ", o.noise, ", got ",
                  o.observed_noise);
  Images const train_images = read_images(o.data, "train-images");
  Matrix const truth        = matrix(first_rows(read_images(o.data, "t10k-images"), o.images));
  // In units of the energy's noise.
  float const unit              = static_cast<float>(o.noise);
  Eigen::RowVectorXf const mean = matrix(train_images).colwise().mean();
  Matrix const train            = (matrix(train_images).rowwise() - mean) / unit;
  Matrix const test             = (truth.rowwise() - mean) / unit;

  Trainer trainer(training, on_host(train));
  std::uint64_t const seed = training.seed;
  Kokkos::Timer const timer;
  auto const ending = basin::run::fit(trainer, keep, {.progress = stderr, .process = process});
  if (basin::run::exit_status(ending) != 0 || training.slices.rank() > 0)
    return basin::run::exit_status(ending);
  std::printf("%d parameters, %ld steps, %.0f s\n\n", Energy::parameters, keep.steps,
              timer.seconds());

  // The Gaussian of the images, with noise of 0.1 of their range that makes it regular.
  float const ridge  = 0.04f / (unit * unit);
  Matrix covariance  = train.transpose() * train / float(train.rows());
  auto const regular = [](Matrix c, float by) {
    c.diagonal().array() += by;
    return c;
  };
  auto const error = [&](Matrix const& y) {  // of a pixel, in [0, 1]
    Matrix const x   = (y * unit).rowwise() + mean.tail(y.cols());
    Matrix const off = x.array().max(-1).min(1) - truth.rightCols(y.cols()).array();
    return off.squaredNorm() / float(off.size()) / 4;
  };
  auto const row = [&](char const* what, Matrix const& y) {
    std::printf("| %s | %.4f |\n", what, double(error(y)));
  };

  // The lower half, given the upper one.
  Chains const known = on_device(test);  // the energy reads the upper half
  auto const below   = answer(energy::restrict_to<pixels - hidden, hidden>(trainer.energy(), known),
                              Matrix::Zero(test.rows(), hidden), 1, o.moves, seed);
  Matrix const above = test.leftCols(pixels - hidden);
  Matrix const beside = nearest(train, test, pixels - hidden).rightCols(hidden);
  Matrix const linear = regular(covariance.topLeftCorner(pixels - hidden, pixels - hidden), ridge)
                            .ldlt()
                            .solve(covariance.topRightCorner(pixels - hidden, hidden));
  std::printf(
      "| the lower half, given the upper one | squared error of a hidden pixel |\n|---|---|\n");
  row("energy, minimized", below.minimum);
  row("energy, mean of a chain", below.mean);
  row("energy, one sample", below.sample);
  row("nearest training image, by the upper half", beside);
  row("Gaussian of the images", above * linear);
  row("mean image", Matrix::Zero(test.rows(), hidden));

  // Images with noise: y of the energy has a part of it, variance 1, and is the best image with that
  // part taken off, x = (s^2 y - observed) / (s^2 - 1).
  std::mt19937_64 bits(seed);
  std::normal_distribution<float> normal;
  float const s = static_cast<float>(o.observed_noise / o.noise);
  Matrix observed(test.rows(), pixels);
  for (Eigen::Index i = 0; i < observed.size(); ++i)
    observed.data()[i] = test.data()[i] + s * normal(bits);
  Kokkos::View<float*, Exec> const widths("widths", observed.rows());
  Kokkos::deep_copy(widths, std::sqrt(s * s - 1));
  auto const clean =
      answer(energy::Tethered<decltype(trainer.energy()), Chains, Kokkos::View<float*, Exec>>(
                 trainer.energy(), on_device(observed), widths),
             observed / (s * s), (s * s - 1) / (s * s), o.moves, seed);
  auto const without = [&](Matrix const& y) -> Matrix {
    return (s * s * y - observed) / (s * s - 1);
  };
  Matrix const match  = nearest(train, observed, pixels);
  Matrix const wiener = regular(covariance, s * s).ldlt().solve(covariance);
  std::printf("\n| noise of deviation %.2g in [0, 1] | squared error of a pixel |\n|---|---|\n",
              o.observed_noise / 2);
  row("energy, minimized", without(clean.minimum));
  row("energy, mean of a chain", without(clean.mean));
  row("energy, one sample", without(clean.sample));
  row("nearest training image", match);
  row("Gaussian of the images", observed * wiener);
  row("mean image", Matrix::Zero(test.rows(), pixels));
  row("as observed", observed);

  // Rows: image, what is seen, answers.
  int const shown = std::min<int>(12, static_cast<int>(test.rows()));
  auto const grid = [&](std::vector<Matrix> const& rows) {
    Images const images = basin::data::make_samples(rows.size() * std::size_t(shown), pixels);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      Matrix y = rows[k].topRows(shown);
      if (y.cols() == hidden) {
        Matrix whole(shown, pixels);
        whole << above.topRows(shown), y;
        y = whole;
      }
      for (int n = 0; n < shown; ++n)
        for (int d = 0; d < pixels; ++d)
          images(k * std::size_t(shown) + std::size_t(n), d) = y(n, d) * unit + mean(d);
    }
    return basin::io::image_grid(images, 28, 28, {.columns = shown, .scale = 2});
  };
  Matrix const gray = ((Matrix::Zero(test.rows(), hidden).rowwise() - mean.tail(hidden)) / unit);
  auto const file   = std::filesystem::path(keep.out) / "inpainting.png";
  basin::io::write_png(
      file, basin::io::beside({grid({test, gray, below.minimum, below.mean, below.sample, beside,
                                     above * linear}),
                               grid({test, observed, without(clean.minimum), without(clean.mean),
                                     without(clean.sample), match, observed * wiener})}));
  std::printf("\n%s\n", file.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  basin::run::Options keep{.steps = 2500, .out = "out/inpainting"};
  Trainer::Options training{.objective = {.standard_deviation = 1},
                            .optimizer = {.learning_rate = 2e-3},
                            .schedule  = {.period = keep.steps},
                            .batch     = 128,
                            .ema_decay = 0.99};
  basin::run::CommandLine line(
      "Fills in hidden halves of 28x28 images, and takes off noise, by an energy of images.");
  line.add(o);
  line.add(keep);
  line.add(training);
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  training.slices.ranks = process.ranks();
  try {
    return run(o, keep, training, basin::run::describe_process(argc, argv, o));
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
