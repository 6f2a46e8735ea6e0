// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_LABEL_HPP
#define BASIN_OBJECTIVE_LABEL_HPP

#include <basin/core/check.hpp>
#include <basin/core/policy.hpp>

#include <cmath>
#include <concepts>
#include <vector>

namespace basin::objective {

struct label_axis {};

/// Laws of the labels of class-conditional chains. A user-defined law is a struct with
///
///   using axis = basin::objective::label_axis;
///   // A weight for each class, from the number of labels in the data; scaled to the sum 1.
///   std::vector<double> operator()(std::vector<long> const& counts) const;
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace label {

/// The classes as often as among the labels of the data: E- is then that of the model of p(x) whose
/// p(y) is the data's.
struct Frequencies {
  using axis = label_axis;
  std::vector<double> operator()(std::vector<long> const& counts) const {
    return {counts.begin(), counts.end()};
  }
};

/// Every class as often as another one (the code of Grathwohl et al. 2020, arXiv:1912.03263).
struct Uniform {
  using axis = label_axis;
  std::vector<double> operator()(std::vector<long> const& counts) const {
    return std::vector<double>(counts.size(), 1);
  }
};

}  // namespace label

/// A law of labels, see namespace label.
template <class L>
concept LabelLaw = has_axis<L, label_axis> && requires(L const& l, std::vector<long> const& n) {
  { l(n) } -> std::same_as<std::vector<double>>;
};

/// The requirements of LabelLaw as an error message.
template <class L>
struct check_label_law {
  static_assert(LabelLaw<L>,
                "basin::objective::LabelLaw: a law of labels names its axis, 'using axis = "
                "basin::objective::label_axis', and defines 'std::vector<double> "
                "operator()(std::vector<long> const& counts) const', a weight for each class.");
  static constexpr bool value = LabelLaw<L>;
};

namespace detail {

/// P(label <= y) for each class y.
/// \throws std::invalid_argument if the weights of the law are none
template <LabelLaw L>
std::vector<double> cumulative(L const& law, std::vector<long> const& counts) {
  char const* who = "basin::objective::LabelLaw";
  check_numbers(law);
  std::vector<double> sums = law(counts);
  if (sums.size() != counts.size())
    refuse(who, "the law has ", sums.size(), " weights, the classifier has ", counts.size(),
           " classes");
  double sum = 0;
  for (std::size_t y = 0; y < sums.size(); ++y) {
    if (!(sums[y] >= 0) || std::isinf(sums[y]))
      refuse(who, "the weight of class ", y, " must be >= 0 and finite, got ", sums[y]);
    sums[y] = sum += sums[y];
  }
  if (!(sum > 0)) refuse(who, "the weights have the sum 0; no class could be drawn");
  for (double& s : sums) s /= sum;
  return sums;
}

}  // namespace detail
}  // namespace basin::objective

#endif
