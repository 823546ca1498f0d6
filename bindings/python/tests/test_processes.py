"""Detectors in threads, in other processes, and pickled."""

import copy
import multiprocessing
import os
import pickle
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pidinet
import synthetic


def found(detector):
    return detector(synthetic.image(60, 70))


@pytest.mark.parametrize("method", [m for m in ("fork", "spawn", "forkserver") if m in multiprocessing.get_all_start_methods()])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_detectors_work_in_other_processes(method):
    detector = pidinet.EdgeDetector(threads=2)
    want = found(detector)
    with multiprocessing.get_context(method).Pool(2) as pool:
        for got in pool.map_async(found, [detector] * 3).get(timeout=120):
            np.testing.assert_array_equal(got, want)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    detector, classifier = pidinet.EdgeDetector(threads=2), pidinet.Classifier(threads=2)
    want = found(detector)
    classifier(synthetic.image(40, 40))
    list(detector.imap([synthetic.image(20, 20)] * 3))
    child = os.fork()
    if child == 0:
        classifier(synthetic.image(40, 40))
        list(detector.imap([synthetic.image(20, 20)] * 3))
        os._exit(0 if np.array_equal(found(detector), want) else 1)
    for _ in range(1200):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        pytest.fail("the forked process hangs")
    np.testing.assert_array_equal(found(detector), want)


def test_threads_share_a_detector(detector, photo, edges):
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(detector, [photo] * 24):
            np.testing.assert_array_equal(got, edges)


def test_other_threads_run_during_a_detection():
    detector = pidinet.EdgeDetector(threads=1)
    image = synthetic.image(480, 640)
    started, counted, done = threading.Event(), [0], threading.Event()

    def count():
        started.set()
        while not done.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    started.wait()
    before = counted[0]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # so that nobody is made to let another thread run
    try:
        detector(image)
        during = counted[0] - before
    finally:
        sys.setswitchinterval(interval)
        done.set()
        thread.join()
    assert during > 100


@pytest.mark.parametrize("copied", [lambda d: pickle.loads(pickle.dumps(d)), copy.copy, copy.deepcopy])
def test_detectors_are_copied_with_their_options(copied, photo):
    detector = pidinet.EdgeDetector(
        detail=0.3, threads=1, scales=(0.5, 1), preset="controlnet", strip="whole", sides=True, isa="portable"
    )
    again = copied(detector)
    assert (again.threads, again.isa, again.precision) == (1, "portable", detector.precision)
    for one, other in zip(again.detect(photo, sides=True), detector.detect(photo, sides=True)):
        np.testing.assert_array_equal(one, other)


def test_pickles_of_models_that_are_built_in_are_small(photo):
    classifier = pidinet.Classifier(threads=1)
    for made in (pidinet.EdgeDetector(), pidinet.EdgeDetector(detail=0.5, scales=[1, 2]), classifier):
        assert len(pickle.dumps(made)) <= 1000
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again(photo).logits, classifier(photo).logits)


def test_pickles_of_other_models_need_no_file(tmp_path, photo):
    path = tmp_path / "table5_pidinet.pth"
    path.write_bytes(synthetic.checkpoint())
    detector = pidinet.EdgeDetector(path, preset="controlnet")
    want, data = detector(photo), pickle.dumps(detector)
    path.unlink()
    np.testing.assert_array_equal(pickle.loads(data)(photo), want)


def test_workers_of_a_data_loader_find_edges(photo, edges):
    data = pytest.importorskip("torch.utils.data")

    class Photos(data.Dataset):
        detector = pidinet.EdgeDetector("tiny", threads=2)

        def __len__(self):
            return 4

        def __getitem__(self, at):
            return self.detector(photo)

    Photos.detector(photo)
    for batch in data.DataLoader(Photos(), batch_size=2, num_workers=2):
        for got in batch:
            np.testing.assert_array_equal(got.numpy(), edges)
