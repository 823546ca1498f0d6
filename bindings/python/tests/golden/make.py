"""Makes shapes.json and controlnet.npz: what controlnet_aux 0.0.10 with PyTorch and OpenCV gives for the images and the
checkpoint of synthetic.py.

    pip install torch opencv-python-headless einops timm huggingface_hub pillow 'numpy<3'
    pip install --no-deps controlnet_aux==0.0.10
    python make.py

Weights are random, so nothing of what others trained is stored; of the annotators only the one in question is imported.
"""

import json
import os
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import synthetic  # noqa: E402


def annotator():
    """The class, without importing the other annotators, which need other packages."""
    folder = next(path for path in sys.path if os.path.isdir(os.path.join(path, "controlnet_aux")))
    package = types.ModuleType("controlnet_aux")
    package.__path__ = [os.path.join(folder, "controlnet_aux")]
    sys.modules["controlnet_aux"] = package
    from controlnet_aux import pidi

    return pidi


def main():
    pidi = annotator()
    shapes = {name: list(tensor.shape) for name, tensor in pidi.pidinet().state_dict().items()}
    (HERE / "shapes.json").write_text(json.dumps(shapes, indent=0) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "table5_pidinet.pth").write_bytes(synthetic.checkpoint())
        torch.load(Path(folder, "table5_pidinet.pth"), weights_only=True)
        detector = pidi.PidiNetDetector.from_pretrained(folder)
    maps = {}
    for height, width in synthetic.SIZES:
        image = synthetic.image(height, width)
        for name, options in synthetic.VARIANTS.items():
            with torch.no_grad():
                result = detector(image, detect_resolution=128, image_resolution=192, output_type="np", **options)
            assert (result == result[:, :, :1]).all()
            maps[f"{name} {height}x{width}"] = result[:, :, 0]
    # Not resized at all: what the network alone gives.
    image = synthetic.image(128, 192)
    with torch.no_grad():
        result = detector(image, detect_resolution=128, image_resolution=128, output_type="np")
    maps["soft 128x192"] = result[:, :, 0]
    np.savez_compressed(HERE / "controlnet.npz", **maps)
    for name, values in maps.items():
        print(name, values.shape, np.percentile(values, [0, 10, 50, 90, 100]))


main()
