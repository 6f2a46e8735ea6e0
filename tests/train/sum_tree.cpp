// SPDX-License-Identifier: Apache-2.0
#include <basin/core/part.hpp>
#include <basin/train/sum_tree.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using basin::train::SumTree;

namespace {

// Which terms each row holds, with brackets.
std::vector<std::string> texts(SumTree const& tree, std::vector<SumTree::Node> const& nodes,
                               std::vector<std::string> rows) {
  for (auto const& add : tree.additions(nodes)) {
    auto& to = rows[std::size_t(add.to)];
    to       = "(" + to + "+" + rows[std::size_t(add.from)] + ")";
  }
  return rows;
}
std::vector<SumTree::Node> leaves(int first, int last) {
  std::vector<SumTree::Node> all;
  for (int s = first; s < last; ++s) all.push_back({s, 1});
  return all;
}
std::vector<std::string> names(int first, int last) {
  std::vector<std::string> all;
  for (int s = first; s < last; ++s) all.push_back(std::to_string(s));
  return all;
}

}  // namespace

TEST_CASE("slices are summed in a binary tree over blocks, and the blocks from left to right") {
  auto const all = [](int S) { return texts(SumTree(S), leaves(0, S), names(0, S))[0]; };
  CHECK(all(1) == "0");
  CHECK(all(4) == "((0+1)+(2+3))");
  CHECK(all(6) == "(((0+1)+(2+3))+(4+5))");
  CHECK(all(7) == "((((((0+1)+2)+3)+4)+5)+6)");
  CHECK(all(12) == "((((0+1)+(2+3))+((4+5)+(6+7)))+((8+9)+(10+11)))");
}

TEST_CASE("whatever ranks hold, the sum of their subtrees is that of all slices") {
  for (int S = 2; S <= 24; ++S) {
    SumTree const tree(S);
    auto const whole = texts(tree, leaves(0, S), names(0, S))[0];
    for (int R = 2; R <= S; ++R) {
      std::vector<SumTree::Node> roots;
      std::vector<std::string> sums;
      for (int r = 0; r < R; ++r) {
        auto const of   = basin::part_of(std::uint64_t(S), R, r);
        int const first = int(of.first), last = int(of.last);
        auto const rows = texts(tree, leaves(first, last), names(first, last));
        for (auto const& root : tree.roots(first, last)) {
          roots.push_back(root);
          sums.push_back(rows[std::size_t(root.first - first)]);
        }
      }
      INFO(S << " slices, " << R << " ranks");
      CHECK(texts(tree, roots, sums)[0] == whole);
    }
  }
}
