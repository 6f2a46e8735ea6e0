// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DIFFUSION_CONTRASTIVE_DIVERGENCE_HPP
#define BASIN_OBJECTIVE_DIFFUSION_CONTRASTIVE_DIVERGENCE_HPP

#include <basin/energy/tethered.hpp>
#include <basin/objective/contrast.hpp>
#include <basin/objective/energy_discrepancy.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/start.hpp>

#include <cmath>

namespace basin::objective {

struct kernel_axis {};
struct estimator_axis {};

/// Transitions x~ = a x + sigma eps of a diffusion, without parameters of the energy. A user-defined
/// one is a struct with
///
///   using axis = basin::objective::kernel_axis;
///   double scale() const;      // a > 0
///   double deviation() const;  // sigma > 0, units of x
///   void check() const;        // if it has options to validate; throws std::invalid_argument
namespace kernel {

/// x~ = x + sigma eps: dx = dW for a time sigma^2 (Song et al. 2021, arXiv:2011.13456, VE).
struct VarianceExploding {
  using axis                = kernel_axis;
  double standard_deviation = 1;  ///< sigma, units of x; > 0

  double scale() const { return 1; }
  double deviation() const { return standard_deviation; }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"standard_deviation", "x", "sigma of the kernel"}, self.standard_deviation,
      range::above(0).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::kernel::VarianceExploding", *this); }
};

/// x~ = a x + sqrt(1 - a^2) eps: the Ornstein-Uhlenbeck process, which keeps N(0, I) (VP there).
struct VariancePreserving {
  using axis         = kernel_axis;
  double coefficient = 0.9;  ///< a; in (0, 1)

  double scale() const { return coefficient; }
  double deviation() const { return std::sqrt(1 - coefficient * coefficient); }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"coefficient", "1", "a of the kernel, < 1"}, self.coefficient,
      range::above(0).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::objective::kernel::VariancePreserving";
    check_fields(who, *this);
    if (!(coefficient < 1)) refuse(who, "coefficient must be < 1, got ", coefficient);
  }
};

}  // namespace kernel

/// The requirements of a kernel as error messages.
template <class K>
struct check_kernel {
  static constexpr bool moves = sampler::NamesSteps<K>;
  static_assert(!moves,
                "basin::objective::DiffusionContrastiveDivergence: the kernel is a sampler, which "
                "moves by the energy itself and leaves the third term of contrastive divergence; "
                "write a kernel without parameters, for example kernel::VarianceExploding.");
  static constexpr bool named = has_axis<K, kernel_axis> && requires(K const& k) {
    { k.scale() } -> std::convertible_to<double>;
    { k.deviation() } -> std::convertible_to<double>;
  };
  static_assert(moves || named,
                "basin::objective::DiffusionContrastiveDivergence: a kernel is "
                "kernel::VarianceExploding, kernel::VariancePreserving, or a policy with 'using "
                "axis = basin::objective::kernel_axis', 'double scale() const' and 'double "
                "deviation() const'.");
  static constexpr bool value = !moves && named;
};

namespace detail {

// L = (mean E+ - mean E-) / variance
struct DifferenceOver {
  using axis      = loss_axis;
  double variance = 1;

  template <class Scalar>
  KOKKOS_FUNCTION loss::Weights<Scalar> operator()(loss::Energies<Scalar> const& e, int) const {
    Scalar const w = e.share / static_cast<Scalar>(variance);
    return {w, -w};
  }
};

// The same width for all chains.
template <class Scalar>
struct OneWidth {
  Scalar value = 1;
  KOKKOS_FUNCTION Scalar operator()(int) const { return value; }
};

// x- = chains from x~ / a, moved by an estimator.
template <class E, class Exec, tile::Tuning tuning, class Kernel, class Estimator>
class MovedBack
    : public Contrast<E, Exec, tuning, typename Estimator::sampler_type, DifferenceOver> {
  using base = Contrast<E, Exec, tuning, typename Estimator::sampler_type, DifferenceOver>;

 public:
  using typename base::Chains;
  using typename base::Scalar;

  MovedBack(Exec const& exec, Kernel const& kernel, Estimator const& estimator, int batch,
            Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
      : base(exec, estimator.chains(kernel.deviation() / kernel.scale()), batch, seed),
        seed_(seed),
        centers_("basin::objective::centers", Estimator::tethers ? batch : 0, +E::dimension) {}

  void change(Kernel const&, Estimator const&) {}

  void gradient(Exec const& exec, Kernel const& kernel, Estimator const& estimator, E const& energy,
                Step const& step, Scalar* gradient) {
    double const width  = kernel.deviation() / kernel.scale();
    auto const diffused = [&](Chains const& to) {
      sampler::start_chains<tuning>(exec, sampler::start::Positives{.noise = width}, to,
                                    base::batch().points,
                                    step.stream(seed_, Purpose::sampler_start));
    };
    diffused(base::samples());
    if constexpr (Estimator::tethers) diffused(centers_);
    using Centers = tile::Borrowed<Chains>;
    base::move(exec, estimator.chains(width),
               estimator.energy(energy, Centers(centers_), static_cast<Scalar>(width)),
               base::samples(), step, base::outputs());
    base::contrast(exec, {width * width}, {}, energy, step, gradient);
  }

 private:
  std::uint64_t seed_;
  Chains centers_;  // (batch, dimension) x~ / a, if the estimator reads it
};

// The data among draws from x~.
template <class E, class Exec, tile::Tuning tuning, class Kernel, class Estimator>
class Ranked : public EnergyDiscrepancy::bind<E, Exec, tuning> {
  using base   = EnergyDiscrepancy::bind<E, Exec, tuning>;
  using Scalar = typename E::scalar_type;

 public:
  Ranked(Exec const& exec, Kernel const& kernel, Estimator const& estimator, int batch,
         Dataset<Scalar, typename Exec::memory_space> const& data, std::uint64_t seed)
      : base(exec, of(kernel, estimator), batch, data, seed) {}

  void change(Kernel const& kernel, Estimator const& estimator) {
    base::change(of(kernel, estimator));
  }

  void gradient(Exec const& exec, Kernel const& kernel, Estimator const& estimator, E const& energy,
                Step const& step, Scalar* gradient) {
    auto const options = of(kernel, estimator);
    base::gradient(exec, options, energy, step, nullptr, gradient);
    double const variance = options.standard_deviation * options.standard_deviation;
    energy::add_scaled<tuning>(exec, static_cast<Scalar const*>(gradient), +E::parameters,
                               static_cast<Scalar>(1 / variance - 1), gradient);
  }

 private:
  static EnergyDiscrepancy of(Kernel const& kernel, Estimator const& estimator) {
    return {.standard_deviation = kernel.deviation() / kernel.scale(), .draws = estimator.draws};
  }
};

// The bound form of an estimator: chains, unless it has its own.
template <class E, class Exec, tile::Tuning tuning, class Kernel, class Estimator>
struct BoundEstimator {
  using type = MovedBack<E, Exec, tuning, Kernel, Estimator>;
};
template <class E, class Exec, tile::Tuning tuning, class Kernel, class Estimator>
  requires requires { typename Estimator::template bind<E, Exec, tuning, Kernel>; }
struct BoundEstimator<E, Exec, tuning, Kernel, Estimator> {
  using type = typename Estimator::template bind<E, Exec, tuning, Kernel>;
};

}  // namespace detail

/// How x- is found from x~. With c = x~ / a and w = sigma / a the law of x given x~ is
/// exp(-E(x) - |x - c|^2 / (2 w^2)). A user-defined estimator is a struct with
///
///   using axis = basin::objective::estimator_axis;
///   using sampler_type = ...;
///   static constexpr bool tethers;           // whether it reads c besides starting there
///   sampler_type chains(double w) const;     // moves the chains from c
///   template <class E, class Centers> auto energy(   // that they move in
///       E const& energy, Centers const& c, typename E::scalar_type w) const;
///   void check() const;                      // if it has options to validate
namespace estimator {

/// x- = c - w^2 grad E(c) + w xi, the posterior of a kernel that is narrow beside E: its mean to first
/// order in w^2 (Tweedie's formula) and the variance of the kernel. For a Gaussian of variance v
/// it learns the precision (1 - sqrt((v - w^2) / (v + w^2))) / w^2, about 1 / v - w^2 / (2 v^2). A
/// Langevin step with this noise moves by half as much, and learns 2 / v as w -> 0: it is not
/// offered.
struct OneStep {
  using axis                    = estimator_axis;
  using sampler_type            = sampler::Langevin<sampler::Decoupled>;
  static constexpr bool tethers = false;

  sampler_type chains(double w) const { return {.steps = 1, .step_size = w * w, .noise = w}; }
  template <class E, class Centers>
  E energy(E const& energy, Centers const&, typename E::scalar_type) const {
    return energy;
  }
};

/// x- = K steps of a sampler from c in the tethered energy: recovery likelihood at one level. Exact as
/// the sampler is; the first step from c does not see the tether, so that K > 1.
template <class Sampler = sampler::Langevin<>>
struct Posterior {
  static_assert(sampler::NamesSteps<Sampler>,
                "basin::objective::estimator::Posterior: the argument is no sampler; write for "
                "example sampler::Langevin<>.");
  using axis                    = estimator_axis;
  using sampler_type            = Sampler;
  static constexpr bool tethers = true;
  Sampler sampler{};

  sampler_type chains(double) const { return sampler; }
  template <class E, class Centers>
  auto energy(E const& energy, Centers const& c, typename E::scalar_type w) const {
    using Width = detail::OneWidth<typename E::scalar_type>;
    return energy::Tethered<E, Centers, Width>(energy, c, Width{w});
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::objective::estimator::Posterior";
    check_fields(who, *this);
    if (sampler.steps < 2)
      refuse(who, "the sampler's steps must be > 1, got ", sampler.steps,
             ": the first step from x~ does not see the tether; for one step write "
             "estimator::OneStep");
  }
};

/// x- = draws c + w xi, weighted by exp(-E) among them and the datum: EnergyDiscrepancy with w = 1 and
/// the deviation sigma / a, without bias at any number of draws. Its columns are those of
/// EnergyDiscrepancy, not divided.
struct Ranking {
  using axis = estimator_axis;
  int draws  = 4;  ///< M; >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"draws", "1", "M, perturbed points of each datum"}, self.draws, range::at_least(1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::estimator::Ranking", *this); }

  template <class E, class Exec, tile::Tuning tuning, class Kernel>
  using bind = detail::Ranked<E, Exec, tuning, Kernel, Ranking>;
};

}  // namespace estimator

/// Contrastive divergence by a diffusion in place of the model's own chains: with a kernel k(x~ | x)
/// without parameters
///
///   D = KL(p_data | p) - KL(p_data k | p k) >= 0,
///   dJ/dtheta = (1 / w^2) (mean dE/dtheta (x+) - mean dE/dtheta (x-)),  x- ~ p(x | x~),
///   x~ = a x+ + sigma eps,  w = sigma / a
///
/// J = D / w^2 but for a constant. log Z cancels and no term is omitted; D is 0 where p = p_data, and
/// D / w^2 tends to E |grad E + grad log p_data|^2 / 2 as w -> 0, score matching. Source of the
/// divergence: Luo et al. 2023, arXiv:2307.01668. The estimators are not those of the paper but
/// derived here: the posterior by chains (OneStep, Posterior) or by weighted draws (Ranking).
/// x~ / a = x + w eps, so kernels differ by w alone.
///
/// \tparam Kernel     kernel::VarianceExploding (default), kernel::VariancePreserving or a user's
/// \tparam Estimator  estimator::OneStep (default), Posterior<Sampler>, Ranking
template <class Kernel = kernel::VarianceExploding, class Estimator = estimator::OneStep>
struct DiffusionContrastiveDivergence {
  static_assert(check_kernel<Kernel>::value);
  static_assert(has_axis<Estimator, estimator_axis>,
                "basin::objective::DiffusionContrastiveDivergence: the second argument is no "
                "estimator; write estimator::OneStep, Posterior<> or Ranking.");
  Kernel kernel{};
  Estimator estimator{};

  /// What to try when a run diverges.
  static constexpr std::array advice{"a smaller deviation of the kernel"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("kernel", self.kernel);
    f.nested("estimator", self.estimator);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::DiffusionContrastiveDivergence";
    check_fields(who, *this);
    double const a = kernel.scale(), sigma = kernel.deviation();
    if (!(a > 0 && sigma > 0 && std::isfinite(sigma / a)))
      refuse(who, "the kernel must have scale > 0 and deviation > 0, both finite, got ", a, " and ",
             sigma);
    if constexpr (requires { estimator.draws; })
      check_points_of_step(who, "draws", estimator.draws, 1.0 + estimator.draws, batch);
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::BoundEstimator<E, Exec, tuning, Kernel, Estimator>::type {
    using base   = typename detail::BoundEstimator<E, Exec, tuning, Kernel, Estimator>::type;
    using Scalar = typename E::scalar_type;

   public:
    bind(Exec const& exec, DiffusionContrastiveDivergence const& options, int batch,
         Dataset<Scalar, typename Exec::memory_space> const& data, std::uint64_t seed)
        : base(exec, options.kernel, options.estimator, batch, data, seed) {}

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(DiffusionContrastiveDivergence const& options) {
      base::change(options.kernel, options.estimator);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch(), x- held fixed. Asynchronous on exec.
    void gradient(Exec const& exec, DiffusionContrastiveDivergence const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      base::gradient(exec, options.kernel, options.estimator, energy, step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
