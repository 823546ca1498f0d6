"""The networks as modules of PyTorch: train on a GPU in PyTorch, find edges anywhere without it.

>>> import torch, pidinet.torch
>>> net = pidinet.torch.PiDiNet("tiny")
>>> optimizer = torch.optim.Adam(net.parameters(), lr=0.005, betas=(0.9, 0.99), weight_decay=1e-4)
>>> images = torch.randint(256, (2, 3, 40, 48), dtype=torch.uint8)
>>> truth = (torch.rand(2, 40, 48) > 0.9).float()                  # the share of annotators who marked each pixel
>>> loss = pidinet.torch.edge_loss(net(net.normalise(images)), truth)
>>> loss.backward(); optimizer.step()

What was learnt is a model file, which needs PyTorch no more:

>>> import tempfile, pidinet
>>> path = tempfile.mkdtemp() + "/own.safetensors"
>>> net.save(path, licence="MIT", training_data="random numbers")
>>> pidinet.EdgeDetector(path)(images[0].numpy(), layout="chw").shape
(40, 48)

It is imported only where it is asked for: `import pidinet` never imports PyTorch.
"""

from importlib.util import find_spec as _find_spec

if _find_spec("torch") is None:
    raise ImportError(
        "pidinet.torch needs PyTorch, see https://pytorch.org/get-started; to find edges, pidinet.EdgeDetector needs none"
    )

from ._binary import BinaryConv2d, BiPDC, sign
from ._difference import PixelDifferenceConv2d, fold
from ._edges import SIZES, PiDiNet, Size
from ._kinds import CONFIGURATIONS, KINDS, kinds
from ._layout import LAYOUTS, Input, Layout, Stage
from ._loss import edge_loss
from ._pretrained import from_pretrained
from ._recognition import BiPiDiNet

__all__ = [
    "CONFIGURATIONS",
    "KINDS",
    "LAYOUTS",
    "SIZES",
    "BiPDC",
    "BiPiDiNet",
    "BinaryConv2d",
    "Input",
    "Layout",
    "PiDiNet",
    "PixelDifferenceConv2d",
    "Size",
    "Stage",
    "edge_loss",
    "fold",
    "from_pretrained",
    "kinds",
    "sign",
]
