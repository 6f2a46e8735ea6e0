# SPDX-License-Identifier: Apache-2.0
"""The jobs that basin and its peers are timed on: their arithmetic, a reference in double, and the worker's side of ./run."""

import gc
import json
import math
import re
import sys
import time
from dataclasses import dataclass, replace

import numpy as np

STEP, LIMIT, SIGMA, LOW, HIGH = 0.01, 1.0, 0.1, -1.0, 1.0  # x <- clamp(x - STEP clip(dE/dx) + SIGMA N(0, 1))
ROWS, FRESH, DATA_NOISE, PENALTY = 8192, 0.05, 0.005, 0.1  # rows, or as many as a batch: of the replay buffer, of the data
RATE, BETA2, EPSILON = 1e-4, 0.999, 1e-8  # Adam with beta1 = 0
DEVIATION = 0.1  # of the noise of denoising score matching


@dataclass(frozen=True)
class Network:
    """3x3 convolutions, each with group norm and SiLU, and a mean over the positions; then Dense and SiLU, and a Dense 1, or,
    of a classifier, one of a logit for each class: its energy is -log sum_y exp f_y."""

    name: str
    shape: tuple  # of a state: numbers, or height, width, channels
    convs: tuple = ()  # (channels, stride), of stride 1: x + block(x). Their zeros outside: TensorFlow's SAME
    dense: tuple = ()  # widths
    classes: int = 0

    @property
    def dim(self):
        return math.prod(self.shape)


def groups(channels):
    return min(32, channels)


@dataclass(frozen=True)
class Job:
    kind: str  # langevin: K steps of B given chains. train_pcd, train_jem: one whole training step. objective/...: a gradient
    network: Network
    batch: int
    steps: int = 0
    noise: bool = True  # without: no noise, no fresh chains, an update near to the gradient: all variants must agree

    @property
    def name(self):
        return f"{self.kind}/{self.network.name}/b{self.batch}" + (f"/k{self.steps}" if self.steps else "")

    @property
    def score(self):
        """ssm or dsm: which score matching an objective/... is, sliced or denoising."""
        return self.kind.partition("/")[2]

    @property
    def trains(self):
        return self.kind.startswith("train_")

    @property
    def labels(self):
        """Of the rows of the data; none where they are not used. Without noise all alike, so that all variants must agree."""
        if not self.network.classes:
            return np.zeros(0, np.int64)
        return np.arange(self.rows) % self.network.classes if self.noise else np.full(self.rows, 3)

    @property
    def dim(self):
        return self.network.dim

    @property
    def rows(self):
        return max(ROWS, self.batch)

    @property
    def sigma(self):
        return SIGMA if self.noise else 0.0

    @property
    def data_noise(self):
        return DATA_NOISE if self.noise else 0.0

    @property
    def rate(self):
        return RATE if self.noise else 1.0

    @property
    def epsilon(self):
        return EPSILON if self.noise else 1.0

    def fresh(self, batch):
        return round(FRESH * batch) if self.noise else 0


deep = ((64, 2), *((64, 1),) * 5, (128, 2), *((128, 1),) * 5)
NETWORKS = [  # and batches on a CPU
    (Network("2-128-128-1", (2,), dense=(128, 128)), 256),
    (Network("43-512-512-1", (43,), dense=(512, 512)), 256),
    (Network("784-256-256-1", (784,), dense=(256, 256)), 128),
    (Network("seed-cnn", (28, 28, 1), ((32, 2), (64, 2), (128, 2)), (64,)), 128),
    (Network("deep-cnn", (32, 32, 3), deep, (64,)), 128),
]
CLASSIFIERS = [  # of train_jem
    (replace(NETWORKS[2][0], name="784-256-256-10", classes=10), 128),
    (replace(NETWORKS[3][0], classes=10), 64),
]


def job_of(name):
    """The job of a name, with any batch and any number of steps."""
    kind, shape, batch, steps = re.fullmatch(r"(langevin|train_pcd|train_jem|objective/[sd]sm)/([^/]+)/b(\d+)(?:/k(\d+))?", name).groups()
    networks = CLASSIFIERS if kind == "train_jem" else NETWORKS
    network = next(network for network, _ in networks if network.name == shape)
    return Job(kind, network, int(batch), int(steps or 0))


def inputs(job):
    """Parameters, chains, replay buffer, data set: float32, the same for all. Parameters: weights (out, 3, 3, in), bias, scale
    and shift of every convolution; weights (out, in) and bias of every Dense; weights (in) and bias of the last, or (classes,
    in) and (classes)."""
    random = np.random.default_rng(1)
    normal = lambda scale, *shape: np.asarray(random.normal(0, scale, shape), np.float32)
    parameters, c = [], job.network.shape[-1]
    for channels, _ in job.network.convs:
        parameters += [normal((9 * c) ** -0.5, channels, 3, 3, c), normal(0.1, channels)]
        parameters += [1 + normal(0.1, channels), normal(0.1, channels)]
        c = channels
    for width in job.network.dense:
        parameters += [normal(c**-0.5, width, c), normal(0.1, width)]
        c = width
    outputs = (job.network.classes,) if job.network.classes else ()
    parameters += [normal(c**-0.5, *outputs, c), normal(0.1, *outputs)]
    rows = lambda n: random.uniform(LOW, HIGH, (n, job.dim)).astype(np.float32)
    resident = job.rows if job.trains else 0
    return parameters, rows(job.batch), rows(resident), rows(resident)


# ---- reference in double: each function gives its result, and a function from dE/d(result) to dE/d(its arguments)


def silu(z):
    s = 1 / (1 + np.exp(-z))
    return z * s, lambda g: (g * s * (1 + z * (1 - s)),)


def dense(x, w, b):
    return x @ w.T + b, lambda g: (g @ w, g.T @ x, g.sum(0))


def norm(x, scale, shift):
    mean = lambda a: a.mean((1, 3), keepdims=True)
    split = lambda a: a.reshape(len(x), -1, groups(x.shape[3]), x.shape[3] // groups(x.shape[3]))
    y = split(x) - mean(split(x))
    r = (mean(y * y) + 1e-6) ** -0.5
    y = y * r

    def back(g):
        a = split(g * scale)
        return (r * (a - mean(a) - y * mean(a * y))).reshape(x.shape), (g * y.reshape(x.shape)).sum((0, 1, 2)), g.sum((0, 1, 2))

    return y.reshape(x.shape) * scale + shift, back


def conv(x, w, b, stride):
    size = x.shape[1]
    span = stride * ((size - 1) // stride)  # from the first output to the last
    before = (span + 3 - size) // 2
    border = (before, span + 3 - size - before)
    x = np.pad(x, ((0, 0), border, border, (0, 0)))
    taps = [(i, j, np.s_[:, i : i + span + 1 : stride, j : j + span + 1 : stride]) for i in range(3) for j in range(3)]

    def back(g):
        dx, dw = np.zeros_like(x), np.empty_like(w)
        for i, j, at in taps:
            dx[at] += g @ w[:, i, j]
            dw[:, i, j] = np.tensordot(g, x[at], ((0, 1, 2), (0, 1, 2)))
        return dx[:, before : before + size, before : before + size], dw, g.sum((0, 1, 2))

    return sum(x[at] @ w[:, i, j].T for i, j, at in taps) + b, back


def stack(x, *layers):
    backs = []
    for layer, *p in layers:
        x, back = layer(x, *p)
        backs.append(back)

    def pull(g):
        gradients = ()
        for back in reversed(backs):
            g, *more = back(g)
            gradients = (*more, *gradients)
        return g, *gradients

    return x, pull


def block(x, w, b, scale, shift, stride):
    y, back = stack(x, (conv, w, b, stride), (norm, scale, shift), (silu,))
    if stride > 1:
        return y, back

    def residual(g):
        dx, *gradients = back(g)
        return dx + g, *gradients

    return x + y, residual


def pool(x):
    return x.mean((1, 2)), lambda g: (np.broadcast_to(g[:, None, None] / (x.shape[1] * x.shape[2]), x.shape),)


def head(x, w, b):
    return x @ w + b, lambda g: (g[:, None] * w, g @ x, g.sum())


def energy_of_logits(f):
    top = f.max(1, keepdims=True)
    share = np.exp(f - top)
    total = share.sum(1, keepdims=True)
    return -(top + np.log(total))[:, 0], lambda g: (-g[:, None] * share / total,)


def outputs(network, p, x):
    """E, or the logits of a classifier."""
    p = iter(p)
    take = lambda count: (next(p) for _ in range(count))
    layers = [(block, *take(4), stride) for _, stride in network.convs]
    if network.convs:
        layers.append((pool,))
    for _ in network.dense:
        layers += [(dense, *take(2)), (silu,)]
    return stack(x.reshape(len(x), *network.shape), *layers, (dense if network.classes else head, *take(2)))


def energy(network, p, x):
    f, pull = outputs(network, p, x)
    if not network.classes:
        return f, pull
    e, back = energy_of_logits(f)
    return e, lambda g: pull(*back(g))


def chain(job, p, x):
    p, x = [np.float64(a) for a in p], np.float64(x)
    for _ in range(job.steps):
        g = energy(job.network, p, x)[1](np.ones(len(x)))[0].reshape(x.shape)
        x = np.clip(x - STEP * np.clip(g, -LIMIT, LIMIT), LOW, HIGH)
    return x


def train(job, p, positive, negative):
    """The first update where every row of the data set is 'positive' and every row of the buffer 'negative'."""
    p, positive = [np.float64(a) for a in p], np.float64(positive)
    values, pull = outputs(job.network, p, np.concatenate((positive, chain(job, p, negative))))
    energies, back = energy_of_logits(values) if job.network.classes else (values, lambda g: (g,))
    (g,) = back(np.array([1.0, -1.0]) + 2 * PENALTY * energies)
    if job.network.classes:  # and the cross-entropy of the positive: p(y | x) is minus the slope of E in the logits
        g[0] -= back(np.ones(2))[0][0]
        g[0, job.labels[0]] -= 1
    _, *gradient = pull(g)
    return [a - job.rate * g / (np.abs(g) + job.epsilon) for a, g in zip(p, gradient)]


def score(job, p, x, v):
    """The gradient of score matching for given directions or noise v: differences of dE/d(parameters) along x + e u."""
    p, x, u = [np.float64(a) for a in p], np.float64(x), np.float64(v)
    slope = lambda: energy(job.network, p, x)[1](np.ones(len(x)))[0]
    if job.score == "dsm":
        x = x + DEVIATION * u
        u = slope() - u / DEVIATION  # held fixed
    h = 0.1 / np.abs(u @ p[0].T).max()
    first = np.array([-1, 9, -45, 0, 45, -9, 1]) / (60 * h)
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / (180 * h * h)
    if job.score == "ssm":  # of (u.dE/dx)^2 / 2 - u.Hu
        weights = np.outer(first, (slope() * u).sum(1)) - second[:, None]
    else:  # of u.dE/dx
        weights = np.outer(first, np.ones(len(x)))
    x = (x + h * np.arange(-3, 4)[:, None, None] * u).reshape(-1, job.dim)
    return energy(job.network, p, x)[1](weights.reshape(-1) / job.batch)[1:]


def well_drawn(job, v, other):
    """Of the directions of two calls: moments, and products of what should be independent, within 5 standard deviations."""
    v, other = np.float64(v), np.float64(other)
    means = [v, v * other, v[::2] * v[1::2], np.multiply(*np.split(v, 2)), v[:, 1:] * v[:, :-1]]
    if job.score == "ssm":
        assert (np.abs(v) == 1).all()
    else:
        means += [(v * v - 1) / 2**0.5, v**3 / 15**0.5]
    return all(abs(a.mean()) < 5 * a.size**-0.5 for a in means)


def off(found, right, start):
    """Largest error, as a part of the largest change from the start."""
    return np.abs(found - right).max() / (np.abs(right - start).max() + 1e-3)


def check_training(build, job, before=""):
    p, x, buffer, data = inputs(job)
    built = build(job, (p, x, buffer, data))
    if not built:
        return
    call, state = built
    call()
    after = state()[1]
    moved = np.abs(after - buffer).max(1) > 0
    worst = off(after[moved], chain(job, p, buffer[moved]), buffer[moved])
    assert worst < 1e-3 and 0.9 * job.batch <= moved.sum() <= job.batch, (job.name, "buffer", worst, moved.sum())

    same = lambda a: np.ascontiguousarray(np.broadcast_to(a[:1], a.shape))
    call, state = build(job, (p, x, same(buffer), same(data)))
    call()
    update = max(map(off, state()[0], train(job, p, data[:1], buffer[:1]), p))
    assert update < 1e-3, (job.name, "parameters", update)
    print(f"{job.name}: {before}buffer {worst:.1e}, parameters {update:.1e}", flush=True)


def check(build):
    """build(job, inputs) -> (call, state): state() gives the chains, (parameters, buffer), or (gradient, what was drawn for
    it), as numpy arrays."""
    small = Network("small-deep-cnn", (16, 16, 3), ((64, 2), (64, 1), (128, 2), (128, 1)), (64,))
    for network, batch in [*NETWORKS[:3], (NETWORKS[3][0], 32), (small, 32)]:
        for k in (60, 1):
            job = Job("langevin", network, batch, k, noise=False)
            p, x, *none = inputs(job)
            built = build(job, (p, x, *none))
            if not built:
                continue  # the variant does not exist for the network
            call, state = built
            call()
            chains = off(state(), chain(job, p, x), x)
            assert chains < 1e-3, (job.name, "chains", chains)

            check_training(build, Job("train_pcd", network, batch, k, noise=False), f"chains {chains:.1e}, ")
    for network, batch in CLASSIFIERS:
        for k in (20, 1):
            check_training(build, Job("train_jem", network, min(batch, 64), k, noise=False))

    scores = [Job(f"objective/{what}", *size, noise=False) for what in ("ssm", "dsm") for size in NETWORKS[:3]]
    for job in scores:
        p, x, *none = inputs(job)
        call, state = build(job, (p, x, *none))
        call()
        other = np.array(state()[1])
        call()
        found, v = state()
        assert well_drawn(job, v, other), (job.name, "directions")
        gradient = max(off(a, right, 0) for a, right in zip(found, score(job, p, x, v), strict=True))
        assert gradient < 1e-3, (job.name, "gradient", gradient)
        print(f"{job.name}: gradient {gradient:.1e}", flush=True)


# ---- the worker's side of ./run


def turn(call, seconds):
    """Seconds of each call. The first does not count where it is short: what it finds after a stop is cold."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end or (len(times) < 4 and times[0] < 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times[times[0] < 1 :]


def serve(build, free):
    """For each line {"job": name, "seconds": s} on stdin: times calls for s seconds, answers with a line of their seconds,
    null where the variant does not exist for the network."""
    current, built = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["job"] != current:
            built = None
            free()  # the last job's memory first
            current = request["job"]
            built = build(job_of(current), inputs(job_of(current)))
        print("times " + json.dumps(turn(built[0], request["seconds"]) if built else None), flush=True)


def main(variants, where=int, free=gc.collect):
    """WORKER check|serve VARIANT THREADS, or DEVICE in place of THREADS"""
    what, variant, place = sys.argv[1], sys.argv[2], where(sys.argv[3])
    build = lambda job, given: variants[variant](job, given, place)
    check(build) if what == "check" else serve(build, free)
