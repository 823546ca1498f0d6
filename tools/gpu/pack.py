"""Packs everything that a training run reads into one file, small enough to copy to the machine with the GPU.

    python pack.py DATA OUT [--splits train,val,test]

DATA holds `BSDS500/images/{train,val,test}/ID.jpg`, `BSDS500/groundTruth/{train,val}/ID.mat` and `BRIND/train/ID.png`. OUT is an
npz: photographs as the original JPEG files, and for each one of train and val three maps of 8 bits, 255 times the share of annotators:

- `shares`: the share who marked the pixel itself;
- `registered`: of those whose lines could be matched to a common ridge, at most four pixels away; anything else that
  somebody marked has a small share, which the rule of η ignores;
- `edges`: BRIND's lines, 255.

Photographs of test are there for maps of them (run.py --maps), which are not needed for training.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.io import loadmat
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

DISTANCE = 4.3  # pixels: the tolerance of the BSDS benchmark, .0075 of the diagonal
IGNORED = 25  # a share of .1


def annotators(path):
    """Every annotator's boundaries of a `.mat` file, `[annotators, h, w]`."""
    cells = loadmat(path)["groundTruth"].ravel()
    return np.stack([cell["Boundaries"][0, 0] for cell in cells]).astype(bool)


def ridges(density):
    """Where a smooth map is greatest across the line that it describes."""
    yy, xx, xy = (ndimage.gaussian_filter(density, 1.0, order) for order in ((2, 0), (0, 2), (1, 1)))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)  # of one eigenvector; the other is at a right angle
    across = np.where(
        (xx - yy) * np.cos(2 * angle) + 2 * xy * np.sin(2 * angle) < 0, angle, angle + np.pi / 2
    )  # the one along which the curvature is the more negative
    y, x = np.indices(density.shape)
    dy, dx = np.sin(across), np.cos(across)
    near = [ndimage.map_coordinates(density, (y + s * dy, x + s * dx), order=1, mode="nearest") for s in (1, -1)]
    # Around the end of a line there are ridges that run away from it; they are low compared with the line.
    high = (density > 0.1) & (density >= 0.6 * ndimage.maximum_filter(density, 5))
    return (density > near[0]) & (density >= near[1]) & high


def registered(maps):
    """The share of annotators matched to each pixel of common ridges, and `IGNORED` where somebody else marked."""
    density = ndimage.gaussian_filter(maps.sum(0).astype(np.float64), 1.5)
    common = ridges(density)
    places = np.argwhere(common)
    count = np.zeros(len(places))
    if len(places):
        tree = cKDTree(places)
        for one in maps:
            marked = np.argwhere(one)
            if not len(marked):
                continue
            near = cKDTree(marked).sparse_distance_matrix(tree, DISTANCE, output_type="ndarray")
            # As many as possible, then the nearest: everyone may also stay alone, at a cost above all distances.
            alone = np.arange(len(marked))
            rows, columns = np.concatenate([near["i"], alone]), np.concatenate([near["j"], len(places) + alone])
            costs = np.concatenate([1 + near["v"], np.full(len(marked), 100.0)])
            graph = sparse.csr_matrix((costs, (rows, columns)), (len(marked), len(places) + len(marked)))
            _, match = min_weight_full_bipartite_matching(graph)
            count[match[match < len(places)]] += 1
    out = np.where(maps.any(0), IGNORED, 0)
    out[common] = np.where(count > 0, np.maximum(np.rint(255 * count / len(maps)), 1), out[common])
    return out.astype(np.uint8)


def shares(maps):
    """255 times the share of annotators who marked each pixel, at least 1 where one did."""
    return np.where(maps.any(0), np.maximum(np.rint(255 * maps.mean(0)), 1), 0).astype(np.uint8)


def edges(path):
    """BRIND's lines."""
    return np.where(np.asarray(Image.open(path).convert("L")) > 127, 255, 0).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description="Pack training data into one file.")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--splits", default="train,val,test", help="[default: train,val,test]")
    parser.add_argument("--limit", type=int, help="most photographs of each split, for trials")
    options = parser.parse_args()

    names, splits, files, truth = [], [], [], {"shares": [], "registered": [], "edges": []}
    for split in options.splits.split(","):
        for path in sorted((options.data / "BSDS500/images" / split).glob("*.jpg"))[: options.limit]:
            names.append(path.stem)
            splits.append(split)
            files.append(path.read_bytes())
            if split == "test":
                continue
            maps = annotators(options.data / "BSDS500/groundTruth" / split / f"{path.stem}.mat")
            truth["shares"].append(shares(maps))
            truth["registered"].append(registered(maps))
            truth["edges"].append(edges(options.data / "BRIND/train" / f"{path.stem}.png"))
            if not len({each[-1].shape for each in truth.values()}) == 1:
                raise SystemExit(f"{path.stem}: truths differ in size")
    arrays = {kind: np.concatenate([each.ravel() for each in maps]) for kind, maps in truth.items()}

    temporary = options.out.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary, names=names, splits=splits, starts=np.cumsum([0, *map(len, files)]),
        files=np.frombuffer(b"".join(files), np.uint8), **arrays,
    )  # fmt: skip
    temporary.rename(options.out)
    counts = ", ".join(f"{splits.count(split)} {split}" for split in options.splits.split(","))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, {counts}")


if __name__ == "__main__":
    main()
