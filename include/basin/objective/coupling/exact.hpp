// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_COUPLING_EXACT_HPP
#define BASIN_OBJECTIVE_COUPLING_EXACT_HPP

#include <basin/objective/coupling.hpp>
#include <basin/objective/coupling/detail/squared_costs.hpp>
#include <basin/tile/launch.hpp>

namespace basin::objective::coupling {

namespace detail {

// The assignment of rows i to columns j of the least cost: from every row in turn a shortest path of
// reduced costs to a free column, Dijkstra's, along which the assignment is shifted.
template <class Scalar>
struct ShortestPaths {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of a search, on every backend
  double const* costs;                       // (B, B)
  int batch;
  double *row_dual, *column_dual, *length;  // (B), of the path to a column
  double* least;                            // (parts)
  double* reached;                          // (1) length of the path so far
  int *row_of, *column_of;                  // (B) -1: free
  int *before, *done;                       // (B) row before a column; whether its path is settled
  int* least_at;                            // (parts)
  int* at;                                  // (2): the row to go on from; the free column, or -1

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    ShortestPaths const s = *this;
    int const B           = batch;
    c.each(B, [=](int j) {
      s.row_of[j] = s.column_of[j] = -1;
      s.row_dual[j] = s.column_dual[j] = 0;
    });
    for (int row = 0; row < B; ++row) {
      c.each(B, [=](int j) {
        s.length[j] = infinity;
        s.done[j]   = 0;
      });
      c.each(1, [=](int) {
        s.at[0]      = row;
        s.at[1]      = -1;
        s.reached[0] = 0;
      });
      do {
        c.each(+parts, [=](int p) { s.relax(p); });
        c.each(1, [=](int) { s.settle(); });
      } while (s.at[1] < 0);  // next written behind a barrier
      c.each(B, [=](int j) {
        if (s.done[j] == 0 || j == s.at[1]) return;
        double const by = s.reached[0] - s.length[j];
        s.column_dual[j] -= by;
        s.row_dual[s.row_of[j]] += by;
      });
      c.each(1, [=](int) {
        s.row_dual[row] += s.reached[0];
        for (int j = s.at[1], i = -1; i != row;) {
          i               = s.before[j];
          s.row_of[j]     = i;
          int const other = s.column_of[i];
          s.column_of[i]  = j;
          j               = other;
        }
      });
    }
  }

 private:
  static constexpr double infinity = 1e306;  // above every path

  // Paths over the row reached, and the shortest in a part of the columns that are not settled.
  KOKKOS_FUNCTION void relax(int part) const {
    int const row           = at[0];
    double const over       = reached[0] - row_dual[row];
    double const* const way = costs + static_cast<std::size_t>(row) * batch;
    double best             = 2 * infinity;
    int best_at             = -1;
    for (int j = part; j < batch; j += parts) {
      if (done[j] != 0) continue;
      double const through = over + way[j] - column_dual[j];
      if (through < length[j]) {
        length[j] = through;
        before[j] = row;
      }
      if (length[j] < best) {
        best    = length[j];
        best_at = j;
      }
    }
    least[part]    = best;
    least_at[part] = best_at;
  }
  // The nearest column, of equals the first.
  KOKKOS_FUNCTION void settle() const {
    int best = -1;
    for (int p = 0; p < parts; ++p) {
      if (least_at[p] < 0) continue;
      if (best < 0 || least[p] < least[best] ||
          (least[p] == least[best] && least_at[p] < least_at[best]))
        best = p;
    }
    int const column = least_at[best];
    done[column]     = 1;
    reached[0]       = least[best];
    if (row_of[column] < 0)
      at[1] = column;
    else
      at[0] = row_of[column];
  }
};

}  // namespace detail

/// Pairs of least total cost sum |x_1 - x_0|^2 in every batch: optimal transport of B points to B.
/// Shortest augmenting paths of reduced costs, O(B^3) at worst, in double; the result does not depend
/// on the backend's threads. Source: Jonker and Volgenant 1987, Computing 38, 325-340, augmentation
/// without their initializations; the use in flow matching is Tong et al. 2023, arXiv:2302.00482, and
/// Pooladian et al. 2023, arXiv:2304.14772.
///
/// The pairs are a function of the batch and not of theta, and are found on the device by one work
/// item, so that a step waits for nothing and a graph can hold it; on a host other threads wait
/// meanwhile. A permutation, where the code of Balcerak et al. 2025 (arXiv:2504.10612) draws B pairs
/// with replacement. The pairs of a batch are not those of the whole laws; with many dimensions they
/// are little nearer than random ones.
struct Exact {
  using axis = coupling_axis;

  template <class Scalar, class Exec, tile::Tuning tuning>
  class bind {
    using memory = typename Exec::memory_space;
    using Paths  = detail::ShortestPaths<Scalar>;

   public:
    bind(int batch, int)
        : batch_(batch),
          costs_("basin::objective::costs", std::size_t(batch) * std::size_t(batch)),
          numbers_("basin::objective::paths", 3 * std::size_t(batch) + Paths::parts + 1),
          indices_("basin::objective::pairs", 4 * std::size_t(batch) + Paths::parts + 2) {}

    /// (batch) the row of the sources of each row of the data. Asynchronous on exec.
    template <class Points>
    int const* pair(Exec const& exec, Exact const&, Points const& sources, Points const& points,
                    Stream const&) const {
      using Rows = tile::Borrowed<Points>;
      tile::for_each_chain<tuning>(
          exec, "basin::costs", batch_,
          detail::SquaredCosts<Scalar, Rows>{sources, points, costs_.data()});
      double* const n = numbers_.data();
      int* const i    = indices_.data();
      int const B     = batch_;
      tile::for_each_tile<tuning>(
          exec, "basin::pairs", 1,
          Paths{costs_.data(), B, n, n + B, n + 2 * B, n + 3 * B, n + 3 * B + Paths::parts, i,
                i + B, i + 2 * B, i + 3 * B, i + 4 * B, i + 4 * B + Paths::parts});
      return i + B;
    }

    /// (2, batch) duals u of rows, then v of columns: u_i + v_j <= cost(i, j), equal for pairs,
    /// which proves that the pairs are the best
    Kokkos::View<double const*, memory> duals() const {
      return Kokkos::subview(numbers_, std::pair(std::size_t(0), 2 * std::size_t(batch_)));
    }
    /// (batch, batch) of |points_i - sources_j|^2 / 2
    Kokkos::View<double const*, memory> costs() const { return costs_; }

   private:
    int batch_;
    Kokkos::View<double*, memory> costs_;    // (batch, batch)
    Kokkos::View<double*, memory> numbers_;  // see ShortestPaths
    Kokkos::View<int*, memory> indices_;     // see ShortestPaths
  };
};

}  // namespace basin::objective::coupling

#endif
