// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --others none --out runs/image_detection --resume --steps 2 --noise.levels 2
//
// Images that are not of the data, by a ladder of noise: at each level an energy of the images with
// that noise learns by denoising score matching (model.cpp). What becomes of the energies a score
// (score.hpp) is chosen on noise, and on noisy, blurred and shifted copies of images held out
// (copies.hpp); only then is it applied to test images and to others. Leaves the runs of the levels, all
// that was tried, image_detection.json, and the copies of the test images in MNIST's format, for other detectors.

#include <basin/run/command_line.hpp>
#include <basin/run/describe.hpp>
#include <basin/run/process.hpp>
#include <basin/sampler/noise_ladder.hpp>

#include "../copies.hpp"
#include "model.hpp"
#include "score.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Folders from;
  basin::sampler::NoiseLadder noise{.first = 0.5, .last = 0.25, .levels = 2};
  Training training;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    Folders::fields(self.from, f);
    f.nested("noise", self.noise);
    Training::fields(self.training, f);
  }
};

Images slice(Images const& x, int first, int count) {
  return Kokkos::subview(x, std::pair(first, first + count), Kokkos::ALL);
}

// y = (x - mean) / sigma: the noise has deviation 1.
struct View {
  std::vector<double> mean;  // (784)
  double sigma;
  Images operator()(Images const& x) const {
    Images const y = like(x);
    for (std::size_t n = 0; n < x.extent(0); ++n)
      for (int d = 0; d < 784; ++d) y(n, d) = static_cast<float>((x(n, d) - mean[d]) / sigma);
    return y;
  }
};

std::vector<double> mean_image(Images const& x) {
  std::vector<double> mean(784);
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (int d = 0; d < 784; ++d) mean[d] += x(n, d) / static_cast<double>(x.extent(0));
  return mean;
}

double log_square(float const* v) {
  double square = 0;
  for (int d = 0; d < 784; ++d) square += v[d] * v[d];
  return std::log(square);
}

// What a level says of each image.
std::vector<std::string> const kinds{
    "energy",    // E(y)
    "slope",     // log |dE/dy|^2
    "loss",      // log |dE/dy - z|^2 at y + z, with noise z
    "distance",  // log of the squared Mahalanobis distance of dE/dy from those of training images
};
int const kind_count = static_cast<int>(kinds.size());

// Writes the columns from 'column' on of values (images, columns). The noise is the same for the
// n-th image of every set.
void measure(Model const& model, Metric const& metric, Images const& y, std::uint64_t seed,
             int column, Values const& values) {
  auto const energies = model.energies(y);
  Images const slopes = model.slopes(y), distances = metric.whitened(slopes);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Images const z = like(y), noisy = like(y);
  for (std::size_t i = 0; i < y.size(); ++i) {
    z.data()[i]     = normal(random);
    noisy.data()[i] = y.data()[i] + z.data()[i];
  }
  Images const residuals = model.slopes(noisy);
  for (std::size_t i = 0; i < y.size(); ++i) residuals.data()[i] -= z.data()[i];
  for (std::size_t n = 0; n < y.extent(0); ++n) {
    values(n, column)     = energies[n];
    values(n, column + 1) = log_square(&slopes(n, 0));
    values(n, column + 2) = log_square(&residuals(n, 0));
    values(n, column + 3) = log_square(&distances(n, 0));
  }
}

// Sets, of which the first is the data, and what all levels say of them.
struct Part {
  std::vector<ImageSet> sets;
  std::vector<Values> values;  // of each set: (images, levels * kinds)
};

Part make_part(std::vector<ImageSet> const& sets, int levels) {
  Part part{sets, {}};
  for (ImageSet const& set : sets)
    part.values.emplace_back("values", set.images.extent(0), levels * kind_count);
  return part;
}

// Copies of 2500 images: enough for an AUROC, and the time goes into its images.
Part with_copies(Images const& images, std::uint64_t seed, int levels) {
  auto sets = noise_and_copies(first_rows(images, 2500), seed);
  sets.insert(sets.begin(), {"data", "data", images});
  return make_part(sets, levels);
}

// AUROC of the first set against each other one.
std::vector<double> aurocs(PooledScore const& score, Part const& part) {
  std::vector<double> result;
  auto const data = score(part.values.front());
  for (std::size_t s = 1; s < part.sets.size(); ++s) {
    auto const other = score(part.values[s]);
    result.push_back(
        basin::metric::auroc(std::span<double const>(other), std::span<double const>(data)));
  }
  return result;
}

// Means over the sets of each kind, and the mean of these.
Json means(std::vector<double> const& auroc, Part const& part) {
  std::map<std::string, double> sum, count;
  for (std::size_t s = 0; s < auroc.size(); ++s) {
    sum[part.sets[s + 1].kind] += auroc[s];
    ++count[part.sets[s + 1].kind];
  }
  double mean = 0;
  Json result{{"mean", 0}};
  for (auto const& [kind, of_kind] : sum) {
    result[kind] = of_kind / count[kind];
    mean += of_kind / count[kind] / static_cast<double>(sum.size());
  }
  result["mean"] = mean;
  return result;
}

int run(Options const& o, basin::run::Options const& keep, Json const& described,
        basin::run::Process const& process) {
  Images const all                = read_images(o.from.data, "train-images"),
               test               = read_images(o.from.data, "t10k-images");
  std::filesystem::path const out = keep.out;
  int const images = static_cast<int>(all.extent(0)), held = std::min(5000, images / 4),
            rows = images - 2 * held, levels = o.noise.levels;
  std::uint64_t const seed = o.training.seed;
  Images const data        = slice(all, 0, rows);
  // The score is fitted to one half of the images held out, and chosen on copies of the other.
  Part const fitted = make_part({{"data", "data", slice(all, rows, held)}}, levels);
  Part const chosen = with_copies(slice(all, rows + held, held), seed, levels);
  Part tested       = with_copies(test, seed + 1, levels);
  for (std::size_t s = 1; process.is_first() && s < tested.sets.size(); ++s)
    write_idx(out / "copies" / tested.sets[s].name / "t10k-images-idx3-ubyte",
              tested.sets[s].images);
  auto const others = read_others(o.from);
  for (auto const& [name, images_of] : others) {
    tested.sets.push_back({"other", name, images_of});
    tested.values.emplace_back("values", tested.sets.back().images.extent(0), levels * kind_count);
  }

  Json of_levels;
  Kokkos::Timer const timer;
  for (int level = 0; level < levels; ++level) {
    View const view{mean_image(data), o.noise(level)};
    Images const y          = view(data);
    basin::run::Options own = keep;
    own.out                 = out / ("level-" + std::to_string(level));
    auto const trained      = train(y, o.training, own, described, process.ranks());
    if (!trained) return basin::run::exit_status(basin::run::Ending::signaled);
    Model const& model = *trained;
    Metric const metric(model.slopes(slice(y, 0, std::min(10000, rows))));
    for (Part const* part : {&fitted, &chosen, &std::as_const(tested)})
      for (std::size_t s = 0; s < part->sets.size(); ++s)
        measure(model, metric, view(part->sets[s].images), seed + level, level * kind_count,
                part->values[s]);
    double loss = 0;
    for (int n = 0; n < held; ++n)
      loss += std::exp(fitted.values.front()(n, level * kind_count + 2)) / (784.0 * held);
    std::printf("sigma %.4g: loss %.4f of a pixel held out, %d parameters (%.0f s)\n", view.sigma,
                loss, model.parameters, timer.seconds());
    std::fflush(stdout);
    of_levels.push_back({{"sigma", view.sigma}, {"loss of a pixel held out", loss}});
  }

  Json tried;
  Setting best;
  double most         = -1;
  auto const settings = all_settings(levels, kind_count);
  for (Setting const& setting : settings) {
    Json entry      = named(setting, o.noise, kinds);
    Json const mean = means(aurocs(PooledScore(setting, fitted.values.front()), chosen), chosen);
    entry.update(mean);
    tried.push_back(entry);
    if (mean["mean"] > most) best = setting, most = mean["mean"];
  }
  Json const choice = named(best, o.noise, kinds);
  std::printf("chosen of %zu by its mean AUROC on copies, %.4f: %s\n\n", tried.size(), most,
              choice.dump().c_str());

  auto const name  = std::filesystem::weakly_canonical(o.from.data).filename().string();
  auto const auroc = aurocs(PooledScore(best, fitted.values.front()), tested);
  Json table;
  std::printf("| %s against | energies |\n|---|---|\n", name.c_str());
  for (std::size_t s = 1; s < tested.sets.size(); ++s) {
    std::printf("| %s | %.4f |\n", tested.sets[s].name.c_str(), auroc[s - 1]);
    table[tested.sets[s].name] = auroc[s - 1];
  }
  // After the choice, to see what another one would have given.
  std::size_t const first_other = tested.sets.size() - others.size();
  for (std::size_t i = 0; i < settings.size(); ++i) {
    auto const other = aurocs(PooledScore(settings[i], fitted.values.front()), tested);
    for (std::size_t s = first_other; s < tested.sets.size(); ++s)
      tried[i]["AUROC on test images"][tested.sets[s].name] = other[s - 1];
  }
  Json const record{{"data", name},
                    {"steps", keep.steps},
                    {"batch", o.training.batch},
                    {"rate", o.training.rate},
                    {"with CNN", o.training.cnn},
                    {"seed", seed},
                    {"seconds", timer.seconds()},
                    {"levels", of_levels},
                    {"chosen", choice},
                    {"AUROC on test images", table},
                    {"process", described},
                    {"tried", tried}};
  if (!process.is_first()) return 0;
  std::ofstream file(out / "image_detection.json");
  file << record.dump(1) << '\n';
  if (!file.flush()) throw std::runtime_error("image_detection: could not write its results");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  basin::run::Options keep{.steps = 1500, .out = "out/image_detection"};  // steps of each level
  basin::run::CommandLine line(
      "Tells 28x28 images that are not of the data, by energies at levels of noise.");
  line.add(o);
  line.add(keep);
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  try {
    o.noise.check();
    return run(o, keep, basin::run::describe_process(argc, argv, o), process);
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
