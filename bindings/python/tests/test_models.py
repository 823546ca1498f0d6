"""Models by name, path and bytes; recognition."""

import hashlib
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import pidinet
import synthetic


def test_what_is_built_in_is_listed():
    listed = {model.name: model for model in pidinet.models()}
    assert {"tiny", "tiny-edges", "small", "small-edges", "full", "full-edges", "bi-pidinet-s"} <= set(listed)
    for model in listed.values():
        assert model.licence and model.training_data and model.parameters > 10_000 and model.bytes > 10_000
        assert len(model.sha256) == 64
    assert listed["tiny"].task == "edges" and listed["tiny"].scores["bsds500.test.ods"] > 0.7
    assert listed["bi-pidinet-s"].task == "recognition"


def test_models_are_saved_and_opened(tmp_path, photo, edges):
    path = tmp_path / "own.safetensors"
    pidinet.Model.open("tiny").save(path)
    info = pidinet.Model.open(path).info
    assert info.bytes == path.stat().st_size and info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for model in (path, str(path), path.read_bytes(), pidinet.Model.open(path)):
        np.testing.assert_array_equal(pidinet.EdgeDetector(model)(photo), edges)


def test_wrong_names_say_what_there_is(tmp_path, monkeypatch):
    with pytest.raises(pidinet.ModelError, match="did you mean tiny"):
        pidinet.EdgeDetector("tinny")
    with pytest.raises(pidinet.ModelError, match="models: tiny, tiny-edges, small, small-edges, full, full-edges, bi-pidinet-s"):
        pidinet.EdgeDetector("unlike")
    with pytest.raises(FileNotFoundError):
        pidinet.EdgeDetector("missing.pth")
    with pytest.raises(FileNotFoundError):
        pidinet.EdgeDetector(tmp_path / "tiny")
    with pytest.raises(pidinet.ModelError, match="recognition"):
        pidinet.EdgeDetector("bi-pidinet-s")
    with pytest.raises(pidinet.ModelError, match="finds edges"):
        pidinet.Classifier("tiny")
    with pytest.raises(TypeError):
        pidinet.EdgeDetector(5)
    with pytest.raises(pidinet.ModelError, match="not the first of a pair"):
        pidinet.EdgeDetector("tiny-edges", detail=0.5)


def test_files_that_are_no_models_say_so(tmp_path):
    data = pidinet.Model.open("tiny").to_bytes()
    for wrong in (b"", b"something else", data[:-1], data[: len(data) // 2], synthetic.checkpoint()[:-1000]):
        with pytest.raises(pidinet.ModelError):
            pidinet.EdgeDetector(wrong)
        path = tmp_path / "wrong.safetensors"
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="wrong.safetensors"):
            pidinet.EdgeDetector(path)


def test_a_folder_of_models_is_searched_by_name(tmp_path, monkeypatch, photo):
    (tmp_path / "mine.pth").write_bytes(synthetic.checkpoint())
    monkeypatch.setenv("PIDINET_MODELS", str(tmp_path))
    want = pidinet.EdgeDetector(tmp_path / "mine.pth")(photo)
    np.testing.assert_array_equal(pidinet.EdgeDetector("mine")(photo), want)
    with pytest.raises(pidinet.ModelError, match="did you mean mine"):
        pidinet.EdgeDetector("mime")
    monkeypatch.setenv("PIDINET_MODEL", "mine")
    np.testing.assert_array_equal(pidinet.EdgeDetector()(photo), want)


def test_checkpoints_take_a_configuration(photo):
    data = synthetic.checkpoint()
    model = pidinet.Model.open(data, config="carv4", theta=1.0)
    assert model.info.parameters == 710_017 or model.info.parameters > 600_000
    assert np.abs(pidinet.EdgeDetector(pidinet.Model.open(data, theta=0.5))(photo) - pidinet.EdgeDetector(model)(photo)).max() > 0.01
    with pytest.raises(ValueError):
        pidinet.Model.open(data, config="nonsense")


@pytest.mark.parametrize("name", ["tiny", "small", "full"])
def test_pairs_that_are_built_in_are_mixed(name, photo):
    ends = [pidinet.EdgeDetector(end)(photo) for end in (name, f"{name}-edges")]
    for detail, expected in zip((0.0, 1.0), ends):
        np.testing.assert_array_equal(pidinet.EdgeDetector(name, detail=detail)(photo), expected)
    between = pidinet.EdgeDetector(pidinet.Model.mix(name, f"{name}-edges", 0.5))(photo)
    np.testing.assert_array_equal(pidinet.EdgeDetector(name, detail=0.5)(photo), between)
    assert all(np.abs(between - end).max() > 0.01 for end in ends)


def test_own_pairs_are_mixed(photo):
    mixed = pidinet.Model.mix("tiny", "tiny-edges", 0.5)
    np.testing.assert_array_equal(pidinet.EdgeDetector(mixed)(photo), pidinet.EdgeDetector(detail=0.5)(photo))
    with pytest.raises(ValueError):
        pidinet.Model.mix("tiny", synthetic.checkpoint(), 0.5)
    with pytest.raises(ValueError):
        pidinet.EdgeDetector(mixed, detail=0.5)


def test_nothing_is_downloaded_that_was_not_asked_for(monkeypatch, photo):
    def refuse(*arguments, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    from pidinet.controlnet import PidiNetDetector

    pidinet.EdgeDetector()(photo)
    pidinet.EdgeDetector(detail=0.5)
    pidinet.Classifier()(photo)
    pidinet.models()
    PidiNetDetector.from_pretrained()(photo, output_type="np")
    with pytest.raises(pidinet.ModelError):
        pidinet.EdgeDetector("unlike")


def test_repositories_need_their_own_package():
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "import pidinet\n"
        "try: pidinet.EdgeDetector('somebody/something')\n"
        "except ImportError as error: sys.exit('pidinet[hub]' not in str(error))\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_repositories_are_asked_for_the_file_that_is_named(monkeypatch, tmp_path, photo):
    import types

    path, asked = tmp_path / "x.pth", []
    path.write_bytes(synthetic.checkpoint())
    hub = types.ModuleType("huggingface_hub")
    hub.hf_hub_download = lambda *names, **options: asked.append((names, options)) or str(path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    pidinet.EdgeDetector("somebody/something:folder/x.pth@v2")(photo)
    assert asked[0][0] == ("somebody/something", "folder/x.pth") and asked[0][1]["revision"] == "v2"


def test_only_numpy_is_needed():
    code = (
        "import sys, numpy\n"
        "for name in ('PIL', 'torch', 'cv2', 'scipy', 'huggingface_hub', 'matplotlib'): sys.modules[name] = None\n"
        "import pidinet, pidinet.eval, pidinet.controlnet\n"
        "image = numpy.zeros((70, 80, 3), numpy.uint8)\n"
        "pidinet.EdgeDetector()(image); pidinet.Classifier()(image)\n"
        "pidinet.controlnet.PidiNetDetector.from_pretrained()(image, output_type='np')\n"
        "pidinet.eval.edges(image[:, :, 0], image[:, :, 0] == 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_classes_have_names_and_probabilities(photo):
    classifier = pidinet.Classifier()
    found = classifier.classify(photo)
    assert found.label in classifier.labels and len(classifier.labels) == 10
    assert list(found.probabilities)[0] == found.label and found.probabilities[found.label] == found.probability
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert classifier.labels[int(found.logits.argmax())] == found.label
    batch = classifier.classify_batch([photo, photo[:40, :50]])
    np.testing.assert_array_equal(batch[0].logits, found.logits)
    assert classifier.classify_batch([]) == []


def test_features_have_length_1(photo):
    classifier = pidinet.Classifier()
    vectors = classifier.embed_batch([photo, photo[::-1]])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(classifier.embed(photo), vectors[0])
    assert vectors.dtype == np.float32
    with pytest.raises(TypeError):
        classifier(None)
    with pytest.raises(ValueError):
        classifier(np.zeros((3, 4, 5, 6), np.uint8))


def test_vectors_need_no_classifier_of_ones_own(photo, tmp_path):
    want = pidinet.Classifier().embed_batch([photo, photo[::-1]])
    np.testing.assert_array_equal(pidinet.embed([photo, photo[::-1]]), want)
    np.testing.assert_array_equal(pidinet.embed(photo), want[0])
    np.testing.assert_array_equal(pidinet.embed(photo[:, :, ::-1], channels="bgr"), want[0])
    pidinet.Model.open("bi-pidinet-s").save(tmp_path / "own.safetensors")
    np.testing.assert_array_equal(pidinet.embed(photo, tmp_path / "own.safetensors"), want[0])
    with pytest.raises(ValueError, match="no image"):
        pidinet.embed([])
    with pytest.raises(pidinet.ModelError):
        pidinet.embed(photo, "tiny")



def test_a_build_says_what_it_is():
    info = pidinet.build_info()
    assert info["version"] == pidinet.__version__
    assert info["isa"] in info["isas"] and "portable" in info["isas"] and info["threads"] >= 1


def test_reprs_say_what_is_in_use():
    assert "'tiny'" in repr(pidinet.EdgeDetector("tiny", threads=1)) and "1 threads" not in repr(pidinet.Model.open("tiny"))
    assert "detail 0.5" in repr(pidinet.EdgeDetector(detail=0.5))
    assert "10 classes" in repr(pidinet.Classifier())
    assert os.environ.get("PIDINET_MODEL") is None
