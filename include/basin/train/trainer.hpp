// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_TRAINER_HPP
#define BASIN_TRAIN_TRAINER_HPP

#include <basin/energy/evaluate.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/pack.hpp>
#include <basin/energy/reparameterize.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/optimizer/schedule.hpp>
#include <basin/optimizer/update.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/tile/graph.hpp>
#include <basin/train/monitor.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <unistd.h>
#include <vector>

namespace basin::train {

namespace detail {

// batch(i, :) = a row of the data: every row once an epoch, in an order of that epoch.
template <class Data, class Batch>
struct GatherSample {
  using scalar_type                   = typename Batch::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Data data;    // (rows, dimension)
  Batch batch;  // (B, dimension)
  std::uint64_t seed;
  Step step;
  Permutation epoch{1, {}}, next_epoch{1, {}};
  int position = 0;  // of the batch's first sample in its epoch

  KOKKOS_FUNCTION GatherSample now() const {
    GatherSample r           = *this;
    std::uint64_t const rows = data.extent(0), first = step.now() * batch.extent(0);
    Stream order{seed, Purpose::data_order, first / rows};
    r.epoch    = Permutation(static_cast<std::uint32_t>(rows), order);
    r.position = static_cast<int>(first % rows);
    ++order.step;
    if (first % rows + batch.extent(0) > rows)
      r.next_epoch = Permutation(static_cast<std::uint32_t>(rows), order);
    return r;
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int i) const {
    int const rows = static_cast<int>(data.extent(0)), at = position + i;
    int const row   = static_cast<int>(at < rows ? epoch(static_cast<std::uint32_t>(at))
                                                 : next_epoch(static_cast<std::uint32_t>(at - rows)));
    Data const from = data;
    Batch const to  = batch;
    c.each(static_cast<int>(data.extent(1)), [=](int d) { to(i, d) = from(row, d); });
  }
};

// The least index of a number of data that is not finite.
template <class Data>
struct FirstNotFinite {
  Data data;  // (rows, dimension)
  KOKKOS_FUNCTION void operator()(long i, long& first) const {
    long const columns = static_cast<long>(data.extent(1));
    if (!Kokkos::isfinite(data(i / columns, i % columns)) && i < first) first = i;
  }
};

template <class Batch, int Dimension>
struct AddNoise {
  using scalar_type                   = typename Batch::non_const_value_type;
  static constexpr int workspace_rows = Dimension;
  Batch batch;  // (B, dimension)
  scalar_type noise, lower, upper;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* x, int tile) const {
    int const first = tile * Context::width, count = static_cast<int>(batch.extent(0));
    AddNoise const n = *this;
    c.load_chains(batch, first, count, +Dimension, x);
    c.normal(+Dimension, stream.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
      at.store(x, clamp(fma(decltype(z)(n.noise), z, at.load(x)), n.lower, n.upper));
    });
    c.store_chains(x, first, count, +Dimension, batch);
  }
};

}  // namespace detail

/// Noise added to the data, and the range that it must stay in.
struct DataNoise {
  double standard_deviation = 0;                                         ///< units of x; >= 0
  double lower              = -std::numeric_limits<double>::infinity();  ///< units of x
  double upper              = std::numeric_limits<double>::infinity();   ///< units of x; > lower

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::train::DataNoise";
    if (!(standard_deviation >= 0) || std::isinf(standard_deviation))
      refuse(who, "standard_deviation must be >= 0 and finite, got ", standard_deviation);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }
};

/// How long to train, and whom to tell.
struct FitOptions {
  long epochs         = 0;        ///< passes over the data; or
  long steps          = 0;        ///< training steps
  std::FILE* progress = nullptr;  ///< a line at each report, for example stderr; a terminal's is
                                  ///< rewritten
  std::function<void(Metrics const&)> report{};  ///< called at each report
};

/// Composes an energy, an objective and an optimizer into one training loop.
///
/// A step is a constant number of kernel launches, whatever the number of sampling steps; it
/// allocates nothing and waits for nothing. Every monitor_every steps the metrics are fetched, with
/// one fence. Parameters are bitwise the same for any number of threads.
///
/// \tparam E          a TrainableEnergy, for example energy::Network
/// \tparam Objective  for example objective::PersistentCd
/// \tparam Optimizer  optimizer::Sgd, Adam or AdamW
/// \tparam Schedule   factor of the learning rate, for example optimizer::Cosine; called on the device: a
///                    KOKKOS_FUNCTION
/// \tparam Exec       execution space
/// \tparam tuning     how the backend cuts the work; results do not depend on it
template <class E, class Objective, class Optimizer, class Schedule = optimizer::Constant,
          class Exec = Kokkos::DefaultExecutionSpace,
          tile::Tuning tuning =
              tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>
class Trainer {
  static_assert(check_energy<E>::value);
  static_assert(TrainableEnergy<E>,
                "basin::train::Trainer: the energy has no parameters to train; write an "
                "energy::Network with a layer that has some, for example layer::Dense<1>.");
  static_assert(objective::BindsEnergy<Objective, E, Exec, tuning>,
                "basin::train::Trainer: the second argument is no objective; write for example "
                "objective::PersistentCd<sampler::Langevin<>>, and the optimizer behind it.");
  static_assert(std::conditional_t<objective::BindsEnergy<Objective, E, Exec, tuning>,
                                   objective::check_objective<Objective, E, Exec, tuning>,
                                   std::true_type>::value);
  static_assert(optimizer::Optimizer<Optimizer, typename E::scalar_type>,
                "basin::train::Trainer: the third argument is no optimizer; write for example "
                "optimizer::Adam, and the schedule, if any, behind it.");
  static_assert(optimizer::Schedule<Schedule>,
                "basin::train::Trainer: the fourth argument is no schedule; write for example "
                "optimizer::Cosine.");

 public:
  using Scalar         = typename E::scalar_type;
  using memory         = typename Exec::memory_space;
  using Samples        = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
  using Data           = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
  using Numbers        = Kokkos::View<Scalar*, memory>;
  using objective_type = objective::bound<Objective, E, Exec, tuning>;

  struct Options {
    Objective objective{};
    Optimizer optimizer{};
    Schedule schedule{};
    int batch = 128;  ///< data, and samples, of a step
    DataNoise data_noise{};
    double clip_norm = std::numeric_limits<double>::infinity();  ///< largest |dL/dtheta|_2; > 0
    double ema_decay = 0;  ///< decay of the averaged parameters per step; 0: none. They start
                           ///< from the initial ones, whose weight after n steps is ema_decay^n
    std::uint64_t seed  = 1;
    int monitor_every   = 100;  ///< steps between two reports
    double energy_limit = 1e8;  ///< stop when mean |E| passes it, units of E
  };

  /// Allocates everything and draws the initial parameters.
  ///
  /// \param data  (rows, dimension) host or device View; kept, on the device
  /// \throws std::invalid_argument naming the option and its value, the shapes that do not fit, or
  ///         the place of a number of the data that is not finite
  template <class AnyData>
  Trainer(Options const& options, AnyData const& data, Exec const& exec = Exec())
      : options_(options),
        exec_(exec),
        data_(on_device(checked(options, data))),
        // Before anything is fitted to the data.
        objective_((refuse_not_finite(),
                    std::make_unique<objective_type>(
                        exec, options.objective, options.batch,
                        objective::Dataset<Scalar, memory>{data_, {}, {}, {}}, options.seed))) {
    auto const numbers  = [](char const* name, std::size_t n) { return Numbers(name, n); };
    theta_              = numbers("basin::train::theta", padded);
    gradient_           = numbers("basin::train::gradient", padded);
    state_              = numbers("basin::train::optimizer_state", padded * Optimizer::states);
    averaged_           = numbers("basin::train::averaged", options.ema_decay > 0 ? padded : 0);
    partial_            = numbers("basin::train::partial_norms", blocks);
    factor_             = numbers("basin::train::factor", 2);
    packed_             = numbers("basin::train::packed", packed_numbers);
    packed_for_scoring_ = numbers("basin::train::packed", packed_numbers);
    sums_               = numbers("basin::train::sums", detail::metric_count * Summarize::parts);
    update_ = Kokkos::View<typename Summarize::update_type, memory>("basin::train::update");
    clock_  = Kokkos::View<std::uint64_t, memory>("basin::train::clock");
    rows_   = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>(
        "basin::train::metrics", options.monitor_every, +detail::metric_count);
    fetched_ = Kokkos::create_mirror_view(rows_);
    initialize();
  }

  /// Trains on the data given to the constructor.
  ///
  /// Synchronizes exec at each report. \returns the last report's metrics
  /// \throws std::invalid_argument if neither or both of epochs and steps are given
  /// \throws std::runtime_error if the run diverges; parameters are the last finite ones
  Metrics fit(FitOptions const& fit) {
    if ((fit.epochs > 0) == (fit.steps > 0))
      refuse("basin::train::Trainer::fit", "write one of epochs and steps, got ", fit.epochs,
             " and ", fit.steps);
    std::uint64_t const rows = data_.extent(0), B = static_cast<std::uint64_t>(options_.batch);
    std::uint64_t const steps = fit.steps > 0
                                    ? static_cast<std::uint64_t>(fit.steps)
                                    : (static_cast<std::uint64_t>(fit.epochs) * rows + B - 1) / B;
    timer_.reset();
    reported_               = step_;
    std::uint64_t const end = step_ + steps;
    while (step_ < end) {
      step();
      if (step_ % static_cast<std::uint64_t>(options_.monitor_every) == 0 || step_ == end) {
        Metrics const m = metrics();
        if (fit.report) fit.report(m);
        if (fit.progress) print_progress(fit.progress, m, end);
      }
    }
    return last_;
  }

  /// One training step. Asynchronous on exec. On a GPU its kernels are recorded in a graph, which
  /// is all that the host launches; where a tool of Kokkos watches they are launched one by one.
  /// \throws std::invalid_argument if objective() was changed to what it cannot be
  void step() {
    if (objective_may_differ_) take_objective();
    if constexpr (tile::has_graphs<Exec, tuning>) {
      // The first step takes what memory it needs, which none may while a graph is recorded.
      if (step_ > 0 && !Kokkos::Tools::profileLibraryLoaded()) {
        if (!graph_.ready()) graph_.record(exec_, [this] { launch(Step(clock_.data())); });
        if (clock_is_ != step_) Kokkos::deep_copy(exec_, clock_, step_);
        graph_.launch(exec_);
        clock_is_ = ++step_;
        return;
      }
    }
    launch(Step(step_));
    ++step_;
  }

  /// The metrics of the steps since the last report, with one fence.
  /// \throws std::runtime_error if the run has diverged
  Metrics metrics() {
    if (step_ == 0) refuse("basin::train::Trainer::metrics", "no step has been taken yet");
    Kokkos::deep_copy(exec_, fetched_, rows_);
    static std::string const label = "basin::train::monitor";
    exec_.fence(label);
    std::uint64_t const every = static_cast<std::uint64_t>(options_.monitor_every);
    std::uint64_t const steps = std::clamp<std::uint64_t>(step_ - reported_, 1, every);
    double mean[detail::metric_count]{};
    for (std::uint64_t back = 1; back <= steps; ++back)
      for (int i = 0; i < detail::metric_count; ++i)
        mean[i] += double(fetched_((step_ - back) % every, i)) / double(steps);
    Scalar const failed  = fetched_((step_ - 1) % every, detail::metric_count - 1);
    double const seconds = timer_.seconds();
    Metrics m;
    m.step        = step_;
    m.energy_data = mean[0];
    if (has_samples()) m.energy_samples = mean[1];
    m.gap                  = m.energy_samples - m.energy_data;
    m.energy_square        = mean[2];
    m.gradient_norm        = mean[3];
    m.displacement         = mean[4];
    m.clip_fraction        = mean[5];
    m.clamp_fraction       = mean[6];
    m.buffer_age           = mean[7];
    m.loss                 = mean[8];
    m.learning_rate_factor = options_.schedule(static_cast<long>(step_ - 1));
    m.steps_per_second     = static_cast<double>(step_ - reported_) / seconds;
    reported_              = step_;
    timer_.reset();
    last_ = m;
    stop_if_diverged(m, failed);
    return m;
  }

  /// Fresh samples: chains that start as fresh chains of the objective do, and run 'steps' steps of
  /// its sampler on the averaged parameters, if there are any. A seed of the call gives the same
  /// draws each time: other samples want another. Asynchronous on exec.
  Samples sample(int count, int steps, std::uint64_t seed = 0) {
    static_assert(
        requires(Objective const& o) { o.sampler; },
        "basin::train::Trainer::sample: this objective has no sampler; give one to "
        "basin::sampler::sample, with energy() of the trainer and chains of your own.");
    if (count < 1) refuse("basin::train::Trainer::sample", "count must be >= 1, got ", count);
    auto langevin  = options_.objective.sampler;
    langevin.steps = steps;
    Samples const chains("basin::train::samples", count, +E::dimension);
    std::uint64_t const key = seed_of(options_.seed, seed);
    objective_->start(exec_, options_.objective, chains, {key, Purpose::sampler_start, 0});
    basin::sampler::state_of<decltype(langevin), Scalar, Exec> state(exec_, langevin, count,
                                                                     +E::dimension, key);
    basin::sampler::run<tuning>(exec_, langevin, state, energy(), chains,
                                {key, Purpose::sampler_noise, 0}, {});
    return chains;
  }

  /// E of points (n, dimension), host or device; on the averaged parameters, if there are any.
  /// Waits for the result. \returns (n), on the host
  template <class Points>
  Kokkos::View<Scalar*, Kokkos::HostSpace> energies(Points const& points) {
    Numbers const e("basin::train::evaluated", points.extent(0));
    energy::energies<tuning>(exec_, energy(), on_device(points), e);
    Kokkos::View<Scalar*, Kokkos::HostSpace> const result("energies", points.extent(0));
    Kokkos::deep_copy(exec_, result, e);
    exec_.fence("basin::train::energies");
    return result;
  }

  /// The energy with the averaged parameters, if there are any, else with the present ones. A
  /// handle: it follows the training and must not outlive the trainer; with layers whose weights
  /// are effective (layer::SpectralNorm), and with weights that do not fit a GPU's multiprocessor,
  /// it follows no further than to the next call of energy(), sample or energies. Asynchronous on
  /// exec.
  auto energy() {
    Numbers const& theta = options_.ema_decay > 0 ? averaged_ : theta_;
    if constexpr (energy::Reparameterized<E>) {
      // A state of its own, so that looking at a training does not change it.
      Kokkos::deep_copy(exec_, scoring_state_, layer_state_);
      energy::reparameterize<E, tuning>(exec_, scoring_iterations, theta.data(),
                                        scoring_state_.data(), scored_.data());
      return packed_energy(scored_.data(), packed_for_scoring_.data());
    } else {
      return packed_energy(theta.data(), packed_for_scoring_.data());
    }
  }

  /// (parameters) on the device
  auto parameters() const { return Kokkos::subview(theta_, std::pair(0, +E::parameters)); }
  /// (parameters) averaged, on the device; empty if ema_decay is 0
  auto averaged_parameters() const {
    return Kokkos::subview(averaged_,
                           std::pair<int, int>(0, options_.ema_decay > 0 ? E::parameters : 0));
  }
  /// (Objective's parameters) what the objective learns beside theta, as the log Z of
  /// noise-contrastive estimation; averaged as those of energy(), if they are. On the device
  auto objective_parameters() const {
    return Kokkos::subview(
        options_.ema_decay > 0 ? averaged_ : theta_,
        std::pair(+E::parameters, E::parameters + objective::parameters_of<objective_type>));
  }
  /// (E::state) what layers keep beside theta, as SpectralNorm's vectors, on the device
  Numbers layer_state() const { return layer_state_; }
  /// dL/dtheta (parameters) of the last step, before clipping
  auto gradient() const { return Kokkos::subview(gradient_, std::pair(0, +E::parameters)); }

  std::uint64_t steps_taken() const { return step_; }
  /// Numbers that may be changed before the next step, for example the sampler's steps: call it
  /// anew for each change. The step refuses numbers that are wrong, or that arrays were made for.
  Objective& objective() {
    graph_.clear();
    objective_may_differ_ = true;
    return options_.objective;
  }
  /// The objective's arrays, for example its buffer.
  objective_type& state() { return *objective_; }

 private:
  using Summarize = detail::Summarize<Scalar, Optimizer, Schedule>;

  // Of the data.
  static constexpr int dimension = E::dimension - objective::conditions<Objective>;
  static constexpr int blocks =
      optimizer::blocks(E::parameters + objective::parameters_of<objective_type>);
  static constexpr std::size_t padded = std::size_t(blocks) * optimizer::block;

  template <class AnyData>
  static AnyData const& checked(Options const& options, AnyData const& data) {
    static_assert(
        Kokkos::is_view_v<AnyData>,
        "basin::train::Trainer: data must be a Kokkos::View of rank 2, (rows, dimension); "
        "an unmanaged one may wrap memory of another container.");
    static_assert(AnyData::rank() == 2,
                  "basin::train::Trainer: data must be a View of rank 2, (rows, dimension).");
    char const* who = "basin::train::Trainer";
    if (options.batch < 1) refuse(who, "batch must be >= 1, got ", options.batch);
    if (static_cast<int>(data.extent(1)) != dimension) {
      if (objective::conditions<Objective> == 0)
        refuse(who, "data has second extent ", data.extent(1), ", the energy has dimension ",
               +E::dimension);
      refuse(who, "data has second extent ", data.extent(1), ", the energy has dimension ",
             +E::dimension, " with ", +objective::conditions<Objective>,
             " for the condition of the objective");
    }
    if (data.extent(0) < static_cast<std::size_t>(options.batch))
      refuse(who, "data has ", data.extent(0), " rows, fewer than the batch of ", options.batch);
    if (data.extent(0) >= (std::size_t(1) << 31))
      refuse(who, "data has ", data.extent(0), " rows, at most 2^31 - 1 can be used");
    if (!(options.clip_norm > 0)) refuse(who, "clip_norm must be > 0, got ", options.clip_norm);
    if (!(options.ema_decay >= 0 && options.ema_decay < 1))
      refuse(who, "ema_decay must be in [0, 1), got ", options.ema_decay);
    if (options.monitor_every < 1)
      refuse(who, "monitor_every must be >= 1, got ", options.monitor_every);
    if (!(options.energy_limit > 0))
      refuse(who, "energy_limit must be > 0, got ", options.energy_limit);
    options.data_noise.check();
    options.objective.check(options.batch);
    options.optimizer.check();
    options.schedule.check();
    return data;
  }

  // The first number of the data that is none, by its place: what a run would diverge of.
  void refuse_not_finite() const {
    long const columns = static_cast<long>(data_.extent(1));
    long const numbers = static_cast<long>(data_.extent(0)) * columns;
    long first         = numbers;
    Kokkos::parallel_reduce("basin::train::check",
                            Kokkos::RangePolicy<Exec, Kokkos::IndexType<long>>(exec_, 0, numbers),
                            detail::FirstNotFinite<Data>{data_}, Kokkos::Min<long>(first));
    exec_.fence("basin::train::check");
    if (first >= numbers) return;
    Scalar value;
    Kokkos::deep_copy(value, Kokkos::subview(data_, first / columns, first % columns));
    refuse("basin::train::Trainer", "data(", first / columns, ", ", first % columns, ") is ", value,
           "; drop that row, or replace the number");
  }

  // Between two memories Kokkos moves bytes: other numbers, or another order, change on the host.
  template <class Points>
  static Data on_device(Points const& points) {
    Samples const copy(Kokkos::view_alloc("basin::train::data", Kokkos::WithoutInitializing),
                       points.extent(0), points.extent(1));
    if constexpr (Kokkos::SpaceAccessibility<Kokkos::HostSpace,
                                             typename Points::memory_space>::accessible) {
      auto const host = Kokkos::create_mirror_view(copy);
      Kokkos::deep_copy(host, points);
      Kokkos::deep_copy(copy, host);
    } else {
      Kokkos::deep_copy(copy, points);
    }
    return copy;
  }

  // Averaged weights have singular vectors of their own, near those of the present ones.
  static constexpr int scoring_iterations = 8;

  void take_objective() {
    options_.objective.check(options_.batch);
    if constexpr (requires { objective_->change(options_.objective); })
      objective_->change(options_.objective);
    objective_may_differ_ = false;
  }

  // The energy of theta, with copies of its weights where its kernels want some.
  static constexpr int packed_numbers = energy::packed_numbers<E, tuning, Exec>();
  using Energy                        = energy::packed_energy<E, tuning, Exec>;
  Energy packed_energy(Scalar const* theta, Scalar* packed) const {
    if constexpr (packed_numbers > 0)
      return energy::pack<tuning>(exec_, E(theta), packed);
    else
      return E(theta);
  }

  Numbers const& in_use() const {
    if constexpr (energy::Reparameterized<E>) return effective_;
    return theta_;
  }

  void initialize() {
    if constexpr (energy::Reparameterized<E>) {
      layer_state_      = Numbers("basin::train::layer_state", +E::state);
      scoring_state_    = Numbers("basin::train::scoring_state", +E::state);
      effective_        = Numbers("basin::train::effective", padded);
      scored_           = Numbers("basin::train::scored", padded);
      auto const start  = E::initial_state(options_.seed);
      auto const mirror = Kokkos::create_mirror_view(layer_state_);
      std::copy(start.begin(), start.end(), mirror.data());
      Kokkos::deep_copy(layer_state_, mirror);
    }
    auto const host = Kokkos::create_mirror_view(theta_);
    for (energy::NamedBlock const& b : E::parameter_blocks())
      for (int i = 0; i < b.rows * b.columns; ++i) {
        using V               = tile::Simd<double, 1>;
        std::uint32_t const k = static_cast<std::uint32_t>(b.offset + i);
        Stream const stream{options_.seed, Purpose::parameter, 0};
        V draw[4];
        double value;
        if (b.law.shape == layer::Law::Shape::normal) {
          tile::normal_block(stream, k / 4, 0u, draw);
          value = b.law.scale * draw[k % 4][0];
        } else {
          tile::uniform_block(stream, k / 4, 0u, draw);
          value = b.law.scale * (2 * draw[k % 4][0] - 1);
        }
        host(k) = static_cast<Scalar>(b.law.center + value);
      }
    Kokkos::deep_copy(theta_, host);
    if (options_.ema_decay > 0) Kokkos::deep_copy(averaged_, theta_);
    auto const factor = Kokkos::create_mirror_view(factor_);
    factor(0)         = 1;
    factor(1)         = -1;
    Kokkos::deep_copy(factor_, factor);
  }

  // The kernels of one step. With a clock they can be launched for every step as they are.
  void launch(Step const& step) {
    if constexpr (energy::Reparameterized<E>)
      energy::reparameterize<E, tuning>(exec_, -1, theta_.data(), layer_state_.data(),
                                        effective_.data());
    Energy const energy = packed_energy(in_use().data(), packed_.data());
    gather(objective_->batch().points, step);
    objective_->gradient(exec_, options_.objective, energy, step, theta_.data() + E::parameters,
                         gradient_.data());
    if constexpr (energy::Reparameterized<E>)
      energy::pull_back_parameters<E, tuning>(exec_, effective_.data(), layer_state_.data(),
                                              gradient_.data());

    optimizer::squared_norms<tuning>(exec_, gradient_.data(), partial_.data(), +blocks);
    tile::for_each_tile<tuning>(
        exec_, "basin::summary", 1,
        Summarize{partial_.data(), +blocks, static_cast<Scalar>(options_.clip_norm),
                  detail::Seen<Scalar>(objective_->columns()), options_.batch, step,
                  step.clock ? clock_.data() : nullptr, options_.optimizer, options_.schedule,
                  sums_.data(), factor_.data(), update_.data(), rows_.data(),
                  options_.monitor_every});
    optimizer::update<tuning, Optimizer::states>(
        exec_, static_cast<typename Summarize::update_type const*>(update_.data()),
        static_cast<Scalar>(1 - options_.ema_decay), +E::parameters, factor_.data(),
        gradient_.data(), theta_.data(), state_.data(),
        options_.ema_decay > 0 ? averaged_.data() : nullptr, +blocks);
  }

  bool has_samples() const {
    return detail::Seen<Scalar>(objective_->columns()).energies_samples != nullptr;
  }

  void gather(Samples const& positives, Step const& step) {
    int const B = options_.batch;
    tile::for_each_chain<tuning>(
        exec_, "basin::gather", B,
        detail::GatherSample<tile::Borrowed<Data>, tile::Borrowed<Samples>>{data_, positives,
                                                                            options_.seed, step});
    if (options_.data_noise.standard_deviation > 0) {
      tile::for_each_tile<tuning>(
          exec_, "basin::noise", tile::tiles(B, tuning.width),
          detail::AddNoise<Samples, dimension>{
              positives, static_cast<Scalar>(options_.data_noise.standard_deviation),
              static_cast<Scalar>(options_.data_noise.lower),
              static_cast<Scalar>(options_.data_noise.upper),
              step.stream(options_.seed, Purpose::data_noise)});
    }
  }

  void stop_if_diverged(Metrics const& m, Scalar failed) const {
    // Written so that NaN is beyond it.
    auto const within = [&](double e) { return std::abs(e) <= options_.energy_limit; };
    if (failed < 0 && within(m.energy_data) && (!has_samples() || within(m.energy_samples))) return;
    std::ostringstream sentence;
    sentence << "basin::train::Trainer: the run diverged ";
    if (failed >= 0)
      sentence << "at step " << failed << ", where the gradient was not finite";
    else
      sentence << "before step " << m.step << ", energy_limit is " << options_.energy_limit;
    sentence << "; E(data) = " << m.energy_data;
    if (has_samples()) sentence << ", E(samples) = " << m.energy_samples;
    sentence << ". The parameters are the last finite ones. Try a smaller learning rate, a "
                "clip_norm, a larger energy_l2, more sampler steps or a smaller sampler step.";
    throw std::runtime_error(sentence.str());
  }

  void print_progress(std::FILE* to, Metrics const& m, std::uint64_t end) const {
    bool const terminal = isatty(fileno(to)) != 0;
    if (terminal) std::fputc('\r', to);
    std::fprintf(to, "step %llu/%llu  E(data) %.4g  ", static_cast<unsigned long long>(m.step),
                 static_cast<unsigned long long>(end), m.energy_data);
    if (has_samples())
      std::fprintf(to, "E(samples) %.4g  gap %.3g  age %.3g  ", m.energy_samples, m.gap,
                   m.buffer_age);
    else
      std::fprintf(to, "loss %.4g  ", m.loss);
    std::fprintf(to, "|grad| %.3g  %.4g steps/s   ", m.gradient_norm, m.steps_per_second);
    if (m.step == end || !terminal) std::fputc('\n', to);
    std::fflush(to);
  }

  Options options_;
  Exec exec_;
  Data data_;  // (rows, dimension)
  std::unique_ptr<objective_type> objective_;
  Numbers theta_, gradient_, averaged_;  // (padded)
  Numbers state_;                        // (states, padded)
  Numbers effective_, scored_;           // (padded) what an energy with effective weights reads
  Numbers packed_, packed_for_scoring_;  // (packed_numbers)
  Numbers layer_state_, scoring_state_;  // (E::state)
  Numbers partial_;                      // (blocks)
  Numbers sums_;                         // (metric_count, parts)
  Kokkos::View<typename Summarize::update_type, memory> update_;
  Kokkos::View<std::uint64_t, memory> clock_;  // the step that a graph's kernels do next
  std::uint64_t clock_is_ = 0;                 // what it will show when all is done
  tile::Graph<Exec> graph_;
  bool objective_may_differ_ = false;  // since the last step
  Numbers factor_;                     // (2): factor of the gradient, first step not finite
  Kokkos::View<Scalar**, Kokkos::LayoutRight, memory> rows_;  // (monitor_every, metric_count)
  decltype(Kokkos::create_mirror_view(rows_)) fetched_;
  std::uint64_t step_ = 0, reported_ = 0;
  Kokkos::Timer timer_;
  Metrics last_;
};

}  // namespace basin::train

#endif
