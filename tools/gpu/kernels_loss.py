"""Triton kernels of the loss: four side maps are enlarged, fused and compared with the truth in one pass, which also leaves the gradients.

A side map is `[n, h, w]` at its stage's size, float32. Enlarging is bilinear with half-pixel centres, as everywhere else.
"""

import triton
import triton.language as tl


@triton.jit
def between(place, small, large):
    """Where a pixel of the large side lies in the small one: two neighbours and the share of the second."""
    source = tl.maximum((place.to(tl.float32) + 0.5) * (small.to(tl.float32) / large.to(tl.float32)) - 0.5, 0.0)
    first = tl.minimum(source.to(tl.int32), small - 1)
    return first, tl.minimum(first + 1, small - 1), source - first.to(tl.float32)


@triton.jit
def enlarged(side, n, y, x, small_h, small_w, height, width, mask):
    """The side map at pixels of the picture."""
    y0, y1, fy = between(y, small_h, height)
    x0, x1, fx = between(x, small_w, width)
    base = side + n * small_h * small_w
    top = (1 - fx) * tl.load(base + y0 * small_w + x0, mask=mask, other=0.0) + fx * tl.load(base + y0 * small_w + x1, mask=mask, other=0.0)
    low = (1 - fx) * tl.load(base + y1 * small_w + x0, mask=mask, other=0.0) + fx * tl.load(base + y1 * small_w + x1, mask=mask, other=0.0)
    return (1 - fy) * top + fy * low


@triton.jit
def entropy(logit, target):
    """Cross-entropy, and its derivative."""
    small = tl.exp(-tl.abs(logit))
    probability = tl.where(logit >= 0, 1 / (1 + small), small / (1 + small))
    return tl.maximum(logit, 0.0) - logit * target + tl.log(1 + small), probability - target


@triton.jit(do_not_specialize=["height", "width", "h1", "w1", "h2", "w2", "h3", "w3"], do_not_specialize_on_alignment=["teacher"])
def loss_forward(
    s0, s1, s2, s3, fuse, bias, truth, scales, teacher, d, sums,
    height, width, h1, w1, h2, w2, h3, w3, TEACHER: tl.constexpr, BP: tl.constexpr,
):  # fmt: skip
    """`d` `[4, n, h, w]`, derivatives with respect to the enlarged side maps, and each program's part of `sums`,
    `[programs, 6]`: the loss, then derivatives with respect to the four weights of the fusion and to its bias.
    `scales` `[n, 3]` are those of plain.py."""
    n = tl.program_id(1)
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    area = height * width
    mask = p < area
    y, x = p // width, p % width
    place = n * area + p
    e0 = tl.load(s0 + place, mask=mask, other=0.0)
    e1 = enlarged(s1, n, y, x, h1, w1, height, width, mask)
    e2 = enlarged(s2, n, y, x, h2, w2, height, width, mask)
    e3 = enlarged(s3, n, y, x, h3, w3, height, width, mask)
    c0, c1, c2, c3 = tl.load(fuse), tl.load(fuse + 1), tl.load(fuse + 2), tl.load(fuse + 3)
    fused = c0 * e0 + c1 * e1 + c2 * e2 + c3 * e3 + tl.load(bias)
    code = tl.load(truth + place, mask=mask, other=2)
    row = scales + n * 3
    target = tl.where(code == 1, 1.0, 0.0)
    weight = tl.where(code == 1, tl.load(row), tl.where(code == 0, tl.load(row + 1), 0.0))
    l0, g0 = entropy(e0, target)
    l1, g1 = entropy(e1, target)
    l2, g2 = entropy(e2, target)
    l3, g3 = entropy(e3, target)
    lf, gf = entropy(fused, target)
    value = weight * (l0 + l1 + l2 + l3 + lf)
    gf *= weight
    if TEACHER:
        aim = tl.load(teacher + place, mask=mask, other=-1.0)
        share = tl.where(aim >= 0, tl.load(row + 2), 0.0)
        lt, gt = entropy(fused, tl.maximum(aim, 0.0))
        value += share * lt
        gf += share * gt
    whole = tl.num_programs(1) * area
    tl.store(d + place, weight * g0 + c0 * gf, mask=mask)
    tl.store(d + whole + place, weight * g1 + c1 * gf, mask=mask)
    tl.store(d + 2 * whole + place, weight * g2 + c2 * gf, mask=mask)
    tl.store(d + 3 * whole + place, weight * g3 + c3 * gf, mask=mask)
    into = sums + (n * tl.num_programs(0) + tl.program_id(0)) * 6
    tl.store(into, tl.sum(tl.where(mask, value, 0.0), 0))
    tl.store(into + 1, tl.sum(gf * e0, 0))
    tl.store(into + 2, tl.sum(gf * e1, 0))
    tl.store(into + 3, tl.sum(gf * e2, 0))
    tl.store(into + 4, tl.sum(gf * e3, 0))
    tl.store(into + 5, tl.sum(gf, 0))


@triton.jit(do_not_specialize=["height", "width", "small_h", "small_w", "pixels", "reach"], do_not_specialize_on_alignment=["d"])
def shrink(d, scale, out, height, width, small_h, small_w, pixels, reach, K: tl.constexpr, BP: tl.constexpr):
    """The derivative with respect to a side map of `pixels` in total, from that of the enlarged one, times `scale`:
    for each pixel a sum over the pixels, at most `reach` ≤ K in either direction, to which it was enlarged."""
    p = tl.program_id(0) * BP + tl.arange(0, BP)
    n, rest = p // (small_h * small_w), p % (small_h * small_w)
    row, column = rest // small_w, rest % small_w
    first_y = tl.floor((row.to(tl.float32) - 0.5) * (height.to(tl.float32) / small_h.to(tl.float32)) - 0.5).to(tl.int32)
    first_x = tl.floor((column.to(tl.float32) - 0.5) * (width.to(tl.float32) / small_w.to(tl.float32)) - 0.5).to(tl.int32)
    x = first_x[:, None] + tl.arange(0, K)[None, :]
    x0, x1, fx = between(x, small_w, width)
    weight_x = tl.where(x0 == column[:, None], 1 - fx, 0.0) + tl.where(x1 == column[:, None], fx, 0.0)
    across = (p < pixels)[:, None] & (x >= 0) & (x < width)
    total = tl.zeros((BP, K), tl.float32)
    for i in range(reach):
        y = first_y + i
        y0, y1, fy = between(y, small_h, height)
        weight_y = tl.where(y0 == row, 1 - fy, 0.0) + tl.where(y1 == row, fy, 0.0)
        mask = across & ((y >= 0) & (y < height))[:, None]
        value = tl.load(d + ((n * height + y) * width)[:, None] + x, mask=mask, other=0.0)
        total += value * weight_y[:, None] * weight_x
    tl.store(out + p, tl.sum(total, 1) * tl.load(scale), mask=p < pixels)
