"""LDC and TEED, light detectors of every edge: their maps, to be scored, and their speed compared with pidinet.

Needs a clone of https://github.com/xavysp/LDC or https://github.com/xavysp/TEED (code and weights by their authors) and
this folder's requirements.txt; `--as-published` also opencv-python-headless.

    python light.py maps ldc LDC --images imgs OUT        # then: pidinet eval edges --pred OUT --gt gt
    python light.py time ldc LDC [--size 481x321] [--threads 1,2] [--pidinet PROGRAM]

Their sides must be multiples of 16, so images are padded by repeating their last rows and columns, and maps are cropped.
With `--as-published` images are resized instead, as the authors' own test programs do it, which enlarge small ones, and
maps are resized back. Maps are stretched from 0 to 1, as these programs do, too: TEED's begin at 0.4.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Blue, green, red: what both subtract on UDED and BSDS500.
MEAN = (104.007, 116.669, 122.679)

WEIGHTS = {"ldc": "checkpoints/BIPED/16/16_model.pth", "teed": "checkpoints/BIPED/7/7_model.pth"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    maps = commands.add_parser("maps", help="write edge maps as PNG")
    maps.add_argument("network", choices=WEIGHTS)
    maps.add_argument("clone", type=Path, help="of xavysp/LDC or xavysp/TEED")
    maps.add_argument("out", type=Path)
    maps.add_argument("--images", type=Path, required=True)
    maps.add_argument("--as-published", action="store_true", help="resize images as the authors' programs do")
    clock = commands.add_parser("time", help="time it in ONNX Runtime and pidinet, in turns")
    clock.add_argument("network", choices=WEIGHTS)
    clock.add_argument("clone", type=Path, help="of xavysp/LDC or xavysp/TEED")
    clock.add_argument("--size", default="481x321")
    clock.add_argument("--threads", default="1,2")
    clock.add_argument("--rounds", type=int, default=5)
    clock.add_argument("--runs", type=int, default=20)
    clock.add_argument("--model", default="tiny", help="of pidinet [default: tiny]")
    clock.add_argument("--pidinet", type=Path, default=ROOT / "target/release/pidinet")
    for command in (maps, clock):
        command.add_argument("--weights", help="in the clone [default: the published ones]")
    worker = commands.add_parser("worker")
    worker.add_argument("onnx")
    worker.add_argument("size")
    worker.add_argument("threads", type=int)
    worker.add_argument("runs", type=int)
    arguments = parser.parse_args()
    {"maps": write_maps, "time": time_both, "worker": run_worker}[arguments.command](arguments)


def network(arguments):
    """The network with its published weights; only its last output, after the sigmoid."""
    import torch

    sys.path.insert(0, str(arguments.clone))
    # Imported by the networks for nothing that is used here, and imports more.
    sys.modules["utils.img_processing"] = types.SimpleNamespace(count_parameters=None)
    if arguments.network == "ldc":
        from modelB4 import LDC as Network
    else:
        from ted import TED as Network

    class Fused(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = Network()

        def forward(self, image):
            return torch.sigmoid(self.network(image)[-1])

    net = Fused()
    weights = arguments.clone / (arguments.weights or WEIGHTS[arguments.network])
    net.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net.eval()


def write_maps(arguments):
    import numpy as np
    import torch
    from PIL import Image

    net = network(arguments)

    def run(pixels):
        with torch.no_grad():
            return net(torch.from_numpy((pixels - np.float32(MEAN)).transpose(2, 0, 1).copy())[None])[0, 0].numpy()

    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(arguments.images.iterdir()):
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            continue
        pixels = np.asarray(Image.open(path).convert("RGB"))[..., ::-1]
        height, width = pixels.shape[:2]
        if arguments.as_published:
            import cv2

            edges = np.uint8(stretched(run(np.float32(resized(arguments.network, pixels)))))
            edges = cv2.resize(edges, (width, height))
        else:
            padded = np.pad(np.float32(pixels), ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
            edges = np.uint8(stretched(run(padded)[:height, :width]))
        Image.fromarray(edges).save(arguments.out / f"{path.stem}.png")


def stretched(edges):
    """From 0 to 255."""
    return (edges - edges.min()) * (255 / (edges.max() - edges.min() + 1e-12))


def resized(network, pixels):
    """An image as the authors' test programs resize it: with a side of less than 512 LDC's to 512x512, TEED's by half."""
    import cv2

    height, width = pixels.shape[:2]
    if min(height, width) < 512:
        if network == "ldc":
            return cv2.resize(pixels, (512, 512))
        pixels = cv2.resize(pixels, None, fx=1.5, fy=1.5)
        height, width = pixels.shape[:2]
    if height % 8 or width % 8:
        pixels = cv2.resize(pixels, ((width // 8 + 1) * 8, (height // 8 + 1) * 8))
    return pixels


def time_both(arguments):
    import torch

    width, height = map(int, arguments.size.split("x"))
    padded = (height + -height % 16, width + -width % 16)
    with tempfile.TemporaryDirectory() as folder:
        onnx = str(Path(folder) / "network.onnx")
        image = torch.zeros(1, 3, *padded)
        torch.onnx.export(network(arguments), (image,), onnx, input_names=["image"], output_names=["edges"], dynamo=True)
        for threads in map(int, arguments.threads.split(",")):
            commands = {
                f"{arguments.network}, ONNX Runtime": [
                    sys.executable, __file__, "worker", onnx, f"{padded[1]}x{padded[0]}", str(threads), str(arguments.runs),
                ],
                f"pidinet {arguments.model}": [
                    str(arguments.pidinet), "bench", "-m", arguments.model, "--size", arguments.size,
                    "--threads", str(threads), "--runs", str(arguments.runs), "--json",
                ],
            }  # fmt: skip
            turns = {name: [] for name in commands}
            for _ in range(arguments.rounds):
                for name, command in commands.items():
                    turns[name].append(json.loads(bound(command, threads)))
            for name, results in turns.items():
                median = statistics.median(result["median_ms"] for result in results)
                least = min(result["min_ms"] for result in results)
                print(f"{name}, {arguments.size}, {threads} threads: median {median:.1f} ms, shortest {least:.1f} ms")


def bound(command, threads):
    """Output of a command that may use the first `threads` CPUs of this process's."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    pin = lambda: os.sched_setaffinity(0, cpus)  # noqa: E731
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=pin).stdout


def run_worker(arguments):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(arguments.onnx, options, providers=["CPUExecutionProvider"])
    width, height = map(int, arguments.size.split("x"))
    image = np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32)
    times = []
    for run in range(arguments.runs + 3):
        start = time.perf_counter()
        session.run(None, {"image": image})
        times.append((time.perf_counter() - start) * 1e3)
    times = times[3:]
    print(json.dumps({"median_ms": statistics.median(times), "min_ms": min(times)}))


if __name__ == "__main__":
    main()
