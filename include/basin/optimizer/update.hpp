// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_UPDATE_HPP
#define BASIN_OPTIMIZER_UPDATE_HPP

#include <basin/optimizer/concepts.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/scaling.hpp>

namespace basin::optimizer {

/// Parameters per work item. Parameter vectors are padded with zeros to a multiple of it.
inline constexpr int block = 2048;

constexpr int blocks(int parameters) { return (parameters + block - 1) / block; }

namespace detail {

// The sum of g^2 over block b is partial[b] units[b]^2: 64 bytes of partial sums, for any vector
// width, then those in order. Kokkos aligns Views to 64 bytes, so wider vectors could not be loaded.
template <class Scalar>
struct SquaredNorm {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* g;  // (padded parameters)
  Scalar* partial;  // (blocks)
  Scalar* units;    // (blocks)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int b) const {
    Scalar const* const mine = g + static_cast<std::size_t>(b) * block;
    Scalar *const out = partial + b, *const unit = units + b;
    c.each(1, [=](int) {
      using V = tile::Simd<Scalar, 64 / sizeof(Scalar)>;
      V sum(Scalar(0));
      for (int i = 0; i < block; i += V::lanes) {
        V const gi = tile::load<V>(mine + i);
        sum        = sum + gi * gi;
      }
      Scalar total = 0;
      for (int lane = 0; lane < V::lanes; ++lane) total += sum[lane];
      using One     = tile::Simd<Scalar, 1>;
      auto const of = tile::scaled_squares(One(total), +block, [=](int i) { return One(mine[i]); });
      *out          = of.squares[0];
      *unit         = of.unit.size[0];
    });
  }
};

// A step, or a pointer to one on the device.
template <class Step>
KOKKOS_FORCEINLINE_FUNCTION Step const& value_of(Step const& step) {
  return step;
}
template <class Step>
KOKKOS_FORCEINLINE_FUNCTION Step const& value_of(Step const* step) {
  return *step;
}

template <class Scalar, class Step, int States>
struct Update {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;

  Step step;
  Scalar average_of;     // weight of theta in its average: 1 - decay of the average
  int weights;           // number of leading parameters, to which weight decay applies
  Scalar const* factor;  // (1) of the gradient; not finite: no change
  Scalar const* g;       // (padded parameters)
  Scalar* theta;         // (padded parameters)
  Scalar* state;         // (States, padded parameters)
  Scalar* averaged;      // (padded parameters), or null
  std::size_t padded;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int b) const {
    using V            = typename Context::value_type;
    Scalar const scale = *factor;
    if (!Kokkos::isfinite(scale)) return;
    Update const self    = *this;
    auto const one       = value_of(step);
    std::size_t const at = static_cast<std::size_t>(b) * block;
    c.each(block / V::lanes, [=](int i) {
      std::size_t const k = at + static_cast<std::size_t>(i) * V::lanes;
      State<V, States> s;
      for (int j = 0; j < States; ++j) s.array[j] = tile::load<V>(self.state + j * self.padded + k);
      V t       = tile::load<V>(self.theta + k);
      V const g = tile::load<V>(self.g + k) * V(scale);
      if constexpr (ReadsIsWeight<States, std::remove_cvref_t<decltype(one)>, V>) {
        std::size_t const end = static_cast<std::size_t>(self.weights);
        bool const all = k + V::lanes <= end, mixed = !all && k < end;
        apply<States>(one, t, g, s,
                      mixed ? V::generate([&](int l) {
                        return Scalar(k + static_cast<std::size_t>(l) < end ? 1 : 0);
                      })
                            : V(Scalar(all ? 1 : 0)));
      } else {
        apply<States>(one, t, g, s, V(Scalar(0)));
      }
      for (int j = 0; j < States; ++j) tile::store(self.state + j * self.padded + k, s.array[j]);
      tile::store(self.theta + k, t);
      if (self.averaged) {
        V const a = tile::load<V>(self.averaged + k);
        tile::store(self.averaged + k, fma(V(self.average_of), t - a, a));
      }
    });
  }
};

}  // namespace detail

/// Squared norms of the blocks of g (padded), partial (blocks) times the square of units (blocks),
/// powers of two: 1 where the squares are in the range of Scalar, see tile/scaling.hpp. Asynchronous
/// on exec.
template <tile::Tuning tuning, class Exec, class Scalar>
void squared_norms(Exec const& exec, Scalar const* g, Scalar* partial, Scalar* units, int count) {
  tile::for_each_tile<tuning>(exec, "basin::norms", count,
                              detail::SquaredNorm<Scalar>{g, partial, units});
}

/// One update of theta by g * factor, and of the exponential moving average
/// averaged <- (1 - average_of) averaged + average_of theta. Asynchronous on exec.
///
/// \param step      Optimizer::at(...), or a pointer to it on the device
/// \param factor    (1) on the device, from the clipping by global norm; if it is not finite
///                  nothing is changed, so that a diverged step cannot spoil the parameters
/// \param weights   number of leading parameters that belong to the energy: those that decay
/// \param state     (states, padded)
/// \param averaged  (padded), or null
template <tile::Tuning tuning, int States, class Exec, class Step, class Scalar>
void update(Exec const& exec, Step const& step, Scalar average_of, int weights,
            Scalar const* factor, Scalar const* g, Scalar* theta, Scalar* state, Scalar* averaged,
            int count) {
  tile::for_each_tile<tuning>(
      exec, "basin::update", count,
      detail::Update<Scalar, Step, States>{step, average_of, weights, factor, g, theta, state,
                                           averaged, static_cast<std::size_t>(count) * block});
}

}  // namespace basin::optimizer

#endif
