// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_ATTENTION_HPP
#define BASIN_LAYER_ATTENTION_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/frame.hpp>
#include <basin/layer/gain.hpp>
#include <basin/layer/residual.hpp>
#include <basin/tile/context.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// Attention over the positions of an image whose channels are [query (Keys) | key (Keys) | value]:
///
///   y[p] = sum_q a[p][q] value[q],  a[p] = softmax_q(query[p] . key[q])
///
/// Source: Zhang, Goodfellow, Metaxas and Odena 2019, ICML, eqs. 1 and 2; without a scale.
///
/// \tparam Keys  channels of a query and of a key
template <int Keys>
struct DotProductAttention {
  static_assert(Keys > 0, "basin::layer::DotProductAttention<Keys>: Keys must be positive.");

  template <Real Scalar, Shape Input>
  struct bind : BoundLayer {
    static_assert(ImageShape<Input>,
                  "basin::layer::DotProductAttention: attention is over the positions of an "
                  "basin::Image<Height, Width, Channels>; Input is what it has before it.");
    static constexpr int positions = Input::height * Input::width;
    static constexpr int in        = Input::channels;
    static constexpr int out       = in - 2 * Keys;
    static_assert(out > 0,
                  "basin::layer::DotProductAttention<Keys>: the image needs more than 2 Keys "
                  "channels, for queries, keys and values; Input says how many it has.");

    using output_shape                    = Image<Input::height, Input::width, out>;
    static constexpr int inputs           = Input::size;
    static constexpr int outputs          = output_shape::size;
    static constexpr double multiply_adds = double(positions) * positions * (Keys + out);
    static constexpr int saved_rows       = positions * positions;  // a
    static constexpr int scratch_rows     = positions * positions;  // dE/d(query . key)
    static constexpr bool keeps_input     = true;

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const& frame,
                                                    Scalar const* x,  // (positions, in, T)
                                                    Epilogue const& epilogue) {
      using V         = typename Context::value_type;
      Scalar* const a = frame.saved;
      c.map(positions * positions, [=](auto at) {
        int const query = at.row / positions * in, key = at.row % positions * in + Keys;
        V sum(Scalar(0));
        for (int k = 0; k < Keys; ++k)
          sum = fma(at.at(query + k).load(x), at.at(key + k).load(x), sum);
        at.store(a, sum);
      });
      c.map(+positions, [=](auto at) {
        int const first = at.row * positions;
        V largest       = at.at(first).load(a);
        for (int q = 1; q < positions; ++q) {
          V const s = at.at(first + q).load(a);
          largest   = where_less(largest, s, s, largest);
        }
        V sum(Scalar(0));
        for (int q = 0; q < positions; ++q) {
          V const e = tile::exp(at.at(first + q).load(a) - largest);
          at.at(first + q).store(a, e);
          sum = sum + e;
        }
        for (int q = 0; q < positions; ++q)
          at.at(first + q).store(a, at.at(first + q).load(a) / sum);
      });
      c.map(+outputs, [=](auto at) {
        int const p = at.row / out, channel = at.row % out + 2 * Keys;
        V sum(Scalar(0));
        for (int q = 0; q < positions; ++q)
          sum = fma(at.at(p * positions + q).load(a), at.at(q * in + channel).load(x), sum);
        epilogue(at, sum);
      });
    }

    /// With s = query . key: dE/da[p][q] = dE/dy[p] . value[q],
    /// dE/ds[p][q] = a[p][q] (dE/da[p][q] - sum_r a[p][r] dE/da[p][r]).
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const& frame,
                                                      Scalar const* x,
                                                      Scalar const* g,  // (positions, out, T)
                                                      Epilogue const& epilogue) {
      using V               = typename Context::value_type;
      Scalar const* const a = frame.saved;
      Scalar* const ds      = frame.scratch;
      c.map(positions * positions, [=](auto at) {
        int const p = at.row / positions * out, q = at.row % positions * in + 2 * Keys;
        V sum(Scalar(0));
        for (int k = 0; k < out; ++k) sum = fma(at.at(p + k).load(g), at.at(q + k).load(x), sum);
        at.store(ds, sum);
      });
      c.map(+positions, [=](auto at) {
        int const first = at.row * positions;
        V mean(Scalar(0));
        for (int q = 0; q < positions; ++q)
          mean = fma(at.at(first + q).load(a), at.at(first + q).load(ds), mean);
        for (int q = 0; q < positions; ++q) {
          auto const pair = at.at(first + q);
          pair.store(ds, pair.load(a) * (pair.load(ds) - mean));
        }
      });
      c.map(+inputs, [=](auto at) {
        int const here = at.row / in, channel = at.row % in;
        V sum(Scalar(0));
        if (channel < Keys) {
          for (int q = 0; q < positions; ++q)
            sum = fma(at.at(here * positions + q).load(ds), at.at(q * in + channel + Keys).load(x),
                      sum);
        } else if (channel < 2 * Keys) {
          for (int p = 0; p < positions; ++p)
            sum = fma(at.at(p * positions + here).load(ds), at.at(p * in + channel - Keys).load(x),
                      sum);
        } else {
          for (int p = 0; p < positions; ++p)
            sum = fma(at.at(p * positions + here).load(a),
                      at.at(p * out + channel - 2 * Keys).load(g), sum);
        }
        epilogue(at, sum);
      });
    }
  };
};

/// y = x + gamma Attention(W x): 1x1 convolutions to queries, keys and values, and a learned gamma
/// that starts at 0. Source: Zhang et al. 2019, ICML, eq. 3.
///
/// \tparam Channels  of x
/// \tparam Keys      channels of a query and of a key
template <int Channels, int Keys = (Channels > 8 ? Channels / 8 : 1)>
using SelfAttention =
    Residual<Conv2d<Channels + 2 * Keys, 1, 1, bias::Without>, DotProductAttention<Keys>, Gain<>>;

}  // namespace basin::layer

#endif
