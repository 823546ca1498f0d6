"""Writes PyTorch's results for a few training steps, as the reference for `pidinet-train`.

The network and the loss are those of `pidinet.torch` (install the package of bindings/python first): differences are
folded into weights by tensor operations, gradients come from autograd, steps from torch.optim. Random weights and images
only.

    python tools/training.py crates/pidinet-train/tests/data/training.safetensors
    python tools/training.py time      # beside: cargo run --release -p pidinet-train --example time_step
"""

import math
import sys
import time

import numpy as np
import torch
from safetensors.numpy import save_file

from pidinet.torch import PiDiNet, Size, edge_loss


def networks(generator):
    """Two networks by name, with what an image's height and width are for them."""
    yield "whole", initial(PiDiNet(Size(4, 2, True)), generator), (37, 45)
    yield "light", initial(PiDiNet(Size(4, None, False), theta=0.7), generator), (24, 32)


def initial(net, generator):
    """Kaiming uniform as torch.nn.Conv2d, with biases so that their gradients matter, in the order of use."""
    parameters, fan_in = dict(net.named_parameters()), 1
    for name in sorted(parameters, key=place):
        parameter = parameters[name]
        fan_in = parameter[0].numel() if parameter.dim() > 1 else fan_in
        with torch.no_grad():
            parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) / math.sqrt(fan_in))
    return net


def place(name):
    """Stages, then what makes a side map of each, then what fuses them."""
    part, stage = name.split(".")[:2]
    if part in ("dilations", "attentions", "conv_reduces"):
        return 1, int(stage)
    return (2, 0) if part == "classifier" else (0, 0)


def main(path):
    out = {}
    generator = torch.Generator().manual_seed(1)
    for case, net, (h, w) in networks(generator):
        for name, value in net.named_parameters():
            out[f"{case}.weights.{name}"] = value.detach().numpy().copy()
        images = torch.randn(2, 3, h, w, generator=generator)
        shares = torch.rand(2, 1, h, w, generator=generator)
        labels = (shares > 0.85).float() - ((shares > 0.75) & (shares <= 0.85)).float()  # below 0 is ignored
        out[f"{case}.images"], out[f"{case}.labels"] = images.numpy(), labels.numpy()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.005, betas=(0.9, 0.99), weight_decay=1e-4)
        losses = []
        for step in range(10):
            maps = net(images)
            value = edge_loss(maps, labels)  # a mean of two
            optimizer.zero_grad()
            value.backward()
            losses.append(2 * value.item())
            if step == 0:
                for i in range(5):
                    out[f"{case}.logits.{i}"] = maps[:, i : i + 1].detach().numpy().copy()
                for name, parameter in net.named_parameters():
                    out[f"{case}.gradients.{name}"] = parameter.grad.numpy().copy()
            optimizer.step()
        count = sum(parameter.numel() for parameter in net.parameters())
        print(case, count, "parameters, losses", *(f"{value:.2f}" for value in losses))
        out[f"{case}.losses"] = np.array(losses)
    save_file(out, path)


def step_times(threads=2, size=320, rounds=5):
    """Milliseconds for forward, backward and step of two images: the best and the median of some runs.

    Channels last: on CPUs these networks then take PyTorch about half as long.
    """
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(1)
    for name in ("tiny", "full"):
        net = initial(PiDiNet(name), generator)
        images = torch.randn(2, 3, size, size, generator=generator).to(memory_format=torch.channels_last)
        labels = (torch.rand(2, 1, size, size, generator=generator) > 0.94).float()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.005, betas=(0.9, 0.99), weight_decay=1e-4)
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            optimizer.zero_grad()
            edge_loss(net(images), labels).backward()
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
