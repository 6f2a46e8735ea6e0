// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_REDUCTION_HPP
#define BASIN_TRAIN_REDUCTION_HPP

#include <basin/core/part.hpp>
#include <basin/optimizer/update.hpp>
#include <basin/tile/launch.hpp>
#include <basin/train/detail/staging.hpp>
#include <basin/train/ranks.hpp>
#include <basin/train/slices.hpp>
#include <basin/train/sum_tree.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin::train {

namespace detail {

// Additions of rows of numbers, elementwise, each block of them by one work item.
template <class Scalar>
struct AddRows {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  struct Row {
    Scalar* data;
    int block;  // that data begins with
  };
  Row const* rows;
  Scalar const* weights;  // (weighted) of the first rows, before they are added
  int weighted;
  SumTree::Addition const* additions;  // (count)
  int count;
  Scalar* sum;  // = row 0; null: stays there
  int first;    // block

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    using V            = typename Context::value_type;
    AddRows const self = *this;
    int const b        = first + i;
    c.each(optimizer::block / V::lanes, [=](int j) {
      auto const at = [&](int r) {
        return self.rows[r].data +
               static_cast<std::size_t>(b - self.rows[r].block) * optimizer::block + j * V::lanes;
      };
      for (int r = 0; r < self.weighted; ++r)
        tile::store(at(r), tile::load<V>(at(r)) * V(self.weights[r]));
      for (int a = 0; a < self.count; ++a) {
        SumTree::Addition const add = self.additions[a];
        tile::store(at(add.to), tile::load<V>(at(add.to)) + tile::load<V>(at(add.from)));
      }
      if (self.sum)
        tile::store(self.sum + static_cast<std::size_t>(b) * optimizer::block + j * V::lanes,
                    tile::load<V>(at(0)));
    });
  }
};

}  // namespace detail

/// The gradient of a step of those of all slices, on all ranks, in the order of SumTree.
///
/// A rank sums its slices to the largest subtrees that it holds. Where slices and ranks are powers of two
/// that is one, and the ranks halve recursively what they sum, with partners at distance 1, 2, 4, ...;
/// else each sends its subtrees to the owners of R parts of the parameters, who sum them. Then all parts go
/// to all. With R ranks, P numbers and F subtrees, a rank sends log2 R or F (R - 1) messages of together
/// F (R - 1) / R P numbers, and its part of the result, P / R numbers, to all.
///
/// Messages wait for exec, and nothing else does. Nothing is allocated after the constructor.
template <class Scalar, class Exec, tile::Tuning tuning>
class Reduction {
  using memory  = typename Exec::memory_space;
  using Numbers = Kokkos::View<Scalar*, memory>;
  using Add     = detail::AddRows<Scalar>;
  using Staging = detail::StagingSpace<Exec>;
  using Staged  = Kokkos::View<Scalar*, Staging>;

 public:
  /// \param batch     of all slices
  /// \param gradient  (padded): where the result goes
  Reduction(Slices const& slices, int batch, Numbers const& gradient)
      : slices_(slices),
        tree_(slices.count),
        gradient_(gradient),
        padded_(gradient.extent(0)),
        blocks_(static_cast<int>(padded_ / optimizer::block)) {
    Part const mine = slices.here();
    int const count = static_cast<int>(mine.count());
    others_ = Numbers("basin::train::slices", padded_ * static_cast<std::size_t>(count - 1));
    if (slices.count == 1) return;

    std::vector<SumTree::Node> leaves;
    std::vector<Scalar> weights;
    std::vector<typename Add::Row> rows;
    for (std::uint64_t s = mine.first; s < mine.last; ++s) {
      leaves.push_back({static_cast<int>(s), 1});
      weights.push_back(static_cast<Scalar>(slices.weight(batch, static_cast<int>(s))));
      rows.push_back({slice(static_cast<int>(s - mine.first)), 0});
    }
    auto local = tree_.additions(leaves);
    if (ranks_are_many()) {
      if (slices.ranks->sums_in_any_order())
        for (auto const& root : roots_of(slices.rank()))
          if (root.first > static_cast<int>(mine.first))
            local.push_back({0, root.first - static_cast<int>(mine.first)});
    }
    local_     = Sums(rows, weights, local);
    is_direct_ = !ranks_are_many() || slices.ranks->reaches(detail::on_host<Exec>);
    if (!ranks_are_many()) return;
    if (!is_direct_) staged_ = Staged("basin::train::staged", padded_);
    if (slices.ranks->sums_in_any_order()) return;
    if (halves())
      plan_halving();
    else
      plan_owners();
  }

  /// (padded) where the gradient of this rank's i-th slice goes
  Scalar* slice(int i) const {
    return i == 0 ? gradient_.data() : others_.data() + padded_ * static_cast<std::size_t>(i - 1);
  }

  /// The sums of this rank's slices. Asynchronous on exec.
  void add_here(Exec const& exec) const {
    if (slices_.count > 1)
      add(exec, local_, local_.weights.extent(0), 0, local_.count, nullptr, 0, blocks_);
  }

  /// The sums over ranks. Waits for exec and for the messages.
  void add_ranks(Exec const& exec) {
    if (!ranks_are_many()) return;
    Ranks& ranks = *slices_.ranks;
    if (ranks.sums_in_any_order()) {
      stage_out(exec, gradient_.data(), staged_.data(), padded_);
      fence(exec);
      ranks.sum(is_direct_ ? gradient_.data() : staged_.data(), padded_);
      stage_in(exec, staged_.data(), gradient_.data(), padded_);
      return;
    }
    if (halves()) {
      for (int step = 0; step < static_cast<int>(halving_.size()); ++step) {
        Half const& half = halving_[static_cast<std::size_t>(step)];
        stage_out(exec, gradient_.data() + half.sent.first, staged_.data() + half.sent.first,
                  half.sent.count());
        fence(exec);
        ranks.exchange({&half.send, 1}, {&half.receive, 1});
        stage_in(exec, staged_received_.data(), received_.data(), half.kept.count());
        add(exec, final_, 0, step, 1, nullptr, static_cast<int>(half.kept.first / optimizer::block),
            static_cast<int>(half.kept.count() / optimizer::block));
      }
    } else {
      for (std::size_t f = 0; f < own_roots_.size(); ++f)
        stage_out(exec, own_roots_[f], staged_roots_.data() + f * padded_, padded_);
      fence(exec);
      ranks.exchange(sent_, received_messages_);
      stage_in(exec, staged_received_.data(), received_.data(), received_.extent(0));
      add(exec, final_, 0, 0, final_.count, gradient_.data(),
          static_cast<int>(owned_.first / optimizer::block),
          static_cast<int>(owned_.count() / optimizer::block));
    }
    stage_out(exec, gradient_.data() + owned_.first, staged_.data() + owned_.first, owned_.count());
    fence(exec);
    ranks.all_gather(is_direct_ ? gradient_.data() : staged_.data(), parts_);
    stage_in(exec, staged_.data(), gradient_.data(), padded_);
  }

  /// Rank 0's numbers, to all. Waits for exec.
  void broadcast(Exec const& exec, Numbers const& numbers) const {
    if (!ranks_are_many()) return;
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), numbers);
    slices_.ranks->broadcast(host.data(), host.extent(0) * sizeof(Scalar));
    Kokkos::deep_copy(exec, numbers, host);
    exec.fence("basin::train::broadcast");
  }

 private:
  // Rows to add, on the device.
  struct Sums {
    Kokkos::View<typename Add::Row*, memory> rows;
    Numbers weights;
    Kokkos::View<SumTree::Addition*, memory> additions;
    int count = 0;

    Sums() = default;
    Sums(std::vector<typename Add::Row> const& r, std::vector<Scalar> const& w,
         std::vector<SumTree::Addition> const& a)
        : rows("basin::train::rows", r.size()),
          weights("basin::train::weights", w.size()),
          additions("basin::train::additions", a.size()),
          count(static_cast<int>(a.size())) {
      fill(rows, r), fill(weights, w), fill(additions, a);
    }
    template <class View, class Values>
    static void fill(View const& view, Values const& values) {
      auto const host = Kokkos::create_mirror_view(view);
      std::copy(values.begin(), values.end(), host.data());
      Kokkos::deep_copy(view, host);
    }
  };
  struct Half {
    Part sent, kept;  // numbers
    Message send, receive;
  };

  bool ranks_are_many() const { return slices_.rank_count() > 1; }
  bool halves() const {
    return std::has_single_bit(static_cast<unsigned>(slices_.count)) &&
           std::has_single_bit(static_cast<unsigned>(slices_.rank_count()));
  }
  std::vector<SumTree::Node> roots_of(int rank) const {
    Part const of = slices_.of_rank(rank);
    return tree_.roots(static_cast<int>(of.first), static_cast<int>(of.last));
  }
  Part numbers_of(std::uint64_t first_block, std::uint64_t last_block) const {
    return {first_block * optimizer::block, last_block * optimizer::block};
  }
  static std::size_t bytes(Part const& numbers) { return numbers.count() * sizeof(Scalar); }

  void add(Exec const& exec, Sums const& of, std::size_t weighted, int first_addition, int count,
           Scalar* sum, int first, int blocks) const {
    if (blocks > 0)
      tile::for_each_tile<tuning>(exec, "basin::add", blocks,
                                  Add{of.rows.data(), of.weights.data(), static_cast<int>(weighted),
                                      of.additions.data() + first_addition, count, sum, first});
  }
  static void fence(Exec const& exec) { exec.fence(label()); }
  static std::string const& label() {
    static std::string const text = "basin::train::reduction";
    return text;
  }
  template <class Space>
  using Unmanaged = Kokkos::View<Scalar*, Space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  void stage_out(Exec const& exec, Scalar const* from, Scalar* to, std::size_t count) const {
    if (!is_direct_ && count > 0)
      Kokkos::deep_copy(exec, Unmanaged<Staging>(to, count),
                        Unmanaged<memory>(const_cast<Scalar*>(from), count));
  }
  void stage_in(Exec const& exec, Scalar const* from, Scalar* to, std::size_t count) const {
    if (!is_direct_ && count > 0)
      Kokkos::deep_copy(exec, Unmanaged<memory>(to, count),
                        Unmanaged<Staging>(const_cast<Scalar*>(from), count));
  }
  void take_received(std::size_t count) {
    received_ = Numbers("basin::train::received", count);
    if (!is_direct_) staged_received_ = Staged("basin::train::staged", count);
  }
  Scalar* received() const { return is_direct_ ? received_.data() : staged_received_.data(); }

  void plan_halving() {
    int const R = slices_.rank_count(), me = slices_.rank();
    take_received((static_cast<std::size_t>(blocks_) + 1) / 2 * optimizer::block);
    std::vector<typename Add::Row> rows{{gradient_.data(), 0}};
    std::vector<SumTree::Addition> additions;
    parts_.resize(static_cast<std::size_t>(R));
    for (int r = 0; r < R; ++r) {
      Part blocks{0, static_cast<std::uint64_t>(blocks_)};
      for (int distance = 1; distance < R; distance *= 2) {
        std::uint64_t const middle = (blocks.first + blocks.last) / 2;
        bool const lower           = (r & distance) == 0;
        Part const kept            = lower ? Part{blocks.first, middle} : Part{middle, blocks.last};
        Part const given           = lower ? Part{middle, blocks.last} : Part{blocks.first, middle};
        if (r == me) {
          Half half{numbers_of(given.first, given.last), numbers_of(kept.first, kept.last), {}, {}};
          Scalar* const from = is_direct_ ? gradient_.data() : staged_.data();
          half.send          = {from + half.sent.first, bytes(half.sent), me ^ distance};
          half.receive       = {received(), bytes(half.kept), me ^ distance};
          halving_.push_back(half);
          additions.push_back({0, static_cast<int>(rows.size())});
          rows.push_back({received_.data(), static_cast<int>(kept.first)});
        }
        blocks = kept;
      }
      Part const numbers                  = numbers_of(blocks.first, blocks.last);
      parts_[static_cast<std::size_t>(r)] = {numbers.first * sizeof(Scalar), bytes(numbers)};
      if (r == me) owned_ = numbers;
    }
    final_ = Sums(rows, {}, additions);
  }

  void plan_owners() {
    int const R = slices_.rank_count(), me = slices_.rank();
    int const first = static_cast<int>(slices_.here().first);
    for (int r = 0; r < R; ++r) {
      auto const blocks  = part_of(static_cast<std::uint64_t>(blocks_), R, r);
      Part const numbers = numbers_of(blocks.first, blocks.last);
      parts_.push_back({numbers.first * sizeof(Scalar), bytes(numbers)});
      if (r == me) owned_ = numbers;
    }
    auto const mine = roots_of(me);
    for (auto const& root : mine) own_roots_.push_back(slice(root.first - first));
    if (!is_direct_) staged_roots_ = Staged("basin::train::staged", padded_ * mine.size());

    std::size_t others = 0;
    for (int r = 0; r < R; ++r) others += r == me ? 0 : roots_of(r).size();
    take_received(others * owned_.count());
    std::vector<typename Add::Row> rows;
    std::vector<SumTree::Node> nodes;
    std::size_t at = 0;
    for (int r = 0; r < R; ++r) {
      for (auto const& root : roots_of(r)) {
        nodes.push_back(root);
        if (r == me) {
          rows.push_back({slice(root.first - first), 0});
          continue;
        }
        rows.push_back({received_.data() + at, static_cast<int>(owned_.first / optimizer::block)});
        if (owned_.count() > 0) received_messages_.push_back({received() + at, bytes(owned_), r});
        at += owned_.count();
      }
      if (r == me) continue;
      Stretch const part = parts_[static_cast<std::size_t>(r)];
      for (std::size_t f = 0; f < mine.size() && part.bytes > 0; ++f)
        sent_.push_back({(is_direct_ ? own_roots_[f] : staged_roots_.data() + f * padded_) +
                             part.begin / sizeof(Scalar),
                         part.bytes, r});
    }
    final_ = Sums(rows, {}, tree_.additions(nodes));
  }

  Slices slices_;
  SumTree tree_;
  Numbers gradient_, others_;  // (padded), (slices here - 1, padded)
  std::size_t padded_;
  int blocks_;
  bool is_direct_ = true;  // messages are read from and written to the memory of kernels
  Sums local_, final_;
  std::vector<Half> halving_;
  std::vector<Message> sent_, received_messages_;
  std::vector<Scalar*> own_roots_;
  std::vector<Stretch> parts_;  // (ranks) of the result that each has, bytes
  Part owned_{0, 0};            // numbers of the result that this rank sums
  Numbers received_;
  Staged staged_, staged_roots_, staged_received_;
};

}  // namespace basin::train

#endif
