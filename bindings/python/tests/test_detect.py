"""Images of every kind to edges."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pidinet
from conftest import REPOSITORY


def test_edges_are_floats_of_the_size_of_the_image(edges, photo):
    assert edges.shape == photo.shape[:2] and edges.dtype == np.float32
    assert edges.flags.c_contiguous and edges.flags.writeable
    assert 0 <= edges.min() and 0.5 < edges.max() <= 1


def test_edges_are_those_of_the_command_line(detector):
    images = REPOSITORY / "docs" / "images"
    if not images.is_dir():
        pytest.skip("not in the repository")
    got = detector(images / "example.jpg", dtype="uint8")
    want = pidinet.read(images / "edges.png")[:, :, 0]
    assert np.abs(got.astype(int) - want).max() <= 1  # instruction sets differ in rounding


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_have_any_type_and_strides(detector, photo, channels):
    pixels = np.concatenate([photo, np.full_like(photo[:, :, :1], 255)], axis=2)
    pixels = np.ascontiguousarray(pixels[:, :, {1: [0], 2: [0, 3]}.get(channels, range(channels))])
    want = detector(pixels)
    height, width, _ = pixels.shape

    strided = np.zeros((2 * height, width + 5, channels), np.uint8)
    strided[::2, 2 : width + 2] = pixels
    spread = np.zeros((height, width, channels, 2), np.uint8)
    spread[..., 1] = pixels
    alike = [
        strided[::2, 2 : width + 2],
        spread[..., 1],
        np.asfortranarray(pixels),
        pixels[::-1][::-1],
        pixels[:, ::-1].copy()[:, ::-1],
        pixels.astype(np.uint16) * 257,
        (pixels.astype(np.uint16) * 257).astype(">u2"),
        pixels / 255.0,
        (pixels / 255.0).astype(np.float32),
        (pixels / 255.0).astype(">f8"),
        (pixels / 255.0).astype(np.longdouble),
        np.frombuffer(b"x" + (pixels.astype(np.uint16) * 257).tobytes(), np.uint8)[1:].view("<u2").reshape(pixels.shape),
    ]
    for image in alike:
        np.testing.assert_allclose(detector(image), want, atol=1e-5)
    np.testing.assert_allclose(detector((pixels / 255).astype(np.float16)), want, atol=0.1)
    np.testing.assert_array_equal(detector(pixels.transpose(2, 0, 1), layout="chw"), want)
    if channels == 1:
        np.testing.assert_array_equal(detector(pixels[:, :, 0]), want)
        np.testing.assert_array_equal(detector(np.repeat(pixels, 3, axis=2)), want)
    if channels >= 3:
        order = [2, 1, 0, 3][:channels]
        np.testing.assert_array_equal(detector(pixels[:, :, order], channels="bgr"), want)
        assert np.abs(detector(pixels[:, :, order]) - want).max() > 0.01


def test_alpha_is_on_white(detector, photo):
    half = np.dstack([photo, np.full(photo.shape[:2], 0, np.uint8)])
    np.testing.assert_array_equal(detector(half), detector(np.full_like(photo, 255)))


def test_files_are_read_by_path_and_bytes(detector, photo, edges, tmp_path):
    path = tmp_path / "photo.png"
    pidinet.save(path, photo)
    data = path.read_bytes()
    for image in (path, str(path), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(detector(image), edges)
    np.testing.assert_array_equal(pidinet.read(path), photo)


def test_files_that_cannot_be_read_are_errors_of_the_system(detector, tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        detector(tmp_path / "missing.png")
    assert str(missing.value.filename).endswith("missing.png") and missing.value.errno == 2
    with pytest.raises(OSError):
        detector(tmp_path)
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ValueError, match="not an image"):
        detector(tmp_path / "text.png")
    with pytest.raises(ValueError, match="not an image"):
        detector(b"")


def test_what_there_is_of_a_file_that_is_cut_short_is_read_if_asked_for(detector, photo, tmp_path, caplog):
    pidinet.save(tmp_path / "whole.png", photo)
    pidinet.save(tmp_path / "whole.jpg", photo)
    for whole in (tmp_path / "whole.png", tmp_path / "whole.jpg"):
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(whole.read_bytes()[:-200])
        classifier = pidinet.Classifier(threads=1)
        for image in (cut, cut.read_bytes()):
            with pytest.raises(ValueError, match="cut short.*accept_damaged"):
                detector(image)
            read = pidinet.read(image, accept_damaged=True)
            assert read.shape == photo.shape
            whole_rows = slice(0, photo.shape[0] // 2)
            np.testing.assert_array_equal(read[whole_rows], pidinet.read(whole)[whole_rows])
            np.testing.assert_array_equal(detector(image, accept_damaged=True), detector(read))
            assert classifier(image, accept_damaged=True).label == classifier(read).label
            vectors = pidinet.embed(image, accept_damaged=True), pidinet.embed([read])[0]
            np.testing.assert_array_equal(*vectors)
        assert any(record.message.startswith(f"{cut}: ") for record in caplog.records)
    assert {record.name for record in caplog.records} == {"pidinet"}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV"])
def test_pictures_of_pillow_have_any_mode(detector, photo, mode):
    image = pytest.importorskip("PIL.Image").fromarray(photo).convert("L" if mode in ("1", "LA", "La") else "RGB")
    through = {"PA": "P", "RGBa": "RGBA", "La": "LA"}.get(mode)
    converted = (image.convert(through) if through else image).convert(mode)
    want = np.asarray(converted.convert("RGBA" if mode == "RGBa" else "RGB" if mode != "La" else "LA"))
    np.testing.assert_allclose(detector(converted), detector(want), atol=1e-6)


def test_deep_pictures_of_pillow_keep_their_depth(detector, photo):
    Image = pytest.importorskip("PIL.Image")
    grey = photo[:, :, 0].astype(np.uint16) * 255 + 3
    want = detector(grey)
    for image in (Image.fromarray(grey), Image.fromarray(grey.astype(np.int32))):
        np.testing.assert_array_equal(detector(image), want)
    np.testing.assert_allclose(detector(Image.fromarray(grey.astype(np.float32) / 65535)), want, atol=1e-5)
    with pytest.raises(ValueError, match="expected 0 to 65535"):
        detector(Image.fromarray(grey.astype(np.int32) - 70000))


def test_transparent_palettes_are_on_white(detector, photo):
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(photo).convert("P", palette=Image.Palette.ADAPTIVE)
    image.info["transparency"] = int(np.asarray(image)[0, 0])
    np.testing.assert_array_equal(detector(image), detector(np.asarray(image.convert("RGBA"))))


def test_what_makes_an_array_is_an_image(detector, photo, edges):
    class Array:
        def __array__(self, dtype=None, copy=None):
            return photo

    class Interface:
        __array_interface__ = photo.__array_interface__

    class DLPack:
        def __dlpack__(self, **options):
            return photo.__dlpack__(**options)

        def __dlpack_device__(self):
            return photo.__dlpack_device__()

    for image in (Array(), Interface(), DLPack()):
        np.testing.assert_array_equal(detector(image), edges)


def test_tensors_of_torch_are_images_without_importing_it(detector, photo, edges):
    assert subprocess.run([sys.executable, "-c", "import pidinet, sys; sys.exit('torch' in sys.modules)"]).returncode == 0
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(photo)
    np.testing.assert_array_equal(detector(tensor), edges)
    np.testing.assert_array_equal(detector(tensor.permute(2, 0, 1), layout="chw"), edges)
    np.testing.assert_allclose(detector(tensor.float() / 255), edges, atol=1e-5)
    with pytest.raises(RuntimeError):
        detector((tensor.float() / 255).requires_grad_())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5)), "no pixel"),
        (np.zeros((5, 0, 3), np.uint8), "no pixel"),
        (np.zeros(5, np.uint8), r"shape \(5,\): expected \[height, width\]"),
        (np.zeros((3, 20, 30), np.uint8), "layout='chw'"),
        (np.zeros((1, 20, 30, 3), np.uint8), "detect_batch"),
        (np.zeros((20, 30, 5), np.uint8), r"shape \(20, 30, 5\)"),
        (np.zeros((20, 30), bool), "bool: expected uint8"),
        (np.zeros((20, 30), np.int64), "int64: expected uint8"),
        (np.zeros((20, 30), complex), "complex128"),
        (np.zeros((20, 30), object), "object"),
        (np.zeros((20, 30), "U3"), "U3"),
        (np.full((20, 30), 255.0), "divide by 255"),
        (np.full((20, 30), -0.5), "from -0.5"),
        (np.full((20, 30), np.nan), "not a number"),
        (np.full((20, 30), 1e300), "not a number"),
        (np.broadcast_to(np.uint8(1), (1 << 20, 1 << 20)), "too large"),
        (np.broadcast_to(np.uint8(1), (2, 100_000)), "too large"),
    ],
)
def test_arrays_that_are_no_image_are_refused_with_a_sentence(detector, image, message):
    with pytest.raises(ValueError, match=message):
        detector(image)


@pytest.mark.parametrize("image", [None, 5, [1, 2], (np.zeros((8, 8)),), {}, object(), detector_type := pidinet.EdgeDetector])
def test_what_is_no_image_is_a_type_error(detector, image):
    with pytest.raises(TypeError):
        detector(image)


def test_options_that_mean_nothing_are_errors(detector, photo):
    for options in (
        {"channels": "gbr"}, {"layout": "whc"}, {"style": "bold"}, {"dtype": "int8"}, {"max_side": 0}, {"sides": True},
        {"dtype": "float64"}, {"max_side": -1},
    ):
        with pytest.raises(ValueError):
            detector(photo, **options)
    for options in (
        {"threads": 0}, {"threads": -1}, {"scales": [0]}, {"scales": [float("nan")]}, {"scales": [-1]}, {"isa": "sse"},
        {"precision": "f16"}, {"preset": "cifar"}, {"strip": 0}, {"strip": "some"}, {"detail": 2}, {"detail": -0.1},
    ):
        with pytest.raises(ValueError):
            pidinet.EdgeDetector(**options)
    with pytest.raises(TypeError):
        pidinet.EdgeDetector(threads=1.5)


def test_maps_have_8_bits_if_asked_for(detector, photo, edges):
    bytes_ = detector(photo, dtype="uint8")
    assert bytes_.dtype == np.uint8
    np.testing.assert_array_equal(bytes_, np.floor(edges * np.float32(255)))


def test_maps_are_written_where_they_are_wanted(detector, photo, edges):
    for dtype in (np.float32, np.uint8):
        want = detector(photo, dtype=dtype)
        for out in (
            np.empty(edges.shape, dtype),
            np.empty((*edges.shape, 2), dtype)[:, :, 1],
            np.empty(edges.shape, dtype, order="F"),
            np.empty(edges.shape, dtype)[::-1],
        ):
            assert detector(photo, out=out) is out
            np.testing.assert_array_equal(out, want)
    swapped = np.empty(edges.shape, ">f4")
    np.testing.assert_array_equal(detector(photo, out=swapped), edges)


def test_places_that_no_map_fits_are_refused(detector, photo, edges):
    read_only = np.empty(edges.shape, np.float32)
    read_only.flags.writeable = False
    wrong = [np.empty((3, 3), np.float32), np.empty(edges.shape), np.empty(edges.shape, np.int8), read_only]
    for out in wrong:
        with pytest.raises(ValueError):
            detector(photo, out=out)
    with pytest.raises(ValueError):
        detector(photo, out=np.empty(edges.shape, np.float32), dtype="uint8")
    with pytest.raises(TypeError):
        detector(photo, out=[0])


def test_a_place_is_all_the_memory_that_python_gives(detector, photo):
    import tracemalloc

    out = np.empty(photo.shape[:2], np.float32)
    detector(photo, out=out)
    tracemalloc.start()
    try:
        for _ in range(3):
            detector(photo, out=out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4096, peak  # the map has 43 kB


def test_images_are_made_smaller_first(detector, photo):
    small = detector(photo, max_side=60)
    assert small.shape == (45, 60)
    assert detector(photo, max_side=1000).shape == photo.shape[:2]


def test_sides_are_four_maps_more(photo, edges):
    detector = pidinet.EdgeDetector(sides=True)
    fused, sides = detector.detect(photo, sides=True)
    np.testing.assert_allclose(fused, edges, atol=1e-5)
    assert sides.shape == (4, *edges.shape) and sides.dtype == np.float32
    np.testing.assert_allclose(detector(photo), edges, atol=1e-5)
    bytes_, _ = detector(photo, sides=True, dtype="uint8")
    np.testing.assert_array_equal(bytes_, np.floor(fused * np.float32(255)))


def test_detail_goes_from_boundaries_to_every_edge(photo):
    maps = [pidinet.EdgeDetector(detail=detail)(photo) for detail in (0, 0.5, 1)]
    np.testing.assert_array_equal(maps[0], pidinet.EdgeDetector("tiny")(photo))
    np.testing.assert_array_equal(maps[2], pidinet.EdgeDetector("tiny-edges")(photo))
    assert np.abs(maps[1] - maps[0]).max() > 0.05 and np.abs(maps[1] - maps[2]).max() > 0.05


def test_options_change_the_map_or_not(photo, edges):
    for options in ({"threads": 1}, {"threads": 3}, {"strip": "whole"}, {"strip": 4}):
        np.testing.assert_array_equal(pidinet.EdgeDetector(**options)(photo), edges)
    np.testing.assert_allclose(pidinet.EdgeDetector(isa="portable")(photo), edges, atol=1e-3)
    for options in ({"scales": [0.5, 1.5]}, {"preset": "controlnet"}):
        assert np.abs(pidinet.EdgeDetector(**options)(photo) - edges).max() > 0.05
    assert np.abs(pidinet.EdgeDetector(precision="int8")(photo) - edges).mean() < 0.05


def test_styles_are_those_of_the_function(detector, photo, edges):
    for style in ("soft", "safe", "scribble"):
        np.testing.assert_array_equal(detector(photo, style=style), pidinet.style(edges, style))
    assert set(np.unique(detector(photo, style="safe", dtype="uint8"))) <= {0, 127, 255}


def test_batches_keep_their_order(detector, photo):
    images = [photo[:side, : 2 * side] for side in range(8, 40, 3)]
    want = [detector(image) for image in images]
    for threads in (None, 1, 2, 5):
        for got, expected in zip(detector.detect_batch(images, threads=threads), want):
            np.testing.assert_array_equal(got, expected)
    assert detector.detect_batch([]) == []
    stack = np.stack([photo, photo[::-1]])
    np.testing.assert_array_equal(detector.detect_batch(stack)[1], detector(photo[::-1]))


def test_iterators_are_taken_from_as_needed(detector, photo):
    taken = []

    def frames():
        for number in range(1000):
            taken.append(number)
            yield photo

    maps = detector.imap(frames(), threads=2, dtype="uint8")
    assert next(maps).dtype == np.uint8
    assert len(taken) <= 4
    maps.close()


def test_an_image_that_fails_is_an_error_in_its_place(detector, photo, tmp_path):
    maps = detector.imap([photo, tmp_path / "missing.png", photo], threads=2)
    next(maps)
    with pytest.raises(FileNotFoundError):
        next(maps)


@pytest.mark.parametrize("images", ["photo.jpg", b"", Path("photo.jpg")])
def test_one_path_is_no_batch(detector, images):
    with pytest.raises(TypeError, match="list"):
        detector.detect_batch(images)


def test_one_array_is_no_batch(detector, photo):
    for image in (photo, photo[:, :, 0]):
        with pytest.raises(ValueError, match="one image"):
            detector.detect_batch(image)
    with pytest.raises(TypeError, match="out"):
        detector.detect_batch([photo], out=photo)


def test_small_images_have_maps(detector):
    for height, width in [(1, 1), (1, 9), (7, 3), (8, 8), (9, 1)]:
        assert detector(np.zeros((height, width, 3), np.uint8)).shape == (height, width)


def test_pictures_saved_by_others_are_read(detector, photo):
    Image = pytest.importorskip("PIL.Image")
    for format in ("PNG", "BMP", "TIFF", "WEBP"):
        file = io.BytesIO()
        Image.fromarray(photo).save(file, format, **({"lossless": True} if format == "WEBP" else {}))
        np.testing.assert_array_equal(pidinet.read(file.getvalue()), photo)
