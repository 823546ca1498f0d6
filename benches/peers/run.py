"""Times pidinet and other inference engines on the same networks; prints a table in Markdown.

See README.md. Every measurement is a process of its own, bound to as many CPUs as it has threads. The engines take
turns, round after round, so that other load on the machine affects all alike.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

PEERS = ("onnxruntime", "openvino", "openvino_default", "ncnn", "tract", "rten", "torch", "torch_compile")
LOWER = ("openvino_default",)  # what may compute in less than float32


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=names, default=["tiny", "full"], help="of tiny, small, full and *-l")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of checkpoints [default: random weights]")
    parser.add_argument("--sizes", type=names, default=["481x321"], help="as in 481x321,1280x720")
    parser.add_argument("--threads", type=names, default=["1", "2"], help="as in 1,2")
    parser.add_argument("--peers", type=names, default=["onnxruntime"], help=f"of {', '.join(PEERS)}")
    parser.add_argument("--precisions", type=names, default=["f32"], help="of pidinet: of f32, bf16 [default: f32]")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every engine [default: 5]")
    parser.add_argument("--runs", type=int, default=20, help="runs in one turn [default: 20]")
    parser.add_argument("--pidinet", type=Path, default=ROOT / "target/release/pidinet", help="the program")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measurements here too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the networks here, and use those that are there")
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(*arguments.worker)
    unknown = set(arguments.peers) - set(PEERS)
    if unknown:
        parser.error(f"no peer {', '.join(sorted(unknown))}: there are {', '.join(PEERS)}")

    print(machine(arguments), "\n")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        for model in arguments.models:
            for size in arguments.sizes:
                files = Files(folder / f"{model}-{size}")
                if not files.golden.exists():
                    files.prepare(model, size, arguments)
                for threads in arguments.threads:
                    rows += measure(files, model, size, int(threads), arguments)
    print(table(rows), "\n")
    print(summary(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


def names(text):
    return text.split(",")


def measure(files, model, size, threads, arguments):
    """One row for each engine: all its rounds together."""
    bench = [arguments.pidinet, "bench", "-m", files.model, "--size", size]
    bench += ["--threads", str(threads), "--runs", str(arguments.runs), "--json"]
    commands = {ours(precision): [*bench, "--precision", precision] for precision in arguments.precisions}
    for peer in arguments.peers:
        work = [peer, files.folder, size, str(threads), str(arguments.runs)]
        commands[peer] = [sys.executable, __file__, "--worker", *work]
    turns = {engine: [] for engine in commands}
    for turn in range(arguments.rounds):
        for engine, command in commands.items():
            print(f"{model} {size}, {threads} threads, round {turn + 1}: {engine}", file=sys.stderr)
            turns[engine].append(json.loads(bound(command, threads)))
    rows = []
    for engine, results in turns.items():
        rows.append({
            "model": model,
            "size": size,
            "threads": threads,
            "engine": engine,
            "median_ms": statistics.median(result["median_ms"] for result in results),
            "min_ms": min(result["min_ms"] for result in results),
            "turns": results,
        })
    return rows


def ours(precision):
    """The name of pidinet in the tables."""
    return "pidinet" if precision == "f32" else f"pidinet {precision}"


def bound(command, threads):
    """Output of a command that may use the first `threads` CPUs of this process's."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    if len(cpus) < threads:
        sys.exit(f"{threads} threads asked for, but this process may use {len(cpus)} CPUs")
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    result = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )
    if result.returncode:
        sys.exit(f"\nfailed: {' '.join(str(part) for part in command)}")
    return result.stdout.strip().splitlines()[-1] if command[0] == sys.executable else result.stdout


class Files:
    """One network at one size, in all the formats that the engines read."""

    def __init__(self, folder):
        self.folder = folder
        self.onnx = folder / "model.onnx"  # OpenVINO reads it too
        self.torchscript = folder / "model.pt"  # for pnnx, which writes model.ncnn.*
        self.golden = folder / "golden.npz"  # an image, and its edges by PyTorch

    @property
    def model(self):
        """The file that pidinet and PyTorch read: a given or a generated one."""
        return next(self.folder.glob("weights.*")).resolve()

    def prepare(self, model, size, arguments):
        import numpy as np
        import torch

        import export_onnx
        from networks import Edges

        self.folder.mkdir(parents=True)
        if arguments.weights:
            found = checkpoint(arguments.weights, model)
            (self.folder / f"weights{found.suffix}").symlink_to(found.resolve())
            net = export_onnx.network(str(found))
        else:
            net = export_onnx.network(model)
            net.save(self.folder / "weights.safetensors", name=model)
        width, height = export_onnx.size(size)
        export_onnx.export(net, self.onnx, (width, height))
        net = Edges(net.fold()).eval()
        image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            golden = {"image": image.numpy(), "edges": net(image).numpy()}
        if "ncnn" in arguments.peers:
            torch.jit.trace(net, image).save(str(self.torchscript))
            inputs = f"inputshape=[1,3,{height},{width}]"
            command = ["pnnx", self.torchscript.name, inputs, "fp16=0"]
            if not shutil.which("pnnx"):
                sys.exit("ncnn needs the program pnnx to read the network: pip install pnnx")
            made = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
            if made.returncode:
                sys.exit(f"pnnx failed: {made.stderr}")
        np.savez(self.golden, **golden)  # last: whoever finds it finds the rest


def checkpoint(folder, model):
    """The file of a network in a folder, by our names or the published ones."""
    published = "pidinet" if model == "full" else f"pidinet-{model.removeprefix('full-')}"
    for stem in (model, published, f"table5_{published}"):
        for suffix in (".safetensors", ".pth"):
            if (folder / (stem + suffix)).is_file():
                return folder / (stem + suffix)
    sys.exit(f"{folder} has no {model}.safetensors or {published}.pth")


def worker(peer, folder, size, threads, runs):
    """Times one peer in this process, after a check that it computes the right thing."""
    from time import perf_counter

    import numpy as np

    files = Files(Path(folder))
    golden = np.load(files.golden)
    warm_up = 3
    if peer == "rten":  # a program, which times itself
        error, times = time_rten(files, golden, int(threads), warm_up + int(runs))
    else:
        run = globals()[f"run_{peer}"](files, int(threads))
        image = golden["image"]
        error = np.abs(np.asarray(run(image)).reshape(golden["edges"].shape) - golden["edges"]).max()
        times = []
        for _ in range(warm_up + int(runs)):
            start = perf_counter()
            run(image)
            times.append(1e3 * (perf_counter() - start))
    limit = 1 if peer == "openvino_default" else 1e-3  # what lower precision costs is for precision.py
    assert error < limit, f"{peer} is off by {error}"
    times = times[warm_up:]
    result = {"median_ms": statistics.median(times), "min_ms": min(times), "runs": len(times)}
    print(json.dumps(result | {"threads": int(threads)}))


def run_onnxruntime(files, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(files.onnx), options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"image": image})[0]


def run_openvino(files, threads, precision={"INFERENCE_PRECISION_HINT": "f32"}):
    import openvino

    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads} | precision
    request = openvino.compile_model(str(files.onnx), "CPU", hints).create_infer_request()
    return lambda image: request.infer([image], share_inputs=True)[0]


def run_openvino_default(files, threads):
    """In the precision that OpenVINO chooses: bf16 if the CPU has it."""
    return run_openvino(files, threads, precision={})


def run_ncnn(files, threads):
    import ncnn
    import numpy as np

    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)  # float32, as the others
    net.load_param(str(files.folder / "model.ncnn.param"))
    net.load_model(str(files.folder / "model.ncnn.bin"))

    def run(image):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image[0]))
        return np.asarray(extractor.extract("out0")[1])

    return run


def folded(files):
    """The network of PyTorch, that gives edges."""
    from networks import Edges
    from pidinet.torch import PiDiNet

    return Edges(PiDiNet.from_pretrained(files.model).fold()).eval()


def run_torch(files, threads):
    import torch

    torch.set_num_threads(threads)
    net = folded(files)

    def run(image):
        with torch.inference_mode():
            return net(torch.from_numpy(image)).numpy()

    return run


def run_torch_compile(files, threads):
    """Inductor, with frozen weights."""
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = True
    torch.set_num_threads(threads)
    net = torch.compile(folded(files))

    def run(image):
        with torch.inference_mode():
            return net(torch.from_numpy(image)).numpy()

    return run


def run_tract(files, threads):
    import tract

    if threads != 1:
        sys.exit("tract runs on one thread")
    model = tract.onnx().load(str(files.onnx)).into_model().into_runnable()
    return lambda image: model.run([image])[0].to_numpy()


def time_rten(files, golden, threads, runs):
    """How far the output of the program `rten` is off, and the milliseconds of each run."""
    from safetensors.numpy import save_file

    with tempfile.TemporaryDirectory() as folder:
        given, wanted = (Path(folder) / f"{name}.safetensors" for name in ("image", "edges"))
        save_file({"image": golden["image"]}, given)
        save_file({"edges": golden["edges"]}, wanted)
        command = ["rten", "--prepack", "-t", str(threads), "-n", str(runs), "-i", given, "--check-outputs", wanted, files.onnx]
        output = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    times = [float(time) for time in re.findall(r"outputs in ([\d.]+)ms", output)]
    return float(re.search(r"max diff ([\d.e-]+)", output)[1]), times


def table(rows):
    """Every engine; times are compared with those of pidinet in the first precision asked for."""
    lines = [
        "| model | size | threads | engine | median ms | min ms | time / pidinet's |",
        "|---|---|---|---|---|---|---|",
    ]
    first = {}
    for row in rows:
        case = (row["model"], row["size"], row["threads"])
        ratio = row["median_ms"] / first.setdefault(case, row["median_ms"])
        what = f"{row['model']} | {row['size']} | {row['threads']} | {row['engine']}"
        lines.append(f"| {what} | {row['median_ms']:.2f} | {row['min_ms']:.2f} | {ratio:.2f} |")
    return "\n".join(lines)


def summary(rows):
    """For each case and precision, pidinet beside the fastest peer; last the geometric means of the ratios.

    In f32 it is compared only with peers in float32, in lower precision with all.
    """
    lines = [
        "| model | size | threads | median ms | fastest peer, ms | ratio | min ms | fastest peer, ms | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    cases = {}
    for row in rows:
        cases.setdefault((row["model"], row["size"], row["threads"]), {})[row["engine"]] = row
    ratios = {}
    for case, results in cases.items():
        engines = [engine for engine in results if engine.startswith("pidinet")]
        for engine in engines:
            peers = [peer for peer in results if peer not in engines and (peer not in LOWER or engine != ours("f32"))]
            if not peers:
                continue
            line = [*map(str, case)]
            for figure in ("median_ms", "min_ms"):
                time = results[engine][figure]
                peer = min(peers, key=lambda peer: results[peer][figure])
                ratio = results[peer][figure] / time
                ratios.setdefault((engine, figure), []).append(ratio)
                line += [f"{engine} {time:.1f}", f"{peer} {results[peer][figure]:.1f}", f"{ratio:.2f}"]
            lines.append(f"| {' | '.join(line)} |")
    for (engine, figure), all_of_them in ratios.items():
        mean = statistics.geometric_mean(all_of_them)
        lines.append(f"\nGeometric mean of the ratios, {engine}, {figure}: {mean:.2f}")
    return "\n".join(lines)


def version(peer):
    """The version of the package it comes in."""
    if peer == "rten":
        return subprocess.run(["rten", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    return metadata.version(peer.split("_")[0])


def machine(arguments):
    """The machine and the versions that the table is about."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
            break
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    versions = ", ".join(f"{peer} {version(peer)}" for peer in arguments.peers)
    return f"{cpu}, {os.cpu_count()} CPUs; pidinet {commit}; {versions}; {arguments.rounds} rounds"


if __name__ == "__main__":
    main()
