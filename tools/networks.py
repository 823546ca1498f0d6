"""What scripts here need of networks beside `pidinet.torch`, which states them."""

import torch
from torch import nn


class Edges(nn.Module):
    """A PiDiNet that gives what is used: the fused map `[n, 1, h, w]` of images `[n, 3, h, w]`."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return self.net.edges(images)


def randomise(net, seed):
    """Fills in random weights that keep the size of activations, and logits of a size that shows errors."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        bound = (3 / parameter[0].numel()) ** 0.5 if parameter.dim() == 4 else 0.5
        with torch.no_grad():
            parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound)
    return net
