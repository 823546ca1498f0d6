"""The parameters of a PiDiNet in one vector, their names, and model files of them.

Training keeps raw 3×3 weights, `[out, in / groups, 3, 3]`, one after another in a vector of float32, so that an
optimiser's step is a few operations. The weights that a network multiplies with are a linear function of that vector:
see working.py. Names and shapes are those of `pidinet.torch.PiDiNet`, but not taken from there: plain.py says why.
"""

import math

import torch
from safetensors import safe_open
from safetensors.torch import save

KINDS = ["cd", "ad", "rd", "cv"] * 4  # the configuration carv4
STAGES = (3, 4, 4, 4)  # blocks
DILATIONS = (5, 7, 9, 11)
SIZES = {"tiny": (20, 8), "small": (30, 12), "full": (60, 24), "toy": (4, 2)}  # channels C, and M inside CDCM

ANGULAR = [3, 0, 1, 6, 4, 2, 7, 8, 5]
OUTER = [0, 2, 4, 10, 14, 20, 22, 24]
INNER = [6, 7, 8, 11, 13, 16, 17, 18]


def shapes(size):
    """Names and shapes, in the order of the vector."""
    return shapes_of(*SIZES[size])


def shapes_of(c, m):
    """Names and shapes for C channels, and M inside CDCM (0: neither CDCM nor CSAM), in the order in which the network uses them."""
    widths = [c * times for times in (1, 2, 4, 4)]
    yield "init_block.weight", (c, 3, 3, 3)
    before = c
    for stage, (blocks, after) in enumerate(zip(STAGES, widths)):
        for block in range(1, blocks + 1):
            name = f"block{stage + 1}_{block}"
            yield f"{name}.conv1.weight", (before, 1, 3, 3)
            yield f"{name}.conv2.weight", (after, before, 1, 1)
            if stage and block == 1:
                yield f"{name}.shortcut.weight", (after, before, 1, 1)
                yield f"{name}.shortcut.bias", (after,)
            before = after
    for stage, width in enumerate(widths):
        if m:
            yield f"dilations.{stage}.conv1.weight", (m, width, 1, 1)
            yield f"dilations.{stage}.conv1.bias", (m,)
            for branch in range(1, 5):
                yield f"dilations.{stage}.conv2_{branch}.weight", (m, m, 3, 3)
            yield f"attentions.{stage}.conv1.weight", (4, m, 1, 1)
            yield f"attentions.{stage}.conv1.bias", (4,)
            yield f"attentions.{stage}.conv2.weight", (1, 4, 3, 3)
        yield f"conv_reduces.{stage}.conv.weight", (1, m or width, 1, 1)
        yield f"conv_reduces.{stage}.conv.bias", (1,)
    yield "classifier.weight", (1, 4, 1, 1)
    yield "classifier.bias", (1,)


def named(size, vector):
    """The parameters as views of the vector, by name."""
    found = list(shapes(size))
    parts = vector.split([math.prod(shape) for _, shape in found])
    return {name: part.view(shape) for (name, shape), part in zip(found, parts)}


def initial(size, seed):
    """Kaiming uniform, as torch.nn.Conv2d, but reductions and fusion have biases of 0; the fused map is the mean of four."""
    generator = torch.Generator().manual_seed(seed)
    parts, fan_in = [], 1
    for name, shape in shapes(size):
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else fan_in
        part = (torch.rand(math.prod(shape), generator=generator) * 2 - 1) / math.sqrt(fan_in)
        if name == "classifier.weight":
            part = torch.full((4,), 0.25)
        elif name == "classifier.bias" or name.startswith("conv_reduces") and name.endswith("bias"):
            part = torch.zeros(1)
        parts.append(part)
    return torch.cat(parts)


def encode(size, vector, **metadata):
    """The bytes of a model file, see docs/model-format.md; `metadata` has name, provenance, training_data and licence."""
    c, m = SIZES[size]
    metadata = {
        "format": 1, "architecture": "pidinet", "width": c, "config": "carv4", "cdcm": m, "csam": "true", "theta": 1,
        "form": "raw", "preset": "imagenet", **metadata,
    }
    tensors = {name: part.detach().cpu().float().contiguous().clone() for name, part in named(size, vector).items()}
    return save(tensors, {f"pidinet.{key}": str(value) for key, value in metadata.items()})


def read(path):
    """The size and the vector of a model file."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        metadata = file.metadata() or {}
    if metadata.get("pidinet.config", "carv4") != "carv4" or metadata.get("pidinet.form", "raw") != "raw":
        raise ValueError(f"{path} is not a raw model of configuration carv4")
    width = tensors["init_block.weight"].shape[0]
    size = next(size for size, (c, _) in SIZES.items() if c == width)
    for name, shape in shapes(size):
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{path}: {name} is {tuple(tensors[name].shape)}, expected {shape}")
    return size, torch.cat([tensors[name].flatten() for name, _ in shapes(size)])
