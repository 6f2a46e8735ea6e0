// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_SUM_TREE_HPP
#define BASIN_TRAIN_SUM_TREE_HPP

#include <cstddef>
#include <vector>

namespace basin::train {

/// The one order in which the numbers of S slices are summed, whoever holds them: with S = q 2^k, q odd, a
/// binary tree over each block of 2^k slices, then the q sums from left to right.
class SumTree {
 public:
  /// A subtree: 'count' slices from 'first' on.
  struct Node {
    int first, count;
  };
  /// row[to] += row[from]
  struct Addition {
    int to, from;
  };

  explicit SumTree(int slices) : slices_(slices), block_(slices & -slices) {}

  int slices() const { return slices_; }

  /// The slices [first, last) as the largest subtrees that they hold.
  std::vector<Node> roots(int first, int last) const {
    std::vector<Node> all;
    for (int at = first; at < last;) {
      int count = 1;
      while (2 * count <= block_ && at % (2 * count) == 0 && at + 2 * count <= last) count *= 2;
      all.push_back({at, count});
      at += count;
    }
    return all;
  }

  /// The additions of subtrees, which follow one another, a row each: afterwards the rows of the roots
  /// hold their sums, and of all slices row 0 that of all.
  std::vector<Addition> additions(std::vector<Node> const& nodes) const {
    struct Held {
      Node node;
      int row;
    };
    std::vector<Addition> all;
    std::vector<Held> open;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      open.push_back({nodes[i], static_cast<int>(i)});
      while (open.size() >= 2 && are_siblings(open[open.size() - 2].node, open.back().node)) {
        Held& left = open[open.size() - 2];
        all.push_back({left.row, open.back().row});
        left.node.count *= 2;
        open.pop_back();
      }
    }
    if (!open.empty() && open.front().node.first == 0 &&
        open.back().node.first + open.back().node.count == slices_)
      for (std::size_t i = 1; i < open.size(); ++i) all.push_back({0, open[i].row});
    return all;
  }

 private:
  bool are_siblings(Node const& left, Node const& right) const {
    return left.count == right.count && 2 * left.count <= block_ &&
           left.first % (2 * left.count) == 0;
  }

  int slices_, block_;  // S, 2^k
};

}  // namespace basin::train

#endif
