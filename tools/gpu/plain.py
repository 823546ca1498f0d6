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


USUAL = 0.97, 0.033  # balance of a photograph of BSDS500, where no image of a step has truth


def scales(truth, teacher, trust, photo, lam):
    """What the terms of each image weigh, `[n, 5]`: a positive pixel, a negative one, the teacher's map, and the two
    weights with which the teacher's map is read (see `goal`). The teacher has the share `trust` of an image with
    truth, and `photo` of one without, which is balanced as the others are on average."""
    n = truth.shape[0]
    on, off = (each.flatten() for each in balance(truth, lam))
    if teacher is None:
        return torch.stack([on / n, off / n, *[torch.zeros_like(on)] * 3], 1)
    known = (truth < 2).any(2).any(1)
    count = known.sum()
    means = [torch.where(count > 0, (each * known).sum() / count.clamp(min=1), usual) for each, usual in zip((on, off), USUAL)]
    share = torch.where(known, trust, photo)
    readings = [torch.where(known, each, mean) for each, mean in zip((on, off), means)]
    return torch.stack([on * (1 - share) / n, off * (1 - share) / n, share / n, *readings], 1)


def goal(truth, teacher, scales):
    """The weight of each pixel and the probability to learn there, `[n, h, w]` each.

    The class-balanced loss with weights `a` for positives and `b` for negatives is least at `t = a·q / (a·q + b·(1 - q))`
    where a share q of annotators would draw a line. So a teacher's map t tells q, and its term is what the loss would
    be on average: cross-entropy with t, times `a·q + b·(1 - q) = a·b / (a·(1 - t) + b·t)`."""
    positive, negative, share, a, b = (each.view(-1, 1, 1) for each in scales.unbind(1))
    weight, target = positive * (truth == 1) + negative * (truth == 0), positive * (truth == 1)
    if teacher is not None:
        t = teacher.clamp(0, 1).to(scales.dtype)
        taught = torch.where(teacher >= 0, share * a * b / (a * (1 - t) + b * t).clamp(min=1e-6), 0)
        weight, target = weight + taught, target + taught * t
    return weight, target / weight.clamp(min=1e-12)


def loss(maps, truth, teacher, trust, photo, lam):
    """The class-balanced loss of five maps, summed over pixels and maps of each image, and averaged over images."""
    weight, target = (each.to(maps.dtype)[:, None] for each in goal(truth, teacher, scales(truth, teacher, trust, photo, lam)))
    return (F.binary_cross_entropy_with_logits(maps, target.expand_as(maps), reduction="none") * weight).sum()
