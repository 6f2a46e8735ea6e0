// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/simd.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Simd;

constexpr int count = 1 << 12;  // lanes of every input

// Aligned as Kokkos allocates, which is more than the largest vector needs.
template <class T>
using Numbers = Kokkos::View<T*, Exec>;

template <class T>
Numbers<T> on_device(std::vector<T> const& values) {
  Numbers<T> const view("values", values.size());
  auto const mirror = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < values.size(); ++i) mirror(i) = values[i];
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class T>
bool same(T a, T b) {
  using U = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) && std::isnan(b)) return true;  // which NaN is the machine's business
  return std::bit_cast<U>(a) == std::bit_cast<U>(b);
}

template <class T>
std::vector<T> random_numbers(int seed) {
  // Signs, zeros, infinities, NaN and subnormal numbers among numbers of all sizes around 1.
  using limits = std::numeric_limits<T>;
  // clang-format off
  T const specials[] = {T(0),          T(-0.0),      T(1),          T(-1),
                        limits::max(), limits::min(), limits::infinity(), -limits::infinity(),
                        limits::quiet_NaN(), limits::denorm_min(), -limits::max(), T(0.5)};
  // clang-format on
  std::mt19937_64 bits(static_cast<std::uint64_t>(seed));
  std::vector<T> values(count);
  for (T& v : values) {
    std::uint64_t const word = bits();
    T const mantissa         = T(1) + static_cast<T>(word >> 12) * T(0x1p-52);
    v = std::ldexp(word & 1 ? mantissa : -mantissa, static_cast<int>(word >> 1 & 31) - 16);
    if ((word >> 6 & 31) == 0) v = specials[(word >> 12) % 12];
  }
  return values;
}

// clang-format off
enum FloatOperation {
  add, subtract, multiply, divide, negate, fused, root, absolute, less, limited, broadcast,
  generated, set_lane, there_and_back, float_operations
};
// clang-format on

template <class T, int N>
struct FloatKernel {
  Numbers<T> a, b, c, out;
  KOKKOS_FUNCTION void operator()(int i) const {
    using V   = Simd<T, N>;
    using I   = basin::tile::detail::signed_of<T>;
    V const x = basin::tile::load<V>(a.data() + i * N), y = basin::tile::load<V>(b.data() + i * N),
            z      = basin::tile::load<V>(c.data() + i * N);
    auto const put = [&](int operation, V v) {
      basin::tile::store(out.data() + operation * count + i * N, v);
    };
    put(add, x + y);
    put(subtract, x - y);
    put(multiply, x * y);
    put(divide, x / y);
    put(negate, -x);
    put(fused, basin::tile::fma(x, y, z));
    put(root, basin::tile::sqrt(x));
    put(absolute, basin::tile::abs(x));
    put(less, basin::tile::where_less(x, y, z, x));
    put(limited, basin::tile::clamp(x, T(-0.5), T(2)));
    put(broadcast, V(x[N - 1]));
    put(generated, V::generate([&](int lane) { return y[N - 1 - lane]; }));
    V w = x;
    w.set(N / 2, y[0]);
    put(set_lane, w);
    put(there_and_back, basin::tile::bits<T>(basin::tile::bits<I>(x)));
  }
};

TEMPLATE_TEST_CASE_SIG("arithmetic on a vector is arithmetic on its lanes, to the bit",
                       "[tile][vector]", ((class T, int N), T, N), (float, 1), (float, 4),
                       (float, 8), (float, 16), (double, 1), (double, 2), (double, 4),
                       (double, 8)) {
  auto const a = random_numbers<T>(1), b = random_numbers<T>(2), c = random_numbers<T>(3);
  Numbers<T> const out("out", float_operations * count);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, count / N),
                       FloatKernel<T, N>{on_device(a), on_device(b), on_device(c), out});
  auto const result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);

  auto const expected = [&](int operation, int i) -> T {
    auto const at   = [](std::vector<T> const& v, int k) { return v[static_cast<std::size_t>(k)]; };
    int const first = i / N * N;
    T const x = at(a, i), y = at(b, i), z = at(c, i);
    // clang-format off
    switch (operation) {
      case add: return x + y;
      case subtract: return x - y;
      case multiply: return x * y;
      case divide: return x / y;
      case negate: return -x;
      case fused: return std::fma(x, y, z);
      case root: return std::sqrt(x);
      case absolute: return std::abs(x);
      case less: return x < y ? z : x;
      case limited: return std::isnan(x) ? x : x < T(-0.5) ? T(-0.5) : x > T(2) ? T(2) : x;
      case broadcast: return at(a, first + N - 1);
      case generated: return at(b, first + N - 1 - (i - first));
      case set_lane: return i - first == N / 2 ? at(b, first) : x;
      default: return x;
    }
    // clang-format on
  };
  for (int operation = 0; operation < float_operations; ++operation) {
    int wrong = 0;
    for (int i = 0; i < count; ++i)
      wrong += !same(static_cast<T>(result(operation * count + i)), expected(operation, i));
    INFO("operation " << operation);
    CHECK(wrong == 0);
  }

  // The inputs would show a multiply-add that rounds twice, and bounds that swallow a NaN.
  int twice = 0, nans = 0;
  for (std::size_t i = 0; i < count; ++i) {
    T const product = a[i] * b[i];
    twice += !same(std::fma(a[i], b[i], c[i]), product + c[i]);
    nans += std::isnan(a[i]);
  }
  CHECK(twice > count / 16);
  CHECK(nans > 0);
}

// clang-format off
enum WordOperation {
  word_and, word_or, word_xor, word_add, word_subtract, shift_left, shift_right, shift_signed,
  lanes, word_operations
};
// clang-format on

template <int N>
struct WordKernel {
  Numbers<std::uint32_t> a, b, out;
  KOKKOS_FUNCTION void operator()(int i) const {
    using U   = Simd<std::uint32_t, N>;
    U const x = basin::tile::load<U>(a.data() + i * N), y = basin::tile::load<U>(b.data() + i * N);
    auto const put = [&](int operation, U v) {
      basin::tile::store(out.data() + operation * count + i * N, v);
    };
    put(word_and, x & y);
    put(word_or, x | y);
    put(word_xor, x ^ y);
    put(word_add, x + y);
    put(word_subtract, x - y);
    put(shift_left, x << 7);
    put(shift_right, x >> 9);
    put(shift_signed, basin::tile::bits<std::uint32_t>(basin::tile::bits<std::int32_t>(x) >> 5));
    put(lanes, basin::tile::lane_numbers<U>());
  }
};

std::vector<std::uint32_t> random_words(unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<std::uint32_t> words(count);
  for (std::uint32_t& w : words) w = static_cast<std::uint32_t>(bits());
  words[0] = 0, words[1] = ~0u, words[2] = 1u << 31;
  return words;
}

TEMPLATE_TEST_CASE_SIG("arithmetic on packed words is modulo 2^32, lane by lane", "[tile][vector]",
                       ((int N), N), 1, 2, 4, 8, 16) {
  auto const a = random_words(4), b = random_words(5);
  Numbers<std::uint32_t> const out("out", word_operations * count);
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, count / N),
                       WordKernel<N>{on_device(a), on_device(b), out});
  auto const result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);

  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t const x = a[i], y = b[i];
    std::uint32_t const expected[] = {
        x & y,
        x | y,
        x ^ y,
        x + y,
        x - y,
        x << 7,
        x >> 9,
        std::bit_cast<std::uint32_t>(std::bit_cast<std::int32_t>(x) >> 5),
        static_cast<std::uint32_t>(i % N)};
    for (std::size_t operation = 0; operation < word_operations; ++operation) {
      INFO("operation " << operation << " of " << x << " and " << y);
      REQUIRE(result(operation * count + i) == expected[operation]);
    }
  }
}

template <class T, int N>
struct ConvertKernel {
  Numbers<std::uint32_t> words;
  Numbers<T> from_unsigned, from_signed;
  Numbers<std::int32_t> truncated, raw;
  KOKKOS_FUNCTION void operator()(int i) const {
    using namespace basin::tile;
    using U          = Simd<std::uint32_t, N>;
    U const w        = load<U>(words.data() + i * N);
    auto const value = convert<T>(bits<std::int32_t>(w));
    store(from_unsigned.data() + i * N, convert<T>(w));
    store(from_signed.data() + i * N, value);
    store(truncated.data() + i * N, convert<std::int32_t>(value * Simd<T, N>(T(0x1p-20))));
    if constexpr (sizeof(T) == 4) store(raw.data() + i * N, bits<std::int32_t>(value));
  }
};

TEMPLATE_TEST_CASE_SIG("conversions round and truncate as those of numbers", "[tile][vector]",
                       ((class T, int N), T, N), (float, 1), (float, 4), (float, 8), (float, 16),
                       (double, 2), (double, 4), (double, 8)) {
  auto const words = random_words(6);
  Numbers<T> const from_unsigned("u", count), from_signed("s", count);
  Numbers<std::int32_t> const truncated("t", count), raw("r", count);
  Kokkos::parallel_for(
      Kokkos::RangePolicy<Exec>(0, count / N),
      ConvertKernel<T, N>{on_device(words), from_unsigned, from_signed, truncated, raw});
  Kokkos::HostSpace const host;
  auto const u = Kokkos::create_mirror_view_and_copy(host, from_unsigned);
  auto const s = Kokkos::create_mirror_view_and_copy(host, from_signed);
  auto const t = Kokkos::create_mirror_view_and_copy(host, truncated);
  auto const r = Kokkos::create_mirror_view_and_copy(host, raw);
  for (std::size_t i = 0; i < count; ++i) {
    T const value = static_cast<T>(std::bit_cast<std::int32_t>(words[i]));
    REQUIRE(u(i) == static_cast<T>(words[i]));
    REQUIRE(s(i) == value);
    REQUIRE(t(i) == static_cast<std::int32_t>(value * T(0x1p-20)));
    if constexpr (std::is_same_v<T, float>) REQUIRE(r(i) == std::bit_cast<std::int32_t>(value));
  }
}

TEST_CASE("a vector has the size and alignment of its lanes", "[tile][vector]") {
  STATIC_REQUIRE(sizeof(Simd<float, 16>) == 64);
  STATIC_REQUIRE(alignof(Simd<float, 16>) == 64);
  STATIC_REQUIRE(sizeof(Simd<double, 2>) == 16);
  STATIC_REQUIRE(sizeof(Simd<float, 1>) == sizeof(float));
  STATIC_REQUIRE(basin::tile::is_pack<Simd<float, 4>>);
  STATIC_REQUIRE(!basin::tile::is_pack<float>);
  STATIC_REQUIRE(
      std::is_same_v<basin::tile::rebind<Simd<double, 4>, std::uint32_t>, Simd<std::uint32_t, 4>>);
}

TEMPLATE_TEST_CASE("transpose turns a block of vectors over its diagonal, from and to any address",
                   "[tile][vector]", (Simd<float, 1>), (Simd<float, 4>), (Simd<float, 8>),
                   (Simd<float, 16>), (Simd<double, 4>), (Simd<double, 8>)) {
  using Scalar    = typename TestType::value_type;
  constexpr int N = TestType::lanes;
  Scalar in[N * N + 1], out[N * N + 1];
  for (int i = 0; i <= N * N; ++i) in[i] = static_cast<Scalar>(i);
  TestType block[N];
  // One number past an aligned address.
  for (int i = 0; i < N; ++i) block[i] = basin::tile::load_unaligned<TestType>(in + 1 + i * N);
  basin::tile::transpose(block);
  for (int i = 0; i < N; ++i) basin::tile::store_unaligned(out + 1 + i * N, block[i]);
  bool turned = true;
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < N; ++j) turned = turned && out[1 + i * N + j] == in[1 + j * N + i];
  CHECK(turned);
}

}  // namespace
