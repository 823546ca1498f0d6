"""Renders docs/images/example.jpg, a still life for trying an edge detector, by casting rays through a scene.

Everything is computed here, so nobody else has rights in the picture.

pip install numpy pillow; python tools/example_photo.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 480
SAMPLES = 3  # a side: rays per pixel are its square
LIGHT = np.array([-3.2, 4.6, 1.0])
LIGHT_RADIUS = 0.45
SHADOW_RAYS = 12
RNG = np.random.default_rng(7)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


# --- textures -------------------------------------------------------------------------------------------


def noise(x, y, seed):
    """Smooth value noise in [0, 1]."""
    table = np.random.default_rng(seed).random((64, 64))
    xi, yi = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = x - xi, y - yi
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    at = lambda dx, dy: table[(xi + dx) % 64, (yi + dy) % 64]
    return (at(0, 0) * (1 - u) + at(1, 0) * u) * (1 - v) + (at(0, 1) * (1 - u) + at(1, 1) * u) * v


def fractal(x, y, seed, octaves=4):
    return sum(noise(x * 2**k, y * 2**k, seed + k) / 2 ** (k + 1) for k in range(octaves))


def wood(p):
    """Boards along x with grain."""
    board = np.floor(p[:, 2] / 0.55)
    tone = 0.75 + 0.25 * np.random.default_rng(3).random(256)[(board.astype(int)) % 256]
    grain = fractal(p[:, 0] * 0.9 + 7 * board, p[:, 2] * 9, 20)
    gap = np.abs(p[:, 2] / 0.55 - board - 0.5) > 0.487
    colour = np.array([0.50, 0.31, 0.17]) * (tone * (0.65 + 0.6 * grain))[:, None]
    return np.where(gap[:, None], colour * 0.3, colour)


def plaster(p):
    rough = fractal(p[:, 0] * 3, p[:, 1] * 3, 50, 5)
    return np.array([0.66, 0.63, 0.55]) * (0.86 + 0.24 * rough)[:, None]


def flat(colour):
    return lambda p: np.broadcast_to(np.array(colour, float), p.shape)


def stripes(p):
    band = np.sin(16 * p[:, 1] + 0.6 * np.sin(6 * p[:, 0])) > 0.25
    return np.where(band[:, None], [0.80, 0.76, 0.66], [0.10, 0.22, 0.42])


def orange(p):
    return np.array([0.90, 0.42, 0.06]) * (0.88 + 0.2 * fractal(p[:, 0] * 26, p[:, 1] * 26, 80, 2))[:, None]


def book(p):
    """A cover with a label and pages at the side."""
    colour = np.tile([0.42, 0.07, 0.09], (len(p), 1))
    label = (np.abs(p[:, 0] - 0.02) < 0.26) & (np.abs(p[:, 2]) < 0.14) & (p[:, 1] > 0.07)
    colour[label] = [0.83, 0.74, 0.50]
    pages = np.abs(p[:, 1]) < 0.055
    lines = 0.75 + 0.15 * np.sin(p[:, 1] * 500)
    colour[pages] = (np.array([0.85, 0.82, 0.72]) * lines[:, None])[pages]
    return colour


# --- the scene: each shape returns distance and normal ----------------------------------------------------


class Sphere:
    def __init__(self, centre, radius, colour, shine=0.0, mirror=0.0):
        self.centre, self.radius, self.colour, self.shine, self.mirror = np.array(centre), radius, colour, shine, mirror

    def hit(self, o, d):
        oc = o - self.centre
        b = np.einsum("ij,ij->i", oc, d)
        disc = b * b - np.einsum("ij,ij->i", oc, oc) + self.radius**2
        root = np.sqrt(np.maximum(disc, 0))
        t = np.where(-b - root > 1e-4, -b - root, -b + root)
        return np.where((disc > 0) & (t > 1e-4), t, np.inf)

    def normal(self, p):
        return (p - self.centre) / self.radius

    def paint(self, p):
        return self.colour((p - self.centre))


class Box:
    """A box turned about the vertical."""

    def __init__(self, centre, half, angle, colour, shine=0.0):
        self.centre, self.half, self.colour, self.shine, self.mirror = np.array(centre), np.array(half), colour, shine, 0.0
        c, s = np.cos(angle), np.sin(angle)
        self.turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])

    def hit(self, o, d):
        o, d = (o - self.centre) @ self.turn, d @ self.turn
        d = np.where(np.abs(d) < 1e-9, 1e-9, d)
        a, b = (-self.half - o) / d, (self.half - o) / d
        near, far = np.minimum(a, b).max(1), np.maximum(a, b).min(1)
        return np.where((near < far) & (near > 1e-4), near, np.inf)

    def normal(self, p):
        q = ((p - self.centre) @ self.turn) / self.half
        axis = np.abs(q).argmax(1)
        n = np.zeros_like(q)
        n[np.arange(len(q)), axis] = np.sign(q[np.arange(len(q)), axis])
        return n @ self.turn.T

    def paint(self, p):
        return self.colour((p - self.centre) @ self.turn)


class Cylinder:
    """A closed, upright cylinder."""

    def __init__(self, centre, radius, half, colour, shine=0.0):
        self.centre, self.radius, self.half, self.colour, self.shine, self.mirror = np.array(centre), radius, half, colour, shine, 0.0

    def hit(self, o, d):
        o = o - self.centre
        a = d[:, 0] ** 2 + d[:, 2] ** 2 + 1e-12
        b = o[:, 0] * d[:, 0] + o[:, 2] * d[:, 2]
        disc = b * b - a * (o[:, 0] ** 2 + o[:, 2] ** 2 - self.radius**2)
        t = (-b - np.sqrt(np.maximum(disc, 0))) / a
        y = o[:, 1] + t * d[:, 1]
        side = np.where((disc > 0) & (t > 1e-4) & (np.abs(y) < self.half), t, np.inf)
        dy = np.where(np.abs(d[:, 1]) < 1e-9, 1e-9, d[:, 1])
        t = (self.half - o[:, 1]) / dy
        inside = (o[:, 0] + t * d[:, 0]) ** 2 + (o[:, 2] + t * d[:, 2]) ** 2 < self.radius**2
        return np.minimum(side, np.where(inside & (t > 1e-4), t, np.inf))

    def normal(self, p):
        q = p - self.centre
        top = q[:, 1] > self.half - 1e-3
        n = unit(q * [1, 0, 1] + [1e-9, 0, 0])
        n[top] = [0, 1, 0]
        return n

    def paint(self, p):
        return self.colour(p - self.centre)


class Plane:
    def __init__(self, point, normal, colour):
        self.point, self.n, self.colour, self.shine, self.mirror = np.array(point), np.array(normal, float), colour, 0.0, 0.0

    def hit(self, o, d):
        t = ((self.point - o) @ self.n) / np.where(np.abs(d @ self.n) < 1e-9, 1e-9, d @ self.n)
        return np.where(t > 1e-4, t, np.inf)

    def normal(self, p):
        return np.broadcast_to(self.n, p.shape)

    def paint(self, p):
        return self.colour(p)


def frame(x, y, w, h):
    """A window: wooden frame, cross bars, and the sky behind."""
    white = flat([0.78, 0.76, 0.72])
    z, t = -2.93, 0.045
    bars = [Box([x, y + s * h, z], [w + t, t, 0.06], 0, white) for s in (-1, 0, 1)]
    bars += [Box([x + s * w, y, z], [t, h + t, 0.06], 0, white) for s in (-1, 0, 1)]
    return bars + [Box([x, y - h - 0.09, z + 0.10], [w + 0.16, 0.035, 0.16], 0, white)]


def sky(p):
    """What is seen through the window: sky, clouds, hills."""
    x, y = p[:, 0], p[:, 1]
    cloud = np.clip(fractal(x * 1.5, y * 2.5, 100) * 2.6 - 1.1, 0, 1)[:, None]
    blue = np.array([0.45, 0.65, 0.92]) * (1.35 - 0.25 * y)[:, None]
    colour = blue * (1 - cloud) + np.array([1.15, 1.15, 1.12]) * cloud
    hill = y < 0.12 + 0.16 * np.sin(2.1 * x + 1.0) + 0.10 * fractal(x * 3, x * 0, 130)
    colour[hill] = (np.array([0.25, 0.38, 0.20]) * (0.7 + 0.6 * fractal(x * 9, y * 9, 140))[:, None])[hill]
    return colour


WINDOW = Box([1.05, 0.62, -2.99], [0.72, 0.85, 0.011], 0, sky)

SCENE = [
    Plane([0, -0.5, 0], [0, 1, 0], wood),
    Plane([0, 0, -3], [0, 0, 1], plaster),
    WINDOW,
    *frame(1.05, 0.62, 0.72, 0.85),
    Cylinder([-0.78, -0.06, -1.05], 0.34, 0.44, stripes, 0.35),
    Sphere([0.10, -0.23, -0.55], 0.27, orange, 0.15),
    Sphere([0.62, -0.14, -1.15], 0.36, flat([0.55, 0.57, 0.60]), 0.9, 0.55),
    Sphere([0.58, -0.36, -0.25], 0.14, flat([0.30, 0.52, 0.12]), 0.3),
    Sphere([-0.27, -0.375, -0.18], 0.125, flat([0.62, 0.06, 0.10]), 0.5),
    Box([-0.95, -0.41, -0.18], [0.42, 0.09, 0.28], 0.45, book, 0.05),
    Box([1.25, -0.22, -0.85], [0.24, 0.28, 0.24], -0.5, flat([0.14, 0.40, 0.42]), 0.1),
    Box([1.24, 0.12, -0.85], [0.14, 0.06, 0.14], 0.2, flat([0.75, 0.60, 0.18]), 0.1),
    Box([-1.45, 0.55, -2.96], [0.42, 0.55, 0.04], 0, flat([0.20, 0.12, 0.07])),
    Box([-1.45, 0.55, -2.93], [0.34, 0.47, 0.04], 0, lambda p: np.where(
        (np.hypot(p[:, 0] - 0.08, p[:, 1] - 0.12) < 0.17)[:, None], [0.80, 0.35, 0.15],
        np.where((p[:, 1] < -0.1 + 0.12 * np.sin(7 * p[:, 0]))[:, None], [0.16, 0.26, 0.33], [0.70, 0.66, 0.52]))),
]


def nearest(o, d):
    distances = np.stack([shape.hit(o, d) for shape in SCENE])
    return distances.argmin(0), distances.min(0)


def occluded(o, d, far):
    blocked = np.zeros(len(o), bool)
    for shape in SCENE[3:]:
        blocked |= shape.hit(o, d) < far
    return blocked


def shade(o, d, depth=0):
    index, t = nearest(o, d)
    colour = np.zeros_like(o)
    p = o + d * np.minimum(t, 50)[:, None]
    for i, shape in enumerate(SCENE):
        here = index == i
        if not here.any():
            continue
        q, view = p[here], d[here]
        albedo = shape.paint(q)
        if shape is WINDOW:
            colour[here] = albedo
            continue
        n = shape.normal(q)
        lit = np.zeros(len(q))
        glint = np.zeros(len(q))
        for _ in range(SHADOW_RAYS):
            to = LIGHT + LIGHT_RADIUS * RNG.normal(size=q.shape) - q
            far = np.linalg.norm(to, axis=1)
            to /= far[:, None]
            facing = np.maximum(np.einsum("ij,ij->i", n, to), 0)
            clear = ~occluded(q + n * 1e-3, to, far)
            lit += facing * clear * 26 / far**2
            half = unit(to - view)
            glint += clear * np.maximum(np.einsum("ij,ij->i", n, half), 0) ** 60
        lit, glint = lit / SHADOW_RAYS, glint / SHADOW_RAYS
        # Skylight from above, less in corners near the floor; warm light back from the floor.
        corner = np.clip(0.35 + (q[:, 1] + 0.5) * 1.6, 0.35, 1) if i > 0 else np.ones(len(q))
        if i == 0:
            for other in SCENE[7:12]:
                away = np.linalg.norm((q - other.centre) * [1, 0, 1], axis=1)
                size = getattr(other, "radius", 0.35)
                corner *= 1 - 0.6 * np.exp(-((away / (1.15 * size)) ** 2))
        ambient = (0.20 + 0.12 * n[:, 1] + 0.06 * n[:, 2]) * corner
        out = albedo * (lit[:, None] * [1.0, 0.95, 0.86] + ambient[:, None] * [0.85, 0.95, 1.1])
        out += shape.shine * glint[:, None] * 0.8
        if shape.mirror and depth == 0:
            r = view - 2 * np.einsum("ij,ij->i", view, n)[:, None] * n
            out = out * (1 - shape.mirror) + shape.mirror * shade(q + n * 1e-3, r, 1)
        colour[here] = out
    return colour


def render():
    eye = np.array([0.05, 0.55, 2.55])
    look = unit(np.array([0.02, 0.08, -1.2]) - eye)
    right = unit(np.cross(look, [0, 1, 0]))
    up = np.cross(right, look)
    image = np.zeros((HEIGHT, WIDTH, 3))
    for sy in range(SAMPLES):
        for sx in range(SAMPLES):
            jitter = RNG.random((2, HEIGHT, WIDTH))
            x = (np.arange(WIDTH)[None] + (sx + jitter[0]) / SAMPLES - WIDTH / 2) / WIDTH * 1.18
            y = -(np.arange(HEIGHT)[:, None] + (sy + jitter[1]) / SAMPLES - HEIGHT / 2) / WIDTH * 1.18
            d = unit(look + x[..., None] * right + y[..., None] * up).reshape(-1, 3)
            image += shade(np.broadcast_to(eye, d.shape).copy(), d).reshape(image.shape)
    image /= SAMPLES**2
    # The lens darkens corners; the sensor has some noise; then the curve of sRGB after a soft shoulder.
    yy, xx = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    image *= (1 - 0.16 * (xx**2 + yy**2))[..., None]
    image = 1 - np.exp(-1.25 * image)
    image = np.clip(image + RNG.normal(size=image.shape) * 0.0035, 0, 1)
    image = np.where(image < 0.0031308, 12.92 * image, 1.055 * image ** (1 / 2.4) - 0.055)
    return (255 * np.clip(image, 0, 1) + 0.5).astype(np.uint8)


if __name__ == "__main__":
    folder = Path(__file__).parent.parent / "docs/images"
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(render()).save(folder / "example.jpg", quality=92)
