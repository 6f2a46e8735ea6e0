// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CHAINS_HPP
#define BASIN_OBJECTIVE_CHAINS_HPP

#include <basin/buffer/by_class.hpp>
#include <basin/buffer/write.hpp>
#include <basin/energy/head/labeled.hpp>
#include <basin/objective/label.hpp>
#include <basin/tile/launch.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>
#include <vector>

namespace basin::objective {

struct chains_axis {};

namespace detail {

// label(n) = a draw of the law.
template <class Scalar>
struct DrawLabel {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  double const* cumulative;  // (classes)
  int classes;
  int* labels;  // (chains)
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    DrawLabel const s = *this;
    c.each(1, [=](int) {
      double const u =
          unit_uniform<double>(random_word(s.stream.now(), 0, static_cast<std::uint32_t>(n)));
      int y = 0;
      while (y < s.classes - 1 && u >= s.cumulative[y]) ++y;
      s.labels[n] = y;
    });
  }
};

}  // namespace detail

/// Which chains give the samples of a joint model: a struct with
///
///   using axis = basin::objective::chains_axis;
///   static constexpr bool labeled = ...;  // whether a chain has a label
///   template <class Buffer> static constexpr bool check_buffer();  // static_asserts
///   template <class E, class Exec, tile::Tuning tuning> class bind {
///     // labels: (max(batch, capacity)) for those of the chains, initially of the slots
///     bind(Chains const&, int batch, int capacity, std::vector<long> const& counts, int* labels,
///          std::uint64_t seed);
///     template <class Buffer> Buffer of(Buffer const& options) const;  // with the labels set
///     void draw(Exec const&, Step const&);          // the labels of a step
///     auto energy(E const&) const;                  // that of which the chains are
///   };
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace chains {

/// Samples of p(x): chains on E(x).
struct Marginal {
  using axis                    = chains_axis;
  static constexpr bool labeled = false;

  template <class Buffer>
  static constexpr bool check_buffer() {
    static_assert(
        !requires(Buffer const& b) { b.draw.labels; } &&
            !requires(Buffer const& b) { b.start.labels; },
        "basin::objective: the buffer draws or starts by the labels of chains, and these "
        "chains have none; write objective::Joint with chains::ClassConditional<>, or a "
        "buffer without draw::ByClass and start::ClassGaussian.");
    return true;
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
   public:
    bind(Marginal const&, int, int, std::vector<long> const&, int*, std::uint64_t) {}
    template <class Buffer>
    Buffer const& of(Buffer const& options) const {
      return options;
    }
    void draw(Exec const&, Step const&) const {}
    E const& energy(E const& energy) const { return energy; }
  };
};

/// Samples of p(x | y), a label y drawn for each chain at each step: chains on E(x, y) = -f_y(x).
/// The buffer must draw by class, and write to the same slots, so that a chain keeps its class.
/// Better samples and a worse classifier than with Marginal, says the source: Grathwohl et al. 2020,
/// arXiv:1912.03263, code, 'class_cond_p_x_sample'.
///
/// \tparam Law  of y: label::Frequencies, label::Uniform, or a user's
template <class Law = label::Frequencies>
struct ClassConditional {
  using axis                    = chains_axis;
  static constexpr bool labeled = true;
  static_assert(check_label_law<Law>::value);

  Law law{};  ///< options of the policy, if any

  void check() const { check_numbers(law); }

  template <class Buffer>
  static constexpr bool check_buffer() {
    static_assert(std::same_as<typename Buffer::draw_type, buffer::draw::ByClass> &&
                      std::same_as<typename Buffer::write_type, buffer::write::SameSlot>,
                  "basin::objective: class-conditional chains need a buffer in parts, in which a "
                  "chain keeps its class; write buffer::Replay<buffer::draw::ByClass>, with "
                  "write::SameSlot, which is the default.");
    return true;
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;

   public:
    /// \param counts  (classes) labels in the data
    /// \throws std::invalid_argument if the capacity does not fit, or the law has no weights
    bind(ClassConditional const& options, int batch, int capacity, std::vector<long> const& counts,
         int* labels, std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          labels_(labels),
          cumulative_("basin::objective::cumulative", counts.size()) {
      char const* who   = "basin::objective::chains::ClassConditional";
      int const classes = static_cast<int>(counts.size());
      if (capacity % classes != 0)
        refuse(who, "the capacity of the buffer must be a multiple of the ", classes,
               " classes, got ", capacity, "; write for example ",
               (capacity / classes + 1) * classes);
      if (capacity / classes < batch)
        refuse(who, "the capacity of the buffer is ", capacity, ", ", capacity / classes,
               " for each of ", classes, " classes, fewer than the batch of ", batch);
      auto const law  = detail::cumulative(options.law, counts);
      auto const host = Kokkos::create_mirror_view(cumulative_);
      for (std::size_t y = 0; y < law.size(); ++y) host(y) = law[y];
      Kokkos::deep_copy(cumulative_, host);
      // The initial content of a slot is of its part's class.
      Kokkos::View<int*, memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>> const slots(
          labels_, static_cast<std::size_t>(capacity));
      auto const of_slots = Kokkos::create_mirror_view(slots);
      for (int n = 0; n < capacity; ++n)
        of_slots(static_cast<std::size_t>(n)) = n / (capacity / classes);
      Kokkos::deep_copy(slots, of_slots);
    }

    /// \throws std::invalid_argument if chains start by other classes than the classifier has
    template <class Buffer>
    Buffer of(Buffer options) const {
      if constexpr (requires { options.start.classes, options.start.dimension; })
        if (int const classes = static_cast<int>(cumulative_.size());
            options.start.classes != classes || options.start.dimension != E::dimension)
          refuse("basin::objective::chains::ClassConditional", "the start is of ",
                 options.start.classes, " classes and dimension ", options.start.dimension,
                 ", the classifier has ", classes, " and ", +E::dimension);
      options.draw.labels  = labels_;
      options.draw.classes = static_cast<int>(cumulative_.size());
      if constexpr (requires { options.start.labels; }) options.start.labels = labels_;
      return options;
    }
    void draw(Exec const& exec, Step const& step) const {
      tile::for_each_chain<tuning>(
          exec, "basin::labels", batch_,
          detail::DrawLabel<Scalar>{cumulative_.data(), static_cast<int>(cumulative_.size()),
                                    labels_, step.stream(seed_, Purpose::label)});
    }
    auto energy(E const& energy) const {
      return energy.with_head(energy::head::Labeled{{labels_}});
    }

   private:
    int batch_;
    std::uint64_t seed_;
    int* labels_;
    Kokkos::View<double*, memory> cumulative_;  // (classes)
  };
};

}  // namespace chains
}  // namespace basin::objective

#endif
