"""Writes PyTorch's results for training small Bi-PiDiNets, as the reference for `pidinet-train`.

Our own definition of the networks in PyTorch; signs get their gradients from autograd functions.
Random weights and images only.

    python tools/recognition.py crates/pidinet-train/tests/data/recognition.safetensors
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
CLOCKWISE = [1, 2, 4, 0, 7, 3, 5, 6]


class Sign(torch.autograd.Function):
    """sign(0) = +1; the gradient passes where |x| <= 1.2, or as 2 - 2|x|."""

    @staticmethod
    def forward(ctx, x, polynomial):
        ctx.save_for_backward(x)
        ctx.polynomial = polynomial
        return torch.where(x < 0, -1.0, 1.0).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        slope = (2 - 2 * x.abs()).clamp(min=0) if ctx.polynomial else (x.abs() <= 1.2).to(x.dtype)
        return g * slope, None


class Network:
    """Parameters by name, made when they are first asked for, and the network."""

    def __init__(self, case, generator):
        self.case, self.generator, self.p, self.learnt = case, generator, {}, []

    def parameter(self, name, shape, low, high, learnt=True):
        if name not in self.p:
            value = torch.rand(shape, generator=self.generator, dtype=torch.float64) * (high - low) + low
            self.p[name] = value.float().double().requires_grad_(learnt)
        return self.p[name]

    def sign(self, x, weight=False):
        precision = self.case["precision"]
        if precision == "real" or weight and precision == "activations":
            return x
        return Sign.apply(x, not weight and self.case["polynomial"])

    def norm(self, name, x):
        c = x.shape[1]
        weight, bias = (self.parameter(f"{name}.{n}", (c,), a, b) for n, a, b in [("weight", 0.5, 1.5), ("bias", -0.5, 0.5)])
        self.parameter(f"{name}.running_mean", (c,), -0.5, 0.5, False)
        self.parameter(f"{name}.running_var", (c,), 0.5, 1.5, False)
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=1e-5)

    def conv(self, name, x, outputs, size, stride):
        shape = (outputs, x.shape[1], size, size)
        return F.conv2d(x, self.parameter(f"{name}.weight", shape, -0.3, 0.3), stride=stride, padding=size // 2)

    def rprelu(self, name, x):
        shape = (1, x.shape[1], 1, 1)
        get = lambda n, a, b: self.parameter(f"{name}.{n}", (x.shape[1],), a, b).view(shape)
        t = x + get("shift", -0.5, 0.5)
        return torch.where(t < 0, get("slope", 0.1, 0.4) * t, t) + get("bias", -0.5, 0.5)

    def difference(self, name, x, outputs, kind, stride):
        w = self.sign(self.parameter(f"{name}.weight", (outputs, x.shape[1], 8), -1.5, 1.5), True)
        h, width = x.shape[2:]
        padded = F.pad(x, (2, 2, 2, 2))
        at = lambda y, z: padded[:, :, 2 + y : 2 + y + h : stride, 2 + z : 2 + z + width : stride]
        total = 0
        for n, (y, z) in enumerate(NEIGHBOURS):
            a, b = {
                "cd": ((y, z), (0, 0)),
                "ad": ((y, z), NEIGHBOURS[CLOCKWISE[n]]),
                "rd": ((2 * y, 2 * z), (y, z)),
            }[kind]
            total = total + F.conv2d(self.sign(at(*a) - at(*b)), w[:, :, n, None, None])
        return total

    def vanilla(self, name, x, outputs, stride):
        w = self.sign(self.parameter(f"{name}.weight", (outputs, x.shape[1], 3, 3), -1.5, 1.5), True)
        return F.conv2d(self.sign(x), w, stride=stride, padding=1)

    def block(self, name, x, outputs, stride, kind, rho):
        inputs = x.shape[1]
        s = x + self.parameter(f"{name}.shift.bias", (inputs,), -0.5, 0.5).view(1, -1, 1, 1)
        d = int(rho * inputs + 1e-4)
        if d == 0:
            y = self.vanilla(f"{name}.vanilla", s, outputs, stride)
        elif d == inputs:
            y = self.difference(f"{name}.difference", s, outputs, kind, stride)
        else:
            y = self.norm(f"{name}.difference_norm", self.difference(f"{name}.difference", s[:, :d], outputs, kind, stride))
            y = y + self.norm(f"{name}.vanilla_norm", self.vanilla(f"{name}.vanilla", s[:, d:], outputs, stride))
        y = self.norm(f"{name}.norm", y)
        if stride == 2:
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            if self.case["shortcut"] == "pooled":
                x = torch.cat([x, x], 1)
            else:
                x = self.norm(f"{name}.shortcut_norm", self.conv(f"{name}.shortcut", x, outputs, 1, 1))
        return self.rprelu(f"{name}.activation", x + y)

    def __call__(self, x):
        width = self.case["width"]
        if self.case["stem"] == "cifar":
            x = self.norm("stem.norm", self.conv("stem.conv", x, width, 3, 1))
        elif self.case["stem"] == "imagenet":
            x = self.norm("stem.norm", self.conv("stem.conv", x, width, 7, 2))
            x = F.max_pool2d(x, 3, 2, 1)
        else:
            x = self.norm("stem.norm1", self.conv("stem.conv1", x, max(3 * width // 8, 1), 3, 2))
            x = self.rprelu("stem.activation", x)
            x = self.norm("stem.norm2", self.conv("stem.conv2", x, width, 3, 2))
        for stage, (blocks, kind, rho) in enumerate(self.case["stages"]):
            for number in range(1, blocks + 1):
                stride = 2 if stage and number == 1 else 1
                x = self.block(f"block{stage + 1}_{number}", x, width << stage, stride, kind, rho)
        x = x.mean((2, 3))
        weight = self.parameter("classifier.weight", (self.case["classes"], x.shape[1]), -0.5, 0.5)
        return F.linear(x, weight, self.parameter("classifier.bias", (self.case["classes"],), -0.5, 0.5))


COMMON = {"classes": 3, "polynomial": False, "precision": "binary", "shortcut": "projected", "stem": "cifar"}
CASES = {
    "cifar": {"width": 5, "stages": [(2, "cd", 0.4), (1, "ad", 0.5), (1, "rd", 1.0)], "size": (9, 11)},
    "plain": {"width": 4, "stages": [(1, "cd", 0.0), (2, "cd", 0.0)], "size": (8, 6), "polynomial": True},
    "imagenet": {"width": 4, "stages": [(1, "rd", 0.5), (1, "cd", 1.0)], "size": (29, 26), "stem": "imagenet"},
    "light": {"width": 8, "stages": [(1, "ad", 1.0), (1, "rd", 0.3)], "size": (21, 22), "stem": "light", "shortcut": "pooled"},
    "activations": {"width": 4, "stages": [(1, "cd", 0.5), (1, "ad", 0.5)], "size": (7, 8), "precision": "activations"},
    "real": {"width": 4, "stages": [(1, "cd", 0.5), (1, "rd", 0.5)], "size": (7, 8), "precision": "real"},
}


def main(path):
    out = {}
    generator = torch.Generator().manual_seed(1)
    for name, case in CASES.items():
        case = COMMON | case
        network = Network(case, generator)
        images = torch.randn(4, 3, *case["size"], generator=generator, dtype=torch.float64).float().double()
        labels = torch.tensor([0, 2, 1, 2])
        network(images)
        keep = lambda key, value: out.__setitem__(f"{name}.{key}", value.detach().float().numpy().copy())
        for parameter, value in network.p.items():
            keep(f"weights.{parameter}", value)
        keep("images", images)
        logits = network(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="sum")
        loss.backward()
        keep("logits", logits)
        keep("loss", loss)
        for parameter, value in network.p.items():
            if value.requires_grad:
                keep(f"gradients.{parameter}", value.grad)
        print(name, sum(v.numel() for v in network.p.values()), "parameters, loss", f"{loss.item():.4f}")
    save_file(out, path)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
