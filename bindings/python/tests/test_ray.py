"""Edges on a Ray cluster: a node with the driver and another, of one processor each, both taken by actors."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

import pidinet
import pidinet.ray
import synthetic
from pidinet.ray import _folder
from pidinet.ray.__main__ import main

HAS_RAY = importlib.util.find_spec("ray") is not None
HAS_DATA = HAS_RAY and importlib.util.find_spec("pyarrow") is not None
needs_ray = pytest.mark.skipif(not HAS_DATA, reason="Ray is not installed: pip install 'ray[data]'")
SIZES = [(48, 64), (64, 48), (50, 71), (33, 97), (1, 1), (120, 90)]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes, and a connection to them."""
    # Processes of the cluster have the environment of this one, and need this module.
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_AUTH_MODE", "disabled")
    patch.setenv("RAY_worker_niceness", "0")  # else they wait for all else that the machine does
    patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    patch.undo()


def photographs(folder, count):
    """Writes images of several sizes into a folder and one in it."""
    for at in range(count):
        path = folder / ("sub" if at % 3 == 0 else ".") / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pidinet.save(path, synthetic.image(*SIZES[at % len(SIZES)]))


def wrong_maps(src, dst):
    """Names of images whose edges are not those that one process finds, or are missing."""
    detector = pidinet.EdgeDetector(threads=1)
    wanted = {path.relative_to(src): detector(path, dtype="uint8") for path in src.rglob("*.png")}
    return [
        name
        for name, want in wanted.items()
        if not (dst / name).exists() or not np.array_equal(pidinet.read(dst / name)[:, :, 0], want)
    ]


def manifest(dst):
    return [json.loads(line) for line in (dst / "manifest.jsonl").read_text().splitlines()]


class Together(_folder.Worker):
    """An actor that begins when there is another with work, and leaves a file for each time that it is made."""

    def __init__(self, task):
        super().__init__(task)
        self._name = str(uuid.uuid4())
        self._leave("made")

    def run(self, names):
        self._leave("begun")
        for _ in range(2400):
            if sum(name.startswith("begun/") for name in self._task.target.names()) >= 2:
                break
            time.sleep(0.05)
        return super().run(names)

    def _leave(self, folder):
        self._task.target.write(f"{folder}/{self._name}", b"", self._task.job)


@needs_ray
def test_a_folder_is_done_on_all_nodes_and_broken_images_are_rows(cluster, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_folder, "Worker", Together)
    src, dst = tmp_path / "src", tmp_path / "dst"
    photographs(src, 200)
    for name, content in ("a.jpg", b"no image"), ("b.png", b""), ("c.webp", b"RIFF\0\0"):
        (src / name).write_bytes(content)
    (src / "notes.txt").write_text("not looked at")
    broken = ["a.jpg", "b.png", "c.webp"]

    assert main([str(src), str(dst), "--concurrency", "2"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("200 written, 3 failed, 0 there before; ")
    assert all(f"error: {name}: " in printed.err for name in broken)
    (src / "b.png").unlink()
    assert wrong_maps(src, dst) == []
    rows = manifest(dst)
    assert [row["path"] for row in rows if not row["ok"]] == broken
    assert len(rows) == 203 and all(row["ms"] >= 0 and (row["error"] is None) == row["ok"] for row in rows)
    assert len({row["node"] for row in rows}) == 2
    assert not list(dst.rglob("*.part"))


@needs_ray
def test_what_is_there_is_left_out_when_a_job_is_resumed(cluster, tmp_path):
    src, dst = tmp_path / "src", tmp_path / "dst"
    photographs(src, 12)
    first = pidinet.ray.detect_folder(src, dst, concurrency=2)
    assert first[:3] == (12, 0, 0)
    written = {path: path.stat().st_mtime_ns for path in dst.rglob("*.png")}
    again = pidinet.ray.detect_folder(src, dst, resume=True)
    assert again[:3] == (0, 0, 12) and again.rows == first.rows
    assert {path: path.stat().st_mtime_ns for path in dst.rglob("*.png")} == written
    (dst / "1.png").unlink()
    (dst / "manifest.jsonl").unlink()
    rest = pidinet.ray.detect_folder(f"file://{src}", f"file://{dst}", resume=True)
    assert rest[:3] == (1, 0, 11)
    assert [row.path for row in rest.rows if row.node] == ["1.png"] and len(manifest(dst)) == 12
    assert wrong_maps(src, dst) == []


@needs_ray
def test_images_that_are_cut_short_are_taken_if_asked_for(cluster, tmp_path):
    src, dst = tmp_path / "src", tmp_path / "dst"
    photographs(src, 2)
    (src / "1.png").write_bytes((src / "1.png").read_bytes()[:-12])
    assert pidinet.ray.detect_folder(src, dst)[:2] == (1, 1)
    assert main([str(src), str(dst), "--accept-damaged"]) == 0
    assert all(row["ok"] for row in manifest(dst))


@needs_ray
def test_a_node_that_dies_loses_nothing(cluster, tmp_path):
    src, dst = tmp_path / "src", tmp_path / "dst"
    photographs(src, 150)
    doomed = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    killed = []

    def progress(done, all_of_them):
        if done >= 30 and not killed:
            killed.append(doomed.node_id)
            cluster.remove_node(doomed, allow_graceful=False)

    report = pidinet.ray.detect_folder(src, dst, concurrency=3, progress=progress)
    assert report[:3] == (150, 0, 0) and len(killed) == 1
    assert wrong_maps(src, dst) == []
    assert not list(dst.rglob("*.part"))


@needs_ray
def test_each_actor_makes_one_detector(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(_folder, "Worker", Together)
    photographs(tmp_path / "src", 60)
    report = pidinet.ray.detect_folder(tmp_path / "src", tmp_path / "dst", concurrency=2)
    assert report.written == 60
    assert len(list((tmp_path / "dst/made").iterdir())) == 2


class Fragile:
    """An actor that dies of some items."""

    def ready(self):
        pass

    def run(self, items):
        if "deadly" in items:
            os._exit(1)
        return [(item, None) for item in items]


@needs_ray
def test_an_item_that_kills_its_actors_is_given_up(cluster):
    import ray

    from pidinet.ray._crew import Crew

    actor = ray.remote(num_cpus=0.5)(Fragile)
    crew = Crew(actor.remote, 2, lambda item, error: (item, error))
    items = [str(at) for at in range(20)]
    items[7] = "deadly"
    try:
        results = [result for some in crew.run(items, 4) for result in some]
    finally:
        crew.stop()
    assert sorted(item for item, _ in results) == sorted(items)
    assert [item for item, error in results if error] == ["deadly"]
    assert crew.deaths == 3


@needs_ray
def test_actors_that_cannot_start_are_an_error(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(_folder, "Worker", Unable)
    photographs(tmp_path / "src", 3)
    with pytest.raises(RuntimeError, match="an actor cannot start"):
        pidinet.ray.detect_folder(tmp_path / "src", tmp_path / "dst")


class Unable(_folder.Worker):
    def __init__(self, task):
        raise ModuleNotFoundError("No module named 'pidinet'")


@needs_ray
def test_a_dataset_gets_a_column_of_edges(cluster, tmp_path):
    import ray

    photographs(tmp_path, 12)
    images = ray.data.read_images(str(tmp_path), mode="RGB", include_paths=True, num_cpus=0.5)
    options = {"compute": ray.data.ActorPoolStrategy(size=1), "num_cpus": 1, "batch_size": 4}
    rows = images.map_batches(pidinet.ray.DetectEdges, **options).take_all()
    assert sorted(rows[0]) == ["edges", "path"] and len(rows) == 12
    detector = pidinet.EdgeDetector()
    for row in rows:
        assert np.array_equal(row["edges"], detector(row["path"], dtype="uint8"))


@needs_ray
def test_scores_on_a_cluster_are_those_of_one_process(cluster, tmp_path):
    detectors = {"boundaries": pidinet.EdgeDetector("tiny"), "edges": pidinet.EdgeDetector("tiny-edges")}
    for at in range(3):
        image = synthetic.image(60 + at, 80)
        drawn = pidinet.threshold(detectors["boundaries"](image), 0.4)
        for name, edges in [("truth", drawn.astype(np.float32))] + [(n, d(image)) for n, d in detectors.items()]:
            (tmp_path / name).mkdir(exist_ok=True)
            pidinet.save(tmp_path / name / f"{at}.png", edges)
    runs = {name: tmp_path / name for name in detectors}
    found = pidinet.ray.evaluate(runs, tmp_path / "truth", nms="none")
    assert list(found) == list(runs)
    for name, scores in found.items():
        want = pidinet.eval.edges(runs[name], tmp_path / "truth", nms="none", threads=1)
        assert scores[:5] == want[:5] and scores.images == want.images and scores.options == want.options
        for got, expected in zip(scores.curve, want.curve):
            np.testing.assert_array_equal(got, expected)
    with pytest.raises(ValueError, match="^missing: "):
        (tmp_path / "missing").mkdir()
        pidinet.ray.evaluate({"missing": tmp_path / "missing"}, tmp_path / "truth")


@needs_ray
def test_folders_that_make_no_sense_are_refused(tmp_path, capsys):
    src = tmp_path / "src"
    photographs(src, 2)
    with pytest.raises(FileNotFoundError, match="no folder .*missing"):
        pidinet.ray.detect_folder(tmp_path / "missing", tmp_path / "dst")
    with pytest.raises(ValueError, match="a folder of their own"):
        pidinet.ray.detect_folder(src, src)
    with pytest.raises(ValueError, match="format 'gif'"):
        pidinet.ray.detect_folder(src, tmp_path / "dst", format="gif")
    (src / "1.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="1.jpg and 1.png would both become 1.png"):
        pidinet.ray.detect_folder(src, tmp_path / "dst")
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), str(tmp_path / "dst")]) == 2
    assert "there is no image in" in capsys.readouterr().err
    assert not (tmp_path / "dst").exists()


@needs_ray
def test_file_systems_of_fsspec_are_folders_too():
    from pidinet.ray._files import Folder

    folder = Folder.at(f"memory://{uuid.uuid4().hex}/photographs/")
    assert not folder.exists() and folder.names() == []
    folder.write("a/one.png", b"12", "job")
    folder.write("a/one.png", b"345", "job")
    folder.write("two.png", b"", "job")
    assert folder.exists() and folder.names() == ["a/one.png", "two.png"]
    assert folder.read("a/one.png") == b"345"
    inner = Folder(folder.filesystem, f"{folder.path}/a")
    assert inner.inside(folder) == "a" and folder.inside(inner) is None and folder.inside(folder) == ""


@needs_ray
def test_a_file_that_cannot_be_written_is_not_there(tmp_path):
    from pidinet.ray._files import Folder

    folder = Folder.at(tmp_path)
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OSError):
        folder.write("taken.png", b"data", "job")
    assert folder.names() == []
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/x.png.1-job.part").write_bytes(b"half")
    (tmp_path / "sub/x.png.1-other.part").write_bytes(b"half")
    folder.sweep("job")
    assert folder.names() == ["sub/x.png.1-other.part"]


def test_batches_get_a_column_of_edges(detector, tmp_path):
    images = np.empty(3, object)
    images[:] = [synthetic.image(20, 30), synthetic.image(25, 15), b"no image"]
    batch = {"image": images, "name": np.array(["a", "b", "c"])}
    found = pidinet.ray.DetectEdges(errors="error", style="safe", drop_input=False)(batch)
    assert list(found) == ["image", "name", "edges", "error"]
    for edges, image in zip(found["edges"], images[:2]):
        assert np.array_equal(edges, detector(image, style="safe", dtype="uint8"))
    assert found["edges"][2].shape == (0, 0) and found["error"][2] and list(found["error"][:2]) == ["", ""]
    with pytest.raises(ValueError, match="not an image"):
        pidinet.ray.DetectEdges()(batch)
    pidinet.save(tmp_path / "whole.png", images[0])
    cut = {"image": [(tmp_path / "whole.png").read_bytes()[:-12]]}
    with pytest.raises(ValueError, match="accept_damaged"):
        pidinet.ray.DetectEdges()(cut)
    assert pidinet.ray.DetectEdges(accept_damaged=True)(cut)["edges"][0].shape == (20, 30)
    with pytest.raises(KeyError, match="no column 'picture'; there are 'image', 'name'"):
        pidinet.ray.DetectEdges(column="picture")(batch)


def test_without_ray_it_is_said_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'pidinet\[ray\]'"):
        pidinet.ray.evaluate({}, tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main([str(tmp_path), str(tmp_path / "dst")]) == 2
    assert "pip install 'pidinet[ray]'" in capsys.readouterr().err
