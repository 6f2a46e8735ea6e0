// SPDX-License-Identifier: Apache-2.0
// What main.cpp asks of an energy of tables, whatever the number of columns.
#ifndef EXAMPLES_TABULAR_MODEL_HPP
#define EXAMPLES_TABULAR_MODEL_HPP

#include <basin/data/samples.hpp>
#include <basin/sampler/log_partition.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

using Rows       = basin::data::Samples;
using Parameters = Kokkos::View<float const*, Kokkos::DefaultExecutionSpace>;

enum class Method { pcd, dsm, ssm, nce };

struct Settings {
  long steps         = 2000;  // of training
  double noise       = 0.3;   // deviation of the noise on the rows, which are standardized
  std::uint64_t seed = 1;
};

struct Model {
  std::function<std::vector<float>(Rows const&)> energies;  // (rows)
  Parameters parameters;
  double seconds;                 // of training
  std::optional<double> log_z{};  // where the method learns it
};

// By the number of columns: each compilation of model.cpp enters one.
using Train = Model (*)(Method, Rows const&, Settings const&);
inline std::map<int, Train>& trainers() {
  static std::map<int, Train> all;
  return all;
}

// Likewise bracket.cpp, for fewer numbers of columns: log Z of an energy with these parameters.
using BracketOf = basin::sampler::LogPartitionBounds (*)(Parameters const&, Rows const&,
                                                         basin::sampler::LogPartition const&,
                                                         std::uint64_t seed);
inline std::map<int, BracketOf>& bracketers() {
  static std::map<int, BracketOf> all;
  return all;
}

// One of them, and the number of columns that it takes.
struct Learner {
  int columns;
  Train train;
};

#endif
