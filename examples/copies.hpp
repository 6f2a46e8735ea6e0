// SPDX-License-Identifier: Apache-2.0
// Images that are not of the data and are known without other data: noise, and copies of images
// with noise, blurred and shifted. Values are in [-1, 1]; images are 28x28 where no form is named.
#ifndef EXAMPLES_COPIES_HPP
#define EXAMPLES_COPIES_HPP

#include "images.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Of an image: square, channels last.
struct Form {
  int side = 28, channels = 1;
  int size() const { return side * side * channels; }
};

inline Images like(Images const& x) { return Images("images", x.extent(0), x.extent(1)); }

// x + s z, z ~ N(0, I), limited to [-1, 1].
inline Images with_noise(Images const& x, double s, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Images const y = like(x);
  for (std::size_t i = 0; i < x.size(); ++i)
    y.data()[i] = std::clamp(x.data()[i] + static_cast<float>(s) * normal(random), -1.0f, 1.0f);
  return y;
}

// Convolved with a Gaussian of deviation s pixels; outside of the image is background, -1.
inline Images blurred(Images const& x, double s, Form const& form = {}) {
  auto const [side, channels] = form;
  int const reach             = static_cast<int>(std::ceil(3 * s));
  std::vector<float> kernel;
  float sum = 0;
  for (int k = -reach; k <= reach; ++k) {
    kernel.push_back(static_cast<float>(std::exp(-k * k / (2 * s * s))));
    sum += kernel.back();
  }
  Images const rows = like(x), y = like(x);
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (bool const along_rows : {true, false}) {
      Images const& from = along_rows ? x : rows;
      Images const& to   = along_rows ? rows : y;
      for (int i = 0; i < side; ++i)
        for (int j = 0; j < side; ++j)
          for (int c = 0; c < channels; ++c) {
            float mean = 0;
            for (int k = -reach; k <= reach; ++k) {
              int const a = along_rows ? i : i + k, b = along_rows ? j + k : j;
              bool const inside = a >= 0 && a < side && b >= 0 && b < side;
              mean +=
                  kernel[k + reach] / sum * (inside ? from(n, (side * a + b) * channels + c) : -1);
            }
            to(n, (side * i + j) * channels + c) = mean;
          }
    }
  return y;
}

// By so many pixels in one of eight directions; what leaves the image enters at the other side.
inline Images shifted(Images const& x, int pixels, std::uint64_t seed, Form const& form = {}) {
  auto const [side, channels] = form;
  constexpr int down[] = {0, 0, 1, -1, 1, 1, -1, -1}, right[] = {1, -1, 0, 0, 1, -1, 1, -1};
  std::mt19937_64 random(seed);
  Images const y = like(x);
  for (std::size_t n = 0; n < x.extent(0); ++n) {
    int const turn = static_cast<int>(random() % 8);
    for (int i = 0; i < side; ++i)
      for (int j = 0; j < side; ++j)
        for (int c = 0; c < channels; ++c) {
          int const a                         = (i + pixels * down[turn] + side) % side,
                    b                         = (j + pixels * right[turn] + side) % side;
          y(n, (side * i + j) * channels + c) = x(n, (side * a + b) * channels + c);
        }
  }
  return y;
}

// Uniform noise, blurred, and stretched to [-1, 1] again by its range away from the border.
inline Images smooth_noise(int count, double s, std::uint64_t seed) {
  Images const y = blurred(uniform_noise(count, seed), s);
  for (int n = 0; n < count; ++n) {
    float low = 1, high = -1;
    for (int i = 4; i < 24; ++i)
      for (int j = 4; j < 24; ++j) {
        low  = std::min(low, y(n, 28 * i + j));
        high = std::max(high, y(n, 28 * i + j));
      }
    for (int d = 0; d < 784; ++d)
      y(n, d) = std::clamp(2 * (y(n, d) - low) / (high - low) - 1, -1.0f, 1.0f);
  }
  return y;
}

// Bytes in MNIST's format.
inline void write_idx(std::filesystem::path const& file, Images const& x) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream to(file, std::ios::binary);
  auto const number = [&](std::size_t n) {
    for (int const shift : {24, 16, 8, 0}) to.put(static_cast<char>(n >> shift & 255));
  };
  for (std::size_t const n : {std::size_t(0x0803), x.extent(0), std::size_t(28), std::size_t(28)})
    number(n);
  for (std::size_t i = 0; i < x.size(); ++i)
    to.put(static_cast<char>(std::lround(127.5 * (x.data()[i] + 1))));
  if (!to) throw std::runtime_error("image_detection: could not write '" + file.string() + "'");
}

struct ImageSet {
  std::string kind, name;
  Images images;
};

// Of three kinds: noise, blur, shift.
inline std::vector<ImageSet> noise_and_copies(Images const& x, std::uint64_t seed) {
  int const count = static_cast<int>(x.extent(0));
  std::vector<ImageSet> sets{{"noise", "uniform_noise", uniform_noise(count, seed)}};
  for (char const* s : {"1", "2", "3"})
    sets.push_back(
        {"noise", std::string("smooth_noise_") + s, smooth_noise(count, std::stod(s), seed + 1)});
  for (char const* s : {"0.1", "0.2", "0.4", "0.8"})
    sets.push_back({"noise", std::string("noise_") + s, with_noise(x, std::stod(s), seed + 2)});
  for (char const* s : {"0.5", "1", "2"})
    sets.push_back({"blur", std::string("blur_") + s, blurred(x, std::stod(s))});
  for (char const* s : {"1", "2", "4", "8", "14"})
    sets.push_back({"shift", std::string("shift_") + s, shifted(x, std::stoi(s), seed + 3)});
  return sets;
}

#endif
