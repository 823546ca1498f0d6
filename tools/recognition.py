"""Writes PyTorch's results for training small Bi-PiDiNets, as the reference for `pidinet-train`.

The networks are those of `pidinet.torch` (install the package of bindings/python first); signs get their gradients from
autograd functions. Random weights and images only.

    python tools/recognition.py crates/pidinet-train/tests/data/recognition.safetensors
"""

import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from pidinet.torch import BiPiDiNet, Layout, Stage

CLASSES = 3


@dataclass
class Case:
    """A network, and the (h, w) of its images."""

    layout: Layout
    size: tuple
    gradient: str = "clamp"
    precision: str = "binary"


CASES = {
    "cifar": Case(Layout(5, (Stage(2, "cd", 0.4), Stage(1, "ad", 0.5), Stage(1, "rd", 1.0))), (9, 11)),
    "plain": Case(Layout(4, (Stage(1), Stage(2))), (8, 6), gradient="polynomial"),
    "imagenet": Case(Layout(4, (Stage(1, "rd", 0.5), Stage(1, "cd", 1.0)), stem="imagenet"), (29, 26)),
    "light": Case(Layout(8, (Stage(1, "ad", 1.0), Stage(1, "rd", 0.3)), "light", "pooled"), (21, 22)),
    "activations": Case(Layout(4, (Stage(1, "cd", 0.5), Stage(1, "ad", 0.5))), (7, 8), precision="activations"),
    "real": Case(Layout(4, (Stage(1, "cd", 0.5), Stage(1, "rd", 0.5))), (7, 8), precision="real"),
}


def randomise(net, generator):
    """Fills in numbers in float64 that are float32, by what they are for, in the order of use."""
    for name, value in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        low, high = bounds(name, value.dim())
        drawn = torch.rand(value.shape, generator=generator, dtype=torch.float64) * (high - low) + low
        value.copy_(drawn.float())
    return net


def bounds(name, dimensions):
    """Between which numbers a parameter is drawn."""
    if name.endswith(("difference.weight", "vanilla.weight")):
        return -1.5, 1.5
    if name.endswith("slope"):
        return 0.1, 0.4
    if name.endswith("running_var") or name.endswith("weight") and dimensions == 1:
        return 0.5, 1.5
    return (-0.3, 0.3) if dimensions == 4 else (-0.5, 0.5)


def main(path):
    out = {}
    generator = torch.Generator().manual_seed(1)
    for name, case in CASES.items():
        images = torch.randn(4, 3, *case.size, generator=generator, dtype=torch.float64).float().double()
        labels = torch.tensor([0, 2, 1, 2])
        net = BiPiDiNet(case.layout, CLASSES, gradient=case.gradient).set_precision(case.precision).double().train()
        randomise(net, generator)

        def keep(key, value):
            out[f"{name}.{key}"] = value.detach().float().numpy().copy()

        for parameter, value in net.state_dict().items():
            if not parameter.endswith("num_batches_tracked"):
                keep(f"weights.{parameter}", value)
        keep("images", images)
        logits = net(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="sum")
        loss.backward()
        keep("logits", logits)
        keep("loss", loss)
        for parameter, value in net.named_parameters():
            keep(f"gradients.{parameter}", value.grad)
        count = sum(parameter.numel() for parameter in net.parameters())
        print(name, count, "learnt numbers, loss", f"{loss.item():.4f}")
    save_file(out, path)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
