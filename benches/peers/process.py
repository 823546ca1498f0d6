"""Times whole processes that find the edges of one photograph, and a folder beside the network alone.

A process starts, reads its model, decodes a JPEG, runs the network and writes a PNG. The peers do so in Python, with
Pillow; `--nms`, which has no counterpart there, is timed for pidinet as well. See README.md.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("onnxruntime", "openvino")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, help="a JPEG; peers resize nothing, so the network has its size")
    parser.add_argument("--onnx", type=Path, required=True, help="the network, from `pidinet convert`")
    parser.add_argument("--model", default="tiny", help="the same network for pidinet [default: tiny]")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS), help="of onnxruntime, openvino")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15, help="turns of every process [default: 15]")
    parser.add_argument("--folder", type=Path, help="JPEGs to detect in one process, beside the network alone")
    parser.add_argument("--pidinet", type=Path, default=ROOT / "target/release/pidinet", help="the program")
    arguments = parser.parse_args()

    print(f"{platform.processor() or platform.machine()}, {arguments.threads} threads, {arguments.rounds} turns\n")
    with tempfile.TemporaryDirectory() as folder:
        photo(Path(folder), arguments)
        if arguments.folder:
            whole_folder(Path(folder), arguments)


def photo(folder, arguments):
    """One photograph: everybody in turn."""
    def detect(photo, out, *more):
        return [arguments.pidinet, "detect", "-m", arguments.model, "-j", arguments.threads, photo, "-o", out, *more]

    def python(peer, photo, out):
        return [sys.executable, __file__, "--worker", peer, arguments.onnx, photo, out]

    check(folder, arguments, detect, python)
    commands = {
        "pidinet": detect(arguments.photo, folder / "pidinet.png"),
        "pidinet --nms": detect(arguments.photo, folder / "nms.png", "--nms"),
    }
    for peer in arguments.peers:
        commands[f"Python, {peer}"] = python(peer, arguments.photo, folder / f"{peer}.png")
    times = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            times[name].append(timed(command, arguments.threads))
    print("| process | median ms | shortest ms | median / pidinet's |\n|---|---|---|---|")
    first = statistics.median(times["pidinet"])
    for name, turns in times.items():
        median = statistics.median(turns)
        print(f"| {name} | {1e3 * median:.1f} | {1e3 * min(turns):.1f} | {median / first:.1f} |")


def whole_folder(folder, arguments):
    """A folder, and the network alone on as many pictures of the photograph's size, in turn."""
    pictures = sorted(arguments.folder.glob("*.jpg"))
    common = ["-m", arguments.model, "-j", arguments.threads]
    bench = [arguments.pidinet, "bench", *common, "--image", arguments.photo, "--runs", 100]
    whole, network = [], []
    for turn in range(3):
        detect = [arguments.pidinet, "detect", *common, *pictures, "-o", folder / f"maps-{turn}/"]
        whole.append(timed(detect, arguments.threads))
        text = run(bench, arguments.threads)
        network.append(len(pictures) * float(re.search(r"median ([\d.]+) ms", text)[1]) / 1e3)
    for whole, network in zip(whole, network):
        print(f"\nfolder of {len(pictures)}: {whole:.2f} s, {len(pictures) / whole:.1f} pictures a second; ", end="")
        print(f"the network alone {network:.2f} s, {100 * network / whole:.0f} %")


def timed(command, threads):
    """Seconds that a process takes."""
    start = perf_counter()
    run(command, threads)
    return perf_counter() - start


def run(command, threads):
    """Output of a command on the first `threads` CPUs of this process's."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )
    if done.returncode:
        sys.exit(f"failed: {' '.join(str(part) for part in command)}\n{done.stderr}")
    return done.stdout


def check(folder, arguments, detect, python):
    """The peers' edges are ours, but for one grey level: on a PNG, since decoders of JPEG differ."""
    import numpy as np
    from PIL import Image

    same, ours = folder / "same.png", folder / "ours.png"
    Image.open(arguments.photo).convert("RGB").save(same)
    run(detect(same, ours), arguments.threads)
    for peer in arguments.peers:
        theirs = folder / f"{peer}.png"
        run(python(peer, same, theirs), arguments.threads)
        maps = [np.asarray(Image.open(file), dtype=int) for file in (ours, theirs)]
        difference = np.abs(maps[0] - maps[1]).max()
        assert difference <= 1, f"{peer} is off by {difference} of 255"


def worker(peer, onnx, photo, out):
    """What people write in Python."""
    import numpy as np
    from PIL import Image

    image = np.asarray(Image.open(photo).convert("RGB"), dtype=np.float32) / 255
    image = (image - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    image = np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)
    threads = int(os.environ["OMP_NUM_THREADS"])
    if peer == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        edges = onnxruntime.InferenceSession(onnx, options).run(None, {"image": image})[0]
    else:
        import openvino

        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        edges = openvino.compile_model(onnx, "CPU", hints)([image])[0]
    Image.fromarray((edges.reshape(edges.shape[-2:]) * 255).astype(np.uint8)).save(out)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
    else:
        main()
