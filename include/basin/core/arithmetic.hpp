// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_ARITHMETIC_HPP
#define BASIN_CORE_ARITHMETIC_HPP

// With -ffast-math a NaN is a number that no check sees, an infinite bound is none, and sums are in
// another order on every machine. No flag behind it undoes all of it: the start-up code that is
// linked changes the rounding of the whole program.
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error \
    "basin: with -ffast-math, -Ofast, -ffinite-math-only or -fassociative-math NaN is not found \
and results depend on the machine; compile what includes basin without, -O3 -march=native is fast."
#endif

#endif
