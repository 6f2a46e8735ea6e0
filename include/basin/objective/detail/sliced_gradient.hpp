// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_SLICED_GRADIENT_HPP
#define BASIN_OBJECTIVE_DETAIL_SLICED_GRADIENT_HPP

#include <basin/core/check.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/direction.hpp>
#include <basin/objective/residual.hpp>

// Score matching along directions, random or the axes: one pass of jets of order 2.
namespace basin::objective::detail {

// Every axis direction once, instead of a draw.
struct Axes {};

// Sample j % batch, for jet j.
template <class Points>
struct Repeated {
  Points points;
  int batch;
  KOKKOS_FUNCTION auto operator()(int j, int d) const { return points(j % batch, d); }
};

// The jets x + e v: jet j has sample j % batch and direction j / batch.
template <class Points, class Law>
struct FillSliced {
  static constexpr int further_rows = 0;
  Points points;  // (batch, dimension)
  int batch, projections;
  Law law;
  Stream stream;

  template <class Context, class E>
  KOKKOS_FUNCTION Context const& operator()(Context const& c, E const& energy,
                                            typename E::scalar_type* workspace, int first,
                                            Stream const&) const {
    using Scalar    = typename E::scalar_type;
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const x = workspace + E::state_row * size;  // (dimension, 3, T)
    int const count = batch * projections, B = batch;
    Law const make   = law;
    auto const store = [=](auto at, auto v) {
      Scalar* const to = x + at.row * size + at.lane;
      tile::store(to + T, v);
      tile::store(to + 2 * T, decltype(v)(Scalar(0)));
    };
    if (projections == 1)
      c.load_chains(points, first, count, +E::dimension, x);
    else
      c.load_chains(Repeated<Points>{points, B}, first, count, +E::dimension, x);
    if constexpr (std::same_as<Law, Axes>) {
      c.map(+E::dimension, [=](auto at) {
        store(at, P::generate(
                      [&](int l) { return Scalar((first + at.lane + l) / B == at.row ? 1 : 0); }));
      });
    } else {
      c.normal(+E::dimension, stream.now(), static_cast<std::uint32_t>(first),
               [=](auto at, auto z) { store(at, make(z)); });
    }
    load_conditions(c, energy, workspace, first % B, B);
    return c;
  }
};

// From c = E + c_1 e + c_2 e^2: the series of c_1^2 / 2 - 2 c_2, or of -2 c_2.
template <bool with_square>
struct SlicedSeed {
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION V operator()(Place, V c) const {
    V s(typename V::value_type(-2));
    if constexpr (with_square) s.c[1] = c.c[1];
    return s;
  }
};

// losses[n] = share sum_m (c_1^2 / 2, if requested, - 2 c_2) over the directions m of sample n;
// with squares, |grad E|^2 / 2 is already there.
template <class Scalar, bool with_square>
struct SlicedLosses {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* series;  // (3, samples)
  int samples, batch, projections;
  Scalar share;
  Scalar* losses;  // (batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    SlicedLosses const self = *this;
    c.each(batch, [=](int n) {
      Scalar sum = 0;
      for (int m = 0; m < self.projections; ++m) {
        int const j        = m * self.batch + n;
        Scalar const slope = self.series[self.samples + j];
        if (with_square) sum += slope * slope / 2;
        sum -= 2 * self.series[2 * self.samples + j];
      }
      self.losses[n] = with_square ? self.share * sum : self.losses[n] + self.share * sum;
    });
  }
};

// The sum over directions, of both forms: reduced uses |grad E|^2 / 2 instead of (v.grad E)^2 / 2.
template <class E, class Exec, tile::Tuning tuning, class Law, bool reduced>
class SlicedGradient {
 public:
  using Scalar = typename E::scalar_type;
  using memory = typename Exec::memory_space;
  using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

  static constexpr int parameters = 0;

  SlicedGradient(int batch, int projections, Scalar share, std::uint64_t seed)
      : batch_(batch),
        projections_(projections),
        share_(share),
        seed_(seed),
        sliced_(batch * projections),
        square_(reduced ? batch : 1, reduced ? energy::Adds::yes : energy::Adds::no),
        points_("basin::objective::points", batch, +E::dimension),
        losses_("basin::objective::losses", square_.samples() + sliced_.samples()) {
    // A tile of jets then covers one run of samples, whose conditions can be loaded.
    if constexpr (conditions_differ<E>)
      if (projections > 1 && batch % +jets != 0)
        refuse("basin::objective", "the energy has conditions of single samples and there are ",
               projections, " directions; the batch must be a multiple of ", +jets, ", it is ",
               batch);
    sliced_.set_weights(batch * projections, share / static_cast<Scalar>(batch));
    square_.set_weights(reduced ? batch : 1, Scalar(1) / static_cast<Scalar>(batch));
  }

  Batch<Scalar, memory> batch() const { return {points_, {}, {}, {}}; }
  int projections() const { return projections_; }

  void gradient(Exec const& exec, E const& energy, Law const& law, Step const& step,
                Scalar* gradient) const {
    using Points         = tile::Borrowed<Chains>;
    Stream const dropout = step.stream(seed_, Purpose::dropout);
    int const count      = batch_ * projections_;
    if constexpr (reduced)
      square_.record(exec, energy, batch_,
                     FillResidual<E, Points, NoTarget>{points_, {}, losses_.data()}, dropout);
    sliced_.record(exec, energy, count,
                   FillSliced<Points, Law>{points_, batch_, projections_, law,
                                           step.stream(seed_, Purpose::direction)},
                   dropout, SlicedSeed<!reduced>{});
    sliced_.sum(exec, count, gradient);
    if constexpr (reduced) square_.add(exec, batch_, gradient, Scalar(1));
    tile::for_each_tile<tuning>(
        exec, "basin::losses", 1,
        SlicedLosses<Scalar, !reduced>{sliced_.energies(), sliced_.samples(), batch_, projections_,
                                       share_, losses_.data()});
  }

  auto columns() const {
    return std::array<Column<Scalar>, 2>{
        {{quantity::energy_data, sliced_.energies(), nullptr, batch_},
         {quantity::loss, losses_.data(), nullptr, batch_}}};
  }

 private:
  static constexpr int jets = energy::ParameterGradient<E, 2, Exec, tuning>::jets.width;

  int batch_, projections_;
  Scalar share_;  // of a direction in the loss of its sample
  std::uint64_t seed_;
  energy::ParameterGradient<E, 2, Exec, tuning> sliced_;
  energy::ParameterGradient<E, 1, Exec, tuning> square_;
  Chains points_;                         // (batch, dimension)
  Kokkos::View<Scalar*, memory> losses_;  // (batch, padded)
};

}  // namespace basin::objective::detail

#endif
