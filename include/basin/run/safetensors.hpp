// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_SAFETENSORS_HPP
#define BASIN_RUN_SAFETENSORS_HPP

#include <basin/energy/reparameterize.hpp>
#include <basin/energy/tensors.hpp>
#include <basin/io/safetensors.hpp>
#include <basin/run/describe.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>

namespace basin::run {

namespace detail {

// Power iterations until what the layers make of theta is the same; then whether that is theta.
template <class Trainer, class Numbers>
void settle_layers(char const* who, Numbers const& theta, Numbers const& state) {
  using E                       = typename Trainer::model_type;
  using Scalar                  = typename E::scalar_type;
  using Exec                    = typename Numbers::execution_space;
  constexpr tile::Tuning tuning = tile::default_tuning<Exec, Scalar, E::workspace_rows>();
  Numbers const effective("basin::run::effective", +E::parameters);
  auto const made = Kokkos::create_mirror(effective), before = Kokkos::create_mirror(effective);
  auto const from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), theta);
  for (int k = 0; k < 100; ++k) {
    Exec const exec;
    energy::reparameterize<E, tuning>(exec, 10, theta.data(), state.data(), effective.data());
    exec.fence("basin::run::settle_layers");
    Kokkos::deep_copy(before, made);
    Kokkos::deep_copy(made, effective);
    double moved = 0, largest = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
      moved   = std::fmax(moved, std::abs(double(made(i)) - double(before(i))));
      largest = std::fmax(largest, std::abs(double(made(i))));
    }
    if (k > 0 && !(moved > 4 * double(std::numeric_limits<Scalar>::epsilon()) * largest)) break;
  }
  for (energy::NamedTensor const& t : energy::tensors<E>()) {
    double stored = 0, read = 0;
    t.each([&](int i) {
      std::size_t const at = static_cast<std::size_t>(i);
      if (std::abs(double(from(at))) > std::abs(stored)) stored = from(at), read = made(at);
    });
    if (!(std::abs(read - stored) <= 0.1 * std::abs(stored)))
      refuse(who, "of the largest number of '", t.name, "', ", stored, ", its layer makes ", read,
             "; store weights that are divided by their largest singular value already, as "
             "layer::SpectralNorm divides them");
  }
}

}  // namespace detail

/// Writes the parameters that trainer.energy() has, the averaged ones where there is an average, as
/// the state_dict of a torch.nn.Sequential of the same layers, see energy::tensors. For Python:
///
///   model.load_state_dict(safetensors.torch.load_file(path))
///
/// The metadata have the version of basin, the type of the energy and the step. Not in it: what the
/// objective learned besides.
///
/// \throws std::invalid_argument naming a layer that PyTorch cannot have in this order
/// \throws std::runtime_error if the file cannot be written; what was there stays
template <class Trainer>
void save_safetensors(std::filesystem::path const& path, Trainer& trainer) {
  using E           = typename Trainer::model_type;
  using Read        = Kokkos::View<typename E::scalar_type const*, typename Trainer::memory,
                                   Kokkos::MemoryUnmanaged>;
  auto const energy = trainer.energy();
  Kokkos::fence("basin::run::save_safetensors");
  io::write_safetensors(path, energy::to_tensors<E>(Read(energy.theta(), +E::parameters)),
                        {{"format", "pt"},
                         {"basin", version_text()},
                         {"energy", type_text<E>()},
                         {"step", std::to_string(trainer.steps_taken())}});
}

/// Reads parameters that save_safetensors or PyTorch wrote into a trainer: the current ones, and the
/// average where there is one. The optimizer's arrays, the objective's and the step stay.
///
/// Layers that reparameterize their weights (layer::SpectralNorm) iterate until they have settled.
/// They must then leave the weights as they are, but for a tenth, by which an iteration may have lagged
/// when they were saved.
///
/// \throws std::runtime_error if the file is not one, see io::read_safetensors
/// \throws std::invalid_argument naming a tensor that is missing, left over, or has another type or
///         shape, or that SpectralNorm would divide. The trainer is then unchanged
template <class Trainer>
void load_safetensors(std::filesystem::path const& path, Trainer& trainer) {
  using E                 = typename Trainer::model_type;
  std::string const who   = "basin::run::load_safetensors: '" + path.string() + "'";
  io::Safetensors const f = io::read_safetensors(path);
  typename Trainer::Numbers const theta("basin::run::theta", +E::parameters);
  energy::from_tensors<E>(f.tensors, theta, who.c_str());
  if constexpr (energy::Reparameterized<E>) {
    typename Trainer::Numbers const state("basin::run::layer_state", +E::state);
    Kokkos::deep_copy(state, trainer.layer_state());
    detail::settle_layers<Trainer>(who.c_str(), theta, state);
    Kokkos::deep_copy(trainer.layer_state(), state);
  }
  Kokkos::deep_copy(trainer.parameters(), theta);
  if (trainer.averaged_parameters().size() > 0)
    Kokkos::deep_copy(trainer.averaged_parameters(), theta);
}

}  // namespace basin::run

#endif
