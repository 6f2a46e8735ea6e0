// SPDX-License-Identifier: Apache-2.0
// Anomalies by several energies of a table, each in a view of its own: an expert. Their scores are
// pooled.
#ifndef EXAMPLES_TABULAR_EXPERTS_HPP
#define EXAMPLES_TABULAR_EXPERTS_HPP

#include "ladder.hpp"
#include "model.hpp"
#include "views.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace experts {

struct Context {
  Learner learner;
  Settings settings;
  std::size_t memory;  // rows that others are compared with
};

// Of the rows of all parts, one after the other; the first is the training part.
using Energies = Scores (*)(double parameter, std::vector<Rows> const& parts, Context const&);

struct Expert {
  std::string kind, view;
  double parameter;
};

inline std::size_t count(std::vector<Rows> const& parts) {
  std::size_t rows = 0;
  for (Rows const& part : parts) rows += part.extent(0);
  return rows;
}

// f(row, its number) of each row of all parts.
template <class F>
Scores of_rows(std::vector<Rows> const& parts, F const& f) {
  Scores result(count(parts));
  std::size_t begin = 0;
  for (Rows const& part : parts) {
    Kokkos::parallel_for(Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, part.extent(0)),
                         [&](std::size_t i) { result[begin + i] = f(&part(i, 0), begin + i); });
    Kokkos::fence();
    begin += part.extent(0);
  }
  return result;
}

// Training rows that others are compared with: all, or the first `most`, which are drawn at random
// since the split is.
class Memory {
 public:
  Memory(Rows const& train, std::size_t most)
      : rows_(std::min(train.extent(0), most)),
        columns_(train.extent(1)),
        values_(rows_ * columns_) {
    for (std::size_t j = 0; j < columns_; ++j)
      for (std::size_t i = 0; i < rows_; ++i) values_[j * rows_ + i] = train(i, j);
  }

  std::size_t rows() const { return rows_; }

  // Squared distances of x to all rows; to itself, where it is the row of that number, infinite.
  std::vector<float> squares(float const* x, std::size_t number) const {
    std::vector<float> result(rows_);
    for (std::size_t j = 0; j < columns_; ++j) {
      float const* const column = &values_[j * rows_];
      for (std::size_t i = 0; i < rows_; ++i) result[i] += (column[i] - x[j]) * (column[i] - x[j]);
    }
    if (number < rows_) result[number] = HUGE_VALF;
    return result;
  }

 private:
  std::size_t rows_, columns_;
  std::vector<float> values_;  // (columns, rows)
};

// -log sum_i exp(-|x - x_i|^2 / (2 h^2)) of the memory x_i, h the parameter: the energy of a kernel
// density. A row of the memory leaves itself out.
inline Scores kernel(double h, std::vector<Rows> const& parts, Context const& context) {
  Memory const memory(parts.front(), context.memory);
  auto const scale = static_cast<float>(-1 / (2 * h * h));
  return of_rows(parts, [&](float const* x, std::size_t number) {
    auto const squares = memory.squares(x, number);
    float const least  = *std::min_element(squares.begin(), squares.end());
    float sum          = 0;
    for (float const square : squares)
      if (float const exponent = scale * (square - least); exponent > -30)
        sum += std::exp(exponent);
    return -scale * least - std::log(sum);
  });
}

// The nearest of the memory to a row.
struct Nearest {
  float distance;                    // log(1e-3 + the mean distance): finite where rows are equal
  std::vector<std::size_t> numbers;  // (neighbors)
};
inline Nearest nearest(Memory const& memory, std::size_t neighbors, float const* x,
                       std::size_t number) {
  auto const squares = memory.squares(x, number);
  std::vector<std::pair<float, std::size_t>> best(neighbors, {HUGE_VALF, 0});  // ascending
  for (std::size_t i = 0; i < squares.size(); ++i) {
    if (squares[i] >= best.back().first) continue;
    std::pair const one{squares[i], i};
    best.pop_back();
    best.insert(std::upper_bound(best.begin(), best.end(), one), one);
  }
  Nearest result{0, {}};
  for (auto const& [square, i] : best) {
    result.distance += std::sqrt(square) / static_cast<float>(neighbors);
    result.numbers.push_back(i);
  }
  result.distance = std::log(result.distance + 1e-3F);
  return result;
}

inline std::size_t neighbors_of(Memory const& memory, double k) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(k), 1,
                                 std::max<std::size_t>(memory.rows(), 2) - 1);
}

// log of the mean distance to the nearest k rows of the memory, k the parameter: up to a factor and
// a constant minus the logarithm of a density that a ball with k rows has (Loftsgaarden and
// Quesenberry 1965).
inline Scores neighbors(double k, std::vector<Rows> const& parts, Context const& context) {
  Memory const memory(parts.front(), context.memory);
  return of_rows(parts, [&, count = neighbors_of(memory, k)](float const* x, std::size_t number) {
    return nearest(memory, count, x, number).distance;
  });
}

// That less half of its mean over these neighbors: half way to a ratio of densities, as a local
// outlier factor is (Breunig et al. 2000).
inline Scores local(double k, std::vector<Rows> const& parts, Context const& context) {
  Memory const memory(parts.front(), context.memory);
  auto const count = neighbors_of(memory, k);
  std::pair<std::size_t, std::size_t> const known(0, memory.rows());
  Scores const of_memory = of_rows({Kokkos::subview(parts.front(), known, Kokkos::ALL)},
                                   [&](float const* x, std::size_t number) {
                                     return nearest(memory, count, x, number).distance;
                                   });
  return of_rows(parts, [&](float const* x, std::size_t number) {
    auto const found = nearest(memory, count, x, number);
    float sum        = 0;
    for (std::size_t const i : found.numbers) sum += of_memory[i];
    return found.distance - sum / (2 * static_cast<float>(count));
  });
}

// sum_j -log(p_j(x_j) + 1e-4), p_j the kernel density of column j with the parameter's bandwidth,
// on a grid of 1024 cells from 3 below the least to 3 above the largest training value.
inline Scores marginal(double h, std::vector<Rows> const& parts, Context const&) {
  constexpr int cells = 1024;
  Rows const& train   = parts.front();
  Scores result(count(parts));
  for (std::size_t j = 0; j < train.extent(1); ++j) {
    double least = train(0, j), largest = least;
    for (std::size_t i = 0; i < train.extent(0); ++i) {
      least   = std::min<double>(least, train(i, j));
      largest = std::max<double>(largest, train(i, j));
    }
    double const start = least - 3, width = (largest - least + 6) / cells;
    std::vector<double> share(cells), density(cells);
    for (std::size_t i = 0; i < train.extent(0); ++i)
      share[static_cast<std::size_t>((train(i, j) - start) / width)] +=
          1 / static_cast<double>(train.extent(0));
    for (int a = 0; a < cells; ++a)
      if (share[a] > 0)
        for (int b = 0; b < cells; ++b) {
          double const z = (b - a) * width / h;
          density[b] += share[a] * std::exp(-z * z / 2) / (h * std::sqrt(2 * std::numbers::pi));
        }
    std::size_t number = 0;
    for (Rows const& part : parts)
      for (std::size_t i = 0; i < part.extent(0); ++i, ++number) {
        double const place = std::clamp((part(i, j) - start) / width - 0.5, 0.0, cells - 1.0);
        auto const cell    = std::min(static_cast<int>(place), cells - 2);
        double const p     = std::lerp(density[cell], density[cell + 1], place - cell);
        result[number] -= static_cast<float>(std::log(p + 1e-4));
      }
  }
  return result;
}

// A network of ladder.hpp, at the parameter's noise.
inline Scores network(double noise, std::vector<Rows> const& parts, Context const& context) {
  return ladder::learned(context.learner, parts, noise, context.settings);
}

inline std::map<std::string, Energies> const kinds{{"kernel", kernel},
                                                   {"neighbors", neighbors},
                                                   {"local", local},
                                                   {"marginal", marginal},
                                                   {"network", network}};

// "kernel:standard:0.3"
inline Expert parsed(std::string const& text) {
  auto const first = text.find(':'), last = text.rfind(':');
  Expert expert{text.substr(0, first), "", 0};
  if (first != last) {
    expert.view = text.substr(first + 1, last - first - 1);
    char* end   = nullptr;
    if (double const x = std::strtod(text.c_str() + last + 1, &end); *end == '\0')
      expert.parameter = x;
  }
  if (kinds.count(expert.kind) == 0 || views.count(expert.view) == 0 || !(expert.parameter > 0))
    throw std::runtime_error("tabular: '" + text +
                             "' is no expert; an example is 'kernel:standard:0.3'");
  return expert;
}

// By default several of each kind, in several views (main.cpp): nothing is chosen for a set.
struct Options {
  std::vector<std::string> experts;
  double power       = 1;     // of the scores that are averaged
  double steps       = 80;    // of training of a network, times the root of the number of rows
  std::size_t memory = 4096;  // training rows that others are compared with
};

struct Council {
  std::vector<Scores> energies;  // (experts, rows of all parts)
  double seconds = 0;            // of training and scoring
};

inline Council council(Learner const& learner, Options const& options,
                       std::vector<Rows> const& parts, Settings settings) {
  Council result;
  settings.steps = ladder::steps(options.steps, parts.front().extent(0));
  Context const context{learner, settings, options.memory};
  Kokkos::Timer const timer;
  std::map<std::string, std::vector<Rows>> seen_as;
  for (auto const& text : options.experts) {
    Expert const expert = parsed(text);
    auto& view          = seen_as[expert.view];
    if (view.empty()) view = seen(views.at(expert.view), parts);
    result.energies.push_back(kinds.at(expert.kind)(expert.parameter, view, context));
  }
  result.seconds = timer.seconds();
  return result;
}

// The sum of a power of the experts' surprises. (rows of all parts)
inline Scores pooled(Council const& council, std::size_t train, double power) {
  std::vector<double> sum(council.energies.front().size());
  for (Scores const& e : council.energies) {
    auto const score = surprise({e.begin(), e.end()}, train);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += std::pow(std::max(score[i], 0.0), power);
  }
  return {sum.begin(), sum.end()};
}

}  // namespace experts

#endif
