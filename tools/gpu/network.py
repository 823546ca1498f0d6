"""A PiDiNet in training: its loss with gradients with respect to a vector of parameters, in one of two ways.

`plain` is ordinary PyTorch (plain.py), which runs everywhere; `fast` is our own kernels (kernels.py). Both have the
same interface and, except for rounding, the same results.
"""

import plain


class Plain:
    """Ordinary operations; `dtype` is that of activations."""

    def __init__(self, size, device, dtype):
        self.size, self.dtype, self.folding = size, dtype, plain.Folding(device)

    def sample(self, store, rows, height, width):
        """Images `[n, 3, h, w]`, truth and the teacher's maps, see `Store.sample`."""
        return store.sample(rows, height, width)

    def maps(self, vector, image):
        """Four side maps and the fused one before the sigmoid, `[n, 5, h, w]`, of images `[n, 3, h, w]`."""
        return plain.logits(self.size, vector, image, self.folding, self.dtype)

    def loss(self, vector, image, truth, teacher=None, trust=None, photo=1.0, lam=1.1):
        """The loss, a number; the teacher's term weighs `trust`, a tensor of no dimension, where there is truth, and `photo`
        where there is none."""
        return plain.loss(self.maps(vector, image), truth, teacher, trust, photo, lam)


def make(size, device, mode, dtype):
    """A network, `mode` being plain or fast."""
    if mode == "plain":
        return Plain(size, device, dtype)
    from fast import Fast

    return Fast(size, device, dtype)
