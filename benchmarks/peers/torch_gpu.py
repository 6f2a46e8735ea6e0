# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a GPU: eager, compiled with a CUDA graph for every step, and whole jobs captured as one CUDA graph.

What is common with torch_cpu.py comes from there. On the device 'cpu' everything runs but the graphs, for --check.
"""

import gc
from functools import partial

import torch

from jobs import BETA2, HIGH, LIMIT, LOW, STEP, main
from torch_cpu import arrays, autograd, by_hand, denoised, denoised_slope, draw, energy, numpy, objective
from torch_cpu import sliced, sliced_slope, tensors, turned


def captured(work, state):
    """work() as one CUDA graph, made at the first call. state: the tensors that work changes in place."""

    def capture():
        before = [a.clone() for a in state]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # compiles, and lets libraries allocate what they keep
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        for a, b in zip(state, before):
            a.copy_(b)
        return graph

    graph = None

    def call():
        nonlocal graph
        graph = graph or capture()
        graph.replay()

    return call


def compiled(job, given, whole):
    """Langevin steps and gradients compiled by Inductor, noise included. whole: the job is one graph, its score matching by
    hand; or else every compiled function has a graph of its own, as most would have it."""
    p, chains, buffer, data = tensors(job, given)
    v, updates, labels = [torch.zeros_like(a) for a in p], torch.zeros(()), torch.tensor(job.labels)
    for a in (*p, *v, updates):
        torch._dynamo.mark_static_address(a)  # a step's graph reads and writes them where they are
    one_graph = captured if whole and chains.is_cuda else lambda work, state: work
    out = {}

    def compile(function):
        if whole:
            return torch.compile(function, dynamic=False)
        ready = torch.compile(function, dynamic=False, mode="reduce-overhead")

        def call(*given):
            torch.compiler.cudagraph_mark_step_begin()
            return ready(*given)

        return call

    if job.score:
        signs = lambda x: torch.where(torch.rand_like(x) < 0.5, -1.0, 1.0)
        directions = signs if job.score == "ssm" else torch.randn_like
        by_autograd, slope = (sliced, sliced_slope) if job.score == "ssm" else (denoised, denoised_slope)

        @compile
        def score(p, x):
            v = directions(x)
            if whole:
                return slope(job, p, x, v), v
            return torch.func.grad(lambda p: by_autograd(job.network, p, x, v))(p), v

        def call():
            out["gradient"], out["v"] = score(p, chains)

        return one_graph(call, []), lambda: ([*map(numpy, out["gradient"])], numpy(out["v"]))

    @compile
    def langevin(p, x):
        g = torch.func.grad(lambda x: energy(job.network, p, x).sum())(x)
        x = x - STEP * g.clamp(-LIMIT, LIMIT)
        return (x + job.sigma * torch.randn_like(x) if job.noise else x).clamp(LOW, HIGH)

    def walk(x):
        for _ in range(job.steps):
            x = langevin(p, x)
            if not whole:
                x = x.clone()  # the graph writes its result where it wrote the last
        return x

    if job.kind == "langevin":

        def call():
            out["x"] = walk(chains)

        return one_graph(call, []), lambda: numpy(turned(job, out["x"]))

    @compile
    def improve(p, v, updates, positive, negative, of_rows):
        """The gradient of the objective, and Adam's update in place."""
        if job.noise:
            positive = (positive + job.data_noise * torch.randn_like(positive)).clamp(LOW, HIGH)
        gradient = torch.func.grad(lambda p: objective(job.network, p, positive, negative, of_rows))(p)
        updates.add_(1)
        correction = 1 - BETA2**updates
        for a, b, g in zip(p, v, gradient):
            b.mul_(BETA2).add_((1 - BETA2) * g * g)
            a.sub_(job.rate * g / ((b / correction).sqrt() + job.epsilon))

    def step():
        slots, x, positive, of_rows = draw(job, job.batch, buffer, data, labels)
        x = walk(x)
        buffer.index_copy_(0, slots, x)
        improve(p, v, updates, positive, x, of_rows)

    return one_graph(step, [*p, *v, updates, buffer]), lambda: arrays(job, p, buffer)


def variant(builder, tf32):
    def built(job, given, device):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        with torch.device(device):  # while the job is built: within calls it would take time
            ready = builder(job, given)
        if not ready:
            return None
        call, state = ready
        wait = torch.cuda.synchronize if device == "cuda" else lambda: None

        def waited_for():
            wait()
            call()
            wait()

        return waited_for, state

    return built


def free():
    gc.collect()
    torch.compiler.reset()  # drops the graphs of compiled functions
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


BUILDERS = {
    "eager-autograd": partial(autograd, threads=1),
    "eager-by-hand": partial(by_hand, threads=1),
    "compiled-step": partial(compiled, whole=False),
    "captured-chain": partial(compiled, whole=True),
}

if __name__ == "__main__":
    variants = {name: variant(builder, tf32=False) for name, builder in BUILDERS.items()}
    variants |= {f"{name}-tf32": variant(builder, tf32=True) for name, builder in BUILDERS.items()}
    main(variants, where=str, free=free)
