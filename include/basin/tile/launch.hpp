// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_LAUNCH_HPP
#define BASIN_TILE_LAUNCH_HPP

#include <basin/tile/block.hpp>
#include <basin/tile/context.hpp>
#include <basin/tile/phases.hpp>
#include <basin/tile/placement.hpp>

#include <algorithm>
#include <cstddef>

namespace basin::tile {

/// Number of tiles of T chains that hold n chains.
constexpr int tiles(int n, int width) { return (n + width - 1) / width; }

/// A View as kernels hold it: unmanaged, since threads would contend for its reference count
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

// The work with the values of the current step.
template <class Work>
KOKKOS_FORCEINLINE_FUNCTION decltype(auto) at_this_step(Work const& work) {
  if constexpr (requires { work.now(); })
    return work.now();
  else
    return (work);
}

// Values, or jets of the order that the work asks for.
template <class Scalar, int order>
struct ValueOf {
  template <int lanes>
  using type = Jet<Simd<Scalar, lanes>, order>;
};
template <class Scalar>
struct ValueOf<Scalar, 0> {
  template <int lanes>
  using type = Simd<Scalar, lanes>;
};

template <class Scalar, Tuning tuning, class Team, int order>
using context_of = Context<Team, typename ValueOf<Scalar, order>::template type<tuning.lanes>,
                           tuning.width, tuning.rows, tuning.vectors>;

template <class Work, Tuning tuning>
inline constexpr std::size_t workspace_bytes =
    sizeof(typename Work::scalar_type) * static_cast<std::size_t>(Work::workspace_rows) *
    static_cast<std::size_t>(tuning.width * (jet_order_of<Work> + 1));

// From the number of threads a GPU's compiler derives the registers of one; at least a warp.
template <Tuning tuning>
using bounds_of =
    Kokkos::LaunchBounds<(tuning.team == 0 || tuning.team >= threads_in_step ? tuning.team
                                                                             : threads_in_step),
                         (tuning.team == 0 ? 0 : 1)>;

// One team per tile. Level is a template argument: with a level known only at run time the compiler
// does not know the address space of the workspace.
template <class Exec, class Schedule, Tuning tuning, class Work, int Level>
struct TileKernel {
  using Scalar = typename Work::scalar_type;
  using member = typename Kokkos::TeamPolicy<Exec, Schedule>::member_type;
  using team = std::conditional_t<tuning.team == 0, SerialTeam<tuning>, KokkosTeam<member, tuning>>;

  static constexpr std::size_t alignment = 64;
  static_assert(sizeof(Scalar) * static_cast<std::size_t>(tuning.lanes) <= alignment,
                "basin::tile::Tuning: a vector of 'lanes' values must fit in 64 bytes, to which "
                "workspaces and Views are aligned; write fewer lanes.");
  static constexpr std::size_t bytes = workspace_bytes<Work, tuning>;
  using context                      = context_of<Scalar, tuning, team, jet_order_of<Work>>;

  Work work;

  KOKKOS_FUNCTION void operator()(member const& m) const {
    Scalar* workspace = nullptr;
    if constexpr (bytes > 0)
      workspace = static_cast<Scalar*>(m.team_scratch(Level).get_shmem_aligned(+bytes, +alignment));
    if constexpr (tuning.team == 0)
      at_this_step(work)(context(team{}), workspace, m.league_rank());
    else
      at_this_step(work)(context(team(m)), workspace, m.league_rank());
  }
};

// The energy of a work, whose weights teams may copy.
template <class Work>
using energy_of = std::remove_cvref_t<decltype(std::declval<Work&>().energy)>;
template <class Work, Tuning tuning>
inline constexpr std::size_t packed_bytes = 0;
template <class Work, Tuning tuning>
  requires requires { energy_of<Work>::template packed_numbers<tuning>; }
inline constexpr std::size_t packed_bytes<Work, tuning> =
    sizeof(typename Work::scalar_type) *
    static_cast<std::size_t>(energy_of<Work>::template packed_numbers<tuning>);

// One block of a GPU a tile. The workspace lies in shared memory, and so do the weights, if both
// fit; a workspace that does not fit lies in main memory, and a block does several tiles in turn.
template <class Exec, Tuning tuning, class Work>
struct TileBlock {
  using Scalar  = typename Work::scalar_type;
  using context = context_of<Scalar, tuning, BlockTeam<tuning>, jet_order_of<Work>>;

  static constexpr int threads         = tuning.team;
  static constexpr std::size_t rows    = workspace_bytes<Work, tuning>;
  static constexpr std::size_t weights = packed_bytes<Work, tuning>;
  static constexpr bool fits           = rows <= std::size_t(tuning.shared);
  static constexpr std::size_t at      = fits ? copies_offset(rows) : 0;  // of the weights
  static constexpr bool stages =
      weight_placement<Exec, tuning>(rows, weights) == WeightPlacement::staged;
  static constexpr std::size_t bytes = stages ? at + weights : fits ? rows : 0;

  Work work;
  Scalar* memory;  // (blocks, rows) where the workspace does not fit
  int tiles, blocks;

  KOKKOS_FUNCTION void operator()(int block, unsigned char* shared) const {
    context const c(BlockTeam<tuning>{});
    Work mine = at_this_step(work);
    if constexpr (stages) {
      Scalar* const copies = reinterpret_cast<Scalar*>(shared + at);
      mine.energy.pack(c, copies);
      mine.energy = mine.energy.staged(copies);
    }
    if constexpr (fits) {
      mine(c, reinterpret_cast<Scalar*>(shared), block);
    } else {
      Scalar* const workspace = memory + std::size_t(block) * (rows / sizeof(Scalar));
      for (int tile = block; tile < tiles; tile += blocks) mine(c, workspace, tile);
    }
  }
};

// One part of one phase of a work, see phases.hpp: 'parts' blocks of a GPU, or threads of a host,
// per tile.
template <class Exec, Tuning tuning, class Library, class Work, Part what>
struct TilePhase {
  using Scalar = typename Work::scalar_type;

  static constexpr bool elsewhere      = !std::is_same_v<Library, NoLibrary>;
  static constexpr int threads         = tuning.team;
  static constexpr std::size_t bytes   = 0;
  static constexpr std::size_t numbers = workspace_bytes<Work, tuning> / sizeof(Scalar);
  using team                           = PhaseTeam<tuning, elsewhere, what>;
  static_assert(!has_blocks<Exec> || threads % threads_in_step == 0,
                "basin::tile::Tuning: on a GPU 'team' must be a multiple of a warp's threads, 32, "
                "or 64 of AMD's.");
  using context = context_of<Scalar, tuning, team, jet_order_of<Work>>;

  Work work;
  Scalar* workspace;       // (tiles, numbers)
  Scalar const* products;  // (tiles, stride)
  std::size_t stride;
  Position wanted;
  int first, parts;

  KOKKOS_FUNCTION void operator()(int item, unsigned char* = nullptr) const {
    int const tile = item / parts, part = item % parts;
#if BASIN_DEVICE_PASS
    Threads<tuning> const threads_of_tile(part * threads + thread_of_block(), parts * threads);
#else
    Threads<tuning> const threads_of_tile(part, parts);
#endif
    Walk walk(wanted);
    at_this_step(work)(context(team(walk, threads_of_tile, products + tile * stride)),
                       workspace + tile * numbers, first + tile);
  }
};

// Launches the phases of a range of tiles.
template <class Exec, Tuning tuning, class Library, class Work>
class PhaseLaunch {
  template <Part what>
  using Phase  = TilePhase<Exec, tuning, Library, Work, what>;
  using Scalar = typename Work::scalar_type;

 public:
  PhaseLaunch(Exec const& exec, Label label, Work const& work, Scalar* workspace, int first,
              int tiles)
      : exec_(exec),
        label_(label),
        work_(work),
        workspace_(workspace),
        first_(first),
        tiles_(tiles) {}

  template <Part what>
  void launch(Position at, int items) {
    Phase<what> phase{work_, workspace_, products_, stride_, at, first_, 1};
    if constexpr (has_blocks<Exec>) {
      // A block walks through all phases before it works: few blocks with much work each.
      int const most = (what == Part::products ? 2 : 8) * tiles_at_once(exec_);
      phase.parts    = std::min(tile::tiles(items, tuning.team), tile::tiles(most, tiles_));
      launch_blocks(exec_, label_.text, tiles_ * phase.parts, phase);
    } else {
      // Two work items per thread, to balance the load.
      phase.parts = std::min(items, tile::tiles(2 * exec_.concurrency(), tiles_));
      Kokkos::parallel_for(label_.text, Kokkos::RangePolicy<Exec>(exec_, 0, tiles_ * phase.parts),
                           phase);
    }
  }

  // The result stays until the next product: its epilogues run in the next phase.
  void multiply(Product<Scalar> const& p) {
    stride_         = static_cast<std::size_t>(p.rows) * static_cast<std::size_t>(p.width);
    Scalar* const y = static_cast<Scalar*>(
        scratch(exec_, Scratch::product, sizeof(Scalar) * stride_ * std::size_t(tiles_)));
    Library::multiply(exec_, p, +Phase<Part::rest>::numbers, y, stride_, tiles_, tuning.precision);
    products_ = y;
  }

 private:
  Exec exec_;
  Label label_;
  Work work_;
  Scalar* workspace_;
  int first_, tiles_;
  Scalar const* products_ = nullptr;
  std::size_t stride_     = 0;
};

// As many tiles at a time as have workspaces of 1 GiB in total, at least one.
template <Tuning tuning, class Library, class Exec, class Work>
void run_phases(Exec const& exec, Label label, int count, Work const& work) {
  using Launch  = PhaseLaunch<Exec, tuning, Library, Work>;
  using team    = LaunchTeam<tuning, !std::is_same_v<Library, NoLibrary>, Launch>;
  using context = context_of<typename Work::scalar_type, tuning, team, jet_order_of<Work>>;
  constexpr std::size_t bytes = workspace_bytes<Work, tuning>;
  constexpr std::size_t most  = (std::size_t(1) << 30) / bytes;
  int const slice             = most < 1 ? 1 : static_cast<int>(std::min<std::size_t>(most, count));
  auto* const workspace       = static_cast<typename Work::scalar_type*>(
      scratch(exec, Scratch::workspace, bytes * static_cast<std::size_t>(slice)));
  for (int first = 0; first < count; first += slice) {
    Launch launch(exec, label, work, workspace, first, std::min(slice, count - first));
    typename team::State state{launch};
    work(context(team(state)), workspace, first);
  }
}

}  // namespace detail

/// Whether each block of a GPU that works on a tile keeps the weights in its own shared memory.
template <class Exec, Tuning tuning, class Work>
constexpr bool stages_weights() {
  if constexpr (has_blocks<Exec> && tuning.shared > 0 && tuning.strategy == Strategy::fused)
    return detail::TileBlock<Exec, tuning, Work>::stages;
  return false;
}

/// Runs work(context, workspace, tile) for tile in [0, count), one team each, or, with
/// Strategy::layerwise, phase by phase, see phases.hpp.
///
/// Work names 'scalar_type' and 'static constexpr int workspace_rows', the rows [row][T] of its
/// workspace; with 'static constexpr int jet_order' its context is one of jets. Where its member
/// 'energy' is an energy::Network, a GPU's teams copy the weights to their shared memory, if they
/// fit. Its member 'now()', if it has one, returns the work with the values of the current step,
/// see basin::Step. Asynchronous on exec.
///
/// \tparam tuning    how the backend divides the work; team 0 needs a host execution space
/// \tparam Schedule  Kokkos::Schedule: Dynamic where work items are long or uneven, at the cost of
///                   about a microsecond; results do not depend on it
template <Tuning tuning, class Schedule = Kokkos::Schedule<Kokkos::Static>, class Exec, class Work>
void for_each_tile(Exec const& exec, Label label, int count, Work const& work) {
  static_assert(tuning.team > 0 || Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible,
                "basin::tile::Tuning: team 0 (one thread a tile) is for host execution spaces; "
                "write the number of threads of a team.");
  static_assert(tuning.team > 0 || tuning.strategy == Strategy::fused,
                "basin::tile::Tuning: Strategy::layerwise is for teams; write the number of "
                "threads of a team.");
  constexpr std::size_t bytes = detail::workspace_bytes<Work, tuning>;
  if constexpr (tuning.strategy == Strategy::layerwise && bytes > 0) {
    detail::run_phases<tuning, library_of<Exec>>(exec, label, count, work);
  } else if constexpr (has_blocks<Exec> && tuning.shared > 0) {
    using block = detail::TileBlock<Exec, tuning, Work>;
    if constexpr (block::fits) {
      launch_blocks(exec, label.text, count, block{work, nullptr, count, count});
    } else {
      int const blocks = std::min(count, 2 * tiles_at_once(exec));
      launch_blocks(exec, label.text, blocks,
                    block{work,
                          static_cast<typename Work::scalar_type*>(
                              scratch(exec, Scratch::workspace, bytes * std::size_t(blocks))),
                          count, blocks});
    }
  } else {
    // On a host level 0 of scratch memory ends at 32 KB.
    using kernel = detail::TileKernel<Exec, Schedule, tuning, Work, 1>;
    Kokkos::TeamPolicy<Exec, Schedule, detail::bounds_of<tuning>> policy(
        exec, count, tuning.team == 0 ? 1 : tuning.team, 1);
    if constexpr (bytes > 0) policy.set_scratch_size(1, Kokkos::PerTeam(bytes + kernel::alignment));
    Kokkos::parallel_for(label.text, policy, kernel{work});
  }
}

namespace detail {

// Group chains per work item: on a host a launch costs tens of nanoseconds per item.
template <class Work, int Group>
struct ChainGroup {
  using scalar_type                   = typename Work::scalar_type;
  static constexpr int workspace_rows = Work::workspace_rows;
  Work work;
  int count;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int group) const {
    int const end    = (group + 1) * Group < count ? (group + 1) * Group : count;
    auto const& mine = at_this_step(work);
    for (int chain = group * Group; chain < end; ++chain) mine(c, workspace, chain);
  }
};

}  // namespace detail

/// Runs work(context, workspace, chain) for chain in [0, count): for short work, or work on one row
/// of memory at a time, which needs no tile. Otherwise as for_each_tile.
template <Tuning tuning, class Exec, class Work>
void for_each_chain(Exec const& exec, Label label, int count, Work const& work) {
  constexpr int group = tuning.team == 0 ? 16 : 1;
  for_each_tile<tuning>(exec, label, tiles(count, group),
                        detail::ChainGroup<Work, group>{work, count});
}

}  // namespace basin::tile

#endif
