"""The weights that kernels multiply with, gathered from the vector of parameters, and gradients brought back.

Every weight is a parameter, a sum of a few with signs (differences, folded), or zero (channels added for alignment). So
one table of positions and signs folds, transposes and pads all of them in one operation.
"""

import math

import numpy as np
import torch

from parameters import ANGULAR, KINDS, SIZES, STAGES, shapes


def aligned(channels):
    return (channels + 7) // 8 * 8


def power(channels):
    """The least power of two that is large enough, at least 16, as a kernel's matrix product needs."""
    return max(16, 1 << (channels - 1).bit_length())


def taps(kind):
    """For each of nine taps, which of the nine weights it is the sum of, as (weight, sign); for radial ones, tap and direction."""
    if kind == "cd":
        return [[(k, 1)] if k != 4 else [(j, -1) for j in range(9) if j != 4] for k in range(9)]
    if kind == "ad":
        return [[(k, 1), (ANGULAR[k], -1)] if k != 4 else [] for k in range(9)]
    if kind == "rd":
        return [[] if t == 4 else [(t + 1 if t < 4 else t, 1)] for t in range(9)]
    return [[(k, 1)] for k in range(9)]


class Tables:
    """Which parameters each weight is, on the host."""

    def __init__(self, size):
        self.place, start = {}, 0
        for name, shape in shapes(size):
            self.place[name] = (start + np.arange(math.prod(shape))).reshape(shape)
            start += math.prod(shape)
        self.count = start
        self.dense, self.folded = {}, {}
        c, m = SIZES[size]
        kinds = iter(KINDS)
        self.fold_stem(next(kinds), c)
        before = c
        for stage, blocks in enumerate(STAGES):
            after = c * (1, 2, 4, 4)[stage]
            for block in range(1, blocks + 1):
                name = f"block{stage + 1}_{block}"
                self.fold_taps(f"{name}.conv1", next(kinds), before)
                self.matrix(f"{name}.conv2", before, after)
                if stage and block == 1:
                    self.matrix(f"{name}.shortcut", before, after)
                    self.bias(f"{name}.shortcut", after)
                before = after
            self.matrix(f"dilations.{stage}.conv1", after, m)
            self.bias(f"dilations.{stage}.conv1", m)
            wide = power(aligned(m))
            branches = np.full((4, 9, wide, wide), self.count)
            for i in range(4):
                weight = self.place[f"dilations.{stage}.conv2_{i + 1}.weight"].reshape(m, m, 9)
                branches[i, :, :m, :m] = weight.transpose(2, 1, 0)
            self.dense[f"dilations.{stage}.conv2"] = branches.reshape(36, wide, wide)
            at = f"attentions.{stage}"
            self.matrix(f"{at}.conv1", m, 4, pad_output=False)
            self.dense[f"{at}.conv1.bias"] = self.place[f"{at}.conv1.bias"]
            self.dense[f"{at}.conv2"] = self.place[f"{at}.conv2.weight"]
            self.matrix(f"conv_reduces.{stage}.conv", m, 1, pad_output=False)
            self.dense[f"conv_reduces.{stage}.conv.bias"] = self.place[f"conv_reduces.{stage}.conv.bias"]
        self.dense["classifier"] = self.place["classifier.weight"].reshape(4)
        self.dense["classifier.bias"] = self.place["classifier.bias"]

    def matrix(self, name, inputs, outputs, pad_output=True):
        table = np.full((aligned(inputs), aligned(outputs) if pad_output else outputs), self.count)
        table[:inputs, :outputs] = self.place[f"{name}.weight"].reshape(outputs, inputs).T
        self.dense[name] = table

    def bias(self, name, outputs):
        table = np.full(aligned(outputs), self.count)
        table[:outputs] = self.place[f"{name}.bias"]
        self.dense[f"{name}.bias"] = table

    def fold_taps(self, name, kind, channels):
        """`[9, C]`."""
        weight = self.place[f"{name}.weight"].reshape(channels, 9)
        self.folded[name] = self.fold(kind, (9, aligned(channels)), lambda t, k: ((t, slice(channels)), weight[:, k]))

    def fold_stem(self, kind, channels):
        """`[64, C]`: row `4 * tap + colour`."""
        weight = self.place["init_block.weight"].reshape(channels, 3, 9)
        rows = lambda t, k: ((slice(4 * t, 4 * t + 3), slice(channels)), weight[:, :, k].T)
        self.folded["init_block"] = self.fold(kind, (64, aligned(channels)), rows)

    def fold(self, kind, shape, where):
        index, sign = np.full((*shape, 8), self.count), np.zeros((*shape, 8), np.float32)
        for t, terms in enumerate(taps(kind)):
            for term, (k, positive) in enumerate(terms):
                place, weight = where(t, k)
                index[(*place, term)], sign[(*place, term)] = weight, positive
        return index, sign


class Working:
    """The tables on a device. Calling it with the vector returns the weights by name, which know where their gradients belong."""

    def __init__(self, size, device):
        tables = Tables(size)
        self.names = list(tables.dense), list(tables.folded)
        self.shapes = [each.shape for each in tables.dense.values()], [each[0].shape[:-1] for each in tables.folded.values()]
        # In the flat vector every matrix begins at a multiple of eight numbers, so that kernels may load 16 bytes at once.
        filled = [np.pad(each.ravel(), (0, -each.size % 8), constant_values=tables.count) for each in tables.dense.values()]
        dense = np.concatenate(filled)
        index = np.concatenate([each[0].reshape(-1, 8) for each in tables.folded.values()])
        sign = np.concatenate([each[1].reshape(-1, 8) for each in tables.folded.values()])
        back = np.full(tables.count, len(dense))
        known = dense < tables.count
        back[dense[known]] = np.flatnonzero(known)
        rows, terms = np.nonzero(index < tables.count)
        owners = index[rows, terms]
        order = np.argsort(owners, kind="stable")
        rank = np.arange(len(order)) - np.searchsorted(owners[order], owners[order])
        assert rank.max() < 2, "a weight is part of at most two taps"
        back_folded = np.full((tables.count, 2), len(index))
        back_sign = np.zeros((tables.count, 2), np.float32)
        back_folded[owners[order], rank] = rows[order]
        back_sign[owners[order], rank] = sign[rows, terms][order]
        tensors = (dense, index, sign, back, back_folded, back_sign)
        self.tables = [torch.from_numpy(each).to(device) for each in tensors]

    def __call__(self, vector, dtype):
        """The weights by name, and those of matrices in the type of activations and without gradients."""
        dense, folded = Gather.apply(vector, *self.tables)
        weights = self.parts(dense, 0) | self.parts(folded, 1)
        return weights, self.parts(dense.detach().to(dtype), 0)

    def parts(self, flat, which):
        sizes = [math.prod(shape) for shape in self.shapes[which]]
        cuts = [cut for size in sizes for cut in (size, -size % 8) if cut]
        parts = iter(flat.split(cuts))
        found = {}
        for name, shape, size in zip(self.names[which], self.shapes[which], sizes):
            found[name] = next(parts).view(shape)
            if size % 8:
                next(parts)
        return found


def with_zero(vector):
    return torch.nn.functional.pad(vector, (0, 1))


class Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, vector, dense, index, sign, back, back_folded, back_sign):
        ctx.tables = back, back_folded, back_sign.to(vector.dtype)
        source = with_zero(vector)
        return source[dense], (source[index] * sign.to(vector.dtype)).sum(1)

    @staticmethod
    def backward(ctx, dense, folded):
        back, back_folded, back_sign = ctx.tables
        return (with_zero(dense)[back] + (with_zero(folded)[back_folded] * back_sign).sum(1), *[None] * 6)
