// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_HEAD_LABELED_HPP
#define BASIN_ENERGY_HEAD_LABELED_HPP

#include <basin/energy/head/log_sum_exp.hpp>

namespace basin::energy::head {

namespace detail {

// A head with a label for every chain.
struct ReadsLabels {
  int const* labels = nullptr;  ///< (chains) in [0, outputs); reachable from the kernels

  // Row 0: the label, exact in float below 2^24.
  template <class Context, class Scalar>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* rows, int first, int count) const {
    using V               = typename Context::value_type;
    using P               = typename V::simd_type;
    int const* const from = labels;
    c.map(1, [=](auto at) {
      at.store(rows, V(P::generate([&](int l) {
                 int const chain = first + at.lane + l;
                 return static_cast<Scalar>(from[chain < count ? chain : count - 1]);
               })));
    });
  }

  // a where the output is the chain's label, else b.
  template <class Place, class Scalar, class V>
  static KOKKOS_FORCEINLINE_FUNCTION V where_label(Place at, Scalar const* rows, V a, V b) {
    using P      = typename V::simd_type;
    P const away = tile::coefficient(at.at(0).load(rows), 0) - P(static_cast<Scalar>(at.row));
    return where_less(V(abs(away)), V(Scalar(0.5)), a, b);
  }

  // f_y of the chain's label y
  template <int outputs, class Place, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION auto of_label(Place at, Scalar const* f, Scalar const* rows) {
    using V = typename Place::value_type;
    V sum(Scalar(0));
    for (int y = 0; y < outputs; ++y)
      sum = sum + where_label(at.at(y), rows, at.at(y).load(f), V(Scalar(0)));
    return sum;
  }
};

}  // namespace detail

/// E(x, y) = -f_y(x) of a classifier with logits f, y the label of each chain: the energy of
/// class-conditional chains. Source: Grathwohl et al. 2020, arXiv:1912.03263, eq. 5.
struct Labeled : detail::ReadsLabels {
  static constexpr int rows          = 1;  // the label
  static constexpr int least_outputs = 2;

  template <int outputs, class Context, class Scalar>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar const* f, Scalar* rows, Scalar* e) const {
    c.map(1, [=](auto at) { at.store(e, -of_label<outputs>(at, f, rows)); });
  }
  template <class Place, class V, class Scalar>
  KOKKOS_FORCEINLINE_FUNCTION V slope(Place at, V, Scalar const* rows) const {
    return where_label(at, rows, V(Scalar(-1)), V(Scalar(0)));
  }
};

/// The cross-entropy log sum_z exp f_z(x) - sum_z q_z f_z(x), y the label of each sample, as the
/// value whose gradient is recorded: the term that trains a classifier. The target q is 1 at y, so
/// that it is -log p(y | x); label smoothing by s (Szegedy et al. 2016, arXiv:1512.00567, section 7)
/// is share = 1 - s at the label and rest = s / outputs at every class.
struct CrossEntropy : detail::ReadsLabels {
  static constexpr int rows          = 2;  // the label, log sum_y exp f_y
  static constexpr int least_outputs = 2;

  double share = 1;  ///< of the target at the label
  double rest  = 0;  ///< of the target at every class; share + outputs rest = 1

  template <int outputs, class Context, class Scalar>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar const* f, Scalar* rows, Scalar* e) const {
    Scalar const at_label = static_cast<Scalar>(share), at_all = static_cast<Scalar>(rest);
    c.map(1, [=](auto at) {
      using V          = decltype(at.load(f));
      auto const total = detail::log_sum_exp<outputs>(at, f);
      at.at(1).store(rows, total);
      V expected = V(at_label) * of_label<outputs>(at, f, rows);
      if (at_all > 0)
        for (int y = 0; y < outputs; ++y) expected = expected + V(at_all) * at.at(y).load(f);
      at.store(e, total - expected);
    });
  }
  /// p(y | x) - q_y
  template <class Place, class V, class Scalar>
  KOKKOS_FORCEINLINE_FUNCTION V slope(Place at, V f, Scalar const* rows) const {
    Scalar const at_label = static_cast<Scalar>(share + rest), at_all = static_cast<Scalar>(rest);
    return exp(f - at.at(1).load(rows)) - where_label(at, rows, V(at_label), V(at_all));
  }
};

}  // namespace basin::energy::head

#endif
