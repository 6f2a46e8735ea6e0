// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_START_HPP
#define BASIN_SAMPLER_START_HPP

#include <basin/core/check.hpp>
#include <basin/core/shape.hpp>
#include <basin/tile/launch.hpp>

#include <cmath>

namespace basin::sampler {

struct start_axis {};

/// Where a chain starts.
namespace start {

/// Every coordinate uniform on [lower, upper].
struct Uniform {
  using axis   = start_axis;
  double lower = -1;  ///< units of x
  double upper = 1;   ///< units of x; > lower

  void check() const {
    if (!(lower < upper) || std::isinf(lower) || std::isinf(upper))
      refuse("basin::sampler::start::Uniform", "lower must be < upper and both finite, got ", lower,
             " and ", upper);
  }
};

/// Every coordinate N(mean, deviation^2).
struct Gaussian {
  using axis                = start_axis;
  double mean               = 0;  ///< units of x
  double standard_deviation = 1;  ///< units of x; >= 0

  void check() const {
    if (!std::isfinite(mean))
      refuse("basin::sampler::start::Gaussian", "mean must be finite, got ", mean);
    if (!(standard_deviation >= 0) || std::isinf(standard_deviation))
      refuse("basin::sampler::start::Gaussian", "standard_deviation must be >= 0 and finite, got ",
             standard_deviation);
  }
};

/// A row of the training data drawn uniformly, plus noise N(0, noise^2).
struct Data {
  using axis   = start_axis;
  double noise = 0;  ///< units of x; >= 0

  void check() const {
    if (!(noise >= 0) || std::isinf(noise))
      refuse("basin::sampler::start::Data", "noise must be >= 0 and finite, got ", noise);
  }
};

/// The data of this batch, row by row, plus noise N(0, noise^2): Hinton's contrastive divergence
/// (Neural Computation 14, 2002) with noise 0. For objective::ContrastiveDivergence.
struct Positives {
  using axis   = start_axis;
  double noise = 0;  ///< units of x; >= 0

  void check() const {
    if (!(noise >= 0) || std::isinf(noise))
      refuse("basin::sampler::start::Positives", "noise must be >= 0 and finite, got ", noise);
  }
};

}  // namespace start

namespace detail {

// A start policy with its numbers in the energy's scalar and the rows that it may draw from (the
// data, or the batch). Gives four consecutive coordinates of a chain at a time.
template <class Start, class Scalar, class Pool>
struct StartSource {
  Scalar first, second;  // lower and span, mean and deviation, or noise
  Pool pool;             // (rows, dimension)

  StartSource(Start const& s, Pool const& rows) : pool(rows) {
    if constexpr (std::same_as<Start, start::Uniform>) {
      first  = static_cast<Scalar>(s.lower);
      second = static_cast<Scalar>(s.upper - s.lower);
    } else if constexpr (std::same_as<Start, start::Gaussian>) {
      first  = static_cast<Scalar>(s.mean);
      second = static_cast<Scalar>(s.standard_deviation);
    } else {
      first  = 0;
      second = static_cast<Scalar>(s.noise);
    }
  }

  // The row of the pool that this chain starts from.
  KOKKOS_FUNCTION int row(Stream const& stream, std::uint32_t chain) const {
    if constexpr (std::same_as<Start, start::Positives>) return static_cast<int>(chain);
    if constexpr (std::same_as<Start, start::Data>) {
      // Block 2^30 holds no coordinate: a state has fewer than 2^32 of them.
      std::uint32_t const word = random_word(stream, 0xFFFFFFFFu, chain);
      return static_cast<int>(static_cast<std::uint64_t>(word) * pool.extent(0) >> 32);
    }
    return 0;
  }

  // Coordinates 4 block, ..., 4 block + 3 of the chain; those past dimension are not meant.
  KOKKOS_FUNCTION void operator()(int row, Stream const& stream, int block, std::uint32_t chain,
                                  int dimension, Scalar (&x)[4]) const {
    using V = tile::Simd<Scalar, 1>;
    V u[4];
    if constexpr (std::same_as<Start, start::Uniform>) {
      tile::uniform_block(stream, static_cast<std::uint32_t>(block), chain, u);
      for (int i = 0; i < 4; ++i) x[i] = fma(V(second), u[i], V(first))[0];
    } else {
      if (second != 0)
        tile::normal_block(stream, static_cast<std::uint32_t>(block), chain, u);
      else
        for (int i = 0; i < 4; ++i) u[i] = V(Scalar(0));
      for (int i = 0; i < 4; ++i) {
        Scalar center = first;
        if constexpr (!std::same_as<Start, start::Gaussian>)
          center = 4 * block + i < dimension ? pool(row, 4 * block + i) : Scalar(0);
        x[i] = fma(V(second), u[i], V(center))[0];
      }
    }
  }

  // The whole chain, shared by the team: write(d, x_d).
  template <class Context, class Write>
  KOKKOS_FUNCTION void fill(Context const& c, Stream const& stream, std::uint32_t chain,
                            int dimension, Write const& write) const {
    int const from = row(stream, chain);
    c.each((dimension + 3) / 4, [&, this](int block) {
      Scalar x[4];
      (*this)(from, stream, block, chain, dimension, x);
      for (int i = 0; i < 4; ++i)
        if (4 * block + i < dimension) write(4 * block + i, x[i]);
    });
  }
};

template <class Source, class Chains>
struct StartChain {
  using scalar_type                   = typename Chains::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Source source;
  Chains chains;  // (chains, dimension)
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int chain) const {
    Chains const to = chains;
    source.fill(c, stream.now(), static_cast<std::uint32_t>(chain),
                static_cast<int>(chains.extent(1)),
                [&](int d, scalar_type x) { to(chain, d) = x; });
  }
};

}  // namespace detail

/// Writes a starting point into every row of chains. Asynchronous on exec.
///
/// \param start   a start:: policy
/// \param chains  (chains, dimension)
/// \param pool    (rows, dimension) the data, or the batch; read by start::Data and Positives only
/// \throws std::invalid_argument if a number of start is refused, or the pool does not fit
template <tile::Tuning tuning, class Exec, class Start, class Chains, class Pool>
void start_chains(Exec const& exec, Start const& start, Chains const& chains, Pool const& pool,
                  Stream stream) {
  char const* who = "basin::sampler::start_chains";
  start.check();
  if constexpr (std::same_as<Start, start::Data> || std::same_as<Start, start::Positives>) {
    if (pool.extent(1) != chains.extent(1))
      refuse(who, "pool has second extent ", pool.extent(1), ", chains has ", chains.extent(1));
    if (std::same_as<Start, start::Positives> && pool.extent(0) < chains.extent(0))
      refuse(who, "pool has ", pool.extent(0), " rows, fewer than the ", chains.extent(0),
             " chains that start from them");
    if (pool.extent(0) == 0) refuse(who, "pool has first extent 0, it must hold a row");
  }
  stream.purpose = Purpose::sampler_start;
  using source =
      detail::StartSource<Start, typename Chains::non_const_value_type, tile::Borrowed<Pool>>;
  tile::for_each_chain<tuning>(
      exec, "basin::start", static_cast<int>(chains.extent(0)),
      detail::StartChain<source, tile::Borrowed<Chains>>{source(start, pool), chains, stream});
}

}  // namespace basin::sampler

#endif
