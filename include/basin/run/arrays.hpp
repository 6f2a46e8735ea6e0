// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_ARRAYS_HPP
#define BASIN_RUN_ARRAYS_HPP

#include <basin/core/archive.hpp>
#include <basin/core/check.hpp>
#include <basin/io/checkpoint.hpp>

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <filesystem>
#include <string>

namespace basin::run {

/// What tools/plot draws of a run, beside its metrics: "arrays.h5" of its folder.
///
///   energies/<set> (n)                                histograms, ROC of "data" against each other set
///   landscape/x (nx), y (ny), energy (ny, nx), data and samples (n, 2), chains (steps, n, 2), log_z
///   images/<set> (n, height, width, channels)
///   images/chains (times, n, height, width, channels), images/chain_steps (times)
///   reliability/<model> (3, bins)                     mean confidence, accuracy, count of each bin
class Arrays {
 public:
  /// Adds a copy of a View, on host or device, or of a number.
  template <class Thing>
  Arrays& add(std::string const& name, Thing const& thing) {
    if constexpr (Kokkos::is_view_v<Thing>) {
      // Of any layout: the archive takes rows one after the other.
      using Host =
          Kokkos::View<typename Thing::non_const_data_type, Kokkos::LayoutRight, Kokkos::HostSpace>;
      auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), thing);
      Kokkos::LayoutRight extents;
      for (std::size_t r = 0; r < Thing::rank(); ++r) extents.dimension[r] = thing.extent(r);
      Host const rows("basin::run::array", extents);
      Kokkos::deep_copy(rows, mirror);
      save(name, rows);
    } else {
      Thing copy = thing;
      save(name, copy);
    }
    return *this;
  }

  /// Adds "images/<name>" of rows of height x width x channels values in [-1, 1].
  /// \throws std::invalid_argument if a row is no such image
  template <class Rows>
  Arrays& images(std::string const& name, Rows const& rows, int height, int width) {
    std::size_t const pixels = std::size_t(height) * std::size_t(width);
    std::size_t const each   = rows.extent(1);
    if (pixels == 0 || each % pixels != 0)
      refuse("basin::run::Arrays", "images/", name, " has rows of ", each,
             " values, which are no images of ", height, " x ", width);
    using Value     = typename Rows::non_const_value_type;
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
    Kokkos::View<Value****, Kokkos::LayoutRight, Kokkos::HostSpace> const all(
        "basin::run::images", rows.extent(0), height, width, each / pixels);
    for (std::size_t n = 0; n < rows.extent(0); ++n)
      for (std::size_t i = 0; i < each; ++i) all.data()[n * each + i] = host(n, i);
    save("images/" + name, all);
    return *this;
  }

  /// Adds "landscape/x", "y" and "energy" of a trainer over [low, high]^2, side x side points.
  template <class Trainer>
  Arrays& landscape(Trainer& trainer, double low, double high, int side = 240) {
    using Scalar = typename Trainer::Scalar;
    using Host   = Kokkos::View<Scalar**, Kokkos::LayoutRight, Kokkos::HostSpace>;
    auto const n = static_cast<std::size_t>(side);
    Kokkos::View<double*, Kokkos::HostSpace> const axis("basin::run::axis", n);
    for (std::size_t i = 0; i < n; ++i) axis(i) = low + (high - low) * (double(i) + 0.5) / side;
    Host const points("basin::run::points", n * n, 2), energy("basin::run::energy", n, n);
    for (std::size_t i = 0; i < n * n; ++i)
      points(i, 0)           = static_cast<Scalar>(axis(i % n)),
                points(i, 1) = static_cast<Scalar>(axis(i / n));
    auto const values = trainer.energies(points);
    for (std::size_t i = 0; i < n * n; ++i) energy.data()[i] = values(i);
    save("landscape/x", axis);
    save("landscape/y", axis);
    save("landscape/energy", energy);
    return *this;
  }

  /// Writes arrays.h5. \throws std::runtime_error if it cannot be written
  void write(std::filesystem::path const& folder) const {
    io::write_checkpoint(folder / "arrays.h5", all_, "arrays for tools/plot");
  }

 private:
  template <class Thing>
  void save(std::string const& name, Thing& thing) {
    all_.save(name, thing);
  }

  MemoryArchive all_;
};

}  // namespace basin::run

#endif
