// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_ENERGY_DISCREPANCY_HPP
#define BASIN_OBJECTIVE_ENERGY_DISCREPANCY_HPP

#include <basin/core/field.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/random.hpp>

#include <array>

namespace basin::objective {

namespace detail {

// x_nj = x_n + sigma (xi_n + xi'_nj), after the batch of data.
template <class Points>
struct PerturbTwice {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Points points;  // ((1 + draws) batch, dimension)
  int batch, dimension;
  scalar_type sigma;
  Stream there, back;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int i) const {
    using One                = tile::Simd<scalar_type, 1>;
    PerturbTwice const& self = *this;
    Stream const out = there.now(), home = back.now();
    c.each((dimension + 3) / 4, [&](int block) {
      int const n  = i % self.batch;  // the datum; of its draws, i / batch
      auto const b = static_cast<std::uint32_t>(block);
      One first[4], second[4];
      tile::normal_block(out, b, static_cast<std::uint32_t>(n), first);
      tile::normal_block(home, b, static_cast<std::uint32_t>(i), second);
      for (int k = 0; k < 4 && 4 * block + k < self.dimension; ++k) {
        int const d = 4 * block + k;
        self.points(self.batch + i, d) =
            self.points(n, d) + self.sigma * (first[k][0] + second[k][0]);
      }
    });
  }
};

// weights = dJ/dE of every point, and the loss of every datum.
template <class Scalar>
struct DiscrepancyWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* energies;  // ((1 + draws) batch)
  int batch, draws;
  Scalar data_weight;
  Scalar* weights;  // ((1 + draws) batch)
  Scalar* losses;   // (batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    DiscrepancyWeights const self = *this;
    int const B                   = batch;
    c.each(B, [=](int n) {
      Scalar const here = self.energies[n], share = Scalar(1) / static_cast<Scalar>(B);
      auto const gap = [&](int j) { return here - self.energies[(j + 1) * B + n]; };
      // The largest term of the sum is 1.
      Scalar largest = self.data_weight > 0 ? Kokkos::log(self.data_weight) : gap(0);
      for (int j = 0; j < self.draws; ++j) largest = Kokkos::fmax(largest, gap(j));
      Scalar const own =
          self.data_weight > 0 ? self.data_weight * Kokkos::exp(-largest) : Scalar(0);
      Scalar others = 0;
      for (int j = 0; j < self.draws; ++j) others += Kokkos::exp(gap(j) - largest);
      Scalar const sum = own + others;
      for (int j = 0; j < self.draws; ++j)
        self.weights[(j + 1) * B + n] = -share * (Kokkos::exp(gap(j) - largest) / sum);
      self.weights[n] = share * (others / sum);
      self.losses[n]  = largest + Kokkos::log(sum) - Kokkos::log(static_cast<Scalar>(self.draws));
    });
  }
};

}  // namespace detail

/// Energy discrepancy: contrasts data with points that were perturbed twice; no gradient in x, no
/// chains, M + 1 evaluations of E for each datum.
///
///   J = mean_n log(w / M + (1 / M) sum_j exp(E(x_n) - E(x_n + sigma xi_n + sigma xi'_nj))),
///   xi, xi' ~ N(0, I),  j = 1, ..., M
///
/// With w = 1 this is the cross-entropy of telling which of M + 1 points is the datum, and consistent
/// for every M: E is learned up to a constant. Another w is biased at a finite M: for a Gaussian of
/// variance 1.7, sigma = 0.6 and M = 1, w = 1/4 learns 1.92 times its precision. J is 0 where E does
/// not tell data from their perturbations, and negative where it does. sigma is about the distance
/// of modes; a small one is score matching, which sees no weights of modes. Source: Schroder et al.
/// 2023, arXiv:2307.06431, eq. 8.
struct EnergyDiscrepancy {
  double standard_deviation = 1;  ///< sigma, units of x; > 0
  int draws                 = 4;  ///< M, perturbed points of each datum; >= 1
  double data_weight        = 1;  ///< w; >= 0

  /// What to try when a run diverges.
  static constexpr std::array advice{"a smaller standard_deviation", "more draws"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"standard_deviation", "x", "sigma of each of the two perturbations"},
      self.standard_deviation, range::above(0).finite());
    f(Field{"draws", "1", "M, perturbed points of each datum"}, self.draws, range::at_least(1));
    f(Field{"data_weight", "1", "w of the datum among its perturbed points"}, self.data_weight,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::EnergyDiscrepancy";
    check_fields(who, *this);
    check_points_of_step(who, "draws", draws, 1.0 + draws, batch);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

   public:
    bind(Exec const&, EnergyDiscrepancy const& options, int batch, Dataset<Scalar, memory> const&,
         std::uint64_t seed)
        : draws_(options.draws),
          batch_(batch),
          all_((1 + options.draws) * batch),
          seed_(seed),
          gradient_(all_),
          points_("basin::objective::points", all_, +E::dimension),
          losses_("basin::objective::losses", batch) {}

    /// (batch) input for the data of a step.
    Batch<Scalar, memory> batch() const {
      return {Kokkos::subview(points_, std::pair(0, batch_), Kokkos::ALL), {}, {}, {}};
    }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(EnergyDiscrepancy const& options) {
      refuse_change("basin::objective::EnergyDiscrepancy", "draws", draws_, options.draws);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, EnergyDiscrepancy const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      using Borrowed = tile::Borrowed<Points>;
      tile::for_each_chain<tuning>(
          exec, "basin::perturb", all_ - batch_,
          detail::PerturbTwice<Borrowed>{
              points_, batch_, +E::dimension, static_cast<Scalar>(options.standard_deviation),
              step.stream(seed_, Purpose::direction), step.stream(seed_, Purpose::contrast)});
      gradient_.record(exec, energy, all_, energy::FillPoints<Borrowed>{points_},
                       step.stream(seed_, Purpose::dropout));
      tile::for_each_tile<tuning>(
          exec, "basin::weights", 1,
          detail::DiscrepancyWeights<Scalar>{gradient_.energies(), batch_, draws_,
                                             static_cast<Scalar>(options.data_weight),
                                             gradient_.weights(), losses_.data()});
      gradient_.sum(exec, all_, gradient);
    }

    auto columns() const {
      Scalar const* const e = gradient_.energies();
      return std::array<Column<Scalar>, 3>{
          {{quantity::energy_data, e, nullptr, batch_},
           {{"energy_perturbed", "E", "mean E of the first perturbed point of each datum"},
            e + batch_,
            nullptr,
            batch_},
           {quantity::loss, losses_.data(), nullptr, batch_}}};
    }

   private:
    int draws_, batch_, all_;
    std::uint64_t seed_;
    energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
    Points points_;                         // ((1 + draws) batch, dimension): data, then the rest
    Kokkos::View<Scalar*, memory> losses_;  // (batch)
  };
};

}  // namespace basin::objective

#endif
