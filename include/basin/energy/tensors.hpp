// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TENSORS_HPP
#define BASIN_ENERGY_TENSORS_HPP

#include <basin/core/archive.hpp>
#include <basin/core/check.hpp>
#include <basin/energy/detail/modules.hpp>

#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace basin::energy {

/// The parameters of an energy as the tensors of PyTorch's modules: the state_dict of a
/// torch.nn.Sequential that has a module for each layer, elementwise ones too, in the same order.
///
/// | layer                                   | module                          | tensors            |
/// |-----------------------------------------|---------------------------------|--------------------|
/// | Dense                                   | Linear                          | i.weight, i.bias   |
/// | Conv2d                                  | Conv2d                          | i.weight, i.bias   |
/// | GroupNorm, LayerNorm                    | GroupNorm                       | i.weight, i.bias   |
/// | RmsNorm                                 | RMSNorm                         | i.weight           |
/// | SpectralNorm of a layer                 | that of the layer               | the divided weight |
/// | Gain                                    | Gain                            | i.gain             |
/// | Residual                                | Residual                        | i.body.k..., i.projection... |
/// | Sum                                     | Sum                             | i.k..., branches k |
///
/// Layers of a Sequence count as if they were written out. Images are (channels, height, width) in
/// PyTorch; a layer behind Flatten has its weights in that order. benchmarks/peers/torch_modules.py
/// has the modules that torch.nn has not. A layer of one's own says with 'static
/// std::vector<layer::Tensor> tensors(layer::Features const& read)' how its parameters are stored;
/// else they are those of parameter_blocks().
///
/// \tparam E  a TrainableEnergy
/// \throws std::invalid_argument naming a layer that PyTorch cannot have in this order
template <class E>
std::vector<NamedTensor> tensors() {
  std::vector<NamedTensor> all;
  if constexpr (requires { E::tensors(); }) {
    all = E::tensors();
  } else {
    for (auto const& b : E::parameter_blocks())
      all.push_back({b.name,
                     b.columns == 1 ? std::vector{b.rows} : std::vector{b.rows, b.columns},
                     {{b.rows * b.columns, 1}},
                     b.offset});
  }
  return all;
}

namespace detail {

inline std::vector<std::size_t> shape_of(NamedTensor const& t) {
  return {t.shape.begin(), t.shape.end()};
}

}  // namespace detail

/// Parameters by the names and in the order of tensors<E>(): for io::write_safetensors.
///
/// \param theta  (parameters) on host or device; where a layer is reparameterized (SpectralNorm),
///               those that the energy reads, as E(theta) does
/// \throws std::invalid_argument if there are fewer or more
template <class E, class Theta>
MemoryArchive::Entries to_tensors(Theta const& theta) {
  using Scalar = typename E::scalar_type;
  if (!is_extent(theta.extent(0), E::parameters))
    refuse("basin::energy::to_tensors", "theta has ", theta.extent(0), " numbers, the energy has ",
           +E::parameters);
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), theta);
  MemoryArchive::Entries entries;
  for (NamedTensor const& t : tensors<E>()) {
    auto& entry = entries[t.name] = {basin::detail::type_name<Scalar>(), detail::shape_of(t), {}};
    t.each([&](int i) {
      Scalar const value = host(i);
      auto const* bytes  = reinterpret_cast<unsigned char const*>(&value);
      entry.bytes.insert(entry.bytes.end(), bytes, bytes + sizeof value);
    });
  }
  return entries;
}

/// Writes what to_tensors gives, for example from io::read_safetensors, into parameters.
///
/// \param theta  (parameters) on host or device
/// \param who    function that is named in messages
/// \throws std::invalid_argument naming a tensor that is missing, left over, or has another type or
///         shape; theta is then unchanged
template <class E, class Theta>
void from_tensors(MemoryArchive::Entries const& entries, Theta const& theta,
                  char const* who = "basin::energy::from_tensors") {
  using Scalar = typename E::scalar_type;
  if (!is_extent(theta.extent(0), E::parameters))
    refuse(who, "theta has ", theta.extent(0), " numbers, the energy has ", +E::parameters);
  std::vector<NamedTensor> const all = tensors<E>();
  std::set<std::string> names;
  for (NamedTensor const& t : all) {
    names.insert(t.name);
    auto const found = entries.find(t.name);
    if (found == entries.end())
      refuse(who, "there is no '", t.name, "' among ", entries.size(), " tensors, the energy has ",
             all.size());
    auto const& [type, shape, bytes] = found->second;
    if (type != basin::detail::type_name<Scalar>())
      refuse(who, "'", t.name, "' is of type ", type, ", the energy of ",
             basin::detail::type_name<Scalar>());
    if (shape != detail::shape_of(t))
      refuse(who, "'", t.name, "' has shape ", basin::detail::shape_text(shape),
             ", the energy takes ", basin::detail::shape_text(detail::shape_of(t)));
    std::size_t numbers = 1;
    for (std::size_t const extent : shape) numbers *= extent;
    if (bytes.size() != numbers * sizeof(Scalar))
      refuse(who, "'", t.name, "' has ", bytes.size(), " bytes, its shape takes ",
             numbers * sizeof(Scalar));
  }
  for (auto const& [name, entry] : entries)
    if (!names.contains(name))
      refuse(who, "there is a '", name, "' among ", entries.size(), " tensors, the energy has ",
             all.size(), " without it");
  auto const host = Kokkos::create_mirror_view(theta);
  for (NamedTensor const& t : all) {
    unsigned char const* from = entries.find(t.name)->second.bytes.data();
    t.each([&](int i) {
      Scalar value;
      std::memcpy(&value, from, sizeof value);
      from += sizeof value;
      host(i) = value;
    });
  }
  Kokkos::deep_copy(theta, host);
}

}  // namespace basin::energy

#endif
