"""Triton kernels for what surrounds the network: crops of photographs before it, the gate and the reduction to one channel after it.

Planes are float32 `[number, n, h, w]`; sums over all pixels are parts of programs, as in kernels.py.
"""

import triton
import triton.language as tl


@triton.jit
def mirrored(place, size):
    """Places outside are mirrored; sample.py does the same in PyTorch."""
    place = tl.abs(place + 0.5)
    place = tl.where(place > size, 2 * size - place, place) - 0.5
    return tl.minimum(tl.maximum(place, 0.0), size - 1)


@triton.jit
def clamped(place, size):
    return tl.minimum(tl.maximum(place, 0.0), size - 1).to(tl.int32)


@triton.jit(do_not_specialize=["height", "width"])
def sample(
    images, shares, teacher, extent, rows, image, truth, taught, height, width,
    side: tl.constexpr, ROW: tl.constexpr, ETA: tl.constexpr, TEACHER: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """Crops `[n, h, w, 4]`, normalised, their truth and the teacher's map, as in `Store.sample`."""
    n = tl.program_id(1)
    row = rows + n * ROW
    index = tl.load(row).to(tl.int64)
    base = index * side * side
    high, wide = tl.load(extent + index * 2), tl.load(extent + index * 2 + 1)
    m1, m2, m3 = tl.load(row + 1), tl.load(row + 2), tl.load(row + 3)
    m4, m5, m6 = tl.load(row + 4), tl.load(row + 5), tl.load(row + 6)
    spread = tl.load(row + 7)
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    mask = p < height * width
    x, y = (p % width).to(tl.float32), (p // width).to(tl.float32)

    red, green, blue = tl.zeros((BP,), tl.float32), tl.zeros((BP,), tl.float32), tl.zeros((BP,), tl.float32)
    blur = tl.load(row + 22)
    for dy in tl.static_range(-1, 2, 2):
        for dx in tl.static_range(-1, 2, 2):
            across, down = x + dx * blur, y + dy * blur
            sx = mirrored(m1 * across + m2 * down + m3, wide)
            sy = mirrored(m4 * across + m5 * down + m6, high)
            left, top = tl.floor(sx), tl.floor(sy)
            for oy in tl.static_range(2):
                for ox in tl.static_range(2):
                    wy = sy - top if oy else 1 - (sy - top)
                    wx = sx - left if ox else 1 - (sx - left)
                    at = images + (base + clamped(top + oy, high) * side + clamped(left + ox, wide)) * 3
                    red += wy * wx * tl.load(at, mask=mask, other=0).to(tl.float32)
                    green += wy * wx * tl.load(at + 1, mask=mask, other=0).to(tl.float32)
                    blue += wy * wx * tl.load(at + 2, mask=mask, other=0).to(tl.float32)
    red, green, blue = red / 1020, green / 1020, blue / 1020
    gamma = tl.load(row + 20)
    r = tl.load(row + 8) * red + tl.load(row + 9) * green + tl.load(row + 10) * blue + tl.load(row + 17)
    g = tl.load(row + 11) * red + tl.load(row + 12) * green + tl.load(row + 13) * blue + tl.load(row + 18)
    b = tl.load(row + 14) * red + tl.load(row + 15) * green + tl.load(row + 16) * blue + tl.load(row + 19)
    r = tl.exp(gamma * tl.log(tl.minimum(tl.maximum(r, 1e-4), 1.0)))
    g = tl.exp(gamma * tl.log(tl.minimum(tl.maximum(g, 1e-4), 1.0)))
    b = tl.exp(gamma * tl.log(tl.minimum(tl.maximum(b, 1e-4), 1.0)))
    into = image + (n.to(tl.int64) * height * width + p) * 4
    tl.store(into, ((r - 0.485) / 0.229).to(image.dtype.element_ty), mask=mask)
    tl.store(into + 1, ((g - 0.456) / 0.224).to(image.dtype.element_ty), mask=mask)
    tl.store(into + 2, ((b - 0.406) / 0.225).to(image.dtype.element_ty), mask=mask)
    tl.store(into + 3, tl.zeros((BP,), image.dtype.element_ty), mask=mask)

    share = tl.zeros((BP,), tl.float32)
    for dy in tl.static_range(-1, 2):
        for dx in tl.static_range(-1, 2):
            across, down = x + dx * spread, y + dy * spread
            cx = clamped(tl.floor(m1 * across + m2 * down + m3 + 0.5), wide)
            cy = clamped(tl.floor(m4 * across + m5 * down + m6 + 0.5), high)
            share = tl.maximum(share, tl.load(shares + base + cy * side + cx, mask=mask, other=0).to(tl.float32))
    sx, sy = m1 * x + m2 * y + m3, m4 * x + m5 * y + m6
    outside = (sx < -0.5) | (sx > wide - 0.5) | (sy < -0.5) | (sy > high - 0.5)
    code = tl.where(share >= ETA * 255, 1, tl.where(share == 0, 0, 2))
    code = tl.where(outside, 2, tl.where(tl.load(row + 21) < 0.5, 2, code))
    place = n.to(tl.int64) * height * width + p
    tl.store(truth + place, code.to(tl.uint8), mask=mask)
    if TEACHER:
        at = base + clamped(tl.floor(sy + 0.5), high) * side + clamped(tl.floor(sx + 0.5), wide)
        known = tl.load(teacher + at, mask=mask, other=0).to(tl.float32) / 255
        tl.store(taught + place, tl.where(outside, -1.0, known), mask=mask)


@triton.jit(do_not_specialize=["pixels"])
def head_planes(z, w, bias, reduce, planes, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr):
    """Five planes: `relu(z) @ w + bias` with `w` `[C, 4]`, and `z @ reduce` with `reduce` `[C]`."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    c = tl.arange(0, CB)
    value = tl.load(z + p[:, None] * C + c[None, :], mask=(p < pixels)[:, None] & (c < C)[None, :], other=0.0).to(planes.dtype.element_ty)
    positive = tl.maximum(value, 0.0)
    for k in tl.static_range(4):
        weight = tl.load(w + c * 4 + k, mask=c < C, other=0.0)
        tl.store(planes + k * pixels + p, tl.sum(positive * weight[None, :], 1) + tl.load(bias + k), mask=p < pixels)
    weight = tl.load(reduce + c, mask=c < C, other=0.0)
    tl.store(planes + 4 * pixels + p, tl.sum(value * weight[None, :], 1), mask=p < pixels)


@triton.jit
def around(y, x, oy, ox, height, width):
    """Whether the neighbour of a pixel is in the picture."""
    return (y + oy >= 0) & (y + oy < height) & (x + ox >= 0) & (x + ox < width)


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def head_forward(planes, v, bias, gate, out, height, width, pixels, BP: tl.constexpr):
    """`gate = sigmoid(conv of four planes with v)`, `v` `[4, 9]`, and `out = gate * fifth + bias`."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    y, x = p % (height * width) // width, p % width
    total = tl.zeros((BP,), planes.dtype.element_ty)
    for k in tl.static_range(4):
        for t in tl.static_range(9):
            inside = (p < pixels) & around(y, x, t // 3 - 1, t % 3 - 1, height, width)
            total += tl.load(v + k * 9 + t) * tl.load(planes + k * pixels + p + (t // 3 - 1) * width + t % 3 - 1, mask=inside, other=0.0)
    opened = 1 / (1 + tl.exp(-total))
    tl.store(gate + p, opened, mask=p < pixels)
    tl.store(out + p, opened * tl.load(planes + 4 * pixels + p, mask=p < pixels, other=0.0) + tl.load(bias), mask=p < pixels)


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def head_backward(planes, gate, d, q, sums, height, width, pixels, BP: tl.constexpr):
    """`q`, the gradient with respect to the gate's logit, and each program's part of the sums, `[programs, 40]`: 36
    of the gradient with respect to v, then that of the bias."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    known = p < pixels
    y, x = p % (height * width) // width, p % width
    opened = tl.load(gate + p, mask=known, other=0.0)
    above = tl.load(d + p, mask=known, other=0.0)
    inner = above * tl.load(planes + 4 * pixels + p, mask=known, other=0.0) * opened * (1 - opened)
    tl.store(q + p, inner, mask=known)
    into = sums + tl.program_id(0) * 40
    for k in tl.static_range(4):
        for t in tl.static_range(9):
            inside = known & around(y, x, t // 3 - 1, t % 3 - 1, height, width)
            value = tl.load(planes + k * pixels + p + (t // 3 - 1) * width + t % 3 - 1, mask=inside, other=0.0)
            tl.store(into + k * 9 + t, tl.sum(inner * value, 0))
    tl.store(into + 36, tl.sum(above, 0))


@triton.jit(do_not_specialize=["height", "width", "pixels"])
def head_inputs(
    z, w, reduce, v, gate, d, q, dz, dw, db, height, width, pixels, C: tl.constexpr, CB: tl.constexpr, BP: tl.constexpr
):
    """The gradient with respect to z, and each program's part of those with respect to `w` and `reduce`, `[programs, 5, C]`, and to the four biases, `[programs, 4]`."""
    c = tl.arange(0, CB)
    zero = tl.zeros((BP, CB), gate.dtype.element_ty)
    s0, s1, s2, s3, s4 = zero, zero, zero, zero, zero
    line = tl.zeros((BP,), gate.dtype.element_ty)
    b0, b1, b2, b3 = line, line, line, line
    w0 = tl.load(w + c * 4, mask=c < C, other=0.0)[None, :]
    w1 = tl.load(w + c * 4 + 1, mask=c < C, other=0.0)[None, :]
    w2 = tl.load(w + c * 4 + 2, mask=c < C, other=0.0)[None, :]
    w3 = tl.load(w + c * 4 + 3, mask=c < C, other=0.0)[None, :]
    w4 = tl.load(reduce + c, mask=c < C, other=0.0)[None, :]
    for start in range(tl.program_id(0) * BP, pixels, tl.num_programs(0) * BP):
        p = start + tl.arange(0, BP)
        known = p < pixels
        y, x = p % (height * width) // width, p % width
        a0, a1, a2, a3 = line, line, line, line
        for t in tl.static_range(9):
            inside = known & around(y, x, 1 - t // 3, 1 - t % 3, height, width)
            value = tl.load(q + p + (1 - t // 3) * width + 1 - t % 3, mask=inside, other=0.0)
            a0 += value * tl.load(v + t)
            a1 += value * tl.load(v + 9 + t)
            a2 += value * tl.load(v + 18 + t)
            a3 += value * tl.load(v + 27 + t)
        through = tl.load(d + p, mask=known, other=0.0) * tl.load(gate + p, mask=known, other=0.0)
        where = p[:, None] * C + c[None, :]
        mask = known[:, None] & (c < C)[None, :]
        value = tl.load(z + where, mask=mask, other=0.0).to(gate.dtype.element_ty)
        back = a0[:, None] * w0 + a1[:, None] * w1 + a2[:, None] * w2 + a3[:, None] * w3
        back = tl.where(value > 0, back, 0.0) + through[:, None] * w4
        tl.store(dz + where, back.to(dz.dtype.element_ty), mask=mask)
        positive = tl.maximum(value, 0.0)
        s0 += positive * a0[:, None]
        s1 += positive * a1[:, None]
        s2 += positive * a2[:, None]
        s3 += positive * a3[:, None]
        s4 += value * through[:, None]
        b0 += a0
        b1 += a1
        b2 += a2
        b3 += a3
    into = dw + tl.program_id(0) * 5 * C + c
    tl.store(into, tl.sum(s0, 0), mask=c < C)
    tl.store(into + C, tl.sum(s1, 0), mask=c < C)
    tl.store(into + 2 * C, tl.sum(s2, 0), mask=c < C)
    tl.store(into + 3 * C, tl.sum(s3, 0), mask=c < C)
    tl.store(into + 4 * C, tl.sum(s4, 0), mask=c < C)
    into = db + tl.program_id(0) * 4
    tl.store(into, tl.sum(b0, 0))
    tl.store(into + 1, tl.sum(b1, 0))
    tl.store(into + 2, tl.sum(b2, 0))
    tl.store(into + 3, tl.sum(b3, 0))
