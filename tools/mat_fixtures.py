#!/usr/bin/env python3
"""Writes the MATLAB files that the reader's tests compare with, using SciPy, another implementation.

    python tools/mat_fixtures.py crates/pidinet-eval/src/files/mat5/fixtures
"""

import sys
from pathlib import Path

import numpy as np
import scipy.io

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)

first = np.array([[0, 1, 0], [1, 0, 1]], dtype=bool)
second = np.array([[1, 1, 1], [0, 0, 0]], dtype=bool)
truth = np.empty((1, 2), dtype=object)
for k, boundaries in enumerate((first, second)):
    segmentation = np.arange(6, dtype=np.uint16).reshape(2, 3) + 300 * k
    truth[0, k] = {"Segmentation": segmentation, "Boundaries": boundaries}

everything = {
    "groundTruth": truth,
    "int8": np.array([[-128, 127]], np.int8),
    "uint8": np.array([[0, 255]], np.uint8),
    "int16": np.array([[-(2**15), 2**15 - 1]], np.int16),
    "uint16": np.array([[0, 2**16 - 1]], np.uint16),
    "int32": np.array([[-(2**31), 2**31 - 1]], np.int32),
    "uint32": np.array([[0, 2**32 - 1]], np.uint32),
    "int64": np.array([[-(2**63), 2**63 - 1]], np.int64),
    "uint64": np.array([[0, 2**64 - 1]], np.uint64),
    "single": np.array([[0.5, -1e30]], np.float32),
    "double": np.array([[0.1, -1e300]]),
    "text": "Kante, größer als 0",
    "cube": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "complex": np.array([[1 + 2j]]),
    "empty": np.zeros((0, 0)),
}
for name, compressed in (("plain", False), ("compressed", True)):
    scipy.io.savemat(folder / f"{name}.mat", everything, do_compression=compressed)
