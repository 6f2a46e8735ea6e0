// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DETAIL_GRAPH_HPP
#define BASIN_ENERGY_DETAIL_GRAPH_HPP

#include <basin/core/workspace.hpp>
#include <basin/energy/detail/stages.hpp>

#include <utility>

namespace basin::energy::detail {

// Properties of a network's stages as numbers, so that ordinary functions make the plans. C arrays,
// so that device code may read them in constant expressions.
template <int N>
struct Graph {
  int source[N], adds[N];
  int outputs[N], saved[N], scratch[N], record[N], blocks[N], parameters[N], state[N];
  int taps[N], out[N], in[N];  // the shape of weights that a context may copy, 0: none
  bool identity[N], keeps_input[N], in_place[N], one_product[N];
  // The last stage is linear with one output and skipped for dE/dx: E's gradient starts as its row
  // of weights, at the stage before it.
  bool linear_head;
  int inputs;

  // The stage whose dE/dz starts the reverse sweep; -1: E itself is linear in x.
  KOKKOS_FUNCTION constexpr int seed() const { return linear_head ? N - 2 : N - 1; }

  // dE/d(output of stage s) is a sum of contributions, one from every stage that reads or adds the
  // output. They come in reverse stage order; a stage adds before it pulls back.
  KOKKOS_FUNCTION constexpr int contributions(int s) const {
    int n = 0;
    for (int c = 0; c <= seed(); ++c) n += (source[c] == s) + (adds[c] == s);
    return n;
  }
  KOKKOS_FUNCTION constexpr bool is_first(int c, bool by_adding, int s) const {
    for (int later = c + 1; later <= seed(); ++later)
      if (source[later] == s || adds[later] == s) return false;
    return by_adding || adds[c] != s;
  }
  KOKKOS_FUNCTION constexpr bool is_last(int c, bool by_adding, int s) const {
    for (int before = 0; before < c; ++before)
      if (source[before] == s || adds[before] == s) return false;
    return !by_adding || source[c] != s;
  }

  KOKKOS_FUNCTION static constexpr int forward_time(int s) { return s; }
  KOKKOS_FUNCTION static constexpr int backward_time(int s) { return 2 * N - 1 - s; }
  // When dE/d(output of s) is complete.
  KOKKOS_FUNCTION constexpr int complete_time(int s) const {
    if (s == seed()) return forward_time(s);
    for (int c = 0; c <= seed(); ++c) {
      if (source[c] == s) return backward_time(c);
      if (adds[c] == s) return complete_time(c);
    }
    return forward_time(s);
  }
  KOKKOS_FUNCTION constexpr int first_contribution_time(int s) const {
    for (int c = seed(); c >= 0; --c) {
      if (adds[c] == s) return complete_time(c);
      if (source[c] == s) return backward_time(c);
    }
    return backward_time(0);
  }

  // Whether a parameter gradient needs dE/d(output of s).
  KOKKOS_FUNCTION constexpr bool trained(int s) const {
    return s >= 0 && (parameters[s] > 0 || trained(source[s]) || trained(adds[s]));
  }

  KOKKOS_FUNCTION constexpr int record_offset(int s) const { return sum(record, s); }
  KOKKOS_FUNCTION constexpr int block_offset(int s) const { return sum(blocks, s); }
  KOKKOS_FUNCTION constexpr int parameter_offset(int s) const { return sum(parameters, s); }
  KOKKOS_FUNCTION constexpr int state_offset(int s) const { return sum(state, s); }

  // Copies of the weights of stages before s, see tile::Packing.
  template <class Packing>
  KOKKOS_FUNCTION constexpr int packed_offset(int s) const {
    int total = 0;
    for (int i = 0; i < s; ++i) total += packed<Packing>(i);
    return total;
  }
  // A scalar is left to the products of theta: its row would be padded to a block of rows.
  template <class Packing>
  KOKKOS_FUNCTION constexpr int packed(int s) const {
    return one_product[s] && out[s] > 1 ? Packing::numbers(taps[s], out[s], in[s]) : 0;
  }

  // Results of products that both dE/dx and a parameter gradient need, see KeepsProducts: rows
  // of stage s forward and backward. kept(s, back): where those of a stage start, -1: not kept.
  KOKKOS_FUNCTION constexpr int kept_rows(int s, bool back) const {
    if (!one_product[s] || s > seed()) return 0;
    if (!back) return outputs[s];
    return trained(source[s]) ? outputs[source[s] < 0 ? 0 : source[s]] : 0;
  }
  KOKKOS_FUNCTION constexpr int kept(int s, bool back) const {
    if (s < N && kept_rows(s, back) == 0) return -1;
    int total = 0;
    for (int i = 0; i < s; ++i) total += kept_rows(i, false) + kept_rows(i, true);
    return s < N && back ? total + kept_rows(s, false) : total;
  }

  // Arrays of a tile: the state, its gradient, then those of each stage.
  static constexpr int per_stage = 6;
  static constexpr int arrays    = 2 + per_stage * N;
  KOKKOS_FUNCTION static constexpr int value(int s) { return 2 + per_stage * s; }  // h, its output
  KOKKOS_FUNCTION static constexpr int slope(int s) {
    return 2 + per_stage * s + 1;
  }  // f'(z), later dE/dz
  KOKKOS_FUNCTION static constexpr int partial(int s) {  // a part of dE/dh
    return s < 0 ? 1 : 2 + per_stage * s + 2;
  }
  KOKKOS_FUNCTION static constexpr int saved_of(int s) { return 2 + per_stage * s + 3; }
  KOKKOS_FUNCTION static constexpr int scratch_of(int s, bool back) {
    return 2 + per_stage * s + 4 + back;
  }

  // The stage whose storage for dE/dz stage s shares: a layer that pulls back in place leaves its
  // result where it found dE/dz, if nothing else is due there.
  KOKKOS_FUNCTION constexpr int shares_with(int s) const {
    for (int c = s + 1; c <= seed(); ++c)
      if (source[c] == s && in_place[c] && identity[s] && contributions(s) == 1 &&
          outputs[s] == outputs[c])
        return shares_with(c);
    return s;
  }

  constexpr WorkspacePlan<arrays> plan() const {
    WorkspacePlan<arrays> p;
    int const end        = 2 * N;
    p.array[0]           = {inputs, 0, end, 0};
    p.array[partial(-1)] = {inputs, first_contribution_time(-1), end, 0};
    for (int s = 0; s < N; ++s) {
      bool const back = s <= seed();
      int read        = s == N - 1 ? end : forward_time(s);
      for (int c = s + 1; c < N; ++c) {
        int const until = source[c] == s && keeps_input[c] ? backward_time(c)
                          : source[c] == s || adds[c] == s ? forward_time(c)
                                                           : 0;
        read            = read < until ? until : read;
      }
      p.array[value(s)] = {outputs[s], forward_time(s), read, 0};
      p.array[slope(s)] = {back ? outputs[s] : 0, identity[s] ? complete_time(s) : forward_time(s),
                           backward_time(s), 0};
      p.array[partial(s)] = {back && contributions(s) > 1 ? outputs[s] : 0,
                             first_contribution_time(s), complete_time(s), 0};
      p.array[saved_of(s)]          = {saved[s], forward_time(s), backward_time(s), 0};
      p.array[scratch_of(s, false)] = {scratch[s], forward_time(s), forward_time(s), 0};
      p.array[scratch_of(s, true)] = {back ? scratch[s] : 0, backward_time(s), backward_time(s), 0};
    }
    for (int s = 0; s < N; ++s) {
      if (shares_with(s) == s) continue;
      Interval& owner        = p.array[slope(shares_with(s))];
      owner.last             = owner.last < backward_time(s) ? backward_time(s) : owner.last;
      p.array[slope(s)].rows = 0;
    }
    p = plan_workspace(p);
    for (int s = 0; s < N; ++s) p.array[slope(s)].offset = p.array[slope(shares_with(s))].offset;
    return p;
  }

 private:
  KOKKOS_FUNCTION static constexpr int sum(int const (&numbers)[N], int end) {
    int total = 0;
    for (int i = 0; i < end; ++i) total += numbers[i];
    return total;
  }
};

template <class Stages, class Input>
struct GraphOf;
template <class... S, class Input>
struct GraphOf<std::tuple<S...>, Input> {
  static constexpr int count          = sizeof...(S);
  static constexpr Graph<count> value = [] {
    using last = std::tuple_element_t<count - 1, std::tuple<S...>>;
    Graph<count> g{{S::source...},
                   {S::adds...},
                   {S::layer_type::outputs...},
                   {S::layer_type::saved_rows...},
                   {S::layer_type::scratch_rows...},
                   {S::layer_type::record_rows...},
                   {S::layer_type::gradient_blocks...},
                   {S::layer_type::parameters...},
                   {S::layer_type::state...},
                   {S::layer_type::taps...},
                   {S::layer_type::out...},
                   {S::layer_type::in...},
                   {S::activation::identity...},
                   {S::layer_type::keeps_input...},
                   {S::layer_type::in_place...},
                   {S::layer_type::one_product...},
                   false,
                   Input::size};
    // The stage before it must not be part of a sum.
    if (last::layer_type::constant_gradient && last::activation::identity &&
        last::adds == no_stage) {
      int const before = last::source;
      g.linear_head =
          before == count - 2 && (before < 0 || g.adds[before < 0 ? 0 : before] == no_stage);
    }
    return g;
  }();
};

}  // namespace basin::energy::detail

#endif
