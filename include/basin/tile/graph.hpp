// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_GRAPH_HPP
#define BASIN_TILE_GRAPH_HPP

#include <basin/tile/block.hpp>
#include <basin/tile/scratch.hpp>
#include <basin/tile/tuning.hpp>

#include <cstdint>
#include <utility>

namespace basin::tile {

/// Whether the kernels that an execution space launches with a tuning can be recorded in a graph.
template <class Exec, Tuning tuning>
inline constexpr bool has_graphs = has_blocks<Exec> && (tuning.shared > 0);

/// Kernels that are launched repeatedly with the same arguments: recorded once, then launched as
/// one, so that the host does no work per kernel and the GPU does not wait for the host. What
/// changes from one launch to the next the kernels read from memory, see basin::Step.
template <class Exec>
class Graph {
 public:
  Graph() = default;
  Graph(Graph&& other) noexcept { swap(other); }
  Graph& operator=(Graph&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Graph() { clear(); }

  /// Whether there is a recording that can be launched: not if working memory has moved since.
  bool ready() const { return recorded_ && growths_ == scratch_growths(); }

  /// Discards the recording.
  void clear() {
#if defined(BASIN_GPU)
    if (recorded_) (void)BASIN_GPU(GraphExecDestroy)(executable_);
#endif
    recorded_ = false;
  }

#if defined(BASIN_GPU)
  /// Records the kernels that launches() launches on exec, without running them. launches() must
  /// have run once before, so that memory taken on first use is there.
  ///
  /// \throws std::runtime_error if something in launches() cannot be recorded
  template <class Launches>
  void record(Exec const& exec, Launches const& launches) {
    clear();
    auto const stream = stream_of(exec);
    check_gpu("basin::tile::Graph: record",
              BASIN_GPU(StreamBeginCapture)(stream, BASIN_GPU(StreamCaptureModeThreadLocal)));
    BASIN_GPU(Graph_t) graph{};
    try {
      launches();
    } catch (...) {
      (void)BASIN_GPU(StreamEndCapture)(stream, &graph);
      if (graph) (void)BASIN_GPU(GraphDestroy)(graph);
      throw;
    }
    check_gpu("basin::tile::Graph: record", BASIN_GPU(StreamEndCapture)(stream, &graph));
    auto const made = BASIN_GPU(GraphInstantiateWithFlags)(&executable_, graph, 0);
    (void)BASIN_GPU(GraphDestroy)(graph);
    check_gpu("basin::tile::Graph: record", made);
    recorded_ = true;
    growths_  = scratch_growths();
  }

  /// Launches the recording. Asynchronous on exec.
  void launch(Exec const& exec) const {
    check_gpu("basin::tile::Graph: launch", BASIN_GPU(GraphLaunch)(executable_, stream_of(exec)));
  }

#endif

 private:
  void swap(Graph& other) noexcept {
#if defined(BASIN_GPU)
    std::swap(executable_, other.executable_);
#endif
    std::swap(recorded_, other.recorded_);
    std::swap(growths_, other.growths_);
  }

#if defined(BASIN_GPU)
  BASIN_GPU(GraphExec_t) executable_ {};
#endif
  bool recorded_         = false;
  std::uint64_t growths_ = 0;
};

}  // namespace basin::tile

#endif
