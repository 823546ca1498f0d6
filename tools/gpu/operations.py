"""The operations of the network with our own kernels, each with its gradient.

Maps are `[n, h, w, C]` with channels rounded up to a multiple of 8. Weights come twice: as float32 with gradients, and
rounded to the type of activations, which kernels multiply with.
"""

import torch
import triton
from torch.autograd import Function

import kernels
import kernels_head
import kernels_loss
from working import power


def part(channels):
    """Channels that a program takes at a time."""
    return min(64, power(channels))


def programs(pixels, block, parts=1):
    """How many programs share the pixels if sums over all of them are wanted."""
    return max(1, min(triton.cdiv(pixels, block), 264 // parts))


def tile(width):
    """Height and width of a tile of 64 pixels."""
    return 8, 8


class Stem(Function):
    @staticmethod
    def forward(ctx, image, weight, rounded):
        n, h, w, _ = image.shape
        c = weight.shape[1]
        out = image.new_empty(n, h, w, c)
        pixels = n * h * w
        kernels.stem_forward[(triton.cdiv(pixels, 64),)](image, rounded, out, h, w, pixels, C=c, CB=power(c), BP=64)
        ctx.save_for_backward(image)
        return out

    @staticmethod
    def backward(ctx, dy):
        (image,) = ctx.saved_tensors
        n, h, w, c = dy.shape
        pixels = n * h * w
        count = programs(pixels, 64)
        dw = dy.new_empty(count, 64, c, dtype=wide(dy))
        kernels.stem_weights[(count,)](image, dy.contiguous(), dw, h, w, pixels, C=c, CB=power(c), BP=64)
        return None, dw.sum(0), None


class Block(Function):
    """`shortcut + relu(differences of x) @ weight`; without a shortcut, x itself."""

    @staticmethod
    def forward(ctx, x, shortcut, weight, taps, rounded, radial):
        n, h, w, inputs = x.shape
        outputs = weight.shape[1]
        hidden, out = torch.empty_like(x), x.new_empty(n, h, w, outputs)
        ty, tx = tile(w)
        grid = (n * triton.cdiv(h, ty) * triton.cdiv(w, tx),)
        kernels.block_forward[grid](
            x, taps, rounded, x if shortcut is None else shortcut, hidden, out, h, w,
            CI=inputs, CO=outputs, KB=part(inputs), NB=power(outputs), RADIAL=radial, TY=ty, TX=tx,
            num_warps=8 if power(outputs) > 64 else 4, num_stages=1,
        )  # fmt: skip
        ctx.save_for_backward(x, hidden, taps, rounded)
        ctx.radial, ctx.identity = radial, shortcut is None
        return out

    @staticmethod
    def backward(ctx, dy):
        x, hidden, taps, rounded = ctx.saved_tensors
        dy = dy.contiguous()
        g, dw, _ = through(hidden, dy, rounded, relu=True, bias=False)
        n, h, w, c = x.shape
        dx = torch.empty_like(x)
        kb = part(c)
        tx = 1024 // kb
        rows = 32 if h >= 160 else 16 if h >= 80 else 8
        count = n * triton.cdiv(h, rows) * triton.cdiv(w, tx)
        dtaps = x.new_empty(count, 9, c, dtype=wide(x))
        kernels.depthwise_backward[(count, triton.cdiv(c, kb))](
            x, g, dy, taps, dx, dtaps, h, w, rows, C=c, KB=kb, RADIAL=ctx.radial, IDENTITY=ctx.identity, TX=tx, num_stages=1
        )
        return dx, None if ctx.identity else dy, dw, dtaps.sum(0), None, None


def wide(x):
    """The type of sums."""
    return torch.promote_types(x.dtype, torch.float32)


def through(h, dy, rounded, relu, bias):
    """The gradients of `relu(h) @ weight + bias`, or without the ReLU, with respect to h, the weight and the bias."""
    inputs, outputs = rounded.shape
    pixels = h.numel() // inputs
    kb, nb = part(inputs), power(outputs)
    count = programs(pixels, 64, triton.cdiv(inputs, kb))
    g = torch.empty_like(h)
    dw = h.new_empty(count, inputs, outputs, dtype=wide(h))
    db = h.new_empty(count, outputs, dtype=wide(h)) if bias else dw
    kernels.pointwise_backward[(count, triton.cdiv(inputs, kb))](
        h, dy, rounded, g, dw, db, pixels, CI=inputs, CO=outputs, KB=kb, NB=nb, BP=64, RELU=relu, BIAS=bias,
        num_warps=8 if nb > 128 else 4, num_stages=2 if nb > 128 else 3,
    )  # fmt: skip
    return g, dw.sum(0), db.sum(0) if bias else None


class Pointwise(Function):
    """`relu(x) @ weight + bias`, or without the ReLU."""

    @staticmethod
    def forward(ctx, x, weight, bias, rounded, relu):
        n, h, w, inputs = x.shape
        outputs = weight.shape[1]
        out = x.new_empty(n, h, w, outputs)
        pixels = n * h * w
        kernels.pointwise_forward[(triton.cdiv(pixels, 64),)](
            x, rounded, bias, out, pixels, CI=inputs, CO=outputs, KB=part(inputs), NB=power(outputs), BP=64, RELU=relu,
            num_warps=8 if power(outputs) > 128 else 4,
        )  # fmt: skip
        ctx.save_for_backward(x, rounded)
        ctx.relu = relu
        return out

    @staticmethod
    def backward(ctx, dy):
        x, rounded = ctx.saved_tensors
        return (*through(x, dy.contiguous(), rounded, ctx.relu, bias=True), None, None)


class Pool(Function):
    @staticmethod
    def forward(ctx, x):
        n, h, w, c = x.shape
        out = x.new_empty(n, h // 2, w // 2, c)
        pixels = n * (h // 2) * (w // 2)
        block = max(1, 2048 // power(c))
        kernels.pool_forward[(triton.cdiv(pixels, block),)](x, out, h, w, pixels, C=c, CB=power(c), BP=block)
        ctx.save_for_backward(x)
        return out

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        n, h, w, c = x.shape
        dx = torch.zeros_like(x) if h % 2 or w % 2 else torch.empty_like(x)
        pixels = n * (h // 2) * (w // 2)
        block = max(1, 2048 // power(c))
        kernels.pool_backward[(triton.cdiv(pixels, block),)](
            x, dy.contiguous(), dx, h, w, pixels, C=c, CB=power(c), BP=block
        )
        return dx


class Dilated(Function):
    """The sum of four dilated convolutions, weights `[36, MB, MB]`: tap of a branch, input, output."""

    @staticmethod
    def forward(ctx, x, weight, rounded):
        ctx.save_for_backward(x, rounded)
        return dilated(x, rounded, 1)

    @staticmethod
    def backward(ctx, dy):
        x, rounded = ctx.saved_tensors
        dy = dy.contiguous()
        n, h, w, c = x.shape
        mb, pixels = rounded.shape[1], n * h * w
        count = programs(pixels, 64, 4)
        dw = x.new_empty(count, 36, mb, mb, dtype=wide(x))
        kernels.dilated_weights[(count, 9)](x, dy, dw, h, w, pixels, C=c, MB=mb, BP=64, num_stages=2)
        return dilated(dy, rounded.transpose(1, 2).contiguous(), -1), dw.sum(0), None


def dilated(x, weight, sign):
    n, h, w, c = x.shape
    out = torch.empty_like(x)
    ty, tx = tile(w)
    grid = (n * triton.cdiv(h, ty) * triton.cdiv(w, tx),)
    kernels.dilated[grid](x, weight, out, h, w, C=c, MB=weight.shape[1], SIGN=sign, TY=ty, TX=tx, num_stages=2)
    return out


class Head(Function):
    """The gate, and the reduction to one channel: `[n, 1, h, w]` of `z` `[n, h, w, C]`."""

    @staticmethod
    def forward(ctx, z, w, bias, v, reduce, last):
        n, h, w_, c = z.shape
        pixels = n * h * w_
        planes = z.new_empty(5, pixels, dtype=wide(z))
        gate, out = planes.new_empty(pixels), planes.new_empty(n, 1, h, w_)
        cb = power(c)
        kernels_head.head_planes[(triton.cdiv(pixels, 2048 // cb),)](
            z, w, bias, reduce, planes, pixels, C=c, CB=cb, BP=2048 // cb
        )
        kernels_head.head_forward[(triton.cdiv(pixels, 256),)](planes, v, last, gate, out, h, w_, pixels, BP=256)
        ctx.save_for_backward(z, w, v, reduce, planes, gate)
        return out

    @staticmethod
    def backward(ctx, d):
        z, w, v, reduce, planes, gate = ctx.saved_tensors
        d = d.contiguous()
        n, h, w_, c = z.shape
        pixels = n * h * w_
        q, dz = torch.empty_like(gate), torch.empty_like(z)
        count = triton.cdiv(pixels, 1024)
        sums = planes.new_empty(count, 40)
        kernels_head.head_backward[(count,)](planes, gate, d, q, sums, h, w_, pixels, BP=1024)
        block = 2048 // power(c)
        count = programs(pixels, block)
        dw, db = planes.new_empty(count, 5, c), planes.new_empty(count, 4)
        kernels_head.head_inputs[(count,)](
            z, w, reduce, v, gate, d, q, dz, dw, db, h, w_, pixels, C=c, CB=power(c), BP=block
        )
        dw, sums = dw.sum(0), sums.sum(0)
        return dz, dw[:4].t(), db.sum(0), sums[:36].view(v.shape), dw[4].view(reduce.shape), sums[36:37]


class Loss(Function):
    """The loss of four side maps `[n, 1, h, w]` and the weights they are fused with; `scales` those of plain.py."""

    @staticmethod
    def forward(ctx, s0, s1, s2, s3, fuse, bias, truth, scales, teacher):
        n, _, h, w = s0.shape
        sides = [each.contiguous() for each in (s0, s1, s2, s3)]
        count = triton.cdiv(h * w, 512)
        d, sums = s0.new_empty(4, n, h, w), s0.new_empty(n * count, 6)
        small = [size for side in sides[1:] for size in side.shape[2:]]
        known = teacher is not None
        kernels_loss.loss_forward[(count, n)](
            *sides, fuse, bias, truth, scales, teacher if known else scales, d, sums,
            h, w, *small, TEACHER=known, BP=512,
        )  # fmt: skip
        sums = sums.sum(0)
        ctx.save_for_backward(d, sums)
        ctx.small = small
        return sums[0]

    @staticmethod
    def backward(ctx, scale):
        d, sums = ctx.saved_tensors
        _, n, h, w = d.shape
        found = [d[0].view(n, 1, h, w) * scale]
        for i in range(1, 4):
            small_h, small_w = ctx.small[2 * i - 2 : 2 * i]
            out = d.new_empty(n, 1, small_h, small_w)
            reach = 2 * triton.cdiv(max(h * small_w, w * small_h), small_h * small_w) + 2
            k = triton.next_power_of_2(reach)
            pixels = n * small_h * small_w
            kernels_loss.shrink[(triton.cdiv(pixels, 512 // k),)](
                d[i], scale, out, h, w, small_h, small_w, pixels, reach, K=k, BP=512 // k
            )
            found.append(out)
        sums = sums * scale
        return (*found, sums[1:5], sums[5:6], None, None, None)
