"""The benchmark: arrays and folders, beside the command line's own test data."""

import json
import pickle

import numpy as np
import pytest

import pidinet
import pidinet.eval
import synthetic


@pytest.fixture(scope="module")
def data(detector):
    """Five maps of two sizes, each with the truth of two people who see things a little apart."""
    maps, truth = [], []
    for at in range(5):
        image = synthetic.image(60 + 20 * (at % 2), 90)[:, :: (-1 if at > 2 else 1)]
        edges = detector(image)
        drawn = pidinet.thin(pidinet.threshold(detector(image[:, ::-1])[:, ::-1], 0.4))
        maps.append(edges)
        truth.append([drawn, np.roll(drawn, 1 + at, axis=1)])
    return maps, truth


def test_arrays_and_folders_give_the_same_scores(data, tmp_path):
    maps, truth = data
    pred, gt = tmp_path / "pred", tmp_path / "gt"
    pred.mkdir(), gt.mkdir()
    for at, (edges, drawn) in enumerate(zip(maps, truth)):
        pidinet.save(pred / f"{at}.npy", edges)
        for person, mask in enumerate(drawn):
            pidinet.save(gt / f"{at}_{person}.png", mask.astype(np.float32))
    folders = pidinet.eval.edges(pred, gt)
    arrays = pidinet.eval.edges(maps, truth)
    assert folders.name == "pred"
    assert 0.2 < folders.ods.f < 1 and folders.ods.f <= folders.ois.f + 1e-9
    for field in ("ods", "ois", "ap", "r50", "images"):
        assert getattr(folders, field) == getattr(arrays, field), field
    for one, other in zip(folders.curve, arrays.curve):
        np.testing.assert_array_equal(one, other)
    names = [f"{at}" for at in range(5)]
    by_name = pidinet.eval.edges(dict(zip(names, maps)), dict(zip(names, truth)), threads=1)
    assert by_name.ods == arrays.ods and list(by_name.images) == names
    stacked = pidinet.eval.edges(maps, [np.stack(drawn).astype(np.uint8) for drawn in truth])
    assert stacked.ods == arrays.ods


def test_options_change_scores(data):
    maps, truth = data
    plain = pidinet.eval.edges(maps, truth)
    for options in ({"nms": "none"}, {"nms": "nyud"}, {"max_distance": 0.05}, {"nms": "rcf"}):
        assert pidinet.eval.edges(maps, truth, **options).ods != plain.ods
    assert len(pidinet.eval.edges(maps, truth, thresholds=5).curve.f) == 5
    few = pidinet.eval.edges(maps, truth, thresholds=[0.25, 0.5], rounding=False)
    np.testing.assert_array_equal(few.curve.threshold, [0.25, 0.5])
    inverted = pidinet.eval.edges([1 - edges for edges in maps], truth, invert_pred=True)
    assert inverted.ods.f == pytest.approx(plain.ods.f, abs=0.01)


def test_pixels_may_be_left_out(data):
    maps, truth = data
    edges, drawn = maps[0], truth[0][0].astype(np.uint8)
    left_out = drawn.copy()
    left_out[:, 45:] = 255
    half = pidinet.eval.edges(edges, left_out, gt_ignore=255, nms="none")
    alone = edges.copy()
    alone[:, 45:] = 0
    drawn[:, 45:] = 0
    assert half.ods.f == pytest.approx(pidinet.eval.edges(alone, drawn, nms="none").ods.f, abs=0.05)
    assert half.ods.f != pidinet.eval.edges(edges, left_out != 0, nms='none').ods.f


@pytest.mark.parametrize(
    ("pred", "gt", "error"),
    [
        ("a", np.zeros((9, 9)), TypeError),
        ({"a": np.zeros((9, 9))}, [np.zeros((9, 9))], TypeError),
        ({"a": np.zeros((9, 9))}, {"b": np.zeros((9, 9))}, ValueError),
        ([np.zeros((9, 9))], [], ValueError),
        ([], [], ValueError),
        (np.zeros((9, 9)), np.zeros((9, 8)), ValueError),
        ([np.zeros((9, 9))], [[]], ValueError),
        (np.zeros((9, 9)), np.array("x"), Exception),
    ],
)
def test_what_does_not_go_together_is_an_error(pred, gt, error):
    with pytest.raises(error):
        pidinet.eval.edges(pred, gt)


def test_options_that_mean_nothing_are_errors(data):
    maps, truth = data
    for options in (
        {"preset": "imagenet"}, {"nms": "canny"}, {"thresholds": 0}, {"thresholds": [0.5, 0.2]}, {"thresholds": []},
        {"max_distance": 2}, {"max_distance": float("nan")}, {"threads": 0},
    ):
        with pytest.raises(ValueError):
            pidinet.eval.edges(maps[:1], truth[:1], **options)


def test_folders_that_are_missing_are_errors_of_the_system(tmp_path):
    with pytest.raises(OSError):
        pidinet.eval.edges(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    with pytest.raises(ValueError):
        pidinet.eval.edges(tmp_path / "a", tmp_path / "b")


def test_results_are_written_and_kept(data, tmp_path):
    scores = pidinet.eval.edges(*data, name="mine")
    again = pickle.loads(pickle.dumps(scores))
    assert again.ods == scores.ods and "ODS" in str(scores)
    scores.save(tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["name"] == "mine" and summary["ods"]["f"] == pytest.approx(scores.ods.f)
    table = np.loadtxt(tmp_path / "out" / "eval_bdry_thr.txt")
    np.testing.assert_allclose(table[:, 3], scores.curve.f, atol=1e-5)
    assert (tmp_path / "out" / "pr.svg").read_text().startswith("<svg")
    pidinet.eval.plot(tmp_path / "two.svg", [scores, again._replace(name="again")], human=True)
    assert ">[F=.803] Human</text>" in (tmp_path / "two.svg").read_text()
    with pytest.raises(ValueError, match="Curve.plot"):
        scores.plot(tmp_path / "one.png")


def test_curves_are_drawn_into_axes(data):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    curve = pidinet.eval.edges(*data).curve
    figure, axes = plt.subplots()
    assert curve.plot(axes, label="mine") is axes and len(axes.lines) == 1
    plt.close(figure)


def test_pairs_are_one_to_one_and_as_many_as_can_be():
    scipy = pytest.importorskip("scipy.sparse")
    from scipy.sparse.csgraph import maximum_bipartite_matching

    random = np.random.RandomState(5)
    for _ in range(20):
        pred, gt = random.rand(2, 25, 31) < 0.15
        found = pidinet.eval.match(pred, gt, max_distance=0.06)
        reach = 0.06 * np.hypot(25, 31)
        distances = np.linalg.norm(found.pairs[:, :2] - found.pairs[:, 2:], axis=1)
        assert (distances <= reach).all() and found.distance == pytest.approx(distances.sum(), abs=0.005 * len(distances))
        for mask, ends, used in ((pred, found.pairs[:, :2], found.pred), (gt, found.pairs[:, 2:], found.gt)):
            assert len({tuple(end) for end in ends}) == len(ends) == used.sum()
            assert mask[tuple(ends.T)].all() and used[tuple(ends.T)].all()
        one, other = np.argwhere(pred), np.argwhere(gt)
        near = np.linalg.norm(one[:, None] - other[None], axis=2) <= reach
        most = (maximum_bipartite_matching(scipy.csr_matrix(near), perm_type="column") >= 0).sum()
        assert len(found.pairs) == most


def test_masks_that_do_not_match_are_errors():
    with pytest.raises(ValueError):
        pidinet.eval.match(np.zeros((3, 4)), np.zeros((4, 3)))
    with pytest.raises(ValueError):
        pidinet.eval.match(np.zeros((3, 4)), np.zeros((3, 4)), max_distance=-1)
    with pytest.raises(ValueError, match="max_distance"):
        pidinet.eval.match(np.ones((400, 400)), np.ones((400, 400)), max_distance=0.5)
    assert pidinet.eval.match(np.zeros((3, 4)), np.ones((3, 4))).pairs.shape == (0, 4)


def test_odd_maps_are_told_by_logging(tmp_path, caplog, data):
    maps, truth = data
    for folder, values in (("pred", np.ones_like(maps[0])), ("gt", truth[0][0].astype(np.float32))):
        (tmp_path / folder).mkdir()
        pidinet.save(tmp_path / folder / "a.png", values)
    with caplog.at_level("WARNING", "pidinet"):
        pidinet.eval.edges(tmp_path / "pred", tmp_path / "gt")
    assert "mostly white" in caplog.text
