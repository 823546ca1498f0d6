"""Photographs with things drawn on them whose edges are known to the pixel: blinds, windows, letters, grids, shapes.

    python tools/shapes.py brind.lst OUT -n 300

Each line of the list names a photograph and the PNG of its edges. OUT gets images, truth and shapes.lst, a list of the
same kind. Photographs seldom have lines that are only a few pixels apart, and annotators do not draw them all; a
network that learnt from photographs alone takes them for texture. In the truth 255 is an edge; 51, a share of .2, is
a boundary of too little contrast to be asked for, which training ignores (`eta` is .3).

Needs numpy and Pillow (pip install numpy pillow).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FINER = 4  # pixels of a side of the drawing for one of the picture
EDGE, IGNORED = 255, 51
CONTRAST = 20  # levels by which one channel differs at an edge, at least
SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZabcdefghkmnopqrstuvwxyz0123456789&?#"


class Drawing:
    """A photograph with edges, and what is drawn on it: regions with a number each, and thin lines."""

    def __init__(self, photograph: Image.Image, truth: np.ndarray, rng: np.random.Generator) -> None:
        self.photograph, self.truth, self.rng = photograph, truth, rng
        self.size = photograph.size
        finer = (self.size[0] * FINER, self.size[1] * FINER)
        self.regions = Image.new("I", finer, 0)
        self.lines = Image.new("I", finer, 0)
        self.middles = Image.new("I", self.size, 0)
        self.colours = [(0.0, 0.0, 0.0, 0.0)]  # red, green, blue and opacity of a region; 0 is the photograph

    def colour(self, opacity: float = 1.0) -> int:
        """The number of a new region or line."""
        grey = self.rng.uniform(0, 255)
        rgb = np.clip(grey + self.rng.normal(0, self.rng.choice([3, 40]), 3), 0, 255)
        self.colours.append((*(opacity * rgb), 255 * opacity))
        return len(self.colours) - 1

    def surface(self) -> int:
        """The number of a new region through which the photograph may show a little."""
        return self.colour(self.rng.choice([1.0, 0.85]))

    def quad(self) -> np.ndarray:
        """The homography from the unit square to a random convex quadrilateral of the picture."""
        rng, (width, height) = self.rng, self.size
        half = np.array([width, height]) * rng.uniform(0.15, 0.5, 2)
        centre = np.array([width, height]) * rng.uniform(0.1, 0.9, 2)
        angle = rng.uniform(-0.4, 0.4) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(0.5, 1.0, (4, 2))
        corners = corners * half @ turn.T + centre
        rows, values = [], []
        for (u, v), (x, y) in zip(SQUARE, corners):
            rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
            values += [x, y]
        return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)

    def polygon(self, points: np.ndarray, region: int) -> None:
        ImageDraw.Draw(self.regions).polygon([tuple(p) for p in points * FINER], fill=region)

    def line(self, points: np.ndarray, width: float, region: int) -> None:
        """A line thin enough that people draw it once, along its middle."""
        ImageDraw.Draw(self.lines).line([tuple(p) for p in points * FINER], fill=region, width=round(width * FINER))
        ImageDraw.Draw(self.middles).line([tuple(p) for p in np.floor(points)], fill=region)

    def blinds(self) -> None:
        """Stripes, or panes in rows, in perspective."""
        rng, quad = self.rng, self.quad()
        opacity = rng.choice([1.0, 0.85])
        ground, bar = self.colour(opacity), self.colour(opacity)
        self.polygon(through(quad, SQUARE), ground)
        across = cells(rng, length(quad, (0, 0.5), (1, 0.5)))
        down = cells(rng, length(quad, (0.5, 0), (0.5, 1))) if rng.random() < 0.4 else [(0.0, 1.0)]
        for left, right in across:
            for top, bottom in down:
                self.polygon(through(quad, [(left, top), (right, top), (right, bottom), (left, bottom)]), bar)

    def tiles(self) -> None:
        """A grid of thin lines, or one direction of it."""
        rng, quad = self.rng, self.quad()
        if rng.random() < 0.6:
            self.polygon(through(quad, SQUARE), self.surface())
        region, width = self.colour(), rng.uniform(0.8, 2.0)
        for at, _ in cells(rng, length(quad, (0, 0.5), (1, 0.5))):
            self.line(through(quad, [(at, 0), (at, 1)]), width, region)
        if rng.random() < 0.5:
            for at, _ in cells(rng, length(quad, (0.5, 0), (0.5, 1))):
                self.line(through(quad, [(0, at), (1, at)]), width, region)

    def letters(self) -> None:
        """A few rows of letters, large enough that both sides of a stroke are drawn."""
        rng, (width, height) = self.rng, self.size
        region = self.colour()
        size = rng.uniform(22, 90)
        if rng.random() < 0.6:
            self.polygon(through(self.quad(), SQUARE), self.surface())
        draw = ImageDraw.Draw(self.regions)
        draw.fontmode = "1"
        font = ImageFont.load_default(size * FINER)
        x, y = rng.uniform(0, 0.5) * width, rng.uniform(0, 0.9) * height
        for row in range(rng.integers(1, 4)):
            text = "".join(rng.choice(list(LETTERS), rng.integers(3, 14)))
            draw.text((x * FINER, (y + row * 1.2 * size) * FINER), text, fill=region, font=font)

    def shapes(self) -> None:
        """Polygons, ellipses and curves, some inside others."""
        rng, extent = self.rng, np.array(self.size)
        for _ in range(rng.integers(2, 8)):
            region = self.surface()
            centre, radius = rng.uniform(0, 1, 2) * extent, np.exp(rng.uniform(np.log(6), np.log(90)))
            kind = rng.integers(3)
            if kind == 0:
                angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
                away = radius * rng.uniform(0.5, 1.0, (len(angles), 1))
                self.polygon(centre + away * np.stack([np.cos(angles), np.sin(angles)], 1), region)
            elif kind == 1:
                angles, turn = np.linspace(0, 2 * np.pi, 90), rng.uniform(0, np.pi)
                x, y = radius * np.cos(angles), 0.7 * radius * np.sin(angles)
                around = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1)
                for shrunk in np.arange(1.0, 0.2, -rng.choice([0.15, 0.3, 1.0])):
                    self.polygon(centre + shrunk * around, self.colour())
            else:
                a, b, c = centre + rng.normal(0, 60, (3, 2))
                t = np.linspace(0, 1, 60)[:, None]
                self.line((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c, rng.uniform(0.8, 2.0), region)

    def averaged(self, drawing: Image.Image) -> np.ndarray:
        """Red, green, blue and opacity of the picture's pixels, `[h, w, 4]`."""
        finer = np.array(self.colours).round().astype(np.uint8)[np.asarray(drawing)]
        return np.asarray(Image.fromarray(finer).reduce(FINER), np.float32)

    def picture(self) -> tuple[Image.Image, Image.Image]:
        """The picture, and its truth."""
        rng, (width, height) = self.rng, self.size
        regions, lines = self.averaged(self.regions), self.averaged(self.lines)
        opaque, line = regions[..., 3:] / 255, lines[..., 3:] / 255

        # Light from one side, and a little texture, as nothing real is of one colour.
        across, down = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        light = 1 + rng.uniform(-0.2, 0.2) * across + rng.uniform(-0.2, 0.2) * down
        noise = Image.fromarray((128 + 40 * rng.standard_normal((height, width))).clip(0, 255).astype(np.uint8))
        noise = np.asarray(noise.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3))), np.float32) - 128
        texture = noise * rng.uniform(0, 4) / max(noise.std(), 1e-3)

        photograph = np.asarray(self.photograph, np.float32)
        image = regions[..., :3] * light[..., None] + opaque * texture[..., None] + (1 - opaque) * photograph
        image = image * (1 - line) + lines[..., :3]
        image = Image.fromarray(image.clip(0, 255).round().astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.8)))
        return image, Image.fromarray(self.edges(line[..., 0] > 0))

    def edges(self, covered: np.ndarray) -> np.ndarray:
        """The truth of the picture; `covered` is where thin lines are."""
        middle = slice(FINER // 2, None, FINER)
        regions, colours = np.asarray(self.regions)[middle, middle], np.array(self.colours)
        opacity = colours[regions, 3:] / 255
        flat = colours[regions, :3] + (1 - opacity) * np.asarray(self.photograph)
        faint = np.minimum(self.truth, IGNORED)
        truth = np.where(opacity[..., 0] == 0, self.truth, np.where(opacity[..., 0] < 1, faint, 0))

        # A boundary is the pixel before it.
        for axis in (0, 1):
            boundary = np.diff(regions, axis=axis, append=regions.take([-1], axis)) != 0
            truth = drawn(truth, boundary, np.diff(flat, axis=axis, append=flat.take([-1], axis)))

        # What a thin line covers is not seen.
        truth = np.where(covered, np.minimum(truth, IGNORED), truth)
        middles = np.asarray(self.middles)
        return drawn(truth, middles > 0, colours[middles, :3] - flat).astype(np.uint8)


def drawn(truth: np.ndarray, where: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """The truth with the edges that are somewhere, ignored if no channel differs enough."""
    clear = np.abs(contrast).max(-1) >= CONTRAST
    return np.where(where, np.where(clear, EDGE, np.maximum(truth, IGNORED)), truth)


def through(quad: np.ndarray, points) -> np.ndarray:
    """Points of the unit square in the picture."""
    mapped = np.column_stack([np.asarray(points, float), np.ones(len(points))]) @ quad.T
    return mapped[:, :2] / mapped[:, 2:]


def length(quad: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> float:
    """How many pixels long a line of the unit square is in the picture."""
    a, b = through(quad, [start, end])
    return float(np.hypot(*(b - a)))


def cells(rng: np.random.Generator, pixels: float) -> list[tuple[float, float]]:
    """Starts and ends of bars of the unit interval along so many pixels, edges 4 to 32 pixels apart on average."""
    period = 2 * np.exp(rng.uniform(np.log(4), np.log(32)))
    count = max(int(pixels / period), 1)
    share = rng.uniform(0.3, 0.7)
    return [((i + 0.5 - share / 2) / count, (i + 0.5 + share / 2) / count) for i in range(count)]


def listed(file: Path) -> list[tuple[Path, Path]]:
    """The photographs of a list, and their truth."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: {error}") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        names = line.split()
        if not names or line.startswith("#"):
            continue
        if len(names) != 2:
            raise SystemExit(f"{file}, line {number}: expected PHOTOGRAPH TRUTH, found {line!r}")
        pairs.append((file.parent / names[0], file.parent / names[1]))
    if not pairs:
        raise SystemExit(f"{file}: no lines of PHOTOGRAPH TRUTH")
    return pairs


def opened(photograph: Path, truth: Path, rng: np.random.Generator) -> Drawing:
    try:
        image, edges = Image.open(photograph).convert("RGB"), Image.open(truth).convert("L")
    except OSError as error:
        raise SystemExit(f"{photograph}, {truth}: {error}; leave them out of the list") from error
    if image.size != edges.size:
        raise SystemExit(f"{photograph} has {image.size} pixels, {truth} {edges.size}")
    return Drawing(image, np.asarray(edges), rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path, help="lines of PHOTOGRAPH TRUTH, relative to the list")
    parser.add_argument("out", type=Path, help="folder for the pictures, their truth and shapes.lst")
    parser.add_argument("-n", type=int, default=300, help="how many pictures [300]")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    pairs, rng, names = listed(options.list), np.random.default_rng(options.seed), []
    for folder in ("images", "truth"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    for number in range(options.n):
        drawing = opened(*pairs[rng.integers(len(pairs))], rng)
        for _ in range(rng.integers(1, 4)):
            things = [drawing.blinds, drawing.blinds, drawing.tiles, drawing.letters, drawing.shapes]
            things[rng.integers(len(things))]()
        pair = [f"{folder}/{number:04}.png" for folder in ("images", "truth")]
        for file, picture in zip(pair, drawing.picture()):
            picture.save(options.out / file)
        names.append(" ".join(pair) + "\n")
        print(f"\r{number + 1} of {options.n}", end="", file=sys.stderr, flush=True)
    (options.out / "shapes.lst").write_text("".join(names))
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
