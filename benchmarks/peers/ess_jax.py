# SPDX-License-Identifier: Apache-2.0
"""BlackJAX and NumPyro on the targets of benchmarks/sampler/ess_per_second.cpp, on a CPU.

    ess_jax.py measure TARGET SAMPLER M DRAWS SEED    one line of JSON: what the draws say, and what they took
    ess_jax.py reference                              long runs; writes ess_reference.json and the header of it
    ess_jax.py check                                  the estimators here against ArviZ's

A sampler adapts as its library does, then M chains sample, half of them on each of two CPU devices; every draw is kept. The
second run is timed.
"""

import json
import os
import sys
import time
from pathlib import Path

THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={THREADS}"

import blackjax
import jax
import jax.numpy as jnp
import numpy
import numpyro.infer
import optax
import scipy.fft
import scipy.stats
from blackjax.adaptation.base import get_filter_adapt_info_fn
from blackjax.mcmc import adjusted_mclmc_dynamic

FOLDER = Path(__file__).parent
REFERENCE = FOLDER / "ess_reference.json"
HEADER = FOLDER.parent / "support" / "ess_reference.hpp"


def hashed(seed, count):
    """Uniform numbers of variance 1 and mean 0, as benchmarks/support/ess_targets.hpp makes them: SplitMix64."""
    with numpy.errstate(over="ignore"):
        z = (numpy.uint64(seed) << numpy.uint64(32)) + numpy.arange(count, dtype=numpy.uint64)
        z = (z + numpy.uint64(1)) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(31)
    return ((z >> numpy.uint64(40)).astype(float) / 2**24 - 0.5) * numpy.sqrt(12)


# Targets: E of one state, a start, the listed functions of draws (draws, chains, D), and their exact means. Where these are of
# a long run, errors of it are beside them.


class Gaussian:
    """Covariance 0.9^|i - j|."""

    dimension, spread = 100, 1.0

    def __init__(self):
        index = numpy.arange(self.dimension)
        self.precision = jnp.asarray(numpy.linalg.inv(0.9 ** abs(index[:, None] - index)), dtype=jnp.float32)

    def energy(self, x):
        return 0.5 * jnp.dot(x, self.precision @ x)

    def functions(self, x):
        return [lambda d=d: x[..., d] for d in range(self.dimension)] + [lambda d=d: x[..., d] ** 2 for d in range(self.dimension)]

    def exact(self):
        return numpy.repeat([0.0, 1.0], self.dimension), numpy.zeros(2 * self.dimension)


class Funnel:
    """Neal's, D = 10: x_0, x_i exp(-x_0 / 2), ln |x_i|."""

    dimension, spread = 10, 1.0

    def energy(self, x):
        return x[0] ** 2 / 18 + 4.5 * x[0] + 0.5 * jnp.exp(-x[0]) * jnp.sum(x[1:] ** 2)

    def functions(self, x):
        others = range(1, self.dimension)
        return (
            [lambda: x[..., 0]]
            + [lambda d=d: x[..., d] * numpy.exp(-x[..., 0] / 2) for d in others]
            + [lambda d=d: numpy.log(numpy.abs(x[..., d]) + 1e-30) for d in others]
        )

    def exact(self):
        log = -(numpy.euler_gamma + numpy.log(2)) / 2
        return numpy.array([0.0] + [0.0] * 9 + [log] * 9), numpy.zeros(19)


class Phi4:
    """32 x 32 sites, m^2 = -4, lambda = 8. All sites are alike: every 16th is listed."""

    side, dimension, spread = 32, 1024, 0.4
    sites = range(0, 1024, 16)

    def energy(self, x):
        x = x.reshape(self.side, self.side)
        bonds = (jnp.roll(x, -1, 0) - x) ** 2 + (jnp.roll(x, -1, 1) - x) ** 2
        return jnp.sum(bonds - 4 * x**2 + 8 * x**4)

    def functions(self, x):
        return [lambda d=d: x[..., d] for d in self.sites] + [lambda d=d: x[..., d] ** 2 for d in self.sites]

    def exact(self):
        mean, error = reference()["phi4"]["square"]
        of = numpy.repeat([[0.0, 0.0], [mean, error]], len(self.sites), axis=0)
        return of[:, 0], of[:, 1]


class Moments:
    """Mean and variance of every coordinate, known from a long run: (x_d - m_d)^2 with its m_d."""

    name = ""

    def functions(self, x):
        center = numpy.array(reference()[self.name]["mean"])[:, 0] if self.name in reference() else numpy.zeros(self.dimension)
        return [lambda d=d: x[..., d] for d in range(self.dimension)] + [
            lambda d=d: (x[..., d] - center[d]) ** 2 for d in range(self.dimension)
        ]

    def exact(self):
        known = reference()[self.name]
        of = numpy.array(known["mean"] + known["variance"])
        return of[:, 0], of[:, 1]


class Logistic(Moments):
    """1,000 rows of 25 columns, the first of ones; neighbors correlated by 0.5; prior N(0, 1)."""

    name, dimension, spread = "logistic", 25, 1.0

    def __init__(self):
        rows = hashed(1, 1000 * 25).reshape(1000, 25)
        for d in range(2, 25):
            rows[:, d] = 0.5 * rows[:, d - 1] + numpy.sqrt(0.75) * rows[:, d]
        rows[:, 0] = 1
        truth = 0.7 * hashed(2, 25)
        uniform = hashed(3, 1000) / numpy.sqrt(12) + 0.5
        self.rows = jnp.asarray(rows, dtype=jnp.float32)
        self.labels = jnp.asarray(uniform < 1 / (1 + numpy.exp(-rows @ truth)), dtype=jnp.float32)

    def energy(self, x):
        logit = self.rows @ x
        return jnp.sum(jax.nn.softplus(logit) - self.labels * logit) + 0.5 * jnp.dot(x, x)


class Mlp(Moments):
    """10-128-128-1 with SiLU, weights fixed, and |x|^2 / 2."""

    name, dimension, spread = "mlp", 10, 1.0

    def __init__(self):
        widths, self.layers, at = [10, 128, 128, 1], [], 0
        for i, (m, n) in enumerate(zip(widths, widths[1:], strict=False)):
            gain = [1.5, 1.5, 4.0][i]
            weights = gain / numpy.sqrt(m) * hashed(10 + i, n * m).reshape(n, m)
            self.layers.append((jnp.asarray(weights, dtype=jnp.float32), jnp.asarray(0.5 * hashed(20 + i, n), dtype=jnp.float32)))

    def energy(self, x):
        y = x
        for i, (w, b) in enumerate(self.layers):
            y = w @ y + b
            y = jax.nn.silu(y) if i < 2 else y
        return y[0] + 0.5 * jnp.dot(x, x)


TARGETS = {"gaussian": Gaussian, "funnel": Funnel, "phi4": Phi4, "logistic": Logistic, "mlp": Mlp}


def reference():
    return json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}


# Estimators: R-hat and effective sample size of Vehtari et al. 2021, of ArviZ's digits; (draws, chains) each.


def split(x):
    n = len(x) // 2
    return numpy.concatenate([x[:n], x[-n:]], axis=1)


def effective_size(x):
    x = split(numpy.asarray(x, dtype=float))
    n, m = x.shape
    mean = x.mean(0)
    padded = scipy.fft.next_fast_len(2 * n)
    spectrum = scipy.fft.rfft((x - mean).T, padded, axis=1)
    covariance = scipy.fft.irfft(numpy.abs(spectrum) ** 2, padded, axis=1)[:, :n].mean(0) / n
    within = covariance[0] * n / (n - 1)
    total = within * (n - 1) / n + (mean.var(ddof=1) if m > 1 else 0)
    rho = 1 - (within - covariance) / total
    rho[0] = 1
    kept, t, even, odd = [], 1, 1.0, rho[1]
    while t + 3 < n and even + odd > 0:
        kept.append(even + odd)
        even, odd = rho[t + 1], rho[t + 2]
        t += 2
    last = even if even > 0 or even + odd >= 0 else 0
    tau = -1 + 2 * numpy.minimum.accumulate(kept).sum() + last if kept else -1 + last
    return n * m / max(tau, 1 / numpy.log10(n * m))


def reduction(x):
    n = len(x)
    return numpy.sqrt((n * x.mean(0).var(ddof=1) / x.var(0, ddof=1).mean() + n - 1) / n)


def scores(x):
    return scipy.stats.norm.ppf((scipy.stats.rankdata(x).reshape(x.shape) - 0.375) / (x.size + 0.25))


def r_hat(x):
    x = split(x)
    return max(reduction(scores(x)), reduction(scores(abs(x - numpy.median(x)))))


def judge(target, draws, short=False):
    """Least size of the listed functions, largest R-hat, and largest deviation from the exact mean in its errors."""
    exact, error = target.exact()
    size, worst, deviation = numpy.inf, 0.0, 0.0
    if not numpy.isfinite(draws).all():
        return {"ess": 0.0, "r_hat": float("inf"), "z": float("inf")}
    functions = list(zip(target.functions(draws), exact, error, strict=True))
    # A scan takes every so many of them.
    for f, mean, known in functions[:: max(1, len(functions) // 31) if short else 1]:
        x = f().astype(float)
        of = effective_size(x)
        size, worst = min(size, of), max(worst, r_hat(x))
        deviation = max(deviation, abs(x.mean() - mean) / numpy.sqrt(x.var(ddof=1) / of + known**2))
    return {"ess": float(size), "r_hat": float(worst), "z": float(deviation)}


# Samplers. Each gives adapt(key, x) -> (states, parameters), compiled, and step(key, state, parameters) -> state of one chain,
# and which of the parameters each chain has for itself.


class Sampler:
    own = False  # parameters of each chain

    def __init__(self, target, chains, warmup, options):
        self.target, self.chains, self.warmup, self.options = target, chains, warmup, options
        self.density = lambda x: -target.energy(x)

    def position(self, state):
        return state.position


class Nuts(Sampler):
    own = True

    def adapt(self, key, x):
        tune = blackjax.window_adaptation(
            blackjax.nuts,
            self.density,
            target_acceptance_rate=self.options.get("acceptance", 0.8),
            adaptation_info_fn=get_filter_adapt_info_fn(),
        )

        def one(key, x):
            (state, found), _ = tune.run(key, x, self.warmup)
            return state, {k: found[k] for k in ("step_size", "inverse_mass_matrix")}

        return jax.vmap(one)(jax.random.split(key, self.chains), x)

    def step(self, key, state, parameters):
        return blackjax.nuts.build_kernel()(key, state, self.density, **parameters)[0]


class Chees(Sampler):
    mass = None

    def adapt(self, key, x):
        tune = blackjax.chees_adaptation(
            self.density,
            self.chains,
            target_acceptance_rate=self.options.get("acceptance", 0.651),
            mass_matrix_estimation=self.mass,
            adaptation_info_fn=get_filter_adapt_info_fn(),
        )
        size = self.options.get("step_size", 0.1)
        (states, found), _ = tune.run(key, x, size, optax.adam(0.025), self.warmup)
        self.steps = {k: found[k] for k in ("next_random_arg_fn", "integration_steps_fn")}
        return states, {k: v for k, v in found.items() if k not in self.steps}

    def step(self, key, state, parameters):
        kernel = blackjax.dynamic_hmc.build_kernel(**self.steps)
        return kernel(key, state, self.density, **parameters)[0]


class CheesDiagonal(Chees):
    mass = "diagonal"


class Meads(Sampler):
    def adapt(self, key, x):
        tune = blackjax.meads_adaptation(self.density, self.chains, adaptation_info_fn=get_filter_adapt_info_fn())
        (states, found), _ = tune.run(key, x, self.warmup * 10)
        return states, found

    def step(self, key, state, parameters):
        for _ in range(self.options.get("moves", 1)):
            key, now = jax.random.split(key)
            state = blackjax.ghmc.build_kernel()(now, state, self.density, **parameters)[0]
        return state


class Mams(Sampler):
    """Its finder runs one chain, as published; all chains sample with what it returns."""

    steps = staticmethod(adjusted_mclmc_dynamic.make_random_trajectory_length_fn(True))

    def kernel(self):
        return adjusted_mclmc_dynamic.build_kernel(integration_steps_fn=self.steps)

    def adapt(self, key, x):
        first, second, third = jax.random.split(key, 3)

        def kernel(rng_key, state, logdensity_fn, step_size, inverse_mass_matrix, integration_steps_params):
            return self.kernel()(
                rng_key,
                state,
                logdensity_fn,
                step_size,
                inverse_mass_matrix=inverse_mass_matrix,
                integration_steps_params=integration_steps_params,
            )

        state = adjusted_mclmc_dynamic.init(x[0], self.density, first)
        steps = self.options.get("moves", 2.0)
        state, found, _ = blackjax.adjusted_mclmc_find_L_and_step_size(
            kernel,
            self.density,
            self.warmup * 10,
            state,
            second,
            self.options.get("acceptance", 0.9),
            frac_tune1=0.5,
            frac_tune2=0.5,
            target_num_integration_steps=steps,
        )
        parameters = {
            "step_size": found.step_size,
            "inverse_mass_matrix": found.inverse_mass_matrix,
            "integration_steps_params": (found.L / found.step_size,),
        }
        keys = jax.random.split(third, self.chains)
        states = jax.vmap(lambda x, k: adjusted_mclmc_dynamic.init(x, self.density, k))(x, keys)
        states = jax.lax.scan(
            lambda states, k: (jax.vmap(lambda k, s: self.step(k, s, parameters))(jax.random.split(k, self.chains), states), None),
            states,
            jax.random.split(key, 200),
        )[0]
        return states, parameters

    def step(self, key, state, parameters):
        return self.kernel()(key, state, self.density, **parameters)[0]


class NumPyro(Sampler):
    own = True

    def kernel(self):
        raise NotImplementedError

    def adapt(self, key, x):
        kernel = self.kernel()
        mcmc = numpyro.infer.MCMC(
            kernel, num_warmup=self.warmup, num_samples=1, num_chains=self.chains, chain_method="vectorized", progress_bar=False
        )
        mcmc.warmup(key, init_params=x)
        self.made = kernel
        return mcmc.post_warmup_state, ()

    def position(self, state):
        return state.z


class NumPyroHmc(NumPyro):
    def kernel(self):
        return numpyro.infer.HMC(
            potential_fn=self.target.energy,
            trajectory_length=self.options.get("trajectory", 2 * numpy.pi),
            target_accept_prob=self.options.get("acceptance", 0.8),
        )


class NumPyroMala(NumPyro):
    def kernel(self):
        return numpyro.infer.HMC(
            potential_fn=self.target.energy, num_steps=1, trajectory_length=None, target_accept_prob=0.574
        )


class NumPyroNuts(NumPyro):
    def kernel(self):
        return numpyro.infer.NUTS(
            potential_fn=self.target.energy, max_tree_depth=10, target_accept_prob=self.options.get("acceptance", 0.8)
        )


SAMPLERS = {
    "blackjax-chees": Chees,
    "blackjax-chees-diagonal": CheesDiagonal,
    "blackjax-mams": Mams,
    "blackjax-meads": Meads,
    "blackjax-nuts": Nuts,
    "numpyro-hmc": NumPyroHmc,
    "numpyro-mala": NumPyroMala,
    "numpyro-nuts": NumPyroNuts,
}


def sampling(sampler, draws, thin=1):
    """The program of a run: all draws of all chains, chains apart on the devices."""
    mesh = jax.make_mesh((THREADS,), ("chains",), axis_types=(jax.sharding.AxisType.Auto,))
    P = jax.sharding.PartitionSpec

    def move(key, states, parameters):
        if isinstance(sampler, NumPyro):
            return sampler.made.sample(states, (), {})  # of all chains
        count = jax.tree.leaves(states)[0].shape[0]
        axes = (0, 0, 0 if sampler.own else None)
        return jax.vmap(sampler.step, axes)(jax.random.split(key, count), states, parameters)

    def run(key, states, parameters):
        key = jax.random.fold_in(key, jax.lax.axis_index("chains"))

        def draw(states, key):
            if thin > 1:
                states = jax.lax.scan(lambda s, k: (move(k, s, parameters), None), states, jax.random.split(key, thin))[0]
            else:
                states = move(key, states, parameters)
            return states, sampler.position(states)

        return jax.lax.scan(draw, states, jax.random.split(key, draws))[1]

    own = P("chains") if sampler.own else P()
    apart = jax.shard_map(
        run, mesh=mesh, in_specs=(P(), P("chains"), own), out_specs=P(None, "chains"), check_vma=False
    )
    program = jax.jit(apart)

    def on(spec, tree):
        return jax.device_put(tree, jax.sharding.NamedSharding(mesh, spec))

    return lambda key, states, parameters: program(on(P(), key), on(P("chains"), states), on(own, parameters))


def measure(name, of, chains, draws, seed=0, warmup=400, thin=1, short=False, **options):
    target = TARGETS[name]()
    sampler = SAMPLERS[of](target, chains, warmup, options)
    key = jax.random.key(seed)
    x = target.spread * jax.random.normal(jax.random.fold_in(key, 1), (chains, target.dimension))
    adapt = sampler.adapt if isinstance(sampler, NumPyro) else jax.jit(sampler.adapt)
    jax.block_until_ready(adapt(key, x))
    start = time.perf_counter()
    states, parameters = jax.block_until_ready(adapt(jax.random.fold_in(key, 2), x))
    adapting = time.perf_counter() - start
    run = sampling(sampler, draws, thin)
    jax.block_until_ready(run(jax.random.fold_in(key, 3), states, parameters))
    start = time.perf_counter()
    found = jax.block_until_ready(run(jax.random.fold_in(key, 4), states, parameters))
    seconds = time.perf_counter() - start
    kept = numpy.asarray(found)
    result = judge(target, kept, short) | {"seconds": seconds, "warmup_seconds": adapting, "chains": chains, "draws": draws}
    if isinstance(parameters, dict):
        result["parameters"] = {
            k: float(numpy.mean(numpy.asarray(v))) for k, v in parameters.items() if k in ("step_size", "alpha", "delta")
        } | {"steps": [float(v) for v in parameters.get("integration_steps_params", ())]}
    return result, kept


def write_reference():
    """Means and their errors of long runs of ChEES; float32, as all."""
    known = {}
    REFERENCE.unlink(missing_ok=True)
    for name in ("logistic", "mlp", "phi4"):
        target = TARGETS[name]()
        chains, draws, rounds = (64, 300, 8) if name == "phi4" else (256, 1000, 4)
        sampler = SAMPLERS["blackjax-chees-diagonal"](target, chains, 500, {"acceptance": 0.9})
        x = target.spread * jax.random.normal(jax.random.key(7), (chains, target.dimension))
        states, parameters = jax.jit(sampler.adapt)(jax.random.key(8), x)
        run = sampling(sampler, draws, 1)
        pieces = []
        for i in range(rounds):
            kept = numpy.asarray(run(jax.random.key(100 + i), states, parameters))
            # Each round starts where the warm-up ended: its first tenth is left out.
            kept = kept[draws // 10 :].astype(float)
            pieces.append((kept**2).mean(-1)[..., None] if name == "phi4" else kept)
        x = numpy.concatenate(pieces)

        def with_error(x):
            return [float(x.mean()), float(x.std() / numpy.sqrt(effective_size(x)))]

        if name == "phi4":
            known[name] = {"square": with_error(x[..., 0])}
        else:
            mean = [with_error(x[..., d]) for d in range(target.dimension)]
            variance = [with_error((x[..., d] - mean[d][0]) ** 2) for d in range(target.dimension)]
            known[name] = {"mean": mean, "variance": variance}
        print(name, known[name], flush=True)
    REFERENCE.write_text(json.dumps(known, indent=1) + "\n")
    lines = ["// SPDX-License-Identifier: Apache-2.0", "// Written by benchmarks/peers/ess_jax.py reference."]
    lines += ["#ifndef BENCHMARKS_SUPPORT_ESS_REFERENCE_HPP", "#define BENCHMARKS_SUPPORT_ESS_REFERENCE_HPP", ""]
    lines += ["namespace basin::bench::ess {", "", "// Means and their standard errors."]
    lines += ["struct Known {", "  double mean, error;", "};", ""]
    table = lambda rows: ",\n    ".join(f"{{{m:.9g}, {e:.3g}}}" for m, e in rows)
    for name in ("logistic", "mlp"):
        for what in ("mean", "variance"):
            lines += [f"inline constexpr Known {name}_{what}[] = {{\n    {table(known[name][what])}}};"]
    m, e = known["phi4"]["square"]
    lines += [f"inline constexpr Known phi4_square{{{m:.9g}, {e:.3g}}};"]
    lines += ["", "}  // namespace basin::bench::ess", "", "#endif"]
    HEADER.write_text("\n".join(lines) + "\n")


def check():
    import arviz

    numbers = numpy.random.default_rng(1)
    for n, m, phi in ((401, 7, 0.9), (100, 2, -0.5), (64, 30, 0.0)):
        x = numbers.normal(size=(n, m))
        for i in range(1, n):
            x[i] += phi * x[i - 1]
        numpy.testing.assert_allclose(effective_size(x), float(arviz.ess(x.T, method="mean")), rtol=1e-9)
        numpy.testing.assert_allclose(r_hat(x), float(arviz.rhat(x.T)), rtol=1e-9)


if __name__ == "__main__":
    if sys.argv[1] == "reference":
        write_reference()
    elif sys.argv[1] == "check":
        check()
    else:
        asked = json.loads(sys.argv[2])
        print(json.dumps(measure(**asked)[0]))
