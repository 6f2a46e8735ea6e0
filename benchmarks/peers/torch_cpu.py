# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a CPU: eager, and compiled by Inductor."""

import os
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F
from torch.ops import aten

from jobs import BETA2, HIGH, LIMIT, LOW, PENALTY, ROWS, STEP, groups, main

CORES = sorted(os.sched_getaffinity(0))
CPP = {"cpp_wrapper": True}  # Inductor's C++ entry: no Python between kernels, and the GIL is free meanwhile


def turned(job, x):
    """Images and kernels are held turned by 180 degrees: PyTorch's zeros are in front where TensorFlow's are behind."""
    return x.view(-1, *job.network.shape).flip(1, 2).view(x.shape) if job.network.convs else x


def tensors(job, given, layout=torch.channels_last):
    p, *states = ([torch.tensor(a) for a in given[0]], *map(torch.tensor, given[1:]))
    kernel = lambda a: a.flip(1, 2).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    return [kernel(a) if a.dim() == 4 else a for a in p], *(turned(job, a) for a in states)


def arrays(job, p, buffer):
    kernel = lambda a: a.permute(0, 2, 3, 1).flip(1, 2)
    return [(kernel(a) if a.dim() == 4 else a).detach().numpy() for a in p], turned(job, buffer).numpy()


def draw(job, batch, buffer, data):
    """Slots to be advanced, of which the first are started afresh, and a batch of the data."""
    slots, rows = torch.randint(ROWS, (2, batch))
    if fresh := job.fresh(batch):
        buffer.index_copy_(0, slots[:fresh], torch.empty(fresh, job.dim).uniform_(LOW, HIGH))
    return slots, buffer.index_select(0, slots), data.index_select(0, rows)


# ---- eager, autograd


def few_channels(x, w, b, stride):
    """A convolution as a matrix product: where an image has few channels, the gradient of conv2d in it is slow."""
    n, c, size, _ = x.shape
    side = (size - 1) // stride + 1
    if not torch.compiler.is_compiling():
        return torch.baddbmm(b[:, None], w.flatten(1).expand(n, -1, -1), F.unfold(x, 3, 1, 1, stride)).view(n, -1, side, side)
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    reach = [slice(i, i + stride * (side - 1) + 1, stride) for i in range(3)]
    x = torch.cat([x[:, i, j] for i in reach for j in reach], -1).view(-1, 9 * c)
    return torch.addmm(b, x, w.permute(2, 3, 1, 0).reshape(9 * c, -1)).view(n, side, side, -1).permute(0, 3, 1, 2)


def energy(network, p, x):
    p = iter(p)
    take = lambda count: [next(p) for _ in range(count)]
    if network.convs:
        x = x.view(-1, *network.shape).permute(0, 3, 1, 2)
    for channels, stride in network.convs:
        w, b, scale, shift = take(4)
        y = few_channels(x, w, b, stride) if w.shape[1] <= 4 else F.conv2d(x, w, b, stride, 1)
        y = F.silu(F.group_norm(y, groups(channels), scale, shift, 1e-6))
        x = x + y if stride == 1 else y
    if network.convs:
        x = x.mean((2, 3))
    for _ in network.dense:
        x = F.silu(F.linear(x, *take(2)))
    w, b = p
    return x @ w + b


def update(job, x, g, noise):
    """One Langevin step, in place."""
    x.add_(g.clamp_(-LIMIT, LIMIT), alpha=-STEP)
    if job.noise:
        x.add_(noise.normal_(), alpha=job.sigma)
    return x.clamp_(LOW, HIGH)


def noisy(job, x):
    return x.add_(torch.randn_like(x), alpha=job.data_noise).clamp_(LOW, HIGH) if job.noise else x


def objective(network, p, positive, negative):
    both = energy(network, p, torch.cat((positive, negative)))
    up, down = both.chunk(2)
    return up.mean() - down.mean() + PENALTY * (up.square().mean() + down.square().mean())


def autograd(job, given, threads):
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given, torch.contiguous_format)
    one, noise = torch.ones(job.batch), torch.empty_like(chains)
    optimizer = torch.optim.Adam(p, lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)

    def walk(x):
        for a in p:
            a.requires_grad_(False)
        for _ in range(job.steps):
            (g,) = torch.autograd.grad(energy(job.network, p, x.requires_grad_()), x, one)
            x = update(job, x.detach(), g, noise)
        return x

    if job.kind == "langevin":
        out = {}
        return lambda: out.update(x=walk(chains.clone())), lambda: turned(job, out["x"]).numpy()

    def step():
        slots, x, positive = draw(job, job.batch, buffer, data)
        x = walk(x)
        buffer.index_copy_(0, slots, x)
        for a in p:
            a.requires_grad_()
        optimizer.zero_grad()
        objective(job.network, p, noisy(job, positive), x).backward()
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- eager, gradient by hand: no graph, every result in memory that is made once


def by_hand(job, given, threads):
    if job.network.convs:
        return None
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given)
    flat = torch.cat([a.reshape(-1) for a in p])
    cut = lambda whole: [s.view(a.shape) for s, a in zip(whole.split([a.numel() for a in p]), p)]
    p = w1, b1, w2, b2, w3, b3 = cut(flat)
    flat.grad = torch.empty_like(flat)
    d1w, d1b, d2w, d2b, d3w, d3b = cut(flat.grad)
    optimizer = torch.optim.Adam([flat], lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)
    silu, silu_back = aten.silu.out, aten.silu_backward.grad_input
    noise = torch.empty_like(chains)

    def forward(x, w1t, w2t, z1, h1, z2):
        torch.addmm(b1, x, w1t, out=z1)
        torch.addmm(b2, silu(z1, out=h1), w2t, out=z2)

    def backward(g2, g1, z1):
        silu_back(torch.mm(g2, w2, out=g1), z1, grad_input=g1)

    def walk(x, z1, h1, z2, g=torch.empty_like(chains)):
        w1t, w2t, top = w1.t(), w2.t(), w3.expand_as(z2)
        if job.steps > 8:  # one copy for the whole chain pays
            w1t, w2t = w1t.contiguous(), w2t.contiguous()
        for _ in range(job.steps):
            forward(x, w1t, w2t, z1, h1, z2)
            backward(silu_back(top, z2, grad_input=z2), h1, z1)
            update(job, x, torch.mm(h1, w1, out=g), noise)
        return x

    space = torch.empty(5, 2 * job.batch, job.network.dense[0])
    half = space[:3, : job.batch]
    if job.kind == "langevin":
        x = torch.empty_like(chains)

        @torch.inference_mode()
        def call():
            walk(x.copy_(chains), *half)

        return call, x.numpy

    sign = torch.ones(2 * job.batch)
    sign[job.batch :] = -1

    @torch.inference_mode()
    def gradient(x, c, g2):
        z1, h1, z2, h2, g1 = space
        forward(x, w1.t(), w2.t(), z1, h1, z2)
        torch.mv(silu(z2, out=h2), w3, out=c)
        c.add_(b3).mul_(2 * PENALTY).add_(sign).div_(job.batch)
        torch.mv(h2.t(), c, out=d3w)
        torch.sum(c, 0, out=d3b)
        silu_back(torch.outer(c, w3, out=g2), z2, grad_input=g2)
        backward(g2, g1, z1)
        torch.mm(g2.t(), h1, out=d2w)
        torch.sum(g2, 0, out=d2b)
        torch.mm(g1.t(), x, out=d1w)
        torch.sum(g1, 0, out=d1b)

    c, g2 = torch.empty(2 * job.batch), torch.empty(2 * job.batch, job.network.dense[0])

    def step():
        with torch.inference_mode():
            slots, x, positive = draw(job, job.batch, buffer, data)
            walk(x, *half)
            buffer.index_copy_(0, slots, x)
            gradient(torch.cat((noisy(job, positive), x)), c, g2)
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- compiled, as most would: one Langevin step, the parameter gradient; the loop in Python


def compiled_step(job, given, threads):
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given)
    noise = torch.zeros_like(chains)

    @torch.compile(dynamic=False)
    def langevin(p, x, noise):
        g = torch.func.grad(lambda x: energy(job.network, p, x).sum())(x)
        return (x - STEP * g.clamp(-LIMIT, LIMIT) + job.sigma * noise).clamp(LOW, HIGH)

    @torch.compile(dynamic=False)
    def gradient(p, positive, negative):
        return torch.func.grad(lambda p: objective(job.network, p, positive, negative))(p)

    optimizer = torch.optim.Adam(p, lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)
    for a in p:
        a.requires_grad_(False)

    def walk(x):  # noise from ATen: Inductor's own generator is not vectorised on a CPU, seven times slower
        for _ in range(job.steps):
            x = langevin(p, x, noise.normal_() if job.noise else noise)
        return x

    if job.kind == "langevin":
        out = {}

        @torch.no_grad()
        def call():
            out["x"] = walk(chains)

        return call, lambda: turned(job, out["x"]).numpy()

    @torch.no_grad()
    def step():
        slots, x, positive = draw(job, job.batch, buffer, data)
        x = walk(x)
        buffer.index_copy_(0, slots, x)
        for a, g in zip(p, gradient(p, noisy(job, positive), x)):
            a.grad = g
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- compiled, strongest: the chain is one C++ loop, its noise is computed in it; optionally each thread has its own chains


def normal(shape, at):
    """Philox4x32-10 and Box-Muller in tensor operations, which Inductor vectorises. at: step, stream."""
    mask, k0, k1 = 0xFFFFFFFF, 1234, 5678
    c0 = torch.arange(shape[0] * shape[1] // 4, dtype=torch.int64)
    c1, c2, c3 = at[0], at[1], torch.zeros_like(c0)
    for _ in range(10):
        p, q = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = ((q >> 32) & mask) ^ c1 ^ k0, q & mask, ((p >> 32) & mask) ^ c3 ^ k1, p & mask
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    unit = lambda c: (c >> 8).to(torch.int32).float() * 2**-24
    pair = lambda a, b: ((-2 * torch.log(1 - unit(a))).sqrt(), unit(b) * 6.283185307179586)
    (r, a), (s, b) = pair(c0, c1), pair(c2, c3)
    return torch.cat((r * a.cos(), r * a.sin(), s * b.cos(), s * b.sin())).view(shape)


def layers(p, x, w1t, w2t):
    z1 = torch.addmm(p[1], x, w1t)
    s1 = torch.sigmoid(z1)
    z2 = torch.addmm(p[3], z1 * s1, w2t)
    s2 = torch.sigmoid(z2)
    return z1 * s1, s1 * (1 + z1 * (1 - s1)), z2 * s2, s2 * (1 + z2 * (1 - s2))


def slope(job, p):
    """dE/dx: of two layers by hand."""
    if job.network.convs:
        return torch.func.grad(lambda x: energy(job.network, p, x).sum())
    w1t, w2t = p[0].t(), p[2].t()
    if job.steps > 8:
        w1t, w2t = w1t.contiguous(), w2t.contiguous()

    def gradient(x):
        _, d1, _, d2 = layers(p, x, w1t, w2t)
        return (p[4] * d2 @ p[2] * d1) @ p[0]

    return gradient


def parameter_slope(job, p, positive, negative, parts):
    """Of the objective of one of the parts of a batch."""
    if job.network.convs:
        return torch.func.grad(lambda p: objective(job.network, p, positive, negative) / parts)(p)
    both = torch.cat((positive, negative))
    h1, d1, h2, d2 = layers(p, both, p[0].t(), p[2].t())
    sign = torch.where(torch.arange(len(both)) < len(positive), 1.0, -1.0)
    c = (sign + 2 * PENALTY * (h2 @ p[4] + p[5])) / job.batch
    g2 = c[:, None] * p[4] * d2
    g1 = g2 @ p[2] * d1
    return [g1.t() @ both, g1.sum(0), g2.t() @ h1, g2.sum(0), c @ h2, c.sum()]


def walk_in_graph(job, p, x, at):
    gradient = slope(job, p)

    def move(k, x):
        x = x - STEP * gradient(x).clamp(-LIMIT, LIMIT)
        if job.noise:
            x = x + job.sigma * normal(x.shape, torch.stack((at[0] + k, at[1])))
        return k + 1, x.clamp(LOW, HIGH)

    zero = torch.zeros((), dtype=torch.int64)
    if job.steps == 1:
        return move(zero, x)[1]
    return torch.while_loop(lambda k, x: k < job.steps, move, (zero, x))[1]


def compiled_chain(job, given, threads, parts=1):
    torch.set_num_threads(threads // parts)
    p, chains, buffer, data = tensors(job, given)
    v = [torch.zeros_like(a) for a in p]
    at = [torch.tensor([0, part]) for part in range(parts)]
    walk = torch.compile(lambda p, x, at: walk_in_graph(job, p, x, at), options=CPP, dynamic=False)

    @torch.compile(options=CPP, dynamic=False)
    def advance(p, x, positive, at):
        x = walk_in_graph(job, p, x, at)
        if job.noise:
            last = torch.stack((at[0] + job.steps, at[1]))
            positive = (positive + job.data_noise * normal(positive.shape, last)).clamp(LOW, HIGH)
        return x, parameter_slope(job, p, positive, x, parts)

    @torch.compile(options=CPP, dynamic=False)
    def adam(p, v, gradients, correction):
        for i, (a, b) in enumerate(zip(p, v)):
            g = sum(each[i] for each in gradients[1:]) + gradients[0][i] if parts > 1 else gradients[0][i]
            b.mul_(BETA2).add_((1 - BETA2) * g * g)
            a.sub_(job.rate * g / ((b / correction).sqrt() + job.epsilon))

    pool = ThreadPoolExecutor(max(parts - 1, 1))

    def each(work):  # the caller does part 0 itself; what compiles, the first time, is done in turn
        if work not in ready:
            ready.add(work)
            return [work(part) for part in range(parts)]
        others = [pool.submit(work, part) for part in range(1, parts)]
        return [work(0)] + [other.result() for other in others]

    def settle(part):  # once per thread: these settings are the thread's own
        if parts > 1:
            torch.set_num_threads(threads // parts)
            os.sched_setaffinity(0, {CORES[part % len(CORES)]})

    ready = {settle}
    each(settle)
    results = [None] * parts
    if job.kind == "langevin":
        given = chains.chunk(parts)

        @torch.inference_mode()
        def work(part):
            at[part][0] += job.steps
            results[part] = walk(p, given[part], at[part])

        return lambda: each(work), lambda: turned(job, torch.cat(results)).numpy()

    pieces = lambda tensors, part: [a.chunk(parts)[part] if a.dim() else a for a in tensors if a.dim() or not part]
    updates, drawn, correction = 0, (), torch.zeros(())

    @torch.inference_mode()
    def sample(part):
        at[part][0] += job.steps + 1
        slots, x, positive = (a.chunk(parts)[part] for a in drawn)
        x, results[part] = advance(p, x, positive, at[part])
        buffer.index_copy_(0, slots, x)

    @torch.inference_mode()
    def improve(part):
        adam(pieces(p, part), pieces(v, part), [pieces(g, part) for g in results], correction)

    def step():
        nonlocal updates, drawn
        updates += 1
        drawn = draw(job, job.batch, buffer, data)
        correction.fill_(1 - BETA2**updates)
        each(sample)
        each(improve)

    return step, lambda: arrays(job, p, buffer)


if __name__ == "__main__":
    main(
        {
            "eager-autograd": autograd,
            "eager-by-hand": by_hand,
            "compiled-step": compiled_step,
            "compiled-chain": compiled_chain,
            "compiled-chain-per-thread": lambda job, given, threads: compiled_chain(job, given, threads, threads),
        }
    )
