"""Safetensors files: eight bytes with the length of a JSON header, the header, the numbers of the tensors."""

from __future__ import annotations

import json
from typing import Any, Mapping

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def encode(metadata: Mapping[str, str], tensors: Mapping[str, Array]) -> bytes:
    """The bytes of a file of float32 tensors."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    parts, end = [], 0
    for name, tensor in tensors.items():
        part = tensor.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(part)]}
        end += len(part)
        parts.append(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def decode(data: bytes) -> tuple[dict[str, str], dict[str, Array]]:
    """Metadata and tensors of a file of float32 tensors."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        numbers = np.frombuffer(data[start + begin : start + end], "<f4")
        tensors[name] = numbers.reshape(tensor["shape"]).astype(np.float32)
    return metadata, tensors
