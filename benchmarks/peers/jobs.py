# SPDX-License-Identifier: Apache-2.0
"""The jobs that basin and its peers are timed on: their arithmetic, a reference in double, and the worker's side of ./run."""

import json
import sys
import time
from dataclasses import dataclass

import numpy as np

STEP, LIMIT, SIGMA, LOW, HIGH = 0.01, 1.0, 0.1, -1.0, 1.0  # x <- clamp(x - STEP clip(dE/dx) + SIGMA N(0, 1))
ROWS, FRESH, DATA_NOISE, PENALTY = 8192, 0.05, 0.005, 0.1  # rows of the replay buffer and of the data set
RATE, BETA2, EPSILON = 1e-4, 0.999, 1e-8  # Adam with beta1 = 0


@dataclass(frozen=True)
class Job:
    kind: str  # langevin: K steps of B given chains. train_pcd: one whole training step
    dim: int
    width: int
    batch: int
    steps: int
    noise: bool = True  # without: no noise, no fresh chains, an update near to the gradient: all variants must agree

    @property
    def name(self):
        return f"{self.kind}/{self.dim}-{self.width}-{self.width}-1/b{self.batch}/k{self.steps}"

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


SHAPES = [(2, 128, 256), (43, 512, 256), (784, 256, 128)]
JOBS = {
    job.name: job
    for job in (Job(kind, *shape, k) for kind in ("langevin", "train_pcd") for shape in SHAPES for k in (60, 1))
}


def inputs(job):
    """Parameters W1 b1 W2 b2 w3 b3 (weights out x in), chains, replay buffer, data set: float32, the same for all."""
    random = np.random.default_rng(1)
    d, h = job.dim, job.width
    shapes = [(h, d), (h,), (h, h), (h,), (h,), ()]
    scales = [d**-0.5, 0.1, h**-0.5, 0.1, h**-0.5, 0.1]
    parameters = [np.asarray(random.normal(0, s, n), np.float32) for n, s in zip(shapes, scales)]
    rows = lambda n: random.uniform(LOW, HIGH, (n, d)).astype(np.float32)
    return parameters, rows(job.batch), rows(ROWS), rows(ROWS)


# ---- reference in double


def forward(p, x):
    w1, b1, w2, b2, w3, b3 = p
    z1 = x @ w1.T + b1
    s1 = 1 / (1 + np.exp(-z1))
    z2 = (z1 * s1) @ w2.T + b2
    s2 = 1 / (1 + np.exp(-z2))
    return z1 * s1, s1 + z1 * s1 * (1 - s1), z2 * s2, s2 + z2 * s2 * (1 - s2)  # h1 h1' h2 h2'


def chain(p, x, steps):
    p, x = [np.float64(a) for a in p], np.float64(x)
    for _ in range(steps):
        _, d1, _, d2 = forward(p, x)
        x = np.clip(x - STEP * np.clip((p[4] * d2 @ p[2] * d1) @ p[0], -LIMIT, LIMIT), LOW, HIGH)
    return x


def train(job, p, positive, negative):
    """The first update where every row of the data set is 'positive' and every row of the buffer 'negative'."""
    p, positive = [np.float64(a) for a in p], np.float64(positive)
    both = np.concatenate((positive, chain(p, negative, job.steps)))
    h1, d1, h2, d2 = forward(p, both)
    c = np.array([1.0, -1.0]) + 2 * PENALTY * (h2 @ p[4] + p[5])
    g2 = c[:, None] * p[4] * d2
    g1 = g2 @ p[2] * d1
    gradient = (g1.T @ both, g1.sum(0), g2.T @ h1, g2.sum(0), c @ h2, c.sum())
    return [a - job.rate * g / (np.abs(g) + job.epsilon) for a, g in zip(p, gradient)]


def check(build):
    """build(job, inputs) -> (call, state): state() gives the chains, or (parameters, buffer), as numpy arrays."""
    for k in (60, 1):
        for shape in SHAPES:
            job = Job("langevin", *shape, k, noise=False)
            p, x, buffer, data = inputs(job)
            call, state = build(job, (p, x, buffer, data))
            call()
            error = np.abs(state() - chain(p, x, k)).max()
            assert error < 1e-4, (job.name, "chains", error)

            job = Job("train_pcd", *shape, k, noise=False)
            call, state = build(job, (p, x, buffer, data))
            call()
            after = state()[1]
            moved = np.abs(after - buffer).max(1) > 0
            worst = np.abs(after[moved] - chain(p, buffer[moved], k)).max()
            assert worst < 1e-4 and 0.95 * job.batch <= moved.sum() <= job.batch, (job.name, "buffer", worst, moved.sum())

            same = lambda a: np.ascontiguousarray(np.broadcast_to(a[:1], a.shape))
            call, state = build(job, (p, x, same(buffer), same(data)))
            call()
            off = max(np.abs(a - b).max() for a, b in zip(state()[0], train(job, p, data[:1], buffer[:1])))
            assert off < 1e-4, (job.name, "parameters", off)
            print(f"{job.name}: chains {error:.1e}, buffer {worst:.1e}, parameters {off:.1e}", flush=True)


# ---- the worker's side of ./run


def serve(build):
    """For each line {"job": name, "seconds": s} on stdin: times calls for s seconds, answers with a line of their seconds."""
    current, call = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["job"] != current:
            call = None  # frees the last job first
            current = request["job"]
            call, _ = build(JOBS[current], inputs(JOBS[current]))
            for _ in range(3):
                call()
        call()
        times, end = [], time.perf_counter() + request["seconds"]
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        print("times " + json.dumps(times), flush=True)


def main(variants):
    """WORKER check|serve VARIANT THREADS"""
    what, variant, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    {"check": check, "serve": serve}[what](lambda job, given: variants[variant](job, given, threads))
