// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_LABELED_ROWS_HPP
#define BASIN_OBJECTIVE_DETAIL_LABELED_ROWS_HPP

#include <basin/core/check.hpp>
#include <basin/core/philox.hpp>
#include <basin/objective/batch.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/random.hpp>

#include <Kokkos_Core.hpp>

#include <vector>

namespace basin::objective::detail {

// points(i, :) = a labeled row of the data with noise: every one once per epoch.
template <class Scalar, class Data, class Points>
struct GatherLabeled {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Data data;               // (rows, dimension)
  int const* data_labels;  // (rows)
  int const* rows;         // (labeled) rows that have a label
  int labeled;
  Points points;  // (count, dimension)
  int* labels;    // (count)
  Scalar noise;
  std::uint64_t seed;
  Step step;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    GatherLabeled const s     = *this;
    std::uint64_t const now   = step.now();
    std::uint64_t const place = now * points.extent(0) + static_cast<std::uint64_t>(i);
    std::uint64_t const all   = static_cast<std::uint64_t>(labeled);
    Permutation const order(static_cast<std::uint32_t>(labeled),
                            {seed, Purpose::data_order, place / all});
    int const row       = rows[order(static_cast<std::uint32_t>(place % all))];
    int const dimension = static_cast<int>(points.extent(1));
    Stream const stream{seed, Purpose::data_noise, now};
    c.each((dimension + 3) / 4, [=](int block) {
      using V = tile::Simd<Scalar, 1>;
      V z[4]  = {V(Scalar(0)), V(Scalar(0)), V(Scalar(0)), V(Scalar(0))};
      if (s.noise > 0)
        tile::normal_block(stream, static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(i),
                           z);
      for (int k = 0; k < 4; ++k)
        if (int const d = 4 * block + k; d < dimension)
          s.points(i, d) = fma(V(s.noise), z[k], V(s.data(row, d)))[0];
    });
    c.each(1, [=](int) { s.labels[i] = s.data_labels[row]; });
  }
};

// The labels of the data, and the batches of labeled rows, if they are drawn apart.
template <class Scalar, class Exec>
class LabeledRows {
  using memory = typename Exec::memory_space;
  using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

 public:
  /// \param count  labeled rows of a step; 0: none are drawn
  /// \throws std::invalid_argument naming the row of a label that is not in [-1, classes)
  LabeledRows(int count, Dataset<Scalar, memory> const& data, int classes, int dimension,
              std::uint64_t seed)
      : data_(data),
        seed_(seed_of(seed, 14)),
        counts_(static_cast<std::size_t>(classes)),
        labels_("basin::objective::labeled", count),
        points_("basin::objective::labeled", count, count > 0 ? dimension : 0) {
    auto const labels = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), data.labels);
    std::vector<int> known;
    for (std::size_t n = 0; n < labels.extent(0); ++n) {
      int const y = labels(n);
      if (y < -1 || y >= classes)
        refuse(who, "labels must be in [0, ", classes,
               "), the number of logits, or -1 where there is none; labels(", n, ") is ", y);
      if (y < 0) {
        if (missing_ < 0) missing_ = static_cast<long>(n);
        continue;
      }
      ++counts_[static_cast<std::size_t>(y)];
      known.push_back(static_cast<int>(n));
    }
    labeled_ = static_cast<int>(known.size());
    if (labels.extent(0) == 0) {  // refused by the trainer; directly: all classes alike
      counts_.assign(counts_.size(), 1);
      labeled_ = -1;
    }
    if (count == 0) return;
    if (labeled_ < count)
      refuse(who, "labeled is ", count, ", and ", labeled_, " rows of the data have a label");
    rows_           = Kokkos::View<int*, memory>("basin::objective::labeled_rows", known.size());
    auto const host = Kokkos::create_mirror_view(rows_);
    for (std::size_t i = 0; i < known.size(); ++i) host(i) = known[i];
    Kokkos::deep_copy(rows_, host);
  }

  /// \param p_x_y  weight of log p(x, y)
  /// \throws std::invalid_argument if there are too few labels
  void check(double p_x_y) const {
    if (labeled_ == 0)
      refuse(who, "no row of the data has a label; write objective::PersistentCd for p(x) alone");
    if (p_x_y != 0 && missing_ >= 0)
      refuse(who, "p_x_y is ", p_x_y, ", and log p(x, y) needs the label of every row; labels(",
             missing_, ") is -1: write p_x and p_y_given_x");
  }

  /// (classes) labels in the data
  std::vector<long> const& counts() const { return counts_; }
  Points const& points() const { return points_; }      // (count, dimension)
  int const* labels() const { return labels_.data(); }  // (count)

  /// The batch of a step. Asynchronous on exec.
  template <tile::Tuning tuning>
  void draw(Exec const& exec, double noise, Step const& step) const {
    using Data   = tile::Borrowed<decltype(data_.points)>;
    using To     = tile::Borrowed<Points>;
    using Gather = GatherLabeled<Scalar, Data, To>;
    tile::for_each_chain<tuning>(
        exec, "basin::labeled", static_cast<int>(points_.extent(0)),
        Gather{data_.points, data_.labels.data(), rows_.data(), labeled_, points_, labels_.data(),
               static_cast<Scalar>(noise), seed_, step});
  }

 private:
  static constexpr char const* who = "basin::objective::Joint";

  Dataset<Scalar, memory> data_;
  std::uint64_t seed_;
  std::vector<long> counts_;
  Kokkos::View<int*, memory> labels_;  // (count)
  Points points_;                      // (count, dimension)
  Kokkos::View<int*, memory> rows_;    // (labeled)
  int labeled_  = 0;                   // -1: the data have no labels at all
  long missing_ = -1;                  // the first row without a label
};

}  // namespace basin::objective::detail

#endif
