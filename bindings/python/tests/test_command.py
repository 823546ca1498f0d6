"""`python -m pidinet`."""

import subprocess
import sys

import numpy as np
import pytest

import pidinet
from pidinet.__main__ import main


def test_a_picture_becomes_a_file(tmp_path, photo, edges, capsys):
    pidinet.save(tmp_path / "photo.png", photo)
    assert main([str(tmp_path / "photo.png"), "-o", str(tmp_path / "edges.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "edges.npy"), edges)
    assert capsys.readouterr().out.strip() == str(tmp_path / "edges.npy")


def test_edges_become_lines(tmp_path, photo, edges):
    pidinet.save(tmp_path / "photo.png", photo)
    assert main([str(tmp_path / "photo.png"), "-o", str(tmp_path / "lines.svg")]) == 0
    assert (tmp_path / "lines.svg").read_text() == pidinet.lines(edges).to_svg()


def test_a_folder_becomes_a_folder(tmp_path, photo, edges, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        pidinet.save(tmp_path / "photos" / name, photo)
    (tmp_path / "photos" / "broken.png").write_text("x")
    assert main(["photos", "--style", "safe", "--nms", "--detail", "0"]) == 1
    assert sorted(path.name for path in (tmp_path / "edges").iterdir()) == ["a.png", "b.png"]
    assert capsys.readouterr().err.count("broken.png") == 1
    assert main(["photos/a.png", "--threshold", "0.5", "--max-side", "50", "--format", "npy", "-j", "1"]) == 0
    assert set(np.unique(np.load("edges/a.npy"))) <= {0, 1}


def test_a_picture_that_is_cut_short_is_taken_if_asked_for(tmp_path, photo, capsys):
    pidinet.save(tmp_path / "whole.png", photo)
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-200])
    arguments = [str(tmp_path / "cut.png"), "-o", str(tmp_path / "edges.npy")]
    assert main(arguments) == 1
    assert "--accept-damaged" in capsys.readouterr().err
    assert main([*arguments, "--accept-damaged"]) == 0
    assert np.load(tmp_path / "edges.npy").shape == photo.shape[:2]


def test_commands_that_make_no_sense_are_refused(tmp_path, capsys, photo):
    pidinet.save(tmp_path / "a.png", photo)
    image = str(tmp_path / "a.png")
    for arguments in (
        [image, "-m", "tinny"], [image, "--detail", "3"], [image, image, "-o", "x.png"], [image, image],
    ):
        assert main([*arguments]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    with pytest.raises(SystemExit):
        main([])


def test_it_runs_as_a_module(tmp_path):
    run = [sys.executable, "-m", "pidinet"]
    listed = subprocess.run([*run, "--models"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "tiny-edges" in listed.stdout
    version = subprocess.run([*run, "--version"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert version.stdout.strip() == f"pidinet {pidinet.__version__}"
