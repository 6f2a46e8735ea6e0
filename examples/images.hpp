// SPDX-License-Identifier: Apache-2.0
// What the examples on images share: reading, scoring, and what a run leaves to be drawn.
#ifndef EXAMPLES_IMAGES_HPP
#define EXAMPLES_IMAGES_HPP

#include <basin/core/field.hpp>
#include <basin/core/philox.hpp>
#include <basin/data/idx.hpp>
#include <basin/metric/auroc.hpp>
#include <basin/run/arrays.hpp>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using Images = basin::data::Samples;
using Scores = Kokkos::View<float*, Kokkos::HostSpace>;

// Where the images are.
struct Folders {
  std::string data, others;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"data", "1", "folder with the four files of MNIST, or any like them"},
      self.data);
    f(basin::Field{"others", "1", "folders with images from elsewhere, with commas between them"},
      self.others);
  }
};

// Uniform noise in the range of the images.
inline Images uniform_noise(int count, std::uint64_t seed) {
  Images const noise("noise", count, 784);
  for (int n = 0; n < count; ++n)
    for (int d = 0; d < 784; ++d)
      noise(n, d) = 2 * basin::unit_uniform<float>(
                            basin::random_word({seed, basin::Purpose::sampler_start}, d, n)) -
                    1;
  return noise;
}

// The images of a folder in the format of MNIST; 'none' gives noise in their place, for a dry run.
inline Images read_images(std::filesystem::path const& folder, char const* stem) {
  if (folder == "none") return uniform_noise(256, 1);
  return basin::data::read_idx_images(basin::data::find_idx(folder, stem)).samples;
}

// Test images from elsewhere, by the names of their folders.
inline std::vector<std::pair<std::string, Images>> read_others(Folders const& from) {
  std::vector<std::pair<std::string, Images>> sets;
  std::istringstream folders(from.others);
  for (std::string folder; std::getline(folders, folder, ',');)
    sets.emplace_back(std::filesystem::path(folder).filename().string(),
                      read_images(folder, "t10k-images"));
  return sets;
}

inline Images first_rows(Images const& images, int count) {
  return Kokkos::subview(images, std::pair(0, std::min(count, int(images.extent(0)))), Kokkos::ALL);
}

inline double mean(Scores const& s) {
  return std::accumulate(s.data(), s.data() + s.extent(0), 0.0) / double(s.extent(0));
}

// Share of pairs in which the data have the lower energy.
inline double auroc(Scores const& data, Scores const& others) {
  auto const minus = [](Scores const& e) {
    std::vector<float> score(e.extent(0));
    for (std::size_t i = 0; i < score.size(); ++i) score[i] = -e(i);
    return score;
  };
  auto const a = minus(data), b = minus(others);
  return basin::metric::auroc(std::span(a), std::span(b));
}

// Leaves in a run's folder what tools/plot draws: images of the data and samples, chains on their way
// from where they start, and the energies of sets by name, "data" among them.
template <class Trainer, class Samples>
void leave_images(std::filesystem::path const& folder, Trainer& trainer, Images const& data,
                  Samples const& samples, int sampling_steps,
                  std::vector<std::pair<std::string, Scores>> const& energies) {
  basin::run::Arrays arrays;
  auto const some = [](auto const& rows) {
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
    return Kokkos::subview(
        host, std::pair<std::size_t, std::size_t>(0, std::min<std::size_t>(64, host.extent(0))),
        Kokkos::ALL);
  };
  arrays.images("data", some(data), 28, 28).images("samples", some(samples), 28, 28);
  int constexpr times = 10, chains = 6;
  Kokkos::View<float*****, Kokkos::LayoutRight, Kokkos::HostSpace> const moving("chains", times,
                                                                                chains, 28, 28, 1);
  Kokkos::View<int*, Kokkos::HostSpace> const steps("steps", times);
  for (int t = 0; t < times; ++t) {
    steps(t) = sampling_steps * t / (times - 1);
    auto const at =
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trainer.sample(chains, steps(t)));
    std::copy_n(at.data(), at.size(), moving.data() + std::size_t(t) * at.size());
  }
  arrays.add("images/chains", moving).add("images/chain_steps", steps);
  for (auto const& [name, values] : energies) arrays.add("energies/" + name, values);
  arrays.write(folder);
}

#endif
