"""PiDiNet in PyTorch: convolutions by direct loops, maps by the program, files."""

import doctest
import hashlib
import importlib
import itertools
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pidinet
import synthetic

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import pidinet.torch as networks  # noqa: E402

REPOSITORY = Path(__file__).parents[3]
torch.set_num_threads(1)
GOLDEN = REPOSITORY / "crates/pidinet/tests/golden"
SHARED = REPOSITORY.parent / "shared"

AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]  # clockwise
WINDOW = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]


def pairs(kind):
    """(weight, first pixel, second pixel) of each difference, as the papers draw them; pixels as (rows down, columns right)."""
    if kind == "cv":
        return [(tap, place, None) for tap, place in enumerate(WINDOW)]
    if kind == "cd":
        return [(tap, place, (0, 0)) for tap, place in enumerate(WINDOW)]
    if kind == "ad":
        following = {place: AROUND[(at + 1) % 8] for at, place in enumerate(AROUND)}
        return [(tap, place, following.get(place, place)) for tap, place in enumerate(WINDOW)]
    ring = [place for place in WINDOW if place != (0, 0)]
    return [(tap, (2 * y, 2 * x), (y, x)) for tap, (y, x) in enumerate(ring, start=1)]


def convolved(x, weight, kind, theta, stride, dilation, groups):
    """Pixel differences taken literally in float64: `x` `[in, h, w]`, `weight` `[out, in / groups, 3, 3]`."""
    (_, height, width), (outputs, inputs) = x.shape, weight.shape[:2]

    def pixel(c, y, z):
        return x[c, y, z] if 0 <= y < height and 0 <= z < width else 0.0

    rows, columns = -(-height // stride), -(-width // stride)
    result = np.zeros((outputs, rows, columns))
    for o, i, y, z in itertools.product(range(outputs), range(inputs), range(rows), range(columns)):
        c, taps = o // (outputs // groups) * inputs + i, weight[o, i].ravel()
        for tap, (down, right), second in pairs(kind):
            difference = pixel(c, y * stride + down * dilation, z * stride + right * dilation)
            if second is not None:
                difference -= theta * pixel(c, y * stride + second[0] * dilation, z * stride + second[1] * dilation)
            result[o, y, z] += taps[tap] * difference
        if kind == "rd":
            result[o, y, z] += (1 - theta) * taps[0] * pixel(c, y * stride, z * stride)
    return result


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("theta, stride, dilation, groups", [(1.0, 1, 1, 1), (0.3, 1, 1, 2), (0.7, 2, 1, 4), (1.0, 1, 2, 2), (0.5, 2, 2, 1)])
def test_each_kind_takes_the_differences_of_its_pairs(kind, theta, stride, dilation, groups):
    torch.manual_seed(1)
    conv = networks.PixelDifferenceConv2d(4, 8, kind, stride=stride, dilation=dilation, groups=groups, theta=theta, dtype=torch.float64)
    x = torch.randn(2, 4, 7, 6, dtype=torch.float64)
    got = conv(x).detach().numpy()
    for image, map in zip(x.numpy(), got):
        want = convolved(image, conv.weight.detach().numpy(), kind, theta, stride, dilation, groups)
        np.testing.assert_allclose(map, want, atol=1e-12)
    np.testing.assert_allclose(conv.fold()(x).detach().numpy(), got, atol=1e-12)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_gradients_pass_through_the_folding(kind):
    torch.manual_seed(2)
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    padding = 2 if kind == "rd" else 1

    def convolve(weight):
        return torch.nn.functional.conv2d(x, networks.fold(weight, kind, 0.6), padding=padding)

    assert torch.autograd.gradcheck(convolve, weight)


def test_what_no_convolution_can_be_is_refused():
    for wrong in ({"kind": "xd"}, {"theta": 0}, {"theta": 1.5}, {"groups": 3}, {"stride": 0}):
        with pytest.raises(ValueError):
            networks.PixelDifferenceConv2d(4, 8, **wrong)
    with pytest.raises(ValueError, match="expected one of baseline"):
        networks.PiDiNet("tiny", config="carv5")
    with pytest.raises(ValueError, match="expected one of tiny, small, full, tiny-l"):
        networks.PiDiNet("huge")
    with pytest.raises(ValueError, match="at least 8"):
        networks.PiDiNet("tiny")(torch.zeros(1, 3, 7, 20))


def random_network(size, seed=1, **options):
    """Weights that keep the size of activations, so that edge maps are not the same grey everywhere."""
    torch.manual_seed(seed)
    net = networks.PiDiNet(size, **options)
    with torch.no_grad():
        for parameter in net.parameters():
            bound = (3 / parameter[0].numel()) ** 0.5 if parameter.dim() == 4 else 0.3
            parameter.uniform_(-bound, bound)
    return net


@pytest.mark.parametrize(
    "size, options",
    [
        *((size, {}) for size in networks.SIZES),
        ("tiny", {"config": "r16", "theta": 0.7, "preset": "controlnet"}),
        (networks.Size(6, 3, False), {"config": "rd,cd,cv,cv,ad,rd,rd,cd,ad,cv,cd,cd,ad,ad,cv,rd"}),
        (networks.Size(5, None, True), {"config": "a-v15", "theta": 0.3}),
    ],
)
def test_maps_of_every_size_are_those_of_the_program(tmp_path, size, options, photo):
    path = tmp_path / "own.safetensors"
    net = random_network(size, **options)
    net.save(path)
    image = photo[:53, :61]
    got = maps(net, image)
    edges, sides = pidinet.EdgeDetector(path, sides=True).detect(image, sides=True)
    assert edges.std() > 0.01
    np.testing.assert_allclose(got[4], edges, atol=1e-5)
    np.testing.assert_allclose(got[:4], sides, atol=1e-5)
    np.testing.assert_allclose(maps(net.fold(), image), got, atol=1e-5)


def maps(net, image):
    """Five maps of probabilities `[5, h, w]` of an image `[h, w, 3]` of bytes."""
    with torch.no_grad():
        x = net.normalise(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])
        return torch.sigmoid(net(x))[0].numpy()


@pytest.mark.parametrize("name, detail", [("tiny", None), ("tiny-edges", None), ("tiny", 0.5)])
def test_networks_of_models_that_are_built_in_find_what_the_detector_finds(name, detail, photo):
    net = networks.PiDiNet.from_pretrained(name, detail=detail)
    np.testing.assert_allclose(maps(net, photo)[4], pidinet.EdgeDetector(name, detail=detail)(photo), atol=1e-5)
    with torch.no_grad():
        edges = net.edges(net.normalise(torch.from_numpy(photo).permute(2, 0, 1)[None]))
    assert edges.shape == (1, 1, 90, 121) and not net.training
    np.testing.assert_allclose(edges[0, 0].numpy(), maps(net, photo)[4], atol=1e-6)


def test_checkpoints_of_the_published_form_open(tmp_path, photo):
    path = tmp_path / "published.pth"
    own = random_network("small", config="rvvv4", theta=0.5)
    torch.save({"state_dict": {f"module.{name}": value for name, value in own.state_dict().items()}, "epoch": 3}, path)
    for options in ({}, {"config": "baseline"}, {"config": "rvvv4", "theta": 0.5}):
        net = networks.PiDiNet.from_pretrained(path, **options)
        detector = pidinet.EdgeDetector(pidinet.Model.open(path, **options))
        np.testing.assert_allclose(maps(net, photo)[4], detector(photo), atol=1e-5)
    assert np.array_equal(maps(net, photo), maps(own, photo))
    path.write_bytes(synthetic.checkpoint())  # as older versions of PyTorch wrote them
    assert networks.PiDiNet.from_pretrained(path).size == networks.SIZES["full"]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="not in the repository")
@pytest.mark.parametrize("path", sorted((GOLDEN / "models").glob("*")), ids=lambda path: path.stem)
def test_golden_maps_are_met(path):
    from pidinet.torch import _safetensors

    net = networks.PiDiNet.from_pretrained(path).double()
    _, golden = _safetensors.decode((GOLDEN / "maps" / path.name).read_bytes())
    x = torch.from_numpy(golden["x"]).double()
    with torch.no_grad():
        stages, logits = net.stages(x), net(x)[0]
    for at, stage in enumerate(stages):
        want = golden[f"x{at}"]
        np.testing.assert_allclose(stage.numpy(), want, atol=1e-6 * np.abs(want).max())
    for name, logit in zip(("e1", "e2", "e3", "e4", "fused"), logits):
        np.testing.assert_allclose(torch.sigmoid(logit).numpy(), golden[name], atol=1e-7)


@pytest.mark.skipif(not (SHARED / "golden").is_dir(), reason="there is no output of the published code")
@pytest.mark.parametrize("model", ["baseline", "pidinet", "pidinet-l", "small", "small-l", "tiny", "tiny-l"])
def test_published_weights_give_what_the_published_code_gave(model):
    file = model if model == "baseline" or model.startswith("pidinet") else f"pidinet-{model}"
    weights = SHARED / f"data/pidinet-official/weights/table5_{file}.pth"
    net = networks.PiDiNet.from_pretrained(weights, config="baseline" if model == "baseline" else "carv4")
    for path in sorted((SHARED / "golden").glob(f"{model}__rand*.npz")):
        golden = np.load(path)
        with torch.no_grad():
            x = torch.from_numpy(golden["x"])
            stages, logits = net.stages(x), net(x)[0]
        for at, stage in enumerate(stages):
            want = golden[f"x{at}"]
            np.testing.assert_allclose(stage.numpy(), want, atol=1e-4 * np.abs(want).max())
        for name, logit in zip(("e1", "e2", "e3", "e4", "fused"), logits):
            np.testing.assert_allclose(torch.sigmoid(logit).numpy(), golden[name], atol=5e-5)


def test_parameters_have_the_published_names_and_counts():
    counts = {size: sum(p.numel() for p in networks.PiDiNet(size).parameters()) for size in ("tiny", "small", "full")}
    assert counts == {"tiny": 84_477, "small": 183_763, "full": 710_149}
    import json

    published = json.loads((synthetic.GOLDEN / "shapes.json").read_text())
    state = networks.PiDiNet("full").state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == published


def test_training_and_evaluation_are_the_same(photo):
    net = networks.PiDiNet.from_pretrained("tiny")
    assert np.array_equal(maps(net.train(), photo), maps(net.eval(), photo))


def test_folded_networks_are_files_too(tmp_path, photo):
    net = random_network("tiny", config="carv4", theta=0.7)
    raw, folded, own = (tmp_path / name for name in ("raw.safetensors", "folded.safetensors", "own.safetensors"))
    net.save(raw, name="x")
    net.fold().save(folded, name="x")
    assert isinstance(net.fold().block1_1.conv1, torch.nn.Conv2d) and not isinstance(net.block1_1.conv1, torch.nn.Conv2d)
    again = networks.PiDiNet.from_pretrained(folded)
    assert again.folded and again.fold().init_block.weight.shape == net.init_block.weight.shape
    again.save(own)
    assert own.read_bytes() == folded.read_bytes()
    np.testing.assert_allclose(pidinet.EdgeDetector(folded)(photo), pidinet.EdgeDetector(raw)(photo), atol=1e-5)


def test_saving_what_was_opened_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    about = {"provenance": "a test", "training_data": "none, ü", "licence": "MIT", "scores": {"ods": 0.5}}
    random_network("tiny-l").save(first, **about)
    networks.from_pretrained(first).save(second)
    assert first.read_bytes() == second.read_bytes()
    info = pidinet.Model.open(second).info
    assert (info.name, info.licence, info.training_data, info.scores) == ("first", "MIT", "none, ü", {"ods": 0.5})
    # The same for what was not written here, calibration and all.
    networks.from_pretrained("tiny").save(first)
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(pidinet.Model.open("tiny").to_bytes()).digest()


def test_scores_and_calibration_are_not_those_of_other_weights(tmp_path):
    net = networks.PiDiNet.from_pretrained("tiny")
    assert "pidinet.calibration" in net.metadata and "pidinet.calibration" in net.fold().metadata
    with torch.no_grad():
        net.classifier.bias += 0.1
    net.save(tmp_path / "trained.safetensors")
    header = networks.PiDiNet.from_pretrained(tmp_path / "trained.safetensors").metadata
    assert "pidinet.calibration" not in header and not pidinet.Model.open(tmp_path / "trained.safetensors").info.scores
    assert header["pidinet.licence"] == "MIT OR Apache-2.0"


def test_errors_name_the_file_and_what_to_do(tmp_path):
    with pytest.raises(pidinet.ModelError, match="did you mean tiny"):
        networks.from_pretrained("tinny")
    with pytest.raises(FileNotFoundError, match="missing.pth"):
        networks.PiDiNet.from_pretrained("missing.pth")
    with pytest.raises(pidinet.ModelError, match="bi-pidinet-s is a model of the architecture bi-pidinet.*from_pretrained takes both"):
        networks.PiDiNet.from_pretrained("bi-pidinet-s")
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(pidinet.ModelError, match="other.pth"):
        networks.from_pretrained(path)
    state = networks.PiDiNet("tiny").state_dict()
    torch.save({**state, "block1_1.conv2.weight": torch.zeros(20, 21, 1, 1)}, path)
    with pytest.raises(pidinet.ModelError, match=r"other.pth.*block1_1.conv2.weight.*\[20, 21, 1, 1\]"):
        networks.from_pretrained(path)
    net = networks.PiDiNet("tiny")
    with torch.no_grad():
        net.classifier.bias.fill_(float("nan"))
    with pytest.raises(pidinet.ModelError, match="bad.safetensors was not written.*classifier.bias"):
        net.save(tmp_path / "bad.safetensors")
    assert not (tmp_path / "bad.safetensors").exists()
    with pytest.raises(TypeError, match="license.*expected name"):
        net.save(tmp_path / "bad.safetensors", license="MIT")
    with pytest.raises(OSError, match="bad.safetensors"):
        networks.PiDiNet("tiny").save(tmp_path / "none/bad.safetensors")


def test_the_loss_is_that_of_the_paper():
    rng = np.random.RandomState(3)
    logits, truth = rng.standard_normal((2, 5, 6, 7)), rng.choice([0.0, 0.0, 0.0, 0.2, 0.4, 1.0], (2, 6, 7))
    want = 0.0
    for maps, shares in zip(logits, truth):
        positive, negative = shares >= 0.3, shares == 0
        on, off = positive.sum(), negative.sum()
        for map in 1 / (1 + np.exp(-maps)):
            want -= off / (on + off) * np.log(map[positive]).sum() + 1.1 * on / (on + off) * np.log(1 - map[negative]).sum()
    got = networks.edge_loss(torch.from_numpy(logits), torch.from_numpy(truth))
    assert float(got) == pytest.approx(want / 2)
    assert float(networks.edge_loss(torch.zeros(1, 5, 4, 4), torch.full((1, 4, 4), -1.0))) == 0
    with pytest.raises(ValueError, match="truth of shape"):
        networks.edge_loss(torch.zeros(1, 5, 4, 4), torch.zeros(1, 5, 4))


def test_a_network_learns(tmp_path, photo):
    """From random weights to the teacher's thickest lines, in a few steps: the loss falls, and all parameters have gradients."""
    torch.manual_seed(1)
    image = torch.from_numpy(photo[:48, :64].transpose(2, 0, 1).copy())[None]
    teacher = networks.PiDiNet.from_pretrained("tiny")
    net = networks.PiDiNet("tiny")
    with torch.no_grad():
        truth = (teacher.edges(teacher.normalise(image)) > 0.4).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    losses = []
    for _ in range(8):
        loss = networks.edge_loss(net(net.normalise(image)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters())
    net.save(tmp_path / "learnt.safetensors")
    np.testing.assert_allclose(pidinet.EdgeDetector(tmp_path / "learnt.safetensors")(photo), maps(net, photo)[4], atol=1e-5)


def test_networks_are_copied_and_pickled(photo):
    import copy
    import pickle

    net = networks.PiDiNet.from_pretrained("tiny")
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(maps(other, photo), maps(net, photo)) and other.metadata == net.metadata


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(networks.__path__)])
def test_examples_in_documentation_run(name):
    assert doctest.testmod(importlib.import_module(f"pidinet.torch.{name}")).failed == 0


def test_the_package_alone_never_imports_pytorch():
    code = "import sys, pidinet, pidinet.eval, pidinet.controlnet; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not (REPOSITORY / "docs/python.md").exists(), reason="not in the repository")
def test_the_example_of_the_guide_runs(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    pidinet.save("photo.jpg", photo)
    guide = (REPOSITORY / "docs/python.md").read_text().split("## PyTorch")[1].split("## ")[0]
    names = {"pidinet": pidinet, "batches": [(torch.zeros(2, 3, 16, 24, dtype=torch.uint8), torch.zeros(2, 16, 24))]}
    for example in guide.split("```python")[1:]:
        exec(example.split("```")[0], names)
    assert names["edges"].shape == (90, 121)
