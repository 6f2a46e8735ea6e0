// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BASIN_HPP
#define BASIN_BASIN_HPP

/// Everything but basin/data/ and basin/io/, which need zlib and libpng,
/// metric/frechet_distance.hpp and energy/target/linear_regression.hpp, which include more of Eigen,
/// and metric/convergence.hpp with the diagnostics that sort draws, which includes Thrust where
/// there is CUDA. For programs; library code includes what it uses.

#include <basin/buffer/replay.hpp>
#include <basin/core/archive.hpp>
#include <basin/core/field.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/classifier.hpp>
#include <basin/energy/cnn.hpp>
#include <basin/energy/conditional.hpp>
#include <basin/energy/derivatives.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/energy/target/ackley.hpp>
#include <basin/energy/target/banana.hpp>
#include <basin/energy/target/double_well.hpp>
#include <basin/energy/target/double_well_particles.hpp>
#include <basin/energy/target/funnel.hpp>
#include <basin/energy/target/gaussian.hpp>
#include <basin/energy/target/lennard_jones.hpp>
#include <basin/energy/target/logistic_regression.hpp>
#include <basin/energy/target/mixture.hpp>
#include <basin/energy/target/phi4.hpp>
#include <basin/energy/target/rastrigin.hpp>
#include <basin/energy/target/xy.hpp>
#include <basin/energy/wide_resnet.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/gain.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/relu.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/softplus.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/sum.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/metric/auroc.hpp>
#include <basin/metric/autocorrelation.hpp>
#include <basin/metric/average_precision.hpp>
#include <basin/metric/bfmi.hpp>
#include <basin/metric/calibration.hpp>
#include <basin/metric/classification.hpp>
#include <basin/metric/false_positive_rate.hpp>
#include <basin/metric/fma_peak.hpp>
#include <basin/metric/inception_score.hpp>
#include <basin/metric/maximum_mean_discrepancy.hpp>
#include <basin/metric/precision_recall.hpp>
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/objective/cross_entropy.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/energy_discrepancy.hpp>
#include <basin/objective/joint.hpp>
#include <basin/objective/noise_conditional_score_matching.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/objective/score_matching.hpp>
#include <basin/objective/sliced_score_matching.hpp>
#include <basin/objective/sum.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/optimizer/schedule.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/annealed_langevin.hpp>
#include <basin/sampler/class_gaussian.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>
#include <basin/sampler/noise_ladder.hpp>
#include <basin/sampler/presets.hpp>
#include <basin/sampler/projected_gradient.hpp>
#include <basin/sampler/underdamped_langevin.hpp>
#include <basin/train/curriculum.hpp>
#include <basin/train/rollback.hpp>
#include <basin/train/sharpness_aware.hpp>
#include <basin/train/trainer.hpp>
#include <basin/version.hpp>

#endif
