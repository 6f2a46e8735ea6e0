// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_ROW_ORDER_HPP
#define BASIN_TRAIN_ROW_ORDER_HPP

#include <basin/core/check.hpp>
#include <basin/core/philox.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace basin::train {

/// Rows first ... first + count - 1.
struct RowSegment {
  std::uint64_t first, count;
  bool operator==(RowSegment const&) const = default;
};

/// The order in which a set is read that memory does not hold. Of each epoch the blocks of rows
/// (consecutive rows, the last block may be shorter) are permuted; what the epochs give, one behind
/// the other, is cut into windows of equally many rows. The rows of a window are drawn in another
/// permutation, by train::Batches. Orders in two levels train as full ones do, unless the rows
/// of a block are alike: Xu et al. 2022 (CorgiPile, arXiv:2206.05830).
///
/// A function of (seed, window) alone.
class RowOrder {
 public:
  /// \param rows    of the set
  /// \param block   rows of a block, in [1, rows]
  /// \param window  rows of a window
  /// \throws std::invalid_argument if there are 2^31 blocks or more
  RowOrder(std::uint64_t rows, std::uint64_t block, std::uint64_t window, std::uint64_t seed)
      : rows_(rows), block_(block), window_(window), seed_(seed) {
    constexpr std::uint64_t most = (std::uint64_t(1) << 31) - 1;
    if (blocks() > most)
      refuse("basin::train::RowStream", "a block has ", block, " rows, and ", rows, " rows are ",
             blocks(), " of them, more than ", +most, "; write a larger block");
  }

  /// What window n consists of.
  std::vector<RowSegment> operator()(std::uint64_t n) {
    std::vector<RowSegment> segments;
    std::uint64_t at = n * window_;
    for (std::uint64_t const end = at + window_; at < end; at += segments.back().count) {
      enter(at / rows_);
      std::uint64_t place = at % rows_, index = place / block_, within = place % block_;
      if (index > short_at_ || (index == short_at_ && within >= short_size())) {
        place += block_ - short_size();  // as if all were equally long
        index = place / block_, within = place % block_;
      }
      std::uint64_t const which = order_(static_cast<std::uint32_t>(index));
      std::uint64_t const size  = which + 1 == blocks() ? short_size() : block_;
      segments.push_back({which * block_ + within, std::min(size - within, end - at)});
    }
    return segments;
  }

 private:
  std::uint64_t blocks() const { return (rows_ + block_ - 1) / block_; }
  std::uint64_t short_size() const { return rows_ - (blocks() - 1) * block_; }
  // The order of an epoch, and where in it the last block stands, which may be shorter.
  void enter(std::uint64_t epoch) {
    if (epoch == epoch_) return;
    auto const count = static_cast<std::uint32_t>(blocks());
    order_           = Permutation(count, {seed_, Purpose::data_block, epoch});
    short_at_        = 0;
    while (order_(static_cast<std::uint32_t>(short_at_)) + 1 != count) ++short_at_;
    epoch_ = epoch;
  }

  std::uint64_t rows_, block_, window_, seed_;
  std::uint64_t epoch_ = ~std::uint64_t(0), short_at_ = 0;
  Permutation order_{1, {}};
};

}  // namespace basin::train

#endif
