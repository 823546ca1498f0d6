"""How a program with types uses the package: read by a test, never run."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pidinet
import pidinet.eval
from pidinet.controlnet import PidiNetDetector


def main(photo: NDArray[np.uint8], path: Path) -> None:
    detector = pidinet.EdgeDetector("tiny", detail=0.5, threads=2, scales=(0.5, 1.0), strip=16, sides=True)
    edges: NDArray[Any] = detector(photo, channels="bgr", dtype="uint8")
    fused, sides = detector.detect(path, sides=True)
    for each in detector.imap([photo, path, b"bytes", memoryview(b"")], threads=2, style="safe"):
        edges += each
    thin: NDArray[np.bool_] = pidinet.thin(pidinet.hysteresis(pidinet.nms(fused, "hed"), low=0.1, high=0.3))
    painted: NDArray[np.uint8] = pidinet.overlay(photo, thin, colour=(0, 255, 0))
    pidinet.save(path, pidinet.resize(painted, (10, 20), "lanczos4"))
    info: pidinet.ModelInfo = pidinet.Model.open(path, config="carv4").info
    label: str = pidinet.Classifier().classify(photo).label
    print(info.licence, label, sides.shape, pidinet.__version__)
    vector: NDArray[np.float32] = pidinet.embed([photo, path])
    lines: pidinet.Lines = pidinet.lines(fused, low=0.1)[:5]
    line: pidinet.Line = lines[0]
    lines.save(path, layers=2)
    print(line.points.max(), line.closed, lines.to_svg(width_mm=100), vector.shape)
    scores = pidinet.eval.edges([fused], [thin], max_distance=0.011)
    print(scores.ods.f, scores.curve.recall.max(), pidinet.eval.match(thin, thin).pairs)
    PidiNetDetector.from_pretrained()(photo, safe=True)
