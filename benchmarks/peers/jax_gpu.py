# SPDX-License-Identifier: Apache-2.0
"""JAX on a GPU: each job is one jitted program, chains and noise included. The programs are those of jax_cpu.py."""

import gc

import jax

from jax_cpu import build, fused_normal, fused_words, library_noise
from jobs import main


def variant(builder, precision):
    def built(job, given, device):
        jax.config.update("jax_platforms", device)
        jax.config.update("jax_default_matmul_precision", precision)  # of convolutions too; XLA's own choice is tf32
        return builder(job, given, 1)

    return built


def free():
    gc.collect()
    jax.clear_caches()


BUILDERS = {
    "jit": build(*library_noise("threefry2x32"), 1, hand=False),
    "jit-rbg": build(*library_noise("rbg"), 1, hand=False),
    "jit-fused-noise": build(fused_normal, fused_words, 1),
}

if __name__ == "__main__":
    variants = {name: variant(builder, "float32") for name, builder in BUILDERS.items()}
    variants |= {f"{name}-tf32": variant(builder, "tensorfloat32") for name, builder in BUILDERS.items()}
    main(variants, where=str, free=free)
