"""What comes after the network."""

import numpy as np
import pytest

import pidinet


def test_crests_are_kept(edges):
    thin = pidinet.nms(edges)
    assert thin.dtype == np.float32 and thin.shape == edges.shape
    assert 0 < np.count_nonzero(thin) < np.count_nonzero(edges > 0.05)
    with pytest.raises(ValueError, match="suppression"):
        pidinet.nms(edges, "canny")


def test_hysteresis_follows_weak_edges_from_strong_ones(edges):
    found = pidinet.hysteresis(edges, 0.2, 0.6)
    assert found.dtype == np.bool_
    assert (found >= (edges >= 0.6)).all() and (found <= (edges >= 0.2)).all()
    with pytest.raises(ValueError):
        pidinet.hysteresis(edges, float("nan"), 0.5)


def test_thin_lines_lie_within_broad_ones(edges):
    broad = pidinet.threshold(edges, 0.3)
    thin = pidinet.thin(broad)
    assert 0 < thin.sum() < broad.sum() and (thin <= broad).all()
    np.testing.assert_array_equal(pidinet.thin(thin), thin)
    np.testing.assert_array_equal(pidinet.thin(broad.astype(np.uint8) * 255), thin)


def test_maps_may_have_8_bits_or_two_values(edges):
    bytes_ = (edges * 255).astype(np.uint8)
    np.testing.assert_allclose(pidinet.style(bytes_, "soft"), bytes_ / np.float32(255))
    assert pidinet.style(edges > 0.5, "soft").max() == 1


@pytest.mark.parametrize("function", [pidinet.nms, pidinet.thin, pidinet.threshold, lambda e: pidinet.style(e, "soft")])
@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 3)), np.zeros(3), np.zeros((0, 3)), np.zeros((2, 2), "U1")])
def test_what_is_no_map_is_refused(function, wrong):
    with pytest.raises(ValueError):
        function(wrong)


def test_odd_values_do_no_harm():
    odd = np.array([[np.nan, np.inf, -np.inf], [-1, 2, 0.5]], np.float32)
    for function in (pidinet.nms, pidinet.threshold, pidinet.thin, lambda e: pidinet.hysteresis(e, 0.1, 0.2)):
        assert function(odd).shape == (2, 3)
    for style in ("soft", "safe", "scribble"):
        pidinet.style(odd, style)


def test_overlays_are_in_the_order_of_the_image(photo, edges):
    painted = pidinet.overlay(photo, edges, (255, 128, 0))
    assert painted.dtype == np.uint8 and painted.shape == photo.shape
    bgr = pidinet.overlay(photo[:, :, ::-1], edges, (0, 128, 255), channels="bgr")
    np.testing.assert_array_equal(bgr[:, :, ::-1], painted)
    np.testing.assert_array_equal(pidinet.overlay(photo, np.zeros_like(edges)), photo)
    for wrong in ((256, 0, 0), (1, 2), (-1, 0, 0)):
        with pytest.raises(ValueError):
            pidinet.overlay(photo, edges, wrong)
    with pytest.raises(ValueError, match="121x90"):
        pidinet.overlay(photo, edges[1:])


def test_sizes_are_changed_as_opencv_does(photo, edges):
    cv2 = pytest.importorskip("cv2")
    ways = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "lanczos4": cv2.INTER_LANCZOS4, "cubic": cv2.INTER_CUBIC}
    for way, flag in ways.items():
        for height, width in [(45, 60), (64, 64), (30, 121), (128, 192), (200, 363)]:
            if way == "area" and (height > 90 or width > 121):
                continue
            got = pidinet.resize(photo, (height, width), way).astype(int)
            want = cv2.resize(photo, (width, height), interpolation=flag)
            difference = np.abs(got - want)
            assert difference.max() <= 1, (way, height, width)
            floats = pidinet.resize(edges, (height, width), way)
            np.testing.assert_allclose(floats, cv2.resize(edges, (width, height), interpolation=flag), atol=2e-3)


def test_sizes_that_cannot_be_are_errors(photo):
    for size in ((0, 5), (5, -1), (1 << 20, 1 << 20)):
        with pytest.raises(ValueError):
            pidinet.resize(photo, size)
    for wrong in (photo.astype(np.int32), photo[0, 0], photo[None]):
        with pytest.raises(ValueError):
            pidinet.resize(wrong, (5, 5))
    with pytest.raises(ValueError, match="interpolation"):
        pidinet.resize(photo, (5, 5), "nearest")


def test_arrays_of_any_number_of_channels_are_resized():
    many = np.random.RandomState(1).rand(20, 30, 7)
    resized = pidinet.resize(many, (10, 15))
    assert resized.shape == (10, 15, 7) and resized.dtype == np.float32
    np.testing.assert_allclose(resized[:, :, 3], pidinet.resize(many[:, :, 3], (10, 15)))


def test_files_are_whole_or_not_there(edges, photo, tmp_path):
    for name in ("a.png", "a.jpg", "a.webp", "a.tiff", "a.npy", "a.npz"):
        pidinet.save(tmp_path / name, edges)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), edges)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["edges"], edges)
    np.testing.assert_array_equal(pidinet.read(tmp_path / "a.png")[:, :, 0], np.floor(edges * np.float32(255)))
    pidinet.save(tmp_path / "b.png", photo)
    np.testing.assert_array_equal(pidinet.read(tmp_path / "b.png"), photo)
    with pytest.raises(ValueError, match="extension"):
        pidinet.save(tmp_path / "a.xyz", edges)
    with pytest.raises(FileNotFoundError):
        pidinet.save(tmp_path / "missing" / "a.png", edges)
    with pytest.raises(ValueError):
        pidinet.save(tmp_path / "nan.npy", edges * np.float32("nan"))
    assert len(list(tmp_path.iterdir())) == 7
