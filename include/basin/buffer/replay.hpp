// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_REPLAY_HPP
#define BASIN_BUFFER_REPLAY_HPP

#include <basin/core/policy.hpp>
#include <basin/sampler/start.hpp>

#include <climits>

#include <cmath>

namespace basin::buffer {

struct storage_axis {};
struct draw_axis {};
struct write_axis {};

/// How a buffer keeps its samples.
namespace storage {
/// In the energy's scalar, as they are.
struct Full {
  using axis = storage_axis;
};
/// One byte a coordinate: round(255 (x - lower) / (upper - lower)); the error is at most 1/510 of
/// the range. Chains persist in law only where what the noise of a call moves them by, sigma
/// sqrt(K), is more than a level, (upper - lower) / 255: less is mostly rounded away.
struct Byte {
  using axis = storage_axis;
};
}  // namespace storage

/// Which slots a batch is drawn from.
namespace draw {
/// Distinct slots, uniformly.
struct WithoutReplacement {
  using axis = draw_axis;
};
/// Independent slots, uniformly; two chains may start from one.
struct WithReplacement {
  using axis = draw_axis;
};
}  // namespace draw

/// Where the chains go when they have run. The choices are different algorithms.
namespace write {
/// Back to the slot that each was drawn from (JEM, CLEL): chains persist. When two chains come from
/// one slot, the one of lower number stays.
struct SameSlot {
  using axis = write_axis;
};
/// The oldest slots (IGEBM): the drawn copies stay, so chains branch.
struct Ring {
  using axis = write_axis;
};
/// Vitter's algorithm R (ACM TOMS 11, 1985) over all chains ever written (ICD): the buffer is a
/// uniform sample of everything that past models gave, and a new chain enters with probability
/// capacity / (number written), so that chains are hardly persistent in the long run. When two
/// chains of a batch choose one slot, the one of higher number stays, as if written in order.
struct Reservoir {
  using axis = write_axis;
};
}  // namespace write

namespace detail {

// Coordinates as they are stored.
template <class Storage, class Scalar>
struct Codec {
  using stored = Scalar;
  Scalar lower, upper;
  KOKKOS_FUNCTION stored encode(Scalar x) const { return x; }
  KOKKOS_FUNCTION Scalar decode(stored x) const { return x; }
};
template <class Scalar>
struct Codec<storage::Byte, Scalar> {
  using stored = unsigned char;
  Scalar lower, upper;
  KOKKOS_FUNCTION stored encode(Scalar x) const {
    Scalar const level = (x - lower) / (upper - lower) * Scalar(255) + Scalar(0.5);
    // Written so that NaN becomes level 0 here, where a byte can hold no NaN.
    return !(level > 0) ? 0 : level >= 255 ? 255 : static_cast<stored>(level);
  }
  KOKKOS_FUNCTION Scalar decode(stored x) const {
    return lower + static_cast<Scalar>(x) * ((upper - lower) / Scalar(255));
  }
};

template <class Source, class Codec, class Stored, class Ages>
struct InitialSlot {
  using scalar_type                   = decltype(Codec::lower);
  static constexpr int workspace_rows = 0;
  Source source;
  Codec codec;
  Stored stored;  // (capacity, dimension)
  Ages ages;      // (capacity)
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int slot) const {
    Stored const to  = stored;
    Codec const code = codec;
    source.fill(c, stream, static_cast<std::uint32_t>(slot), static_cast<int>(stored.extent(1)),
                [&](int d, scalar_type x) { to(slot, d) = code.encode(x); });
    ages(slot) = 0;
  }
};

// Writes a sample of the user's into one slot.
template <class Codec, class Stored, class Samples, class Ages>
struct FillSlot {
  using scalar_type                   = decltype(Codec::lower);
  static constexpr int workspace_rows = 0;
  Codec codec;
  Stored stored;    // (capacity, dimension)
  Samples samples;  // (capacity, dimension)
  Ages ages;        // (capacity)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int slot) const {
    FillSlot const self = *this;
    c.each(static_cast<int>(stored.extent(1)), [=](int d) {
      self.stored(slot, d) = self.codec.encode(static_cast<scalar_type>(self.samples(slot, d)));
    });
    c.each(1, [=](int) { self.ages(slot) = 0; });
  }
};

// Draws one chain: from its slot, or afresh.
template <class Source, class Codec, class Stored, class Chains, class Ints, bool Replace>
struct DrawChain {
  using scalar_type                   = decltype(Codec::lower);
  static constexpr int workspace_rows = 0;
  Source source;
  Codec codec;
  Stored stored;    // (capacity, dimension)
  Chains chains;    // (chains, dimension)
  Ints slots;       // (chains)
  Ints ages;        // (capacity)
  Ints drawn_ages;  // (chains)
  Permutation permutation;
  Stream stream;
  double fresh;

  KOKKOS_FUNCTION DrawChain now() const {
    DrawChain r = *this;
    if (stream.clock) {
      r.stream = stream.now();
      if constexpr (!Replace) r.permutation = Permutation(permutation.size(), r.stream);
    }
    return r;
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int chain) const {
    std::uint32_t const i = static_cast<std::uint32_t>(chain);
    int slot;
    if constexpr (Replace) {
      Stream draw           = stream;
      draw.purpose          = Purpose::buffer_draw;
      std::uint64_t const u = random_word(draw, 0, i);
      slot                  = static_cast<int>(u * stored.extent(0) >> 32);
    } else {
      slot = static_cast<int>(permutation(i));
    }
    Stream choice          = stream;
    choice.purpose         = Purpose::buffer_fresh;
    bool const start_again = unit_uniform<double>(random_word(choice, 0, i)) < fresh;
    slots(chain)           = slot;
    drawn_ages(chain)      = start_again ? 0 : ages(slot);
    int const dimension    = static_cast<int>(stored.extent(1));
    Chains const to        = chains;
    if (start_again) {
      Stream from  = stream;
      from.purpose = Purpose::sampler_start;
      source.fill(c, from, i, dimension, [&](int d, scalar_type x) { to(chain, d) = x; });
    } else {
      Stored const from = stored;
      Codec const code  = codec;
      c.each(dimension, [=](int d) { to(chain, d) = code.decode(from(slot, d)); });
    }
  }
};

// Lets the chains that want one slot settle whose it is.
template <class Scalar, class Ints, class Write>
struct ClaimSlot {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Ints slots;   // (chains)
  Ints owners;  // (capacity)
  Stream stream;
  std::uint64_t const* written;  // (1) chains written before this batch
  int capacity;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int chain) const {
    ClaimSlot self = *this;
    self.stream    = stream.now();
    c.each(1, [=](int) {
      if constexpr (std::same_as<Write, write::Reservoir>) {
        // Two words: the history may pass 2^32.
        std::uint32_t const i     = static_cast<std::uint32_t>(chain);
        std::uint64_t const total = *self.written + i + 1;
        std::uint64_t const u = static_cast<std::uint64_t>(random_word(self.stream, 0, i)) << 32 |
                                random_word(self.stream, 1, i);
        std::uint64_t const slot = u % total;
        bool const kept          = slot < static_cast<std::uint64_t>(self.capacity);
        self.slots(chain)        = kept ? static_cast<int>(slot) : -1;
        if (kept) Kokkos::atomic_max(&self.owners(static_cast<int>(slot)), chain);
      } else {
        // Owners count downwards, so that the largest entry is the lowest chain.
        Kokkos::atomic_max(&self.owners(self.slots(chain)), INT_MAX - chain);
      }
    });
  }
};

template <class Codec, class Stored, class Chains, class Ints, class Write, bool Contested>
struct WriteChain {
  using scalar_type                   = decltype(Codec::lower);
  static constexpr int workspace_rows = 0;
  Codec codec;
  Stored stored;                 // (capacity, dimension)
  Chains chains;                 // (chains, dimension)
  Ints slots;                    // (chains)
  Ints owners;                   // (capacity)
  Ints ages;                     // (capacity)
  Ints drawn_ages;               // (chains)
  std::uint64_t const* written;  // (1) chains written before this batch

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int chain) const {
    int slot = slots(chain);
    if constexpr (std::same_as<Write, write::Ring>)
      slot = static_cast<int>((*written + static_cast<std::uint64_t>(chain)) % stored.extent(0));
    if (slot < 0) return;
    if constexpr (Contested) {
      int const mine = std::same_as<Write, write::Reservoir> ? chain : INT_MAX - chain;
      if (owners(slot) != mine) return;
      c.barrier();
    }
    Stored const to   = stored;
    Chains const from = chains;
    Codec const code  = codec;
    c.each(static_cast<int>(stored.extent(1)),
           [=](int d) { to(slot, d) = code.encode(from(chain, d)); });
    WriteChain const self = *this;
    c.each(1, [=](int) {
      self.ages(slot) = self.drawn_ages(chain) + 1;
      if constexpr (Contested) self.owners(slot) = -1;
    });
  }
};

// written += count
template <class Scalar>
struct CountWritten {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  std::uint64_t* written;
  std::uint64_t count;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    CountWritten const self = *this;
    c.each(1, [=](int) { *self.written += self.count; });
  }
};

}  // namespace detail

/// Whether a type can be a buffer of chains: a capacity, a start, and numbers that it checks.
template <class B>
concept Buffer = requires(B const& b) {
  b.capacity;
  b.start;
  b.check(1);
};

/// Replay buffer of persistent chains (Tieleman 2008, ICML; Du and Mordatch 2019, section 4).
///
/// A batch is drawn from it, each chain with probability 'fresh' starts anew instead, the sampler
/// moves the chains, and they are written back. Everything is on the device and a function of the
/// seed and the step.
///
/// \tparam Policies  in any order: a sampler::start policy, for the initial content and fresh
/// chains
///                   (default start::Uniform); storage::Full (default) or Byte;
///                   draw::WithoutReplacement (default) or WithReplacement; write::SameSlot
///                   (default), Ring or Reservoir
template <class... Policies>
struct Replay {
  static_assert((Policy<Policies> && ...),
                "basin::buffer::Replay: each argument must be a policy, which names its axis: "
                "a sampler::start, storage, draw or write policy.");
  static_assert((has_axis<Policies, sampler::start_axis, storage_axis, draw_axis, write_axis> &&
                 ...),
                "basin::buffer::Replay: a policy of another axis; write a sampler::start, storage, "
                "draw or write policy.");
  static_assert(policies_of<sampler::start_axis, Policies...> <= 1 &&
                    policies_of<storage_axis, Policies...> <= 1 &&
                    policies_of<draw_axis, Policies...> <= 1 &&
                    policies_of<write_axis, Policies...> <= 1,
                "basin::buffer::Replay: write at most one policy of each axis.");
  using start_type   = pick<sampler::start_axis, sampler::start::Uniform, Policies...>;
  using storage_type = pick<storage_axis, storage::Full, Policies...>;
  using draw_type    = pick<draw_axis, draw::WithoutReplacement, Policies...>;
  using write_type   = pick<write_axis, write::SameSlot, Policies...>;
  static_assert(!std::same_as<start_type, sampler::start::Positives>,
                "basin::buffer::Replay: a fresh chain has no positive of its own; write "
                "start::Data for a random row of the data.");

  int capacity = 8192;  ///< samples kept; >= the batch
  double fresh = 0.05;  ///< probability that a drawn chain starts anew; in [0, 1]
  start_type start{};   ///< law of the initial content and of fresh chains
  double lower = -1;    ///< range of storage::Byte, units of x
  double upper = 1;     ///< range of storage::Byte, units of x; > lower

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::buffer::Replay";
    if (capacity < batch)
      refuse(who, "capacity is ", capacity, ", smaller than the batch of ", batch);
    if (!(fresh >= 0 && fresh <= 1)) refuse(who, "fresh must be in [0, 1], got ", fresh);
    if (!(lower < upper) || std::isinf(lower) || std::isinf(upper))
      refuse(who, "lower must be < upper and both finite, got ", lower, " and ", upper);
    start.check();
    if constexpr (std::same_as<start_type, sampler::start::Uniform>)
      check_stored("start::Uniform", start.lower, start.upper);
  }

  /// That chains with such bounds can be stored.
  /// \throws std::invalid_argument naming both ranges
  void check_chains(double least, double most) const { check_stored("the sampler", least, most); }

  // What is stored outside of the range of bytes would come back as its ends.
  void check_stored(char const* what, double least, double most) const {
    if constexpr (std::same_as<storage_type, storage::Byte>)
      if (!(least >= lower && most <= upper))
        refuse("basin::buffer::Replay", "storage::Byte keeps [", lower, ", ", upper, "], ", what,
               " has [", least, ", ", most,
               "]; write a range of the buffer that holds it, or narrower bounds there");
  }

  /// The buffer itself, for an execution space and a scalar.
  template <class Exec, Real Scalar, tile::Tuning tuning>
  class bind {
    using memory = typename Exec::memory_space;
    using codec  = detail::Codec<storage_type, Scalar>;

   public:
    using stored_type = typename codec::stored;
    using Pool        = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
    using Chains      = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

    /// Allocates, which may wait, and fills the buffer, asynchronously on exec.
    ///
    /// \param batch      chains of a draw
    /// \param dimension  coordinates of a sample
    /// \param pool       (rows, dimension) the data, for start::Data; else may be empty
    /// \throws std::invalid_argument as check, or if the pool does not fit
    bind(Exec const& exec, Replay const& options, int batch, int dimension, Pool const& pool,
         std::uint64_t seed)
        : options_(options),
          pool_(pool),
          seed_(seed),
          codec_{static_cast<Scalar>(options.lower), static_cast<Scalar>(options.upper)} {
      options.check(batch);
      if constexpr (std::same_as<start_type, sampler::start::Data>) {
        if (static_cast<int>(pool.extent(1)) != dimension || pool.extent(0) == 0)
          refuse("basin::buffer::Replay", "start::Data draws from the data, which has shape (",
                 pool.extent(0), ", ", pool.extent(1), "); the energy has dimension ", dimension);
      }
      stored_ = Kokkos::View<stored_type**, Kokkos::LayoutRight, memory>(
          Kokkos::view_alloc(exec, "basin::buffer::stored", Kokkos::WithoutInitializing),
          options.capacity, dimension);
      ages_       = Kokkos::View<int*, memory>("basin::buffer::ages", options.capacity);
      owners_     = Kokkos::View<int*, memory>("basin::buffer::owners", options.capacity);
      slots_      = Kokkos::View<int*, memory>("basin::buffer::slots", batch);
      drawn_ages_ = Kokkos::View<int*, memory>("basin::buffer::drawn_ages", batch);
      written_    = Kokkos::View<std::uint64_t, memory>("basin::buffer::written");
      Kokkos::deep_copy(exec, owners_, -1);
      // The initial content counts as written: a ring starts at slot 0, a reservoir has a history.
      Kokkos::deep_copy(exec, written_, static_cast<std::uint64_t>(options.capacity));
      using work = detail::InitialSlot<source, codec, Stored, Ints>;
      tile::for_each_chain<tuning>(exec, "basin::initial", options.capacity,
                                   work{source(options_.start, pool_),
                                        codec_,
                                        stored_,
                                        ages_,
                                        {seed_, Purpose::buffer_initial, 0}});
    }

    /// Replaces the whole content. Asynchronous on exec if exec reaches samples; else they are
    /// copied first, and it waits.
    ///
    /// \param samples  (capacity, dimension), of any scalar, anywhere
    /// \throws std::invalid_argument if the shape differs
    template <class Samples>
    void fill(Exec const& exec, Samples const& samples) {
      if (samples.extent(0) != stored_.extent(0) || samples.extent(1) != stored_.extent(1))
        refuse("basin::buffer::Replay", "fill was given shape (", samples.extent(0), ", ",
               samples.extent(1), "), the buffer has (", stored_.extent(0), ", ", stored_.extent(1),
               ")");
      if constexpr (Kokkos::SpaceAccessibility<Exec, typename Samples::memory_space>::accessible) {
        write_all(exec, samples);
      } else {
        write_all(exec, Kokkos::create_mirror_view_and_copy(memory(), samples));
        exec.fence("basin::buffer::fill");  // before the copy is freed
      }
    }

    /// Takes other options for the draws that follow.
    /// \throws std::invalid_argument as check, or if they differ in what the arrays were made for
    void change(Replay const& options) {
      char const* who = "basin::buffer::Replay";
      options.check(static_cast<int>(slots_.extent(0)));
      refuse_change(who, "capacity", options_.capacity, options.capacity);
      if constexpr (std::same_as<storage_type, storage::Byte>) {
        refuse_change(who, "lower", options_.lower, options.lower);
        refuse_change(who, "upper", options_.upper, options.upper);
      }
      options_ = options;
    }

    /// chains(i, :) = a stored sample, or a fresh start. Asynchronous on exec.
    void draw(Exec const& exec, Chains const& chains, Step const& step) {
      check_chains("draw", chains);
      constexpr bool replace = std::same_as<draw_type, buffer::draw::WithReplacement>;
      using work = detail::DrawChain<source, codec, Stored, tile::Borrowed<Chains>, Ints, replace>;
      Stream const stream = step.stream(seed_, Purpose::buffer_draw);
      tile::for_each_chain<tuning>(
          exec, "basin::draw", static_cast<int>(chains.extent(0)),
          work{source(options_.start, pool_), codec_, stored_, chains, slots_, ages_, drawn_ages_,
               Permutation(static_cast<std::uint32_t>(options_.capacity), stream), stream,
               options_.fresh});
    }

    /// Writes the chains of the last draw back. Asynchronous on exec.
    void write(Exec const& exec, Chains const& chains, Step const& step) {
      check_chains("write", chains);
      constexpr bool reservoir = std::same_as<write_type, buffer::write::Reservoir>;
      constexpr bool ring      = std::same_as<write_type, buffer::write::Ring>;
      constexpr bool contested =
          reservoir || (!ring && std::same_as<draw_type, buffer::draw::WithReplacement>);
      int const count = static_cast<int>(chains.extent(0));
      if constexpr (contested) {
        tile::for_each_chain<tuning>(exec, "basin::claim", count,
                                     detail::ClaimSlot<Scalar, Ints, write_type>{
                                         slots_, owners_, step.stream(seed_, Purpose::buffer_write),
                                         written_.data(), options_.capacity});
      }
      using work =
          detail::WriteChain<codec, Stored, tile::Borrowed<Chains>, Ints, write_type, contested>;
      tile::for_each_chain<tuning>(
          exec, "basin::write", count,
          work{codec_, stored_, chains, slots_, owners_, ages_, drawn_ages_, written_.data()});
      if constexpr (ring || reservoir) {
        tile::for_each_tile<tuning>(
            exec, "basin::written", 1,
            detail::CountWritten<Scalar>{written_.data(), static_cast<std::uint64_t>(count)});
      }
    }

    /// The content, the ages, and how many chains were written.
    template <class A>
    void archive(A& a) {
      a("stored", stored_);
      a("ages", ages_);
      a("written", written_);
    }

    /// (capacity, dimension), as stored
    Kokkos::View<stored_type**, Kokkos::LayoutRight, memory> stored() const { return stored_; }
    /// The value of a stored coordinate.
    Scalar decode(stored_type x) const { return codec_.decode(x); }
    /// (capacity) sampler calls since each sample started
    Kokkos::View<int*, memory> ages() const { return ages_; }
    /// (batch) ages of the chains of the last draw, as they were drawn
    Kokkos::View<int*, memory> drawn_ages() const { return drawn_ages_; }
    /// (batch) slots of the last draw; of a reservoir after write: where each went, -1 nowhere
    Kokkos::View<int*, memory> slots() const { return slots_; }

   private:
    using source = sampler::detail::StartSource<start_type, Scalar, tile::Borrowed<Pool>>;
    using Stored = tile::Borrowed<Kokkos::View<stored_type**, Kokkos::LayoutRight, memory>>;
    using Ints   = tile::Borrowed<Kokkos::View<int*, memory>>;

    void check_chains(char const* call, Chains const& chains) const {
      if (chains.extent(0) > slots_.extent(0) || chains.extent(1) != stored_.extent(1))
        refuse("basin::buffer::Replay", call, " was given shape (", chains.extent(0), ", ",
               chains.extent(1), "), the batch has (", slots_.extent(0), ", ", stored_.extent(1),
               ")");
    }

    template <class Samples>
    void write_all(Exec const& exec, Samples const& samples) {
      using work = detail::FillSlot<codec, Stored, tile::Borrowed<Samples>, Ints>;
      tile::for_each_chain<tuning>(exec, "basin::fill", options_.capacity,
                                   work{codec_, stored_, samples, ages_});
    }

    Replay options_;
    Pool pool_;
    std::uint64_t seed_;
    codec codec_;
    Kokkos::View<stored_type**, Kokkos::LayoutRight, memory> stored_;  // (capacity, dimension)
    Kokkos::View<int*, memory> ages_;                                  // (capacity)
    Kokkos::View<int*, memory> owners_;                                // (capacity), -1: free
    Kokkos::View<int*, memory> slots_;                                 // (batch)
    Kokkos::View<int*, memory> drawn_ages_;                            // (batch)
    Kokkos::View<std::uint64_t, memory> written_;                      // chains ever written
  };
};

}  // namespace basin::buffer

#endif
