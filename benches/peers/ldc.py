"""LDC, a light edge detector often used to find every edge: its maps, to be scored, and its speed compared with pidinet.

Needs a clone of https://github.com/xavysp/LDC (code and weights by its authors) and this folder's requirements.txt:

    python ldc.py maps --ldc LDC --images imgs OUT        # then: pidinet eval edges --pred OUT --gt gt
    python ldc.py time --ldc LDC [--size 481x321] [--threads 1,2] [--pidinet PROGRAM]

LDC needs sides that are multiples of 16, so images are padded by repeating their last rows and columns, and maps are cropped.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Blue, green, red: what LDC subtracts on UDED and BSDS500.
MEAN = (104.007, 116.669, 122.679)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    maps = commands.add_parser("maps", help="write edge maps as PNG")
    maps.add_argument("out", type=Path)
    maps.add_argument("--images", type=Path, required=True)
    clock = commands.add_parser("time", help="time LDC in ONNX Runtime and pidinet, in turns")
    clock.add_argument("--size", default="481x321")
    clock.add_argument("--threads", default="1,2")
    clock.add_argument("--rounds", type=int, default=5)
    clock.add_argument("--runs", type=int, default=20)
    clock.add_argument("--model", default="tiny", help="of pidinet [default: tiny]")
    clock.add_argument("--pidinet", type=Path, default=ROOT / "target/release/pidinet")
    for command in (maps, clock):
        command.add_argument("--ldc", type=Path, required=True, help="clone of xavysp/LDC")
        command.add_argument("--weights", default="checkpoints/BIPED/16/16_model.pth", help="in the clone")
    worker = commands.add_parser("worker")
    worker.add_argument("onnx")
    worker.add_argument("size")
    worker.add_argument("threads", type=int)
    worker.add_argument("runs", type=int)
    arguments = parser.parse_args()
    {"maps": write_maps, "time": time_both, "worker": run_worker}[arguments.command](arguments)


def network(arguments):
    """LDC with its published weights; only its last output, before the sigmoid."""
    import torch

    sys.path.insert(0, str(arguments.ldc))
    from modelB4 import LDC

    class Fused(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.ldc = LDC()

        def forward(self, image):
            return torch.sigmoid(self.ldc(image)[-1])

    net = Fused()
    net.ldc.load_state_dict(torch.load(arguments.ldc / arguments.weights, map_location="cpu", weights_only=True))
    return net.eval()


def write_maps(arguments):
    import numpy as np
    import torch
    from PIL import Image

    net = network(arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(arguments.images.iterdir()):
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            continue
        pixels = np.asarray(Image.open(path).convert("RGB"), np.float32)[..., ::-1] - np.float32(MEAN)
        height, width = pixels.shape[:2]
        pixels = np.pad(pixels, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
        with torch.no_grad():
            edges = net(torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None])[0, 0].numpy()
        Image.fromarray(np.uint8(edges[:height, :width] * 255)).save(arguments.out / f"{path.stem}.png")


def time_both(arguments):
    import torch

    width, height = map(int, arguments.size.split("x"))
    padded = (height + -height % 16, width + -width % 16)
    with tempfile.TemporaryDirectory() as folder:
        onnx = str(Path(folder) / "ldc.onnx")
        image = torch.zeros(1, 3, *padded)
        torch.onnx.export(network(arguments), (image,), onnx, input_names=["image"], output_names=["edges"], dynamo=True)
        for threads in map(int, arguments.threads.split(",")):
            commands = {
                "LDC, ONNX Runtime": [
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
