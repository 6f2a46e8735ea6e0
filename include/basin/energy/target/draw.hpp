// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_DRAW_HPP
#define BASIN_ENERGY_TARGET_DRAW_HPP

#include <basin/core/check.hpp>
#include <basin/energy/concepts.hpp>
#include <basin/tile/random.hpp>

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <type_traits>

// Targets are energies whose answers are known, for tests of samplers and for comparisons. Where
// they are known, the formula of a target has on the host
//
//   double log_partition() const;     // ln of the integral of exp(-E)
//   double mean(int d) const;         // of coordinate d
//   double variance(int d) const;
//
// and, for exact samples, draw(numbers, x).
namespace basin::energy::target {

/// The random numbers of one exact sample.
template <Real Scalar>
struct Numbers {
  Stream stream;
  std::uint32_t sample;

  /// z ~ N(0, 1), independent; the same in each call.
  template <int n>
  KOKKOS_FUNCTION void normals(Scalar (&z)[n]) const {
    for (int block = 0; 4 * block < n; ++block) {
      tile::Simd<Scalar, 1> four[4];
      tile::normal_block(stream, static_cast<std::uint32_t>(block), sample, four);
      for (int i = 0; i < 4; ++i)
        if (4 * block + i < n) z[4 * block + i] = four[i][0];
    }
  }

  /// Uniform on (0, 1), independent of the normals.
  KOKKOS_FUNCTION Scalar uniform() const {
    return unit_uniform<Scalar>(random_word(stream, 0xFFFFFFFFu, sample));
  }
};

namespace detail {

template <class Target>
concept DrawsExactly = requires(
    Target const& target, Numbers<typename Target::scalar_type> const& numbers,
    typename Target::scalar_type (&x)[Target::dimension]) { target.formula.draw(numbers, x); };

template <class Formula, class Points>
struct DrawPoint {
  using Scalar = typename Formula::scalar_type;
  Formula formula;
  Points points;  // (points, dimension)
  Stream stream;

  KOKKOS_FUNCTION void operator()(int n) const {
    constexpr int D = Formula::dimension;
    Scalar x[D];
    formula.draw(Numbers<Scalar>{stream, static_cast<std::uint32_t>(n)}, x);
    for (int d = 0; d < D; ++d) points(n, d) = x[d];
  }
};

}  // namespace detail

/// points(n, :) = an exact, independent sample of exp(-E) / Z for each row. Row n depends on seed,
/// step and n alone. Asynchronous on exec.
///
/// \param target  an energy::Analytic whose formula has 'draw'
/// \param points  (points, dimension)
/// \param stream  its purpose becomes sampler_start
/// \throws std::invalid_argument if the second extent is not the dimension
template <class Exec, class Target, class Points>
void draw(Exec const& exec, Target const& target, Points const& points, Stream stream) {
  static_assert(detail::DrawsExactly<Target>,
                "basin::energy::target::draw: this energy has no exact samples; its formula needs "
                "'KOKKOS_FUNCTION void draw(basin::energy::target::Numbers<scalar_type> const& "
                "numbers, scalar_type (&x)[dimension]) const'.");
  if constexpr (detail::DrawsExactly<Target>) {
    using Formula   = std::remove_cvref_t<decltype(target.formula)>;
    char const* who = "basin::energy::target::draw";
    if (!is_extent(points.extent(1), Formula::dimension))
      refuse(who, "points has second extent ", points.extent(1), ", the energy has dimension ",
             +Formula::dimension);
    stream.purpose = Purpose::sampler_start;
    Kokkos::parallel_for(
        "basin::draw",
        Kokkos::RangePolicy<Exec>(exec, 0, checked_count(who, "points", points.extent(0))),
        detail::DrawPoint<Formula, Points>{target.formula, points, stream});
  }
}

}  // namespace basin::energy::target

#endif
