"""Exports the PiDiNet of `pidinet.torch` to ONNX, folded: from an image [1, 3, h, w] to its fused map [1, 1, h, w].

    python tools/export_onnx.py MODEL OUT.onnx [--size WxH]

MODEL is a checkpoint (.pth or .safetensors), or the name of a network to fill with random weights:
tiny, tiny-l, small, small-l, full, full-l. Without --size, height and width are free.
"""

import argparse
import logging
import warnings
from pathlib import Path

import torch

from networks import Edges, randomise
from pidinet.torch import SIZES, PiDiNet

OPSET = 18


def network(model, config=None):
    """The network in a file, or the one of a name with random weights."""
    if model in SIZES:
        return randomise(PiDiNet(model, config=config or "carv4"), seed=0)
    return PiDiNet.from_pretrained(Path(model), config=config)


def export(net, path, size=None):
    """Writes a folded network; `size` is (width, height), or None for free ones."""
    net = Edges(net.fold()).eval()
    width, height = size or (96, 64)
    image = torch.zeros(1, 3, height, width)
    free = None if size else {"images": {2: torch.export.Dim("h", min=8), 3: torch.export.Dim("w", min=8)}}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            net,
            (image,),
            str(path),
            input_names=["image"],
            output_names=["edges"],
            opset_version=OPSET,
            dynamic_shapes=free,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def size(text):
    """(width, height) from WxH."""
    width, height = text.lower().split("x")
    return int(width), int(height)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="checkpoint, or name of a network")
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=size, metavar="WxH", help="fix the size [default: free]")
    parser.add_argument("--config", help="where the file does not say it [default: carv4]")
    arguments = parser.parse_args()
    export(network(arguments.model, arguments.config), arguments.output, arguments.size)
