# SPDX-License-Identifier: Apache-2.0
"""JAX on a CPU: each job is one jitted program, chains and noise included, on one device or on a device per thread."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jobs import BETA2, DEVIATION, HIGH, LIMIT, LOW, PENALTY, STEP, groups, main

word = jnp.uint32


# Kernels are (3, 3, in, out), weights of Dense (in, out).


def convolve(x, w, stride=1, padding="SAME", spread=1):
    sizes = {"window_strides": (stride, stride), "padding": padding, "lhs_dilation": (spread, spread)}
    return lax.conv_general_dilated(x, w, **sizes, dimension_numbers=("NHWC", "HWIO", "NHWC"))


conv_by_hand = jax.custom_vjp(lambda x, w, stride: convolve(x, w, stride), nondiff_argnums=(2,))


def conv_back(stride, saved, g):
    """Without the barrier, as in JAX's own, XLA folds the kernel's swap into the convolution and runs that as a slow loop."""
    x, w = saved
    size, span = x.shape[1], stride * (g.shape[1] - 1)  # from the first output to the last
    front = 2 - (span + 3 - size) // 2
    border = (front, size + 1 - span - front)
    swapped = lax.optimization_barrier(w[::-1, ::-1].swapaxes(2, 3))
    dx = convolve(g, swapped, padding=(border, border), spread=stride)
    return dx, *jax.linear_transpose(lambda w: convolve(x, w, stride), w)(g)


conv_by_hand.defvjp(lambda x, w, stride: (convolve(x, w, stride), (x, w)), conv_back)


def conv(x, w, stride):
    """On a GPU with JAX's own gradient: it has the form that XLA hands to cuDNN."""
    return (conv_by_hand if jax.default_backend() == "cpu" else convolve)(x, w, stride)


def norm(x, scale, shift):
    """Sums over positions before sums over channels, and one factor and summand for each: XLA vectorizes and fuses it."""
    n, _, _, c = x.shape

    def mean(a):
        each = a.mean((1, 2)).reshape(n, groups(c), -1).mean(2)
        return jnp.repeat(each, c // groups(c), 1).reshape(n, 1, 1, c)

    m = mean(x)
    factor = lax.rsqrt(mean(x * x) - m * m + 1e-6) * scale
    return x * factor + (shift - m * factor)


def outputs(network, p, x):
    """E, or the logits of a classifier."""
    p = iter(p)
    x = x.reshape(-1, *network.shape)
    for _, stride in network.convs:
        y = conv(x, next(p), stride) + next(p)
        y = jax.nn.silu(norm(y, next(p), next(p)))
        x = x + y if stride == 1 else y
    if network.convs:
        x = x.mean((1, 2))
    for _ in network.dense:
        x = jax.nn.silu(x @ next(p) + next(p))
    return x @ next(p) + next(p)


def energy(network, p, x):
    f = outputs(network, p, x)
    return -jax.nn.logsumexp(f, 1) if network.classes else f


def library_noise(implementation):
    """normal(step, device, shape), and words(step, device, count) of random bits."""
    words = {"threefry2x32": 2, "rbg": 4}[implementation]

    def key(step, device):  # every step its own: cheaper than to split or fold keys
        return jax.random.wrap_key_data(jnp.zeros(words, word).at[0].set(step).at[1].set(device), impl=implementation)

    normal = lambda step, device, shape: jax.random.normal(key(step, device), shape)
    return normal, lambda step, device, count: jax.random.bits(key(step, device), (count,))


def threefry(step, device, counter):
    """Threefry2x32-20, all elementwise: XLA fuses it into what takes it and vectorizes it."""
    keys = (step, device, step ^ device ^ word(0x1BD11BDA))
    a = counter + keys[0]
    b = jnp.broadcast_to(keys[1], counter.shape)
    for i in range(20):
        turn = ((13, 15, 26, 6), (17, 29, 16, 24))[i // 4 % 2][i % 4]
        a = a + b
        b = ((b << turn) | (b >> (32 - turn))) ^ a
        if i % 4 == 3:
            a, b = a + keys[(i // 4 + 1) % 3], b + keys[(i // 4 + 2) % 3] + word(i // 4 + 1)
    return a, b


def fused_normal(step, device, shape):
    """Box-Muller, elementwise too."""
    counter = lax.broadcasted_iota(word, shape, 0) * word(shape[1]) + lax.broadcasted_iota(word, shape, 1)
    a, b = threefry(step, device, counter)
    unit = lambda c: (c >> 8).astype(jnp.int32).astype(jnp.float32) * 2**-24
    y = (jnp.abs(unit(b) - 0.5) - 0.25) * 6.283185307179586  # sin y = cos of the angle, |y| <= pi / 2: XLA's cos is slow
    s, cosine = y * y, 0.0
    for coefficient in (-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1.0):
        cosine = cosine * s + coefficient
    return jnp.sqrt(-2 * jnp.log(1 - unit(a))) * cosine * y


def fused_words(step, device, count):
    return jnp.concatenate(threefry(step, device, lax.iota(word, (count + 1) // 2)))[:count]


def signs(words, step, device, shape):
    """Of every bit one. The barrier: XLA would make a word again for each bit."""
    count = shape[0] * shape[1]
    each = lax.optimization_barrier(words(step, device, -(-count // 32)))
    bits = (each >> lax.broadcasted_iota(word, (32, 1), 0)) & word(1)
    return (2.0 * bits.astype(jnp.float32) - 1.0).reshape(-1)[:count].reshape(shape)


def sliced(job, p, x, v):
    """Sliced score matching: forward within, reverse without."""

    def slope(x):
        s = jax.jvp(lambda x: energy(job.network, p, x), (x,), (v,))[1]
        return s.sum(), s

    hv, s = jax.grad(slope, has_aux=True)(x)
    return (s * s / 2 - (hv * v).sum(1)).sum() / job.batch


def denoised(job, p, x, z):
    g = jax.grad(lambda x: energy(job.network, p, x).sum())(x + DEVIATION * z)
    return jnp.square(g - z / DEVIATION).sum() / (2 * job.batch)


def sliced_slope(job, p, x, v):
    """The gradient of sliced() by hand: forward and back with x + e v to the order e^2."""
    w1, b1, w2, b2, w3, b3 = p
    share = 1 / job.batch

    def silu_series(z):
        s = jax.nn.sigmoid(z)
        d, m = s * (1 - s), 1 - 2 * s
        return z * s, s + z * d, d * (2 + z * m), d * (3 * m + z * (1 - 6 * d))

    f0, f1, f2, f3 = silu_series(x @ w1 + b1)
    y1 = v @ w1
    h = jnp.concatenate((f0, f1 * y1, f2 * y1 * y1))
    z2, y2, c2 = jnp.split(h @ w2, 3)
    _, g1, g2, g3 = silu_series(z2 + b2)
    t1, t2 = g1 * y2, g2 * y2 * y2 + g1 * c2
    a = share * (t1 @ w3)[:, None]
    q0 = (a * g2 * y2 - share * (g3 * y2 * y2 + g2 * c2)) * w3
    q1 = (a * g1 - 2 * share * g2 * y2) * w3
    q = jnp.concatenate((q0, q1, -share * g1 * w3))
    k0, k1, k2 = jnp.split(q @ w2.T, 3)
    r0, r1 = f1 * k0 + f2 * y1 * k1 + f3 * y1 * y1 * k2, f1 * k1 + 2 * f2 * y1 * k2
    dw1 = jnp.concatenate((x, v)).T @ jnp.concatenate((r0, r1))
    return [dw1, r0.sum(0), h.T @ q, q0.sum(0), (a * t1 - share * t2).sum(0), jnp.zeros_like(b3)]


def walk(job, normal, p, x, step, device):
    def move(x, k):
        g = jax.grad(lambda x: energy(job.network, p, x).sum())(x)
        x = x - STEP * jnp.clip(g, -LIMIT, LIMIT)
        return jnp.clip(x + job.sigma * normal(step + k, device, x.shape) if job.noise else x, LOW, HIGH), None

    if job.steps == 1:
        return move(x, word(0))[0]
    return lax.scan(move, x, jnp.arange(job.steps, dtype=word))[0]


def build(normal, words, devices=None, convs=True, hand=True):
    def builder(job, given, threads):
        if job.network.convs and not convs:
            return None
        count = devices or threads
        assert len(jax.devices()) == count, jax.devices()
        p, chains, buffer, data = given
        p = [a.transpose(1, 2, 3, 0) if a.ndim == 4 else a.T for a in p]
        batch, rows, fresh = job.batch // count, job.rows // count, job.fresh(job.batch // count)
        mesh = Mesh(jax.devices(), ("chains",))
        split, same = PartitionSpec("chains"), PartitionSpec()
        put = lambda a, spec: jax.device_put(a, NamedSharding(mesh, spec))
        p, v = ([put(a, same) for a in arrays] for arrays in (p, [np.zeros_like(a) for a in p]))
        chains, buffer, data = (put(a, split) for a in (chains, buffer, data))
        shard = lambda f, inside, outside, donate=(): jax.jit(
            jax.shard_map(f, mesh=mesh, in_specs=inside, out_specs=outside, check_vma=False), donate_argnums=donate
        )
        clock, device = put(np.uint32(0), same), lambda: lax.axis_index("chains").astype(word)

        def langevin(p, x, step):
            return walk(job, normal, p, x, step, device()), step + word(job.steps)

        def score(p, x, step):
            if job.score == "ssm":
                v = signs(words, step, device(), x.shape)
                gradient = sliced_slope(job, p, x, v) if hand else jax.grad(lambda p: sliced(job, p, x, v))(p)
            else:
                v = normal(step, device(), x.shape)
                gradient = jax.grad(lambda p: denoised(job, p, x, v))(p)
            return lax.psum(gradient, "chains"), step + word(1), () if job.noise else v

        def train(p, v, buffer, step, updates, data, labels):
            first, second = jax.random.split(jax.random.wrap_key_data(jnp.stack((step, device() + word(count)))))
            slots, picked = jax.random.randint(first, (2, batch), 0, rows)
            if fresh:
                started = jax.random.uniform(second, (fresh, job.dim), minval=LOW, maxval=HIGH)
                x = jnp.concatenate((started, buffer[slots[fresh:]]))
            else:
                x = buffer[slots]
            x = walk(job, normal, p, x, step, device())
            positive = data[picked]
            if job.noise:
                noise = normal(step + word(job.steps), device(), positive.shape)
                positive = jnp.clip(positive + job.data_noise * noise, LOW, HIGH)

            def loss(p):
                f = outputs(job.network, p, jnp.concatenate((positive, x)))
                up, down = jnp.split(-jax.nn.logsumexp(f, 1) if job.network.classes else f, 2)
                total = up.sum() - down.sum() + PENALTY * ((up * up).sum() + (down * down).sum())
                if job.network.classes:  # the cross-entropy of the positive, whose logits are there
                    total -= up.sum() + jnp.take_along_axis(f[:batch], labels[picked][:, None], 1).sum()
                return total / job.batch

            gradient = lax.psum(jax.grad(loss)(p), "chains")
            updates = updates + 1
            v = [BETA2 * a + (1 - BETA2) * g * g for a, g in zip(v, gradient)]
            correction = 1 - BETA2**updates
            p = [a - job.rate * g / (jnp.sqrt(b / correction) + job.epsilon) for a, b, g in zip(p, v, gradient)]
            return p, v, buffer.at[slots].set(x), step + word(job.steps + 1), updates

        out = {}
        if job.score:
            program = shard(score, (same, split, same), (same, same, split))

            def call():
                nonlocal clock
                out["gradient"], clock, out["v"] = program(p, chains, clock)
                jax.block_until_ready(out["gradient"])

            return call, lambda: ([np.asarray(a).T for a in out["gradient"]], np.asarray(out["v"]))

        if job.kind == "langevin":
            program = shard(langevin, (same, split, same), (split, same))

            def call():
                nonlocal clock
                out["x"], clock = program(p, chains, clock)
                out["x"].block_until_ready()

            return call, lambda: np.asarray(out["x"])

        kinds = (same, same, split, same, same)
        program = shard(train, (*kinds, split, split), kinds, donate=(0, 1, 2, 3, 4))
        labels = put(job.labels.astype(np.int32), split)
        state = (p, v, buffer, clock, put(np.float32(0), same))

        def call():
            nonlocal state
            state = program(*state, data, labels)
            jax.block_until_ready(state)

        back = lambda a: a.transpose(3, 0, 1, 2) if a.ndim == 4 else a.T
        return call, lambda: ([back(np.asarray(a)) for a in state[0]], np.asarray(state[2]))

    return builder


if __name__ == "__main__":
    main(
        {
            "jit": build(*library_noise("threefry2x32"), 1, hand=False),
            "jit-rbg": build(*library_noise("rbg"), 1, convs=False, hand=False),  # beside convolutions, noise is little
            "jit-device-per-thread": build(*library_noise("threefry2x32")),
            "jit-device-per-thread-fused-noise": build(fused_normal, fused_words),
        }
    )
