// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_PRESETS_HPP
#define BASIN_SAMPLER_PRESETS_HPP

#include <basin/sampler/langevin.hpp>

/// Update rules of published image models, as their code runs them. The bounds are part of every
/// rule except JEM's; the temperature of each is effective_temperature(): none is near 1.
namespace basin::sampler::presets {

/// UvA deep learning tutorial 8 (MNIST): noise, clamp, gradient, clip, move, clamp. T = 1.25e-6.
inline constexpr Langevin<
    Decoupled, clip::PerElement,
    UpdateOrder<Op::noise, Op::clamp, Op::gradient, Op::clip, Op::move, Op::clamp>>
    uva{.steps = 60, .step_size = 10, .noise = 0.005, .clip = 0.03, .lower = -1, .upper = 1};

/// IGEBM (Du and Mordatch 2019, arXiv:1903.08689), CIFAR-10 commands: noise, gradient, clip, move,
/// clamp. T = 1.25e-6.
inline constexpr Langevin<Decoupled, clip::PerElement,
                          UpdateOrder<Op::noise, Op::gradient, Op::clip, Op::move, Op::clamp>>
    igebm{.steps = 60, .step_size = 10, .noise = 0.005, .clip = 0.01, .lower = 0, .upper = 1};

/// JEM (Grathwohl et al. 2020, arXiv:1912.03263): gradient, move and noise together, no bounds.
/// T = 5e-5.
inline constexpr Langevin<Decoupled, UpdateOrder<Op::gradient, Op::move, Op::noise>> jem{
    .steps = 20, .step_size = 1, .noise = 0.01};

/// Improved contrastive divergence (Du et al. 2021, arXiv:2012.01316), CIFAR-10: noise, gradient,
/// move, clamp. T = 5e-9.
inline constexpr Langevin<Decoupled, UpdateOrder<Op::noise, Op::gradient, Op::move, Op::clamp>>
    improved_cd{.steps = 40, .step_size = 100, .noise = 0.001, .lower = 0, .upper = 1};

/// CLEL (Lee et al. 2023, arXiv:2303.03023): gradient, clip, move and noise together, clamp. The
/// released code clips at the step size, 100, which leaves almost every gradient as it is.
/// T = 5e-9.
inline constexpr Langevin<Decoupled, clip::PerElement,
                          UpdateOrder<Op::gradient, Op::clip, Op::move, Op::noise, Op::clamp>>
    clel{.steps = 60, .step_size = 100, .noise = 0.001, .clip = 100, .lower = 0, .upper = 1};

/// SADA-JEM (Yang et al. 2022, arXiv:2209.07959): gradient, clip, move, clamp; no noise, T = 0.
inline constexpr Langevin<Decoupled, clip::PerElement,
                          UpdateOrder<Op::gradient, Op::clip, Op::move, Op::noise, Op::clamp>>
    sada_jem{.steps = 5, .step_size = 1, .noise = 0, .clip = 1, .lower = -1, .upper = 1};

}  // namespace basin::sampler::presets

#endif
