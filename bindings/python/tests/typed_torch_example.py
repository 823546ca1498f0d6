"""How a program with types uses the networks: read by a test, never run."""

from pathlib import Path

import torch

import pidinet.torch
from pidinet.torch import BiPDC, BiPiDiNet, PiDiNet, PixelDifferenceConv2d, Size


def main(images: torch.Tensor, truth: torch.Tensor, path: Path) -> None:
    net = PiDiNet(Size(20, 8, True), config="carv4", theta=0.7).cuda()
    loss = pidinet.torch.edge_loss(net(net.normalise(images)), truth, eta=0.5)
    loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
    net.save(path, licence="MIT", scores={"own.ods": 0.8})
    edges: torch.Tensor = PiDiNet.from_pretrained(path).fold().edges(images)
    conv: torch.nn.Conv2d = PixelDifferenceConv2d(3, 8, "rd", stride=2, bias=True).fold()
    classes: BiPiDiNet = BiPiDiNet.from_pretrained("bi-pidinet-s").set_precision("real")
    either: PiDiNet | BiPiDiNet = pidinet.torch.from_pretrained("tiny", detail=0.5)
    print(conv, classes.labels, BiPDC(4, 8, "ad").weight.shape, either.metadata, edges.shape)
