// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_PARTICLES_HPP
#define BASIN_ENERGY_TARGET_PARTICLES_HPP

#include <basin/energy/concepts.hpp>

#include <Kokkos_Core.hpp>

namespace basin::energy::target {

/// A cluster of identical particles with a potential of pairs,
///
///   E(x) = sum_(i < j) u(|x_i - x_j|) + tether / 2 sum_i |x_i - c|^2 + center N / 2 |c|^2
///
/// with the center of mass c of N particles. Without 'center' E does not depend on c: exp(-E) is a
/// density on shapes alone, and chains drift. With it c ~ N(0, 1 / (center N)), independent of the
/// shape. States are particles after one another, x_(i, k) in row i dimensions + k. A tile is
/// worked on particle by particle from the rows of its workspace, so that any N fits; each pair is
/// computed twice.
///
/// \tparam Pair  'template <class V> KOKKOS_FUNCTION void operator()(V square, V& u, V& slope) const'
///               of the squared distance r^2: u(r) and u'(r) / r
template <Real Scalar_, int Particles, int Dimensions, class Pair>
struct ParticleEnergy {
  using scalar_type                   = Scalar_;
  using Scalar                        = Scalar_;
  static constexpr int dimension      = Particles * Dimensions;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = dimension;
  static constexpr int energy_row     = 2 * dimension;
  static constexpr int own_row        = 2 * dimension + 1;  // (Particles, T) shares of E
  static constexpr int center_row     = own_row + Particles;
  static constexpr int workspace_rows = center_row + Dimensions;
  static_assert(Particles >= 2 && Dimensions >= 1,
                "basin::energy::target::ParticleEnergy: write at least 2 particles and a "
                "dimension.");

  Pair pair{};
  Scalar tether = 0;  ///< units of E / x^2; >= 0
  Scalar center = 0;  ///< units of E / x^2; >= 0

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    evaluate<true, false>(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    evaluate<false, true>(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    evaluate<true, true>(c, workspace);
  }

 private:
  template <bool Value, bool Gradient, class Context>
  KOKKOS_FUNCTION void evaluate(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + state_row * size;     // (Particles, Dimensions, T)
    Scalar* const dx      = workspace + gradient_row * size;  // (Particles, Dimensions, T)
    Scalar* const e       = workspace + energy_row * size;    // (1, T)
    Scalar* const share   = workspace + own_row * size;       // (Particles, T)
    Scalar* const middle  = workspace + center_row * size;    // (Dimensions, T)
    Pair const u          = pair;
    Scalar const shape = tether, whole = center, half = Scalar(0.5);

    c.map(Dimensions, [=](auto at) {
      V sum(0);
      for (int i = 0; i < Particles; ++i) sum += at.at(i * Dimensions + at.row).load(x);
      at.store(middle, V(Scalar(1) / Particles) * sum);
    });
    c.map(Particles, [=](auto at) {
      V here[Dimensions], slope[Dimensions], pairs(0), square_of_shape(0), square_of_whole(0);
      for (int k = 0; k < Dimensions; ++k) {
        V const mean    = at.at(k).load(middle);
        here[k]         = at.at(at.row * Dimensions + k).load(x);
        V const off     = here[k] - mean;
        slope[k]        = V(shape) * off + V(whole) * mean;
        square_of_shape = fma(off, off, square_of_shape);
        square_of_whole = fma(mean, mean, square_of_whole);
      }
      for (int j = 0; j < Particles; ++j) {
        if (j == at.row) continue;
        V apart[Dimensions], square(0);
        for (int k = 0; k < Dimensions; ++k) {
          apart[k] = here[k] - at.at(j * Dimensions + k).load(x);
          square   = fma(apart[k], apart[k], square);
        }
        V of_pair, factor;
        u(square, of_pair, factor);
        pairs += of_pair;
        for (int k = 0; k < Dimensions; ++k) slope[k] = fma(factor, apart[k], slope[k]);
      }
      if constexpr (Gradient)
        for (int k = 0; k < Dimensions; ++k) at.at(at.row * Dimensions + k).store(dx, slope[k]);
      if constexpr (Value)
        at.store(share,
                 V(half) * (pairs + V(shape) * square_of_shape + V(whole) * square_of_whole));
    });
    if constexpr (Value)
      c.reduce(
          1, Particles, [=](auto at) { return at.load(share); },
          [=](auto at, V sum) { at.store(e, sum); });
  }
};

}  // namespace basin::energy::target

#endif
