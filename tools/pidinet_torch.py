"""PiDiNet in PyTorch, for comparison: golden files and ONNX models are made with it.

Written from the papers' description of the method (arXiv 2108.07009 and 2402.00422), independently of the Rust code
and of the published implementation. Only the parameter names are those of the published checkpoints, so that
these can be loaded. Activations are [n, c, h, w].
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

LAYERS = 16
STAGES = (3, 4, 4, 4)  # blocks


def kinds(config):
    """The sixteen kinds of a named configuration, or of sixteen kinds separated by commas."""
    if "," in config:
        found = config.split(",")
    elif config == "baseline":
        found = ["cv"] * LAYERS
    elif config.endswith("-v15"):
        found = [config[0] + "d"] + ["cv"] * 15
    elif config.endswith("16"):
        found = [config[0] + "d"] * LAYERS
    elif config.endswith("v4"):
        found = ["cv" if letter == "v" else letter + "d" for letter in config[:-1]] * 4
    else:
        found = []
    if len(found) != LAYERS or not set(found) <= {"cv", "cd", "ad", "rd"}:
        raise ValueError(f"`{config}` is not a configuration")
    return found


def fold(kind, weight, theta=1.0):
    """The ordinary kernel equivalent to `weight` [out, in, 3, 3] on pixel differences."""
    out, inputs = weight.shape[:2]
    taps = weight.reshape(out, inputs, 9)
    if kind == "cv":
        return weight
    if kind == "cd":
        centre = torch.zeros(9, dtype=weight.dtype)
        centre[4] = 1
        return (taps - theta * taps.sum(2, keepdim=True) * centre).reshape(weight.shape)
    if kind == "ad":
        return (taps - theta * taps[:, :, [3, 0, 1, 6, 4, 2, 7, 8, 5]]).reshape(weight.shape)
    if kind == "rd":
        wide = torch.zeros(out, inputs, 25, dtype=weight.dtype)
        wide[:, :, [0, 2, 4, 10, 14, 20, 22, 24]] = taps[:, :, 1:]
        wide[:, :, [6, 7, 8, 11, 13, 16, 17, 18]] = -theta * taps[:, :, 1:]
        wide[:, :, 12] = (1 - theta) * taps[:, :, 0]
        return wide.reshape(out, inputs, 5, 5)
    raise ValueError(f"no kind `{kind}`")


class Difference(nn.Module):
    """A pixel difference convolution that keeps the size."""

    def __init__(self, kind, inputs, outputs, groups, theta):
        super().__init__()
        self.kind, self.groups, self.folded = kind, groups, False
        self.theta = torch.tensor(theta, dtype=torch.float32).item()  # as model files have it
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, 3, 3))

    def fold(self):
        if self.folded:
            return
        self.weight = nn.Parameter(fold(self.kind, self.weight.detach(), self.theta))
        self.folded = True

    def forward(self, x):
        weight = self.weight if self.folded else fold(self.kind, self.weight, self.theta)
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=self.groups)


class Block(nn.Module):
    def __init__(self, kind, inputs, outputs, downsample, theta):
        super().__init__()
        self.downsample = downsample
        self.conv1 = Difference(kind, inputs, inputs, inputs, theta)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)
        if downsample:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        if self.downsample:
            x = F.max_pool2d(x, 2, 2)
        y = self.conv2(F.relu(self.conv1(x)))
        return y + (self.shortcut(x) if self.downsample else x)


class Cdcm(nn.Module):
    """Context from four dilations."""

    def __init__(self, inputs, width):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1)
        for branch, dilation in enumerate((5, 7, 9, 11), start=1):
            conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
            setattr(self, f"conv2_{branch}", conv)

    def forward(self, x):
        x = self.conv1(F.relu(x))
        return self.conv2_1(x) + self.conv2_2(x) + self.conv2_3(x) + self.conv2_4(x)


class Csam(nn.Module):
    """A gate for each pixel."""

    def __init__(self, inputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 4, 1)
        self.conv2 = nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, x):
        return x * torch.sigmoid(self.conv2(self.conv1(F.relu(x))))


class Reduce(nn.Module):
    """To one channel."""

    def __init__(self, inputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, 1, 1)

    def forward(self, x):
        return self.conv(x)


class PiDiNet(nn.Module):
    """`cdcm` is the number of channels inside these modules, or None for none; `csam` whether there are any."""

    def __init__(self, width, config="carv4", cdcm=None, csam=False, theta=1.0):
        super().__init__()
        self.width, self.config, self.cdcm, self.csam, self.theta = width, config, cdcm, csam, theta
        layer = iter(kinds(config))
        self.init_block = Difference(next(layer), 3, width, 1, theta)
        widths = (width, 2 * width, 4 * width, 4 * width)
        inputs = width
        for stage, (blocks, outputs) in enumerate(zip(STAGES, widths), start=1):
            for number in range(1, blocks + 1):
                block = Block(next(layer), inputs, outputs, stage > 1 and number == 1, theta)
                setattr(self, f"block{stage}_{number}", block)
                inputs = outputs
        if cdcm:
            self.dilations = nn.ModuleList(Cdcm(c, cdcm) for c in widths)
            widths = (cdcm,) * 4
        if csam:
            self.attentions = nn.ModuleList(Csam(c) for c in widths)
        self.conv_reduces = nn.ModuleList(Reduce(c) for c in widths)
        self.classifier = nn.Conv2d(4, 1, 1)

    def fold(self):
        """Replaces raw weights by folded ones; the output stays."""
        for module in self.modules():
            if isinstance(module, Difference):
                module.fold()
        return self

    def stages(self, image):
        """x0 after the stem, x1..x4 after each stage."""
        maps = [self.init_block(image)]
        for stage, blocks in enumerate(STAGES, start=1):
            x = maps[-1]
            for number in range(1, blocks + 1):
                x = getattr(self, f"block{stage}_{number}")(x)
            maps.append(x)
        return maps

    def logits(self, stages, size):
        """Of the four side outputs and of the fused one, [n, 1, h, w] with `size` = (h, w)."""
        sides = []
        for i, x in enumerate(stages[1:]):
            if self.cdcm:
                x = self.dilations[i](x)
            if self.csam:
                x = self.attentions[i](x)
            x = self.conv_reduces[i](x)
            sides.append(F.interpolate(x, size=size, mode="bilinear", align_corners=False))
        return [*sides, self.classifier(torch.cat(sides, dim=1))]

    def forward(self, image):
        """The fused map of an image [n, 3, h, w]; h and w at least 8."""
        return torch.sigmoid(self.logits(self.stages(image), image.shape[2:])[-1])

    def outputs(self, image):
        """Every map by name, as golden files have them: x, x0..x4, and e1..e4 and fused as [h, w]."""
        with torch.no_grad():
            stages = self.stages(image)
            maps = {"x": image} | {f"x{i}": x for i, x in enumerate(stages)}
            for name, logit in zip(("e1", "e2", "e3", "e4", "fused"), self.logits(stages, image.shape[2:])):
                maps[name] = torch.sigmoid(logit)[0, 0]
            return maps


def randomise(net, seed):
    """Fills in random weights that keep the size of activations, and logits of a size that shows errors."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(parameter, bound):
        with torch.no_grad():
            parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound)

    for parameter in net.parameters():
        uniform(parameter, (3 / parameter[0].numel()) ** 0.5 if parameter.dim() == 4 else 0.5)
    return net


def load(path, config="carv4", theta=1.0):
    """A network with the weights of a checkpoint, `.pth` or `.safetensors`, with the published names.

    Weights do not reveal the configuration: it is that of the metadata (docs/model-format.md), else `config`."""
    path = Path(path)
    metadata = {}
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name).float() for name in file.keys()}
            metadata = file.metadata() or {}
    else:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        weights = weights.get("state_dict", weights)
    weights = {name.removeprefix("module."): tensor for name, tensor in weights.items()}
    config = metadata.get("pidinet.config", config)
    theta = float(metadata.get("pidinet.theta", theta))

    width = weights["init_block.weight"].shape[0]
    cdcm = weights.get("dilations.0.conv1.weight")
    csam = "attentions.0.conv1.weight" in weights
    net = PiDiNet(width, config, None if cdcm is None else cdcm.shape[0], csam, theta)
    wide = any(tensor.shape[-1] == 5 for tensor in weights.values() if tensor.dim() == 4)
    if wide or metadata.get("pidinet.form") == "folded":
        net.fold()
    net.load_state_dict(weights)
    return net


def save(net, path, name):
    """Writes random raw weights as a model file, see docs/model-format.md."""
    metadata = {
        "format": "1",
        "architecture": "pidinet",
        "width": str(net.width),
        "config": net.config,
        "cdcm": str(net.cdcm or "none"),
        "csam": str(net.csam).lower(),
        "theta": str(net.theta),
        "form": "raw",
        "preset": "imagenet",
        "name": name,
        "provenance": "random numbers, written by tools/pidinet_torch.py",
        "training_data": "none",
        "licence": "MIT OR Apache-2.0",
    }
    save_file(dict(net.state_dict()), path, {f"pidinet.{key}": value for key, value in metadata.items()})
    Path(path).chmod(0o644)
