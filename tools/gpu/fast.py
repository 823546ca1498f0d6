"""The network with our own kernels, and the same interface as the plain one."""

import torch
import triton
from torch.nn import functional as F

import kernels_head
import plain
from operations import Block, Dilated, Head, Loss, Pointwise, Pool, Stem
from parameters import KINDS, STAGES
from sample import ETA, ROW
from working import Working


class Fast:
    """Our own kernels; `dtype` is that of activations."""

    def __init__(self, size, device, dtype):
        self.dtype, self.working = dtype, Working(size, device)

    def sample(self, store, rows, height, width):
        """As `Store.sample`, but images are `[n, h, w, 4]`, the fourth being 0."""
        n = rows.shape[0]
        image = torch.empty(n, height, width, 4, dtype=self.dtype, device=rows.device)
        truth = torch.empty(n, height, width, dtype=torch.uint8, device=rows.device)
        known = store.teacher is not None
        taught = torch.empty(n, height, width, device=rows.device) if known else None
        kernels_head.sample[(triton.cdiv(height * width, 256), n)](
            store.images, store.shares, store.teacher if known else store.shares, store.extent, rows, image, truth,
            taught if known else rows, height, width, side=store.side, ROW=ROW, ETA=ETA, TEACHER=known, BP=256,
        )  # fmt: skip
        return image, truth, taught

    def sides(self, weights, rounded, image):
        """The one-channel map `[n, 1, h, w]` of each of four stages at its resolution; `image` is `[n, h, w, 4]`."""
        kinds = iter(KINDS)
        next(kinds)
        x = Stem.apply(image, weights["init_block"], weights["init_block"].detach().to(self.dtype))
        found = []
        for stage, blocks in enumerate(STAGES):
            for block in range(1, blocks + 1):
                name = f"block{stage + 1}_{block}"
                shortcut = None
                if stage and block == 1:
                    x = Pool.apply(x)
                    at = f"{name}.shortcut"
                    shortcut = Pointwise.apply(x, weights[at], weights[f"{at}.bias"], rounded[at], False)
                at, radial = f"{name}.conv2", next(kinds) == "rd"
                x = Block.apply(x, shortcut, weights[at], weights[f"{name}.conv1"], rounded[at], radial)
            at = f"dilations.{stage}"
            z = Pointwise.apply(x, weights[f"{at}.conv1"], weights[f"{at}.conv1.bias"], rounded[f"{at}.conv1"], True)
            z = Dilated.apply(z, weights[f"{at}.conv2"], rounded[f"{at}.conv2"])
            gate, reduce = f"attentions.{stage}", f"conv_reduces.{stage}.conv"
            found.append(
                Head.apply(
                    z, weights[f"{gate}.conv1"], weights[f"{gate}.conv1.bias"], weights[f"{gate}.conv2"],
                    weights[reduce], weights[f"{reduce}.bias"],
                )
            )  # fmt: skip
        return found

    def maps(self, vector, image):
        """Four side maps and the fused one before the sigmoid, `[n, 5, h, w]`, of images `[n, 3, h, w]`, or of the result of `sample`."""
        weights, rounded = self.working(vector, self.dtype)
        image = self.packed(image)
        shape = image.shape[1:3]
        sides = self.sides(weights, rounded, image)
        four = torch.cat([F.interpolate(side, shape, mode="bilinear", align_corners=False) for side in sides], 1)
        fused = (four * weights["classifier"].view(1, 4, 1, 1)).sum(1, keepdim=True) + weights["classifier.bias"]
        return torch.cat([four, fused], 1)

    def loss(self, vector, image, truth, teacher=None, trust=None, photo=1.0, lam=1.1):
        """The loss, a number, as in network.py."""
        weights, rounded = self.working(vector, self.dtype)
        sides = self.sides(weights, rounded, self.packed(image))
        scales = plain.scales(truth, teacher, trust, photo, lam).to(sides[0].dtype)
        return Loss.apply(*sides, weights["classifier"], weights["classifier.bias"], truth, scales, teacher)

    def packed(self, image):
        """Images as kernels take them, `[n, h, w, 4]`."""
        if image.shape[1] != 3:
            return image
        return F.pad(image.permute(0, 2, 3, 1), (0, 1)).to(self.dtype).contiguous()
