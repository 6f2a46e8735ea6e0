// SPDX-License-Identifier: Apache-2.0
// What ./scaling runs under mpiexec: a training step of these ranks, or a ping-pong of two; one line of JSON.
#include <basin/mpi/session.hpp>
#include <basin/run/command_line.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "benchmarks/support/count_messages.hpp"
#include "benchmarks/support/networks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

namespace bench = basin::bench;
using Json      = nlohmann::ordered_json;
using Exec      = Kokkos::DefaultExecutionSpace;
using basin::mpi::Ranks;

struct Program {
  std::string network = "b";
  int batch = 256, sampling_steps = 60, slices = 0, timed = 10;
  bool any_order = false, staged = false, apart = false, ping_pong = false;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    using basin::Field;
    using basin::range::at_least;
    f(Field{"network", "", "b: 43-512-512-1; c: 784-256-256-1"}, self.network);
    f(Field{"batch", "1", "of all ranks"}, self.batch, at_least(1));
    f(Field{"sampling_steps", "steps", "of Langevin in a training step"}, self.sampling_steps,
      at_least(1));
    f(Field{"slices", "1", "parts of the batch; 0: one for each rank"}, self.slices, at_least(0));
    f(Field{"timed", "steps", "of training that are timed"}, self.timed, at_least(1));
    f(Field{"any_order", "1", "sums in the order of MPI_Allreduce"}, self.any_order);
    f(Field{"staged", "1", "messages from a copy on the host"}, self.staged);
    f(Field{"apart", "1", "each rank trains its part of the batch alone"}, self.apart);
    f(Field{"ping_pong", "1", "no training; messages between two ranks"}, self.ping_pong);
  }
};

// The middle one of those of this rank; of all ranks the largest.
double slowest_median(Ranks& ranks, std::vector<double> seconds) {
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  std::string const mine = std::to_string(seconds[seconds.size() / 2] * 1e9);
  double most            = 0;
  for (auto const& other : basin::train::all_gather(ranks, mine))
    most = std::max(most, std::stod(other) * 1e-9);
  return most;
}

template <class E>
Json training(Program const& p, Ranks& ranks) {
  int const slices   = p.slices > 0 ? p.slices : ranks.count();
  auto const trainer = p.apart ? bench::pcd_trainer<E>(p.batch / ranks.count(), p.sampling_steps)
                               : bench::pcd_trainer<E>(p.batch, p.sampling_steps,
                                                       {.count = slices, .ranks = &ranks});
  Exec const exec;
  auto const step = [&] { trainer->step(); };
  for (int i = 0; i < 2; ++i) step();
  exec.fence("scaling: before");
  ranks.any(false);  // all start together
  std::vector<double> seconds;
  bench::sent = {};
  for (int i = 0; i < p.timed; ++i) {
    Kokkos::Timer const timer;
    step();
    exec.fence("scaling: after");
    seconds.push_back(timer.seconds());
  }
  bench::Sent const sent = bench::sent;
  double const median    = slowest_median(ranks, std::move(seconds));
  auto const tally       = bench::count(exec, 1, step);
  return {{"network", p.network},
          {"parameters", +E::parameters},
          {"width", bench::tuning_of<E, basin::tile::Precision::full>().width},
          {"batch", p.batch},
          {"sampling_steps", p.sampling_steps},
          {"slices", slices},
          {"apart", p.apart},
          {"any_order", p.any_order},
          {"staged", p.staged},
          {"seconds", median},
          {"messages", double(sent.messages) / p.timed},
          {"bytes", double(sent.bytes) / p.timed},
          {"gathers", double(sent.gathers) / p.timed},
          {"gathered", double(sent.gathered) / p.timed},
          {"other_calls", double(sent.others) / p.timed},
          {"allocations", tally.allocations},
          {"fences", tally.fences},
          {"launches", tally.launches}};
}

struct Add {
  Kokkos::View<float*, Exec> to, from;
  KOKKOS_FUNCTION void operator()(int i) const { to(i) += from(i); }
};

// Half the time of a message to rank 1 and back, by bytes, and the bytes of additions in a second.
Json ping_pong(Ranks& ranks) {
  Json sizes = Json::array();
  for (std::size_t bytes = 8; bytes <= (std::size_t(1) << 22); bytes *= 2) {
    std::vector<char> block(bytes);
    std::vector<double> seconds;
    std::vector<basin::train::Message> const none, there{{block.data(), bytes, 1}},
        back{{block.data(), bytes, 0}};
    for (int i = 0; i < 60 && ranks.rank() < 2; ++i) {
      Kokkos::Timer const timer;
      bool const first = ranks.rank() == 0;
      ranks.exchange(first ? there : none, first ? none : back);
      ranks.exchange(first ? none : back, first ? there : none);
      if (i >= 10) seconds.push_back(timer.seconds() / 2);
    }
    if (ranks.rank() >= 2) continue;
    std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
    sizes.push_back({{"bytes", bytes}, {"seconds", seconds[seconds.size() / 2]}});
  }
  int const count = 1 << 18;
  Add const add{Kokkos::View<float*, Exec>("to", count), Kokkos::View<float*, Exec>("from", count)};
  Exec const exec;
  double best = 1;
  for (int i = 0; i < 20; ++i) {
    Kokkos::Timer const timer;
    Kokkos::parallel_for("add", Kokkos::RangePolicy<Exec>(exec, 0, count), add);
    exec.fence("scaling: added");
    best = std::min(best, timer.seconds());
  }
  return {{"ping_pong", sizes}, {"added_bytes_per_second", 4 * count / best}};
}

int run(Program const& p, Ranks& ranks) {
  Json line;
  if (p.ping_pong)
    line = ping_pong(ranks);
  else if (p.network == "b")
    line = training<bench::NetworkB>(p, ranks);
  else if (p.network == "c")
    line = training<bench::NetworkC>(p, ranks);
  else
    throw std::runtime_error("scaling: network must be b or c, got '" + p.network + "'");
  line["ranks"]   = ranks.count();
  line["threads"] = Kokkos::num_threads();
  std::printf("%s\n", line.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  basin::run::CommandLine line("A training step of all ranks, or a ping-pong of two.");
  line.add(program);
  if (!line.parse(argc, argv)) return line.status();
  using basin::mpi::Order;
  using basin::mpi::Path;
  basin::mpi::Session session({.order = program.any_order ? Order::any : Order::fixed,
                               .path  = program.staged ? Path::staged : Path::ask});
  bench::watch_kokkos();
  return run(program, session.ranks());
}
