// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_COUPLING_SINKHORN_HPP
#define BASIN_OBJECTIVE_COUPLING_SINKHORN_HPP

#include <basin/core/field.hpp>
#include <basin/objective/coupling.hpp>
#include <basin/objective/coupling/detail/squared_costs.hpp>
#include <basin/tile/launch.hpp>

namespace basin::objective::coupling {

namespace detail {

// epsilon = the share of the mean cost, and both potentials 0.
template <class Scalar>
struct BeginSinkhorn {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of the sum, on every backend
  double const* costs;                       // (B, B)
  int batch;
  double share;
  double* potentials;  // (2, B) f of rows, g of columns
  double* sums;        // (parts)
  double* epsilon;     // (1)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    BeginSinkhorn const s = *this;
    c.each(2 * batch, [=](int i) { s.potentials[i] = 0; });
    c.each(+parts, [=](int p) {
      long const all = static_cast<long>(s.batch) * s.batch;
      double sum     = 0;
      for (long i = p; i < all; i += parts) sum += s.costs[i];
      s.sums[p] = sum / static_cast<double>(all);
    });
    c.each(1, [=](int) {
      double mean = 0;
      for (int p = 0; p < parts; ++p) mean += s.sums[p];
      // Of points that are all the same, any positive one.
      s.epsilon[0] = mean > 0 ? s.share * mean : 1;
    });
  }
};

// f_i = -epsilon log mean_j exp((g_j - C_ij) / epsilon), or g_j from f.
template <class Scalar>
struct ScaleSinkhorn {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  double const* costs;       // (B, B)
  int batch, across, along;  // strides of i and of j
  double const *others, *epsilon;
  double* potentials;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    ScaleSinkhorn const s = *this;
    c.each(1, [=](int) {
      double const e        = s.epsilon[0];
      double const* const C = s.costs + static_cast<std::size_t>(i) * s.across;
      double most           = s.others[0] - C[0];
      for (int j = 1; j < s.batch; ++j)
        most = Kokkos::max(most, s.others[j] - C[static_cast<std::size_t>(j) * s.along]);
      double sum = 0;
      for (int j = 0; j < s.batch; ++j)
        sum += Kokkos::exp((s.others[j] - C[static_cast<std::size_t>(j) * s.along] - most) / e);
      s.potentials[i] = -most - e * Kokkos::log(sum / s.batch);
    });
  }
};

// A column of each row i, drawn from P_ij = exp((f_i + g_j - C_ij) / epsilon) / B by its cumulative
// sum.
template <class Scalar>
struct DrawSinkhorn {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  double const* costs;  // (B, B)
  int batch;
  double const *potentials, *epsilon;  // (2, B), (1)
  int* column_of;                      // (B)
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    DrawSinkhorn const s = *this;
    c.each(1, [=](int) {
      double const* const C = s.costs + static_cast<std::size_t>(i) * s.batch;
      auto const share      = [&](int j) {
        return Kokkos::exp((s.potentials[i] + s.potentials[s.batch + j] - C[j]) / s.epsilon[0]);
      };
      double all = 0;
      for (int j = 0; j < s.batch; ++j) all += share(j);
      double const u =
          all * unit_uniform<double>(random_word(s.stream.now(), 0, static_cast<std::uint32_t>(i)));
      double sum = 0;
      int j      = -1;
      do sum += share(++j);
      while (sum <= u && j < s.batch - 1);
      s.column_of[i] = j;
    });
  }
};

}  // namespace detail

/// Pairs drawn from the entropic optimal transport of every batch: for each row of the data a point
/// of the source, from P_ij = exp((f_i + g_j - C_ij) / epsilon) / B with C = |x_1 - x_0|^2 / 2 and
/// potentials that give P equal sums of rows and of columns; epsilon is 'epsilon' times the mean of
/// C. Small: the pairs of Exact, where there is one best; large: Independent ones. A point of the
/// source can have no row, or several.
///
/// 'iterations' of g and f in turn, in the logarithmic domain and in double: 2 kernels each, and a
/// step waits for nothing. Their number is fixed; what they leave is an error of the sums of columns,
/// larger for a small epsilon. Source: Cuturi 2013, NeurIPS, "Sinkhorn distances"; the logarithms as
/// in Peyre and Cuturi 2019, arXiv:1803.00567, section 4.4.
struct Sinkhorn {
  using axis     = coupling_axis;
  double epsilon = 0.05;  ///< of the mean cost; > 0
  int iterations = 100;   ///< >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"epsilon", "1", "of the entropy, in mean costs of the batch"}, self.epsilon,
      range::above(0).finite());
    f(Field{"iterations", "1", "of both potentials"}, self.iterations, range::at_least(1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::coupling::Sinkhorn", *this); }

  template <class Scalar, class Exec, tile::Tuning tuning>
  class bind {
    using memory = typename Exec::memory_space;
    using Begin  = detail::BeginSinkhorn<Scalar>;
    using Scale  = detail::ScaleSinkhorn<Scalar>;

   public:
    bind(int batch, int)
        : batch_(batch),
          costs_("basin::objective::costs", std::size_t(batch) * std::size_t(batch)),
          numbers_("basin::objective::potentials", 2 * std::size_t(batch) + Begin::parts + 1),
          pairs_("basin::objective::pairs", batch) {}

    /// (batch) the row of the sources of each row of the data. Asynchronous on exec.
    template <class Points>
    int const* pair(Exec const& exec, Sinkhorn const& options, Points const& sources,
                    Points const& points, Stream const& stream) const {
      using Rows      = tile::Borrowed<Points>;
      int const B     = batch_;
      double* const f = numbers_.data();
      double *const g = f + B, *const sums = g + B, *const epsilon = sums + Begin::parts;
      tile::for_each_chain<tuning>(
          exec, "basin::costs", B,
          detail::SquaredCosts<Scalar, Rows>{sources, points, costs_.data()});
      tile::for_each_tile<tuning>(exec, "basin::epsilon", 1,
                                  Begin{costs_.data(), B, options.epsilon, f, sums, epsilon});
      for (int k = 0; k < options.iterations; ++k) {
        tile::for_each_chain<tuning>(exec, "basin::columns", B,
                                     Scale{costs_.data(), B, 1, B, f, epsilon, g});
        tile::for_each_chain<tuning>(exec, "basin::rows", B,
                                     Scale{costs_.data(), B, B, 1, g, epsilon, f});
      }
      tile::for_each_chain<tuning>(
          exec, "basin::pairs", B,
          detail::DrawSinkhorn<Scalar>{costs_.data(), B, f, epsilon, pairs_.data(), stream});
      return pairs_.data();
    }

    /// (2, batch) f of the rows, then g of the columns
    Kokkos::View<double const*, memory> potentials() const {
      return Kokkos::subview(numbers_, std::pair(std::size_t(0), 2 * std::size_t(batch_)));
    }
    /// (batch, batch) C
    Kokkos::View<double const*, memory> costs() const { return costs_; }
    /// (1) epsilon times the mean cost
    Kokkos::View<double const*, memory> epsilon() const {
      std::size_t const at = 2 * std::size_t(batch_) + Begin::parts;
      return Kokkos::subview(numbers_, std::pair(at, at + 1));
    }

   private:
    int batch_;
    Kokkos::View<double*, memory> costs_;    // (batch, batch)
    Kokkos::View<double*, memory> numbers_;  // f, g (batch); sums (parts); epsilon (1)
    Kokkos::View<int*, memory> pairs_;       // (batch)
  };
};

}  // namespace basin::objective::coupling

#endif
