"""Edges as lines, and files of them."""

import copy
import inspect
import json
import pickle
import xml.etree.ElementTree

import numpy as np
import pytest

import pidinet


def ring(radius: float, size: int = 64) -> np.ndarray:
    """A circle about the middle of a square, as a detector would see it."""
    y, x = np.mgrid[:size, :size] + 0.5
    far = np.abs(np.hypot(x - size / 2, y - size / 2) - radius)
    return (0.9 * np.exp(-(far**2) / 2)).astype(np.float32)


@pytest.fixture(scope="module")
def edges() -> np.ndarray:
    """Two circles, one in the other, and three bars beside them, apart from each other."""
    edges = np.zeros((90, 121), np.float32)
    edges[:, :90] = np.maximum(ring(18, 90), ring(36, 90))
    for x, strength in ((95, 0.6), (103, 0.7), (111, 0.8)):
        edges[10:80, x - 1 : x + 2] = strength * np.float32([0.5, 1, 0.5])
    return edges


@pytest.fixture(scope="module")
def traced(edges):
    return pidinet.lines(edges)


def test_a_circle_is_one_closed_line_to_a_part_of_a_pixel():
    (line,) = pidinet.lines(ring(20))
    assert line.closed and line.points.dtype == line.strength.dtype == np.float32
    assert line.points.shape == (len(line.strength), 2)
    assert np.abs(np.hypot(*(line.points - 32).T) - 20).max() < 0.3
    assert abs(line.length - 2 * np.pi * 20) < 2
    assert 0.5 < line.strength.min() <= line.strength.max() <= 1


def test_x_goes_right_and_y_down_and_centres_are_halves():
    edges = np.zeros((20, 60), np.float32)
    edges[4:7] = np.float32([[0.4], [0.9], [0.4]])
    (line,) = pidinet.lines(edges).simplified(0.5)
    np.testing.assert_allclose(line.points, [[0.5, 5.5], [59.5, 5.5]], atol=0.1)


def test_lines_are_a_sequence_of_arrays(traced, edges):
    assert len(traced) == 5 and traced.closed.sum() == 2 and (traced.height, traced.width) == edges.shape
    assert [len(line.points) for line in traced] == [len(points) for points in traced.points]
    assert traced.closed.tolist() == [line.closed for line in traced]
    assert len(traced[1:3]) == 2 and traced[1:3].width == traced.width
    assert traced[-1] is list(traced)[-1]
    assert all(len(strength) == len(points) for strength, points in zip(traced.strengths, traced.points))
    assert repr(traced).startswith("<pidinet.Lines: ")


def test_lines_can_be_pickled_and_copied(traced):
    for again in (pickle.loads(pickle.dumps(traced)), copy.deepcopy(traced)):
        assert again.to_json() == traced.to_json() and again.width == traced.width


def test_lines_lie_on_the_edges_and_can_be_drawn(traced, edges):
    drawn = traced.drawn()
    assert drawn.shape == edges.shape and drawn.dtype == np.float32
    assert edges[drawn > 0].mean() > 3 * edges.mean()


def test_options_choose_among_edges():
    y, x = np.mgrid[:60, :120] + 0.5
    # A line, and two that end on it, 25 and 6 pixels long.
    bar, stem, twig = np.abs(y - 20), np.hypot(x - 40, np.clip(y, 20, 45) - y), np.hypot(x - 80, np.clip(y, 20, 26) - y)
    edges = (0.9 * np.exp(-(np.minimum.reduce([bar, stem, twig]) ** 2) / 2)).astype(np.float32)
    assert [len(pidinet.lines(edges, spur=spur)) for spur in (0, 10, 40)] == [3, 2, 1]
    assert len(pidinet.lines(edges, high=0.7)) == 2 and len(pidinet.lines(edges, high=0.8)) == 0
    assert len(pidinet.lines(edges, min_length=edges.size)) == 0
    assert len(pidinet.lines(np.zeros((9, 9)))) == 0
    assert len(pidinet.lines(np.ones((1, 1)))) == 0


def test_defaults_are_those_of_the_command_line():
    parameters = inspect.signature(pidinet.lines).parameters
    defaults = {name: parameters[name].default for name in list(parameters)[1:]}
    assert defaults == pytest.approx(pidinet._pidinet.trace_defaults())
    assert defaults["spur"] == 10 and defaults["join"] is True


def test_lines_that_go_straight_on_are_joined_if_asked():
    y, x = np.mgrid[:60, :60] + 0.5
    # A T: a line, and one that ends on it.
    far = np.where(y > 20, np.minimum(np.abs(y - 20), np.abs(x - 30)), np.abs(y - 20))
    edges = (0.9 * np.exp(-(far**2) / 2)).astype(np.float32)
    joined, apart = pidinet.lines(edges), pidinet.lines(edges, join=False)
    assert (len(joined), len(apart)) == (2, 3)
    assert joined.to_svg().count("<path") == 2
    (stem,) = [line for line in joined.simplified() if abs(line.points[0, 0] - line.points[-1, 0]) < 2]
    (bar,) = [line for line in joined.simplified() if abs(line.points[0, 1] - line.points[-1, 1]) < 2]
    assert np.abs(stem.points[:, 1] - bar.points[0, 1]).min() < 0.3


def test_svg_has_a_path_for_each_line(traced):
    drawing = xml.etree.ElementTree.fromstring(traced.to_svg(layers=2, width_mm=100))
    assert drawing.get("viewBox") == f"0 0 {traced.width} {traced.height}" and drawing.get("width") == "100mm"
    groups = drawing.findall("{http://www.w3.org/2000/svg}g")
    paths = drawing.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(groups) == 2 and len(paths) == len(traced)
    assert any("c" in path.get("d") for path in paths)
    straight = traced.to_svg(curves=False, stroke="strength", unit="in", dpi=300)
    assert "c" not in "".join(path.get("d") for path in xml.etree.ElementTree.fromstring(straight).iter() if path.get("d"))
    assert len(traced.to_svg(tolerance=2)) < len(traced.to_svg(tolerance=0.2))


def test_dxf_is_in_millimetres(traced):
    pairs = traced.to_dxf(width_mm=100).splitlines()
    at = pairs.index("$INSUNITS")
    assert pairs[at + 2] == "4" and pairs.count("LWPOLYLINE") == len(traced)


def test_geojson_is_in_pixels_or_on_a_map(traced, tmp_path):
    features = json.loads(traced.to_geojson())["features"]
    assert len(features) == len(traced) and features[0]["geometry"]["type"] == "LineString"
    world = tmp_path / "photo.jgw"
    world.write_text("2\n0\n0\n-2\n100\n200\n")
    line = pidinet.Lines(8, 8, [([[0.5, 0.5], [4.5, 0.5]], [1, 1], False)])
    (feature,) = json.loads(line.to_geojson(world=world))["features"]
    assert feature["geometry"]["coordinates"] == [[100, 200], [108, 200]]
    world.write_text("2\n0\n")
    with pytest.raises(ValueError, match="world"):
        line.to_geojson(world=world)


def test_json_has_every_point(traced):
    strokes = json.loads(traced.to_json(precision=6))["layers"][0]["strokes"]
    assert [len(stroke["points"]) for stroke in strokes] == [len(line.points) for line in traced]
    np.testing.assert_allclose(strokes[0]["points"], traced[0].points, atol=1e-4)


def test_files_are_named_by_their_extension(traced, tmp_path):
    for name in ("a.svg", "a.DXF", "a.geojson", "a.json"):
        traced.save(tmp_path / name)
    assert (tmp_path / "a.svg").read_text() == traced.to_svg()
    traced.save(str(tmp_path / "a.svg"), curves=False)
    assert (tmp_path / "a.svg").read_text() == traced.to_svg(curves=False)
    with pytest.raises(ValueError, match="svg, dxf, geojson or json"):
        traced.save(tmp_path / "a.pdf")
    with pytest.raises(FileNotFoundError):
        traced.save(tmp_path / "missing" / "a.svg")


def test_own_lines_can_be_written():
    lines = pidinet.Lines(10, 10, [pidinet.Line(np.array([[1, 1], [9, 9]]), [0.5, 0.5]), ([[3, 3]], [1], True)])
    assert lines.simplified().points[0].tolist() == [[1, 1], [9, 9]]
    for text in (lines.to_svg(), lines.to_dxf(), lines.to_geojson(), lines.to_json(curves=True)):
        assert text
    assert lines.drawn()[5, 5] == 0.5


def test_what_are_no_lines_is_refused(edges):
    for points, strength in (
        ([[1, 2, 3]], [1]), ([[1, 2]], [1, 1]), ([], []), ([[1, float("nan")]], [1]), ([[1e9, 0]], [1]), ([[1, 1]], [2]),
    ):
        with pytest.raises(ValueError):
            pidinet.Lines(9, 9, [(points, strength, False)])
    for size in ((0, 9), (9, -1), (1 << 20, 1 << 20)):
        with pytest.raises(ValueError):
            pidinet.Lines(*size)
    lines = pidinet.Lines(9, 9, [([[1, 1], [2, 2]], [1, 1], False)])
    for options in (
        {"tolerance": -1}, {"corner": 200}, {"layers": 0}, {"unit": "cm"}, {"dpi": 0}, {"width_mm": 0}, {"stroke": 0},
        {"precision": 13}, {"tolerance": float("nan")},
    ):
        with pytest.raises(ValueError):
            lines.to_svg(**options)
    for options in ({"low": -1}, {"high": 2}, {"max_gap": 1001}, {"min_length": -1}, {"spur": -1}):
        with pytest.raises(ValueError):
            pidinet.lines(edges, **options)
    for wrong in (np.full((9, 9), np.nan), np.zeros(9), np.zeros((9, 9, 3))):
        with pytest.raises(ValueError):
            pidinet.lines(wrong)


def test_any_lines_can_be_written():
    random = np.random.RandomState(5)
    for _ in range(300):
        lines = []
        for _ in range(random.randint(0, 5)):
            count = random.randint(1, 40)
            points = random.choice([0, 1, 1e2, 1e4]) * random.standard_normal((count, 2))
            points[random.rand(count) < 0.2] = points[0]
            lines.append((points.clip(-1e6, 1e6), random.rand(count), random.rand() < 0.5))
        made = pidinet.Lines(random.randint(1, 50), random.randint(1, 50), lines)
        tolerance = random.choice([0, 0.01, 0.5, 100])
        made.simplified(tolerance).drawn()
        for text in (made.to_svg(tolerance=tolerance), made.to_dxf(curves=True, tolerance=tolerance), made.to_json()):
            assert text
        json.loads(made.to_geojson(curves=random.rand() < 0.5))
