"""Photographs and truth on the device, and crops of them: at any scale and angle, mirrored, with changed colours.

What a step sees is decided on the host, as a row of numbers for each image (`Recipe.draw`), and drawn on the device
(`Store.sample`), so that a captured step needs only its number. Truth is 0 for none, 1 for a boundary, 2 for ignored.
"""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ETA = 0.3
ROW = 24  # index; six of the map from crop to photograph; spread of truth; colours 3×3 and 3; gamma; has truth; spread of the picture; one unused


def decode(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


class Data:
    """Packed files, of pack.py and of pack_photos.py, on the host."""

    def __init__(self, *paths):
        self.names, self.splits, self.images, self.truth, self.corrections = [], [], [], {}, {}
        for path in paths:
            self.add(path)

    def add(self, path):
        """Appends the photographs of a file; returns their numbers."""
        first = len(self.names)
        with np.load(path) as file:
            self.names += [str(name) for name in file["names"]]
            self.splits += [str(split) for split in file["splits"]]
            files, starts = file["files"].tobytes(), file["starts"]
            found = {name: file[name] for name in ("shares", "registered", "edges", "corrections") if name in file}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.images += pool.map(lambda at: decode(files[at[0] : at[1]]), zip(starts, starts[1:]))
        new, place = range(first, len(self.names)), 0
        for i in new:
            shape = self.images[i].shape[:2]
            if "corrections" in found:
                self.corrections[i] = found["corrections"][i - first].reshape(shape)
            elif self.splits[i] in ("train", "val"):
                part = slice(place, place + shape[0] * shape[1])
                self.truth[i] = {kind: maps[part].reshape(shape) for kind, maps in found.items()}
                place = part.stop
        return list(new)

    def of(self, *splits):
        """Numbers of the photographs of some splits."""
        return [i for i, split in enumerate(self.splits) if split in splits]

    def share(self, i, kind):
        """The map of a photograph's truth, zeros if there is none."""
        return self.truth[i][kind] if i in self.truth else np.zeros(self.images[i].shape[:2], np.uint8)


class Store:
    """Some photographs of `data` on the device, each in the corner of a square of equal size; those with truth once for
    each of `kinds`, the others once. `teacher` has maps by number."""

    def __init__(self, data, numbers, kinds, device, teacher=None):
        entries = [(i, kind) for kind in kinds for i in numbers if i in data.truth]
        entries += [(i, kinds[0]) for i in numbers if i not in data.truth]
        sizes = [data.images[i].shape[:2] for i, _ in entries]
        self.side = max(max(size) for size in sizes)
        images = np.zeros((len(entries), self.side, self.side, 3), np.uint8)
        shares = np.zeros((len(entries), self.side, self.side), np.uint8)
        maps = None if teacher is None else np.zeros_like(shares)
        for place, ((i, kind), (h, w)) in enumerate(zip(entries, sizes)):
            images[place, :h, :w] = data.images[i]
            shares[place, :h, :w] = data.share(i, kind)
            if teacher is not None:
                maps[place, :h, :w] = teacher[i]
        self.count = len(numbers)
        self.known = np.array([i in data.truth for i, _ in entries])
        self.sizes = np.array(sizes)
        self.images, self.shares = torch.from_numpy(images).to(device), torch.from_numpy(shares).to(device)
        self.extent = torch.tensor(sizes, dtype=torch.float32, device=device)
        self.teacher = None if teacher is None else torch.from_numpy(maps).to(device)

    def sample(self, rows, height, width):
        """The samples that rows `[n, ROW]` of numbers describe: images `[n, 3, h, w]`, normalised; truth `[n, h, w]`; the teacher's map, or None."""
        index = rows[:, 0].long()
        extent = self.extent[index]
        high, wide = (extent[:, side].view(-1, 1, 1) for side in (0, 1))
        flat = (index * self.side * self.side).view(-1, 1, 1)
        column = [rows[:, i].view(-1, 1, 1) for i in range(ROW)]
        y = torch.arange(height, device=rows.device, dtype=torch.float32).view(1, -1, 1)
        x = torch.arange(width, device=rows.device, dtype=torch.float32).view(1, 1, -1)

        def source(dy, dx):
            across, down = x + dx, y + dy
            return (
                column[1] * across + column[2] * down + column[3],
                column[4] * across + column[5] * down + column[6],
            )

        pixels = self.images.view(-1, 3)

        def colour(sx, sy):
            sx, sy = mirror(sx, wide), mirror(sy, high)
            left, top = sx.floor(), sy.floor()
            total = 0
            for oy, wy in ((0, 1 - (sy - top)), (1, sy - top)):
                for ox, wx in ((0, 1 - (sx - left)), (1, sx - left)):
                    at = flat + (inside(top + oy, high) * self.side + inside(left + ox, wide)).long()
                    total = total + pixels[at].float() * (wy * wx)[..., None]
            return total

        blur, spread = column[22], column[7]
        image = sum(colour(*source(dy * blur, dx * blur)) for dy in (-1, 1) for dx in (-1, 1)) / (4 * 255)
        matrix, shift = rows[:, 8:17].view(-1, 3, 3), rows[:, 17:20].view(-1, 1, 1, 3)
        image = (torch.einsum("nhwc,ndc->nhwd", image, matrix) + shift).clamp(1e-4, 1) ** column[20][..., None]
        image = torch.stack([(image[..., c] - MEAN[c]) / DEVIATION[c] for c in range(3)], 1)

        sx, sy = source(0, 0)
        outside = (sx < -0.5) | (sx > wide - 0.5) | (sy < -0.5) | (sy > high - 0.5)
        share = None
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                px, py = source(dy * spread, dx * spread)
                at = flat + (inside((py + 0.5).floor(), high) * self.side + inside((px + 0.5).floor(), wide)).long()
                found = self.shares.view(-1)[at]
                share = found if share is None else torch.maximum(share, found)
        one, none, ignored = share >= ETA * 255, share == 0, outside | (column[21] < 0.5)
        truth = torch.where(ignored | ~(one | none), 2, one.to(torch.uint8)).to(torch.uint8)
        teacher = None
        if self.teacher is not None:
            at = flat + (inside((sy + 0.5).floor(), high) * self.side + inside((sx + 0.5).floor(), wide)).long()
            teacher = torch.where(outside, -1.0, self.teacher.view(-1)[at].float() / 255)
        return image, truth, teacher


def inside(place, size):
    """The nearest place in `0 .. size - 1`."""
    return torch.minimum(place.clamp(min=0), size - 1)


def mirror(place, size):
    """Places outside are mirrored."""
    place = (place + 0.5).abs()
    return inside(torch.where(place > size, 2 * size - place, place) - 0.5, size)


@dataclass
class Recipe:
    """How crops are made. Scales are pixels of the crop for each of the photograph, angles radians."""

    scale: tuple = (0.6, 1.6)
    angle: float = 0.4  # of half of the crops
    turns: float = 0.25  # share turned by 90°
    whole: tuple = (0.8, 1.25)  # scales of half of the whole photographs
    contrast: tuple = (0.6, 1.25)
    colour: float = 0.2
    gamma: float = 0.2
    grey: float = 0.05
    blurred: float = 0.1  # share of crops, by up to a pixel
    photos: float = 0.5  # share of crops without truth, if the store has some

    def draw(self, random, store, count, height, width, numbers=None):
        """Rows of numbers `[count, ROW]` for crops of random photographs, or for whole ones if `numbers` are given."""
        whole = numbers is not None
        index = numbers if whole else self.choose(random, store, count)
        rows = np.zeros((count, ROW), np.float32)
        rows[:, 0] = index
        rows[:, 21] = store.known[index]
        flip = np.where(random.random(count) < 0.5, -1.0, 1.0)
        high, wide = store.sizes[index, 0], store.sizes[index, 1]
        scale = np.exp(random.uniform(*np.log(self.whole if whole else self.scale), count))
        scale = np.where(random.random(count) < 0.5, scale, 1) if whole else scale
        angle = np.zeros(count)
        if not whole:
            angle = random.uniform(-self.angle, self.angle, count) * (random.random(count) < 0.5)
            angle = angle + np.pi / 2 * random.choice([0, 1, -1], count, p=[1 - self.turns, self.turns / 2, self.turns / 2])
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        rows[:, 1], rows[:, 2], rows[:, 4], rows[:, 5] = cos * flip, -sin, sin * flip, cos
        half = [(np.abs(cos) * width + np.abs(sin) * height) / 2, (np.abs(sin) * width + np.abs(cos) * height) / 2]
        for column, reach, size in ((3, half[0], wide), (6, half[1], high)):
            middle = np.where(2 * reach >= size, size / 2, reach + random.random(count) * (size - 2 * reach)) - 0.5
            along, down = rows[:, column - 2], rows[:, column - 1]
            rows[:, column] = middle - along * (width - 1) / 2 - down * (height - 1) / 2
        rows[:, 7] = 0.5 * np.maximum(1 - scale, 0)  # of a crop's pixel: ± half of what a pixel covers beyond one
        blur = random.random(count) * (random.random(count) < self.blurred)
        rows[:, 22] = np.hypot(rows[:, 7], blur)
        self.paint(random, rows)
        return rows

    def choose(self, random, store, count):
        """Numbers of random photographs."""
        groups = np.flatnonzero(store.known), np.flatnonzero(~store.known)
        if not all(map(len, groups)):
            return random.integers(len(store.known), size=count)
        known, others = (random.choice(group, count) for group in groups)
        return np.where(random.random(count) < self.photos, others, known)

    def paint(self, random, rows):
        """Contrast, brightness, saturation, tint, gamma; some in grey."""
        count = len(rows)
        grey = np.full((3, 3), 1 / 3)
        saturation = np.exp(random.uniform(-2, 2, count) * self.colour)
        saturation = np.where(random.random(count) < self.grey, 0, saturation)[:, None, None]
        contrast = np.exp(random.uniform(*np.log(self.contrast), count))[:, None, None]
        tint = np.exp(random.uniform(-0.5, 0.5, (count, 3)) * self.colour)[:, :, None]
        matrix = contrast * tint * (saturation * np.eye(3) + (1 - saturation) * grey)
        rows[:, 8:17] = matrix.reshape(count, 9)
        rows[:, 17:20] = ((1 - contrast[:, 0]) * 0.5 + random.uniform(-0.5, 0.5, (count, 1)) * self.colour)
        rows[:, 20] = np.exp(random.uniform(-1, 1, count) * self.gamma)
