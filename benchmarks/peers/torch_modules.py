# SPDX-License-Identifier: Apache-2.0
"""The modules of PyTorch that basin's layers are, where torch.nn has none: their parameters have the names that
basin::energy::tensors gives. Images are (batch, channels, height, width)."""

import torch
from torch import nn


class Conv2dSame(nn.Conv2d):
    """basin's Conv2d with padding::Same: ceil(size / stride) positions, the odd zero behind, as in TensorFlow."""

    def forward(self, x):
        pads = []
        for size, kernel, stride in zip(reversed(x.shape[-2:]), reversed(self.kernel_size), reversed(self.stride)):
            zeros = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [zeros // 2, zeros - zeros // 2]
        return super().forward(nn.functional.pad(x, pads))


class Residual(nn.Module):
    """F(x) + x, or F(x) + P x, F a Sequential, P a 1x1 convolution or a Linear."""

    def __init__(self, *layers, projection=None):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.projection = projection

    def forward(self, x):
        return self.body(x) + (x if self.projection is None else self.projection(x))


class Sum(nn.ModuleList):
    """Branches of the same input, each a module, or a Sequential for a layer::Sequence."""

    def forward(self, x):
        return sum(branch(x) for branch in self)


class Gain(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.gain * x


class RmsNorm(nn.Module):
    """Of an image: one mean square, of all of it; a weight for each channel. Of a vector it is nn.RMSNorm."""

    def __init__(self, channels, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(channels)), eps

    def forward(self, x):
        return x * self.weight[:, None, None] / (x.square().mean((1, 2, 3), keepdim=True) + self.eps).sqrt()


class DotProductAttention(nn.Module):
    """Channels are queries, keys and values."""

    def __init__(self, keys):
        super().__init__()
        self.keys = keys

    def forward(self, x):
        query, key, value = x.flatten(2).split([self.keys, self.keys, x.shape[1] - 2 * self.keys], 1)
        weights = (query.transpose(1, 2) @ key).softmax(-1)  # (batch, position, position that is read)
        return (value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])


class SelfAttention(Residual):
    def __init__(self, channels, keys):
        super().__init__(nn.Conv2d(channels, channels + 2 * keys, 1, bias=False), DotProductAttention(keys), Gain())


class Scale(nn.Module):
    def __init__(self, factor, shift=0.0):
        super().__init__()
        self.factor, self.shift = factor, shift

    def forward(self, x):
        return self.factor * x + self.shift


class Square(nn.Module):
    def forward(self, x):
        return x * x


class MeanPool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class SumPool(nn.Module):
    def forward(self, x):
        return x.sum((2, 3))


class Downsample(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride]
