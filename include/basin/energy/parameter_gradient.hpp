// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_PARAMETER_GRADIENT_HPP
#define BASIN_ENERGY_PARAMETER_GRADIENT_HPP

#include <basin/energy/derivatives.hpp>
#include <basin/energy/fill.hpp>
#include <basin/energy/network.hpp>
#include <basin/tile/launch.hpp>

#include <algorithm>
#include <type_traits>

namespace basin::energy {

namespace detail {

// One tile of a batch: what fill leaves in the workspace, its energies, and what the parameter
// gradient needs.
template <class E, class Fill, class Draws, class Seed, int order>
struct RecordTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows + Fill::further_rows;
  static constexpr int jet_order      = order;
  E energy;
  Fill fill;
  Seed seed;
  Record<scalar_type> record;
  Draws draws;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    int const first = tile * Context::width;
    if constexpr (std::is_same_v<Draws, layer::Inference>) {
      energy.record(fill(c, energy, workspace, first, Stream{}), workspace, record, first, draws,
                    seed);
    } else {
      Stream const pass = draws.now();
      energy.record(fill(c, energy, workspace, first, pass), workspace, record, first, pass, seed);
    }
  }
};

// How sums over count samples are split: into parts of length samples of one coefficient each, or
// not at all.
struct Parting {
  int count, parts, length;  // parts of each coefficient

  // At most this many parts, of at least a slice and of whole cache lines.
  static constexpr int at_most(int count, int slice, int most) {
    return slice == 0 ? 1 : std::clamp(count / slice, 1, most);
  }
  static constexpr Parting of(int count, int slice, int most) {
    int const samples = std::max(count, 1);  // an empty batch has one empty part
    int const length  = tile::tiles(tile::tiles(samples, at_most(samples, slice, most)), 32) * 32;
    return {count, std::max(tile::tiles(count, length), 1), length};
  }
  constexpr int total(int series) const { return parts == 1 ? 1 : parts * series; }

  template <class Scalar>
  KOKKOS_FUNCTION layer::Slice operator()(Record<Scalar> const& record, int part) const {
    if (parts == 1) return {0, (record.series - 1) * record.samples + count};
    int const first = part / parts * record.samples, at = part % parts * length;
    return {first + at, first + (at + length < count ? at + length : count)};
  }
};

template <class E>
struct SumGradient {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 0;
  Record<scalar_type> record;
  scalar_type const* weights;
  Parting parting;
  scalar_type* gradients;  // (parts, parameters)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int item) const {
    int const block = item % E::gradient_blocks, part = item / E::gradient_blocks;
    E::parameter_gradient(c, block, record, weights, parting(record, part),
                          gradients + static_cast<std::size_t>(part) * E::parameters);
  }
};

// gradient = the parts' gradients, one added after the other.
template <class Scalar>
struct AddParts {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int block          = 512;  // parameters of a work item
  Scalar const* gradients;                    // (parts, parameters)
  int parts, parameters;
  Scalar* gradient;  // (parameters)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int item) const {
    int const first = item * block, left = parameters - first;
    c.each(left < block ? left : +block, [=, *this](int i) {
      Scalar const* const from = gradients + first + i;
      Scalar sum               = *from;
      for (int p = 1; p < parts; ++p) sum += from[static_cast<std::size_t>(p) * parameters];
      gradient[first + i] = sum;
    });
  }
};

// to += factor from
template <class Scalar, class Factor>
struct AddScaled {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int block          = 2048;  // elements of a work item
  Scalar const* from;
  Scalar* to;
  int count;
  Factor factor;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int item) const {
    int const begin = item * block, n = count - begin < +block ? count - begin : +block;
    Scalar const* const x = from + begin;
    Scalar* const y       = to + begin;
    Scalar const f        = [&] {
      if constexpr (requires { factor(); })
        return static_cast<Scalar>(factor());
      else
        return static_cast<Scalar>(factor);
    }();
    if (f == 0) return;  // what is switched off may be NaN
    c.each(n, [=](int i) { y[i] += f * x[i]; });
  }
};

}  // namespace detail

/// to[i] += factor from[i] for i in [0, count). Asynchronous on exec.
///
/// \param factor  a value, or an object whose KOKKOS_FUNCTION operator()() returns it
template <tile::Tuning tuning, class Exec, class Scalar, class Factor>
void add_scaled(Exec const& exec, Scalar const* from, int count, Factor const& factor, Scalar* to) {
  using Add = detail::AddScaled<Scalar, Factor>;
  tile::for_each_tile<tuning>(exec, "basin::add", tile::tiles(count, Add::block),
                              Add{from, to, count, factor});
}

/// Whether a ParameterGradient can add to a gradient, which needs an extra array.
enum class Adds { no, yes };

/// Gradients of sums over a batch with respect to theta, and the arrays they need.
///
/// Without jets (order 0) that of sum_n w_n E(x_n). With jets of order K, where
/// E(x_n + e u_n) = c_0 + c_1 e + ... + c_K e^K, that of sum_n w_n sum_k s_(K-k) c_k with the
/// series s of a seed, which is held fixed: by default s = 1, that is sum_n w_n c_K, with order 1
/// sum_n w_n u_n.grad E(x_n) and with order 2 sum_n w_n u_n.H u_n / 2.
///
/// \tparam E       an energy::Network
/// \tparam tuning  how the backend splits the work; the order of the sums over samples depends
///                 only on its 'slice'
template <class E, int order, class Exec, tile::Tuning tuning>
class ParameterGradient {
 public:
  using Scalar  = typename E::scalar_type;
  using memory  = typename Exec::memory_space;
  using Numbers = Kokkos::View<Scalar*, memory>;

  static constexpr tile::Tuning jets = tile::jet_tuning(tuning, order);
  static constexpr int series        = order + 1;
  static constexpr int line          = 64 / static_cast<int>(sizeof(Scalar));  ///< of the cache

  /// \param points  maximum batch size
  /// \param adds    whether 'add' will be called
  explicit ParameterGradient(int points, Adds adds = Adds::no)
      // Whole cache lines, so that every row is aligned; plus one: rows a power of two apart would
      // map to few cache sets.
      : samples_(tile::tiles(tile::tiles(points, jets.width) * jets.width, line) * line + line),
        rows_("basin::energy::record", std::size_t(E::record_rows) * series * samples_),
        energies_("basin::energy::energies", std::size_t(series) * samples_),
        weights_("basin::energy::weights", std::size_t(series) * samples_),
        parts_("basin::energy::parts", of_parts(points)),
        added_("basin::energy::added", adds == Adds::yes ? +E::parameters : 0) {
    check_smoothness<E, order>();
  }

  /// Evaluates count points. Asynchronous on exec.
  ///
  /// \param fill  writes the state of a tile and returns the context to continue with, see fill.hpp
  /// \param draws the Stream of dropout, or layer::Inference: dropout is off
  /// \param seed  s from the series c, lane by lane, see UnitSeed
  template <class Fill, class Seed = UnitSeed, class Draws = Stream>
  void record(Exec const& exec, E const& energy, int count, Fill const& fill, Draws const& draws,
              Seed const& seed = {}) const {
    tile::for_each_tile<jets, Kokkos::Schedule<Kokkos::Dynamic>>(
        exec, "basin::record", tile::tiles(count, jets.width),
        detail::RecordTile<E, Fill, Draws, Seed, order>{energy, fill, seed, view(), draws});
  }

  /// gradient (parameters) = the sum over the recorded points, with the current weights(). Consumes
  /// the record. Asynchronous on exec.
  void sum(Exec const& exec, int count, Scalar* gradient) const {
    auto const parting = parting_of(count);
    int const parts    = parting.total(series);
    tile::for_each_tile<tuning, Kokkos::Schedule<Kokkos::Dynamic>>(
        exec, "basin::gradient", E::gradient_blocks * parts,
        detail::SumGradient<E>{view(), weights_.data(), parting,
                               parts == 1 ? gradient : parts_.data()});
    if (parts == 1) return;
    using Add = detail::AddParts<Scalar>;
    tile::for_each_tile<tuning>(exec, "basin::parts", tile::tiles(E::parameters, Add::block),
                                Add{parts_.data(), parts, E::parameters, gradient});
  }

  /// gradient (parameters) += factor times the result of sum, by one more kernel. Consumes the
  /// record. Asynchronous on exec.
  ///
  /// \param factor  a value, or a device function, see add_scaled
  /// \throws std::invalid_argument if constructed without Adds::yes
  template <class Factor>
  void add(Exec const& exec, int count, Scalar* gradient, Factor const& factor) const {
    if (added_.size() == 0)
      refuse("basin::energy::ParameterGradient",
             "add needs an array of its own; write Adds::yes in the constructor");
    sum(exec, count, added_.data());
    add_scaled<tuning>(exec, static_cast<Scalar const*>(added_.data()), +E::parameters, factor,
                       gradient);
  }

  /// (series, samples) c of every recorded point
  Scalar* energies() const { return energies_.data(); }
  /// (series, samples) w, the same for all coefficients of a sample, 0 past the batch; initially 0
  Scalar* weights() const { return weights_.data(); }
  int samples() const { return samples_; }

  /// Weight w for each of count points.
  void set_weights(int count, Scalar w) const {
    auto const host = Kokkos::create_mirror_view(weights_);
    Kokkos::deep_copy(host, Scalar(0));
    for (int k = 0; k < series; ++k)
      for (int n = 0; n < count; ++n) host(k * samples_ + n) = w;
    Kokkos::deep_copy(weights_, host);
  }

 private:
  Record<Scalar> view() const { return {rows_.data(), energies_.data(), samples_, series}; }

  // About enough work items that no multiprocessor of a GPU waits long for the last.
  static constexpr int most_parts = tile::tiles(512, E::gradient_blocks);
  static constexpr detail::Parting parting_of(int count) {
    return detail::Parting::of(count, tuning.slice, most_parts);
  }
  // Elements of the gradients of all parts.
  static constexpr std::size_t of_parts(int points) {
    int const parts = detail::Parting::at_most(points, tuning.slice, most_parts);
    return parts == 1 ? 0 : std::size_t(parts) * series * E::parameters;
  }

  int samples_;       // the batch padded to full tiles
  Numbers rows_;      // (record_rows, series, samples)
  Numbers energies_;  // (series, samples)
  Numbers weights_;   // (series, samples)
  Numbers parts_;     // (parts, parameters)
  Numbers added_;     // (parameters), if it adds
};

/// gradient (parameters) = d/dtheta sum_n u_n.grad E(x_n), with dropout off. Allocates working
/// memory and waits for the result.
///
/// \param points      (n, dimension of the energy)
/// \param directions  (n, dimension of the energy) u, held fixed
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Directions, class Gradient>
void mixed_gradient(Exec const& exec, E const& energy, Points const& points,
                    Directions const& directions, Gradient const& gradient) {
  detail::check_directions<E>("basin::energy::mixed_gradient", points, directions);
  if (!is_extent(gradient.extent(0), E::parameters))
    refuse("basin::energy::mixed_gradient", "gradient has extent ", gradient.extent(0),
           ", the energy has ", +E::parameters, " parameters");
  int const count = static_cast<int>(points.extent(0));
  ParameterGradient<E, 1, Exec,
                    tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()> const
      work(count);
  work.set_weights(count, 1);
  work.record(exec, energy, count, FillJets<Points, Directions>{points, directions},
              layer::Inference{});
  work.sum(exec, count, gradient.data());
  exec.fence("basin::energy::mixed_gradient");
}

}  // namespace basin::energy

#endif
