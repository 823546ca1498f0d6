"""Triton kernels of the network, forward and backward. Their callers, with shapes, are in operations.py.

A map is `[n, h, w, C]`, where C is the number of channels rounded up to a multiple of 8, so that loads have 16 bytes;
the added channels are zero. A program computes a tile of pixels and all channels, or some of them if there are many.
Sums over all pixels (gradients with respect to weights) are added up by a fixed number of programs, each in its own
part of a buffer, and then over these parts, so nothing depends on the order in which programs happen to run. Radial
differences are computed literally, with two places for each weight.
"""

import triton
import triton.language as tl


@triton.jit
def at(pointer, image, y, x, c, height, width, C: tl.constexpr):
    """Values `[len(x), len(c)]` at rows `y` and columns `x`, zeros outside."""
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    place = (image * height + y) * width + x
    return tl.load(pointer + place[:, None] * C + c[None, :], mask=inside[:, None] & (c < C)[None, :], other=0.0).to(tl.float32)


@triton.jit
def pair(pointer, image, y, x, oy, ox, c, height, width, C: tl.constexpr, RADIAL: tl.constexpr):
    """What the weight of direction (oy, ox) multiplies: a neighbour, or the outer neighbour minus the inner one."""
    if RADIAL:
        far = at(pointer, image, y + 2 * oy, x + 2 * ox, c, height, width, C)
        return far - at(pointer, image, y + oy, x + ox, c, height, width, C)
    else:
        return at(pointer, image, y + oy, x + ox, c, height, width, C)


@triton.jit(do_not_specialize=["height", "width"])
def block_forward(
    x, taps, w, s, h, out, height, width,
    CI: tl.constexpr, CO: tl.constexpr, KB: tl.constexpr, NB: tl.constexpr, RADIAL: tl.constexpr, TY: tl.constexpr, TX: tl.constexpr,
):  # fmt: skip
    """`h = relu(differences of x)` and `out = s + h @ w`."""
    tiles_x, tiles_y = tl.cdiv(width, TX), tl.cdiv(height, TY)
    tile = tl.program_id(0)
    image = tile // (tiles_x * tiles_y)
    tile = tile % (tiles_x * tiles_y)
    i = tl.arange(0, TY * TX)
    py = tile // tiles_x * TY + i // TX
    px = tile % tiles_x * TX + i % TX
    inside = (py < height) & (px < width)
    place = (image * height + py) * width + px
    o = tl.arange(0, NB)
    total = tl.zeros((TY * TX, NB), tl.float32)
    for start in range(0, CI, KB):
        c = start + tl.arange(0, KB)
        d = tl.zeros((TY * TX, KB), tl.float32)
        for row in range(3):  # a loop that stays one, as nine taps at once need more registers than there are
            for column in tl.static_range(3):
                weight = tl.load(taps + (row * 3 + column) * CI + c, mask=c < CI, other=0.0)
                d += weight[None, :] * pair(x, image, py, px, row - 1, column - 1, c, height, width, CI, RADIAL)
        rectified = tl.maximum(d, 0.0).to(x.dtype.element_ty)
        tl.store(h + place[:, None] * CI + c[None, :], rectified, mask=inside[:, None] & (c < CI)[None, :])
        part = tl.load(w + c[:, None] * CO + o[None, :], mask=(c < CI)[:, None] & (o < CO)[None, :], other=0.0)
        total = tl.dot(rectified, part, total, input_precision="ieee")
    where = place[:, None] * CO + o[None, :]
    mask = inside[:, None] & (o < CO)[None, :]
    total += tl.load(s + where, mask=mask, other=0.0).to(tl.float32)
    tl.store(out + where, total.to(x.dtype.element_ty), mask=mask)


@triton.jit
def tap(
    x, g, weight, total, d, centre, image, y, px, oy: tl.constexpr, ox: tl.constexpr, c, height, width,
    C: tl.constexpr, RADIAL: tl.constexpr,
):  # fmt: skip
    """One direction: its part of the gradients with respect to the weight and to x."""
    total += centre * pair(x, image, y, px, oy, ox, c, height, width, C, RADIAL)
    d += weight[None, :] * pair(g, image, y, px, -oy, -ox, c, height, width, C, RADIAL)
    return total, d


@triton.jit(do_not_specialize=["height", "width", "rows"])
def depthwise_backward(
    x, g, dy, taps, dx, dtaps, height, width, rows,
    C: tl.constexpr, KB: tl.constexpr, RADIAL: tl.constexpr, IDENTITY: tl.constexpr, TX: tl.constexpr,
):  # fmt: skip
    """`dx`, the gradient with respect to x of differences whose gradient is g (plus dy, if x was added to the
    result), and each program's part of `dtaps` `[programs, 9, C]`. A program goes down `rows` rows, so that what it
    reads is in the first-level cache."""
    tiles_x, tiles_y = tl.cdiv(width, TX), tl.cdiv(height, rows)
    tile = tl.program_id(0)
    image = tile // (tiles_x * tiles_y)
    rest = tile % (tiles_x * tiles_y)
    top = rest // tiles_x * rows
    px = rest % tiles_x * TX + tl.arange(0, TX)
    c = tl.program_id(1) * KB + tl.arange(0, KB)
    zero = tl.zeros((TX, KB), tl.float32)
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
    w0 = tl.load(taps + c, mask=c < C, other=0.0)
    w1 = tl.load(taps + C + c, mask=c < C, other=0.0)
    w2 = tl.load(taps + 2 * C + c, mask=c < C, other=0.0)
    w3 = tl.load(taps + 3 * C + c, mask=c < C, other=0.0)
    w4 = tl.load(taps + 4 * C + c, mask=c < C, other=0.0)
    w5 = tl.load(taps + 5 * C + c, mask=c < C, other=0.0)
    w6 = tl.load(taps + 6 * C + c, mask=c < C, other=0.0)
    w7 = tl.load(taps + 7 * C + c, mask=c < C, other=0.0)
    w8 = tl.load(taps + 8 * C + c, mask=c < C, other=0.0)
    for y in range(top, tl.minimum(top + rows, height)):
        centre = at(g, image, y, px, c, height, width, C)
        d = zero
        if IDENTITY:
            d = at(dy, image, y, px, c, height, width, C)
        a0, d = tap(x, g, w0, a0, d, centre, image, y, px, -1, -1, c, height, width, C, RADIAL)
        a1, d = tap(x, g, w1, a1, d, centre, image, y, px, -1, 0, c, height, width, C, RADIAL)
        a2, d = tap(x, g, w2, a2, d, centre, image, y, px, -1, 1, c, height, width, C, RADIAL)
        a3, d = tap(x, g, w3, a3, d, centre, image, y, px, 0, -1, c, height, width, C, RADIAL)
        if not RADIAL:
            a4, d = tap(x, g, w4, a4, d, centre, image, y, px, 0, 0, c, height, width, C, RADIAL)
        a5, d = tap(x, g, w5, a5, d, centre, image, y, px, 0, 1, c, height, width, C, RADIAL)
        a6, d = tap(x, g, w6, a6, d, centre, image, y, px, 1, -1, c, height, width, C, RADIAL)
        a7, d = tap(x, g, w7, a7, d, centre, image, y, px, 1, 0, c, height, width, C, RADIAL)
        a8, d = tap(x, g, w8, a8, d, centre, image, y, px, 1, 1, c, height, width, C, RADIAL)
        place = (image * height + y) * width + px
        mask = (px < width)[:, None] & (c < C)[None, :]
        tl.store(dx + place[:, None] * C + c[None, :], d.to(dx.dtype.element_ty), mask=mask)
    into = dtaps + tile * 9 * C + c
    tl.store(into, tl.sum(a0, 0), mask=c < C)
    tl.store(into + C, tl.sum(a1, 0), mask=c < C)
    tl.store(into + 2 * C, tl.sum(a2, 0), mask=c < C)
    tl.store(into + 3 * C, tl.sum(a3, 0), mask=c < C)
    tl.store(into + 4 * C, tl.sum(a4, 0), mask=c < C)
    tl.store(into + 5 * C, tl.sum(a5, 0), mask=c < C)
    tl.store(into + 6 * C, tl.sum(a6, 0), mask=c < C)
    tl.store(into + 7 * C, tl.sum(a7, 0), mask=c < C)
    tl.store(into + 8 * C, tl.sum(a8, 0), mask=c < C)


@triton.jit(do_not_specialize=["pixels"])
def pointwise_forward(
    x, w, bias, out, pixels,
    CI: tl.constexpr, CO: tl.constexpr, KB: tl.constexpr, NB: tl.constexpr, BP: tl.constexpr, RELU: tl.constexpr,
):  # fmt: skip
    """`out = relu(x) @ w + bias`, or without the ReLU."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    o = tl.arange(0, NB)
    total = tl.zeros((BP, NB), tl.float32)
    for start in range(0, CI, KB):
        c = start + tl.arange(0, KB)
        value = tl.load(x + p[:, None] * CI + c[None, :], mask=(p < pixels)[:, None] & (c < CI)[None, :], other=0.0)
        if RELU:
            value = tl.maximum(value, 0.0).to(x.dtype.element_ty)
        part = tl.load(w + c[:, None] * CO + o[None, :], mask=(c < CI)[:, None] & (o < CO)[None, :], other=0.0)
        total = tl.dot(value, part, total, input_precision="ieee")
    total += tl.load(bias + o, mask=o < CO, other=0.0)[None, :]
    tl.store(out + p[:, None] * CO + o[None, :], total.to(x.dtype.element_ty), mask=(p < pixels)[:, None] & (o < CO)[None, :])


@triton.jit(do_not_specialize=["pixels"])
def pointwise_backward(
    h, dy, w, g, dw, db, pixels,
    CI: tl.constexpr, CO: tl.constexpr, KB: tl.constexpr, NB: tl.constexpr, BP: tl.constexpr, RELU: tl.constexpr, BIAS: tl.constexpr,
):  # fmt: skip
    """`g = dy @ wᵀ` where h is positive (or everywhere), and each program's part of `dw = relu(h)ᵀ @ dy` `[programs, CI, CO]` and of
    `db`, the sum of dy, `[programs, CO]`. A program has KB channels of h."""
    c = tl.program_id(1) * KB + tl.arange(0, KB)
    o = tl.arange(0, NB)
    across = tl.load(w + c[None, :] * CO + o[:, None], mask=(c < CI)[None, :] & (o < CO)[:, None], other=0.0)
    total = tl.zeros((KB, NB), tl.float32)
    sums = tl.zeros((NB,), tl.float32)
    for start in range(tl.program_id(0) * BP, pixels, tl.num_programs(0) * BP):
        p = start + tl.arange(0, BP)
        known = (p < pixels)[:, None]
        above = tl.load(dy + p[:, None] * CO + o[None, :], mask=known & (o < CO)[None, :], other=0.0)
        below = tl.load(h + p[:, None] * CI + c[None, :], mask=known & (c < CI)[None, :], other=0.0)
        found = tl.dot(above, across, input_precision="ieee")
        if RELU:
            found = tl.where(below > 0, found, 0.0)
            below = tl.maximum(below, 0.0).to(h.dtype.element_ty)
        tl.store(g + p[:, None] * CI + c[None, :], found.to(g.dtype.element_ty), mask=known & (c < CI)[None, :])
        total = tl.dot(tl.trans(below), above, total, input_precision="ieee")
        if BIAS:
            sums += tl.sum(above.to(tl.float32), 0)
    into = dw + tl.program_id(0) * CI * CO
    tl.store(into + c[:, None] * CO + o[None, :], total, mask=(c < CI)[:, None] & (o < CO)[None, :])
    if BIAS:
        if tl.program_id(1) == 0:
            tl.store(db + tl.program_id(0) * CO + o, sums, mask=o < CO)


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def pool_forward(x, out, height, width, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr):
    """The greatest of 2×2; `pixels` are those of the smaller map."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    c = tl.arange(0, CB)
    below, beside = height // 2, width // 2
    image, rest = p // (below * beside), p % (below * beside)
    place = (image * height + rest // beside * 2) * width + rest % beside * 2
    mask = (p < pixels)[:, None] & (c < C)[None, :]
    first = x + place[:, None] * C + c[None, :]
    top = tl.maximum(tl.load(first, mask=mask, other=0.0), tl.load(first + C, mask=mask, other=0.0))
    second = first + width * C
    low = tl.maximum(tl.load(second, mask=mask, other=0.0), tl.load(second + C, mask=mask, other=0.0))
    tl.store(out + p[:, None] * C + c[None, :], tl.maximum(top, low), mask=mask)


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def pool_backward(x, dy, dx, height, width, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr):
    """The gradient goes to the first of the greatest."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    c = tl.arange(0, CB)
    below, beside = height // 2, width // 2
    image, rest = p // (below * beside), p % (below * beside)
    place = (image * height + rest // beside * 2) * width + rest % beside * 2
    mask = (p < pixels)[:, None] & (c < C)[None, :]
    at0 = place[:, None] * C + c[None, :]
    at1, at2 = at0 + C, at0 + width * C
    at3 = at2 + C
    x0 = tl.load(x + at0, mask=mask, other=0.0)
    x1 = tl.load(x + at1, mask=mask, other=0.0)
    x2 = tl.load(x + at2, mask=mask, other=0.0)
    x3 = tl.load(x + at3, mask=mask, other=0.0)
    d = tl.load(dy + p[:, None] * C + c[None, :], mask=mask, other=0.0)
    none = tl.zeros_like(d)
    greatest = tl.maximum(tl.maximum(x0, x1), tl.maximum(x2, x3))
    is0 = x0 == greatest
    is1 = (x1 == greatest) & (x0 != greatest)
    is2 = (x2 == greatest) & (x0 != greatest) & (x1 != greatest)
    is3 = (x0 != greatest) & (x1 != greatest) & (x2 != greatest)
    tl.store(dx + at0, tl.where(is0, d, none), mask=mask)
    tl.store(dx + at1, tl.where(is1, d, none), mask=mask)
    tl.store(dx + at2, tl.where(is2, d, none), mask=mask)
    tl.store(dx + at3, tl.where(is3, d, none), mask=mask)


@triton.jit
def around(x, image, py, px, inside, part, height, width, C: tl.constexpr, MB: tl.constexpr, SIGN: tl.constexpr):
    """Four of the 36 taps of the dilated convolutions, side by side: `[pixels, 4 * MB]`."""
    k = tl.arange(0, 4 * MB)
    t = part * 4 + k // MB
    c = k % MB
    apart = (5 + 2 * (t // 9)) * SIGN
    y = py[:, None] + ((t % 9 // 3 - 1) * apart)[None, :]
    x_at = px[:, None] + ((t % 3 - 1) * apart)[None, :]
    mask = inside[:, None] & (c < C)[None, :] & (y >= 0) & (y < height) & (x_at >= 0) & (x_at < width)
    place = (image[:, None] * height + y) * width + x_at
    return tl.load(x + place * C + c[None, :], mask=mask, other=0.0)


@triton.jit(do_not_specialize=["height", "width"])
def dilated(
    x, w, out, height, width, C: tl.constexpr, MB: tl.constexpr, SIGN: tl.constexpr, TY: tl.constexpr, TX: tl.constexpr
):
    """The sum of four dilated convolutions with `w` `[36, MB, MB]`; backward with SIGN −1 and each tap's weights transposed."""
    tiles_x, tiles_y = tl.cdiv(width, TX), tl.cdiv(height, TY)
    tile = tl.program_id(0)
    i = tl.arange(0, TY * TX)
    image = tile // (tiles_x * tiles_y) + i * 0
    tile = tile % (tiles_x * tiles_y)
    py = tile // tiles_x * TY + i // TX
    px = tile % tiles_x * TX + i % TX
    inside = (py < height) & (px < width)
    k, o = tl.arange(0, 4 * MB), tl.arange(0, MB)
    total = tl.zeros((TY * TX, MB), tl.float32)
    for part in range(9):
        value = around(x, image, py, px, inside, part, height, width, C, MB, SIGN)
        weight = tl.load(w + (part * 4 * MB + k)[:, None] * MB + o[None, :])
        total = tl.dot(value, weight, total, input_precision="ieee")
    place = (image * height + py) * width + px
    tl.store(out + place[:, None] * C + o[None, :], total.to(x.dtype.element_ty), mask=inside[:, None] & (o < C)[None, :])


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def dilated_weights(x, dy, dw, height, width, pixels, C: tl.constexpr, MB: tl.constexpr, BP: tl.constexpr):
    """Each program's part of the gradient by the weights, `[programs, 36, MB, MB]`."""
    part = tl.program_id(1)
    k, o = tl.arange(0, 4 * MB), tl.arange(0, MB)
    total = tl.zeros((4 * MB, MB), tl.float32)
    for start in range(tl.program_id(0) * BP, pixels, tl.num_programs(0) * BP):
        p = start + tl.arange(0, BP)
        image, rest = p // (height * width), p % (height * width)
        value = around(x, image, rest // width, rest % width, p < pixels, part, height, width, C, MB, 1)
        above = tl.load(dy + p[:, None] * C + o[None, :], mask=(p < pixels)[:, None] & (o < C)[None, :], other=0.0)
        total = tl.dot(tl.trans(value), above, total, input_precision="ieee")
    into = dw + (tl.program_id(0) * 36 + part * 4) * MB * MB
    tl.store(into + k[:, None] * MB + o[None, :], total)


@triton.jit
def near(image_at, n, py, px, inside, height, width):
    """The nine neighbours of each pixel of an image `[n, h, w, 4]`, `[pixels, 64]`: the k-th is channel k % 4 of neighbour k // 4."""
    k = tl.arange(0, 64)
    t = k // 4
    y = py[:, None] + (t // 3 - 1)[None, :]
    x = px[:, None] + (t % 3 - 1)[None, :]
    mask = inside[:, None] & (t < 9)[None, :] & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return tl.load(image_at + ((n[:, None] * height + y) * width + x) * 4 + (k % 4)[None, :], mask=mask, other=0.0)


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def stem_forward(image, w, out, height, width, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr):
    """The first convolution, `w` `[64, C]`."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    n, rest = p // (height * width), p % (height * width)
    value = near(image, n, rest // width, rest % width, p < pixels, height, width)
    k, o = tl.arange(0, 64), tl.arange(0, CB)
    weight = tl.load(w + k[:, None] * C + o[None, :], mask=(o < C)[None, :], other=0.0)
    total = tl.dot(value, weight, input_precision="ieee")
    tl.store(out + p[:, None] * C + o[None, :], total.to(image.dtype.element_ty), mask=(p < pixels)[:, None] & (o < C)[None, :])


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def stem_weights(image, dy, dw, height, width, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr):
    """Each program's part of the gradient by the weights, `[programs, 64, C]`."""
    k, o = tl.arange(0, 64), tl.arange(0, CB)
    total = tl.zeros((64, CB), tl.float32)
    for start in range(tl.program_id(0) * BP, pixels, tl.num_programs(0) * BP):
        p = start + tl.arange(0, BP)
        n, rest = p // (height * width), p % (height * width)
        value = near(image, n, rest // width, rest % width, p < pixels, height, width)
        above = tl.load(dy + p[:, None] * C + o[None, :], mask=(p < pixels)[:, None] & (o < C)[None, :], other=0.0)
        total = tl.dot(tl.trans(value), above, total, input_precision="ieee")
    tl.store(dw + (tl.program_id(0) * 64 + k)[:, None] * C + o[None, :], total, mask=(o < C)[None, :])
