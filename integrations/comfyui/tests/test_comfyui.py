"""The node pack, with stand-ins for ComfyUI."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import pidinet
import stubs


@pytest.fixture
def host(tmp_path, monkeypatch) -> stubs.Host:
    return stubs.Host(tmp_path)


@pytest.fixture(params=["V1", "V3"])
def nodes(request, host, monkeypatch) -> dict[str, Any]:
    """By the names of nodes: `inputs`, as `(kind, options)` by name, `optional` ones, `outputs`, and `run`."""
    third = request.param == "V3"
    for name, module in stubs.modules(host, third=third).items():
        monkeypatch.setitem(sys.modules, name, module)
    pack = stubs.load()
    assert hasattr(pack, "NODE_CLASS_MAPPINGS") != third
    return third_nodes(pack) if third else first_nodes(pack)


def first_nodes(pack: Any) -> dict[str, Any]:
    found = {}
    for name, node in pack.NODE_CLASS_MAPPINGS.items():
        types = node.INPUT_TYPES()
        inputs = {}
        for key, (kind, options) in {**types["required"], **types["optional"]}.items():
            if isinstance(kind, list):
                kind, options = "COMBO", {**options, "options": kind}
            inputs[key] = (kind, {option: value for option, value in options.items() if option != "tooltip"})
        outputs = list(zip(node.RETURN_TYPES, node.RETURN_NAMES, node.OUTPUT_IS_LIST))
        run = lambda node=node, **given: getattr(node(), node.FUNCTION)(**given)
        shown = pack.NODE_DISPLAY_NAME_MAPPINGS[name]
        found[name] = SimpleNamespace(
            shown=shown, inputs=inputs, optional=list(types["optional"]), outputs=outputs, run=run, category=node.CATEGORY
        )
    return found


def third_nodes(pack: Any) -> dict[str, Any]:
    extension = asyncio.run(pack.comfy_entrypoint())
    assert isinstance(extension, sys.modules["comfy_api.latest"].ComfyExtension)
    found = {}
    for node in asyncio.run(extension.get_node_list()):
        schema = node.define_schema()
        inputs = {}
        for given in schema.inputs:
            options = dict(given.options)
            if "display_mode" in options:
                options["display"] = options.pop("display_mode").value
            inputs[given.id] = (given.io_type, options)
        outputs = [(output.io_type, output.display_name, output.is_output_list) for output in schema.outputs]
        found[schema.node_id] = SimpleNamespace(
            shown=schema.display_name,
            inputs=inputs,
            optional=[given.id for given in schema.inputs if given.optional],
            outputs=outputs,
            run=lambda node=node, **given: node.execute(**given).args,
            category=schema.category,
        )
    return found


def images(count: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """uint8 `[count, height, width, channels]`."""
    y, x = np.mgrid[:height, :width]
    made = np.stack([(np.hypot(x - 9 * at - 20, y - 20) < 15 + at) * 150.0 + x / 2 for at in range(count)])
    noise = np.random.RandomState(1).randint(0, 20, (count, height, width, channels))
    return (made[..., None] + noise).clip(0, 255).astype(np.uint8)


def given(levels: np.ndarray) -> Any:
    """As ComfyUI's LoadImage has them."""
    return stubs.tensor(levels.astype(np.float32) / np.float32(255))


def arrays(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(output) for output in outputs]


def test_nodes_are_the_same_by_both_interfaces(nodes):
    assert [(name, node.shown) for name, node in nodes.items()] == [
        ("PidinetEdges", "PiDiNet Edges (fast, CPU)"),
        ("PidinetLines", "PiDiNet Lines (thin, SVG)"),
        ("PidinetControl", "PiDiNet Soft-Edge Lines (fast, CPU)"),
    ]
    edges, lines, control = nodes.values()
    slider = {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.01, "display": "slider"}
    assert edges.inputs["detail"] == lines.inputs["detail"] == ("FLOAT", slider)
    assert edges.inputs["resolution"] == ("INT", {"default": 512, "min": 0, "max": 16384, "step": 1})
    assert edges.inputs["invert"] == ("BOOLEAN", {"default": False})
    assert edges.inputs["style"] == ("COMBO", {"options": ["soft", "safe", "scribble"], "default": "soft"})
    assert list(edges.inputs) == "image detail model style resolution size threshold invert".split()
    assert edges.outputs == [("IMAGE", "image", False), ("MASK", "mask", False)]
    assert lines.outputs == [("IMAGE", "image", False), ("MASK", "mask", False), ("STRING", "svg", True)]
    assert control.outputs == [("IMAGE", "IMAGE", False)]
    assert {node.category for node in (edges, lines)} == {"image/preprocessors"}


def test_the_control_node_takes_what_the_node_that_it_replaces_takes(nodes):
    control = nodes["PidinetControl"]
    assert list(control.inputs)[:3] == ["image", "safe", "resolution"]
    assert control.optional == ["safe", "resolution", "model"]
    assert control.inputs["safe"] == ("COMBO", {"options": ["enable", "disable"], "default": "enable"})
    assert control.inputs["resolution"] == ("INT", {"default": 512, "min": 64, "max": 16384, "step": 64})
    assert control.category == "ControlNet Preprocessors/Line Extractors"


def test_edges_are_those_of_the_package(nodes):
    levels = images(1, 50, 61)
    drawn, masks = arrays(nodes["PidinetEdges"].run(image=given(levels), detail=0.5, resolution=0))
    want = pidinet.EdgeDetector(detail=0.5)(levels[0])
    assert drawn.dtype == masks.dtype == np.float32
    assert np.array_equal(masks[0], want)
    assert np.array_equal(drawn[0], np.repeat(want[:, :, None], 3, axis=2))


def test_the_result_has_the_size_that_is_asked_for(nodes):
    run, image = nodes["PidinetEdges"].run, given(images(1, 50, 75))
    assert run(image=image, resolution=100)[0].shape == (1, 100, 150, 3)
    assert run(image=image, resolution=33)[1].shape == (1, 33, 50)
    for resolution in (33, 100):
        assert run(image=image, resolution=resolution, size="as image")[0].shape == (1, 50, 75, 3)


def test_thresholds_styles_and_inversion(nodes):
    run, image = nodes["PidinetEdges"].run, given(images(1, 64, 80))
    soft, _ = arrays(run(image=image, resolution=0))
    drawn, masks = arrays(run(image=image, resolution=0, threshold=0.3, invert=True))
    assert np.array_equal(masks, soft[..., 0] >= np.float32(0.3)) and 0 < masks.mean() < 1
    assert np.array_equal(drawn[..., 1], 1 - masks)
    safe, _ = arrays(run(image=image, resolution=0, style="safe"))
    assert set(np.unique(safe)) <= {0, 0.5, 1}
    assert np.array_equal(safe[0, :, :, 0], pidinet.style(soft[0, :, :, 0], "safe"))


def test_a_batch_is_what_its_images_are_one_by_one(nodes, host):
    batch = given(images(5, 40, 56))
    for node in nodes.values():
        if node.shown.startswith("PiDiNet Lines") and not hasattr(pidinet, "lines"):
            continue
        host.advanced.clear()
        together = node.run(image=batch)
        assert len(host.advanced) == 5
        for at in range(5):
            alone = node.run(image=stubs.tensor(np.asarray(batch)[at : at + 1]))
            for all_of_them, one in zip(together, alone):
                assert np.array_equal(np.asarray(all_of_them)[at], np.asarray(one)[0])


def test_a_batch_of_no_image_gives_none(nodes):
    drawn, masks = arrays(nodes["PidinetEdges"].run(image=given(images(1, 50, 75)[:0]), resolution=0))
    assert drawn.shape == (0, 50, 75, 3) and masks.shape == (0, 50, 75)


def test_alpha_is_on_white_and_grey_is_grey(nodes):
    run = nodes["PidinetEdges"].run
    coloured = images(1, 40, 50)
    clear = np.concatenate([coloured, np.zeros((1, 40, 50, 1), np.uint8)], axis=3)
    white = np.full((1, 40, 50, 3), 255, np.uint8)
    assert np.array_equal(*(arrays(run(image=given(levels)))[1] for levels in (clear, white)))
    grey = images(1, 40, 50, 1)
    assert np.array_equal(*(arrays(run(image=given(levels)))[1] for levels in (grey, np.repeat(grey, 3, axis=3))))
    with pytest.raises(ValueError, match=r"\(1, 40, 50, 2\): expected \[batch"):
        run(image=given(clear[..., :2]))


@pytest.mark.parametrize("model", ["tiny", "small", "full"])
@pytest.mark.parametrize("detail", [0.0, 0.5])
def test_pairs_that_are_built_in_can_be_chosen(nodes, model, detail):
    levels = images(1, 48, 64)
    _, masks = arrays(nodes["PidinetEdges"].run(image=given(levels), model=model, detail=detail, resolution=0))
    assert np.array_equal(masks[0], pidinet.EdgeDetector(model, detail=detail)(levels[0]))


def test_files_in_the_folder_of_models_can_be_chosen(nodes, host):
    folder = host.models / "pidinet"
    folder.mkdir()
    (folder / "readme.txt").write_text("no model")
    pidinet.Model.open("tiny-edges").save(folder / "mine.safetensors")
    # Lists are asked for again when a page loads, without loading the pack again.
    table = importlib.import_module("custom_node_pidinet.nodes").NODES
    (model,) = [one for one in table[0].inputs() if one.name == "model"]
    assert model.options["options"] == ["tiny", "small", "full", "mine.safetensors"]
    levels = images(1, 48, 64)
    run = nodes["PidinetEdges"].run
    _, masks = arrays(run(image=given(levels), model="mine.safetensors", resolution=0))
    assert np.array_equal(masks[0], pidinet.EdgeDetector("tiny-edges")(levels[0]))
    pidinet.Model.open("tiny").save(folder / "mine.safetensors")
    _, masks = arrays(run(image=given(levels), model="mine.safetensors", resolution=0))
    assert np.array_equal(masks[0], pidinet.EdgeDetector("tiny")(levels[0]))
    with pytest.raises(FileNotFoundError, match="no model other.pth in models/pidinet"):
        run(image=given(levels), model="other.pth")


def test_a_detector_is_made_once(nodes, monkeypatch):
    made = []
    real = pidinet.EdgeDetector
    monkeypatch.setattr(pidinet, "EdgeDetector", lambda *args, **options: made.append(options) or real(*args, **options))
    for levels in (images(1, 40, 50), images(1, 60, 50)):
        nodes["PidinetEdges"].run(image=given(levels), detail=0.25)
    assert len(made) == 1


def test_who_cancels_waits_for_images_in_work_only(nodes, host, monkeypatch):
    batch = sys.modules["custom_node_pidinet.batch"]
    monkeypatch.setattr(batch, "_cores", lambda: 2)
    host.cancel_after = 3
    started, lock = [], threading.Lock()

    def work(at: int) -> None:
        with lock:
            started.append(at)
        threading.Event().wait(0.02)

    with pytest.raises(stubs.Interrupted):
        batch.run(100, work)
    assert 3 <= len(started) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pidinet")]


def test_an_image_that_fails_fails_the_batch(nodes):
    def work(at: int) -> None:
        if at == 1:
            raise ValueError("image 1")

    with pytest.raises(ValueError, match="image 1"):
        sys.modules["custom_node_pidinet.batch"].run(3, work)


def test_the_control_node_rounds_as_the_node_that_it_replaces(nodes):
    levels = images(1, 100, 150)
    run = nodes["PidinetControl"].run
    (drawn,) = arrays(run(image=given(levels), safe="disable", resolution=64))
    assert drawn.shape == (1, 64, 96, 3)
    # LoadImage's quotient times 255 is sometimes just below the level, and rounded down.
    truncated = (levels[0].astype(np.float32) / np.float32(255) * np.float32(255)).astype(np.uint8)
    image = np.pad(pidinet.resize(truncated, (64, 96), "area"), [(0, 0), (0, 32), (0, 0)], mode="edge")
    edges = pidinet.EdgeDetector("tiny")(image)[:64, :96]
    want = (edges * np.float32(255)).astype(np.uint8).astype(np.float32) / np.float32(255)
    assert np.array_equal(drawn[0, :, :, 2], want)
    (steps,) = arrays(run(image=given(levels), resolution=64))
    assert set(np.unique(steps * 255)) <= {0, 127, 255}
    assert run(image=given(levels), resolution=0)[0].shape == (1, 512, 768, 3)


@pytest.mark.skipif(not hasattr(pidinet, "lines"), reason="this build of pidinet has no lines")
def test_lines_are_thin_and_come_as_svg(nodes):
    run = nodes["PidinetLines"].run
    levels = images(2, 64, 80)
    drawn, masks, documents = run(image=given(levels), low=0.1, high=0.2)
    masks = np.asarray(masks)
    assert set(np.unique(masks)) == {0, 1} and np.array_equal(np.asarray(drawn)[..., 0], masks)
    edges = [pidinet.EdgeDetector("tiny")(image) for image in levels]
    want = [pidinet.lines(one, low=0.1, high=0.2) for one in edges]
    assert documents == [one.to_svg() for one in want] and documents[0].startswith("<?xml")
    assert np.array_equal(masks, [one.drawn() > 0 for one in want])
    maps = stubs.tensor(np.repeat(np.stack(edges)[..., None], 3, axis=3))
    assert run(image=maps, source="edges", low=0.1, high=0.2)[2] == documents
    assert run(image=maps, source="edges", low=0.1, high=0.2, curves=False)[2] != documents
