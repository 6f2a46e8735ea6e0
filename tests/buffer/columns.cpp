// SPDX-License-Identifier: Apache-2.0
#include <basin/buffer/columns.hpp>
#include <basin/buffer/replay.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace {

using Exec      = BASIN_TEST_EXEC;
using Table     = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Columns   = basin::buffer::Columns<2>;
namespace write = basin::buffer::write;
namespace draw  = basin::buffer::draw;
using Values    = std::vector<float>;

constexpr int capacity = 13, batch = 6;

template <class... Policies>
using Bound = typename basin::buffer::Replay<Policies...>::template bind<
    Exec, float, basin::tile::default_tuning<Exec, float>()>;

template <class View>
auto on_host(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

void set(Table const& table, Values const& values) {
  auto const host = Kokkos::create_mirror_view(table);
  for (std::size_t i = 0; i < values.size(); ++i) host.data()[i] = values[i];
  Kokkos::deep_copy(table, host);
}

// Columns that say of each chain what it holds: (x, 2 x). After any draws and writes they still do.
template <class... Policies>
void check_company(double fresh) {
  Bound<Columns, Policies...> buffer(Exec(), {.capacity = capacity, .fresh = fresh}, batch, 1, {},
                                     1);
  CHECK(on_host(buffer.columns_of_slots()) == Values(2 * capacity));
  Values samples, beside;
  for (int slot = 0; slot < capacity; ++slot) {
    samples.push_back(static_cast<float>(slot + 1));
    beside.insert(beside.end(), {samples.back(), 2 * samples.back()});
  }
  Table const all("all", capacity, 1), chains("chains", batch, 1);
  set(all, samples);
  buffer.fill(Exec(), all);
  CHECK(on_host(buffer.columns_of_slots()) == Values(2 * capacity));
  set(buffer.columns_of_slots(), beside);
  int news = 0;
  for (std::uint64_t step = 0; step < 40; ++step) {
    CAPTURE(step);
    buffer.draw(Exec(), chains, step);
    auto x     = on_host(chains);
    auto drawn = on_host(buffer.drawn_columns());
    for (std::size_t i = 0; i < batch; ++i) {
      bool const is_new = x[i] < 1;  // of Uniform's [-1, 1]
      news += is_new;
      REQUIRE(drawn[2 * i] == (is_new ? 0 : x[i]));
      REQUIRE(drawn[2 * i + 1] == (is_new ? 0 : 2 * x[i]));
      x[i]             = static_cast<float>(100 + 8 * step + i);
      drawn[2 * i]     = x[i];
      drawn[2 * i + 1] = 2 * x[i];
    }
    set(chains, x);
    set(buffer.drawn_columns(), drawn);
    buffer.write(Exec(), chains, step);
    auto const stored = on_host(buffer.stored()), kept = on_host(buffer.columns_of_slots());
    for (std::size_t slot = 0; slot < capacity; ++slot) {
      REQUIRE(kept[2 * slot] == stored[slot]);
      REQUIRE(kept[2 * slot + 1] == 2 * stored[slot]);
    }
  }
  CHECK((news > 0) == (fresh > 0));
}

TEST_CASE("columns go with their chains, through every write", "[buffer][columns]") {
  check_company<>(0);
  check_company<>(0.2);
  check_company<draw::WithReplacement>(0.2);
  check_company<write::Ring>(0.2);
  check_company<write::Reservoir>(0.2);
}

TEST_CASE("a buffer without columns is as it was", "[buffer][columns]") {
  Bound<> plain(Exec(), {.capacity = capacity}, batch, 1, {}, 1);
  Bound<Columns> beside(Exec(), {.capacity = capacity}, batch, 1, {}, 1);
  Table const a("a", batch, 1), b("b", batch, 1);
  for (std::uint64_t step = 0; step < 5; ++step) {
    plain.draw(Exec(), a, step);
    beside.draw(Exec(), b, step);
    CHECK(on_host(a) == on_host(b));
    plain.write(Exec(), a, step);
    beside.write(Exec(), b, step);
    CHECK(on_host(plain.stored()) == on_host(beside.stored()));
  }
}

// Copies everything to the host, or back.
struct Archive {
  std::vector<std::string> names;
  std::vector<std::vector<unsigned char>> bytes;
  bool loads       = false;
  std::size_t next = 0;

  template <class View>
  void operator()(char const* name, View& view) {
    auto const host   = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
    auto* const begin = reinterpret_cast<unsigned char*>(host.data());
    if (loads) {
      REQUIRE(names.at(next) == name);
      std::copy(bytes.at(next).begin(), bytes.at(next).end(), begin);
      Kokkos::deep_copy(view, host);
      ++next;
    } else {
      names.emplace_back(name);
      bytes.emplace_back(begin, begin + host.span() * sizeof(typename View::value_type));
    }
  }
};

TEST_CASE("a buffer that was saved goes on as the first would have", "[buffer][columns]") {
  auto const check = [](auto first, auto second) {
    Table const chains("chains", batch, 1);
    auto const steps = [&](auto& buffer, std::uint64_t from, std::uint64_t to) {
      Values all;
      for (std::uint64_t step = from; step < to; ++step) {
        buffer.draw(Exec(), chains, step);
        auto x = on_host(chains);
        all.insert(all.end(), x.begin(), x.end());
        for (float& xi : x) xi = 0.9f * xi + 0.01f * static_cast<float>(step);
        set(chains, x);
        Kokkos::deep_copy(buffer.drawn_columns(), static_cast<float>(step));
        buffer.write(Exec(), chains, step);
      }
      for (float const c : on_host(buffer.columns_of_slots())) all.push_back(c);
      for (int const age : on_host(buffer.ages())) all.push_back(static_cast<float>(age));
      return all;
    };
    steps(first, 0, 10);
    Archive archive;
    first.archive(archive);
    archive.loads = true;
    second.archive(archive);
    CHECK(archive.names == std::vector<std::string>{"stored", "ages", "written", "columns"});
    CHECK(steps(first, 10, 20) == steps(second, 10, 20));
  };
  using Reservoir = Bound<Columns, write::Reservoir>;
  using Ring      = Bound<Columns, write::Ring, basin::buffer::storage::Byte>;
  check(Reservoir(Exec(), {.capacity = capacity, .fresh = 0.2}, batch, 1, {}, 1),
        Reservoir(Exec(), {.capacity = capacity, .fresh = 0.2}, batch, 1, {}, 1));
  check(Ring(Exec(), {.capacity = capacity, .fresh = 0.2}, batch, 1, {}, 1),
        Ring(Exec(), {.capacity = capacity, .fresh = 0.2}, batch, 1, {}, 1));
}

}  // namespace
