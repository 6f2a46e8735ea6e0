// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_GROUP_NORM_HPP
#define BASIN_LAYER_GROUP_NORM_HPP

#include <basin/core/check.hpp>
#include <basin/core/shape.hpp>
#include <basin/layer/frame.hpp>
#include <basin/layer/initializer.hpp>
#include <basin/layer/tensor.hpp>
#include <basin/tile/context.hpp>
#include <basin/tile/scaling.hpp>

#include <ratio>
#include <vector>

namespace basin::layer {

namespace detail {

// Positions and channels of any shape: a vector is one position.
template <Shape S>
struct Grid {
  static constexpr int positions = 1, channels = S::size;
};
template <ImageShape S>
struct Grid<S> {
  static constexpr int positions = S::height * S::width, channels = S::channels;
};

/// y = gamma[c] xhat + beta[c], xhat = (x - m) / sqrt(v + epsilon): m and v, mean and variance of
/// the positions and channels of a group; without centering m = 0 and v is the mean square.
///
/// dE/dx = (a - mean(a) - xhat mean(a xhat)) / sqrt(v + epsilon), a = gamma[c] dE/dy, means over
/// the group; without centering there is no mean(a).
///
/// Where squares of a group would overflow, all of this is of x / u, u a power of two near the
/// largest |x|; elsewhere u = 1.
template <Real Scalar, Shape Input, int Groups, bool centered, class Epsilon>
struct BoundNorm : BoundLayer {
  static constexpr int channels  = Grid<Input>::channels;
  static constexpr int positions = Grid<Input>::positions;
  static constexpr int members   = channels / Groups;
  static_assert(channels % Groups == 0,
                "basin::layer::GroupNorm<Groups>: Groups must divide the channels of the layer "
                "before it; Input says how many it has.");
  static_assert(channels % Groups != 0 || members * positions > 1,
                "basin::layer::GroupNorm: a group of one number has no variance; write fewer "
                "groups, or layer::LayerNorm.");

  using output_shape                = Input;
  static constexpr int inputs       = Input::size;
  static constexpr int outputs      = Input::size;
  static constexpr int parameters   = (centered ? 2 : 1) * channels;
  static constexpr int saved_rows   = 5 * Groups;
  static constexpr bool keeps_input = true;
  static constexpr bool in_place    = true;
  static constexpr bool keeps_order = true;

  // theta = [ gamma (channels) | beta (channels), if centered ]

  static std::vector<ParameterBlock> parameter_blocks() {
    std::vector<ParameterBlock> blocks{{"scale", channels, 1, {Law::Shape::uniform, 0, 1}}};
    if (centered) blocks.push_back({"shift", channels, 1, {}});
    return blocks;
  }
  static std::vector<Tensor> tensors(Features const& read) {
    bool const flattened = !ImageShape<Input> && read.positions > 1;
    if (flattened && Groups > 1)
      refuse("basin::layer::GroupNorm", "its ", Groups, " groups are of ", members,
             " neighbors of a flattened image of ", read.channels,
             " channels, which are no neighbors in PyTorch; write it in front of Flatten");
    std::vector<Axis> const axes = flattened ? read.axes() : std::vector<Axis>{{channels, 1}};
    std::vector<Tensor> all{{"weight", {channels}, axes}};
    if (centered) all.push_back({"bias", {channels}, axes, channels});
    return all;
  }

  template <class Context, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const& frame,
                                                  Scalar const* x,  // (positions, channels, T)
                                                  Epilogue const& epilogue) {
    using V     = typename Context::value_type;
    using Place = typename Context::place_type;
    Statistics<Context> const s{frame.saved};
    constexpr Scalar share    = Scalar(1) / (members * positions);
    Scalar const* const theta = frame.theta;
    if constexpr (centered) {
      // Both moments in one pass, about a member of the group, to avoid cancellation when the
      // mean is large: m = k + mean(x - k), v = mean((x - k)^2) - mean(x - k)^2.
      c.template reduce_groups<2, Groups, members, positions>(
          [=](Place at, int channel, V(&t)[2]) {
            V const d = at.load(x) - at.at(channel / members * members).load(x);
            t[0]      = d;
            t[1]      = d * d;
          },
          [=](int group, int lane, V const(&sum)[2]) {
            Place const at{group, lane};
            V const shift = V(share) * sum[0];
            V const mean  = at.at(group * members).load(x) + shift;
            V v           = fma(-shift, shift, V(share) * sum[1]);
            if constexpr (members * positions > 64) refine(at, x, mean, shift, v);
            store_statistics(s, at, x, sum[1], mean, Scalar(1), where_less(v, V(0), V(0), v));
          });
    } else {
      c.template reduce_groups<1, Groups, members, positions>(
          [=](Place at, int, V(&t)[1]) {
            V const here = at.load(x);
            t[0]         = here * here;
          },
          [=](int group, int lane, V const(&sum)[1]) {
            store_statistics(s, Place{group, lane}, x, sum[0], V(0), share, sum[0]);
          });
    }
    c.map(+outputs, [=](auto at) {
      int const channel = at.row % channels;
      V const scale(theta[channel]);
      V const xhat = normalized(s, at, channel, at.load(x));
      if constexpr (centered)
        epilogue(at, fma(xhat, scale, V(theta[channels + channel])));
      else
        epilogue(at, xhat * scale);
    });
  }

  template <class Context, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const& frame,
                                                    Scalar const* x, Scalar const* g,
                                                    Epilogue const& epilogue) {
    using V     = typename Context::value_type;
    using Place = typename Context::place_type;
    Statistics<Context> const s{frame.saved};
    constexpr Scalar share    = Scalar(1) / (members * positions);
    Scalar const* const theta = frame.theta;
    // With r = 1 / deviation, dE/dx = r a + p (x - m) + q; p and q are the same for a group. Of
    // x / u.
    c.template reduce_groups<2, Groups, members, positions>(
        [=](Place at, int channel, V(&t)[2]) {
          t[0] = V(theta[channel]) * at.load(g);
          t[1] = t[0] * deviation(s, at, channel, at.load(x));
        },
        [=](int group, int lane, V const(&sum)[2]) {
          Place const at{group, lane};
          V const r = at.load(s.inverse());
          V const p = V(-share) * sum[1] * (r * r * r);
          V q(0);
          if constexpr (centered) q = fma(-p, at.load(s.mean()), V(-share) * sum[0] * r);
          at.store(s.first(), p);
          at.store(s.second(), q);
        });
    c.map(+inputs, [=](auto at) {
      int const channel = at.row % channels;
      Place const group = at.at(channel / members);
      auto const unit   = tile::coefficient(group.load(s.unit()), 0);
      V d               = V(theta[channel]) * at.load(g) * group.load(s.inverse());
      d                 = fma(group.load(s.first()), unit * at.load(x), d);
      if constexpr (centered) d = d + group.load(s.second());
      epilogue(at, unit * d);
    });
  }

  // A record holds sums over the positions: of dE/dy xhat, and of dE/dy.
  static constexpr int record_rows = parameters;

  template <class Context>
  static KOKKOS_FORCEINLINE_FUNCTION void record_input(Context const&, Frame<Scalar> const&,
                                                       Scalar const*, LayerRecord<Scalar> const&) {}
  template <class Context>
  static KOKKOS_FORCEINLINE_FUNCTION void record_gradient(Context const& c,
                                                          Frame<Scalar> const& frame,
                                                          Scalar const* x, Scalar const* g,
                                                          LayerRecord<Scalar> const& record) {
    using V     = typename Context::value_type;
    using Place = typename Context::place_type;
    Statistics<Context> const s{frame.saved};
    constexpr int sums = centered ? 2 : 1;
    c.template reduce_groups<sums, channels, 1, positions>(
        [=](Place at, int channel, V(&t)[sums]) {
          V const dy = at.load(g);
          t[0]       = dy * normalized(s, at, channel, at.load(x));
          if constexpr (centered) t[1] = dy;
        },
        [=](int channel, int lane, V const(&sum)[sums]) {
          for (int k = 0; k < sums; ++k) record.store_term(k * channels + channel, lane, sum[k]);
        });
  }

  static constexpr int gradient_blocks = 1;

  template <class Context>
  static KOKKOS_FORCEINLINE_FUNCTION void parameter_gradient(Context const& c, int,
                                                             LayerRecord<Scalar> const& record,
                                                             Scalar const* w, Slice slice,
                                                             Scalar* dtheta) {
    c.scale_rows(+record_rows, w, record.terms_at_0(slice), record.rows);
    c.row_sums(+record_rows, record.rows, record.terms_at_0(slice), dtheta);
  }

 private:
  // Rows of the groups.
  template <class Context>
  struct Statistics {
    Scalar* rows;  // (5, groups, T)
    static constexpr int size = Groups * Context::row_size;
    KOKKOS_FORCEINLINE_FUNCTION Scalar* mean() const { return rows; }
    KOKKOS_FORCEINLINE_FUNCTION Scalar* inverse() const { return rows + size; }     // 1 / deviation
    KOKKOS_FORCEINLINE_FUNCTION Scalar* first() const { return rows + 2 * size; }   // p
    KOKKOS_FORCEINLINE_FUNCTION Scalar* second() const { return rows + 3 * size; }  // q
    KOKKOS_FORCEINLINE_FUNCTION Scalar* unit() const { return rows + 4 * size; }    // 1 / u
  };

  // What the sums of a group give. squares: the plain sum of squares; v = factor w.
  template <class S, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void store_statistics(S const& s, Place group, Scalar const* x,
                                                           V squares, V mean, Scalar factor, V w) {
    using P = typename V::simd_type;
    // 1 / deviation is cubed.
    constexpr Scalar most    = sizeof(Scalar) == 8 ? Scalar(0x1p480) : Scalar(0x1p60f);
    constexpr Scalar epsilon = Scalar(Epsilon::num) / Scalar(Epsilon::den);
    bool in_range            = true;
    for (int l = 0; l < V::lanes; ++l) in_range = in_range && squares[l] < most;
    P unit(Scalar(1));
    if (!in_range) rescale(group, x, V(P(most)), squares, mean, factor, w, unit);
    group.store(s.unit(), V(unit));
    group.store(s.mean(), mean);
    V const square = fma(P(factor), w, V(unit * (unit * P(epsilon))));
    group.store(s.inverse(), V(Scalar(1)) / sqrt(square));
  }

  // Where squares are not below most: mean and w of x / u, and 1 / u.
  template <class Place, class V, class P>
  static KOKKOS_FUNCTION void rescale(Place group, Scalar const* x, V most, V squares, V& mean,
                                      Scalar factor, V& w, P& unit) {
    constexpr int count = members * positions;
    auto const member   = [=](int i) {
      return group.at(i / members * channels + group.row * members + i % members).load(x);
    };
    P largest(Scalar(0));
    for (int i = 0; i < count; ++i) {
      P const a = abs(tile::coefficient(member(i), 0));
      largest   = where_less(largest, a, a, largest);
    }
    P const inverse        = tile::unit_of(largest).inverse;
    constexpr Scalar share = Scalar(1) / count;
    V m(Scalar(0)), sum(Scalar(0));
    if constexpr (centered) {
      for (int i = 0; i < count; ++i) m = m + inverse * member(i);
      m = V(share) * m;
    }
    for (int i = 0; i < count; ++i) {
      V const d = inverse * member(i) - m;
      sum       = sum + d * d;
    }
    mean = where_less(squares, most, mean, m);
    w    = where_less(squares, most, w, V(share / factor) * sum);
    unit = where_less(tile::coefficient(squares, 0), tile::coefficient(most, 0), unit, inverse);
  }

  // The variance of a large group whose first member is far from the rest, where the difference of
  // its moments would cancel: v = mean((x - m)^2). Few groups are like that.
  template <class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void refine(Place group, Scalar const* x, V mean, V shift,
                                                 V& v) {
    V const far = V(Scalar(1) / 16) * (shift * shift);
    bool any    = false;
    for (int l = 0; l < V::lanes; ++l) any = any || v[l] < far[l];
    if (!any) return;
    V squares(Scalar(0));
    for (int p = 0; p < positions; ++p)
      for (int k = 0; k < members; ++k) {
        V const d = group.at(p * channels + group.row * members + k).load(x) - mean;
        squares   = squares + d * d;
      }
    v = where_less(v, far, V(Scalar(1) / (members * positions)) * squares, v);
  }

  template <class S, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION V deviation(S const& s, Place at, int channel, V x) {
    Place const group = at.at(channel / members);
    auto const unit   = tile::coefficient(group.load(s.unit()), 0);
    if constexpr (centered) return fma(unit, x, -group.load(s.mean()));
    return unit * x;
  }
  template <class S, class Place, class V>
  static KOKKOS_FORCEINLINE_FUNCTION V normalized(S const& s, Place at, int channel, V x) {
    return deviation(s, at, channel, x) * at.at(channel / members).load(s.inverse());
  }
};

}  // namespace detail

/// Group normalization: each group of channels of each state is normalized to mean 0 and variance
/// 1, then scaled and shifted for each channel by learned gamma (initially 1) and beta (0).
/// Source: Wu and He 2018, ECCV, eqs. 1-7. In PyTorch GroupNorm(Groups, channels, Epsilon).
///
/// \tparam Groups   must divide the channels
/// \tparam Epsilon  added to the variance, a std::ratio
template <int Groups, class Epsilon = std::ratio<1, 1000000>>
struct GroupNorm {
  static_assert(Groups > 0, "basin::layer::GroupNorm<Groups>: Groups must be positive.");
  template <Real Scalar, Shape Input>
  using bind = detail::BoundNorm<Scalar, Input, Groups, true, Epsilon>;
};

/// Layer normalization: GroupNorm with all of a state in one group.
/// Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, eq. 3. In PyTorch GroupNorm(1, channels,
/// Epsilon).
template <class Epsilon = std::ratio<1, 1000000>>
struct LayerNorm {
  template <Real Scalar, Shape Input>
  using bind = detail::BoundNorm<Scalar, Input, 1, true, Epsilon>;
};

/// Root-mean-square normalization of a whole state: y = gamma[c] x / sqrt(mean(x^2) + epsilon).
/// Source: Zhang and Sennrich 2019, NeurIPS, eq. 4. In PyTorch, of vectors, RMSNorm(channels, Epsilon).
template <class Epsilon = std::ratio<1, 1000000>>
struct RmsNorm {
  template <Real Scalar, Shape Input>
  using bind = detail::BoundNorm<Scalar, Input, 1, false, Epsilon>;
};

/// Refused: an energy is a function of one state, E(x), but batch normalization makes it depend on
/// the other states of the batch, so that a chain's force and its law would change with its
/// neighbors, and in training with the mixture of data and samples.
template <class...>
struct BatchNorm {
  template <Real Scalar, Shape Input>
  struct bind : detail::BoundNorm<Scalar, Input, 1, true, std::ratio<1>> {  // the sentence alone
    static_assert(sizeof(Scalar) == 0,
                  "basin::layer::BatchNorm: an energy must not depend on the other states of its "
                  "batch; write layer::GroupNorm<Groups> or layer::LayerNorm<>.");
  };
};

}  // namespace basin::layer

#endif
