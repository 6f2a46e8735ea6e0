// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_BALANCE_HPP
#define BASIN_OBJECTIVE_BALANCE_HPP

#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/tile/launch.hpp>

#include <Kokkos_Core.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace basin::objective {

struct balance_axis {};

namespace quantity {

inline constexpr Quantity balance{"balance", "1",
                                  "factor of the generative terms, besides weights"};

}  // namespace quantity

namespace detail {

// Sums of squares of two vectors, in double and in one order on every backend.
template <class Scalar>
struct SumSquares {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int block          = 2048;  // elements of a work item
  static constexpr int parts          = 32;    // of each
  Scalar const *first, *second;                // (count)
  int count, blocks;
  double* sums;  // (2, blocks, parts)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int item) const {
    SumSquares const s = *this;
    int const begin = item * block, end = count - begin < +block ? +count : begin + block;
    std::size_t const mine  = static_cast<std::size_t>(item) * parts;
    std::size_t const other = static_cast<std::size_t>(blocks) * parts;
    c.each(+parts, [=](int p) {
      double a = 0, b = 0;
      for (int i = begin + p; i < end; i += parts) {
        double const x = static_cast<double>(s.first[i]), y = static_cast<double>(s.second[i]);
        a += x * x;
        b += y * y;
      }
      s.sums[mine + static_cast<std::size_t>(p)]         = a;
      s.sums[other + mine + static_cast<std::size_t>(p)] = b;
    });
  }
};

// The averages of both norms, and the factor s.
template <class Scalar, class Options, class Factor>
struct BalanceNorms {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = SumSquares<Scalar>::parts;
  Options options;
  Factor weight;  // of the second
  int blocks;
  Step step;
  double* sums;   // (2, blocks, parts)
  double* norms;  // (2) averages, 0: none yet
  Scalar* s;      // (1)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    BalanceNorms const at = *this;
    c.each(2 * parts, [=](int i) {
      double* const of =
          at.sums +
          static_cast<std::size_t>(i / parts) * static_cast<std::size_t>(at.blocks * parts) +
          i % parts;
      for (int b = 1; b < at.blocks; ++b) *of += of[static_cast<std::size_t>(b * parts)];
    });
    c.each(1, [=](int) {
      double const weights[2] = {1, at.weight()};
      for (int k = 0; k < 2; ++k) {
        double const* const of =
            at.sums + static_cast<std::size_t>(k) * static_cast<std::size_t>(at.blocks * parts);
        double square = 0;
        for (int p = 0; p < parts; ++p) square += of[p];
        double const norm = Kokkos::abs(weights[k]) * Kokkos::sqrt(square);
        // A part whose turn it is not keeps its average, and so does one that is not finite.
        if (!(norm > 0) || !Kokkos::isfinite(norm)) continue;
        at.norms[k] = at.norms[k] > 0 ? norm + at.options.decay * (at.norms[k] - norm) : norm;
      }
      *at.s = static_cast<Scalar>(at.options.factor(at.norms[0], at.norms[1], at.step.now()));
    });
  }
};

// A weight times s.
template <class Scalar, class Factor>
struct Balanced {
  Factor weight;
  Scalar const* s;  // (1)
  KOKKOS_FUNCTION double operator()() const { return weight() * static_cast<double>(*s); }
};

}  // namespace detail

/// How the generative terms of a joint model are scaled beside those of log p(y | x). A user-defined
/// policy is a struct with
///
///   using axis = basin::objective::balance_axis;
///   template <class Scalar, class Exec, tile::Tuning tuning> class bind {
///     explicit bind(int parameters);
///     // gradient (parameters) += factor() times generative (parameters), scaled; gradient is that of
///     // log p(y | x). Asynchronous; allocates nothing.
///     template <class Factor>
///     void add(Exec const&, Policy const&, Factor const& factor, Step const&,
///              Scalar const* generative, Scalar* gradient);
///     std::array<Column<Scalar>, n> columns() const;
///     template <class Archive> void archive(Archive&);  // if there is something to save
///   };
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace balance {

/// The weights alone.
struct None {
  using axis = balance_axis;

  template <class Scalar, class Exec, tile::Tuning tuning>
  class bind {
   public:
    explicit bind(int parameters) : parameters_(parameters) {}
    template <class Factor>
    void add(Exec const& exec, None const&, Factor const& factor, Step const&,
             Scalar const* generative, Scalar* gradient) const {
      energy::add_scaled<tuning>(exec, generative, parameters_, factor, gradient);
    }
    std::array<Column<Scalar>, 0> columns() const { return {}; }

   private:
    int parameters_;
  };
};

/// The gradient is d + s g, with d that of the terms of log p(y | x), g that of the contrast of data
/// and samples, both with their weights, and
///
///   s = min(most, max(least, ratio |d| / |g|))^(1 - t / fade),   0 for the exponent once t > fade
///
/// at step t. The norms are averages over steps, n <- decay n + (1 - decay) |.|, of those steps in
/// which they are not 0: with turn::Alternating each is that of its own turns. Before both are known
/// s is 1. Where p(y | x) and p(x) are both right in the same parameters d and g vanish there for any
/// s; elsewhere the balance is another weight of log p(x), for good unless it fades.
///
/// Ours, inspired by Stabilized JEM (arXiv:2303.04187), which balances contributions to the gradient
/// by a formula that is not published. It is not the factor of the samples alone: then E could grow
/// by a constant without end, to which p(y | x) is blind.
struct GradientNorms {
  using axis   = balance_axis;
  double ratio = 1;    ///< |s g| / |d|; > 0
  double least = 0.1;  ///< smallest s; in (0, 1]
  double most  = 10;   ///< largest s; >= 1; 1: the generative terms are never scaled up
  double decay = 0.9;  ///< of the averages; in [0, 1); 0: the norms of each step
  long fade    = 0;    ///< training steps until s is 1; 0: it does not fade

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"ratio", "1", "of the generative norm to that of log p(y | x)"}, self.ratio,
      range::above(0).finite());
    f(Field{"least", "1", "smallest factor"}, self.least,
      Range{.low = 0, .high = 1, .without_low = true});
    f(Field{"most", "1", "largest factor"}, self.most, range::at_least(1).finite());
    f(Field{"decay", "1", "of the averages of the norms"}, self.decay, range::right_open(0, 1));
    f(Field{"fade", "steps", "until the factor is 1; 0: never"}, self.fade, range::at_least(0));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::balance::GradientNorms", *this); }

  /// s at a step, of the averages of both norms; 0: not known
  KOKKOS_FUNCTION double factor(double discriminative, double generative, std::uint64_t now) const {
    if (!(discriminative > 0 && generative > 0)) return 1;
    double const s     = ratio * (discriminative / generative);
    double const bound = s < least ? least : s > most ? most : s;
    if (fade == 0) return bound;
    double const left = 1 - static_cast<double>(now) / static_cast<double>(fade);
    return left > 0 ? Kokkos::pow(bound, left) : 1;
  }

  template <class Scalar, class Exec, tile::Tuning tuning>
  class bind {
    using Sum    = detail::SumSquares<Scalar>;
    using memory = typename Exec::memory_space;

   public:
    explicit bind(int parameters)
        : parameters_(parameters),
          blocks_(tile::tiles(parameters, +Sum::block)),
          sums_("basin::objective::balance", std::size_t(2 * blocks_ * Sum::parts)),
          norms_("basin::objective::balance", 2),
          factor_("basin::objective::balance", 1) {}

    template <class Factor>
    void add(Exec const& exec, GradientNorms const& options, Factor const& weight, Step const& step,
             Scalar const* generative, Scalar* gradient) const {
      tile::for_each_tile<tuning>(exec, "basin::squares", blocks_,
                                  Sum{gradient, generative, parameters_, blocks_, sums_.data()});
      tile::for_each_tile<tuning>(
          exec, "basin::balance", 1,
          detail::BalanceNorms<Scalar, GradientNorms, Factor>{
              options, weight, blocks_, step, sums_.data(), norms_.data(), factor_.data()});
      energy::add_scaled<tuning>(exec, generative, parameters_,
                                 detail::Balanced<Scalar, Factor>{weight, factor_.data()},
                                 gradient);
    }
    std::array<Column<Scalar>, 1> columns() const {
      return {{{quantity::balance, factor_.data(), nullptr, 1}}};
    }
    /// Lists what must be saved.
    template <class Archive>
    void archive(Archive& a) {
      a("norms", norms_);
    }

   private:
    int parameters_, blocks_;
    Kokkos::View<double*, memory> sums_;    // (2, blocks, parts)
    Kokkos::View<double*, memory> norms_;   // (2)
    Kokkos::View<Scalar*, memory> factor_;  // (1)
  };
};

}  // namespace balance

}  // namespace basin::objective

#endif
