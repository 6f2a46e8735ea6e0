// SPDX-License-Identifier: Apache-2.0
// Chains that the ranks of a job share: each samples its own in a folder of its own.
#ifndef EXAMPLES_ALL_RANKS_HPP
#define EXAMPLES_ALL_RANKS_HPP

#include <basin/run/process.hpp>
#include <basin/train/slices.hpp>

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

inline int chains_here(basin::run::Process const& process, int chains) {
  return static_cast<int>(
      basin::part_of(static_cast<std::uint64_t>(chains), process.rank_count(), process.rank())
          .count());
}

inline std::uint64_t seed_here(basin::run::Process const& process, std::uint64_t seed) {
  return basin::train::seed_of_slice(seed, process.rank_count(), process.rank());
}

inline std::string folder_here(basin::run::Process const& process, std::string const& out) {
  return process.rank_count() == 1 ? out : out + "/rank_" + std::to_string(process.rank());
}

// Numbers of the chains of all ranks, (draws, chains, kinds), on all ranks, of those here.
template <class Exec>
Kokkos::View<double***, Kokkos::LayoutRight, Exec> of_all_ranks(
    basin::run::Process const& process,
    Kokkos::View<double***, Kokkos::LayoutRight, Exec> const& here) {
  if (process.rank_count() == 1) return here;
  auto const mine  = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), here);
  auto const texts = basin::train::all_gather(
      *process.ranks(),
      std::string(reinterpret_cast<char const*>(mine.data()), mine.size() * sizeof(double)));
  std::size_t const draws = here.extent(0), kinds = here.extent(2), line = kinds * sizeof(double);
  std::size_t chains = 0;
  for (auto const& text : texts) chains += text.size() / draws / line;
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> const all("all ranks", draws, chains, kinds);
  auto const host   = Kokkos::create_mirror_view(all);
  std::size_t first = 0;
  for (auto const& text : texts) {
    std::size_t const of_one = text.size() / draws;
    for (std::size_t d = 0; d < draws; ++d)
      std::memcpy(&host(d, first, 0), text.data() + d * of_one, of_one);
    first += of_one / line;
  }
  Kokkos::deep_copy(all, host);
  return all;
}

#endif
