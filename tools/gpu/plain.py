"""The network and its loss in ordinary PyTorch operations: the reference, and a fallback where our kernels do not run.

This defines the network of `pidinet.torch` again, for three reasons: parameters are views of one vector, so that an
optimiser's step is a few operations; nothing may be copied from the host, because a step is replayed as one graph; and the
machine with the GPU may have nothing but PyTorch. `check.py` compares the two.
"""

import torch
from torch.nn import functional as F

from parameters import ANGULAR, DILATIONS, INNER, KINDS, OUTER, STAGES, named


class Folding:
    """Folds pixel differences with tables that are already on the device, since a captured step must not copy from the host."""

    def __init__(self, device):
        place = torch.full((25,), 16)
        place[OUTER + INNER] = torch.arange(16)
        self.angular, self.place = torch.tensor(ANGULAR, device=device), place.to(device)

    def __call__(self, kind, weight):
        """The ordinary kernel equivalent to `weight` `[out, in, 3, 3]` on pixel differences."""
        taps = weight.flatten(2)
        if kind == "cd":
            taps = taps - F.pad(taps.sum(2, keepdim=True), (4, 4))
        elif kind == "ad":
            taps = taps - taps.index_select(2, self.angular)
        elif kind == "rd":
            pair = F.pad(torch.cat([taps[:, :, 1:], -taps[:, :, 1:]], 2), (0, 1))
            return pair.index_select(2, self.place).view(*weight.shape[:2], 5, 5)
        return taps.view(weight.shape)


def sides(size, vector, image, folding, dtype):
    """The one-channel map `[n, 1, h, w]` of each of four stages at its resolution; `image` is `[n, 3, h, w]`."""
    p = named(size, vector)

    def conv(x, weight, bias=None, **options):
        bias = None if bias is None else bias.to(dtype)
        return F.conv2d(x, weight.to(dtype, memory_format=torch.channels_last), bias, **options)

    kinds = iter(KINDS)
    x = image.to(dtype).contiguous(memory_format=torch.channels_last)
    x = conv(x, folding(next(kinds), p["init_block.weight"]), padding=1)
    found = []
    for stage, blocks in enumerate(STAGES):
        for block in range(1, blocks + 1):
            name = f"block{stage + 1}_{block}"
            if stage and block == 1:
                x = F.max_pool2d(x, 2, 2)
            weight = folding(next(kinds), p[f"{name}.conv1.weight"])
            y = conv(x, weight, padding=weight.shape[-1] // 2, groups=x.shape[1])
            y = conv(F.relu(y), p[f"{name}.conv2.weight"])
            if stage and block == 1:
                x = conv(x, p[f"{name}.shortcut.weight"], p[f"{name}.shortcut.bias"])
            x = x + y
        at = f"dilations.{stage}"
        z = conv(F.relu(x), p[f"{at}.conv1.weight"], p[f"{at}.conv1.bias"])
        branches = enumerate(DILATIONS, start=1)
        z = sum(conv(z, p[f"{at}.conv2_{i}.weight"], padding=d, dilation=d) for i, d in branches)
        at = f"attentions.{stage}"
        gate = conv(F.relu(z), p[f"{at}.conv1.weight"], p[f"{at}.conv1.bias"])
        gate = torch.sigmoid(conv(gate, p[f"{at}.conv2.weight"], padding=1))
        at = f"conv_reduces.{stage}.conv"
        found.append(conv(z * gate, p[f"{at}.weight"], p[f"{at}.bias"]))
    return found


def logits(size, vector, image, folding, dtype):
    """The four side maps and the fused one before the sigmoid, `[n, 5, h, w]`, at least float32."""
    found = sides(size, vector, image, folding, dtype)
    wide = torch.promote_types(dtype, torch.float32)
    shape = image.shape[2:]
    found = [F.interpolate(side.to(wide), shape, mode="bilinear", align_corners=False) for side in found]
    return fuse(size, vector, torch.cat(found, 1))


def fuse(size, vector, four):
    """Adds the fused map to four of the image's size."""
    p = named(size, vector)
    weight, bias = p["classifier.weight"], p["classifier.bias"]
    return torch.cat([four, (four * weight.view(1, 4, 1, 1)).sum(1, keepdim=True) + bias], 1)


def balance(truth, lam):
    """The weights of a positive and of a negative pixel of each image, each `[n, 1, 1, 1]`; truth is 0, 1, or 2 for ignored."""
    positive = (truth == 1).sum((1, 2), keepdim=True).double()[:, None]
    negative = (truth == 0).sum((1, 2), keepdim=True).double()[:, None]
    total = (positive + negative).clamp(min=1)
    return negative / total, lam * positive / total


def scales(truth, teacher, trust, photo, lam):
    """The weights of a positive pixel, a negative one and one of the teacher's map in each image, `[n, 3]`. The teacher's
    term is that of `pidinet train` (docs/training.md): on the fused map alone, every pixel alike, with `trust` 1 as much
    as the truth of one map; without truth, as the teacher's own map sees it, times `photo`."""
    n = truth.shape[0]
    on, off = (each.flatten() for each in balance(truth, lam))
    if teacher is None:
        return torch.stack([on / n, off / n, torch.zeros_like(on)], 1)
    inside = teacher >= 0
    area = inside.sum((1, 2)).clamp(min=1).double()
    taught = torch.where(inside, teacher, 0).sum((1, 2)).double()
    positive, negative = ((truth == code).sum((1, 2)).double() for code in (1, 0))
    known = (positive > 0) & (negative > 0)
    positive, negative = torch.where(known, positive, taught), torch.where(known, negative, area - taught)
    mass = (1 + lam) * positive * negative / (positive + negative).clamp(min=1)
    share = torch.where((truth < 2).any(2).any(1), trust, photo)
    return torch.stack([on / n, off / n, share * mass / area / n], 1)


def loss(maps, truth, teacher, trust, photo, lam):
    """The class-balanced loss of five maps, summed over pixels and maps of each image, and averaged over images; and the
    teacher's term."""
    positive, negative, share = (each.to(maps.dtype).view(-1, 1, 1) for each in scales(truth, teacher, trust, photo, lam).unbind(1))
    weight, target = positive * (truth == 1) + negative * (truth == 0), (truth == 1).to(maps.dtype)
    each = F.binary_cross_entropy_with_logits(maps, target[:, None].expand_as(maps), reduction="none")
    value = (each * weight[:, None]).sum()
    if teacher is None:
        return value
    each = F.binary_cross_entropy_with_logits(maps[:, 4], teacher.clamp(0, 1).to(maps.dtype), reduction="none")
    return value + (each * share * (teacher >= 0)).sum()
