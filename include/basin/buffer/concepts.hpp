// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_CONCEPTS_HPP
#define BASIN_BUFFER_CONCEPTS_HPP

#include <basin/core/philox.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>

namespace basin::buffer {

namespace detail {

// The buffer for one choice of the other types.
template <class B>
using probe =
    typename B::template bind<Kokkos::DefaultHostExecutionSpace, float,
                              tile::default_tuning<Kokkos::DefaultHostExecutionSpace, float>()>;
using probe_chains =
    Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::DefaultHostExecutionSpace::memory_space>;
using probe_pool = Kokkos::View<float const**, Kokkos::LayoutRight,
                                Kokkos::DefaultHostExecutionSpace::memory_space>;

template <class B>
concept HasOptions = requires(B const& b) {
  b.start;
  b.check(1);
};
template <class B>
concept BindsChains =
    std::constructible_from<probe<B>, Kokkos::DefaultHostExecutionSpace const&, B const&, int, int,
                            probe_pool const&, std::uint64_t> &&
    requires(probe<B>& bound, Kokkos::DefaultHostExecutionSpace const& exec,
             probe_chains const& chains, Step const& step, B const& options) {
      bound.draw(exec, chains, step);
      bound.write(exec, chains, step);
      bound.change(options);
      { bound.drawn_ages().data() } -> std::convertible_to<int const*>;
    };

}  // namespace detail

/// A buffer of chains. A user-defined buffer is a struct of options with
///
///   start;                                 // a sampler::start policy, of fresh chains
///   void check(int batch) const;           // throws std::invalid_argument
///   template <class Exec, class Scalar, tile::Tuning tuning> struct bind {
///     bind(Exec const&, Buffer const&, int batch, int dimension, Pool const& data,
///          std::uint64_t seed);
///     void draw(Exec const&, Chains const& chains, Step const&);   // chains (chains, dimension)
///     void write(Exec const&, Chains const& chains, Step const&);  // those of the last draw
///     void change(Buffer const& options);  // throws if it needs different arrays
///     Kokkos::View<int*, ...> drawn_ages() const;  // (batch) sampler calls since each started
///     template <class Archive> void archive(Archive&);  // lists what must be saved
///   };
template <class B>
concept Buffer = detail::HasOptions<B> && detail::BindsChains<B>;

/// Checks a buffer for a batch of chains of a sampler. \throws std::invalid_argument as the buffer's own checks
template <class B, class Sampler>
void check_for(B const& buffer, Sampler const& sampler, int batch) {
  buffer.check(batch);
  if constexpr (requires { buffer.check_chains(sampler.lower, sampler.upper); })
    buffer.check_chains(sampler.lower, sampler.upper);
}

}  // namespace basin::buffer

#endif
