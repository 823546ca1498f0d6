"""Checks ONNX files and runs them with ONNX Runtime.

Reads lines MODEL INPUT N H W OUTPUT: float32 numbers [N, 3, H, W] go in, all outputs, one after the other, come out.
"""

import sys

import numpy as np
import onnx
import onnxruntime

for line in sys.stdin:
    model, source, n, h, w, target = line.split()
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    image = np.fromfile(source, np.float32).reshape(int(n), 3, int(h), int(w))
    maps = session.run(None, {"image": image})
    assert all(map.shape == (int(n), 1, int(h), int(w)) for map in maps), [map.shape for map in maps]
    np.stack(maps).tofile(target)
