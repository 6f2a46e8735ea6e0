// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_PARAMETERS_HPP
#define BASIN_TESTS_SUPPORT_PARAMETERS_HPP

#include <basin/optimizer/update.hpp>

#include <cmath>
#include <vector>

namespace basin::test {

/// What an optimizer works on, in one execution space: parameters padded with zeros to whole
/// blocks.
template <class Exec, class Scalar, int States>
struct Parameters {
  using Array                          = Kokkos::View<Scalar*, Exec>;
  static constexpr tile::Tuning tuning = tile::default_tuning<Exec, Scalar>();

  int count, blocks, padded;
  int weights;  // the first of them, on which weight decay acts
  Array theta, gradient, state, averaged, factor;

  explicit Parameters(int parameters)
      : count(parameters),
        blocks(optimizer::blocks(parameters)),
        padded(blocks * optimizer::block),
        weights(parameters),
        theta("theta", padded),
        gradient("gradient", padded),
        state("state", States * padded),
        averaged("averaged", padded),
        factor("factor", 1) {
    set(theta, [](int k) { return std::cos(0.7 * k); });
    Kokkos::deep_copy(averaged, theta);
    Kokkos::deep_copy(factor, Scalar(1));
  }

  /// array(k) = value(k) for each parameter; the padding stays.
  template <class Value>
  void set(Array const& array, Value const& value) const {
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), array);
    for (int k = 0; k < count; ++k) host(k) = static_cast<Scalar>(value(k));
    Kokkos::deep_copy(array, host);
  }

  template <tile::Tuning other = tuning, class Step>
  void update(Step const& step, double average = 0) const {
    optimizer::update<other, States>(Exec(), step, static_cast<Scalar>(1 - average), weights,
                                     factor.data(), gradient.data(), theta.data(), state.data(),
                                     average > 0 ? averaged.data() : nullptr, blocks);
  }

  static std::vector<double> read(Array const& array) {
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), array);
    return std::vector<double>(host.data(), host.data() + host.size());
  }

  /// Whether what lies behind the parameters is zero, in theta, averages and each state.
  bool padding_is_zero() const {
    auto const t = read(theta), a = read(averaged), s = read(state);
    for (int k = count; k < padded; ++k) {
      if (t[static_cast<std::size_t>(k)] != 0 || a[static_cast<std::size_t>(k)] != 0) return false;
      for (int j = 0; j < States; ++j)
        if (s[static_cast<std::size_t>(j * padded + k)] != 0) return false;
    }
    return true;
  }
};

/// A gradient of order 1 with no pattern: of parameter k at update t.
inline double test_gradient(int k, int t) { return std::sin(0.37 * k + 1.3 * t + 0.011 * k * t); }

}  // namespace basin::test

#endif
