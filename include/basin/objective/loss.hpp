// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_LOSS_HPP
#define BASIN_OBJECTIVE_LOSS_HPP

#include <basin/core/member.hpp>
#include <basin/core/philox.hpp>
#include <basin/core/policy.hpp>
#include <basin/objective/weight.hpp>
#include <basin/tile/launch.hpp>

#include <concepts>
#include <type_traits>

namespace basin::objective {

struct loss_axis {};

/// What a contrastive objective minimizes, from the energies E+ of B data points and E- of B
/// samples. The gradient of each is a weighted sum of dE/dtheta over the 2 B points, with the
/// samples held fixed. A user-defined loss is a struct with
///
///   using axis = basin::objective::loss_axis;
///   // dL/dE+_n and dL/dE-_n; sums only with 'reduce'.
///   template <class Scalar> KOKKOS_FUNCTION loss::Weights<Scalar> operator()(
///       loss::Energies<Scalar> const& e, int n, Sums const& sums) const;
///   // What all pairs share, computed by one work item: a few values, trivially copyable.
///   template <class Scalar> KOKKOS_FUNCTION Sums reduce(loss::Energies<Scalar> const& e) const;
///   // L_n with L = mean L_n, arguments as of operator(): adds the metric 'loss'.
///   template <class Scalar> KOKKOS_FUNCTION Scalar value(
///       loss::Energies<Scalar> const& e, int n, Sums const& sums) const;
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace loss {

/// The energies of a batch.
template <class Scalar>
struct Energies {
  Scalar const* data;     ///< (batch) E+
  Scalar const* samples;  ///< (batch) E-
  int batch;              ///< B
  Scalar share;           ///< 1 / B
};

/// dL/dE of a data point and of the sample with the same index.
template <class Scalar>
struct Weights {
  Scalar data, sample;
};

/// L = mean E+ - mean E-: the gradient of the negative log-likelihood if the samples are from the
/// model (Hinton 2002, Neural Computation 14). It does not measure progress, and is no metric.
struct Difference {
  using axis = loss_axis;

  template <class Scalar>
  KOKKOS_FUNCTION Weights<Scalar> operator()(Energies<Scalar> const& e, int) const {
    return {e.share, -e.share};
  }
};

/// L = mean_i softplus(E+_i - E-_i): a pair that is already separated has no weight.
/// Source: code of Du and Mordatch 2019 (IGEBM), 'softplus'.
struct Softplus {
  using axis = loss_axis;

  template <class Scalar>
  KOKKOS_FUNCTION Weights<Scalar> operator()(Energies<Scalar> const& e, int n) const {
    Scalar const w = e.share / (Scalar(1) + Kokkos::exp(e.samples[n] - e.data[n]));
    return {w, -w};
  }
  template <class Scalar>
  KOKKOS_FUNCTION Scalar value(Energies<Scalar> const& e, int n) const {
    Scalar const x = e.data[n] - e.samples[n];
    return (x > 0 ? x : Scalar(0)) + Kokkos::log1p(Kokkos::exp(-Kokkos::abs(x)));
  }
};

/// L = mean E+ + log mean exp(-E-), whose gradient is that of mean E+ - sum_i q_i E-_i with
/// q = softmax(-E-) held fixed: samples of low energy have more weight.
/// Source: code of Du and Mordatch 2019 (IGEBM), 'logsumexp'.
struct LogSumExp {
  using axis = loss_axis;

  template <class Scalar>
  struct Sums {
    Scalar least;  // E-
    Scalar sum;    // of exp(least - E-)
  };

  template <class Scalar>
  KOKKOS_FUNCTION Sums<Scalar> reduce(Energies<Scalar> const& e) const {
    Scalar least = e.samples[0];
    for (int n = 1; n < e.batch; ++n) least = e.samples[n] < least ? e.samples[n] : least;
    Scalar sum = 0;
    for (int n = 0; n < e.batch; ++n) sum += Kokkos::exp(least - e.samples[n]);
    return {least, sum};
  }
  template <class Scalar>
  KOKKOS_FUNCTION Weights<Scalar> operator()(Energies<Scalar> const& e, int n,
                                             Sums<Scalar> const& sums) const {
    return {e.share, -(Kokkos::exp(sums.least - e.samples[n]) / sums.sum)};
  }
  template <class Scalar>
  KOKKOS_FUNCTION Scalar value(Energies<Scalar> const& e, int n, Sums<Scalar> const& sums) const {
    return e.data[n] + (Kokkos::log(sums.sum * e.share) - sums.least);
  }
};

}  // namespace loss

namespace detail {

// What 'reduce' of a loss returns; void without it.
template <class L, class Scalar>
struct SumsOf {
  using type                    = void;
  static constexpr int numbers  = 0;
  static constexpr bool carried = true;
};
template <class L, class Scalar>
  requires requires(L const& l, loss::Energies<Scalar> const& e) { l.reduce(e); }
struct SumsOf<L, Scalar> {
  using type =
      decltype(std::declval<L const&>().reduce(std::declval<loss::Energies<Scalar> const&>()));
  static constexpr int numbers =
      static_cast<int>((sizeof(type) + sizeof(Scalar) - 1) / sizeof(Scalar));
  // It is stored in the workspace, an array of scalars.
  static constexpr bool carried = std::is_trivially_copyable_v<type> && alignof(type) <= 64;
};

template <class L, class Scalar, class Sums>
concept WeighsPairs = requires(L const& l, loss::Energies<Scalar> const& e, Sums const& sums) {
  { l(e, 0, sums) } -> std::same_as<loss::Weights<Scalar>>;
};
template <class L, class Scalar>
concept WeighsPairsAlone = requires(L const& l, loss::Energies<Scalar> const& e) {
  { l(e, 0) } -> std::same_as<loss::Weights<Scalar>>;
};

template <class L, class Scalar>
inline constexpr bool weighs = WeighsPairs<L, Scalar, typename SumsOf<L, Scalar>::type>;
template <class L, class Scalar>
  requires std::is_void_v<typename SumsOf<L, Scalar>::type>
inline constexpr bool weighs<L, Scalar> = WeighsPairsAlone<L, Scalar>;

}  // namespace detail

/// A contrastive loss, see namespace loss.
template <class L>
concept Loss = has_axis<L, loss_axis> && (detail::weighs<L, float> || detail::weighs<L, double>);

/// Whether a loss has a value for each pair.
template <class L, class Scalar>
inline constexpr bool has_value = requires(L const& l, loss::Energies<Scalar> const& e) {
  l.value(e, 0);
} || requires(L const& l, loss::Energies<Scalar> const& e) { l.value(e, 0, l.reduce(e)); };

namespace detail {
BASIN_NAMES_MEMBER(NamesValue, value)
}  // namespace detail

/// The requirements of Loss as error messages.
template <class L>
struct check_loss {
  static_assert(
      Loss<L>,
      "basin::objective::Loss: a loss policy holds its weights; define 'template <class "
      "Scalar> KOKKOS_FUNCTION basin::objective::loss::Weights<Scalar> "
      "operator()(basin::objective::loss::Energies<Scalar> const& e, int n) const', dL/dE "
      "of pair n; with a member 'reduce(e)' its result is a third argument.");
  static_assert(!detail::NamesValue<L> || has_value<L, float> || has_value<L, double>,
                "basin::objective::Loss: the loss has a 'value' that can not be called; write "
                "'template <class Scalar> KOKKOS_FUNCTION Scalar "
                "value(basin::objective::loss::Energies<Scalar> const& e, int n) const', with a "
                "member 'reduce(e)' its result as a third argument.");
  static_assert(detail::SumsOf<L, float>::carried,
                "basin::objective::Loss: what 'reduce' returns must be trivially copyable; return "
                "a struct of numbers.");
  static constexpr bool value = Loss<L>;
};

namespace detail {

// weights (2 B): dL/dE_n of the data, then of the samples.
template <class Scalar, class L>
struct LossWeights {
  using scalar_type = Scalar;
  using sums        = SumsOf<L, Scalar>;
  // Enough rows for all values, even with tiles of one chain.
  static constexpr int workspace_rows = sums::numbers;
  L law;
  loss::Energies<Scalar> energies;
  Scalar* weights;  // (2 B)
  Scalar* values;   // (B) L_n; null if there are none
  EnergyPenalty penalty;
  Step step;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int) const {
    LossWeights const s = *this;
    Scalar* const w     = weights;
    Scalar* const v     = values;
    int const B         = energies.batch;
    Scalar const twice  = 2 * static_cast<Scalar>(penalty.at(step.now())) * energies.share;
    if constexpr (sums::numbers > 0) {
      using Sums       = typename sums::type;
      Sums* const kept = reinterpret_cast<Sums*>(workspace);
      c.each(1, [=](int) { *kept = s.law.reduce(s.energies); });
      c.each(B, [=](int n) {
        store(w, n, B, s.law(s.energies, n, *kept), s.energies, twice);
        if constexpr (has_value<L, Scalar>) v[n] = s.law.value(s.energies, n, *kept);
      });
    } else {
      c.each(B, [=](int n) {
        store(w, n, B, s.law(s.energies, n), s.energies, twice);
        if constexpr (has_value<L, Scalar>) v[n] = s.law.value(s.energies, n);
      });
    }
  }

 private:
  static KOKKOS_FUNCTION void store(Scalar* w, int n, int B, loss::Weights<Scalar> const& of_loss,
                                    loss::Energies<Scalar> const& e, Scalar twice) {
    // Without a penalty an infinite E has the weight of the loss alone.
    w[n]     = twice == 0 ? of_loss.data : of_loss.data + twice * e.data[n];
    w[B + n] = twice == 0 ? of_loss.sample : twice * e.samples[n] + of_loss.sample;
  }
};

}  // namespace detail

/// weights = dL/dE, including the penalty, and values = L_n, for energies (data, then samples; 2
/// batch). Asynchronous on exec.
///
/// \param weights  (2 batch)
/// \param values   (batch) without the penalty; null if the loss has none
template <tile::Tuning tuning, class Exec, class L, class Scalar>
void loss_weights(Exec const& exec, L const& loss, Scalar const* energies, Scalar* weights,
                  Scalar* values, int batch, EnergyPenalty const& penalty, Step const& step) {
  static_assert(check_loss<L>::value);
  tile::for_each_tile<tuning>(
      exec, "basin::weights", 1,
      detail::LossWeights<Scalar, L>{
          loss,
          {energies, energies + batch, batch, Scalar(1) / static_cast<Scalar>(batch)},
          weights,
          values,
          penalty,
          step});
}

}  // namespace basin::objective

#endif
