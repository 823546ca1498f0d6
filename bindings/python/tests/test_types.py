"""Types, stubs and examples, where mypy is there."""

import doctest
import importlib.util
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import pidinet

PACKAGE = Path(pidinet.__file__).parent


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules([str(PACKAGE)]) if module.name != "_pidinet"])
def test_examples_in_documentation_run(name):
    if name == "torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    module = importlib.import_module(f"pidinet.{name}")
    result = doctest.testmod(module, extraglobs={"pidinet": pidinet})
    assert result.failed == 0


def test_the_example_of_the_package_runs():
    result = doctest.testmod(pidinet)
    assert result.failed == 0 and result.attempted >= 5


def test_the_notebook_runs(monkeypatch):
    pytest.importorskip("PIL")
    notebook = Path(__file__).parents[1] / "example.ipynb"
    if not (notebook.parents[2] / "docs" / "images").is_dir():
        pytest.skip("not in the repository")
    monkeypatch.chdir(notebook.parent)
    names: dict = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["found"].pairs) > 100


def test_types_are_there_for_users(tmp_path):
    pytest.importorskip("mypy")
    assert (PACKAGE / "py.typed").exists()
    examples = [str(Path(__file__).parent / "typed_example.py")]
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\n")
    if importlib.util.find_spec("torch"):
        examples.append(str(Path(__file__).parent / "typed_torch_example.py"))
    else:  # modules whose classes are those of PyTorch can be checked with it only
        settings.write_text(settings.read_text() + "[mypy-pidinet.torch.*]\nignore_errors = true\n")
    for arguments in (["mypy", *examples], ["mypy", "-p", "pidinet"]):
        cache = ["--cache-dir", str(tmp_path), "--config-file", str(settings)]
        result = subprocess.run([sys.executable, "-m", *arguments, *cache], capture_output=True, text=True, cwd=tmp_path)
        assert result.returncode == 0, result.stdout


def test_stubs_are_those_of_what_is_compiled(tmp_path):
    pytest.importorskip("mypy")
    # Names of types that are no classes, and a function that is cached: what they are when the program runs is not what the
    # checker sees. The list of all names of what is compiled is written by its compiler.
    allowed = tmp_path / "allowed.txt"
    names = r"pidinet\.(_detector\.Map|_images\.(Channels|Layout)|_maps\.(Style|Interpolation)|_lines\.Unit|_classifier\._default|_pidinet\.__all__)" + "\n"
    if not importlib.util.find_spec("torch"):
        names += r"pidinet\.torch.*" + "\n"
    allowed.write_text(names)
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\n")
    if not importlib.util.find_spec("torch"):
        settings.write_text("[mypy]\n[mypy-pidinet.torch.*]\nignore_errors = true\n")
    command = [sys.executable, "-m", "mypy.stubtest", "pidinet", "--allowlist", str(allowed), "--ignore-unused-allowlist"]
    command += ["--mypy-config-file", str(settings)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout
