// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_TRAINER_HPP
#define BASIN_TRAIN_TRAINER_HPP

#include <basin/core/field.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/optimizer/schedule.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/tile/graph.hpp>
#include <basin/train/local_slices.hpp>
#include <basin/train/monitor.hpp>
#include <basin/train/options.hpp>
#include <basin/train/parameters.hpp>
#include <basin/train/progress.hpp>
#include <basin/train/reduction.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace basin::train {

/// Composes an energy, an objective and an optimizer into one training loop.
///
/// A step is a constant number of kernel launches, for any number of sampling steps, without
/// allocation or synchronization. Every monitor_every steps the metrics are fetched, with one
/// fence. Parameters are bitwise the same for any number of threads.
///
/// \tparam E          a TrainableEnergy, for example energy::Network
/// \tparam Objective  for example objective::PersistentCd
/// \tparam Optimizer  optimizer::Sgd, Adam or AdamW
/// \tparam Schedule   factor of the learning rate, for example optimizer::Cosine; called on the
///                    device: a KOKKOS_FUNCTION
/// \tparam Exec       execution space
/// \tparam tuning     how the backend splits the work; results do not depend on it
template <class E, class Objective, class Optimizer, class Schedule = optimizer::Constant,
          class Exec = Kokkos::DefaultExecutionSpace,
          tile::Tuning tuning =
              tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>
class Trainer {
  static_assert(check_energy<E>::value);
  static_assert(TrainableEnergy<E>,
                "basin::train::Trainer: the energy has no parameters to train; write an "
                "energy::Network with a layer that has some, for example layer::Dense<1>.");
  static constexpr bool binds = objective::BindsEnergy<Objective, E, Exec, tuning>;
  static_assert(binds,
                "basin::train::Trainer: the second argument is no objective; write for example "
                "objective::PersistentCd<sampler::Langevin<>>, and the optimizer behind it.");
  static_assert(!binds ||
                objective::check_objective<Objective, energy::packed_energy<E, tuning, Exec>, Exec,
                                           tuning>::value);
  static_assert(optimizer::check_optimizer<Optimizer, typename E::scalar_type>::value,
                "basin::train::Trainer: the third argument is no optimizer; write for example "
                "optimizer::Adam, and the schedule, if any, behind it.");
  static_assert(optimizer::check_schedule<Schedule>::value,
                "basin::train::Trainer: the fourth argument is no schedule; write for example "
                "optimizer::Cosine.");

 public:
  using Scalar  = typename E::scalar_type;
  using memory  = typename Exec::memory_space;
  using Samples = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
  using Numbers = Kokkos::View<Scalar*, memory>;
  /// The data on the device, with labels, conditions and weights.
  using Dataset    = objective::Dataset<Scalar, memory>;
  using model_type = E;
  /// The energy passed to kernels: E, or E with copies of its weights.
  using energy_type    = energy::packed_energy<E, tuning, Exec>;
  using objective_type = objective::bound<Objective, energy_type, Exec, tuning>;

  using Options = TrainerOptions<Objective, Optimizer, Schedule>;

  /// Allocates everything and initializes the parameters.
  ///
  /// \param data  (rows, dimension) host or device View; copied to the device
  /// \throws std::invalid_argument naming the option and its value, the shapes that do not fit, or
  ///         the position of a value in the data that is not finite
  template <class AnyData>
  Trainer(Options const& options, AnyData const& data, Exec const& exec = Exec())
      : Trainer(options, Rows::on_device(least_rows(checked(options)), data), exec) {}

  /// With a label for each row, for objectives that take labels.
  ///
  /// \param labels  (rows) host or device View of integers; copied to the device. The objective
  ///                defines the meaning of negative ones
  /// \throws std::invalid_argument as above, also if the objective takes no labels
  template <class AnyData, class AnyLabels>
    requires Kokkos::is_view_v<AnyLabels>
  Trainer(Options const& options, AnyData const& data, AnyLabels const& labels,
          Exec const& exec = Exec())
      : Trainer(options, Rows::on_device(least_rows(checked(options)), data, labels), exec) {}

  /// With everything a batch can hold: Views that the objective does not use are empty.
  ///
  /// \param data  referenced, not copied
  /// \throws std::invalid_argument as above
  Trainer(Options const& options, Dataset const& data, Exec const& exec = Exec())
      : Trainer(exec, checked(options), data) {}

  /// On rows that are read while it trains, see RowStream. The objective is given the first window, for
  /// good: fitted noises and start::Data see no other.
  ///
  /// \throws std::invalid_argument as above, std::runtime_error if the first window cannot be read;
  ///         what is wrong in a later one is thrown by the step that needs it
  Trainer(Options const& options, RowStream const& rows, Exec const& exec = Exec())
      : Trainer(exec, checked(options), rows) {}

  /// Trains on the data given to the constructor, or to set_data.
  ///
  /// Synchronizes exec at each report. Ends early where stop_when, stop or seconds of the options say
  /// so: steps_taken() says where. \returns the last report's metrics
  /// \throws std::invalid_argument if neither or both of epochs and steps are given
  /// \throws Divergence if the run diverges, the parameters then remain the last finite
  ///         ones, if its gap runs away, or if its chains leave the data
  Metrics fit(FitOptions const& fit) {
    if ((fit.epochs > 0) == (fit.steps > 0))
      refuse("basin::train::Trainer::fit", "write one of epochs and steps, got ", fit.epochs,
             " and ", fit.steps);
    std::uint64_t const rows = slices_.rows(), B = options_.batch;
    std::uint64_t const steps = fit.steps > 0
                                    ? static_cast<std::uint64_t>(fit.steps)
                                    : (static_cast<std::uint64_t>(fit.epochs) * rows + B - 1) / B;
    auto const start          = std::chrono::steady_clock::now();
    since_                    = start;
    reported_                 = step_;
    std::uint64_t const end   = step_ + steps;
    auto const is_over        = [&] {
      return (fit.stop && fit.stop->load(std::memory_order_relaxed) != 0) ||
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >=
                 fit.seconds;
    };
    Ranks* const ranks = options_.slices.ranks;
    for (bool stop = false; !stop && step_ < end;) {
      step();
      stop = any(ranks, is_over());
      if (step_ % static_cast<std::uint64_t>(options_.monitor_every) == 0 || step_ == end) {
        Metrics const m = metrics();
        all_or_none(ranks, [&] {
          if (fit.report) fit.report(m);
          stop = (fit.stop_when && fit.stop_when(m)) || stop;
        });
        stop = any(ranks, stop);
        if (fit.progress && options_.slices.rank() == 0)
          print_progress(fit.progress, m, end, stop || step_ == end);
      } else if (stop) {
        (void)fetch();  // what is saved next must not have diverged
      }
    }
    return last_;
  }

  /// One training step, gradient() and update(). Asynchronous on exec. On a GPU its kernels are
  /// recorded in a graph, which is all that the host launches; with several ranks in two, before and
  /// after the messages. If a Kokkos tool is attached they are launched individually. Where a stream's
  /// next window begins, waits for exec; for messages too.
  /// \throws std::invalid_argument if objective() was changed to unsupported options
  void step() {
    if constexpr (tile::has_graphs<Exec, tuning>) {
      // The first step allocates what it needs, which is not allowed while a graph is recorded.
      if (launched_ && !Kokkos::Tools::profileLibraryLoaded()) {
        slices_.advance(exec_, step_);
        take_objective();
        bool const parted = options_.slices.rank_count() > 1;
        if (!graph_.ready())
          graph_.record(exec_, [&] {
            launch_gradient(Step(clock_.data()));
            if (!parted) end_step();
          });
        if (parted && !update_graph_.ready()) update_graph_.record(exec_, [this] { end_step(); });
        if (clock_is_ != step_) Kokkos::deep_copy(exec_, clock_, step_);
        graph_.launch(exec_);
        if (parted) {
          reduction_.add_ranks(exec_);
          update_graph_.launch(exec_);
        }
        clock_is_     = ++step_;
        has_gradient_ = false;
        return;
      }
    }
    gradient();
    update();
  }

  /// The first half of a step: draws a batch, moves the chains, and computes the gradient, of all ranks.
  /// Between the halves the gradient may be changed. Each call advances the chains; the parameters and
  /// the step number stay. Asynchronous on exec; waits for messages.
  ///
  /// \returns (parameters of the energy, then of the objective) on the device
  /// \throws std::invalid_argument if objective() was changed to unsupported options
  auto gradient() {
    slices_.advance(exec_, step_);
    take_objective();
    launch_gradient(Step(step_));
    reduction_.add_ranks(exec_);
    parameters_.pull_back(exec_);
    has_gradient_ = true;
    return Kokkos::subview(parameters_.gradient(), std::pair(0, +Theta::count));
  }

  /// The second half: metrics, clipping, the update of the parameters and of their average.
  /// Asynchronous on exec. \throws std::invalid_argument if gradient() was not called before
  void update() {
    if (!has_gradient_)
      refuse("basin::train::Trainer::update", "there is no gradient of step ", step_,
             "; call gradient() first, or step() for both");
    launch_update(Step(step_));
    has_gradient_ = false;
    launched_     = true;
    ++step_;
  }

  /// The metrics of the steps since the last report, with one fence.
  /// \throws Divergence if the run has diverged, its gap runs away, or its chains left the data
  Metrics metrics() {
    if (!launched_) refuse("basin::train::Trainer::metrics", "no step has been taken yet");
    Metrics const m = fetch();
    reported_       = step_;
    since_          = std::chrono::steady_clock::now();
    last_           = m;
    if (m.has("gap")) {
      if (gaps_.runs_away(m["gap"], options_.gap_limit))
        throw Divergence(runaway(m, gaps_, options_.gap_limit, advice()));
      gaps_.add(m["gap"]);
    }
    return m;
  }

  /// Fresh samples: chains that start like fresh chains of the objective, and run 'steps' steps of
  /// its sampler on the averaged parameters, if there are any. A sampler with a state starts with a
  /// new one. The same seed gives the same draws: use another seed for other samples. Fresh chains are
  /// those of the first slice here: rank 0's are the same for any number of ranks. Asynchronous on exec.
  Samples sample(int count, int steps, std::uint64_t seed = 0) {
    static_assert(has_sampler,
                  "basin::train::Trainer::sample: this objective has no sampler; give one to "
                  "basin::sampler::sample, with energy() of the trainer and chains of your own.");
    if (count < 1) refuse("basin::train::Trainer::sample", "count must be >= 1, got ", count);
    auto sampler  = options_.objective.sampler;
    sampler.steps = steps;
    Samples const chains("basin::train::samples", count, +E::dimension);
    std::uint64_t const key = seed_of(options_.seed, seed);
    slices_.first().objective->start(exec_, slices_.first().options, chains,
                                     {key, Purpose::sampler_start, 0});
    using S = decltype(Objective::sampler);
    basin::sampler::state_of<S, Scalar, Exec> state(exec_, sampler, count, +E::dimension, key);
    basin::sampler::run<tuning>(exec_, sampler, state, energy(), chains,
                                {key, Purpose::sampler_noise, 0},
                                basin::sampler::outputs_of<S, Scalar>{});
    return chains;
  }

  /// E of points (n, dimension), host or device; on the averaged parameters, if there are any.
  /// Waits for the result. \returns (n), on the host
  template <class Points>
  Kokkos::View<Scalar*, Kokkos::HostSpace> energies(Points const& points) {
    checked_count("basin::train::Trainer::energies", "points", points.extent(0));
    Numbers const e("basin::train::evaluated", points.extent(0));
    energy::energies<tuning>(exec_, energy(), detail::on_device<decltype(Dataset::points)>(points),
                             e);
    Kokkos::View<Scalar*, Kokkos::HostSpace> const result("energies", points.extent(0));
    Kokkos::deep_copy(exec_, result, e);
    exec_.fence("basin::train::energies");
    return result;
  }

  /// The energy with the averaged parameters, if there are any, else with the current ones. A
  /// handle: it follows the training and must not outlive the trainer; with reparameterized layers
  /// (layer::SpectralNorm), and with weights that do not fit a GPU's multiprocessor, it is
  /// updated only by energy(), sample and energies. Asynchronous on exec.
  auto energy() { return parameters_.energy(exec_); }

  /// (parameters) on the device
  auto parameters() const {
    return Kokkos::subview(parameters_.theta(), std::pair(0, +E::parameters));
  }
  /// (parameters) averaged, on the device; empty if ema_decay is 0
  auto averaged_parameters() const {
    return Kokkos::subview(parameters_.averaged(),
                           std::pair<int, int>(0, parameters_.averages() ? E::parameters : 0));
  }
  /// (Objective's parameters) learned besides theta, such as the log Z of noise-contrastive
  /// estimation; averaged like those of energy(), if they are. On the device
  auto objective_parameters() const {
    return Kokkos::subview(parameters_.averages() ? parameters_.averaged() : parameters_.theta(),
                           std::pair(+E::parameters, +Theta::count));
  }
  /// (E::state) what layers store besides theta, such as SpectralNorm's vectors, on the device
  Numbers layer_state() const { return parameters_.layer_state(); }
  /// dL/dtheta (parameters) of the last step, before clipping
  auto last_gradient() const {
    return Kokkos::subview(parameters_.gradient(), std::pair(0, +E::parameters));
  }

  std::uint64_t steps_taken() const { return step_; }
  /// The number of the next step. All draws, the schedule, the corrections of the optimizer and the
  /// position in the data are functions of it: to resume a run set the number of steps taken, along
  /// with its parameters and everything else learned.
  void set_step(std::uint64_t step) {
    step_ = reported_ = step;
    has_gradient_     = false;
    launched_         = false;
  }

  /// The checkpoint of a run: parameters, average, optimizer, states of layers, the step number,
  /// and the objective's own, for example its buffer. A new trainer with the same options and data
  /// that loads it continues bitwise identically. See MemoryArchive.
  template <Archive A>
  void archive(A& a) {
    std::uint64_t step = step_;
    a("step", step);
    a("parameters", parameters_);
    a("gaps", gaps_);
    slices_.archive(a);
    if constexpr (A::loads) {
      set_step(step);
      monitor_.reset();
    }
  }

  /// Trains on other data from the next step on. What the objective derived from its original data
  /// stays: the fitted noise of noise-contrastive estimation, the rows that start::Data draws. For
  /// an objective that is refitted make a new Trainer.
  ///
  /// \throws std::invalid_argument as the constructor; the trainer is then unchanged
  template <class AnyData>
  void set_data(AnyData const& data) {
    set_data(Rows::on_device(least_rows(options_), data));
  }
  template <class AnyData, class AnyLabels>
  void set_data(AnyData const& data, AnyLabels const& labels) {
    set_data(Rows::on_device(least_rows(options_), data, labels));
  }
  void set_data(Dataset const& data) {
    slices_.set_data(exec_, data);
    clear_graphs();
  }
  void set_data(RowStream const& rows) {
    slices_.set_data(exec_, rows);
    clear_graphs();
  }

  /// Options that may be changed before the next step, for example the sampler's steps: call it
  /// again for each change. The step rejects options that are invalid or need different arrays.
  Objective& objective() {
    clear_graphs();
    objective_may_differ_ = true;
    return options_.objective;
  }
  Options const& options() const { return options_; }
  /// The objective's arrays, for example its buffer; of this rank's i-th slice.
  objective_type& state(int i = 0) {
    return *slices_.all().at(static_cast<std::size_t>(i)).objective;
  }

 private:
  static constexpr char const* who  = "basin::train::Trainer";
  static constexpr bool has_sampler = requires(Objective const& o) { o.sampler; };
  using Local                       = LocalSlices<E, Objective, Exec, tuning>;
  using Rows                        = typename Local::Rows;
  using Theta =
      Parameters<E, objective::parameters_of<objective_type>, Optimizer::states, Exec, tuning>;
  using Watching =
      Monitor<Scalar, objective::column_count<objective_type>, Optimizer, Schedule, Exec, tuning>;

  template <class Data>
  Trainer(Exec const& exec, Options const& options, Data const& data)
      : options_(options),
        exec_(exec),
        slices_(exec, options.slices, options.objective, options.batch, data, options.seed,
                options.distance_limit),
        parameters_(options.seed, options.ema_decay),
        reduction_(options.slices, options.batch, parameters_.gradient()),
        monitor_(options.monitor_every, Theta::blocks, options.slices, options.batch),
        clock_("basin::train::clock") {
    reduction_.broadcast(exec, parameters_.theta());
    reduction_.broadcast(exec, parameters_.averaged());
  }

  // That the whole data must have; of a share each slice says so itself.
  static int least_rows(Options const& options) {
    return options.slices.count == 1 ? options.batch : 1;
  }

  void clear_graphs() {
    graph_.clear();
    update_graph_.clear();
  }

  static Options const& checked(Options const& options) {
    options.check();
    return options;
  }

  // The metrics since the last report; throws where the run must not go on.
  Metrics fetch() {
    bool const measures = slices_.measures(), compares = slices_.compares();
    slices_.measure(exec_);
    Health health;
    Metrics m = monitor_.fetch(exec_, columns(), step_, step_ - reported_,
                               options_.schedule(static_cast<long>(step_ - 1)), health);
    m.steps_per_second =
        static_cast<double>(step_ - reported_) /
        std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count();
    slices_.first().rows.report(m);
    if (measures)
      m.add({"distance_samples", "1", "of samples from the data, see Distance"},
            slices_.distance());
    if (compares)
      m.add({"diversity", "1", "of samples, of the data 1: see Diversity"}, slices_.diversity());
    if (has_diverged(health, options_.energy_limit))
      throw Divergence(divergence(m, health, options_.energy_limit, advice()));
    if (measures && m["distance_samples"] > options_.distance_limit)
      throw Divergence(
          left_the_data(m, slices_.first().distance.describe(), options_.distance_limit, advice()));
    return m;
  }

  auto columns() const { return slices_.first().objective->columns(); }

  void take_objective() {
    if (!objective_may_differ_) return;
    options_.objective.check(options_.batch);
    slices_.change(options_.objective);
    objective_may_differ_ = false;
  }

  // The kernels of one step. With a clock they can be launched unchanged for every step.
  void launch_gradient(Step const& step) {
    auto const energy = parameters_.step_energy(exec_);
    int i             = 0;
    for (auto& slice : slices_.all()) {
      slice.rows.load(exec_, slice.objective->batch(), options_.data_noise, step);
      slice.objective->gradient(exec_, slice.options, energy, step,
                                parameters_.theta().data() + E::parameters, reduction_.slice(i++));
    }
    reduction_.add_here(exec_);
  }
  void end_step() {
    parameters_.pull_back(exec_);
    launch_update(Step(clock_.data()));
  }
  void launch_update(Step const& step) {
    monitor_.take_norms(exec_, parameters_.gradient().data());
    int const slices = static_cast<int>(slices_.all().size());
    for (int i = 0; i < slices; ++i)
      monitor_.summarize(exec_, i, slices_.all()[static_cast<std::size_t>(i)].objective->columns(),
                         options_.clip_norm, options_.optimizer, options_.schedule, step,
                         step.clock && i == slices - 1 ? clock_.data() : nullptr);
    parameters_.update(exec_, monitor_.update(), monitor_.factor());
  }

  std::vector<char const*> advice() const {
    std::vector<char const*> all{"a smaller learning rate", std::isinf(options_.clip_norm)
                                                                ? "a clip_norm"
                                                                : "a smaller clip_norm"};
    for (char const* const further : objective::advice<Objective>) all.push_back(further);
    return all;
  }

  Options options_;
  Exec exec_;
  Local slices_;
  Theta parameters_;
  Reduction<Scalar, Exec, tuning> reduction_;
  Watching monitor_;
  Kokkos::View<std::uint64_t, memory> clock_;  // the next step of a graph's kernels
  std::uint64_t clock_is_ = 0;                 // its value when all work is done
  tile::Graph<Exec> graph_, update_graph_;     // the second: of a run on several ranks
  bool objective_may_differ_ = false;          // since the last step
  bool has_gradient_         = false;          // of the next step
  bool launched_             = false;          // a step, since the step number was set
  std::uint64_t step_ = 0, reported_ = 0;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  Metrics last_;
  GapHistory gaps_{E::dimension};
};

}  // namespace basin::train

#endif
