"""Whatever is given, the answer is a map, or an error of the kinds that are promised. PIDINET_RANDOM_INPUTS says how many."""

import os

import numpy as np

import pidinet

COUNT = int(os.environ.get("PIDINET_RANDOM_INPUTS", 2000))
TYPES = ["u1", "u2", "f2", "f4", "f8", ">u2", ">f4", "i1", "i8", "?", "c8", "O", "S2", "g"]
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33]


def array(random: np.random.RandomState) -> np.ndarray:
    kind = np.dtype(TYPES[random.randint(len(TYPES) if random.rand() < 0.4 else 5)])
    shape = [LENGTHS[random.randint(len(LENGTHS))] for _ in range(random.choice([2, 3, 3, 3, 1, 4, 0]))]
    if len(shape) == 3 and random.rand() < 0.8:
        shape[2] = random.randint(1, 5)
    if random.rand() < 0.02:
        return np.broadcast_to(np.zeros((), "u1"), [1 << random.randint(15, 30) for _ in range(2)])  # more than may be
    values = random.rand(*shape) * (1 if kind.kind == "f" and random.rand() < 0.9 else 255)
    if kind.kind in "SO":
        made = np.empty(shape, kind)
    else:
        with np.errstate(all="ignore"):
            made = np.asarray(values).astype(kind)
    if made.ndim and made.size and random.rand() < 0.05 and kind.kind == "f":
        made[(0,) * made.ndim] = random.choice([np.nan, np.inf, -1, 2])
    for axis in range(made.ndim):
        way = random.rand()
        cut = (slice(None),) * axis
        if way < 0.1:
            made = made[cut + (slice(None, None, -1),)]
        elif way < 0.15 and made.shape[axis] > 3:
            made = made[cut + (slice(None, None, 2),)]
        elif way < 0.2:
            made = np.swapaxes(made, axis, random.randint(made.ndim))
    return made


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_random_inputs_give_maps_or_promised_errors():
    random = np.random.RandomState(7)
    detectors = [pidinet.EdgeDetector(threads=1), pidinet.EdgeDetector(threads=2, sides=True)]
    maps, before = 0, None
    for number in range(COUNT):
        image = array(random)
        options = {
            "channels": random.choice(["rgb", "bgr"]),
            "layout": random.choice(["hwc", "hwc", "hwc", "chw"]),
            "style": random.choice(["soft", "soft", "soft", "safe", "scribble"]),
            "dtype": random.choice(["float32", "uint8"]),
            "max_side": None if random.rand() < 0.9 else random.randint(-1, 20),
        }
        try:
            edges = detectors[number % 50 == 0].detect(image, **options)
        except (TypeError, ValueError):
            continue
        maps += 1
        assert edges.ndim == 2 and 0 not in edges.shape and edges.dtype == options["dtype"]
        assert edges.min() >= 0 and edges.max() <= (1 if edges.dtype == np.float32 else 255)
        if maps == COUNT // 10 and os.path.exists("/proc/self/statm"):
            before = resident()
    assert maps > COUNT // 4
    if before is not None:
        assert resident() - before < 30 << 20
