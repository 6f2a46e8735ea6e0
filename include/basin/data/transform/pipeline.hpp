// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_TRANSFORM_PIPELINE_HPP
#define BASIN_DATA_TRANSFORM_PIPELINE_HPP

#include <basin/core/archive.hpp>
#include <basin/data/samples.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace basin::data {

/// An invertible map of rows.
template <class T>
concept Transform = requires(T const& t, Table const& x) {
  { T::name } -> std::convertible_to<char const*>;
  t.apply(x);
  t.invert(x);
  { t.log_jacobian(x) } -> std::same_as<std::vector<double>>;
};

namespace transform {

/// One transform after the other: y = t_k(... t_2(t_1(x))).
///
/// A transform has, for Samples or a Table x,
///
///   void apply(x) const;                              // in place, x becomes y
///   void invert(y) const;                             // in place, y becomes x
///   std::vector<double> log_jacobian(x) const;        // (rows) log|det dy/dx| at x, before apply
///   void archive(a);                                  // what it keeps
///   static constexpr char const* name;                // in the archive
///   void fit(x);                                      // optional: what it keeps, of a training set
///
/// so that log p(x) = log p(y) + log|det dy/dx| of a density p(y) of transformed rows. Errors are
/// std::invalid_argument, and rows are then unchanged.
///
/// Keep it with the model, see run::Hooks::keep, and invert what the model draws:
///
///   auto const drawn = data::host_rows(trainer.sample(1000, 500));
///   pipeline.invert(drawn);
template <class... Stages>
class Pipeline {
  static_assert((Transform<Stages> && ...),
                "basin::data::transform::Pipeline: a stage has 'name', and for a data::Table x the "
                "const members apply(x), invert(x) and std::vector<double> log_jacobian(x).");

 public:
  Pipeline() = default;
  explicit Pipeline(Stages... stages) : stages_(std::move(stages)...) {}

  /// Stage i.
  template <std::size_t i>
  auto& stage() {
    return std::get<i>(stages_);
  }
  template <std::size_t i>
  auto const& stage() const {
    return std::get<i>(stages_);
  }

  /// Fits each stage that has fit(x) to what those before it make of a training set, which stays as it is.
  template <Rows R>
  void fit(R const& x) {
    auto fitted    = stages_;
    auto const now = host_rows(x);
    each(fitted, [&](auto& stage) {
      if constexpr (requires { stage.fit(now); }) stage.fit(now);
      stage.apply(now);
    });
    stages_ = std::move(fitted);
  }

  template <Rows R>
  void apply(R const& x) const {
    auto const y = host_rows(x);
    each(stages_, [&](auto const& stage) { stage.apply(y); });
    assign(x, y);
  }

  template <Rows R>
  void invert(R const& y) const {
    auto const x = host_rows(y);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (std::get<sizeof...(Stages) - 1 - i>(stages_).invert(x), ...);
    }(std::index_sequence_for<Stages...>());
    assign(y, x);
  }

  template <Rows R>
  std::vector<double> log_jacobian(R const& x) const {
    std::vector<double> sums(x.extent(0), 0);
    auto const now = host_rows(x);
    each(stages_, [&](auto const& stage) {
      std::vector<double> const terms = stage.log_jacobian(now);
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += terms[i];
      stage.apply(now);
    });
    return sums;
  }

  /// Names "0.dequantize", "1.logit", ...
  template <Archive A>
  void archive(A& a) {
    int number = 0;
    each(stages_, [&](auto& stage) {
      a(std::to_string(number++) + "." + std::remove_cvref_t<decltype(stage)>::name, stage);
    });
  }

  static constexpr char const* name = "pipeline";

 private:
  template <class Tuple, class Work>
  static void each(Tuple& stages, Work const& work) {
    std::apply([&](auto&... stage) { (work(stage), ...); }, stages);
  }
  template <class To, class From>
  static void assign(To const& to, From const& from) {
    for (std::size_t i = 0; i < to.extent(0); ++i)
      for (std::size_t j = 0; j < to.extent(1); ++j) to(i, j) = from(i, j);
  }

  std::tuple<Stages...> stages_;
};

}  // namespace transform

}  // namespace basin::data

#endif
