// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_DETAIL_SLOTS_HPP
#define BASIN_BUFFER_DETAIL_SLOTS_HPP

#include <basin/buffer/columns.hpp>
#include <basin/buffer/draw.hpp>
#include <basin/buffer/write.hpp>

#include <Kokkos_Core.hpp>
#include <climits>

// The kernels of a replay buffer, per slot or per chain.
namespace basin::buffer::detail {

// The arrays of a buffer.
template <class Scalar, class Codec, class Stored, class Ints, int columns>
struct Slots {
  Codec codec;
  Stored stored;  // (capacity, dimension)
  Ints ages;      // (capacity)
  Ints owners;    // (capacity), -1: free
  Ints slots;     // (batch)
  Ints drawn;     // (batch) ages
  std::uint64_t const* written;
  Beside<Scalar, columns> beside;

  KOKKOS_FUNCTION int capacity() const { return static_cast<int>(stored.extent(0)); }
  KOKKOS_FUNCTION int dimension() const { return static_cast<int>(stored.extent(1)); }
  KOKKOS_FUNCTION write::Chain chain(int number, Stream const& stream) const {
    return {number, slots(number), capacity(), stream, written};
  }
};

template <class Scalar, class Source, class Arrays>
struct InitialSlot {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Source source;
  Arrays arrays;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int slot) const {
    Arrays const a = arrays;
    source.fill(c, stream, static_cast<std::uint32_t>(slot), a.dimension(),
                [&](int d, Scalar x) { a.stored(slot, d) = a.codec.encode(x); });
    a.ages(slot) = 0;
    a.beside.clear(c, slot);
  }
};

// Writes a user's sample into one slot.
template <class Scalar, class Arrays, class Samples>
struct FillSlot {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Arrays arrays;
  Samples samples;  // (capacity, dimension)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int slot) const {
    FillSlot const self = *this;
    c.each(arrays.dimension(), [=](int d) {
      self.arrays.stored(slot, d) =
          self.arrays.codec.encode(static_cast<Scalar>(self.samples(slot, d)));
    });
    c.each(1, [=](int) { self.arrays.ages(slot) = 0; });
    arrays.beside.clear(c, slot);
  }
};

// The draw of a step.
template <class Draw>
KOKKOS_FUNCTION typename Draw::bind draw_of(Draw const& policy, int capacity, Stream const& stream,
                                            draw::AgeOrder const& order) {
  if constexpr (DrawsByAge<Draw>)
    return typename Draw::bind(policy, capacity, stream, order);
  else
    return typename Draw::bind(policy, capacity, stream);
}

// Draws one chain: from its slot, or a fresh start.
template <class Scalar, class Source, class Arrays, class Chains, class Draw>
struct DrawChain {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Source source;
  Arrays arrays;
  Chains chains;  // (chains, dimension)
  Draw policy;
  typename Draw::bind slot_of;
  Stream stream;
  double fresh;
  draw::AgeOrder order;

  KOKKOS_FUNCTION DrawChain now() const {
    DrawChain r = *this;
    if (stream.clock) {
      r.stream  = stream.now();
      r.slot_of = draw_of(policy, arrays.capacity(), r.stream, order);
    }
    return r;
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int chain) const {
    std::uint32_t const i  = static_cast<std::uint32_t>(chain);
    int const slot         = slot_of(i);
    Stream choice          = stream;
    choice.purpose         = Purpose::buffer_fresh;
    bool const start_again = unit_uniform<double>(random_word(choice, 0, i)) < fresh;
    arrays.slots(chain)    = slot;
    arrays.drawn(chain)    = start_again ? 0 : arrays.ages(slot);
    int const dimension    = arrays.dimension();
    Chains const to        = chains;
    if (start_again) {
      Stream from  = stream;
      from.purpose = Purpose::sampler_start;
      source.fill(c, from, i, dimension, [&](int d, Scalar x) { to(chain, d) = x; });
    } else {
      Arrays const a = arrays;
      c.each(dimension, [=](int d) { to(chain, d) = a.codec.decode(a.stored(slot, d)); });
    }
    arrays.beside.draw(c, slot, chain, start_again);
  }
};

// points(i, :) = the sample of another slot for each i, with nothing changed.
template <class Scalar, class Arrays, class Points>
struct LookAtSlot {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Arrays arrays;
  Points points;  // (count, dimension)
  int* slots;     // (count)
  Stream stream;
  Permutation slot_of{1, {}};

  KOKKOS_FUNCTION LookAtSlot now() const {
    LookAtSlot r = *this;
    r.slot_of    = Permutation(static_cast<std::uint32_t>(arrays.capacity()), stream.now());
    return r;
  }

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    LookAtSlot const s = *this;
    int const slot     = static_cast<int>(slot_of(static_cast<std::uint32_t>(i)));
    c.each(1, [=](int) { s.slots[i] = slot; });
    c.each(arrays.dimension(),
           [=](int d) { s.points(i, d) = s.arrays.codec.decode(s.arrays.stored(slot, d)); });
  }
};

// The chain with the largest value owns the slot.
template <class Write>
KOKKOS_FUNCTION int owner(int chain) {
  return Write::winner == write::Winner::highest ? chain : INT_MAX - chain;
}

// Resolves which of the chains that contest a slot gets it.
template <class Scalar, class Arrays, class Write>
struct ClaimSlot {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Arrays arrays;
  Write write;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int chain) const {
    ClaimSlot self = *this;
    self.stream    = stream.now();
    c.each(1, [=](int) {
      int const slot           = self.write(self.arrays.chain(chain, self.stream));
      self.arrays.slots(chain) = slot;
      if (slot >= 0) Kokkos::atomic_max(&self.arrays.owners(slot), owner<Write>(chain));
    });
  }
};

template <class Scalar, class Arrays, class Chains, class Write, bool contested>
struct WriteChain {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Arrays arrays;
  Chains chains;  // (chains, dimension)
  Write write;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int chain) const {
    int const slot = contested ? arrays.slots(chain) : write(arrays.chain(chain, stream.now()));
    if (slot < 0) return;
    if constexpr (contested) {
      if (arrays.owners(slot) != owner<Write>(chain)) return;
      c.barrier();
    }
    Arrays const a    = arrays;
    Chains const from = chains;
    c.each(a.dimension(), [=](int d) { a.stored(slot, d) = a.codec.encode(from(chain, d)); });
    c.each(1, [=](int) {
      a.ages(slot) = a.drawn(chain) + 1;
      if constexpr (contested) a.owners(slot) = -1;
    });
    arrays.beside.write(c, chain, slot);
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

}  // namespace basin::buffer::detail

#endif
