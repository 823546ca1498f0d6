"""Tests on the CPU, at toy size, with pictures of random numbers: no GPU and no data are needed.

    python check.py [WORDS]      # all of them, or those that have one of the words in their name

Kernels run in Triton's interpreter, and are compared with PyTorch in float64.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat
from torch.nn import functional as F

import network
import operations
import pack
import parameters
import plain
import train
import working
from sample import Data, Recipe, Store

HERE = Path(__file__).parent
CPU = torch.device("cpu")
BOUND = 2e-6  # of the norm: float32 sums of some hundreds of terms
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def close(got, want, bound=BOUND):
    error = ((got.double() - want.double()).norm() / want.double().norm().clamp(min=1e-30)).item()
    assert got.shape == want.shape and error < bound, f"{tuple(got.shape)} {tuple(want.shape)}, off by {error:.1e}"


def same_with_gradients(ours, reference, *inputs, bound=BOUND):
    """Both functions give the same results for the same inputs, and the same gradients."""
    a = [each.clone().requires_grad_() for each in inputs]
    b = [each.double().requires_grad_() for each in inputs]
    got, want = ours(*a), reference(*b)
    close(got, want)
    d = torch.randn(got.shape)
    for x, y in zip(torch.autograd.grad(got, a, d), torch.autograd.grad(want, b, d.double())):
        close(x, y, bound)


def planes(x):
    return x.permute(0, 3, 1, 2)


def pixels(x):
    return x.permute(0, 2, 3, 1)


@test
def gathered_weights_are_the_folded_ones_in_another_order():
    vector = parameters.initial("small", 3)
    weights, _ = working.Working("small", CPU)(vector, torch.float32)
    p, folding = parameters.named("small", vector), plain.Folding(CPU)
    kinds = iter(parameters.KINDS)
    close(weights["init_block"][:36, :30].view(9, 4, 30)[:, :3], folding(next(kinds), p["init_block.weight"]).flatten(2).permute(2, 1, 0))
    for name in list(weights):
        if name.endswith("conv1") and name.startswith("block"):
            weight, kind = p[f"{name}.weight"], next(kinds)
            taps, c = weights[name].detach(), weight.shape[0]
            if kind == "rd":
                wide = torch.zeros(5, 5, taps.shape[1])
                for t in range(9):
                    y, x = t // 3 - 1, t % 3 - 1
                    wide[2 + 2 * y, 2 + 2 * x] += taps[t]
                    wide[2 + y, 2 + x] -= taps[t]
                taps = wide.flatten(0, 1)
            close(taps[:, :c], folding(kind, weight).flatten(1).t())
            assert (weights[name][:, c:] == 0).all()
    assert weights["block2_1.conv2"].shape == (32, 64) and weights["dilations.0.conv2"].shape == (36, 16, 16)
    close(weights["dilations.0.conv2"][9 + 5, :12, :12], p["dilations.0.conv2_2.weight"][:, :, 1, 2].t())


@test
def gradients_go_back_to_the_weights_they_were_gathered_from():
    vector = parameters.initial("tiny", 3).requires_grad_()
    weights, _ = working.Working("tiny", CPU)(vector, torch.float32)
    chosen = [torch.randn(each.shape) for each in weights.values()]
    total = sum((weight * d).sum() for weight, d in zip(weights.values(), chosen))
    (gradient,) = torch.autograd.grad(total, vector)
    close((gradient * vector).sum().detach(), total.detach(), 1e-5)  # as weights are linear in the vector
    p = parameters.named("tiny", gradient)
    d = dict(zip(weights, chosen))
    close(p["block3_2.conv2.weight"][:, :, 0, 0], d["block3_2.conv2"].t())
    taps = d["block1_1.conv1"]  # angular: each weight is added once and subtracted once
    back = parameters.ANGULAR.index
    expected = torch.stack([taps[k] - taps[back(k)] if k != 4 else 0 * taps[4] for k in range(9)], 1)
    close(p["block1_1.conv1.weight"].flatten(1), expected[:20])


def block(kind, radial, shortcut):
    folding = plain.Folding(CPU)

    def reference(x, s, weight, taps):
        x = planes(x)
        kernel = taps.t().reshape(-1, 1, 3, 3)
        if radial:  # the taps are weights by direction; as raw weights they are w1 to w8, and w0 is not used
            order = [4, 0, 1, 2, 3, 5, 6, 7, 8]
            kernel = folding("rd", taps[order].t().reshape(-1, 1, 3, 3))
        y = F.relu(F.conv2d(x, kernel, padding=kernel.shape[-1] // 2, groups=x.shape[1]))
        return pixels(F.conv2d(y, weight.t()[:, :, None, None])) + (s if shortcut else pixels(x))

    def ours(x, s, weight, taps):
        y = operations.Block.apply(x, s if shortcut else None, weight, taps, weight.detach(), radial)
        return y if shortcut else y + 0 * s

    outputs = 24 if shortcut else 8
    taps = torch.randn(9, 8)
    if radial:
        taps[4] = 0
    inputs = torch.randn(2, 9, 11, 8), torch.randn(2, 9, 11, outputs), torch.randn(8, outputs), taps
    same_with_gradients(ours, (lambda x, s, w, t: reference(x, s, w, t) + 0 * s.sum()), *inputs)


@test
def a_block_is_what_pytorch_computes():
    block("cv", False, False)


@test
def a_radial_block_is_what_pytorch_computes():
    block("rd", True, False)


@test
def a_block_with_a_shortcut_is_what_pytorch_computes():
    block("cv", False, True)


@test
def a_pointwise_convolution_is_what_pytorch_computes():
    for relu in (True, False):
        same_with_gradients(
            lambda x, w, b: operations.Pointwise.apply(x, w, b, w.detach(), relu),
            lambda x, w, b: (F.relu(x) if relu else x) @ w + b,
            torch.randn(1, 9, 10, 24), torch.randn(24, 8), torch.randn(8),
        )  # fmt: skip


@test
def a_block_in_half_precision_is_near():
    """In float16, as products of bfloat16 in Triton's interpreter are wrong."""
    torch.manual_seed(2)
    x, weight, taps = torch.randn(1, 9, 8, 8), torch.randn(8, 8), torch.randn(9, 8)

    def gradients(dtype):
        inputs = [each.clone().requires_grad_() for each in (x.to(dtype), weight, taps)]
        y = operations.Block.apply(inputs[0], None, inputs[1], inputs[2], weight.to(dtype), False)
        assert y.dtype == dtype
        return [y.detach(), *torch.autograd.grad(y, inputs, torch.ones_like(y))]

    for got, want in zip(gradients(torch.float16), gradients(torch.float32)):
        close(got, want, 0.02)


@test
def pooling_is_what_pytorch_computes_also_of_odd_sizes_and_of_equal_numbers():
    x = torch.randint(-2, 3, (2, 7, 6, 8)).float()
    same_with_gradients(operations.Pool.apply, lambda x: pixels(F.max_pool2d(planes(x), 2, 2)), x)


@test
def dilated_convolutions_are_what_pytorch_computes():
    def reference(x, weight):
        total = 0
        for i, d in enumerate(parameters.DILATIONS):
            kernel = weight[9 * i : 9 * i + 9, :8, :8].permute(2, 1, 0).reshape(8, 8, 3, 3)
            total = total + F.conv2d(planes(x), kernel, padding=d, dilation=d)
        return pixels(total)

    weight = torch.zeros(36, 16, 16)
    weight[:, :8, :8] = torch.randn(36, 8, 8)
    same_with_gradients(lambda x, w: operations.Dilated.apply(x, w, w.detach()), reference, torch.randn(1, 13, 12, 8), weight)


@test
def the_stem_is_what_pytorch_computes():
    image = torch.randn(2, 6, 7, 4)
    image[..., 3] = 0

    def reference(weight):
        kernel = weight[:36].view(9, 4, 8)[:, :3].permute(2, 1, 0).reshape(8, 3, 3, 3)
        return pixels(F.conv2d(planes(image[..., :3]).double(), kernel, padding=1)) + 0 * weight.sum()

    weight = torch.randn(64, 8)
    weight.view(16, 4, 8)[:, 3] = 0
    same_with_gradients(lambda w: operations.Stem.apply(image, w, w.detach()), reference, weight)


@test
def the_gate_and_the_reduction_are_what_pytorch_computes():
    def reference(z, w, bias, v, reduce, last):
        gate = torch.sigmoid(F.conv2d(planes(F.relu(z) @ w + bias), v, padding=1))
        return gate * planes(z @ reduce) + last

    inputs = torch.randn(2, 7, 9, 8), torch.randn(8, 4), torch.randn(4), torch.randn(1, 4, 3, 3), torch.randn(8, 1)
    same_with_gradients(operations.Head.apply, reference, *inputs, torch.randn(1), bound=1e-5)  # the sum of d is small, its terms are not


@test
def the_loss_and_its_gradients_are_what_pytorch_computes():
    truth = torch.randint(0, 3, (2, 19, 16)).to(torch.uint8)
    truth[1] = 2  # an image that only the teacher knows
    teacher, trust = torch.rand(2, 19, 16), torch.tensor(0.3)
    teacher[0, 3:5] = -1
    for aim in (None, teacher):
        scales = plain.scales(truth, aim, trust, 0.7, 1.1).float()

        def reference(*inputs):
            *sides, fuse, bias = inputs
            four = torch.cat([F.interpolate(side, (19, 16), mode="bilinear", align_corners=False) for side in sides], 1)
            fused = (four * fuse.view(1, 4, 1, 1)).sum(1, keepdim=True) + bias
            return plain.loss(torch.cat([four, fused], 1), truth, aim, trust, 0.7, 1.1)

        sizes = (19, 16), (9, 8), (4, 4), (2, 2)
        inputs = *(torch.randn(2, 1, *size) for size in sizes), torch.rand(4), torch.randn(1)
        same_with_gradients(lambda *each: operations.Loss.apply(*each, truth, scales, aim), reference, *inputs)


@test
def a_teacher_of_trust_one_weighs_as_much_as_the_truth_does_in_one_map():
    truth = torch.tensor([[[1, 0, 0, 0, 2, 1]], [[2, 2, 2, 2, 2, 2]]])
    teacher = torch.tensor([0.9, 0.1, 0, 0.2, 0.3, -1]).expand(2, 1, 6)
    weights = plain.scales(truth, teacher, torch.tensor(1.0), 0.5, 1.1) * 2
    on, off, share = weights[0]
    close(5 * share, 2 * on + 3 * off, 1e-6)
    close(5 * weights[1, 2], torch.tensor(0.5 * 2.1 * 1.5 * 3.5 / 5), 1e-6)


@test
def the_whole_network_has_the_same_loss_and_gradients_in_both_ways():
    vector, image = parameters.initial("toy", 1), torch.randn(1, 3, 16, 11)
    truth = torch.randint(0, 3, (1, 16, 11)).to(torch.uint8)
    teacher, trust = torch.rand(1, 16, 11), torch.tensor(0.3)

    def loss(mode, vector):
        dtype = vector.dtype
        return network.make("toy", CPU, mode, dtype).loss(vector, image.to(dtype), truth, teacher.to(dtype), trust)

    same_with_gradients(lambda v: loss("fast", v), lambda v: loss("plain", v), vector)


@test
def network_and_loss_are_those_of_the_package():
    try:
        from pidinet.torch import PiDiNet, edge_loss
    except ImportError as error:
        print(f"skipped: {error}")
        return
    for size in ("tiny", "small", "full"):
        vector, image = parameters.initial(size, 2).requires_grad_(), torch.randn(2, 3, 33, 40)
        truth = torch.randint(0, 3, (2, 33, 40))
        other = PiDiNet(size)
        other.load_state_dict(parameters.named(size, vector))
        plain_network = network.make(size, CPU, "plain", torch.float32)
        close(plain_network.maps(vector, image), other(image))
        shares = torch.where(truth == 2, -1, truth).float()
        ours, theirs = plain_network.loss(vector, image, truth), edge_loss(other(image), shares)
        close(ours, theirs)
        theirs.backward()
        gradients = parameters.named(size, torch.autograd.grad(ours, vector)[0])
        for name, parameter in other.named_parameters():
            close(gradients[name], parameter.grad, 1e-5)


@test
def crops_are_the_same_in_both_ways():
    with data() as (_, packed):
        whole = Data(packed)
        teacher = {i: np.roll(whole.images[i][..., 0], 3, 0) for i in whole.of("train", "val")}
        store = Store(whole, whole.of("train", "val"), ("shares",), CPU, teacher)
        rows = torch.from_numpy(Recipe(scale=(0.5, 1.6), blurred=1).draw(np.random.default_rng(3), store, 3, 16, 24))
        image, truth, taught = network.make("toy", CPU, "plain", torch.float32).sample(store, rows, 16, 24)
        image2, truth2, taught2 = network.make("toy", CPU, "fast", torch.float32).sample(store, rows, 16, 24)
        close(planes(image2)[:, :3], image, 1e-5)  # exponentials
        assert (truth != truth2).float().mean() < 0.01 and ((taught - taught2).abs() > 1e-6).float().mean() < 0.01  # ties of rounding


@test
def whole_photographs_are_themselves_or_mirrored():
    with data() as (_, packed):
        whole = Data(packed)
        store = Store(whole, whole.of("train"), ("shares",), CPU)
        recipe = Recipe(whole=(1, 1), contrast=(1, 1), colour=0, gamma=0, grey=0, blurred=0)
        rows = torch.from_numpy(recipe.draw(np.random.default_rng(1), store, 1, 48, 64, np.array([0])))
        image, truth, _ = store.sample(rows, 48, 64)
        from sample import DEVIATION, MEAN

        got = pixels(image * torch.tensor(DEVIATION).view(1, 3, 1, 1) + torch.tensor(MEAN).view(1, 3, 1, 1))[0] * 255
        want, share = torch.from_numpy(whole.images[0].copy()).float(), torch.from_numpy(whole.share(0, "shares").copy())
        if rows[0, 1] < 0:
            want, share = want.flip(1), share.flip(1)
        assert (got - want).abs().max() < 0.1  # black is 1e-4
        assert ((truth[0] == 1) == (share >= 77)).all() and ((truth[0] == 0) == (share == 0)).all()


@test
def lines_that_lie_a_pixel_apart_are_registered_as_one():
    maps = np.zeros((3, 40, 40), bool)
    for i in range(3):
        maps[i, 19 + i, 5:35] = True
    maps[0, 5, 5:15] = True
    found = pack.registered(maps)
    assert (found[20, 8:32] == 255).all() and (found[[19, 21], 8:32] < 77).all() and (found[[19, 21], 8:32] > 0).all()
    assert (found[5, 6:14] == 85).all(), "what one of three drew"


@test
def a_packed_file_holds_photographs_and_truth_as_they_were():
    with data() as (folder, packed):
        whole = Data(packed, folder / "photos.npz")
        assert [whole.splits.count(split) for split in ("train", "val", "test", "photo")] == [3, 2, 1, 3]
        photo = next(i for i in whole.of("photo") if whole.names[i] == "0")
        assert whole.images[photo].shape == (320, 480, 3)
        assert (whole.corrections[photo][:, 239] == 12).all() and (whole.corrections[photo][:, 300] == -6).all(), "1.5 and -.7 in eighths"
        assert not whole.corrections[photo + 1 if photo + 1 in whole.corrections else photo - 1].any(), "no mask"
        i = whole.of("val")[1]
        path = folder / "BSDS500/images/val" / f"{whole.names[i]}.jpg"
        assert (whole.images[i] == np.asarray(Image.open(path))).all()
        maps = pack.annotators(folder / "BSDS500/groundTruth/val" / f"{whole.names[i]}.mat")
        assert (whole.share(i, "shares") == pack.shares(maps)).all()
        assert (whole.share(i, "edges") == pack.edges(folder / "BRIND/train" / f"{whole.names[i]}.png")).all()


@test
def steps_are_those_of_adam_and_of_an_average():
    with data() as (_, packed):
        whole = Data(packed)
        store = Store(whole, whole.of("train"), ("shares",), CPU)
        plan = train.Plan(pixels=2 * 32 * 32)
        start = parameters.initial("toy", 1)
        learner = train.Learner("toy", start, store, plan, CPU, "plain", torch.float64)
        learner.network = network.make("toy", CPU, "plain", torch.float32)
        chunk = train.Chunk(3, 2, CPU)
        rows = plan.recipe.draw(np.random.default_rng(1), store, 6, 32, 32).reshape(3, 2, -1)
        chunk.rows[:] = torch.from_numpy(rows)
        chunk.numbers[:, 0], chunk.numbers[:, 1] = 0.004, 0.25
        other = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([other], lr=0.004, betas=(0.9, 0.99))
        average = start.clone()
        for step in range(3):
            learner.once(chunk, 32, 32)
            image, truth, _ = store.sample(chunk.rows[step], 32, 32)
            loss = learner.network.loss(other, image, truth)
            other.grad = torch.autograd.grad(loss, other)[0]
            optimiser.step()
            average = 0.75 * average + 0.25 * other.detach()
            close(chunk.losses[step], loss.detach(), 1e-5)
        close(learner.vector.detach(), other.detach(), 1e-4)  # a rounding may turn a step of Adam
        close(learner.average, average, 1e-4)


@test
def a_step_with_kernels_is_the_step_without():
    with data() as (_, packed):
        whole = Data(packed)
        store, plan = Store(whole, whole.of("train"), ("shares",), CPU), train.Plan()
        rows = torch.from_numpy(plan.recipe.draw(np.random.default_rng(1), store, 1, 16, 12))
        learners = []
        for mode in ("plain", "fast"):
            learner = train.Learner("toy", parameters.initial("toy", 1), store, plan, CPU, mode, torch.float32)
            chunk = train.Chunk(1, 1, CPU)
            chunk.rows[:], chunk.numbers[:, 0], chunk.numbers[:, 1] = rows, 0.004, 1
            learner.once(chunk, 16, 12)
            learners.append((learner.first, chunk.losses))
        close(learners[0][0], learners[1][0], 1e-4)  # crops are rounded otherwise
        close(learners[0][1], learners[1][1], 1e-4)


@test
def rates_rise_then_fall_and_are_low_on_whole_photographs():
    plan = train.Plan()
    crops = train.rate(plan, np.array([0.0, 0.01, 0.4, 0.85]), False)
    assert 0 < crops[0] < crops[1] and crops[2] < crops[1] and crops[3] < 1e-6
    whole = train.rate(plan, np.array([0.85, 1.0]), True)
    assert np.allclose(whole, [0.0004, 0])


@test
def kernels_get_sizes_that_are_plain_integers():
    """Triton takes no others."""
    with data() as (_, packed):
        whole = Data(packed)
        store = Store(whole, whole.of("train"), ("shares",), CPU)
        for side in (32, 0):
            for height, width, batch, _ in train.shapes(train.Plan(), store, side):
                assert all(type(each) is int for each in (height, width, batch))


@test
def a_run_goes_on_from_where_kernels_failed():
    with data() as (_, packed):
        whole = Data(packed)
        store = Store(whole, whole.of("train"), ("shares",), CPU)
        plan = train.Plan(phases=((0.5, 32), (0.5, 0)), pixels=32 * 32)
        learner = train.Learner("toy", parameters.initial("toy", 1), store, plan, CPU, "plain", torch.float32)
        learner.mode, lines, saved = "fast", [], []

        class Broken:
            def sample(self, *_):
                raise RuntimeError("no such kernel")

        def save(done):
            saved.append((done, learner.steps, learner.average.clone()))
            if len(saved) == 1:
                learner.network = Broken()

        train.train(learner, 4, np.random.default_rng(1), lines.append, save)
        assert learner.mode == "plain" and any("no such kernel" in line for line in lines)
        assert [done for done, *_ in saved] == [False, True] and 0 < saved[0][1] < saved[1][1], "steps of both phases"
        assert (saved[1][2] - saved[0][2]).norm() < 0.5 * saved[0][2].norm(), "not begun anew"


@test
def a_run_leaves_models_maps_and_a_log():
    with data() as (folder, packed):
        out = folder / "out"
        command = [sys.executable, HERE / "run.py", "all", "60", "--data", packed, "--out", out, "--toy", "--plain", "--maps-seconds", "10"]
        command += ["--parts", "full=40,full-edges=30,tiny-edges-held=30", "--held-out", "1"]
        subprocess.run(command, check=True, capture_output=True)
        facts = json.loads((out / "results.json").read_text())
        log = (out / "log.txt").read_text()
        assert set(facts) == {"full", "full-edges", "tiny-edges-held"} and all(each["steps"] for each in facts.values()), log
        assert facts["tiny-edges-held"]["photographs"] == 4 and facts["full-edges"]["photographs"] == 5, log
        for archive, names in (("boundaries", {"full", "full-last"}), ("edges", set(facts) - {"full"})):
            with zipfile.ZipFile(out / f"{archive}.zip") as file:
                assert set(file.namelist()) == {f"{name}.safetensors" for name in names}
                file.extractall(out / "models")
        size, first = parameters.read(out / "models/full.safetensors")
        _, second = parameters.read(out / "models/full-edges.safetensors")
        assert size == "toy" and 0 < (first - second).norm() < first.norm(), "edges begin where boundaries ended"
        with np.load(out / "maps-full-0.npz") as maps:
            assert len(maps["names"]) == 6 and len(maps["starts"]) == 7
        assert "done" in log
        begin = [sys.executable, HERE / "run.py", "all", "60", "--data", packed, "--later", folder / "photos.npz", "--out", folder / "again"]
        begin += ["--toy", "--plain", "--parts", "full=60,tiny=20,tiny-edges=20", "--start", out, "--maps", ""]
        subprocess.run(begin, check=True, capture_output=True)
        facts, log = (folder / "again" / name for name in ("results.json", "log.txt"))
        assert [each["photographs"] for each in json.loads(facts.read_text()).values()] == [8, 8, 5], log.read_text()
        assert "3 maps of the teacher" in log.read_text() and "8 maps of the teacher" in log.read_text(), log.read_text()


class data:
    """A folder like that of the data sets, with random pictures, and the file that it is packed into."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        root, random = Path(self.folder.name), np.random.default_rng(1)
        for split, count in (("train", 3), ("val", 2), ("test", 1)):
            for kind in ("images", "groundTruth"):
                (root / "BSDS500" / kind / split).mkdir(parents=True)
            (root / "BRIND/train").mkdir(parents=True, exist_ok=True)
            for i in range(count):
                size = (48, 64) if i != 1 else (64, 48)
                coarse = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8))
                coarse.resize(size[::-1], Image.BICUBIC).save(root / f"BSDS500/images/{split}/{split}{i}.jpg")
                cells = np.empty((1, 3), object)
                for k in range(3):
                    lines = np.zeros(size, np.uint8)
                    lines[15 + k % 2, 5:-5] = lines[5:-5, 20] = 1
                    cells[0, k] = {"Segmentation": lines.astype(np.uint16), "Boundaries": lines}
                savemat(root / f"BSDS500/groundTruth/{split}/{split}{i}.mat", {"groundTruth": cells})
                Image.fromarray(lines * 255).save(root / f"BRIND/train/{split}{i}.png")
        for kind in ("images", "masks"):
            (root / "photos" / kind).mkdir(parents=True)
        for i in range(3):
            Image.fromarray(random.integers(0, 255, (200, 260, 3), np.uint8)).save(root / f"photos/images/{i}.png")
        mask = np.zeros((200, 260), np.uint8)
        mask[:, 130:] = 1
        Image.fromarray(mask).save(root / "photos/masks/0.png")
        packed = root / "data.npz"
        for command in (["pack.py", root, packed], ["pack_photos.py", root / "photos", root / "photos.npz"]):
            subprocess.run([sys.executable, HERE / command[0], *command[1:]], check=True, capture_output=True)
        return root, packed

    def __exit__(self, *_):
        self.folder.cleanup()


def main():
    torch.set_num_threads(1)
    failed = 0
    chosen = [each for each in TESTS if not sys.argv[1:] or any(word in each.__name__ for word in sys.argv[1:])]
    for each in chosen:
        torch.manual_seed(1)
        start = time.monotonic()
        try:
            each()
            print(f"ok {each.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED {each.__name__}: {type(error).__name__} {error}", flush=True)
            if isinstance(error, subprocess.CalledProcessError):
                print(error.stdout.decode()[-2000:], error.stderr.decode()[-2000:])
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
