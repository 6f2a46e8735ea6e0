// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_WRITE_HPP
#define BASIN_BUFFER_WRITE_HPP

#include <basin/core/philox.hpp>
#include <basin/core/policy.hpp>

#include <concepts>

namespace basin::buffer {

struct write_axis {};

/// Where the chains are written after sampling. The choices are different algorithms. A
/// user-defined write is a struct with
///
///   using axis = basin::buffer::write_axis;
///   static constexpr Contest contest = ...;  // whether two chains of a batch may want one slot
///   static constexpr Winner winner   = ...;  // which of them gets it
///   static constexpr bool counts     = ...;  // whether it reads how many chains were written
///   KOKKOS_FUNCTION int operator()(write::Chain const& chain) const;  // the slot, or -1: nowhere
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace write {

/// Whether two chains of a batch may want one slot.
enum class Contest {
  never,
  as_drawn,  ///< if they were drawn from one
  always,
};

/// Of two chains that want one slot, which gets it.
enum class Winner { lowest, highest };

/// A chain after sampling.
struct Chain {
  int number;     ///< index in the batch
  int drawn;      ///< the slot that it came from
  int capacity;   ///< slots
  Stream stream;  ///< of this step, for draws of (element, number)
  std::uint64_t const* written_before;

  /// Chains written before this batch, including the initial content; with 'counts' only.
  KOKKOS_FUNCTION std::uint64_t written() const { return *written_before; }
};

/// Back to the slot that each was drawn from (JEM, CLEL): chains persist. When two chains come from
/// one slot, the one of lower index is kept.
struct SameSlot {
  using axis                       = write_axis;
  static constexpr Contest contest = Contest::as_drawn;
  static constexpr Winner winner   = Winner::lowest;
  static constexpr bool counts     = false;

  KOKKOS_FUNCTION int operator()(Chain const& chain) const { return chain.drawn; }
};

/// The oldest slots (IGEBM): the drawn copies stay, so chains branch.
struct Ring {
  using axis                       = write_axis;
  static constexpr Contest contest = Contest::never;
  static constexpr Winner winner   = Winner::lowest;
  static constexpr bool counts     = true;

  KOKKOS_FUNCTION int operator()(Chain const& chain) const {
    return static_cast<int>((chain.written() + static_cast<std::uint64_t>(chain.number)) %
                            static_cast<std::uint64_t>(chain.capacity));
  }
};

/// Vitter's algorithm R (ACM TOMS 11, 1985) over all chains ever written (ICD): the buffer is a
/// uniform sample of everything past models generated, and a new chain enters with probability
/// capacity / (number written), so that chains hardly persist in the long run. When two chains of a
/// batch choose one slot, the one of higher index is kept, as if written in order.
struct Reservoir {
  using axis                       = write_axis;
  static constexpr Contest contest = Contest::always;
  static constexpr Winner winner   = Winner::highest;
  static constexpr bool counts     = true;

  KOKKOS_FUNCTION int operator()(Chain const& chain) const {
    // Two words: the history may pass 2^32.
    std::uint32_t const i     = static_cast<std::uint32_t>(chain.number);
    std::uint64_t const total = chain.written() + i + 1;
    std::uint64_t const u     = static_cast<std::uint64_t>(random_word(chain.stream, 0, i)) << 32 |
                            random_word(chain.stream, 1, i);
    std::uint64_t const slot = u % total;
    return slot < static_cast<std::uint64_t>(chain.capacity) ? static_cast<int>(slot) : -1;
  }
};

}  // namespace write

/// Where chains are written, see namespace write.
template <class W>
concept Write = has_axis<W, write_axis> && requires(W const& write, write::Chain const& chain) {
  { write::Contest(W::contest) };
  { write::Winner(W::winner) };
  { +W::counts } -> std::convertible_to<bool>;
  { write(chain) } -> std::same_as<int>;
};

/// The requirements of Write as an error message.
template <class W>
struct check_write {
  static_assert(Write<W>,
                "basin::buffer::Write: a write policy holds its code; define 'static constexpr "
                "basin::buffer::write::Contest contest', '... Winner winner', 'static constexpr "
                "bool counts' and 'KOKKOS_FUNCTION int operator()(basin::buffer::write::Chain "
                "const& chain) const', the slot of a chain, or -1.");
  static constexpr bool value = Write<W>;
};

}  // namespace basin::buffer

#endif
