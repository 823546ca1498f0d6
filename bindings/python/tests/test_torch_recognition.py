"""Bi-PiDiNet in PyTorch: sums of signs by direct loops, logits by the program, files."""

import itertools

import numpy as np
import pytest

import pidinet
import synthetic

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import pidinet.torch as networks  # noqa: E402
from pidinet.torch import Layout, Stage  # noqa: E402

torch.set_num_threads(1)

AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]  # clockwise
RING = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def sums_of_signs(x, weight, kind, stride):
    """By loops: `x` `[in, h, w]`, `weight` `[out, in, 8]`."""
    (channels, height, width), outputs = x.shape, weight.shape[0]

    def pixel(c, y, z):
        return x[c, y, z] if 0 <= y < height and 0 <= z < width else 0.0

    def sign(value):
        return -1 if value < 0 else 1

    result = np.zeros((outputs, -(-height // stride), -(-width // stride)))
    for (o, y, z), c, n in itertools.product(np.ndindex(*result.shape), range(channels), range(8)):
        down, right = RING[n]
        second = {"cd": (0, 0), "ad": AROUND[(AROUND.index(RING[n]) + 1) % 8], "rd": RING[n]}[kind]
        first = (2 * down, 2 * right) if kind == "rd" else (down, right)
        difference = pixel(c, y * stride + first[0], z * stride + first[1]) - pixel(c, y * stride + second[0], z * stride + second[1])
        result[o, y, z] += sign(weight[o, c, n]) * sign(difference)
    return result


@pytest.mark.parametrize("kind", ["cd", "ad", "rd"])
@pytest.mark.parametrize("stride", [1, 2])
def test_differences_are_taken_before_their_signs(kind, stride):
    torch.manual_seed(1)
    conv = networks.BiPDC(3, 4, kind, stride=stride)
    x = torch.randint(-2, 3, (1, 3, 5, 6)).float()  # differences of 0 among them
    got = conv(x)[0].detach().numpy()
    np.testing.assert_array_equal(got, sums_of_signs(x[0].numpy(), conv.weight.detach().numpy(), kind, stride))


def test_ordinary_binary_convolutions_see_nothing_outside_of_the_map():
    conv = networks.BinaryConv2d(1, 1)
    torch.nn.init.ones_(conv.weight)
    assert conv(torch.tensor([[[[-3.0, 0.0]]]])).tolist() == [[[[0.0, 0.0]]]]


def test_gradients_pass_through_signs_where_numbers_are_small():
    x = torch.tensor([-1.3, -1.2, -0.25, 0.0, 0.5, 1.0, 1.3], requires_grad=True)
    networks.sign(x).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 0]
    x.grad = None
    networks.sign(x, "polynomial").sum().backward()
    assert x.grad.tolist() == [0, 0, 1.5, 2, 1, 0, 0]
    with pytest.raises(ValueError, match="clamp, polynomial"):
        networks.sign(x, "other")


def test_precisions_are_those_of_training_in_two_steps():
    torch.manual_seed(2)
    conv = networks.BiPDC(2, 3, "cd", precision="activations")
    x = torch.randn(1, 2, 4, 4)
    signs = networks.sign(conv.differences(x))
    want = torch.einsum("oin,bincd->bocd", conv.weight, signs)
    torch.testing.assert_close(conv(x), want)
    conv.precision = "real"
    torch.testing.assert_close(conv(x), torch.einsum("oin,bincd->bocd", conv.weight, conv.differences(x)))


LAYOUTS = {
    "bi-pidinet-s": networks.LAYOUTS["bi-pidinet-s"].with_differences("cd", 0.2),
    "mixed": Layout(10, (Stage(2, "cd", 0.4), Stage(1, "ad", 0.5), Stage(1, "rd", 1.0), Stage(2))),
    "imagenet": Layout(8, (Stage(1, "rd", 0.5), Stage(1, "cd", 1.0)), stem="imagenet"),
    "light": Layout(16, (Stage(1, "ad", 1.0), Stage(1, "rd", 0.3)), stem="imagenet").light(),
}


def random_network(layout, seed=3):
    """With statistics of batch norms as after training: those of some random images."""
    torch.manual_seed(seed)
    input = networks.Input(37, 37, (0.49, 0.48, 0.44), (0.25, 0.24, 0.26))  # odd on purpose
    net = networks.BiPiDiNet(layout, ["cat", "dog", "ü"], input=input)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.empty_like(parameter).uniform_(-0.3, 0.3))
        for _ in range(20):
            net(net.normalise(torch.rand(4, 3, 37, 37)))
    return net.eval()


def logits(net, image, dtype=torch.float32):
    with torch.no_grad():
        x = net.normalise(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])
        return net(x.to(dtype))[0].numpy()


@pytest.mark.parametrize("name", LAYOUTS)
def test_logits_of_every_layout_are_those_of_the_program(tmp_path, name):
    path = tmp_path / "own.safetensors"
    net = random_network(LAYOUTS[name])
    net.save(path, licence="MIT")
    classifier, folded = pidinet.Classifier(path), net.fold()
    assert classifier.labels == ["cat", "dog", "ü"]
    for at in range(3):
        image = synthetic.image(40 + at, 50)[at : 37 + at, :37]
        found = classifier(image)
        np.testing.assert_allclose(logits(folded, image), found.logits, atol=1e-6)
        features = folded.features(folded.normalise(torch.from_numpy(image.transpose(2, 0, 1).copy())[None]))
        np.testing.assert_allclose(features[0].detach().numpy(), found.features, atol=1e-6)


@pytest.mark.parametrize("name", LAYOUTS)
def test_folding_batch_norms_keeps_the_output(name):
    net = random_network(LAYOUTS[name]).double()  # in float32, rounding could change a sign
    image = synthetic.image(37, 37)
    np.testing.assert_allclose(logits(net.fold(), image, torch.float64), logits(net, image, torch.float64), atol=1e-9)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in net.fold().modules())


def test_the_network_that_is_built_in_recognises_what_the_classifier_recognises():
    net, classifier = networks.BiPiDiNet.from_pretrained("bi-pidinet-s"), pidinet.Classifier()
    assert list(net.labels) == classifier.labels and net.input.size == 32 and not net.training
    folded, same = net.fold(), 0
    for at in range(4):
        image = synthetic.image(32, 32 + at)[:, at:]
        want = classifier(image).logits
        np.testing.assert_allclose(logits(folded, image), want, atol=1e-6)
        same += int(logits(net, image).argmax() == want.argmax())
    assert same >= 3  # without folding, the sign of a number near 0 may be another


def test_training_uses_the_statistics_of_the_batch_and_learns():
    torch.manual_seed(4)
    net = networks.BiPiDiNet(Layout(8, (Stage(1, "cd", 0.5), Stage(1, "rd", 1.0))), 2)
    images = torch.rand(16, 3, 12, 12)
    labels = torch.arange(16) % 2
    images[labels == 1, :, 4:8] += 0.7
    before = net.stem.norm.running_mean.clone()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for step in range(30):
        net.set_precision("activations" if step < 10 else "binary")
        loss = torch.nn.functional.cross_entropy(net(net.normalise(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0] and not torch.equal(net.stem.norm.running_mean, before)
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_saving_what_was_opened_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    random_network(LAYOUTS["mixed"]).save(first, provenance="a test", scores={"top1": 0.25})
    net = networks.from_pretrained(first)
    assert net.layout == LAYOUTS["mixed"] and net.labels == ("cat", "dog", "ü")
    net.save(second)
    assert first.read_bytes() == second.read_bytes()
    networks.from_pretrained("bi-pidinet-s").save(first)
    assert first.read_bytes() == pidinet.Model.open("bi-pidinet-s").to_bytes()


def test_errors_say_what_to_do(tmp_path):
    with pytest.raises(pidinet.ModelError, match="tiny is a model of the architecture pidinet.*from_pretrained takes both"):
        networks.BiPiDiNet.from_pretrained("tiny")
    with pytest.raises(ValueError, match="save the one that it was folded from"):
        random_network(LAYOUTS["light"]).fold().save(tmp_path / "folded.safetensors")
    with pytest.raises(ValueError, match="bi-pidinet-s, bi-pidinet-18"):
        networks.BiPiDiNet("large")
    for wrong in (Layout(8, ()), Layout(8, (Stage(1, "cd", 1.5),)), Layout(8, (Stage(1),), stem="none"), Layout(0, (Stage(1),))):
        with pytest.raises(ValueError):
            networks.BiPiDiNet(wrong)
    with pytest.raises(ValueError, match="cd, ad, rd"):
        networks.BiPDC(2, 2, "cv")
    with pytest.raises(ValueError, match="expected uint8"):
        networks.BiPiDiNet().normalise(torch.zeros(1, 3, 4, 4, dtype=torch.int32))
