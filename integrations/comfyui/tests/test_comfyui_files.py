"""What people get beside the code: workflows, and what is told to the registry."""

from __future__ import annotations

import json
import re
import sys

import pytest

import stubs

WORKFLOWS = sorted((stubs.PACK / "example_workflows").glob("*.json"))


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The pack's nodes by their names."""
    for name, module in stubs.modules(stubs.Host(tmp_path), third=False).items():
        monkeypatch.setitem(sys.modules, name, module)
    stubs.load()
    return {node.id: node for node in sys.modules["custom_node_pidinet.nodes"].NODES}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_use_nodes_as_they_are(path, table):
    workflow = json.loads(path.read_text())
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for id, source, slot, target, place, kind in workflow["links"]:
        assert id in nodes[source]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][place]["link"] == id
        assert nodes[source]["outputs"][slot]["type"] == kind
        assert nodes[target]["inputs"][place]["type"] in (kind, "*")
    ours = [node for node in nodes.values() if node["type"].startswith("Pidinet")]
    assert ours
    for node in ours:
        told = table[node["type"]]
        assert [output["type"] for output in node["outputs"]] == [output.kind for output in told.outputs]
        widgets = [given for given in told.inputs() if given.kind != "IMAGE"]
        for given, value in zip(widgets, node["widgets_values"], strict=True):
            if given.kind == "COMBO":
                assert value in given.options["options"], given.name
            elif given.kind in ("INT", "FLOAT"):
                assert given.options["min"] <= value <= given.options["max"], given.name
            else:
                assert isinstance(value, bool), given.name


def test_there_is_a_workflow_for_each_node(table):
    used = {node["type"] for path in WORKFLOWS for node in json.loads(path.read_text())["nodes"]}
    assert set(table) <= used


def test_the_registry_is_told_what_it_needs_and_no_more_is_installed():
    text = (stubs.PACK / "pyproject.toml").read_text()
    name = re.search(r'^name = "(.+)"', text, re.M)[1]
    assert len(name) < 100 and "comfyui" not in name.lower() and not name[0].isdigit()
    assert re.search(r'^version = "\d+\.\d+\.\d+"', text, re.M)
    for key in ("license", "Repository", "PublisherId", "DisplayName"):
        assert re.search(rf"^{key} = ", text, re.M), key
    # A pack that names torch or numpy replaces what runs ComfyUI.
    wanted = re.search(r"^dependencies = \[(.*)\]", text, re.M)[1]
    assert wanted == '"pidinet>=0.1"'
    assert (stubs.PACK / "requirements.txt").read_text().split() == ["pidinet>=0.1"]
