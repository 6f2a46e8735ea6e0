// SPDX-License-Identifier: Apache-2.0
// Trains a network, as a classifier alone or as a joint energy-based model, and evaluates it.
#ifndef EXAMPLES_JEM_NETWORK_HPP
#define EXAMPLES_JEM_NETWORK_HPP

#include <basin/energy/classifier.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/cross_entropy.hpp>
#include <basin/objective/joint.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/run/fit.hpp>
#include <basin/sampler/class_gaussian.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/projected_gradient.hpp>
#include <basin/train/curriculum.hpp>
#include <basin/train/sharpness_aware.hpp>
#include <basin/train/trainer.hpp>

#include "model.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <utility>

namespace jem {

namespace layer   = basin::layer;
namespace sampler = basin::sampler;

// Noise, or a mixture of the Gaussians of the classes: chain n starts as class n modulo 10. Chains on
// E(x) have no labels, which start::ClassGaussian in a buffer asks for.
struct Start {
  using axis = sampler::start_axis;
  sampler::start::Uniform noise{};
  sampler::start::ClassGaussian classes{};
  bool of_classes = false;

  void check() const {
    noise.check();
    if (of_classes) classes.check();
  }
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(basin::Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    if (of_classes)
      classes(stream, block, chain, x);
    else
      noise(stream, block, chain, x);
  }
};

// [listing]
using Mlp     = basin::energy::Classifier<float, basin::Vector<784>, layer::Dense<256>, layer::Silu,
                                          layer::Dense<256>, layer::Silu, layer::Dense<10>>;
using Sampler = sampler::Langevin<sampler::Decoupled, sampler::clip::PerElement,
                                  sampler::UpdateOrder<sampler::Op::gradient, sampler::Op::clip,
                                                       sampler::Op::move, sampler::Op::noise>>;
using Joint   = basin::objective::Joint<Sampler, basin::buffer::Replay<Start>>;
template <class Network>
using JointTrainer = basin::train::Trainer<Network, Joint, basin::optimizer::Adam>;

// log p(y | x) + 0.1 log p(x): the gradient of a step is that of both.
template <class Network>
typename JointTrainer<Network>::Options joint_model() {
  return {.objective  = {.sampler   = {.steps = 10, .step_size = 1, .noise = 0.01},
                         .buffer    = {.capacity = 2500},
                         .p_x       = {.coefficient = 0.1},
                         .energy_l2 = {.coefficient = 1e-3}},
          .optimizer  = {.learning_rate = 1e-3},
          .batch      = 128,
          .data_noise = {.standard_deviation = 0.03},
          .clip_norm  = 10,
          .ema_decay  = 0.99};
}
// [/listing]

template <class Network>
typename JointTrainer<Network>::Options joint(Settings const& s, Budget const& b,
                                              Start const& start, double decay,
                                              std::uint64_t seed) {
  auto o                            = joint_model<Network>();
  o.objective.sampler.steps         = b.sampling_steps;
  o.objective.sampler.step_size     = s.step_size;
  o.objective.sampler.noise         = s.noise;
  o.objective.sampler.clip          = s.clip > 0 ? s.clip : HUGE_VAL;
  o.objective.buffer.start          = start;
  o.objective.p_x.coefficient       = s.p_x;
  o.objective.labeled               = b.labeled;
  o.objective.energy_l2.coefficient = s.energy_l2;
  o.optimizer.learning_rate         = s.rate;
  o.batch                           = b.batch;
  o.ema_decay                       = decay;
  o.seed                            = seed;
  return o;
}

// Of the first 1000 rows of each class: whole covariances take time, and those of large images memory.
inline sampler::ClassGaussians<> gaussians_of(Images const& images, Labels const& labels) {
  Labels const some = basin::data::make_labels(labels.extent(0));
  int count[10]     = {};
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    some(n) = labels(n) >= 0 && count[labels(n)]++ < 1000 ? labels(n) : -1;
  return {images, some, 10, {.full = images.extent(1) < 1000}};
}

// A trainer whose fit asks a law for K before each step, and may ascend before it descends.
template <class Trainer>
class Steered : public Trainer {
 public:
  using Trainer::Trainer;

  void steer(Settings const& s, Budget const& b) {
    int const most = b.sampling_steps;
    law_           = {s.growing ? (most + 3) / 4 : most, most, std::max(1, b.steps / 2)};
    if (s.sharpness > 0)
      steps_.emplace(*this, basin::train::SharpnessAware{.rho = s.sharpness, .adaptive = true});
  }

  basin::train::Metrics fit(basin::train::FitOptions const& fit) {
    auto const end = this->steps_taken() + static_cast<std::uint64_t>(fit.steps);
    basin::train::Metrics last;
    for (bool stop = false; !stop && this->steps_taken() < end;) {
      int const k = law_(this->steps_taken());
      if (k != this->options().objective.sampler.steps) this->objective().sampler.steps = k;
      if (steps_)
        steps_->step();
      else
        this->step();
      stop           = fit.stop && fit.stop->load() != 0;
      auto const now = this->steps_taken();
      if (now % static_cast<std::uint64_t>(this->options().monitor_every) == 0 || now == end) {
        last = this->metrics();
        if (fit.report) fit.report(last);
        stop = (fit.stop_when && fit.stop_when(last)) || stop;
      } else if (stop) {
        last = this->metrics();  // what is saved next must not have diverged
      }
    }
    return last;
  }

 private:
  using Ascending = decltype(basin::train::SharpnessAwareSteps(
      std::declval<Trainer&>(), std::declval<basin::train::SharpnessAware const&>()));
  basin::train::curriculum::Linear law_{};
  std::optional<Ascending> steps_;
};

// Trains to the last step, or until it diverges.
template <class Trainer>
std::optional<Trained> finish(Trainer& trainer, Task const& task) {
  basin::run::Options const keep{.steps            = task.budget.steps,
                                 .out              = task.folder,
                                 .resume           = true,
                                 .checkpoint_steps = std::max(1, task.budget.steps / 10)};
  Trained result;
  typename basin::run::Hooks<Trainer> hooks{.progress = stderr, .process = task.process};
  if constexpr (requires { trainer.objective().sampler; }) {
    if (task.settings.rolls_back)
      hooks.change = [&](Trainer& t, int) {
        t.objective().sampler.step_size /= 2;
        ++result.rollbacks;
      };
  }
  try {
    auto const ending = basin::run::fit(trainer, keep, hooks);
    if (basin::run::exit_status(ending) != 0) return {};
  } catch (basin::train::Divergence const& error) {
    result.diverged = error.what();
  }
  result.steps          = static_cast<long>(trainer.steps_taken());
  auto const parameters = trainer.averaged_parameters();
  result.parameters     = Parameters("parameters", parameters.extent(0));
  Kokkos::deep_copy(result.parameters, parameters);
  return result;
}

template <class E>
std::optional<Trained> train(Task const& task, double decay) {
  int const every = std::max(1, task.budget.steps / 30);
  if (task.settings.p_x == 0) {
    using Trainer =
        basin::train::Trainer<E, basin::objective::CrossEntropy, basin::optimizer::Adam>;
    Trainer trainer(typename Trainer::Options{.optimizer  = {.learning_rate = task.settings.rate},
                                              .batch      = task.budget.batch,
                                              .data_noise = {.standard_deviation = 0.03},
                                              .clip_norm  = 10,
                                              .ema_decay  = decay,
                                              .seed       = task.seed,
                                              .monitor_every = every},
                    task.images, task.labels);
    return finish(trainer, task);
  }
  std::optional<sampler::ClassGaussians<>> gaussians;
  Start start;
  if (task.settings.of_classes) {
    gaussians.emplace(gaussians_of(task.images, task.labels));
    start.classes    = gaussians->start();
    start.of_classes = true;
  }
  auto options          = joint<E>(task.settings, task.budget, start, decay, task.seed);
  options.monitor_every = every;
  Steered<JointTrainer<E>> trainer(options, task.images, task.labels);
  trainer.steer(task.settings, task.budget);
  if (task.settings.from_trained) {
    Kokkos::deep_copy(trainer.parameters(), task.start);
    Kokkos::deep_copy(trainer.averaged_parameters(), task.start);
  }
  return finish(trainer, task);
}

// A network without its last layer, whose outputs are features.
template <class Done, class... Rest>
struct AllButLast;
template <class Scalar, class Shape, class... Done, class Last>
struct AllButLast<basin::energy::Classifier<Scalar, Shape, Done...>, Last> {
  using type = basin::energy::Classifier<Scalar, Shape, Done...>;
};
template <class Scalar, class Shape, class... Done, class Next, class After, class... Rest>
struct AllButLast<basin::energy::Classifier<Scalar, Shape, Done...>, Next, After, Rest...>
    : AllButLast<basin::energy::Classifier<Scalar, Shape, Done..., Next>, After, Rest...> {};
template <class E>
struct Features;
template <class Scalar, class Shape, class First, class... Layers>
struct Features<basin::energy::Classifier<Scalar, Shape, First, Layers...>>
    : AllButLast<basin::energy::Classifier<Scalar, Shape, First>, Layers...> {};

template <class E>
Model model(Parameters const& parameters) {
  using Exec           = Kokkos::DefaultExecutionSpace;
  using Device         = Kokkos::View<float**, Kokkos::LayoutRight, Exec::memory_space>;
  auto const theta     = Kokkos::create_mirror_view_and_copy(Exec::memory_space(), parameters);
  auto const on_device = [](Images const& x) {
    Device const points("points", x.extent(0), x.extent(1));
    Kokkos::deep_copy(points, x);
    return points;
  };
  auto const on_host = [](Device const& x) {
    Images const rows("rows", x.extent(0), x.extent(1));
    Kokkos::deep_copy(rows, x);
    return rows;
  };
  auto const labels_on_device = [](Labels const& labels) {
    return Kokkos::create_mirror_view_and_copy(Exec::memory_space(), labels);
  };
  auto const outputs = [=](auto const& energy, Images const& x) {
    Device const result("outputs", x.extent(0), +std::remove_cvref_t<decltype(energy)>::outputs);
    basin::energy::logits(Exec(), energy, on_device(x), result);
    Kokkos::fence("outputs");
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), result);
  };
  return {[=](Images const& x) { return outputs(E(theta.data()), x); },
          [=](Images const& x) { return outputs(typename Features<E>::type(theta.data()), x); },
          [=](Images const& x) {
            Device const slopes("slopes", x.extent(0), x.extent(1));
            basin::energy::gradients(Exec(), E(theta.data()), on_device(x), slopes);
            Kokkos::fence("slopes");
            Images const rows = on_host(slopes);
            std::vector<float> norms(x.extent(0));
            for (std::size_t n = 0; n < x.extent(0); ++n) {
              double square = 0;
              for (std::size_t d = 0; d < x.extent(1); ++d) square += rows(n, d) * rows(n, d);
              norms[n] = static_cast<float>(std::sqrt(square));
            }
            return norms;
          },
          [=](Images const& x, Labels const& labels, double radius, int steps, int restarts) {
            Device const found("found", x.extent(0), x.extent(1));
            Kokkos::View<float*, Exec::memory_space> const losses("losses", x.extent(0));
            sampler::ProjectedGradient<> const options{
                .steps     = steps,
                .step_size = steps > 0 ? 2.5 * radius / steps : radius,
                .radius    = radius,
                .restarts  = restarts};
            sampler::attack(Exec(), options, E(theta.data()), labels_on_device(labels),
                            on_device(x), found, losses);
            return on_host(found);
          },
          [=](Images const& starts, Labels const& labels, Settings const& s, int steps,
              std::uint64_t seed) {
            Sampler const options{.steps     = steps,
                                  .step_size = s.step_size,
                                  .noise     = s.noise,
                                  .clip      = s.clip > 0 ? s.clip : HUGE_VAL};
            Device const chains = on_device(starts);
            basin::Stream const stream{seed, basin::Purpose::sampler_noise, 0};
            E const energy(theta.data());
            if (labels.extent(0) == 0) {
              sampler::sample(Exec(), options, energy, chains, stream);
              Kokkos::fence("chains");
              return on_host(chains);
            }
            auto const of_chains = labels_on_device(labels);
            sampler::sample(Exec(), options,
                            energy.with_head(basin::energy::head::Labeled{{of_chains.data()}}),
                            chains, stream);
            Kokkos::fence("chains");
            return on_host(chains);
          }};
}

template <class E>
::Network network(Budget const& budget, double decay) {
  return {budget, E::parameters, decay, [decay](Task const& task) { return train<E>(task, decay); },
          [](Parameters const& parameters) { return model<E>(parameters); }};
}

}  // namespace jem

#endif
