// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_LAUNCH_HPP
#define BASIN_TILE_LAUNCH_HPP

#include <basin/tile/context.hpp>

#include <cstddef>

namespace basin::tile {

/// Tiles of T that hold n chains.
constexpr int tiles(int n, int width) { return (n + width - 1) / width; }

/// A View as kernels hold it: without its reference count, for which the threads would wait in turn
/// wherever work items copy Views.
template <class View>
using Borrowed = Kokkos::View<typename View::data_type, typename View::array_layout,
                              typename View::device_type, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

/// Name of a kernel in profiles. At most 15 characters: Kokkos copies the name at every launch, and
/// a longer one would be copied to the heap.
struct Label {
  char const* text;
  template <std::size_t N>
  consteval Label(char const (&name)[N]) : text(name) {
    static_assert(N <= 16, "basin::tile::Label: write at most 15 characters.");
  }
};

namespace detail {

template <class Work>
inline constexpr int jet_order_of = 0;
template <class Work>
requires requires { +Work::jet_order; }
inline constexpr int jet_order_of<Work> = Work::jet_order;

// Values, or jets of the order that the work asks for.
template <class Scalar, int order>
struct ValueOf {
  template <int lanes>
  using type = Jet<Pack<Scalar, lanes>, order>;
};
template <class Scalar>
struct ValueOf<Scalar, 0> {
  template <int lanes>
  using type = Pack<Scalar, lanes>;
};

template <class Scalar, Tuning tuning, class Team, int order>
using context_of = Context<Team, typename ValueOf<Scalar, order>::template type<tuning.lanes>,
                           tuning.width, tuning.rows, tuning.vectors>;

template <class Work, Tuning tuning>
inline constexpr std::size_t workspace_bytes =
    sizeof(typename Work::scalar_type) * static_cast<std::size_t>(Work::workspace_rows) *
    static_cast<std::size_t>(tuning.width*(jet_order_of<Work> + 1));

// One team a tile. Level is a template argument: with a level known only at run time the compiler
// does not know the address space of the workspace.
template <class Exec, class Schedule, Tuning tuning, class Work, int Level>
struct TileKernel {
  using Scalar = typename Work::scalar_type;
  using member = typename Kokkos::TeamPolicy<Exec, Schedule>::member_type;
  using team   = std::conditional_t<tuning.team == 0, SerialTeam, KokkosTeam<member>>;

  static constexpr std::size_t alignment = 64;
  static_assert(sizeof(Scalar) * static_cast<std::size_t>(tuning.lanes) <= alignment,
                "basin::tile::Tuning: a pack of 'lanes' values must fit in 64 bytes, to which "
                "workspaces and Views are aligned; write fewer lanes.");
  static constexpr std::size_t bytes = workspace_bytes<Work, tuning>;
  using context                      = context_of<Scalar, tuning, team, jet_order_of<Work>>;

  Work work;

  KOKKOS_FUNCTION void operator()(member const& m) const {
    Scalar* workspace = nullptr;
    if constexpr (bytes > 0)
      workspace = static_cast<Scalar*>(m.team_scratch(Level).get_shmem_aligned(+bytes, +alignment));
    if constexpr (tuning.team == 0)
      work(context(team{}), workspace, m.league_rank());
    else
      work(context(team{m}), workspace, m.league_rank());
  }
};

}  // namespace detail

/// Runs work(context, workspace, tile) for tile in [0, count), one team each.
///
/// Work names 'scalar_type' and 'static constexpr int workspace_rows', the rows [row][T] of its
/// workspace; with 'static constexpr int jet_order' its context is one of jets. Asynchronous on
/// exec.
///
/// \tparam tuning    how the backend cuts the work; team 0 needs a host execution space
/// \tparam Schedule  Kokkos::Schedule: Dynamic where work items are long or unlike each other, at
///                   the cost of about a microsecond; results do not depend on it
template <Tuning tuning, class Schedule = Kokkos::Schedule<Kokkos::Static>, class Exec, class Work>
void for_each_tile(Exec const& exec, Label label, int count, Work const& work) {
  static_assert(tuning.team > 0 || Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible,
                "basin::tile::Tuning: team 0 (one thread a tile) is for host execution spaces; "
                "write the number of threads of a team.");
  // A host's level 0 ends at 32 KB; a GPU's level 0 is its shared memory, 40 KB through Kokkos.
  constexpr bool host         = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  constexpr std::size_t bytes = detail::workspace_bytes<Work, tuning>;
  constexpr int level         = host || bytes > 40 * 1000 ? 1 : 0;
  using kernel                = detail::TileKernel<Exec, Schedule, tuning, Work, level>;
  Kokkos::TeamPolicy<Exec, Schedule> policy(exec, count, tuning.team == 0 ? 1 : tuning.team, 1);
  if constexpr (bytes > 0)
    policy.set_scratch_size(level, Kokkos::PerTeam(bytes + kernel::alignment));
  Kokkos::parallel_for(label.text, policy, kernel{work});
}

namespace detail {

// Group chains a work item: a launch costs a host tens of nanoseconds an item.
template <class Work, int Group>
struct ChainGroup {
  using scalar_type                   = typename Work::scalar_type;
  static constexpr int workspace_rows = Work::workspace_rows;
  Work work;
  int count;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int group) const {
    int const end = (group + 1) * Group < count ? (group + 1) * Group : count;
    for (int chain = group * Group; chain < end; ++chain) work(c, workspace, chain);
  }
};

}  // namespace detail

/// Runs work(context, workspace, chain) for chain in [0, count): for work that is short, or a row
/// of memory at a time, and so has no tile. Otherwise as for_each_tile.
template <Tuning tuning, class Exec, class Work>
void for_each_chain(Exec const& exec, Label label, int count, Work const& work) {
  constexpr int group = tuning.team == 0 ? 16 : 1;
  for_each_tile<tuning>(exec, label, tiles(count, group),
                        detail::ChainGroup<Work, group>{work, count});
}

}  // namespace basin::tile

#endif
