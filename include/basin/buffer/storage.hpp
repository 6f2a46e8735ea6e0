// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_BUFFER_STORAGE_HPP
#define BASIN_BUFFER_STORAGE_HPP

#include <basin/core/policy.hpp>

#include <Kokkos_Macros.hpp>

#include <concepts>
#include <type_traits>

namespace basin::buffer {

struct storage_axis {};

/// How a buffer stores its samples. A user-defined storage is a struct with
///
///   using axis = basin::buffer::storage_axis;
///   template <class Scalar> struct bind {
///     using stored = ...;  // type of a stored coordinate
///     bind(Storage const&, double lower, double upper);  // the range of the buffer's options
///     KOKKOS_FUNCTION stored encode(Scalar x) const;
///     KOKKOS_FUNCTION Scalar decode(stored x) const;
///   };
///   static constexpr bool bounded = true;  // if it stores no value outside the range
///   void check() const;  // if it has options to validate; throws std::invalid_argument
///   bool operator==(Storage const&) const = default;  // without it changed options are ignored,
///                                                     // not refused
namespace storage {

/// In the energy's scalar, unchanged.
struct Full {
  using axis = storage_axis;

  template <class Scalar>
  struct bind {
    using stored = Scalar;
    bind(Full const&, double, double) {}
    KOKKOS_FUNCTION stored encode(Scalar x) const { return x; }
    KOKKOS_FUNCTION Scalar decode(stored x) const { return x; }
  };
};

/// One byte per coordinate: round(255 (x - lower) / (upper - lower)); the error is at most 1/510 of
/// the range. Chains keep their distribution only if the noise of a call, sigma sqrt(K), exceeds
/// one level, (upper - lower) / 255: smaller moves are mostly rounded away.
struct Byte {
  using axis                    = storage_axis;
  static constexpr bool bounded = true;

  template <class Scalar>
  struct bind {
    using stored = unsigned char;
    bind(Byte const&, double from, double to)
        : lower(static_cast<Scalar>(from)), upper(static_cast<Scalar>(to)) {}

    KOKKOS_FUNCTION stored encode(Scalar x) const {
      Scalar const level = (x - lower) / (upper - lower) * Scalar(255) + Scalar(0.5);
      // Written so that NaN becomes level 0 here, since a byte cannot hold NaN.
      return !(level > 0) ? 0 : level >= 255 ? 255 : static_cast<stored>(level);
    }
    KOKKOS_FUNCTION Scalar decode(stored x) const {
      return lower + static_cast<Scalar>(x) * ((upper - lower) / Scalar(255));
    }

    Scalar lower, upper;
  };
};

}  // namespace storage

/// Whether a storage holds no value outside the range of the buffer.
template <class S>
inline constexpr bool is_bounded = false;
template <class S>
  requires requires { S::bounded; }
inline constexpr bool is_bounded<S> = S::bounded;

namespace detail {

template <class S, class Scalar>
concept Stores =
    std::constructible_from<typename S::template bind<Scalar>, S const&, double, double> &&
    requires(typename S::template bind<Scalar> const& code, Scalar x,
             typename S::template bind<Scalar>::stored kept) {
      { code.encode(x) } -> std::same_as<decltype(kept)>;
      { code.decode(kept) } -> std::same_as<Scalar>;
    };

}  // namespace detail

/// How coordinates are stored, see namespace storage.
template <class S>
concept Storage =
    has_axis<S, storage_axis> && (detail::Stores<S, float> || detail::Stores<S, double>);

/// The requirements of Storage as an error message.
template <class S>
struct check_storage {
  static_assert(Storage<S>,
                "basin::buffer::Storage: a storage policy holds its code; define 'template <class "
                "Scalar> struct bind' with 'using stored', a constructor from (Storage const&, "
                "double lower, double upper), and 'stored encode(Scalar x) const' and 'Scalar "
                "decode(stored x) const', both KOKKOS_FUNCTION.");
  static constexpr bool value = Storage<S>;
};

}  // namespace basin::buffer

#endif
