// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_RUNNING_MOMENTS_HPP
#define BASIN_METRIC_RUNNING_MOMENTS_HPP

#include <basin/core/check.hpp>
#include <basin/metric/nested_r_hat.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::metric {

namespace detail {

// Welford 1962: one draw more.
template <class Values, class Exec>
struct AddDraw {
  Values values;                         // (chains), or (chains, functions)
  Kokkos::View<double**, Exec> mean;     // (functions, chains)
  Kokkos::View<double**, Exec> squares;  // (functions, chains) sum of (x - mean)^2
  double draws;                          // with this one

  KOKKOS_FUNCTION void operator()(std::int64_t item) const {
    std::size_t const m = static_cast<std::size_t>(item) % mean.extent(1);
    std::size_t const k = static_cast<std::size_t>(item) / mean.extent(1);
    double x;
    if constexpr (Values::rank() == 1)
      x = static_cast<double>(values(m));
    else
      x = static_cast<double>(values(m, k));
    double const before = x - mean(k, m);
    mean(k, m) += before / draws;
    squares(k, m) += before * (x - mean(k, m));
  }
};

}  // namespace detail

/// Means and variances of functions of many chains while they run, in one pass: the draws are not
/// kept. From them come the diagnostics that need no ranks. The memory is 2 doubles for each chain
/// and function; a draw is one kernel, which allocates nothing and waits for nothing.
template <class Exec>
class RunningMoments {
 public:
  /// \throws std::invalid_argument if a number is not > 0
  explicit RunningMoments(int chains, int functions = 1)
      : mean_("basin::metric::mean", positive("functions", functions), positive("chains", chains)),
        squares_("basin::metric::squares", functions, chains) {}

  /// Adds a draw of every chain. Asynchronous on exec.
  ///
  /// \param values  (chains), or (chains, functions), of any layout: a column of a sampler, energies,
  ///                or the chains themselves
  /// \throws std::invalid_argument if the shape is another
  template <class Values>
  void add(Exec const& exec, Values const& values) {
    static_assert(Values::rank() == 1 || Values::rank() == 2,
                  "basin::metric::RunningMoments: values must be a View of rank 1, (chains), or 2, "
                  "(chains, functions).");
    std::size_t functions = 1;
    if constexpr (Values::rank() == 2) functions = values.extent(1);
    if (values.extent(0) != mean_.extent(1) || functions != mean_.extent(0))
      refuse("basin::metric::RunningMoments", "values are of ", values.extent(0), " chains and ",
             functions, " functions, expected ", mean_.extent(1), " and ", mean_.extent(0));
    ++draws_;
    detail::for_each_item(
        exec, "basin::add_draw", static_cast<std::int64_t>(mean_.size()),
        detail::AddDraw<Values, Exec>{values, mean_, squares_, static_cast<double>(draws_)});
  }

  /// Draws of each chain so far.
  std::int64_t draws() const { return draws_; }

  /// Forgets them, as after warm-up. Asynchronous on exec.
  void reset(Exec const& exec) {
    draws_ = 0;
    Kokkos::deep_copy(exec, mean_, 0.0);
    Kokkos::deep_copy(exec, squares_, 0.0);
  }

  /// Of each function, over all draws of all chains; NaN where a draw was not finite. Waits for exec,
  /// as the other results.
  std::vector<double> mean(Exec const& exec) const {
    return of_each(exec,
                   [](detail::ChainMoments const& of, double) { return detail::mean_of(of.mean); });
  }

  /// Divided by the number of all draws - 1.
  std::vector<double> standard_deviation(Exec const& exec) const {
    return of_each(exec, [](detail::ChainMoments const& of, double n) {
      double const chains = static_cast<double>(of.mean.size()), mean = detail::mean_of(of.mean);
      double sum = 0;
      for (std::size_t m = 0; m < of.mean.size(); ++m)
        sum += of.squares[m] + n * (of.mean[m] - mean) * (of.mean[m] - mean);
      return std::sqrt(sum / (chains * n - 1));
    });
  }

  /// metric::nested_r_hat of the draws so far.
  /// \throws std::invalid_argument if superchains does not fit
  std::vector<double> nested_r_hat(Exec const& exec, int superchains) const {
    detail::check_superchains("basin::metric::RunningMoments::nested_r_hat", superchains,
                              mean_.extent(1));
    return of_each(exec, [=](detail::ChainMoments const& of, double n) {
      return detail::nested_reduction(of, static_cast<std::size_t>(n), superchains, 1);
    });
  }

 private:
  static int positive(char const* name, int value) {
    if (value < 1) refuse("basin::metric::RunningMoments", name, " must be > 0, got ", value);
    return value;
  }

  template <class F>
  std::vector<double> of_each(Exec const& exec, F const& f) const {
    exec.fence("basin::metric::RunningMoments");
    auto const mean    = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), mean_);
    auto const squares = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), squares_);
    std::vector<double> results;
    for (std::size_t k = 0; k < mean.extent(0); ++k) {
      detail::ChainMoments of;
      for (std::size_t m = 0; m < mean.extent(1); ++m) {
        of.mean.push_back(mean(k, m));
        of.squares.push_back(squares(k, m));
      }
      results.push_back(draws_ == 0 ? detail::no_number : f(of, static_cast<double>(draws_)));
    }
    return results;
  }

  Kokkos::View<double**, Exec> mean_;     // (functions, chains)
  Kokkos::View<double**, Exec> squares_;  // (functions, chains)
  std::int64_t draws_ = 0;
};

}  // namespace basin::metric

#endif
