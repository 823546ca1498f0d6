"""Trains models for a given number of seconds on one GPU, and leaves models, maps and a log in a folder.

    python run.py all 560 --data data.npz --out results

README.md says what each part is for. An interrupted run leaves what it saved last, at most half a minute before.
"""

import argparse
import io
import json
import random as shuffling
import subprocess
import sys
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
import torch

import network
import parameters
from maps import averaged, write_maps
from sample import Data, Recipe, Store
from train import Learner, Plan, prepare, train

PARTS = {  # shares of the time
    "boundaries": {"full": 64, "small": 21, "tiny": 15},
    "edges": {
        "full-edges": 38, "full-edges-held": 15, "small-edges": 17, "small-edges-held": 6, "tiny-edges": 17, "tiny-edges-held": 7,
    },
    "all": {
        "full": 49, "small": 17, "tiny": 10, "full-edges": 10, "full-edges-held": 4, "small-edges": 4.5,
        "small-edges-held": 1.5, "tiny-edges": 3, "tiny-edges-held": 1.5,
    },
}  # fmt: skip


class Results:
    """The results that the run leaves in its folder; every file is written under a temporary name and renamed."""

    def __init__(self, folder):
        self.folder, self.models, self.facts = folder, {}, {}
        folder.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()
        self.log = open(folder / "log.txt", "a", buffering=1)

    def say(self, text):
        line = f"[{time.monotonic() - self.start:6.1f}] {text}"
        print(line, flush=True)
        self.log.write(line + "\n")

    def write(self, name, content):
        temporary = self.folder / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.rename(self.folder / name)

    def keep(self, name, size, vector, average, **facts):
        """Saves a model, the average of its weights, in the archive of its kind; of boundaries the last weights, too."""
        about = {
            "provenance": f"trained with tools/gpu, {facts['gigapixels']:.2f} gigapixels in {facts['steps']} steps",
            "training_data": facts["training_data"],
            "licence": "MIT OR Apache-2.0",
        }
        self.models[f"{name}.safetensors"] = parameters.encode(size, average, name=name, **about)
        archive = "edges" if "edges" in name else "boundaries"
        if archive == "boundaries":
            self.models[f"{name}-last.safetensors"] = parameters.encode(size, vector, name=f"{name}-last", **about)
        self.facts[name] = facts
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for each, model in self.models.items():
                if ("edges" in each) == (archive == "edges"):
                    file.writestr(each, model)
        self.write(f"{archive}.zip", content.getvalue())
        self.write("results.json", json.dumps(self.facts, indent=1).encode())


def held_out(data, count):
    """Photographs of `val` that a part ending in -held does not train on."""
    names = sorted(data.names[i] for i in data.of("val"))
    shuffling.Random(60).shuffle(names)
    return set(names[:count])


def plan_of(name, options):
    """Settings of one part."""
    size = name.split("-")[0]
    plan = Plan(kinds=tuple(options.truth.split(",")), trust=0 if size == "full" else options.trust)
    if "-edges" in name:
        plan.kinds, plan.rate, plan.trust = ("edges",), 0.003, 0
        plan.recipe = Recipe(scale=(0.35, 1.6), turns=0, contrast=(0.35, 1.3), gamma=0.3, blurred=0.25)
        plan.phases = ((0.85, 320), (0.15, 0))
    if options.toy:
        plan.phases = tuple((share, side // 5) for share, side in plan.phases)
        plan.pixels = 2 * 64 * 64
    return plan


class Teacher:
    """Maps of the photographs by a model, corrected by masks, which are kept while the model is the same."""

    def __init__(self, data, mode, device, options, say):
        self.data, self.mode, self.device, self.dtype, self.say = data, mode, device, options.dtype, say
        self.vector, self.found = None, {}

    def maps(self, model, numbers, seconds):
        """Maps by number, of as many as `seconds` allow, and those known before."""
        size, vector = model
        if vector is not self.vector:
            self.vector, self.found = vector, {}
        start = time.monotonic()
        net = network.make(size, self.device, self.mode, self.dtype)
        missing = [i for i in numbers if i not in self.found]
        maps = averaged(net, vector.to(self.device), self.data, missing, self.device, start + seconds, corrected=True)
        self.found.update(maps)
        if missing:
            self.say(f"{len(self.found)} maps of the teacher in {time.monotonic() - start:.1f} s")
        return self.found


def agreement(data, options, device, results):
    """Times a step both ways, and says which to use: fast, if it is right."""
    size = options.sizes["full"]
    plan = plan_of("full", options)
    side = plan.phases[-2][1]
    batch = max(1, plan.pixels // side**2)
    numbers = data.of("train")[:32] + data.of("photo")[:16]
    store = Store(data, numbers, plan.kinds, device, {i: data.images[i][..., 1] for i in numbers})
    rows = torch.from_numpy(plan.recipe.draw(np.random.default_rng(1), store, batch, side, side)).to(device)
    start = parameters.initial(size, 1).to(device)

    def gradient(mode, dtype):
        vector = start.clone().requires_grad_()
        net = network.make(size, device, mode, dtype)
        image, truth, teacher = net.sample(store, rows, side, side)
        loss = net.loss(vector, image, truth, teacher, torch.full((), options.trust, device=device))
        return loss.item(), torch.autograd.grad(loss, vector)[0].double()

    def paces(mode):
        """Takes some steps of every shape of the whole run, so that what cannot work fails now."""
        learner, found = Learner(size, start, store, plan, device, mode, options.dtype), []
        for _, side in plan.phases:
            for height, width, batch, _, _, step, _ in prepare(learner, np.random.default_rng(1), side):
                count = 20 if device.type == "cuda" else 1
                step()
                learner.synchronise()
                began = time.monotonic()
                for _ in range(count):
                    step()
                learner.synchronise()
                seconds = (time.monotonic() - began) / count
                found.append(f"{width}×{height} {1000 * seconds:.2f} ms a step, {batch * height * width / seconds / 1e6:.1f} megapixels/s")
        return "; ".join(found)

    if not options.plain:
        try:
            exact, direction = gradient("plain", torch.float32)
            began = time.monotonic()
            loss, found = gradient("fast", options.dtype)
            cosine = torch.nn.functional.cosine_similarity(direction, found, 0).item()
            ratio = (found.norm() / direction.norm()).item()
            results.say(
                f"fast: loss {loss:.1f} (PyTorch in float32 {exact:.1f}), gradient's cosine {cosine:.4f}, its length {ratio:.4f}; "
                f"{time.monotonic() - began:.1f} s for the first step"
            )
            if abs(loss / exact - 1) < 0.02 and cosine > 0.98 and 0.95 < ratio < 1.05:
                results.say(f"fast: {paces('fast')}")
                if options.profile:
                    profile(lambda: gradient("fast", options.dtype), results)
                return "fast"
            results.say("the kernels do not agree with PyTorch, so they are not used")
        except Exception:
            results.say(f"fast failed\n{traceback.format_exc()}")
    torch.backends.cudnn.benchmark = True
    results.say(f"plain: {paces('plain')}")
    return "plain"


def profile(step, results):
    """Writes how long each kernel of a step takes to `profile.txt`."""
    from torch import profiler

    try:
        with profiler.profile(activities=[profiler.ProfilerActivity.CPU, profiler.ProfilerActivity.CUDA]) as found:
            step()
        table = found.key_averages().table(sort_by="self_device_time_total", row_limit=80, max_name_column_width=60)
        results.write("profile.txt", table.encode())
    except Exception:
        results.say(f"no profile\n{traceback.format_exc()}")


def precompile(options, results):
    """Compiles kernels on all cores while photographs are unpacked."""
    capability = "".join(map(str, torch.cuda.get_device_capability()))
    command = [sys.executable, str(Path(__file__).parent / "precompile.py"), "--sizes", ",".join(options.sizes), "--capability", capability]
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as error:
        results.say(f"kernels are compiled one by one: {error}")
        return None


def started(folder):
    """Vectors of models in a folder or an archive that an earlier run left, by name."""
    found = {}
    for path in sorted(Path(folder).iterdir()) if folder else []:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    temporary = Path(folder) / f".{name}"
                    temporary.write_bytes(archive.read(name))
                    found[Path(name).stem] = parameters.read(temporary)
                    temporary.unlink()
        elif path.suffix == ".safetensors":
            found[path.stem] = parameters.read(path)
    return found


def main():
    parser = argparse.ArgumentParser(description="Train models for a given number of seconds on one GPU.")
    parser.add_argument("what", choices=list(PARTS), help="which models")
    parser.add_argument("seconds", type=float, help="from start to end, maps included")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="files that pack.py and pack_photos.py wrote")
    parser.add_argument("--later", type=Path, help="another one, used as soon as it is there, for one that is still being copied")
    parser.add_argument("--out", type=Path, required=True, help="folder for models, maps and the log")
    parser.add_argument("--parts", help="instead of the usual ones, such as full=80,full-edges=20: shares of the time")
    parser.add_argument("--start", type=Path, help="folder of models to start from, by name, such as full.safetensors")
    parser.add_argument("--truth", default="shares,registered", help="of boundaries, one or both [default: shares,registered]")
    parser.add_argument("--splits", default="train,val", help="to train on [default: train,val]")
    parser.add_argument("--held-out", type=int, default=60, help="photographs that parts ending in -held leave out")
    parser.add_argument("--trust", type=float, default=1.0, help="of small and tiny in full, where there is truth, too [default: 1]")
    parser.add_argument("--maps", default="full", help="models whose maps of BSDS500 are saved [default: full]")
    parser.add_argument("--maps-seconds", type=float, default=20, help="kept for maps at the end [default: 20]")
    parser.add_argument("--megabytes", type=float, default=42, help="of maps, at most [default: 42]")
    parser.add_argument("--plain", action="store_true", help="without our own kernels")
    parser.add_argument("--profile", action="store_true", help="how long each kernel takes, too, in profile.txt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--toy", action="store_true", help="tiny networks and crops, to try the program on a CPU")
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    options.sizes = {size: "toy" if options.toy else size for size in ("tiny", "small", "full")}
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if device.type == "cpu":
        torch.set_num_threads(1)
    torch.manual_seed(options.seed)

    results = Results(options.out)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    results.say(f"{name}, torch {torch.__version__}")
    compiling = precompile(options, results) if device.type == "cuda" and not options.plain else None
    data = Data(*options.data)
    results.say(f"{len(data.images)} photographs")
    if compiling:
        try:
            results.say(compiling.communicate(timeout=90)[0].strip()[-600:])
        except subprocess.TimeoutExpired:
            compiling.kill()
            results.say("compiling takes long; missing kernels are compiled when they are needed")
    try:
        mode = agreement(data, options, device, results)
    except Exception:
        results.say(f"the speed test failed\n{traceback.format_exc()}")
        mode = "plain"
    results.say(f"uses {mode}")
    models = started(options.start)
    parts = PARTS[options.what]
    if options.parts:
        parts = {part: float(share) for part, share in (each.split("=") for each in options.parts.split(","))}
    wanted = [each for each in options.maps.split(",") if each and (each in parts or each in models)]
    training_end = deadline - (options.maps_seconds if wanted else 0)
    numbers = data.of(*options.splits.split(","))
    teacher = Teacher(data, mode, device, options, results.say)

    def store_of(part, plan):
        """What a part learns from: a teacher's maps, too, if there is a model to teach it."""
        if options.later and options.later.exists():
            results.say(f"{len(data.add(options.later))} more photographs")
            options.later = None
        without = held_out(data, options.held_out) if part.endswith("-held") else ()
        mine = [i for i in numbers if data.names[i] not in without]
        if "-edges" in part or "full" not in models:
            return Store(data, mine, plan.kinds, device)
        photos = data.of("photo")
        maps = teacher.maps(models["full"], photos + (mine if plan.trust else []), options.seconds / 15)
        empty = {i: np.zeros(data.images[i].shape[:2], np.uint8) for i in mine if not plan.trust}
        mine = mine + photos
        mine = [i for i in mine if i in maps or i in empty]
        return Store(data, mine, plan.kinds, device, maps | empty)

    todo = dict(parts)
    while todo:
        part, share = next(iter(todo.items()))
        seconds = (training_end - time.monotonic()) * share / sum(todo.values())
        del todo[part]
        if seconds < 1:
            results.say(f"no time is left for {part}")
            continue
        end = time.monotonic() + seconds
        base = part.split("-")[0]
        size = options.sizes[base]
        if "-edges" in part and base in models:
            vector = models[base][1]
        else:
            vector = models[part][1] if part in models else parameters.initial(size, options.seed)
        plan = plan_of(part, options)
        try:
            learner = Learner(size, vector, store_of(part, plan), plan, device, mode, options.dtype)

            def save(done, learner=learner, part=part, plan=plan):
                texts = {"edges": "BRIND", "shares": "BSDS500", "registered": "BSDS500, registered"}
                results.keep(
                    part, learner.size, learner.vector, learner.average, done=done, steps=learner.steps,
                    gigapixels=learner.pixels / 1e9, photographs=learner.store.count, mode=learner.mode,
                    training_data=f"{texts[plan.kinds[0]]} {options.splits}, {learner.store.count} photographs in all",
                )
                models[part] = (learner.size, learner.average.detach().clone())

            def renewed(part=part, plan=plan):
                return store_of(part, plan)

            results.say(f"{part}: {end - time.monotonic():.0f} s, {learner.store.count} photographs, {mode}")
            random = np.random.default_rng([options.seed, sum(map(ord, part))])
            train(learner, end - time.monotonic(), random, results.say, save, renewed if part == "full" else None)
        except Exception:
            results.say(f"{part} failed; what was saved last is kept\n{traceback.format_exc()}")
    room = options.megabytes * 1e6
    for each in wanted:
        if each in models:
            size, vector = models[each]
            net = network.make(size, device, mode, options.dtype)
            room -= write_maps(results, each, net, vector.to(device), data, device, deadline - 3, room)
    results.say("done")


if __name__ == "__main__":
    main()
