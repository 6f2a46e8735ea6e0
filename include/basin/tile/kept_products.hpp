// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_KEPT_PRODUCTS_HPP
#define BASIN_TILE_KEPT_PRODUCTS_HPP

#include <basin/tile/context.hpp>

#include <cstddef>

// Values first, then jets: where the direction depends on the gradient at the point, as in
// denoising score matching, both passes run the same matrix products on the first terms. The first
// pass keeps their results; the second multiplies only the terms after the first, and its epilogues
// are given both. Elementwise work is repeated: that costs less than keeping more.

namespace basin::tile {

namespace detail {

// Stores the result of a product and passes it on to the epilogue.
template <class Scalar, class Epilogue>
struct Keep {
  Scalar* kept;  // (rows of the product, T)
  Epilogue const& epilogue;
  KOKKOS_FORCEINLINE_FUNCTION Scalar initial(int row) const { return epilogue.initial(row); }
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    at.store(kept, v);
    epilogue(at, v);
  }
};

// Joins the tail that a product computes to the first term that was kept.
template <class Scalar, class Epilogue>
struct Join {
  Scalar const* kept;  // (rows of the product, T)
  Epilogue const& epilogue;
  KOKKOS_FORCEINLINE_FUNCTION Scalar initial(int row) const { return epilogue.initial(row); }
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V tail) const {
    using P = typename V::simd_type;
    epilogue(at, join(load<P>(kept + at.row * Place::width + at.lane), tail));
  }
};

// The products of one layer, their epilogues behind a Keep or a Join.
template <class Base, class Scalar, template <class, class> class Around>
class Products : public Base {
 public:
  KOKKOS_FORCEINLINE_FUNCTION Products(Base const& base, Scalar* kept) : Base(base), kept_(kept) {}

  template <int M, int K, class W, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm(W w, Scalar const* x, Epilogue const& epilogue) const {
    Base::template gemm<M, K>(w, x, Around<Scalar, Epilogue>{kept_, epilogue});
  }
  template <int M, int K, class W, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm_t(W w, Scalar const* x, Epilogue const& epilogue) const {
    Base::template gemm_t<M, K>(w, x, Around<Scalar, Epilogue>{kept_, epilogue});
  }
  template <int M, int K, bool transposed, class Taps, class Epilogue>
  KOKKOS_FORCEINLINE_FUNCTION void gemm_taps(TapWeights<Scalar> w, Scalar const* x,
                                             Epilogue const& epilogue) const {
    Base::template gemm_taps<M, K, transposed, Taps>(w, x,
                                                     Around<Scalar, Epilogue>{kept_, epilogue});
  }
  // gemm_taps_few keeps nothing: it is recomputed in full.

  KOKKOS_FORCEINLINE_FUNCTION Products const& with_input_on_a_line() const { return *this; }

 private:
  Scalar* kept_;  // (rows of the product, T)
};

}  // namespace detail

/// A context of values that keeps the results of products.
template <class Values>
class KeepsProducts : public Values {
  using Scalar = typename Values::scalar_type;

 public:
  /// \param kept  (rows of all products, T)
  KOKKOS_FORCEINLINE_FUNCTION KeepsProducts(Values const& c, Scalar* kept)
      : Values(c), kept_(kept) {}

  template <int first_row>
  KOKKOS_FORCEINLINE_FUNCTION auto at_product() const {
    if constexpr (first_row < 0)
      return Values(*this);
    else
      return detail::Products<Values, Scalar, detail::Keep>(*this,
                                                            kept_ + first_row * Values::width);
  }

 private:
  Scalar* kept_;
};

/// A context of jets that reuses what KeepsProducts has kept.
template <class Jets>
class HasProducts : public Jets {
  using Scalar = typename Jets::scalar_type;

 public:
  KOKKOS_FORCEINLINE_FUNCTION HasProducts(Jets const& c, Scalar* kept) : Jets(c), kept_(kept) {}

  template <int first_row>
  KOKKOS_FORCEINLINE_FUNCTION auto at_product() const {
    if constexpr (first_row < 0)
      return Jets(*this);
    else
      return detail::Products<typename Jets::on_tails, Scalar, detail::Join>(
          typename Jets::on_tails(this->team()), kept_ + first_row * Jets::width);
  }

 private:
  Scalar* kept_;
};

}  // namespace basin::tile

#endif
