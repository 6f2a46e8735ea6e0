# SPDX-License-Identifier: Apache-2.0
"""PyTorch on a CPU: eager, and compiled by Inductor."""

import os
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F
from torch.ops import aten

from jobs import BETA2, DEVIATION, HIGH, LIMIT, LOW, PENALTY, STEP, groups, main

CORES = sorted(os.sched_getaffinity(0))
CPP = {"cpp_wrapper": True}  # Inductor's C++ entry: no Python between kernels, and the GIL is free meanwhile


def turned(job, x):
    """Images and kernels are held turned by 180 degrees: PyTorch's zeros are in front where TensorFlow's are behind."""
    return x.view(-1, *job.network.shape).flip(1, 2).view(x.shape) if job.network.convs else x


def tensors(job, given, layout=torch.channels_last):
    p, *states = ([torch.tensor(a) for a in given[0]], *map(torch.tensor, given[1:]))
    kernel = lambda a: a.flip(1, 2).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    return [kernel(a) if a.dim() == 4 else a for a in p], *(turned(job, a) for a in states)


def numpy(a):
    return a.numpy(force=True)


def arrays(job, p, buffer):
    kernel = lambda a: a.permute(0, 2, 3, 1).flip(1, 2)
    return [numpy(kernel(a) if a.dim() == 4 else a) for a in p], numpy(turned(job, buffer))


def draw(job, batch, buffer, data, labels):
    """Slots to be advanced, of which the first are started afresh, and a batch of the data, with labels where there are any."""
    slots, rows = torch.randint(job.rows, (2, batch), device=buffer.device)
    if fresh := job.fresh(batch):
        buffer.index_copy_(0, slots[:fresh], buffer.new_empty(fresh, job.dim).uniform_(LOW, HIGH))
    of_rows = labels.index_select(0, rows) if len(labels) else labels
    return slots, buffer.index_select(0, slots), data.index_select(0, rows), of_rows


def directions(job, out):
    """A function that fills out: normal, or signs, those of random bytes."""
    words = torch.empty(-(-out.numel() // 8), dtype=torch.int64)
    each = words.view(torch.int8)[: out.numel()].view_as(out)

    def signs():
        words.random_(torch.iinfo(torch.int64).min, None)
        return out.copy_(each.bitwise_or_(1).clamp_(-1, 1))

    return signs if job.score == "ssm" else out.normal_


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


def outputs(network, p, x):
    """E, or the logits of a classifier."""
    p = iter(p)
    take = lambda count: [next(p) for _ in range(count)]
    if network.convs:
        x = x.view(-1, *network.shape).permute(0, 3, 1, 2)
    for channels, stride in network.convs:
        w, b, scale, shift = take(4)
        y = few_channels(x, w, b, stride) if w.shape[1] <= 4 and x.is_cpu else F.conv2d(x, w, b, stride, 1)
        y = F.silu(F.group_norm(y, groups(channels), scale, shift, 1e-6))
        x = x + y if stride == 1 else y
    if network.convs:
        x = x.mean((2, 3))
    for _ in network.dense:
        x = F.silu(F.linear(x, *take(2)))
    w, b = p
    return F.linear(x, w, b) if network.classes else x @ w + b


def energy(network, p, x):
    f = outputs(network, p, x)
    return -f.logsumexp(1) if network.classes else f


def update(job, x, g, noise):
    """One Langevin step, in place."""
    x.add_(g.clamp_(-LIMIT, LIMIT), alpha=-STEP)
    if job.noise:
        x.add_(noise.normal_(), alpha=job.sigma)
    return x.clamp_(LOW, HIGH)


def noisy(job, x):
    return x.add_(torch.randn_like(x), alpha=job.data_noise).clamp_(LOW, HIGH) if job.noise else x


def objective(network, p, positive, negative, labels):
    """Of a classifier with the cross-entropy of the positive, whose logits are there."""
    f = outputs(network, p, torch.cat((positive, negative)))
    up, down = (-f.logsumexp(1) if network.classes else f).chunk(2)
    contrast = up.mean() - down.mean() + PENALTY * (up.square().mean() + down.square().mean())
    return contrast + F.cross_entropy(f[: len(positive)], labels) if network.classes else contrast


def autograd(job, given, threads):
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given, torch.contiguous_format)
    labels = torch.tensor(job.labels)
    one, noise = torch.ones(job.batch), torch.empty_like(chains)
    optimizer = torch.optim.Adam(p, lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)

    if job.score:
        out, fill = {}, directions(job, noise)
        for a in (chains, *p):
            a.requires_grad_()

        def score():
            v = fill()
            x = chains if job.score == "ssm" else torch.add(chains, v, alpha=DEVIATION)
            (g,) = torch.autograd.grad(energy(job.network, p, x), x, one, create_graph=True)
            if job.score == "ssm":
                s = (g * v).sum(1)
                (hv,) = torch.autograd.grad(s, x, one, create_graph=True)
                loss = (s.square() / 2 - (hv * v).sum(1)).mean()
            else:
                loss = (g - v / DEVIATION).square().sum(1).mean() / 2
            out["gradient"] = torch.autograd.grad(loss, p, materialize_grads=True)

        return score, lambda: ([*map(numpy, out["gradient"])], numpy(noise))

    def walk(x):
        for a in p:
            a.requires_grad_(False)
        for _ in range(job.steps):
            (g,) = torch.autograd.grad(energy(job.network, p, x.requires_grad_()), x, one)
            x = update(job, x.detach(), g, noise)
        return x

    if job.kind == "langevin":
        out = {}
        return lambda: out.update(x=walk(chains.clone())), lambda: numpy(turned(job, out["x"]))

    def step():
        slots, x, positive, of_rows = draw(job, job.batch, buffer, data, labels)
        x = walk(x)
        buffer.index_copy_(0, slots, x)
        for a in p:
            a.requires_grad_()
        optimizer.zero_grad()
        objective(job.network, p, noisy(job, positive), x, of_rows).backward()
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- eager, gradient by hand: no graph, every result in memory that is made once


def derivatives(z, s, d, f0, f1, f2, f3):
    """silu at z and its derivatives, of which the first and the last may be None. s, d: free for it."""
    torch.sigmoid(z, out=s)
    torch.addcmul(s, s, s, value=-1, out=d)  # of the sigmoid: first,
    if f0 is not None:
        torch.mul(z, s, out=f0)
    torch.addcmul(s, z, d, out=f1)
    torch.addcmul(d, d, s, value=-2, out=s)  # second,
    torch.mul(z, s, out=f2).add_(d, alpha=2)
    if f3 is not None:
        torch.addcmul(d, d, d, value=-6, out=d)  # third derivative
        torch.mul(z, d, out=f3).add_(s, alpha=3)


def sliced_by_hand(job, p, gradient, given):
    """Forward and back with x + e v to the order e^2: rows z, y, c of a layer are its value, first and second derivative."""
    (w1, b1, w2, b2, w3, _), (d1w, d1b, d2w, d2b, d3w, d3b) = p, gradient
    n, width = job.batch, job.network.dense[0]
    states = torch.cat((given, given))
    x, v = states.split(n)
    fill = directions(job, v)
    h, layer, q, k = torch.empty(4, 3 * n, width)
    r, (z1, y1, s, d) = torch.empty(2 * n, width), torch.empty(4, n, width)
    f1, f2, f3, g1, g2, g3, t1, t2 = torch.empty(8, n, width)
    (h0, h1, h2), (z2, y2, c2), (q0, q1, q2), (k0, k1, k2), (r0, r1) = (a.split(n) for a in (h, layer, q, k, r))
    slope, row = torch.empty(n), torch.empty(width)
    d3b.zero_()

    @torch.inference_mode()
    def call():
        fill()
        torch.addmm(b1, x, w1.t(), out=z1)
        torch.mm(v, w1.t(), out=y1)
        derivatives(z1, s, d, h0, f1, f2, f3)
        torch.mul(f1, y1, out=h1)
        torch.mul(f2.mul_(y1), y1, out=h2)
        torch.mm(h, w2.t(), out=layer)
        derivatives(z2.add_(b2), s, d, None, g1, g2, g3)
        g3.mul_(y2).mul_(y2).addcmul_(g2, c2)
        torch.mul(g1, y2, out=t1)
        torch.mul(g1, c2, out=t2).addcmul_(g2.mul_(y2), y2)
        torch.mv(t1, w3, out=slope).div_(n)
        torch.mv(t1.t(), slope, out=d3w).sub_(torch.sum(t2, 0, out=row), alpha=1 / n)
        torch.mul(g1.mul_(w3), -1 / n, out=q2)
        torch.mul(g1, slope[:, None], out=q1).sub_(g2.mul_(w3), alpha=2 / n)
        torch.mul(g2, slope[:, None], out=q0).sub_(g3.mul_(w3), alpha=1 / n)
        torch.mm(q, w2, out=k)
        torch.mul(f1, k1, out=r1).addcmul_(f2, k2, value=2)
        torch.mul(f1, k0, out=r0).addcmul_(f2, k1).addcmul_(f3.mul_(y1).mul_(y1), k2)
        torch.mm(q.t(), h, out=d2w)
        torch.sum(q0, 0, out=d2b)
        torch.mm(r.t(), states, out=d1w)
        torch.sum(r0, 0, out=d1b)

    return call, v


def denoised_by_hand(job, p, gradient, given):
    """Forward and back with x + DEVIATION z + e u to the order e, where u = dE/dx - z / DEVIATION."""
    (w1, b1, w2, b2, w3, _), (d1w, d1b, d2w, d2b, d3w, d3b) = p, gradient
    n, width = job.batch, job.network.dense[0]
    states, noise = torch.empty(2 * n, job.dim), torch.empty_like(given)
    x, u = states.split(n)
    h, q, r = torch.empty(3, 2 * n, width)
    (h0, h1), (q0, q1), (r0, r1) = (a.split(n) for a in (h, q, r))
    z1, z2, y1, y2, s, d, f1, f2, g1, g2, k0, k1 = torch.empty(12, n, width)
    d3b.zero_()

    @torch.inference_mode()
    def call():
        torch.add(given, noise.normal_(), alpha=DEVIATION, out=x)
        torch.addmm(b1, x, w1.t(), out=z1)
        derivatives(z1, s, d, h0, f1, f2, None)
        torch.addmm(b2, h0, w2.t(), out=z2)
        derivatives(z2, s, d, None, g1, g2, None)
        torch.mm(torch.mul(g1, w3, out=q1), w2, out=k1)
        torch.addmm(noise, torch.mul(f1, k1, out=r1), w1, beta=-1 / (DEVIATION * n), alpha=1 / n, out=u)
        torch.mm(u, w1.t(), out=y1)
        torch.mm(torch.mul(f1, y1, out=h1), w2.t(), out=y2)
        torch.sum(g1.mul_(y2), 0, out=d3w)
        torch.mm(torch.mul(g2, y2, out=q0).mul_(w3), w2, out=k0)
        torch.mul(f1, k0, out=r0).addcmul_(f2.mul_(y1), k1)
        torch.mm(q.t(), h, out=d2w)
        torch.sum(q0, 0, out=d2b)
        torch.mm(r.t(), states, out=d1w)
        torch.sum(r0, 0, out=d1b)

    return call, noise


def by_hand(job, given, threads):
    if job.network.convs:
        return None
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given)
    flat = torch.cat([a.reshape(-1) for a in p])
    cut = lambda whole: [s.view(a.shape) for s, a in zip(whole.split([a.numel() for a in p]), p)]
    p = w1, b1, w2, b2, w3, b3 = cut(flat)
    flat.grad = torch.empty_like(flat)
    d1w, d1b, d2w, d2b, d3w, d3b = gradients = cut(flat.grad)
    if job.score:
        call, v = (sliced_by_hand if job.score == "ssm" else denoised_by_hand)(job, p, gradients, chains)
        return call, lambda: ([*map(numpy, gradients)], numpy(v))
    optimizer = torch.optim.Adam([flat], lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)
    silu, silu_back = aten.silu.out, aten.silu_backward.grad_input
    noise = torch.empty_like(chains)

    def forward(x, w1t, w2t, z1, h1, z2):
        torch.addmm(b1, x, w1t, out=z1)
        torch.addmm(b2, silu(z1, out=h1), w2t, out=z2)

    def backward(g2, g1, z1):
        silu_back(torch.mm(g2, w2, out=g1), z1, grad_input=g1)

    classes = job.network.classes
    rows = torch.empty(2, 2 * job.batch, max(classes, 1))  # logits, shares

    def walk(x, z1, h1, z2, h2, g=torch.empty_like(chains)):
        w1t, w2t, top = w1.t(), w2.t(), None if classes else w3.expand_as(z2)
        f, share = rows[:, : job.batch]
        if job.steps > 8:  # one copy for the whole chain pays
            w1t, w2t = w1t.contiguous(), w2t.contiguous()
        for _ in range(job.steps):
            forward(x, w1t, w2t, z1, h1, z2)
            if classes:
                torch.addmm(b3, silu(z2, out=h2), w3.t(), out=f)
                top = torch.mm(torch.softmax(f, 1, out=share).neg_(), w3, out=h2)
            backward(silu_back(top, z2, grad_input=z2), h1, z1)
            update(job, x, torch.mm(h1, w1, out=g), noise)
        return x

    space = torch.empty(5, 2 * job.batch, job.network.dense[0])
    half = space[:4, : job.batch]
    if job.kind == "langevin":
        x = torch.empty_like(chains)

        @torch.inference_mode()
        def call():
            walk(x.copy_(chains), *half)

        return call, lambda: numpy(x)

    sign = torch.ones(2 * job.batch)
    sign[job.batch :] = -1

    labels = torch.tensor(job.labels)
    less = torch.full((job.batch, 1), -1 / job.batch)

    @torch.inference_mode()
    def gradient(x, c, g2, of_rows):
        z1, h1, z2, h2, g1 = space
        forward(x, w1.t(), w2.t(), z1, h1, z2)
        if classes:
            f, share = rows
            torch.addmm(b3, silu(z2, out=h2), w3.t(), out=f)
            torch.logsumexp(f, 1, out=c).mul_(2 * PENALTY).sub_(sign).div_(job.batch)
            c[: job.batch].add_(1 / job.batch)  # of the cross-entropy
            g3 = torch.softmax(f, 1, out=share).mul_(c[:, None])
            g3[: job.batch].scatter_add_(1, of_rows[:, None], less)
            torch.mm(g3.t(), h2, out=d3w)
            torch.sum(g3, 0, out=d3b)
            torch.mm(g3, w3, out=g2)
        else:
            torch.mv(silu(z2, out=h2), w3, out=c)
            c.add_(b3).mul_(2 * PENALTY).add_(sign).div_(job.batch)
            torch.mv(h2.t(), c, out=d3w)
            torch.sum(c, 0, out=d3b)
            torch.outer(c, w3, out=g2)
        silu_back(g2, z2, grad_input=g2)
        backward(g2, g1, z1)
        torch.mm(g2.t(), h1, out=d2w)
        torch.sum(g2, 0, out=d2b)
        torch.mm(g1.t(), x, out=d1w)
        torch.sum(g1, 0, out=d1b)

    c, g2 = torch.empty(2 * job.batch), torch.empty(2 * job.batch, job.network.dense[0])

    def step():
        with torch.inference_mode():
            slots, x, positive, of_rows = draw(job, job.batch, buffer, data, labels)
            walk(x, *half)
            buffer.index_copy_(0, slots, x)
            gradient(torch.cat((noisy(job, positive), x)), c, g2, of_rows)
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- compiled, as most would: one Langevin step, the parameter gradient; the loop in Python


def sliced(network, p, x, v):
    """Forward within, reverse without."""

    def slope(x):
        s = torch.func.jvp(lambda x: energy(network, p, x), (x,), (v,))[1]
        return s.sum(), s

    hv, s = torch.func.grad(slope, has_aux=True)(x)
    return (s.square() / 2 - (hv * v).sum(1)).mean()


def denoised(network, p, x, z):
    g = torch.func.grad(lambda x: energy(network, p, x).sum())(x + DEVIATION * z)
    return (g - z / DEVIATION).square().sum(1).mean() / 2


def compiled_step(job, given, threads):
    torch.set_num_threads(threads)
    p, chains, buffer, data = tensors(job, given)
    noise, labels = torch.zeros_like(chains), torch.tensor(job.labels)

    @torch.compile(dynamic=False)
    def langevin(p, x, noise):
        g = torch.func.grad(lambda x: energy(job.network, p, x).sum())(x)
        return (x - STEP * g.clamp(-LIMIT, LIMIT) + job.sigma * noise).clamp(LOW, HIGH)

    @torch.compile(dynamic=False)
    def gradient(p, positive, negative, of_rows):
        return torch.func.grad(lambda p: objective(job.network, p, positive, negative, of_rows))(p)

    optimizer = torch.optim.Adam(p, lr=job.rate, betas=(0.0, BETA2), eps=job.epsilon, fused=True)
    for a in p:
        a.requires_grad_(False)

    if job.score:
        out, fill = {}, directions(job, noise)
        loss = sliced if job.score == "ssm" else denoised
        score = torch.compile(lambda p, x, v: torch.func.grad(lambda p: loss(job.network, p, x, v))(p), dynamic=False)

        @torch.no_grad()
        def call():
            out["gradient"] = score(p, chains, fill())

        return call, lambda: ([*map(numpy, out["gradient"])], numpy(noise))

    def walk(x):  # noise from ATen: Inductor's own generator is not vectorized on a CPU, seven times slower
        for _ in range(job.steps):
            x = langevin(p, x, noise.normal_() if job.noise else noise)
        return x

    if job.kind == "langevin":
        out = {}

        @torch.no_grad()
        def call():
            out["x"] = walk(chains)

        return call, lambda: numpy(turned(job, out["x"]))

    @torch.no_grad()
    def step():
        slots, x, positive, of_rows = draw(job, job.batch, buffer, data, labels)
        x = walk(x)
        buffer.index_copy_(0, slots, x)
        for a, g in zip(p, gradient(p, noisy(job, positive), x, of_rows)):
            a.grad = g
        optimizer.step()

    return step, lambda: arrays(job, p, buffer)


# ---- compiled, strongest: the chain is one C++ loop, its noise is computed in it; optionally each thread has its own chains


def philox(count, at):
    """Philox4x32-10 in tensor operations, which Inductor vectorizes: four words of 32 bits, each count times."""
    mask, k0, k1 = 0xFFFFFFFF, 1234, 5678
    c0 = torch.arange(count, dtype=torch.int64)
    c1, c2, c3 = at[0], at[1], torch.zeros_like(c0)
    for _ in range(10):
        p, q = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = ((q >> 32) & mask) ^ c1 ^ k0, q & mask, ((p >> 32) & mask) ^ c3 ^ k1, p & mask
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return c0, c1, c2, c3


def normal(shape, at):
    """Box-Muller. at: step, stream."""
    c0, c1, c2, c3 = philox(shape[0] * shape[1] // 4, at)
    unit = lambda c: (c >> 8).to(torch.int32).float() * 2**-24
    pair = lambda a, b: ((-2 * torch.log(1 - unit(a))).sqrt(), unit(b) * 6.283185307179586)
    (r, a), (s, b) = pair(c0, c1), pair(c2, c3)
    return torch.cat((r * a.cos(), r * a.sin(), s * b.cos(), s * b.sin())).view(shape)


def signs(shape, at):
    """Of every bit one."""
    count = shape[0] * shape[1]
    words = torch.cat(philox(-(-count // 128), at)).to(torch.int32)
    bits = (words >> torch.arange(32, dtype=torch.int32)[:, None]) & 1
    return (2 * bits - 1).float().view(-1)[:count].view(shape)


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
        _, d1, h2, d2 = layers(p, x, w1t, w2t)
        top = -torch.softmax(torch.addmm(p[5], h2, p[4].t()), 1) @ p[4] if job.network.classes else p[4]
        return (top * d2 @ p[2] * d1) @ p[0]

    return gradient


def parameter_slope(job, p, positive, negative, labels, parts):
    """Of the objective of one of the parts of a batch."""
    if job.network.convs:
        return torch.func.grad(lambda p: objective(job.network, p, positive, negative, labels) / parts)(p)
    both = torch.cat((positive, negative))
    h1, d1, h2, d2 = layers(p, both, p[0].t(), p[2].t())
    sign = torch.where(torch.arange(len(both)) < len(positive), 1.0, -1.0)
    if job.network.classes:
        f = torch.addmm(p[5], h2, p[4].t())
        total = f.logsumexp(1, keepdim=True)
        ce = (sign[:, None] + 1) / 2  # the cross-entropy: of the positive
        one = ce * (torch.arange(job.network.classes) == torch.cat((labels, labels))[:, None])
        c = ((ce - sign[:, None] + 2 * PENALTY * total) * (f - total).exp() - one) / job.batch
        g2 = c @ p[4] * d2
    else:
        c = (sign + 2 * PENALTY * (h2 @ p[4] + p[5])) / job.batch
        g2 = c[:, None] * p[4] * d2
    g1 = g2 @ p[2] * d1
    last = [c.t() @ h2, c.sum(0)] if job.network.classes else [c @ h2, c.sum()]
    return [g1.t() @ both, g1.sum(0), g2.t() @ h1, g2.sum(0), *last]


def silu_series(z):
    """silu and its three derivatives."""
    s = torch.sigmoid(z)
    d = s * (1 - s)
    m = 1 - 2 * s
    return z * s, s + z * d, d * (2 + z * m), d * (3 * m + z * (1 - 6 * d))


def sliced_slope(job, p, x, v):
    """The gradient of sliced score matching: as sliced_by_hand, but of a part of the batch."""
    w1, b1, w2, b2, w3, b3 = p
    n, share = len(x), 1 / job.batch
    f0, f1, f2, f3 = silu_series(torch.addmm(b1, x, w1.t()))
    y1 = v @ w1.t()
    h = torch.cat((f0, f1 * y1, f2 * y1 * y1))
    z2, y2, c2 = (h @ w2.t()).split(n)
    _, g1, g2, g3 = silu_series(z2 + b2)
    t1, t2 = g1 * y2, g2 * y2 * y2 + g1 * c2
    a = share * (t1 @ w3)[:, None]
    q0 = (a * g2 * y2 - share * (g3 * y2 * y2 + g2 * c2)) * w3
    q1 = (a * g1 - 2 * share * g2 * y2) * w3
    q = torch.cat((q0, q1, -share * g1 * w3))
    k0, k1, k2 = (q @ w2).split(n)
    r0, r1 = f1 * k0 + f2 * y1 * k1 + f3 * y1 * y1 * k2, f1 * k1 + 2 * f2 * y1 * k2
    dw1 = torch.cat((r0, r1)).t() @ torch.cat((x, v))
    return [dw1, r0.sum(0), q.t() @ h, q0.sum(0), (a * t1 - share * t2).sum(0), torch.zeros_like(b3)]


def denoised_slope(job, p, x, z):
    """As denoised_by_hand, but of a part of the batch; here products of whole matrices are no gain."""
    w1, b1, w2, b2, w3, b3 = p
    x = x + DEVIATION * z
    f0, f1, f2, _ = silu_series(torch.addmm(b1, x, w1.t()))
    _, g1, g2, _ = silu_series(torch.addmm(b2, f0, w2.t()))
    q1 = g1 * w3
    k1 = q1 @ w2
    r1 = f1 * k1
    u = (r1 @ w1 - z / DEVIATION) / job.batch
    y1 = u @ w1.t()
    h1 = f1 * y1
    y2 = h1 @ w2.t()
    q0 = g2 * y2 * w3
    r0 = f1 * (q0 @ w2) + f2 * y1 * k1
    dw1 = torch.addmm(r0.t() @ x, r1.t(), u)
    dw2 = torch.addmm(q0.t() @ f0, q1.t(), h1)
    return [dw1, r0.sum(0), dw2, q0.sum(0), (g1 * y2).sum(0), torch.zeros_like(b3)]


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
    v, labels = [torch.zeros_like(a) for a in p], torch.tensor(job.labels)
    at = [torch.tensor([0, part]) for part in range(parts)]
    walk = torch.compile(lambda p, x, at: walk_in_graph(job, p, x, at), options=CPP, dynamic=False)

    @torch.compile(options=CPP, dynamic=False)
    def advance(p, x, positive, of_rows, at):
        x = walk_in_graph(job, p, x, at)
        if job.noise:
            last = torch.stack((at[0] + job.steps, at[1]))
            positive = (positive + job.data_noise * normal(positive.shape, last)).clamp(LOW, HIGH)
        return x, parameter_slope(job, p, positive, x, of_rows, parts)

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
    parted = lambda a: a.dim() and len(a) % parts == 0
    pieces = lambda tensors, part: [a.chunk(parts)[part] if parted(a) else a for a in tensors if parted(a) or not part]
    if job.score:
        given, seen = chains.chunk(parts), [()] * parts

        @torch.compile(options=CPP, dynamic=False)
        def score(p, x, at):
            v = (signs if job.score == "ssm" else normal)(x.shape, at)
            gradient = (sliced_slope if job.score == "ssm" else denoised_slope)(job, p, x, v)
            return gradient, () if job.noise else (v,)

        @torch.inference_mode()
        def work(part):
            at[part][0] += 1
            results[part], seen[part] = score(p, given[part], at[part])

        @torch.inference_mode()
        def add(part):
            for other in results[1:]:
                torch._foreach_add_(pieces(results[0], part), pieces(other, part))

        call = lambda: (each(work), each(add)) if parts > 1 else work(0)
        return call, lambda: ([a.numpy() for a in results[0]], torch.cat([v for v, in seen]).numpy())

    if job.kind == "langevin":
        given = chains.chunk(parts)

        @torch.inference_mode()
        def work(part):
            at[part][0] += job.steps
            results[part] = walk(p, given[part], at[part])

        return lambda: each(work), lambda: turned(job, torch.cat(results)).numpy()

    updates, drawn, correction = 0, (), torch.zeros(())

    @torch.inference_mode()
    def sample(part):
        at[part][0] += job.steps + 1
        slots, x, positive, of_rows = (a.chunk(parts)[part] if len(a) else a for a in drawn)
        x, results[part] = advance(p, x, positive, of_rows, at[part])
        buffer.index_copy_(0, slots, x)

    @torch.inference_mode()
    def improve(part):
        adam(pieces(p, part), pieces(v, part), [pieces(g, part) for g in results], correction)

    def step():
        nonlocal updates, drawn
        updates += 1
        drawn = draw(job, job.batch, buffer, data, labels)
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
