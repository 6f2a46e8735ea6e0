// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_NOISE_CONTRASTIVE_HPP
#define BASIN_OBJECTIVE_NOISE_CONTRASTIVE_HPP

#include <basin/core/field.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/noise.hpp>

#include <concepts>

namespace basin::objective {

namespace detail {

// Noise points after the batch of data, and the noise log density of every point.
template <class Noise, class Points>
struct DrawNoise {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Noise noise;
  Points points;  // ((1 + ratio) batch, dimension)
  int batch;
  Stream stream;
  scalar_type* log_noise;  // ((1 + ratio) batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    DrawNoise const& self = *this;
    Stream const draw     = stream.now();
    c.each(1, [&](int) {
      scalar_type* const x = &self.points(n, 0);
      if (n >= self.batch) self.noise.sample(draw, static_cast<std::uint32_t>(n - self.batch), x);
      self.log_noise[n] = self.noise.log_density(x);
    });
  }
};

// weights = dL/dE of every point, dL/dc, and the loss of every data point with its noise.
template <class Scalar>
struct ContrastWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* energies;   // ((1 + ratio) batch)
  Scalar const* log_noise;  // ((1 + ratio) batch)
  Scalar const* log_z;      // (1) c
  int batch, ratio;
  Scalar log_ratio;
  Scalar* weights;      // ((1 + ratio) batch)
  Scalar* log_z_slope;  // (1)
  Scalar* losses;       // (batch)

  // ln(1 + e^x)
  static KOKKOS_FUNCTION Scalar softplus(Scalar x) {
    return (x > 0 ? x : 0) + Kokkos::log1p(Kokkos::exp(-Kokkos::abs(x)));
  }
  static KOKKOS_FUNCTION Scalar sigmoid(Scalar x) {
    Scalar const e = Kokkos::exp(-Kokkos::abs(x));
    return (x < 0 ? e : Scalar(1)) / (1 + e);
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    ContrastWeights const self = *this;
    int const B                = batch;
    c.each(B, [=](int n) {
      Scalar const share = Scalar(1) / static_cast<Scalar>(B);
      // G = log of the odds that a point is data.
      auto const odds = [&](int i) {
        return -self.energies[i] - *self.log_z - self.log_noise[i] - self.log_ratio;
      };
      Scalar const data = odds(n);
      Scalar loss       = softplus(-data);
      self.weights[n]   = share * sigmoid(-data);
      for (int k = 1; k <= self.ratio; ++k) {
        Scalar const g          = odds(k * B + n);
        self.weights[k * B + n] = -share * sigmoid(g);
        loss += softplus(g);
      }
      self.losses[n] = loss;
    });
    c.each(1, [=](int) {
      Scalar sum = 0;
      for (int n = 0; n < B * (1 + self.ratio); ++n) sum += self.weights[n];
      *self.log_z_slope = sum;
    });
  }
};

}  // namespace detail

/// Noise-contrastive estimation: the energy, and c = log Z, of a classifier that separates data
/// from noise of a known distribution p_n, with 'ratio' = nu noise points per data point.
///
///   h(x) = sigmoid(-E(x) - c - log p_n(x) - log nu),
///   J = -mean_data log h - nu mean_noise log(1 - h)
///
/// At the minimum exp(-E(x) - c) is the density of the data: c is learned besides theta, and is the
/// log Z of exp(-E) if E can represent the data. Source: Gutmann and Hyvarinen 2012, JMLR 13, eqs.
/// 8 and 9. It works best if the noise resembles the data.
///
/// \tparam Noise  noise::Gaussian (default), DiagonalGaussian, Box, or a user-defined distribution
template <class Noise = noise::Gaussian>
struct NoiseContrastive {
  Noise noise{};
  int ratio = 1;  ///< nu

  /// What to try when a run diverges.
  static constexpr std::array advice{"a noise law that is nearer to the data"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("noise", self.noise);
    f(Field{"ratio", "1", "nu, noise points for each data point"}, self.ratio, range::at_least(1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::NoiseContrastive";
    check_fields(who, *this);
    check_points_of_step(who, "ratio", ratio, 1.0 + ratio, batch);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar  = typename E::scalar_type;
    using memory  = typename Exec::memory_space;
    using Numbers = Kokkos::View<Scalar*, memory>;
    using Law     = typename Noise::template bind<Scalar, Exec>;

   public:
    using Chains                    = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
    using Pool                      = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
    static constexpr int parameters = 1;  ///< c

    /// \param data  to which the noise is fitted
    bind(Exec const&, NoiseContrastive const& options, int batch,
         Dataset<Scalar, memory> const& data, std::uint64_t seed)
        : options_(options),
          batch_(batch),
          points_in_step_((1 + options.ratio) * batch),
          seed_(seed),
          law_(options.noise, on_host(data.points)),
          gradient_(points_in_step_),
          points_("basin::objective::points", points_in_step_, +E::dimension),
          log_noise_("basin::objective::log_noise", points_in_step_),
          losses_("basin::objective::losses", batch) {}

    /// (batch) input for the data of a step.
    Batch<Scalar, memory> batch() const {
      return {Kokkos::subview(points_, std::pair(0, batch_), Kokkos::ALL), {}, {}, {}};
    }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays or noise
    void change(NoiseContrastive const& options) {
      refuse_change("basin::objective::NoiseContrastive", "ratio", options_.ratio, options.ratio);
      if constexpr (std::equality_comparable<Noise>)
        if (!(options.noise == options_.noise))
          refuse("basin::objective::NoiseContrastive",
                 "noise was fitted to the data when the arrays were made and cannot be changed");
      options_ = options;
    }

    /// gradient (E::parameters + 1) = dJ/d(theta, c). Asynchronous on exec.
    void gradient(Exec const& exec, NoiseContrastive const& options, E const& energy,
                  Step const& step, Scalar const* log_z, Scalar* gradient) {
      tile::for_each_chain<tuning>(
          exec, "basin::contrast", points_in_step_,
          detail::DrawNoise<Law, tile::Borrowed<Chains>>{
              law_, points_, batch_, step.stream(seed_, Purpose::contrast), log_noise_.data()});
      gradient_.record(exec, energy, points_in_step_,
                       energy::FillPoints<tile::Borrowed<Chains>>{points_},
                       step.stream(seed_, Purpose::dropout));
      tile::for_each_tile<tuning>(
          exec, "basin::weights", 1,
          detail::ContrastWeights<Scalar>{
              gradient_.energies(), log_noise_.data(), log_z, batch_, options.ratio,
              static_cast<Scalar>(std::log(double(options.ratio))), gradient_.weights(),
              gradient + E::parameters, losses_.data()});
      gradient_.sum(exec, points_in_step_, gradient);
    }

    auto columns() const {
      Scalar const* const e = gradient_.energies();
      return std::array<Column<Scalar>, 3>{{{quantity::energy_data, e, nullptr, batch_},
                                            {quantity::energy_noise, e + batch_, nullptr, batch_},
                                            {quantity::loss, losses_.data(), nullptr, batch_}}};
    }

   private:
    static Eigen::MatrixXd on_host(Pool const& data) {
      auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, data);
      Eigen::MatrixXd rows(static_cast<Eigen::Index>(host.extent(0)),
                           static_cast<Eigen::Index>(host.extent(1)));
      for (std::size_t n = 0; n < host.extent(0); ++n)
        for (std::size_t d = 0; d < host.extent(1); ++d)
          rows(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(d)) = double(host(n, d));
      return rows;
    }

    NoiseContrastive options_;
    int batch_, points_in_step_;
    std::uint64_t seed_;
    Law law_;
    energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
    Chains points_;      // ((1 + ratio) batch, dimension): data, then noise
    Numbers log_noise_;  // ((1 + ratio) batch)
    Numbers losses_;     // (batch)
  };
};

}  // namespace basin::objective

#endif
