// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_AUTOCORRELATION_HPP
#define BASIN_METRIC_AUTOCORRELATION_HPP

#include <basin/metric/detail/draws.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::metric {

namespace detail {

template <class Exec>
struct CenterChains {
  ChainTable<Exec> table;            // x, then x - mean
  Kokkos::View<double*, Exec> mean;  // (chains)

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain), n = table.extent(1);
    double const first = table(m, 0);
    double sum         = 0;
    for (std::size_t i = 0; i < n; ++i) sum += table(m, i) - first;
    double const center = first + sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) table(m, i) -= center;
    mean(m) = center;
  }
};

// Several lags at once: each number is read for all of them.
template <class Exec>
struct LagProducts {
  static constexpr std::size_t lags = 8;

  ChainTable<Exec> table;     // (chains, draws), centered
  ChainTable<Exec> products;  // (chains, lags), from lag 'first' on
  std::size_t first;

  KOKKOS_FUNCTION void operator()(std::int64_t item) const {
    constexpr std::size_t L  = lags;
    std::size_t const chains = table.extent(0), n = table.extent(1);
    std::size_t const m      = static_cast<std::size_t>(item) % chains;
    std::size_t const column = static_cast<std::size_t>(item) / chains * L;
    std::size_t const lag    = first + column;
    double sums[L]           = {};
    std::size_t i            = 0;
    for (; i + lag + L <= n; ++i) {
      double const x = table(m, i);
      for (std::size_t l = 0; l < L; ++l) sums[l] += x * table(m, i + lag + l);
    }
    for (; i + lag < n; ++i) {
      double const x = table(m, i);
      for (std::size_t l = 0; l < L; ++l)
        if (i + lag + l < n) sums[l] += x * table(m, i + lag + l);
    }
    for (std::size_t l = 0; l < L; ++l)
      if (column + l < products.extent(1)) products(m, column + l) = sums[l];
  }
};

template <class Exec>
struct SumOverChains {
  ChainTable<Exec> products;         // (chains, lags)
  Kokkos::View<double*, Exec> sums;  // (lags)

  KOKKOS_FUNCTION void operator()(std::int64_t lag) const {
    std::size_t const l = static_cast<std::size_t>(lag);
    double sum          = 0;
    for (std::size_t m = 0; m < products.extent(0); ++m) sum += products(m, l);
    sums(l) = sum;
  }
};

// rho_t of all chains together, lag by lag as they are asked for: most chains forget soon.
template <class Exec>
class Autocorrelations {
 public:
  /// \param table  centered in place
  Autocorrelations(Exec const& exec, ChainTable<Exec> const& table) : exec_(exec), table_(table) {
    Kokkos::View<double*, Exec> const mean("basin::metric::mean", table.extent(0));
    for_each_item(exec, "basin::center", static_cast<std::int64_t>(table.extent(0)),
                  CenterChains<Exec>{table, mean});
    compute(0);
    double const n = static_cast<double>(draws());
    within_        = covariances_[0] * n / (n - 1);
    total_         = covariances_[0];
    if (table.extent(0) > 1) total_ += variance_of(to_host(mean));
  }

  std::size_t draws() const { return table_.extent(1); }

  /// \param lag  < draws()
  double operator()(std::size_t lag) {
    if (lag == 0) return 1;
    while (lag >= covariances_.size()) compute(covariances_.size());
    return 1 - (within_ - covariances_[lag]) / total_;
  }

 private:
  // As many lags from 'first' on as there are, at least 16.
  void compute(std::size_t first) {
    std::size_t const lags = std::min(std::max<std::size_t>(first, 16), draws() - first);
    std::size_t const each = LagProducts<Exec>::lags, chains = table_.extent(0);
    auto const products = chain_table(exec_, chains, lags);
    Kokkos::View<double*, Exec> const sums("basin::metric::sums", lags);
    for_each_item(exec_, "basin::lags",
                  static_cast<std::int64_t>(chains * ((lags + each - 1) / each)),
                  LagProducts<Exec>{table_, products, first});
    for_each_item(exec_, "basin::lag_sums", static_cast<std::int64_t>(lags),
                  SumOverChains<Exec>{products, sums});
    double const numbers = static_cast<double>(chains) * static_cast<double>(draws());
    for (double const sum : to_host(sums)) covariances_.push_back(sum / numbers);
  }

  Exec exec_;
  ChainTable<Exec> table_;
  std::vector<double> covariances_;  // (lags) sum_i x_i x_(i+t) / n, mean over the chains
  double within_ = 0, total_ = 0;
};

}  // namespace detail

/// The autocorrelation of all chains together at lags 0 ... lags,
///
///   rho_t = 1 - (W - mean_m c_mt) / v,   c_mt = sum_i (x_mi - x_m)(x_m(i+t) - x_m) / n,
///   W = mean_m c_m0 n / (n - 1),   v = W (n - 1) / n + var_m x_m
///
/// with the chain means x_m and their variance, divided by chains - 1: chains that disagree count
/// as correlated. Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian Analysis
/// 16(2), arXiv:1903.08008, eq. 10; chains are not split here. O(chains draws lags), in double.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout
/// \param lags   < draws
/// \return (lags + 1), or such a vector for each function; NaN if a draw is not finite or all are
///         equal. Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 2 draws, no chains, or lags does not fit
template <class Exec, class Draws>
auto autocorrelation(Exec const& exec, Draws const& draws, std::size_t lags) {
  char const* who = "basin::metric::autocorrelation";
  return detail::of_each_function(who, exec, draws, 2, [&](auto const& table) {
    if (lags >= table.extent(1))
      refuse(who, "lags must be < ", table.extent(1), ", the number of draws, got ", lags);
    std::vector<double> rho(lags + 1, detail::no_number);
    if (!detail::is_finite(exec, table)) return rho;
    detail::Autocorrelations<Exec> of(exec, table);
    for (std::size_t t = 0; t <= lags; ++t) rho[t] = of(t);
    return rho;
  });
}

}  // namespace basin::metric

#endif
