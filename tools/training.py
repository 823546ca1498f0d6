"""Writes PyTorch's results for a few training steps, as the reference for `pidinet-train`.

Our own definition of the network in PyTorch: differences are folded into weights by tensor operations, gradients come
from autograd, steps from torch.optim. Random weights and images only.

    python tools/training.py crates/pidinet-train/tests/data/training.safetensors
    python tools/training.py time      # beside: cargo run --release -p pidinet-train --example time_step
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).parent / "gpu"))
from parameters import ANGULAR, INNER, KINDS, OUTER, STAGES, shapes_of  # noqa: E402


def difference(x, w, kind, groups, theta):
    """A pixel difference convolution of `x` with raw weights `w` `[out, in / groups, 3, 3]`."""
    flat = w.flatten(2)
    if kind == "cd":
        centre = flat.sum(2, keepdim=True)
        flat = flat - theta * F.pad(centre, (4, 4))
    elif kind == "ad":
        flat = flat - theta * flat[:, :, ANGULAR]
    elif kind == "rd":
        wide = torch.zeros(*flat.shape[:2], 25, dtype=w.dtype)
        wide[:, :, OUTER] = flat[:, :, 1:]
        wide[:, :, INNER] = -theta * flat[:, :, 1:]
        wide[:, :, 12] = (1 - theta) * flat[:, :, 0]
        return F.conv2d(x, wide.unflatten(2, (5, 5)), padding=2, groups=groups)
    return F.conv2d(x, flat.unflatten(2, (3, 3)), padding=1, groups=groups)


def network(p, x, theta):
    """The five maps before their sigmoids, `[n, 1, h, w]` each."""
    kinds = iter(KINDS)
    size = x.shape[2:]
    x = difference(x, p["init_block.weight"], next(kinds), 1, theta)
    sides = []
    for stage, blocks in enumerate(STAGES):
        for block in range(1, blocks + 1):
            name = f"block{stage + 1}_{block}"
            if stage and block == 1:
                x = F.max_pool2d(x, 2, 2)
            w = p[f"{name}.conv1.weight"]
            y = F.conv2d(F.relu(difference(x, w, next(kinds), w.shape[0], theta)), p[f"{name}.conv2.weight"])
            if stage and block == 1:
                x = F.conv2d(x, p[f"{name}.shortcut.weight"], p[f"{name}.shortcut.bias"])
            x = x + y
        side = x
        if f"dilations.{stage}.conv1.weight" in p:
            at = f"dilations.{stage}"
            side = F.conv2d(F.relu(side), p[f"{at}.conv1.weight"], p[f"{at}.conv1.bias"])
            dilated = [(1, 5), (2, 7), (3, 9), (4, 11)]
            side = sum(F.conv2d(side, p[f"{at}.conv2_{i}.weight"], padding=d, dilation=d) for i, d in dilated)
            at = f"attentions.{stage}"
            gate = F.conv2d(F.relu(side), p[f"{at}.conv1.weight"], p[f"{at}.conv1.bias"])
            side = side * torch.sigmoid(F.conv2d(gate, p[f"{at}.conv2.weight"], padding=1))
        side = F.conv2d(side, p[f"conv_reduces.{stage}.conv.weight"], p[f"conv_reduces.{stage}.conv.bias"])
        sides.append(F.interpolate(side, size, mode="bilinear", align_corners=False))
    return sides + [F.conv2d(torch.cat(sides, 1), p["classifier.weight"], p["classifier.bias"])]


def loss(maps, labels, lam=1.1):
    """Sum over maps, images and pixels; labels below 0 are ignored."""
    positive = (labels > 0).float()
    negative = (labels == 0).float()
    total = 0
    counts = [mask.sum((1, 2, 3), keepdim=True) for mask in (positive, negative)]
    weights = positive * counts[1] / sum(counts) + negative * lam * counts[0] / sum(counts)
    for logit in maps:
        total = total + F.binary_cross_entropy(torch.sigmoid(logit), positive, weights, reduction="sum")
    return total


def initial(c, m, generator):
    """Kaiming uniform as torch.nn.Conv2d, some biases so that their gradients matter."""
    p, fan_in = {}, 1
    for name, shape in shapes_of(c, m):
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else fan_in
        p[name] = (torch.rand(shape, generator=generator) * 2 - 1) / math.sqrt(fan_in)
    return p


def main(path):
    out = {}
    generator = torch.Generator().manual_seed(1)
    for case, c, m, theta, (h, w) in [("whole", 4, 2, 1.0, (37, 45)), ("light", 4, 0, 0.7, (24, 32))]:
        p = initial(c, m, generator)
        for name, value in p.items():
            value.requires_grad_()
            out[f"{case}.weights.{name}"] = value.detach().numpy().copy()
        images = torch.randn(2, 3, h, w, generator=generator)
        shares = torch.rand(2, 1, h, w, generator=generator)
        labels = (shares > 0.85).float() - ((shares > 0.75) & (shares <= 0.85)).float()
        out[f"{case}.images"], out[f"{case}.labels"] = images.numpy(), labels.numpy()
        optimizer = torch.optim.Adam(p.values(), lr=0.005, betas=(0.9, 0.99), weight_decay=1e-4)
        losses = []
        for step in range(10):
            maps = network(p, images, theta)
            value = loss(maps, labels)
            optimizer.zero_grad()
            (value / 2).backward()
            losses.append(value.item())
            if step == 0:
                for i, logit in enumerate(maps):
                    out[f"{case}.logits.{i}"] = logit.detach().numpy().copy()
                for name, parameter in p.items():
                    out[f"{case}.gradients.{name}"] = parameter.grad.numpy().copy()
            optimizer.step()
        print(case, sum(v.numel() for v in p.values()), "parameters, losses", *(f"{v:.2f}" for v in losses))
        out[f"{case}.losses"] = np.array(losses)
    save_file(out, path)


def step_times(threads=2, size=320, rounds=5):
    """Milliseconds for forward, backward and step of two images: the best and the median of some runs.

    Channels last: on CPUs these networks then take PyTorch about half as long.
    """
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(1)
    for name, c, m in [("tiny", 20, 8), ("full", 60, 24)]:
        p = {name: value.requires_grad_() for name, value in initial(c, m, generator).items()}
        images = torch.randn(2, 3, size, size, generator=generator).to(memory_format=torch.channels_last)
        labels = (torch.rand(2, 1, size, size, generator=generator) > 0.94).float()
        optimizer = torch.optim.Adam(p.values(), lr=0.005, betas=(0.9, 0.99), weight_decay=1e-4)
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            optimizer.zero_grad()
            loss(network(p, images, 1.0), labels).backward()
            optimizer.step()
            times.append(1000 * (time.perf_counter() - start))
        times = sorted(times[1:])
        print(f"{name}: best {times[0]:.0f} ms, median {times[len(times) // 2]:.0f} ms")


if __name__ == "__main__":
    if sys.argv[1] == "time":
        step_times()
    else:
        torch.set_num_threads(1)
        main(sys.argv[1])
