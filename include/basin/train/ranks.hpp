// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_RANKS_HPP
#define BASIN_TRAIN_RANKS_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace basin::train {

/// Bytes to or from another rank.
struct Message {
  void* data;
  std::size_t bytes;
  int rank;
};

/// Bytes [begin, begin + bytes) of an array.
struct Stretch {
  std::size_t begin, bytes;
};

/// The processes that share a run, its ranks: how bytes go from one to another. mpi::Ranks is one.
/// Another transport, for example NCCL, whose transfers are ordered by a stream, is another class here:
/// the order of all sums is that of Reduction.
///
/// All members but count() and rank() are called by all ranks, in the same order, by one thread.
class Ranks {
 public:
  virtual ~Ranks()          = default;
  virtual int count() const = 0;
  virtual int rank() const  = 0;

  /// Whether exchange, all_gather, broadcast and sum take pointers into memory of a device; host: whether
  /// the memory of kernels is the host's.
  virtual bool reaches(bool host) const = 0;
  /// Whether sums over ranks may be in any order: the bits then depend on the number of ranks.
  virtual bool sums_in_any_order() const = 0;

  /// Sends and receives, and waits for all of them. Messages between two ranks arrive in the order in which
  /// both name them.
  virtual void exchange(std::span<Message const> sent, std::span<Message const> received) = 0;
  /// Rank r's bytes at[r] of data, to all. \param at  (count)
  virtual void all_gather(void* data, std::span<Stretch const> at) = 0;
  /// Rank 0's, to all.
  virtual void broadcast(void* data, std::size_t bytes) = 0;
  /// data = the sum over ranks, in any order.
  virtual void sum(float* data, std::size_t count)  = 0;
  virtual void sum(double* data, std::size_t count) = 0;
  /// Whether any rank says so.
  virtual bool any(bool here) = 0;
};

namespace detail {

// Where each rank's bytes lie, one behind another.
inline std::vector<Stretch> stretches(Ranks& ranks, std::size_t mine) {
  auto const count = static_cast<std::size_t>(ranks.count());
  std::vector<std::uint64_t> lengths(count);
  std::vector<Stretch> at(count);
  for (std::size_t r = 0; r < count; ++r)
    at[r] = {r * sizeof(std::uint64_t), sizeof(std::uint64_t)};
  lengths[static_cast<std::size_t>(ranks.rank())] = mine;
  ranks.all_gather(lengths.data(), at);
  std::size_t begin = 0;
  for (std::size_t r = 0; r < count; ++r) {
    at[r] = {begin, static_cast<std::size_t>(lengths[r])};
    begin += at[r].bytes;
  }
  return at;
}

}  // namespace detail

/// Each rank's bytes, on all ranks. Host memory.
inline std::vector<std::string> all_gather(Ranks& ranks, std::string const& mine) {
  auto const at = detail::stretches(ranks, mine.size());
  std::string all(at.back().begin + at.back().bytes, '\0');
  all.replace(at[static_cast<std::size_t>(ranks.rank())].begin, mine.size(), mine);
  ranks.all_gather(all.data(), at);
  std::vector<std::string> each;
  for (Stretch const& of : at) each.push_back(all.substr(of.begin, of.bytes));
  return each;
}

/// The same. \param ranks  null: this process alone
inline std::vector<std::string> all_gather(Ranks* ranks, std::string const& mine) {
  return ranks ? all_gather(*ranks, mine) : std::vector<std::string>{mine};
}

/// Each rank's bytes, on rank 0; elsewhere nothing. Host memory.
inline std::vector<std::string> gather(Ranks& ranks, std::string const& mine) {
  auto const at = detail::stretches(ranks, mine.size());
  std::vector<std::string> each(ranks.rank() == 0 ? at.size() : 0);
  std::vector<Message> sent, received;
  if (ranks.rank() == 0) {
    each[0] = mine;
    for (std::size_t r = 1; r < at.size(); ++r) {
      each[r].resize(at[r].bytes);
      received.push_back({each[r].data(), each[r].size(), static_cast<int>(r)});
    }
  } else {
    sent.push_back({const_cast<char*>(mine.data()), mine.size(), 0});
  }
  ranks.exchange(sent, received);
  return each;
}

/// Whether any rank says so. \param ranks  null: this process alone
inline bool any(Ranks* ranks, bool here) { return ranks ? ranks->any(here) : here; }

/// Does what may fail on one rank alone; where it does on any, all ranks throw the sentence of the first.
///
/// \param ranks  null: this process alone
/// \throws std::invalid_argument, std::runtime_error as 'work' does; where another rank fails, with
///         "rank <r>: " before its sentence
template <class Work>
void all_or_none(Ranks* ranks, Work const& work) {
  if (!ranks || ranks->count() == 1) return work();
  std::string failed;  // a letter for the kind, and the sentence
  std::exception_ptr mine;
  try {
    work();
  } catch (std::invalid_argument const& error) {
    failed = std::string("i") + error.what(), mine = std::current_exception();
  } catch (std::exception const& error) {
    failed = std::string("r") + error.what(), mine = std::current_exception();
  }
  if (!ranks->any(!failed.empty())) return;
  auto const all = all_gather(*ranks, failed);
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (all[r].empty()) continue;
    if (mine && static_cast<int>(r) == ranks->rank()) std::rethrow_exception(mine);
    std::string const sentence = "rank " + std::to_string(r) + ": " + all[r].substr(1);
    if (all[r][0] == 'i') throw std::invalid_argument(sentence);
    throw std::runtime_error(sentence);
  }
}

/// Does it on rank 0 alone; where it fails, all ranks throw its sentence, as all_or_none.
template <class Work>
void on_first(Ranks* ranks, Work const& work) {
  all_or_none(ranks, [&] {
    if (!ranks || ranks->rank() == 0) work();
  });
}

}  // namespace basin::train

#endif
