// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_TRAIN_RESUME_SET_HPP
#define TESTS_TRAIN_RESUME_SET_HPP

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// The trainers that resume_*.cpp interrupt: every pair of an objective, a buffer, an optimizer and a
// sampler that can be occurs in one of them, as resume.cpp checks.

namespace basin::test {

// Not here: AnnealedLangevin (sets a condition of its energy), ParallelTempering (its chains have other
// laws), AnnealedImportance and SequentialMonteCarlo (for log Z), ProjectedGradient (no chains), HeatedLangevin,
// RecoveryLangevin and WeightedLangevin (part of an objective).
inline constexpr std::array<std::string_view, 14> samplers{"Langevin<>",
                                                           "Langevin<Decoupled>",
                                                           "Mala",
                                                           "Hamiltonian",
                                                           "DenseHamiltonian",
                                                           "Metropolis",
                                                           "UnderdampedLangevin",
                                                           "StochasticGradientLangevin",
                                                           "EllipticalSlice",
                                                           "AdaptiveHamiltonian",
                                                           "CheesHamiltonian",
                                                           "Microcanonical",
                                                           "Boxed<AdaptiveHamiltonian>",
                                                           "PacedLangevin<Decoupled>"};
inline constexpr std::array<std::string_view, 5> buffers{"Replay<>", "Replay<Ring>",
                                                         "Replay<Reservoir, WithReplacement>",
                                                         "Replay<Byte>", "Replay<ByClass>"};
inline constexpr int by_class = 4;
inline constexpr std::array<std::string_view, 3> optimizers{"Sgd", "Adam", "AdamW"};
inline constexpr std::array<std::string_view, 21> objectives{"ContrastiveDivergence",
                                                             "PersistentCd",
                                                             "Joint",
                                                             "Sum",
                                                             "CrossEntropy",
                                                             "ScoreMatching",
                                                             "SlicedScoreMatching",
                                                             "DenoisingScoreMatching",
                                                             "NoiseConditionalScoreMatching",
                                                             "NoiseContrastive",
                                                             "EnergyDiscrepancy",
                                                             "FlowMatching",
                                                             "EnergyMatching",
                                                             "RecoveryLikelihood",
                                                             "DiffusionContrastiveDivergence",
                                                             "WeightedPersistentCd",
                                                             "DualScoreMatching",
                                                             "NoiseLevelClassification",
                                                             "ImprovedContrastiveDivergence",
                                                             "Joint<GradientNorms>",
                                                             "MutualInformation"};
inline constexpr int contrastive_divergence = 0, persistent_cd = 1, joint = 2, sum = 3;

/// A trainer: indices in the lists above, -1 for none.
struct Row {
  int objective, buffer, optimizer, sampler;

  std::string text() const {
    std::string all(objectives[std::size_t(objective)]);
    if (sampler >= 0) all += ", " + std::string(samplers[std::size_t(sampler)]);
    if (buffer >= 0) all += ", " + std::string(buffers[std::size_t(buffer)]);
    return all + ", " + std::string(optimizers[std::size_t(optimizer)]);
  }
};

// Of a sampler: contrastive divergence, and each buffer with one of the two objectives that have one, in
// turn from sampler to sampler, as the optimizers.
inline constexpr int rows_of_sampler = 6, rows_with_sampler = 14 * rows_of_sampler;
inline constexpr auto resume_set = [] {
  std::array<Row, std::size_t(rows_with_sampler + 18 * 3)> rows{};
  std::size_t n = 0;
  for (int s = 0; s < 14; ++s)
    for (int k = 0; k < rows_of_sampler; ++k) {
      int const buffer = k - 1, of_buffer = buffer == by_class      ? joint
                                            : (buffer + s) % 2 == 0 ? persistent_cd
                                                                    : joint;
      rows[n++] = {k == 0 ? contrastive_divergence : of_buffer, buffer, (k + s / 2) % 3, s};
    }
  for (int o = sum; o < 21; ++o)
    for (int optimizer = 0; optimizer < 3; ++optimizer) rows[n++] = {o, -1, optimizer, -1};
  return rows;
}();

/// The row of an objective without chains of its own.
constexpr int row_of(std::string_view objective, int optimizer) {
  for (std::size_t i = rows_with_sampler; i < resume_set.size(); ++i)
    if (objectives[std::size_t(resume_set[i].objective)] == objective &&
        resume_set[i].optimizer == optimizer)
      return static_cast<int>(i);
  return -1;
}

}  // namespace basin::test

#endif
