// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_REPLAY_HPP
#define BASIN_BUFFER_REPLAY_HPP

#include <basin/augmentation/pipeline.hpp>
#include <basin/buffer/columns.hpp>
#include <basin/buffer/concepts.hpp>
#include <basin/buffer/detail/age_order.hpp>
#include <basin/buffer/detail/slots.hpp>
#include <basin/buffer/draw.hpp>
#include <basin/buffer/storage.hpp>
#include <basin/buffer/write.hpp>
#include <basin/core/field.hpp>
#include <basin/core/part.hpp>
#include <basin/core/policy.hpp>
#include <basin/sampler/start.hpp>

#include <cmath>

namespace basin::buffer {

/// Replay buffer of persistent chains (Tieleman 2008, ICML; Du and Mordatch 2019, section 4).
///
/// A batch is drawn from it, each chain is replaced by a fresh start with probability 'fresh', the
/// sampler moves the chains, and they are written back. Everything is on the device and a function
/// of the seed and the step.
///
/// \tparam Policies  in any order: a sampler::start policy, for the initial content and fresh
///                   chains (default start::Uniform); storage::Full (default) or Byte;
///                   draw::WithoutReplacement (default), WithReplacement or StratifiedByAge; write::SameSlot
///                   (default), Ring or Reservoir; Columns<n> (default: none); an
///                   augmentation::Pipeline of what is drawn (default: none). Or user-defined
///                   policies, see the namespaces
template <class... Policies>
struct Replay {
  static_assert((Policy<Policies> && ...),
                "basin::buffer::Replay: each argument must be a policy, which names its axis: "
                "a sampler::start, storage, draw, write or Columns policy, or an "
                "augmentation::Pipeline.");
  static_assert((has_axis<Policies, sampler::start_axis, storage_axis, draw_axis, write_axis,
                          columns_axis, augmentation::augmentation_axis> &&
                 ...),
                "basin::buffer::Replay: a policy of another axis; write a sampler::start, storage, "
                "draw, write or Columns policy, or an augmentation::Pipeline.");
  static_assert(policies_of<sampler::start_axis, Policies...> <= 1 &&
                    policies_of<storage_axis, Policies...> <= 1 &&
                    policies_of<draw_axis, Policies...> <= 1 &&
                    policies_of<write_axis, Policies...> <= 1 &&
                    policies_of<columns_axis, Policies...> <= 1 &&
                    policies_of<augmentation::augmentation_axis, Policies...> <= 1,
                "basin::buffer::Replay: write at most one policy of each axis.");
  using start_type   = pick<sampler::start_axis, sampler::start::Uniform, Policies...>;
  using storage_type = pick<storage_axis, buffer::storage::Full, Policies...>;
  using draw_type    = pick<draw_axis, buffer::draw::WithoutReplacement, Policies...>;
  using write_type   = pick<write_axis, buffer::write::SameSlot, Policies...>;
  using augmentation_type =
      pick<augmentation::augmentation_axis, basin::augmentation::None, Policies...>;
  /// Values stored with each sample.
  static constexpr int columns = pick<columns_axis, detail::NoColumns, Policies...>::count;
  static_assert(sampler::check_start<start_type>::value && check_storage<storage_type>::value &&
                check_draw<draw_type>::value && check_write<write_type>::value);
  static_assert(sampler::rows_of<start_type> != sampler::StartRows::batch,
                "basin::buffer::Replay: a fresh chain has no positive of its own; write "
                "start::Data for a random row of the data.");

  int capacity = 8192;               ///< samples kept; >= the batch
  double fresh = 0.05;               ///< probability that a drawn chain starts anew; in [0, 1]
  start_type start{};                ///< distribution of the initial content and fresh chains
  double lower = -1;                 ///< range of storage::Byte, units of x
  double upper = 1;                  ///< range of storage::Byte, units of x; > lower
  storage_type storage{};            ///< options of the policy, if any
  draw_type draw{};                  ///< options of the policy, if any
  write_type write{};                ///< options of the policy, if any
  augmentation_type augmentation{};  ///< of chains that are drawn; fresh ones stay as they start

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"capacity", "1", "samples kept, at least the batch"}, self.capacity);
    f(Field{"fresh", "1", "probability that a drawn chain starts anew"}, self.fresh,
      range::closed(0, 1));
    f.nested("start", self.start);
    f(Field{"lower", "x", "least coordinate that storage::Byte keeps"}, self.lower);
    f(Field{"upper", "x", "largest coordinate that storage::Byte keeps"}, self.upper);
    f.nested("storage", self.storage);
    f.nested("draw", self.draw);
    f.nested("write", self.write);
    f.nested("augmentation", self.augmentation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::buffer::Replay";
    if (capacity < batch)
      refuse(who, "capacity is ", capacity, ", smaller than the batch of ", batch);
    check_fields(who, *this);
    if (!(lower < upper) || std::isinf(lower) || std::isinf(upper))
      refuse(who, "lower must be < upper and both finite, got ", lower, " and ", upper);
    if constexpr (requires { start.lower, start.upper; })
      check_stored("the start", start.lower, start.upper);
  }

  /// The part of a slice of the run, see train::Slices.
  Replay share(int slice, int slices) const {
    Replay mine = *this;
    mine.capacity =
        static_cast<int>(part_of(static_cast<std::uint64_t>(capacity), slices, slice).count());
    return mine;
  }

  /// Checks that chains with these bounds can be stored.
  /// \throws std::invalid_argument naming both ranges
  void check_chains(double least, double most) const { check_stored("the sampler", least, most); }

  // Values stored outside the range of bytes would be clamped to its ends.
  void check_stored(char const* what, double least, double most) const {
    if constexpr (is_bounded<storage_type>)
      if (!(least >= lower && most <= upper))
        refuse("basin::buffer::Replay", "the storage keeps [", lower, ", ", upper, "], ", what,
               " has [", least, ", ", most,
               "]; write a range of the buffer that holds it, or narrower bounds there");
  }

  /// The buffer itself, for an execution space and a scalar.
  template <class Exec, Real Scalar, tile::Tuning tuning>
  class bind {
    using memory = typename Exec::memory_space;
    using codec  = typename storage_type::template bind<Scalar>;
    static_assert(std::is_trivially_copyable_v<codec>,
                  "basin::buffer::Storage: 'bind' goes to the device by value and must be "
                  "trivially copyable.");

   public:
    using stored_type = typename codec::stored;
    using Pool        = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
    using Chains      = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
    using Columns     = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

    /// Allocates, which may synchronize, and fills the buffer, asynchronously on exec.
    ///
    /// \param batch      chains per draw
    /// \param dimension  coordinates per sample
    /// \param pool       (rows, dimension) the data if the start reads rows; else may be empty
    /// \throws std::invalid_argument as check, or if the pool does not fit
    bind(Exec const& exec, Replay const& options, int batch, int dimension, Pool const& pool,
         std::uint64_t seed)
        : options_(options),
          pool_(pool),
          seed_(seed),
          codec_(options.storage, options.lower, options.upper) {
      options.check(batch);
      if constexpr (augments) {
        if (dimension != augmentation_type::shape::size)
          refuse("basin::buffer::Replay", "the augmentation is of a shape of ",
                 +augmentation_type::shape::size, " numbers, the energy has dimension ", dimension);
        reserve(batch);
      }
      if constexpr (sampler::rows_of<start_type> == sampler::StartRows::data) {
        if (!is_extent(pool.extent(1), dimension) || pool.extent(0) == 0)
          refuse("basin::buffer::Replay", "the start draws rows of the data, which has shape (",
                 pool.extent(0), ", ", pool.extent(1), "); the energy has dimension ", dimension);
        checked_count("basin::buffer::Replay", "the data", pool.extent(0));
      }
      stored_ = Kokkos::View<stored_type**, Kokkos::LayoutRight, memory>(
          Kokkos::view_alloc(exec, "basin::buffer::stored", Kokkos::WithoutInitializing),
          options.capacity, dimension);
      ages_       = Kokkos::View<int*, memory>("basin::buffer::ages", options.capacity);
      owners_     = Kokkos::View<int*, memory>("basin::buffer::owners", options.capacity);
      slots_      = Kokkos::View<int*, memory>("basin::buffer::slots", batch);
      drawn_ages_ = Kokkos::View<int*, memory>("basin::buffer::drawn_ages", batch);
      written_    = Kokkos::View<std::uint64_t, memory>("basin::buffer::written");
      if constexpr (DrawsByAge<draw_type>)
        order_ = Kokkos::View<int*, memory>(
            "basin::buffer::order",
            2 * std::size_t(options.capacity) + detail::SortByAge<Scalar>::counts_size);
      if constexpr (columns > 0) {
        columns_       = Columns("basin::buffer::columns", options.capacity, +columns);
        drawn_columns_ = Columns("basin::buffer::drawn_columns", batch, +columns);
      }
      Kokkos::deep_copy(exec, owners_, -1);
      // The initial content counts as written: a ring starts at slot 0, a reservoir has a history.
      Kokkos::deep_copy(exec, written_, static_cast<std::uint64_t>(options.capacity));
      using work = detail::InitialSlot<Scalar, Source, Arrays>;
      tile::for_each_chain<tuning>(
          exec, "basin::initial", options.capacity,
          work{Source{options_.start, pool_}, arrays(), {seed_, Purpose::buffer_initial, 0}});
    }

    /// Replaces all content. Asynchronous on exec if exec can access samples; else they are copied
    /// first, and it waits.
    ///
    /// \param samples  (capacity, dimension), any scalar type, any memory space
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

    /// Sets other options for the draws that follow.
    /// \throws std::invalid_argument as check, or if they need different arrays
    void change(Replay const& options) {
      char const* who = "basin::buffer::Replay";
      options.check(static_cast<int>(slots_.extent(0)));
      refuse_change(who, "capacity", options_.capacity, options.capacity);
      if constexpr (is_bounded<storage_type>) {
        refuse_change(who, "lower", options_.lower, options.lower);
        refuse_change(who, "upper", options_.upper, options.upper);
      }
      if constexpr (std::equality_comparable<storage_type>)
        if (!(options.storage == options_.storage))
          refuse(who, "storage holds the samples since the arrays were made and cannot be changed");
      options_ = options;
    }

    /// chains(i, :) = a stored sample, or a fresh start. Asynchronous on exec.
    void draw(Exec const& exec, Chains const& chains, Step const& step) {
      check_chains("draw", chains);
      using work = detail::DrawChain<Scalar, Source, Arrays, tile::Borrowed<Chains>, draw_type>;
      Stream const stream = step.stream(seed_, Purpose::buffer_draw);
      draw::AgeOrder const order{order_.data(), static_cast<int>(chains.extent(0))};
      if constexpr (DrawsByAge<draw_type>) {
        using sort = detail::SortByAge<Scalar>;
        tile::for_each_tile<tuning>(
            exec, "basin::by_age", 1,
            sort{tuning.team == 0 ? 1 : +sort::most_parts, ages_.data(), options_.capacity,
                 order_.data(), order_.data() + options_.capacity,
                 order_.data() + 2 * options_.capacity});
      }
      tile::for_each_chain<tuning>(
          exec, "basin::draw", static_cast<int>(chains.extent(0)),
          work{Source{options_.start, pool_}, arrays(), chains, options_.draw,
               detail::draw_of(options_.draw, options_.capacity, stream, order), stream,
               options_.fresh, order});
      if constexpr (augments)
        basin::augmentation::apply<tuning>(exec, options_.augmentation, chains, chains, augmented_,
                                           step.stream(seed_, Purpose::augmentation), 0,
                                           {drawn_ages_.data(), nullptr});
    }

    /// Writes the chains of the last draw back. Asynchronous on exec.
    void write(Exec const& exec, Chains const& chains, Step const& step) {
      check_chains("write", chains);
      constexpr bool contested =
          write_type::contest == buffer::write::Contest::always ||
          (write_type::contest == buffer::write::Contest::as_drawn && !draw_type::distinct);
      int const count     = static_cast<int>(chains.extent(0));
      Stream const stream = step.stream(seed_, Purpose::buffer_write);
      if constexpr (contested) {
        using claim = detail::ClaimSlot<Scalar, Arrays, write_type>;
        tile::for_each_chain<tuning>(exec, "basin::claim", count,
                                     claim{arrays(), options_.write, stream});
      }
      using work =
          detail::WriteChain<Scalar, Arrays, tile::Borrowed<Chains>, write_type, contested>;
      tile::for_each_chain<tuning>(exec, "basin::write", count,
                                   work{arrays(), chains, options_.write, stream});
      if constexpr (write_type::counts) {
        tile::for_each_tile<tuning>(
            exec, "basin::written", 1,
            detail::CountWritten<Scalar>{written_.data(), static_cast<std::uint64_t>(count)});
      }
    }

    /// points(i, :) = a stored sample, for each i another, uniformly and whatever the draw policy:
    /// to be looked at, nothing is drawn for write and nothing changes. They are augmented as draws are.
    /// Asynchronous on exec.
    ///
    /// \param points  (count, dimension), count <= capacity; with an augmentation as many as the batch,
    ///                or as reserve() was told
    /// \param slots   (count) where each is
    void look(Exec const& exec, Chains const& points, Kokkos::View<int*, memory> const& slots,
              Step const& step) const {
      if (points.extent(0) > stored_.extent(0) || points.extent(1) != stored_.extent(1) ||
          slots.extent(0) != points.extent(0))
        refuse("basin::buffer::Replay", "look was given shape (", points.extent(0), ", ",
               points.extent(1), ") and ", slots.extent(0), " slots, the buffer has (",
               stored_.extent(0), ", ", stored_.extent(1), ")");
      using work = detail::LookAtSlot<Scalar, Arrays, tile::Borrowed<Chains>>;
      tile::for_each_chain<tuning>(
          exec, "basin::look", static_cast<int>(points.extent(0)),
          work{arrays(), points, slots.data(), step.stream(seed_, Purpose::buffer_compare)});
      // Numbers that no chain has.
      if constexpr (augments)
        basin::augmentation::apply<tuning>(exec, options_.augmentation, points, points, augmented_,
                                           step.stream(seed_, Purpose::augmentation), 1U << 31,
                                           {ages_.data(), slots.data()});
    }
    /// Allocates what look() of so many points needs.
    void reserve(int points) {
      if constexpr (augments)
        if (augmented_.extent(0) < static_cast<std::size_t>(points))
          augmented_ = Chains("basin::buffer::augmented", points, +augmentation_type::shape::size);
    }

    /// Lists what must be saved: all that the next draw depends on besides seed and step.
    template <class Archive>
    void archive(Archive& a) {
      a("stored", stored_);
      a("ages", ages_);
      a("written", written_);
      if constexpr (columns > 0) a("columns", columns_);
    }

    /// (capacity, dimension), as stored
    Kokkos::View<stored_type**, Kokkos::LayoutRight, memory> stored() const { return stored_; }
    /// The value of a stored coordinate.
    Scalar decode(stored_type x) const { return codec_.decode(x); }
    /// (capacity) sampler calls since each sample started
    Kokkos::View<int*, memory> ages() const { return ages_; }
    /// (batch) ages of the chains of the last draw, when drawn
    Kokkos::View<int*, memory> drawn_ages() const { return drawn_ages_; }
    /// (capacity, columns) values stored with each sample; 0 initially and after fill
    Columns columns_of_slots() const
      requires(columns > 0)
    {
      return columns_;
    }
    /// (batch, columns) values with the chains of the last draw, which write stores
    Columns drawn_columns() const
      requires(columns > 0)
    {
      return drawn_columns_;
    }
    /// (batch) slots of the last draw; if chains contest them, after write: where each went, -1:
    /// not stored
    Kokkos::View<int*, memory> slots() const { return slots_; }

   private:
    static constexpr bool augments = requires { typename augmentation_type::shape; };

    using Source = sampler::BoundStart<start_type, tile::Borrowed<Pool>>;
    using Stored = tile::Borrowed<Kokkos::View<stored_type**, Kokkos::LayoutRight, memory>>;
    using Ints   = tile::Borrowed<Kokkos::View<int*, memory>>;
    using Arrays = detail::Slots<Scalar, codec, Stored, Ints, columns>;

    Arrays arrays() const {
      return {codec_, stored_,     ages_,           owners_,
              slots_, drawn_ages_, written_.data(), {columns_.data(), drawn_columns_.data()}};
    }

    void check_chains(char const* call, Chains const& chains) const {
      if (chains.extent(0) > slots_.extent(0) || chains.extent(1) != stored_.extent(1))
        refuse("basin::buffer::Replay", call, " was given shape (", chains.extent(0), ", ",
               chains.extent(1), "), the batch has (", slots_.extent(0), ", ", stored_.extent(1),
               ")");
    }

    template <class Samples>
    void write_all(Exec const& exec, Samples const& samples) {
      using work = detail::FillSlot<Scalar, Arrays, tile::Borrowed<Samples>>;
      tile::for_each_chain<tuning>(exec, "basin::fill", options_.capacity, work{arrays(), samples});
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
    Columns columns_, drawn_columns_;   // (capacity, columns), (batch, columns)
    Kokkos::View<int*, memory> order_;  // see SortByAge, if draws are by age
    Chains augmented_;                  // (batch or more, dimension), if it augments
  };
};

}  // namespace basin::buffer

#endif
