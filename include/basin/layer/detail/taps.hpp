// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_DETAIL_TAPS_HPP
#define BASIN_LAYER_DETAIL_TAPS_HPP

#include <Kokkos_Macros.hpp>

namespace basin::layer::detail {

// A range of kernel indices, first, first + step, ..., below end.
struct TapRange {
  int first, end;
};

// One direction of a convolution: output o reads input o stride + k - before, k in [0, kernel),
// where there is one.
template <int In, int Out, int Kernel, int Stride, int Before>
struct TapAxis {
  static constexpr int in = In, out = Out, kernel = Kernel, stride = Stride, before = Before;

  // Taps of output o.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr TapRange of_output(int o) {
    int const start = o * Stride - Before;
    return {start < 0 ? -start : 0, start + Kernel > In ? In - start : Kernel};
  }
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int input(int o, int k) {
    return o * Stride + k - Before;
  }
  // Outputs that read input i, ascending.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr TapRange outputs_of(int i) {
    int const last  = (i + Before) / Stride;
    int const first = (i + Before - Kernel + Stride) / Stride;
    return {i + Before - Kernel + 1 <= 0 ? 0 : first, last >= Out ? Out : last + 1};
  }
  // Outputs that tap k serves.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr TapRange of_tap(int k) {
    int const first = k >= Before ? 0 : (Before - k + Stride - 1) / Stride;
    int const end   = In + Before - k <= 0 ? 0 : (In + Before - k + Stride - 1) / Stride;
    return {first, end > Out ? Out : end};
  }
  static constexpr double count() {
    double n = 0;
    for (int o = 0; o < Out; ++o) {
      TapRange const t = of_output(o);
      n += t.end > t.first ? t.end - t.first : 0;
    }
    return n;
  }
};

// Taps of the output positions: f(tap, position of the input).
template <class Y, class X>
struct OutputTaps {
  static constexpr int positions = Y::out * X::out, taps = Y::kernel * X::kernel;
  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each(int position, F const& f) {
    int const oy = position / X::out, ox = position % X::out;
    TapRange const ty = Y::of_output(oy), tx = X::of_output(ox);
    for (int ky = ty.first; ky < ty.end; ++ky)
      for (int kx = tx.first; kx < tx.end; ++kx)
        f(ky * X::kernel + kx, Y::input(oy, ky) * X::in + X::input(ox, kx));
  }

  // N neighbors in a row of positions, which share their taps except at the border.
  template <int N>
  static constexpr int per_row = (X::out + N - 1) / N;
  template <int N>
  static constexpr int blocks = Y::out * per_row<N>;
  // Member j of a block; -1: there is none.
  template <int N>
  static KOKKOS_FORCEINLINE_FUNCTION int member(int block, int j) {
    int const ox = block % per_row<N> * N + j;
    return ox < X::out ? block / per_row<N> * X::out + ox : -1;
  }
  // f(tap, q), for each member the taps in the order of for_each; q[j] < 0: not one of member j.
  template <int N, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each_of_block(int block, F const& f) {
    int const oy = block / per_row<N>, first = block % per_row<N> * N;
    TapRange const ty = Y::of_output(oy);
    for (int ky = ty.first; ky < ty.end; ++ky)
      for (int kx = 0; kx < X::kernel; ++kx) {
        int q[N];
        for (int j = 0; j < N; ++j) {
          int const ix     = X::input(first + j, kx);
          bool const there = first + j < X::out && ix >= 0 && ix < X::in;
          q[j]             = there ? Y::input(oy, ky) * X::in + ix : -1;
        }
        f(ky * X::kernel + kx, q);
      }
  }
};

// Taps that lead back to the input positions: f(tap, position of the output), outputs ascending.
template <class Y, class X>
struct InputTaps {
  static constexpr int positions = Y::in * X::in, taps = Y::kernel * X::kernel;
  template <class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each(int position, F const& f) {
    int const iy = position / X::in, ix = position % X::in;
    TapRange const ty = Y::outputs_of(iy), tx = X::outputs_of(ix);
    for (int oy = ty.first; oy < ty.end; ++oy)
      for (int ox = tx.first; ox < tx.end; ++ox)
        f((iy - Y::input(oy, 0)) * X::kernel + ix - X::input(ox, 0), oy * X::out + ox);
  }

  // As OutputTaps; the members of a block are a stride apart.
  template <int N>
  static constexpr int per_row = X::stride * (((X::in + X::stride - 1) / X::stride + N - 1) / N);
  template <int N>
  static constexpr int blocks = Y::in * per_row<N>;
  template <int N>
  static KOKKOS_FORCEINLINE_FUNCTION int first_of_block(int block) {
    int const in_row = block % per_row<N>;
    return in_row % X::stride + in_row / X::stride * N * X::stride;
  }
  template <int N>
  static KOKKOS_FORCEINLINE_FUNCTION int member(int block, int j) {
    int const ix = first_of_block<N>(block) + j * X::stride;
    return ix < X::in ? block / per_row<N> * X::in + ix : -1;
  }
  template <int N, class F>
  static KOKKOS_FORCEINLINE_FUNCTION void for_each_of_block(int block, F const& f) {
    int const iy = block / per_row<N>, first = first_of_block<N>(block);
    TapRange const ty = Y::outputs_of(iy);
    for (int oy = ty.first; oy < ty.end; ++oy)
      for (int kx = X::kernel - 1; kx >= 0; --kx) {
        if ((first + X::before - kx) % X::stride != 0) continue;
        int q[N];
        for (int j = 0; j < N; ++j) {
          int const ox     = (first + X::before - kx) / X::stride + j;
          bool const there = first + j * X::stride < X::in && ox >= 0 && ox < X::out;
          q[j]             = there ? oy * X::out + ox : -1;
        }
        f((iy - Y::input(oy, 0)) * X::kernel + kx, q);
      }
  }
};

// The pairs (output, input) of one tap.
template <class Y, class X>
struct TapPairs {
  int ky, kx;
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void for_each(F const& f) const {
    TapRange const ty = Y::of_tap(ky), tx = X::of_tap(kx);
    for (int oy = ty.first; oy < ty.end; ++oy)
      for (int ox = tx.first; ox < tx.end; ++ox)
        f(oy * X::out + ox, Y::input(oy, ky) * X::in + X::input(ox, kx));
  }
};

}  // namespace basin::layer::detail

#endif
