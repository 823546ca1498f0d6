"""The Python package beside what people run from Python today: the annotator of controlnet_aux, and pyEdgeEval.

    pip install torch opencv-python-headless einops timm huggingface_hub pillow scipy scikit-image numpy
    pip install --no-deps controlnet_aux==0.0.10 && pip install dist/pidinet-*.whl
    python benches/peers/python.py controlnet --checkpoint table5_pidinet.pth docs/images/example.jpg
    pip install --no-deps pyEdgeEval==0.2.8      # and what it asks for; it compiles C++
    python benches/peers/python.py evaluation --pred MAPS --bsds BSDS500 100007 100039 100099 10081 101027
    python benches/peers/python.py overhead docs/images/example.jpg
    python benches/peers/python.py lock docs/images/example.jpg --threads 2

`controlnet`: from a photograph in memory to the picture for ControlNet, at 512 pixels, `detect_resolution` and
`image_resolution`, with the same checkpoint. `evaluation`: the scores of some test images of BSDS500, from files to numbers,
maps suppressed and thinned, 99 thresholds. `overhead`: a detection from an array into another, beside the library's alone, an
image that it has taken in already. `lock`: how long a thread of Python counts, alone and while another detects with one thread;
what the processors spent is then of both.

Each measurement is a process of its own, bound to as many CPUs as it has threads; peers take turns. Medians and shortest times of
all turns; what the processors spent is less disturbed by what else a machine does.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

TURNS = 5


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="kind", required=True)
    controlnet = kinds.add_parser("controlnet")
    controlnet.add_argument("--checkpoint", required=True)
    controlnet.add_argument("image")
    evaluation = kinds.add_parser("evaluation")
    evaluation.add_argument("--pred", required=True, help="a folder of ID.png")
    evaluation.add_argument("--bsds", required=True, help="the folder BSDS500, with groundTruth/test/ID.mat")
    evaluation.add_argument("ids", nargs="+")
    overhead = kinds.add_parser("overhead")
    overhead.add_argument("image")
    lock = kinds.add_parser("lock")
    lock.add_argument("image")
    for kind in (controlnet, evaluation, overhead, lock):
        kind.add_argument("--threads", type=int, nargs="+", default=[1, 2])
        kind.add_argument("--turns", type=int, default=TURNS)
        kind.add_argument("--one", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one:
        print(json.dumps(PEERS[asked.kind][asked.one](asked, asked.threads[0])))
    else:
        compare(asked)


def compare(asked):
    """Lets the peers take turns, and prints a table."""
    print("| peer | threads | median ms | shortest ms | median CPU ms | |\n|---|---|---|---|---|---|")
    for threads in asked.threads:
        found = {peer: [] for peer in PEERS[asked.kind]}
        said = {}
        for _ in range(asked.turns):
            for peer in found:
                times, said[peer] = in_a_process(peer, threads)
                found[peer] += times
        for peer, times in found.items():
            wall, cpu = zip(*times)
            numbers = (f"{number:.1f}" for number in (statistics.median(wall), min(wall), statistics.median(cpu)))
            print("|", *(f"{cell} |" for cell in (peer, threads, *numbers, said[peer])), flush=True)


def in_a_process(peer, threads):
    """Times in milliseconds, and what was found."""
    arguments = [argument for argument in sys.argv[1:]]
    command = ["taskset", "-c", ",".join(map(str, range(threads))), sys.executable, __file__, *arguments]
    command += ["--threads", str(threads), "--one", peer]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        sys.exit(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def timed(work, runs=5, warm=1):
    """Milliseconds of each run, by the clock and of all threads' computing, and what the last gave."""
    times = []
    for number in range(warm + runs):
        before = time.perf_counter(), spent()
        result = work()
        after = time.perf_counter(), spent()
        if number >= warm:
            times.append([1000 * (end - start) for start, end in zip(before, after)])
    return times, result


def spent():
    """Seconds that this process and those it has ended computed."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pixels(path):
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def controlnet_aux(asked, threads):
    import pathlib
    import types

    import torch

    # The annotator alone: the others need other packages.
    folder = next(path for path in sys.path if (pathlib.Path(path) / "controlnet_aux").is_dir())
    package = types.ModuleType("controlnet_aux")
    package.__path__ = [os.path.join(folder, "controlnet_aux")]
    sys.modules["controlnet_aux"] = package
    from controlnet_aux.pidi import PidiNetDetector

    torch.set_num_threads(threads)
    place, name = os.path.split(os.path.abspath(asked.checkpoint))
    return drawn(PidiNetDetector.from_pretrained(place, filename=name), asked.image)


def ours(asked, threads):
    from pidinet.controlnet import PidiNetDetector

    return drawn(PidiNetDetector.from_pretrained(asked.checkpoint, threads=threads), asked.image)


def built_in(asked, threads):
    from pidinet.controlnet import PidiNetDetector

    return drawn(PidiNetDetector.from_pretrained(threads=threads), asked.image)


def drawn(detector, path):
    image = pixels(path)
    times, picture = timed(lambda: detector(image, detect_resolution=512, image_resolution=512, output_type="np"))
    return times, f"{picture.shape[1]}x{picture.shape[0]}, mean {picture.mean():.3f}"


def py_edge_eval(asked, threads):
    from pyEdgeEval.evaluators.bsds import BSDS500Evaluator

    evaluator = BSDS500Evaluator(asked.bsds, asked.pred, "test")
    evaluator.set_sample_names([f"test/{id}" for id in asked.ids])
    evaluator.set_eval_params(apply_thinning=True, apply_nms=True)
    # A number of thresholds is what its checks let pass.
    times, found = timed(lambda: evaluator.evaluate(99, threads, None, no_split_dir=True), 1, 0)
    return times, f"ODS {found['ODS_f1']:.4f}, OIS {found['OIS_f1']:.4f}"


def our_scores(asked, threads):
    import shutil
    import tempfile

    import pidinet.eval

    with tempfile.TemporaryDirectory() as folder:
        places = []
        for kind, source, extension in (("pred", asked.pred, "png"), ("gt", f"{asked.bsds}/groundTruth/test", "mat")):
            places.append(os.path.join(folder, kind))
            os.mkdir(places[-1])
            for id in asked.ids:
                shutil.copy(os.path.join(source, f"{id}.{extension}"), places[-1])
        times, found = timed(lambda: pidinet.eval.edges(*places, rounding=False, threads=threads), 3, 0)
    return times, f"ODS {found.ods.f:.4f}, OIS {found.ois.f:.4f}"


def from_python(asked, threads):
    return detected(asked, threads, lambda detector, image, out: lambda: detector(image, out=out))


def from_rust(asked, threads):
    from pidinet._images import picture

    def call(detector, image, out):
        found = picture(image)
        return lambda: detector._core.detect_into(found, out)

    return detected(asked, threads, call)


def detected(asked, threads, call):
    import pidinet

    image = pixels(asked.image)[:321, :481].copy()
    detector = pidinet.EdgeDetector(threads=threads)
    times, _ = timed(call(detector, image, detector(image)), 40, 5)
    small = image[:8, :8].copy()
    tiny, _ = timed(call(detector, small, detector(small)), 2000, 100)
    shortest = min(wall for wall, _ in tiny)
    return times, f"{image.shape[1]}x{image.shape[0]}; 8x8: {1000 * shortest:.0f} µs"


def counting(asked, threads):
    return counted(), "alone"


def counting_beside(asked, threads):
    import threading

    import pidinet

    image, detector, done, detections = pixels(asked.image), pidinet.EdgeDetector(threads=1), threading.Event(), []

    def detect():
        while not done.is_set():
            detections.append(detector(image).shape)

    thread = threading.Thread(target=detect)
    thread.start()
    times = counted()
    done.set()
    thread.join()
    return times, f"{len(detections)} detections"


def counted():
    def count():
        for _ in range(10_000_000):
            pass

    return timed(count, 10)[0]


PEERS = {
    "controlnet": {"controlnet_aux 0.0.10": controlnet_aux, "pidinet": ours, "pidinet, tiny": built_in},
    "evaluation": {"pyEdgeEval 0.2.8": py_edge_eval, "pidinet.eval": our_scores},
    "overhead": {"the library": from_rust, "from Python": from_python},
    "lock": {"counting": counting, "counting beside": counting_beside},
}


if __name__ == "__main__":
    main()
