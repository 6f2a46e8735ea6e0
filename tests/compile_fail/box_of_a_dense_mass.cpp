// SPDX-License-Identifier: Apache-2.0
// Expect: in a mirrored coordinate the proposals of this sampler would be others
#include <basin/sampler/boxed.hpp>
#include <basin/sampler/dense_hamiltonian.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Inner = basin::sampler::DenseHamiltonian<double>;
#else
using Inner = basin::sampler::Hamiltonian;
#endif
basin::sampler::Boxed<Inner> sampler;
