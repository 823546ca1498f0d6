"""Writes crates/pidinet/tests/golden: random networks, and PyTorch's output for random images.

    python tools/golden.py
    python tools/golden.py --compare FOLDER --weights FOLDER

`models/NAME.safetensors` is a model file. `maps/NAME.safetensors` holds `x`, the image ready for the network,
[1, 3, h, w]; `x0` .. `x4`, after the stem and the four stages; `e1` .. `e4` and `fused`, the edge maps, [h, w]. They are
computed in float64 from the float32 weights and image, and kept as float32.

The network is that of `pidinet.torch`: install the package of bindings/python first.

`--compare` reads MODEL__INPUT.npz files made by the published code from the published weights (which are not ours to
share), and checks that this definition of the network gives the same.
"""

import argparse
from itertools import count
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from networks import randomise
from pidinet.torch import PiDiNet, Size

FOLDER = Path(__file__).parent.parent / "crates/pidinet/tests/golden"

NAMED = (
    "baseline c-v15 a-v15 r-v15 cvvv4 avvv4 rvvv4 cccv4 aaav4 rrrv4 c16 a16 r16 carv4".split()
)
MIXED = "rd,cd,cv,cv,ad,rd,rd,cd,ad,cv,cd,cd,ad,ad,cv,rd"

ABOUT = {
    "provenance": "random numbers, written by tools/golden.py",
    "training_data": "none",
    "licence": "MIT OR Apache-2.0",
}

# Odd sizes, where pooling drops a row, and the smallest.
SIZES = ((17, 9), (8, 8), (12, 23), (10, 16))


def networks():
    """Name, network and (h, w) of every file."""
    for number, config in enumerate(NAMED):
        yield config, PiDiNet(Size(4, 2, True), config=config), SIZES[number % len(SIZES)]
    yield "mixed", PiDiNet(Size(5, 3, True), config=MIXED), (33, 40)
    yield "wider", PiDiNet(Size(6, 3, True)), (40, 33)
    yield "cdcm-only", PiDiNet(Size(5, 3, False)), (25, 18)
    yield "csam-only", PiDiNet(Size(5, None, True)), (25, 18)
    yield "light", PiDiNet(Size(5, None, False)), (25, 18)
    yield "theta-0.3", PiDiNet(Size(4, 2, True), theta=0.3), (13, 22)
    yield "theta-0.7", PiDiNet(Size(4, 2, True), config=MIXED, theta=0.7), (22, 13)


def write(folder):
    for part in ("models", "maps"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, (name, net, (height, width)) in enumerate(networks()):
        pixels = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1000 + number))
        for seed in count(number, 100):  # the first that does not give a nearly constant map
            randomise(net.float(), seed).save(folder / f"models/{name}.safetensors", **ABOUT)
            golden = outputs(net.double(), net.normalise(pixels).double())
            if golden["fused"].std() > 0.1:
                break
        maps = folder / f"maps/{name}.safetensors"
        save_file({key: map.float().contiguous() for key, map in golden.items()}, maps)
        maps.chmod(0o644)
        sizes = " ".join(f"{float(golden[f'x{i}'].std()):.1f}" for i in range(5))
        fused = golden["fused"]
        print(f"{name}: {height}x{width}, stages vary by {sizes}, fused {fused.min():.3f} to {fused.max():.3f}")


def outputs(net, image):
    """Every map by name, as golden files have them: x, x0..x4, and e1..e4 and fused as [h, w]."""
    with torch.no_grad():
        maps = {"x": image} | {f"x{i}": x for i, x in enumerate(net.stages(image))}
        return maps | dict(zip(("e1", "e2", "e3", "e4", "fused"), torch.sigmoid(net(image)[0])))


def compare(folder, checkpoints):
    from PIL import Image

    worst_stage = worst_map = 0.0
    for path in sorted(folder.glob("*.npz")):
        model, source = path.stem.split("__")
        name = model if model == "baseline" or model.startswith("pidinet") else f"pidinet-{model}"
        config = "baseline" if model == "baseline" else "carv4"
        net = PiDiNet.from_pretrained(checkpoints / f"table5_{name}.pth", config=config)
        want = dict(np.load(path))
        if "x" in want:
            x = torch.from_numpy(want.pop("x"))
        else:
            pixels = np.asarray(Image.open(folder / f"inputs/{source}.png").convert("RGB"), np.float32) / 255
            x = net.normalise(torch.from_numpy(pixels).permute(2, 0, 1)[None]).contiguous()
        got = outputs(net, x)
        published = want.pop("published_map_u8", None)
        if published is not None:
            differ = (np.floor(255 * got["fused"].numpy()) != published).sum()
            print(f"{path.stem}: {differ} pixels differ from the published 8-bit map")
        for key, map in want.items():
            error = float(np.abs(got[key].numpy() - map).max())
            if key.startswith("x"):
                worst_stage = max(worst_stage, error / float(np.abs(map).max()))
            else:
                worst_map = max(worst_map, error)
    print(f"stages within {worst_stage:.1e} of the largest value, maps within {worst_map:.1e}")
    assert worst_stage < 1e-4 and worst_map < 5e-5


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="check against published outputs instead")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the published checkpoints, for --compare")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(arguments.compare, arguments.weights)
    else:
        write(FOLDER)
