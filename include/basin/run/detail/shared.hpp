// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_DETAIL_SHARED_HPP
#define BASIN_RUN_DETAIL_SHARED_HPP

#include <basin/core/archive_bytes.hpp>
#include <basin/run/folder.hpp>
#include <basin/train/ranks.hpp>
#include <basin/train/slices.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace basin::run::detail {

// What the ranks of a run decide and write together; of a process alone nothing is sent.
class Shared {
 public:
  explicit Shared(train::Ranks* ranks) : ranks_(ranks && ranks->count() > 1 ? ranks : nullptr) {}

  bool is_first() const { return !ranks_ || ranks_->rank() == 0; }
  int count() const { return ranks_ ? ranks_->count() : 1; }
  bool any(bool here) const { return train::any(ranks_, here); }
  std::uint64_t of_first(std::uint64_t number) const {
    if (ranks_) ranks_->broadcast(&number, sizeof number);
    return number;
  }
  template <class Work>
  void on_first(Work const& work) const {
    train::on_first(ranks_, work);
  }
  template <class Work>
  void all_or_none(Work const& work) const {
    train::all_or_none(ranks_, work);
  }

  // On rank 0 the archive with the slices of all ranks.
  MemoryArchive gathered(MemoryArchive archive) const {
    if (!ranks_) return archive;
    MemoryArchive::Entries mine;
    if (!is_first())
      for (auto const& [name, entry] : archive.entries())
        if (name.starts_with(std::string("run/") + train::Slices::prefix))
          mine.emplace(name, entry);
    MemoryArchive::Entries all = archive.entries();
    for (std::string const& bytes : train::gather(*ranks_, to_bytes(mine)))
      all.merge(from_bytes(bytes));
    return MemoryArchive(std::move(all));
  }

 private:
  train::Ranks* ranks_;
};

// Of a checkpoint what belongs to the slices that a trainer has here.
template <class Trainer>
io::Checkpoint part_here(io::Checkpoint all, Trainer const& trainer) {
  auto const& parts = trainer.options().slices;
  if (parts.rank_count() == 1) return all;
  auto const here                = parts.here();
  MemoryArchive::Entries entries = all.archive.entries();
  for (int s = 0; s < parts.count; ++s)
    if (auto const number = static_cast<std::uint64_t>(s);
        number < here.first || number >= here.last)
      std::erase_if(entries, [&](auto const& entry) {
        return entry.first.starts_with("run/" + train::Slices::name_of(s) + "/");
      });
  all.archive = MemoryArchive(std::move(entries));
  return all;
}

// The last checkpoint that rank 0 can read, read by all ranks.
template <class Trainer>
std::optional<std::pair<std::uint64_t, io::Checkpoint>> newest(Shared const& shared,
                                                               std::optional<Folder> const& folder,
                                                               std::filesystem::path const& path,
                                                               std::FILE* log,
                                                               Trainer const& trainer) {
  std::optional<std::pair<std::uint64_t, io::Checkpoint>> last;
  shared.on_first([&] { last = folder->newest(log); });
  if (!shared.any(last.has_value())) return std::nullopt;
  std::uint64_t const step = shared.of_first(last ? last->first : 0);
  shared.all_or_none([&] {
    if (!last) last.emplace(step, io::read_checkpoint(Folder::checkpoint_in(path, step)));
  });
  last->second = part_here(std::move(last->second), trainer);
  return last;
}

}  // namespace basin::run::detail

#endif
