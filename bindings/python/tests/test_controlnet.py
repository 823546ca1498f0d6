"""The drop-in, beside what controlnet_aux gave (golden/make.py)."""

import inspect
import warnings

import numpy as np
import pytest

import pidinet
import synthetic
from pidinet.controlnet import PidiNetDetector, PidinetDetector

GOLDEN = np.load(synthetic.GOLDEN / "controlnet.npz")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "table5_pidinet.pth").write_bytes(synthetic.checkpoint())
    return PidiNetDetector.from_pretrained(folder)


def test_signatures_are_those_of_0_0_10_and_the_keywords_of_0_0_9():
    call = inspect.signature(PidiNetDetector.__call__).parameters
    assert [(name, one.default) for name, one in call.items()][2:] == [
        ("detect_resolution", 512),
        ("image_resolution", 512),
        ("safe", False),
        ("output_type", "pil"),
        ("scribble", False),
        ("apply_filter", False),
        ("kwargs", inspect.Parameter.empty),
    ]
    assert list(call)[1] == "input_image" and call["kwargs"].kind is inspect.Parameter.VAR_KEYWORD
    opened = inspect.signature(PidiNetDetector.from_pretrained).parameters
    assert [(name, one.default) for name, one in opened.items()][1:4] == [
        ("filename", None),
        ("cache_dir", None),
        ("local_files_only", False),
    ]
    assert list(opened)[0] == "pretrained_model_or_path"
    assert list(inspect.signature(PidiNetDetector.__init__).parameters)[1] == "netNetwork"
    keywords = {"detect_resolution", "image_resolution", "safe", "return_pil", "scribble", "apply_filter", "output_type"}
    assert keywords - {"return_pil"} <= set(call)
    assert PidinetDetector is PidiNetDetector


@pytest.mark.parametrize("size", synthetic.SIZES, ids=str)
@pytest.mark.parametrize("variant", synthetic.VARIANTS)
def test_pictures_are_those_of_controlnet_aux(published, size, variant):
    got = published(
        synthetic.image(*size),
        detect_resolution=128,
        image_resolution=192,
        output_type="np",
        **synthetic.VARIANTS[variant],
    )
    want = GOLDEN[f"{variant} {size[0]}x{size[1]}"]
    assert got.dtype == np.uint8 and got.shape == (*want.shape, 3)
    assert (got == got[:, :, :1]).all()
    difference = np.abs(got[:, :, 0].astype(int) - want)
    share = (difference > 1).mean()
    # Steps and lines move where a value lies beside a threshold; where images are enlarged, OpenCV's Lanczos is approached
    # to one level in 255, so values beside a threshold are more.
    assert share <= (0.001 if variant == "soft" else 0.01), (share, difference.max())


def test_the_map_is_that_of_torch(published):
    got = published(synthetic.image(128, 192), detect_resolution=128, image_resolution=128, output_type="np")
    difference = np.abs(got[:, :, 0].astype(int) - GOLDEN["soft 128x192"])
    assert difference.max() <= 1 and (difference > 0).mean() <= 0.003  # values are rounded down


def test_pictures_and_arrays_go_in_and_out(published):
    Image = pytest.importorskip("PIL.Image")
    image = synthetic.image(96, 130)
    want = published(image, 64, 96, output_type="np")
    assert want.shape == (64, 64, 3) or want.shape[2] == 3
    for source in (image, Image.fromarray(image), Image.fromarray(image).convert("RGBA")):
        for options in ({}, {"output_type": "pil"}):
            out = published(source, 64, 96, **options)
            assert out.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(out), want)
        np.testing.assert_array_equal(published(source, 64, 96, output_type="np"), want)


def test_old_keywords_still_work_and_warn(published):
    image = synthetic.image(64, 64)
    with pytest.warns(DeprecationWarning, match="return_pil"):
        assert isinstance(published(image, 64, 64, return_pil=False), np.ndarray)
    with pytest.warns(DeprecationWarning, match="output_type"):
        assert isinstance(published(image, 64, 64, output_type=False), np.ndarray)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        published(image, 64, 64, output_type="np", anything="else")


def test_alpha_and_grey_become_colours(published):
    image = synthetic.image(64, 64)
    grey = published(image[:, :, 0], 64, 64, output_type="np")
    np.testing.assert_array_equal(published(image[:, :, :1], 64, 64, output_type="np"), grey)
    clear = np.dstack([image, np.zeros((64, 64), np.uint8)])
    white = np.full_like(image, 255)
    np.testing.assert_array_equal(
        published(clear, 64, 64, output_type="np"), published(white, 64, 64, output_type="np")
    )
    for wrong in (image / 255.0, image[0, 0], np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError):
            published(wrong)
    with pytest.raises(ValueError, match="resolution"):
        published(image, detect_resolution=1)


def test_own_models_are_fed_as_they_say(photo, tmp_path):
    image = synthetic.image(64, 128)
    want = pidinet.EdgeDetector()(image, dtype="uint8")
    for detector in (
        PidiNetDetector.from_pretrained(),
        PidiNetDetector.from_pretrained("tiny"),
        PidiNetDetector(pidinet.EdgeDetector()),
        PidiNetDetector("tiny"),
    ):
        assert detector.to("cpu") is detector
        np.testing.assert_array_equal(detector(image, 64, 64, output_type="np")[:, :, 0], want)
    path = tmp_path / "own.safetensors"
    pidinet.Model.open("tiny").save(path)
    own = PidiNetDetector.from_pretrained(path)
    np.testing.assert_array_equal(own(image, 64, 64, output_type="np")[:, :, 0], want)
    sharp = PidiNetDetector.from_pretrained(detail=1.0)
    assert (sharp(image, 64, 64, output_type="np")[:, :, 0] != want).any()


def test_other_devices_are_accepted_with_a_warning(published):
    with pytest.warns(UserWarning, match="cuda"):
        assert published.to("cuda") is published


def test_files_and_repositories_are_found(tmp_path, monkeypatch):
    import sys
    import types

    path, asked = tmp_path / "table5_pidinet.pth", []
    path.write_bytes(synthetic.checkpoint())
    PidiNetDetector.from_pretrained(str(path))
    PidiNetDetector.from_pretrained(tmp_path, filename="table5_pidinet.pth")
    with pytest.raises(FileNotFoundError):
        PidiNetDetector.from_pretrained(tmp_path, filename="other.pth")
    with pytest.raises(FileNotFoundError):
        PidiNetDetector.from_pretrained("missing.pth")
    hub = types.ModuleType("huggingface_hub")
    hub.hf_hub_download = lambda *names, **options: asked.append((names, options)) or str(path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    PidiNetDetector.from_pretrained("lllyasviel/Annotators", cache_dir="x", local_files_only=True)
    assert asked == [
        (("lllyasviel/Annotators", "table5_pidinet.pth"), {"revision": None, "cache_dir": "x", "local_files_only": True})
    ]
