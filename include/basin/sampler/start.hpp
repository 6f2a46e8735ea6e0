// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_START_HPP
#define BASIN_SAMPLER_START_HPP

#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/core/shape.hpp>
#include <basin/tile/launch.hpp>

#include <cmath>

namespace basin::sampler {

struct start_axis {};

/// Which rows a start reads besides its draws.
enum class StartRows {
  none,
  data,   ///< a row of the data, drawn uniformly for each chain
  batch,  ///< the row of the batch at the chain's index
};

/// Where a chain starts. A user-defined start is a struct with
///
///   using axis = basin::sampler::start_axis;
///   // Coordinates 4 block ... 4 block + 3 of a chain; those past the dimension are dropped.
///   // x holds the row's if rows are read, else 0. Draws are those of 'stream' for (block,
///   // chain), as in tile::normal_block; block 2^30 is reserved.
///   template <class Scalar> KOKKOS_FUNCTION void operator()(
///       Stream const& stream, int block, std::uint32_t chain, Scalar (&x)[4]) const;
///   static constexpr StartRows rows = StartRows::data;  // if it reads rows
///   // optional, for objectives with weights: of a point x (dimension), normalized
///   template <class Scalar> KOKKOS_FUNCTION Scalar log_density(
///       Scalar const* x, int dimension) const;
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace start {

/// Every coordinate uniform on [lower, upper].
struct Uniform {
  using axis   = start_axis;
  double lower = -1;  ///< units of x
  double upper = 1;   ///< units of x; > lower

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"lower", "x", "least coordinate"}, self.lower);
    f(Field{"upper", "x", "largest coordinate, > lower"}, self.upper);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    if (!(lower < upper) || std::isinf(lower) || std::isinf(upper))
      refuse("basin::sampler::start::Uniform", "lower must be < upper and both finite, got ", lower,
             " and ", upper);
  }

  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    using V = tile::Simd<Scalar, 1>;
    V const least(static_cast<Scalar>(lower)), span(static_cast<Scalar>(upper - lower));
    V u[4];
    tile::uniform_block(stream, static_cast<std::uint32_t>(block), chain, u);
    for (int i = 0; i < 4; ++i) x[i] = fma(span, u[i], least)[0];
  }
};

namespace detail {

// x + deviation z, z ~ N(0, I); a deviation of 0 draws nothing.
template <class Scalar>
KOKKOS_FUNCTION void add_normal(Stream const& stream, int block, std::uint32_t chain,
                                Scalar deviation, Scalar (&x)[4]) {
  using V = tile::Simd<Scalar, 1>;
  if (deviation == 0) return;
  V z[4];
  tile::normal_block(stream, static_cast<std::uint32_t>(block), chain, z);
  for (int i = 0; i < 4; ++i) x[i] = fma(V(deviation), z[i], V(x[i]))[0];
}

}  // namespace detail

/// Every coordinate N(mean, deviation^2).
struct Gaussian {
  using axis                = start_axis;
  double mean               = 0;  ///< units of x
  double standard_deviation = 1;  ///< units of x; >= 0

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"mean", "x", "of every coordinate"}, self.mean, range::any.finite());
    f(Field{"standard_deviation", "x", "of every coordinate"}, self.standard_deviation,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::start::Gaussian", *this); }

  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    for (Scalar& xi : x) xi = static_cast<Scalar>(mean);
    detail::add_normal(stream, block, chain, static_cast<Scalar>(standard_deviation), x);
  }

  /// Of a point, normalized.
  /// \param x  (dimension)
  template <class Scalar>
  KOKKOS_FUNCTION Scalar log_density(Scalar const* x, int dimension) const {
    Scalar const center = static_cast<Scalar>(mean),
                 scale  = static_cast<Scalar>(standard_deviation);
    Scalar squares      = 0;
    for (int d = 0; d < dimension; ++d) {
      Scalar const z = (x[d] - center) / scale;
      squares += z * z;
    }
    Scalar const log_root_of_two_pi = Scalar(0.91893853320467274178);
    return -squares / 2 -
           static_cast<Scalar>(dimension) * (log_root_of_two_pi + Kokkos::log(scale));
  }
};

/// A row of the training data drawn uniformly, plus noise N(0, noise^2).
struct Data {
  using axis                      = start_axis;
  static constexpr StartRows rows = StartRows::data;
  double noise                    = 0;  ///< units of x; >= 0

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"noise", "x", "standard deviation of the noise on the row"}, self.noise,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::start::Data", *this); }

  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    detail::add_normal(stream, block, chain, static_cast<Scalar>(noise), x);
  }
};

/// The data of this batch, row by row, plus noise N(0, noise^2): Hinton's contrastive divergence
/// (Neural Computation 14, 2002) with noise 0. For objective::ContrastiveDivergence.
struct Positives {
  using axis                      = start_axis;
  static constexpr StartRows rows = StartRows::batch;
  double noise                    = 0;  ///< units of x; >= 0

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    Data::fields(self, f);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::start::Positives", *this); }

  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    detail::add_normal(stream, block, chain, static_cast<Scalar>(noise), x);
  }
};

}  // namespace start

/// The rows that a start reads.
template <class S>
inline constexpr StartRows rows_of = StartRows::none;
template <class S>
  requires requires { S::rows; }
inline constexpr StartRows rows_of<S> = S::rows;

namespace detail {

template <class S, class Scalar>
concept StartsChains = requires(S const& s, Stream const& stream, Scalar (&x)[4]) {
  s(stream, 0, std::uint32_t(0), x);
};

}  // namespace detail

/// A distribution of starting points, see namespace start.
template <class S>
concept Start =
    has_axis<S, start_axis> && (detail::StartsChains<S, float> || detail::StartsChains<S, double>);

/// The requirements of Start as an error message.
template <class S>
struct check_start {
  static_assert(Start<S>,
                "basin::sampler::Start: a start policy holds its law; define 'template <class "
                "Scalar> KOKKOS_FUNCTION void operator()(basin::Stream const& stream, int block, "
                "std::uint32_t chain, Scalar (&x)[4]) const', which writes four coordinates.");
  static constexpr bool value = Start<S>;
};

/// A start that reads rows, applied to rows of the data drawn uniformly.
template <class Law>
struct OnDataRows {
  using axis                      = start_axis;
  static constexpr StartRows rows = StartRows::data;
  Law law;

  void check() const { check_numbers(law); }
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    law(stream, block, chain, x);
  }
};

/// A start and the rows it reads.
template <class Law, class Pool>
struct BoundStart {
  Law law;
  Pool pool;  // (rows, dimension) the data, or the batch

  /// The row of the pool that a chain starts from.
  KOKKOS_FUNCTION int row(Stream const& stream, std::uint32_t chain) const {
    if constexpr (rows_of<Law> == StartRows::batch) return static_cast<int>(chain);
    if constexpr (rows_of<Law> == StartRows::data) {
      // Block 2^30 holds no coordinate: a state has fewer than 2^32 of them.
      std::uint32_t const word = random_word(stream, 0xFFFFFFFFu, chain);
      return static_cast<int>(static_cast<std::uint64_t>(word) * pool.extent(0) >> 32);
    }
    return 0;
  }

  /// The whole chain, shared by the team: write(d, x_d).
  template <class Context, class Write>
  KOKKOS_FUNCTION void fill(Context const& c, Stream const& stream, std::uint32_t chain,
                            int dimension, Write const& write) const {
    int const from = row(stream, chain);
    c.each((dimension + 3) / 4, [&, this](int block) {
      typename Context::scalar_type x[4] = {};
      if constexpr (rows_of<Law> != StartRows::none)
        for (int i = 0; i < 4; ++i)
          if (4 * block + i < dimension) x[i] = pool(from, 4 * block + i);
      law(stream, block, chain, x);
      for (int i = 0; i < 4; ++i)
        if (4 * block + i < dimension) write(4 * block + i, x[i]);
    });
  }
};

namespace detail {

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
/// \param start   a start:: policy, or a user-defined one
/// \param chains  (chains, dimension)
/// \param pool    (rows, dimension) the data, or the batch; read where start.rows says so
/// \throws std::invalid_argument if an option of start is invalid, or the pool does not fit
template <tile::Tuning tuning, class Exec, class Law, class Chains, class Pool>
void start_chains(Exec const& exec, Law const& start, Chains const& chains, Pool const& pool,
                  Stream stream) {
  char const* who = "basin::sampler::start_chains";
  static_assert(check_start<Law>::value);
  check_numbers(start);
  if constexpr (rows_of<Law> != StartRows::none) {
    if (pool.extent(1) != chains.extent(1))
      refuse(who, "pool has second extent ", pool.extent(1), ", chains has ", chains.extent(1));
    if (rows_of<Law> == StartRows::batch && pool.extent(0) < chains.extent(0))
      refuse(who, "pool has ", pool.extent(0), " rows, fewer than the ", chains.extent(0),
             " chains that start from them");
    if (pool.extent(0) == 0) refuse(who, "pool has first extent 0, it must hold a row");
    checked_count(who, "pool", pool.extent(0));
  }
  int const count = checked_count(who, "chains", chains.extent(0));
  stream.purpose  = Purpose::sampler_start;
  using source    = BoundStart<Law, tile::Borrowed<Pool>>;
  tile::for_each_chain<tuning>(
      exec, "basin::start", count,
      detail::StartChain<source, tile::Borrowed<Chains>>{source{start, pool}, chains, stream});
}

}  // namespace basin::sampler

#endif
