// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_BUFFERED_CONTRAST_HPP
#define BASIN_OBJECTIVE_DETAIL_BUFFERED_CONTRAST_HPP

#include <basin/objective/contrast.hpp>
#include <basin/sampler/start.hpp>

#include <cstdint>

namespace basin::objective::detail {

/// Contrast with the buffer of its persistent chains.
template <class E, class Exec, tile::Tuning tuning, class Sampler, class L, class Buffer>
class BufferedContrast : public Contrast<E, Exec, tuning, Sampler, L> {
  using base = Contrast<E, Exec, tuning, Sampler, L>;

 public:
  using typename base::Chains;
  using typename base::memory;
  using typename base::Pool;
  using typename base::Scalar;
  using bound_buffer = typename Buffer::template bind<Exec, Scalar, tuning>;

  /// Sets other options for the steps that follow.
  /// \throws std::invalid_argument if they need a different buffer
  template <class Options>
  void change(Options const& options) {
    buffer_.change(options.buffer);
  }

  /// Starting points for a user's chains: started like fresh chains.
  template <class Options>
  void start(Exec const& exec, Options const& options, Chains const& chains, Stream const& stream) {
    basin::sampler::start_chains<tuning>(exec, options.buffer.start, chains, pool_, stream);
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    base::archive(a);
    a("buffer", buffer_);
  }

  bound_buffer& buffer() { return buffer_; }
  bound_buffer const& buffer() const { return buffer_; }

 protected:
  /// \param data  the rows of a start that draws from them
  template <class Options>
  BufferedContrast(Exec const& exec, Options const& options, int batch,
                   Dataset<Scalar, memory> const& data, std::uint64_t seed)
      : base(exec, options.sampler, batch, seed),
        buffer_(exec, options.buffer, batch, +E::dimension, data.points, seed),
        pool_(data.points) {}

  /// The column buffer_age.
  Column<Scalar> age_column() const {
    auto const ages = buffer_.drawn_ages();
    return {quantity::buffer_age, nullptr, ages.data(), static_cast<int>(ages.extent(0))};
  }

 private:
  bound_buffer buffer_;
  Pool pool_;  // (rows, dimension)
};

}  // namespace basin::objective::detail

#endif
