// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_DERIVATIVES_HPP
#define BASIN_ENERGY_DERIVATIVES_HPP

#include <basin/energy/evaluate.hpp>
#include <basin/layer/elementwise.hpp>

namespace basin::energy {

/// Number of continuous derivatives of E; an energy without a declaration counts as smooth.
template <class E>
inline constexpr int smoothness_of = layer::smooth;
template <class E>
  requires requires { +E::smoothness; }
inline constexpr int smoothness_of<E> = E::smoothness;

/// Error message where an energy has too few derivatives for jets of an order.
template <class E, int order>
constexpr void check_smoothness() {
  static_assert(order == 0 || smoothness_of<E> >= 2,
                "basin::energy: second derivatives and score matching need an energy that is twice "
                "continuously differentiable; in place of layer::Relu or LeakyRelu write a smooth "
                "activation, for example layer::Silu, Gelu, Softplus or Tanh.");
}

namespace detail {

// x (dimension, 1 + order, T) = points + e directions, for the tile of chains from first on
template <class Context, class Points, class Directions, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void load_jets(Context const& c, Points const& points,
                                           Directions const& directions, int first, int count,
                                           int dimension, Scalar* x) {
  constexpr int T = Context::width;
  c.load_chains(points, first, count, dimension, x);
  c.load_chains(directions, first, count, dimension, x + T);
  if constexpr (Context::order > 1)
    c.each(dimension * T, [=](int i) { x[i / T * Context::row_size + 2 * T + i % T] = Scalar(0); });
}

template <class E, class Points, class Directions, class Out>
struct DirectionalTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows;
  static constexpr int jet_order      = 2;
  E energy;
  Points points;          // (points, dimension)
  Directions directions;  // (points, dimension)
  Out first, second;      // (points)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    constexpr int T = Context::width;
    int const count = static_cast<int>(points.extent(0)), start = tile * T;
    load_jets(c, points, directions, start, count, +E::dimension,
              workspace + E::state_row * Context::row_size);
    load_conditions(c, energy, workspace, start, count);
    energy.energy(c, workspace);
    scalar_type const* const e = workspace + E::energy_row * Context::row_size;
    Out const &one = first, &two = second;
    c.each(T, [=, &one, &two](int t) {
      if (start + t >= count) return;
      one(start + t) = e[T + t];
      two(start + t) = 2 * e[2 * T + t];
    });
  }
};

template <class E, class Points, class Directions, class Out>
struct HessianProductTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows;
  static constexpr int jet_order      = 1;
  E energy;
  Points points;          // (points, dimension)
  Directions directions;  // (points, dimension)
  Out products;           // (points, dimension)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    constexpr int T = Context::width;
    int const count = static_cast<int>(points.extent(0)), first = tile * T;
    load_jets(c, points, directions, first, count, +E::dimension,
              workspace + E::state_row * Context::row_size);
    load_conditions(c, energy, workspace, first, count);
    energy.gradient(c, workspace);
    c.store_chains(workspace + E::gradient_row * Context::row_size + T, first, count, +E::dimension,
                   products);
  }
};

// The diagonal of H, one element per axis direction; Sum: only its sum.
template <class E, class Points, class Out, bool Sum>
struct DiagonalTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows + 1;
  static constexpr int jet_order      = 2;
  E energy;
  Points points;  // (points, dimension)
  Out out;        // (points, dimension), or (points) the trace

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    constexpr int T = Context::width, size = Context::row_size;
    int const count = static_cast<int>(points.extent(0)), first = tile * T;
    scalar_type* const x   = workspace + E::state_row * size;       // (dimension, 3, T)
    scalar_type* const e   = workspace + E::energy_row * size;      // (1, 3, T)
    scalar_type* const sum = workspace + E::workspace_rows * size;  // (T)
    Out const& to          = out;
    c.load_chains(points, first, count, +E::dimension, x);
    c.each(E::dimension * 2 * T,
           [=](int i) { x[i / (2 * T) * size + T + i % (2 * T)] = scalar_type(0); });
    load_conditions(c, energy, workspace, first, count);
    c.each(T, [=](int t) { sum[t] = 0; });
    for (int d = 0; d < E::dimension; ++d) {
      c.each(T, [=](int t) { x[d * size + T + t] = scalar_type(1); });
      energy.energy(c, workspace);
      c.each(T, [=](int t) {
        x[d * size + T + t] = scalar_type(0);
        sum[t] += 2 * e[2 * T + t];
      });
      if constexpr (!Sum)
        c.each(T, [=, &to](int t) {
          if (first + t < count) to(first + t, d) = 2 * e[2 * T + t];
        });
    }
    if constexpr (Sum)
      c.each(T, [=, &to](int t) {
        if (first + t < count) to(first + t) = sum[t];
      });
  }
};

template <class E, class Points>
void check_points(char const* who, Points const& points) {
  static_assert(Points::rank() == 2,
                "basin::energy: points must be a View of rank 2, (points, dimension).");
  if (!is_extent(points.extent(1), E::dimension))
    refuse(who, "points has second extent ", points.extent(1), ", the energy has dimension ",
           +E::dimension);
  checked_count(who, "points", points.extent(0));
}
template <class E, class Points, class Directions>
void check_directions(char const* who, Points const& points, Directions const& directions) {
  check_points<E>(who, points);
  static_assert(Directions::rank() == 2,
                "basin::energy: directions must be a View of rank 2, (points, dimension).");
  if (directions.extent(0) != points.extent(0) || directions.extent(1) != points.extent(1))
    refuse(who, "directions has shape (", directions.extent(0), ", ", directions.extent(1),
           "), points has (", points.extent(0), ", ", points.extent(1), ")");
}

template <class E, class Work, class Exec>
void run_jets(Exec const& exec, std::size_t points, Work const& work) {
  constexpr tile::Tuning tuning = tile::jet_tuning(
      tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>(), Work::jet_order);
  if (points > 0)
    tile::for_each_tile<tuning>(exec, "basin::jets",
                                tile::tiles(static_cast<int>(points), tuning.width), work);
}

}  // namespace detail

/// first(n) = u.grad E and second(n) = u.H u at points(n, :), u = directions(n, :), H the matrix of
/// second derivatives: one pass of jets of order 2 from x to E. Asynchronous on exec.
///
/// \param points      (n, dimension of the energy)
/// \param directions  (n, dimension of the energy)
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Directions, class Out>
void directional_derivatives(Exec const& exec, E const& energy, Points const& points,
                             Directions const& directions, Out const& first, Out const& second) {
  check_smoothness<E, 2>();
  char const* who = "basin::energy::directional_derivatives";
  detail::check_directions<E>(who, points, directions);
  if (first.extent(0) != points.extent(0) || second.extent(0) != points.extent(0))
    refuse(who, "first and second have extents ", first.extent(0), " and ", second.extent(0),
           ", points has ", points.extent(0));
  detail::run_jets<E>(exec, points.extent(0),
                      detail::DirectionalTile<E, Points, Directions, Out>{
                          energy, points, directions, first, second});
}

/// products(n, :) = H u at points(n, :), u = directions(n, :): a pass of jets of order 1 from x to
/// E and back. Asynchronous on exec.
///
/// \param points      (n, dimension of the energy)
/// \param directions  (n, dimension of the energy)
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Directions, class Out>
void hessian_vector_products(Exec const& exec, E const& energy, Points const& points,
                             Directions const& directions, Out const& products) {
  check_smoothness<E, 1>();
  char const* who = "basin::energy::hessian_vector_products";
  detail::check_directions<E>(who, points, directions);
  if (products.extent(0) != points.extent(0) || products.extent(1) != points.extent(1))
    refuse(who, "products has shape (", products.extent(0), ", ", products.extent(1),
           "), points has (", points.extent(0), ", ", points.extent(1), ")");
  detail::run_jets<E>(
      exec, points.extent(0),
      detail::HessianProductTile<E, Points, Directions, Out>{energy, points, directions, products});
}

/// diagonals(n, d) = d^2 E / dx_d^2 at points(n, :), exact: dimension passes. Asynchronous on exec.
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Out>
void hessian_diagonals(Exec const& exec, E const& energy, Points const& points,
                       Out const& diagonals) {
  check_smoothness<E, 2>();
  char const* who = "basin::energy::hessian_diagonals";
  detail::check_points<E>(who, points);
  if (diagonals.extent(0) != points.extent(0) || diagonals.extent(1) != points.extent(1))
    refuse(who, "diagonals has shape (", diagonals.extent(0), ", ", diagonals.extent(1),
           "), points has (", points.extent(0), ", ", points.extent(1), ")");
  detail::run_jets<E>(exec, points.extent(0),
                      detail::DiagonalTile<E, Points, Out, false>{energy, points, diagonals});
}

/// traces(n) = tr H, the Laplacian of E, at points(n, :), exact: dimension passes. Asynchronous on
/// exec.
/// \throws std::invalid_argument if an extent does not fit
template <class Exec, class E, class Points, class Out>
void hessian_traces(Exec const& exec, E const& energy, Points const& points, Out const& traces) {
  check_smoothness<E, 2>();
  char const* who = "basin::energy::hessian_traces";
  detail::check_points<E>(who, points);
  if (traces.extent(0) != points.extent(0))
    refuse(who, "traces has extent ", traces.extent(0), ", points has ", points.extent(0));
  detail::run_jets<E>(exec, points.extent(0),
                      detail::DiagonalTile<E, Points, Out, true>{energy, points, traces});
}

}  // namespace basin::energy

#endif
