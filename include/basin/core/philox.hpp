// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_PHILOX_HPP
#define BASIN_CORE_PHILOX_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_Macros.hpp>

#include <cstdint>

namespace basin {

/// What a draw is for. Streams of different purpose never share a number. Values in [128, 256) are
/// a user's own, see user_purpose; values are never renumbered.
enum class Purpose : std::uint32_t {
  sampler_noise     = 0,   ///< the noise of a sampling step
  sampler_start     = 1,   ///< where a fresh chain starts
  data_order        = 2,   ///< which rows of the data a batch holds
  data_noise        = 3,   ///< noise added to the data
  buffer_draw       = 4,   ///< which slots are drawn
  buffer_fresh      = 5,   ///< which drawn chains start afresh
  buffer_write      = 6,   ///< which slots a reservoir keeps
  parameter         = 7,   ///< initial parameters
  dropout           = 8,   ///< which units are dropped
  buffer_initial    = 9,   ///< initial content of a buffer
  direction         = 10,  ///< directions and noise of score matching
  contrast          = 11,  ///< noise of noise-contrastive estimation
  level             = 12,  ///< level of noise of a sample
  sampler_accept    = 13,  ///< uniforms of accept-reject steps
  label             = 14,  ///< labels of samples
  sampler_momentum  = 15,  ///< momenta that a sampler draws
  sampler_swap      = 16,  ///< uniforms of swaps between temperatures
  data_block        = 17,  ///< the order in which blocks of rows are read
  dequantization    = 18,  ///< uniforms that are added to integers
  buffer_compare    = 19,  ///< which slots of a buffer are looked at
  augmentation      = 20,  ///< augmentation of draws of a buffer
  resampling        = 21,  ///< which chains are kept, by their weights
  data_augmentation = 22,  ///< augmentation of rows of the data
};

namespace detail {
inline void a_user_purpose_is_in_0_to_127() {}
}  // namespace detail

/// Purpose number n of a user's own draws, n in [0, 128): shares no number with the library's.
consteval Purpose user_purpose(int n) {
  // A purpose is one byte of a counter word, beside the high bits of the step. What is no constant
  // expression refuses others at compile time.
  if (n < 0 || n >= 128) detail::a_user_purpose_is_in_0_to_127();
  return static_cast<Purpose>(128 + n);
}

namespace detail {

KOKKOS_FORCEINLINE_FUNCTION std::uint64_t read(std::uint64_t const* clock) {
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  KOKKOS_IF_ON_HOST((clock = nullptr;))
#endif
  return clock ? *clock : 0;
}

}  // namespace detail

/// Key of one random stream. A draw is a function of (element, chain, step, purpose; seed) alone,
/// so that results do not depend on tile width, team size or number of threads, and a run can be
/// resumed at any step.
struct Stream {
  std::uint64_t seed = 0;
  Purpose purpose    = Purpose::sampler_noise;
  std::uint64_t step = 0;  ///< < 2^56: the high 24 bits share a counter word with purpose
  /// On the device, added to step times 2^shift when a kernel calls now(); null: nothing.
  std::uint64_t const* clock = nullptr;
  int shift                  = 0;

  /// The stream of the present step. The host of a GPU cannot read a clock, and does not.
  KOKKOS_FUNCTION Stream now() const {
    return {seed, purpose, step + (detail::read(clock) << shift)};
  }
};

/// Index of a training step: known to the host, or, where kernels are launched repeatedly with the
/// same arguments (as by a graph), counted on the device.
struct Step {
  std::uint64_t number       = 0;
  std::uint64_t const* clock = nullptr;  ///< on the device, added to number; null: nothing

  KOKKOS_FUNCTION Step(std::uint64_t n) : number(n) {}
  /// Counted by a clock on the device.
  KOKKOS_FUNCTION explicit Step(std::uint64_t const* c) : clock(c) {}

  /// As Stream::now.
  KOKKOS_FUNCTION std::uint64_t now() const { return number + detail::read(clock); }

  /// The stream of this step; with a shift each training step owns 2^shift values of Stream::step.
  KOKKOS_FUNCTION Stream stream(std::uint64_t seed, Purpose purpose, int shift = 0) const {
    return {seed, purpose, number << shift, clock, shift};
  }
};

/// (high, low) 32 bits of a * m.
KOKKOS_FORCEINLINE_FUNCTION void multiply_high_low(std::uint32_t a, std::uint32_t m,
                                                   std::uint32_t& high, std::uint32_t& low) {
  std::uint64_t const product = static_cast<std::uint64_t>(a) * m;
  high                        = static_cast<std::uint32_t>(product >> 32);
  low                         = static_cast<std::uint32_t>(product);
}

/// Philox4x32-10: ten rounds of a keyed bijection on the counter (c[0], ..., c[3]), in place.
/// Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
/// SC'11, section 3.3. Word is uint32_t, or a vector of them.
template <class Word>
KOKKOS_FORCEINLINE_FUNCTION void philox(Word (&c)[4], std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    Word high0, low0, high1, low1;
    multiply_high_low(c[0], 0xD2511F53u, high0, low0);
    multiply_high_low(c[2], 0xCD9E8D57u, high1, low1);
    c[0] = high1 ^ c[1] ^ Word(key0);
    c[2] = high0 ^ c[3] ^ Word(key1);
    c[1] = low1;
    c[3] = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/// The four words of block (element / 4) of a stream: counter (block, chain, step, step:purpose).
template <class Word>
KOKKOS_FORCEINLINE_FUNCTION void random_block(Stream const& stream, std::uint32_t block, Word chain,
                                              Word (&c)[4]) {
  c[0] = Word(block);
  c[1] = chain;
  c[2] = Word(static_cast<std::uint32_t>(stream.step));
  c[3] = Word(static_cast<std::uint32_t>(stream.step >> 32 << 8) |
              static_cast<std::uint32_t>(stream.purpose));
  philox(c, static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32));
}

/// Seed for the draws of one call in a run: two different pairs (run, call) give the same seed with
/// probability 2^-64.
KOKKOS_FUNCTION inline std::uint64_t seed_of(std::uint64_t run, std::uint64_t call) {
  std::uint32_t c[4] = {static_cast<std::uint32_t>(call), static_cast<std::uint32_t>(call >> 32), 0,
                        0xFFFFFFFFu};  // a purpose that no stream has
  philox(c, static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run >> 32));
  return std::uint64_t(c[1]) << 32 | c[0];
}

/// One 32-bit draw.
KOKKOS_FORCEINLINE_FUNCTION std::uint32_t random_word(Stream const& stream, std::uint32_t element,
                                                      std::uint32_t chain) {
  std::uint32_t c[4];
  random_block(stream, element / 4, chain, c);
  // Selected, not indexed: an array indexed at run time is local memory on a GPU.
  std::uint32_t const which = element % 4;
  return which < 2 ? (which == 0 ? c[0] : c[1]) : (which == 2 ? c[2] : c[3]);
}

/// Uniform on (0, 1): the midpoints of 2^23 equal cells (float; of 2^24 cells the midpoints above
/// 1/2 have one bit too many, and the last would round to 1) or of 2^32 (double).
template <class Scalar>
KOKKOS_FORCEINLINE_FUNCTION Scalar unit_uniform(std::uint32_t word) {
  if constexpr (sizeof(Scalar) == 4)
    return static_cast<Scalar>(word >> 9) * Scalar(0x1p-23) + Scalar(0x1p-24);
  else
    return static_cast<Scalar>(word) * Scalar(0x1p-32) + Scalar(0x1p-33);
}

/// A pseudo-random permutation of {0, ..., size-1}, evaluated one index at a time and never stored:
/// a balanced Feistel network over the next even number of bits, cycle-walked until the result is
/// below size (Black and Rogaway 2002, "Ciphers with arbitrary finite domains", section 5), applied
/// to the index plus a random offset. The expected number of walks is below 4. The offset makes
/// every position equally likely. Four rounds are enough for large sizes, but at size 8 they leave
/// probabilities of pairs of positions up to a quarter off. A balanced Feistel network is an even
/// permutation, so that with probability 1/2 two indices, drawn too, are exchanged before it.
class Permutation {
 public:
  /// \param size    number of indices, in [1, 2^31)
  /// \param stream  key: another step or purpose gives another permutation
  KOKKOS_FUNCTION Permutation(std::uint32_t size, Stream const& stream) : size_(size) {
    while ((1ull << (2 * half_bits_)) < size) ++half_bits_;
    for (int block = 0; block < rounds / 4; ++block) {
      std::uint32_t c[4];
      random_block(stream, static_cast<std::uint32_t>(block), 0u, c);
      for (int i = 0; i < 4; ++i) keys_[4 * block + i] = c[i];
    }
    std::uint32_t c[4];
    random_block(stream, rounds / 4, 0u, c);
    auto const below = [](std::uint32_t word, std::uint32_t end) {
      return static_cast<std::uint32_t>(std::uint64_t(word) * end >> 32);
    };
    offset_ = below(c[0], size);
    if (size > 1 && (c[3] >> 31) != 0) {
      first_  = below(c[1], size);
      second_ = below(c[2], size - 1);
      if (second_ >= first_) ++second_;
    }
  }

  KOKKOS_FUNCTION std::uint32_t size() const { return size_; }
  KOKKOS_FUNCTION std::uint32_t operator()(std::uint32_t index) const {
    std::uint32_t const mask = (1u << half_bits_) - 1;
    index                    = index == first_ ? second_ : index == second_ ? first_ : index;
    index += offset_;
    if (index >= size_) index -= size_;
    do {
      std::uint32_t left = index >> half_bits_, right = index & mask;
      for (std::uint32_t key : keys_) {
        // Finalizer of MurmurHash3 as the round function: any function gives a bijection.
        std::uint32_t f = right ^ key;
        f               = (f ^ f >> 16) * 0x85EBCA6Bu;
        f               = (f ^ f >> 13) * 0xC2B2AE35u;
        f ^= f >> 16;
        std::uint32_t const next = left ^ (f & mask);
        left                     = right;
        right                    = next;
      }
      index = left << half_bits_ | right;
    } while (index >= size_);
    return index;
  }

 private:
  static constexpr int rounds = 12;
  std::uint32_t keys_[rounds]{};
  std::uint32_t offset_ = 0;
  std::uint32_t first_ = 0, second_ = 0;  // exchanged; equal: none
  std::uint32_t size_;
  std::uint32_t half_bits_ = 1;
};

}  // namespace basin

#endif
