"""How far maps in lower precision are from PyTorch's in float32: those of pidinet, and of OpenVINO in the precision it chooses.

    python benches/peers/precision.py --weights FOLDER --images FOLDER --count 20

Prints a table in Markdown: mean and greatest error over all pixels of all images. Images are turned upright to one size.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from run import ROOT, checkpoint, names

sys.path.insert(0, str(ROOT / "tools"))

import export_onnx

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=names, default=["tiny-l", "tiny", "small-l", "small", "full-l", "full"])
    parser.add_argument("--weights", type=Path, required=True, metavar="DIR", help="folder of checkpoints")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of JPEG photographs")
    parser.add_argument("--count", type=int, default=20, help="how many of them [default: 20]")
    parser.add_argument("--precisions", type=names, default=["f32", "bf16"], help="of pidinet [default: f32,bf16]")
    parser.add_argument("--pidinet", type=Path, default=ROOT / "target/release/pidinet", help="the program")
    arguments = parser.parse_args()
    print("| model | maps | mean error | greatest error |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        photos = upright(arguments, Path(folder))
        for model in arguments.models:
            weights = checkpoint(arguments.weights, model)
            net = export_onnx.network(str(weights))
            inputs = [normalised(photo) for photo in photos]
            with torch.inference_mode():
                want = [net.edges(torch.from_numpy(image)).numpy().squeeze() for image in inputs]
            maps = {"OpenVINO's choice": openvino(net, inputs, Path(folder) / "model.onnx")}
            for precision in arguments.precisions:
                maps[f"pidinet {precision}"] = pidinet(arguments.pidinet, weights, photos, precision)
            for name, got in maps.items():
                errors = np.stack([np.abs(got - want) for got, want in zip(got, want)])
                print(f"| {model} | {name} | {errors.mean():.5f} | {errors.max():.4f} |", flush=True)


def upright(arguments, folder):
    """The photographs as files of one size."""
    photos = []
    for file in sorted(arguments.images.glob("*.jpg"))[: arguments.count]:
        image = Image.open(file).convert("RGB")
        if image.height > image.width:
            image = image.transpose(Image.Transpose.ROTATE_90)
        photos.append(folder / f"{file.stem}.png")
        image.save(photos[-1])
    return photos


def normalised(photo):
    """The network's input: [1, 3, h, w]."""
    pixels = np.asarray(Image.open(photo), dtype=np.float32) / 255
    return np.ascontiguousarray(((pixels - np.float32(MEAN)) / np.float32(DEVIATION)).transpose(2, 0, 1)[None])


def openvino(net, inputs, file):
    import openvino

    height, width = inputs[0].shape[2:]
    export_onnx.export(net, file, (width, height))
    request = openvino.compile_model(str(file), "CPU", {"PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
    return [request.infer([image])[0].squeeze().copy() for image in inputs]


def pidinet(program, weights, photos, precision):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "detect", *photos, "-m", weights, "-o", folder + "/", "--format", "npy"]
        subprocess.run([*map(str, command), "--precision", precision], check=True, stdout=subprocess.DEVNULL)
        return [np.load(Path(folder) / f"{photo.stem}.npy").squeeze() for photo in photos]


if __name__ == "__main__":
    main()
