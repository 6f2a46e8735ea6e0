// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_DENSE_HAMILTONIAN_HPP
#define BASIN_SAMPLER_DENSE_HAMILTONIAN_HPP

#include <basin/sampler/hamiltonian.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>

namespace basin::sampler {

namespace detail {

// The leapfrogs of x = L z, z of unit mass.
template <class Scalar, class Factor>
struct DenseLeapfrogs {
  static constexpr int own_rows           = 0;
  static constexpr bool couples           = true;
  static constexpr int hamiltonian_column = 3;
  Scalar h;
  double longest;  // leapfrogs of the longest trajectory
  Factor factor;   // (dimension, dimension) L

  KOKKOS_FORCEINLINE_FUNCTION Scalar step_size() const { return h; }
  KOKKOS_FORCEINLINE_FUNCTION int count(Scalar, double u) const {
    return static_cast<int>(Kokkos::ceil(longest * u));
  }
  // L p
  template <class V, class Place>
  KOKKOS_FORCEINLINE_FUNCTION V velocity(Place at, Scalar const* p) const {
    V sum(Scalar(0));
    for (int e = 0; e <= at.row; ++e) sum = fma(V(factor(at.row, e)), at.at(e).load(p), sum);
    return sum;
  }
  // L^T dE/dx
  template <class V, class Place>
  KOKKOS_FORCEINLINE_FUNCTION V force(Place at, Scalar const* dx) const {
    V sum(Scalar(0));
    for (int e = at.row; e < static_cast<int>(factor.extent(0)); ++e)
      sum = fma(V(factor(e, at.row)), at.at(e).load(dx), sum);
    return sum;
  }
};

}  // namespace detail

/// A mass (L L^T)^-1, by L in a View that is read on the device and not copied.
template <Real Scalar, class Exec = Kokkos::DefaultExecutionSpace>
struct DenseMass {
  using Factor = Kokkos::View<Scalar const**, Kokkos::LayoutRight, typename Exec::memory_space,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  Factor factor{};  ///< (dimension, dimension) L, units of x / sqrt(E); above the diagonal not read
};

/// Hamiltonian Monte Carlo of a dense mass (L L^T)^-1, as Hamiltonian in coordinates z of unit mass,
/// x = L z:
///
///   p -= h/2 L^T dE/dx;  x += h L p;  p -= h/2 L^T dE/dx    n times,  p ~ N(0, T)
///
/// With L L^T the covariance of exp(-E / T), times 1 / T, all directions have the same period, however
/// correlated the coordinates are: the step is that of a parabola of unit stiffness. Source: Neal 2011,
/// arXiv:1206.1901, section 5.4.1. A leapfrog has dimension^2 multiply-adds besides its gradient.
///
/// Write it as DenseHamiltonian<double>{.mass = {L}}; the View is read on the device and not copied.
///
/// \tparam Exec  whose memory holds the factor
template <Real Scalar, class Exec = Kokkos::DefaultExecutionSpace>
struct DenseHamiltonian {
  int steps                = 10;   ///< K, trajectories of each chain per call; in [0, 2^20]
  double step_size         = 0.1;  ///< h, units of time where E is |z|^2 / 2; > 0
  double trajectory_length = 3;    ///< time of the longest, in the same units; > 0
  double temperature       = 1;    ///< T, units of E; > 0
  DenseMass<Scalar, Exec> mass{};  ///< its L

  static constexpr auto columns = Hamiltonian::columns;
  /// In a mirrored coordinate its proposals would be others, see Boxed.
  static constexpr bool mirrors = false;

  double effective_temperature() const { return temperature; }

  /// \throws std::invalid_argument if the factor has another shape
  template <class E>
  auto move() const {
    auto const& factor = mass.factor;
    static_assert(std::is_same_v<typename E::scalar_type, Scalar>,
                  "basin::sampler::DenseHamiltonian: the factor has another scalar than the "
                  "energy; write DenseHamiltonian<typename E::scalar_type>.");
    if (!is_extent(factor.extent(0), E::dimension) || !is_extent(factor.extent(1), E::dimension))
      refuse("basin::sampler::DenseHamiltonian", "factor has shape (", factor.extent(0), ", ",
             factor.extent(1), "), it must be (", +E::dimension, ", ", +E::dimension, ")");
    using Move = detail::HamiltonianMove<
        E, detail::DenseLeapfrogs<Scalar, typename DenseMass<Scalar, Exec>::Factor>>;
    return Move{{static_cast<Scalar>(step_size), trajectory_length / step_size, factor},
                static_cast<Scalar>(std::sqrt(temperature)),
                static_cast<Scalar>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "trajectories of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "1", "h, time of a leapfrog where E is |z|^2 / 2"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "1", "time of the longest trajectory"}, self.trajectory_length,
      range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
    f.nested("mass", self.mass);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::DenseHamiltonian";
    check_fields(who, *this);
    detail::check_leapfrogs(who, trajectory_length, step_size);
  }
};

}  // namespace basin::sampler

#endif
