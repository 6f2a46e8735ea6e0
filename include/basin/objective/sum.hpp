// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_SUM_HPP
#define BASIN_OBJECTIVE_SUM_HPP

#include <basin/core/check.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/share.hpp>
#include <basin/objective/weight.hpp>
#include <basin/tile/launch.hpp>

#include <memory>
#include <string>

namespace basin::objective {

namespace detail {

// Copies what comes with row n of a batch to another objective's batch, where that uses it.
template <class Scalar, class Points>
struct CopyBatch {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Points points, to_points;          // (B, dimension)
  Points conditions, to_conditions;  // (B, k), or empty
  int const* labels;                 // (B)
  int* to_labels;                    // (B), null: not used
  Scalar const* weights;             // (B)
  Scalar* to_weights;                // (B), null: not used

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    CopyBatch const s = *this;
    c.each(static_cast<int>(to_points.extent(1)),
           [=](int d) { s.to_points(n, d) = s.points(n, d); });
    c.each(static_cast<int>(to_conditions.extent(1)),
           [=](int d) { s.to_conditions(n, d) = s.conditions(n, d); });
    c.each(1, [=](int) {
      if (s.to_labels) s.to_labels[n] = s.labels[n];
      if (s.to_weights) s.to_weights[n] = s.weights[n];
    });
  }
};

// gradient += a of the second objective in theta; its own parameters are not shared.
template <class Scalar>
struct AddTerm {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int block          = 2048;  // elements of a work item
  Scalar const* from;                          // (shared + own)
  Scalar* to;                                  // (shared + between + own)
  int shared, between, own;
  Weight weight;
  Step step;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int item) const {
    AddTerm const s = *this;
    int const begin = item * block, left = shared + own - begin;
    Scalar const a = static_cast<Scalar>(weight.at(step.now()));
    c.each(left < block ? left : +block, [=](int k) {
      int const i = begin + k;
      // What is switched off may be NaN.
      Scalar const term = a == 0 ? Scalar(0) : a * s.from[i];
      if (i < s.shared)
        s.to[i] += term;
      else
        s.to[i + s.between] = term;
    });
  }
};

// (A function with a type of its own: nvcc 13 mixes up what auto stands for.)
template <class First, class Second>
constexpr std::array<char const*, advice<First>.size() + advice<Second>.size()> joined_advice() {
  std::array<char const*, advice<First>.size() + advice<Second>.size()> all{};
  for (std::size_t i = 0; i < advice<First>.size(); ++i) all[i] = advice<First>[i];
  for (std::size_t i = 0; i < advice<Second>.size(); ++i)
    all[advice<First>.size() + i] = advice<Second>[i];
  return all;
}

}  // namespace detail

/// Two objectives on the same batch: the gradient of the first plus a times that of the second, for
/// example PersistentCd and a penalty. Sums nest. Each has its own random draws; parameters of
/// either besides theta come after theta, the first's before the second's.
///
/// \tparam First, Second  objectives that set the same energy coordinates
template <class First, class Second>
struct Sum {
  static_assert(objective::conditions<First> == objective::conditions<Second>,
                "basin::objective::Sum: one objective sets coordinates of the energy that the "
                "other takes from the data; write two that agree on 'conditions'.");
  static constexpr int conditions = objective::conditions<First>;

  First first{};
  Second second{};
  Weight weight{};  ///< a

  /// What to try when a run diverges: what either says.
  static constexpr std::array<char const*,
                              objective::advice<First>.size() + objective::advice<Second>.size()>
      advice = detail::joined_advice<First, Second>();

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("first", self.first);
    f.nested("second", self.second);
    f.nested("weight", self.weight);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    check_fields("basin::objective::Sum", *this);
    first.check(batch);
    second.check(batch);
  }

  /// The part of a slice of the run: that of each.
  Sum share(int slice, int slices) const {
    return {share_of(first, slice, slices), share_of(second, slice, slices), weight};
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
   public:
    using Scalar      = typename E::scalar_type;
    using memory      = typename Exec::memory_space;
    using first_type  = bound<First, E, Exec, tuning>;
    using second_type = bound<Second, E, Exec, tuning>;
    static_assert(check_objective<First, E, Exec, tuning>::value &&
                  check_objective<Second, E, Exec, tuning>::value);

    static constexpr int parameters = parameters_of<first_type> + parameters_of<second_type>;

    bind(Exec const& exec, Sum const& options, int batch, Dataset<Scalar, memory> const& data,
         std::uint64_t seed)
        : first_(exec, options.first, batch, data, seed),
          second_(exec, options.second, batch, data, seed_of(seed, 1)),
          further_("basin::objective::gradient", E::parameters + parameters_of<second_type>),
          names_(std::make_shared<Names>()) {
      auto const all = join(first_.columns(), second_.columns());
      for (std::size_t i = 0; i < own_columns; ++i)
        (*names_)[i] = distinct(all[first_columns + i].quantity.name, i, all);
    }

    /// (batch) input for the data of a step: what either objective uses.
    Batch<Scalar, memory> batch() const {
      auto both        = first_.batch();
      auto const other = second_.batch();
      if (both.labels.size() == 0) both.labels = other.labels;
      if (both.conditions.size() == 0) both.conditions = other.conditions;
      if (both.weights.size() == 0) both.weights = other.weights;
      return both;
    }

    /// gradient (E::parameters + parameters) of both at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, Sum const& options, E const& energy, Step const& step,
                  Scalar const* own, Scalar* gradient) {
      constexpr int shared = E::parameters, between = parameters_of<first_type>;
      copy_batch(exec);
      first_.gradient(exec, options.first, energy, step, own, gradient);
      second_.gradient(exec, options.second, energy, step, own + between, further_.data());
      using Add       = detail::AddTerm<Scalar>;
      int const count = static_cast<int>(further_.size());
      tile::for_each_tile<tuning>(
          exec, "basin::add", tile::tiles(count, Add::block),
          Add{further_.data(), gradient, shared, between, count - shared, options.weight, step});
    }

    /// The columns of both. A name of the second that is taken gets a suffix, as in loss_2.
    auto columns() const {
      auto all = join(first_.columns(), second_.columns());
      for (std::size_t i = 0; i < own_columns; ++i)
        all[first_columns + i].quantity.name = (*names_)[i].c_str();
      return all;
    }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(Sum const& options) {
      if constexpr (requires { first_.change(options.first); }) first_.change(options.first);
      if constexpr (requires { second_.change(options.second); }) second_.change(options.second);
    }

    /// Starting points for a user's chains: from the first objective that has chains.
    template <class Chains>
      requires(StartsChains<first_type, First, Exec, Chains> ||
               StartsChains<second_type, Second, Exec, Chains>)
    void start(Exec const& exec, Sum const& options, Chains const& chains, Stream const& stream) {
      if constexpr (StartsChains<first_type, First, Exec, Chains>)
        first_.start(exec, options.first, chains, stream);
      else
        second_.start(exec, options.second, chains, stream);
    }

    /// The samples of the last step: of the first objective that has some.
    auto last_samples() const
      requires(HasSamples<first_type> || HasSamples<second_type>)
    {
      if constexpr (HasSamples<first_type>)
        return first_.last_samples();
      else
        return second_.last_samples();
    }

    /// Lists what must be saved.
    template <class Archive>
    void archive(Archive& a) {
      if constexpr (requires { first_.archive(a); }) a("first", first_);
      if constexpr (requires { second_.archive(a); }) a("second", second_);
    }

    first_type& first() { return first_; }
    first_type const& first() const { return first_; }
    second_type& second() { return second_; }
    second_type const& second() const { return second_; }

   private:
    static constexpr std::size_t first_columns = column_count<first_type>;
    static constexpr std::size_t own_columns   = column_count<second_type>;
    using Names                                = std::array<std::string, own_columns>;

    template <class All>
    std::string distinct(std::string const& name, std::size_t place, All const& all) const {
      auto const taken = [&](std::string const& wanted) {
        for (std::size_t i = 0; i < first_columns; ++i)
          if (wanted == all[i].quantity.name) return true;
        for (std::size_t i = 0; i < place; ++i)
          if (wanted == (*names_)[i]) return true;
        return false;
      };
      std::string wanted = name;
      for (int number = 2; taken(wanted); ++number) wanted = name + "_" + std::to_string(number);
      return wanted;
    }

    void copy_batch(Exec const& exec) const {
      using Points    = tile::Borrowed<Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>>;
      auto const from = batch(), to = second_.batch();
      bool const condition = to.conditions.data() != from.conditions.data();
      bool const label     = to.labels.data() != from.labels.data();
      bool const weigh     = to.weights.data() != from.weights.data();
      tile::for_each_chain<tuning>(
          exec, "basin::batch", static_cast<int>(to.points.extent(0)),
          detail::CopyBatch<Scalar, Points>{
              from.points, to.points, from.conditions, condition ? Points(to.conditions) : Points(),
              from.labels.data(), label ? to.labels.data() : nullptr, from.weights.data(),
              weigh ? to.weights.data() : nullptr});
    }

    first_type first_;
    second_type second_;
    Kokkos::View<Scalar*, memory> further_;  // (E::parameters + those of second)
    std::shared_ptr<Names> names_;           // names of second's columns, which columns point to
  };
};

}  // namespace basin::objective

#endif
