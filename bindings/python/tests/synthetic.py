"""Images and a checkpoint that are made, not stored: the same on every machine and with every version of numpy."""

from __future__ import annotations

import functools
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden"
VARIANTS = {
    "soft": {},
    "safe": {"safe": True},
    "filter": {"apply_filter": True},
    "scribble": {"scribble": True},
    "safe_scribble": {"safe": True, "scribble": True},
}
SIZES = [(321, 481), (480, 640), (300, 200), (1080, 1920), (64, 64)]


@functools.lru_cache(maxsize=None)
def image(height: int, width: int) -> np.ndarray:
    """Discs and stripes of several colours on a slope, and a little noise: uint8 `[height, width, 3]`."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y / height, x / width
    colours = [60 + 100 * x, 200 - 90 * y, 120 + 60 * np.sin(9 * x + 4 * y)]
    for at, (cx, cy, radius) in enumerate([(0.3, 0.4, 0.2), (0.7, 0.55, 0.28), (0.5, 0.2, 0.12)]):
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
        for channel, value in enumerate(np.roll([220, 90, 40], at)):
            colours[channel] = np.where(inside, value + 25 * np.sin(40 * x * (at + 1)), colours[channel])
    noise = np.random.RandomState(3).randint(-6, 7, (height, width, 3))
    return (np.stack(colours, axis=2) + noise).clip(0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=None)
def checkpoint() -> bytes:
    """A PyTorch checkpoint of random weights in the shapes of the published ones, as `torch.save` writes it."""
    shapes = json.loads((GOLDEN / "shapes.json").read_text())
    random = np.random.RandomState(20)
    tensors = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        tensors[f"module.{name}"] = (random.standard_normal(shape) * np.sqrt(1.6 / fan_in)).astype("<f4")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry("data.pkl"), pickled(tensors))
        archive.writestr(entry("version"), "3\n")
        for at, tensor in enumerate(tensors.values()):
            archive.writestr(entry(f"data/{at}"), tensor.tobytes())
    return file.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(f"archive/{name}")


def pickled(tensors: dict[str, np.ndarray]) -> bytes:
    """`{"state_dict": tensors}` as a pickle of protocol 2, in which tensors are calls of torch's functions."""
    text = lambda value: b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    number = lambda value: b"J" + struct.pack("<i", value)
    numbers = lambda values: b"(" + b"".join(map(number, values)) + b"t"
    parts = [b"\x80\x02}", text("state_dict"), b"}("]
    for at, (name, tensor) in enumerate(tensors.items()):
        strides = [stride // 4 for stride in tensor.strides]
        storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(at)) + text("cpu")
        parts += [
            text(name),
            b"ctorch._utils\n_rebuild_tensor_v2\n(",
            storage + number(tensor.size) + b"tQ",
            number(0) + numbers(tensor.shape) + numbers(strides),
            b"\x89ccollections\nOrderedDict\n)RtR",
        ]
    return b"".join([*parts, b"us."])
