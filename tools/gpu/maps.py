"""A model's maps of photographs, averaged over scales and mirror images, and files of them."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

from pack_photos import STEPS
from sample import DEVIATION, MEAN

FILE = 15_000_000  # bytes of a file of maps, at most


def averaged(net, vector, data, numbers, device, deadline, scales=(0.75, 1.0, 1.25), corrected=False):
    """The fused map of each photograph, averaged over scales and mirror images, in 8 bits; until the deadline. If
    `corrected`, masks change them where they know more."""
    mean, deviation = (torch.tensor(each, device=device).view(1, 3, 1, 1) for each in (MEAN, DEVIATION))
    groups = {}
    for i in numbers:
        groups.setdefault(data.images[i].shape[:2], []).append(i)
    with torch.no_grad():
        for shape, members in groups.items():
            for place in range(0, len(members), 8):
                if time.monotonic() > deadline:
                    return
                some = members[place : place + 8]
                image = torch.from_numpy(np.stack([data.images[i] for i in some])).to(device)
                image = (image.permute(0, 3, 1, 2).float() / 255 - mean) / deviation
                total = torch.zeros(len(some), *shape, device=device)
                for scale in scales:
                    to = [max(8, round(scale * each)) for each in shape]
                    scaled = image if scale == 1 else resize(image, to)
                    for flip in (False, True):
                        maps = torch.sigmoid(net.maps(vector, scaled.flip(3) if flip else scaled)[:, 4:])
                        total += resize(maps.flip(3) if flip else maps, shape)[:, 0]
                total /= 2 * len(scales)
                if corrected and any(i in data.corrections for i in some):
                    nothing = np.zeros(shape, np.int8)
                    change = torch.from_numpy(np.stack([data.corrections.get(i, nothing) for i in some])).to(device)
                    total = torch.sigmoid(torch.logit(total, 1e-4) + change / STEPS)
                found = (total * 255).round().byte().cpu().numpy()
                yield from zip(some, found)


def resize(image, to):
    return torch.nn.functional.interpolate(image, to, mode="bilinear", align_corners=False, antialias=False)


def png(pair):
    file = io.BytesIO()
    Image.fromarray(pair[1]).save(file, "PNG")
    return pair[0], file.getvalue()


def write_maps(results, name, net, vector, data, device, deadline, room):
    """Files of maps as PNG: `names`, `starts`, `files`, as photographs are packed. Returns the bytes written."""
    numbers = data.of("train", "val", "test")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(png, averaged(net, vector, data, numbers, device, deadline)))
    written, part = 0, 0
    while found:
        some, length = [], 0
        while found and length + len(found[0][1]) < FILE:
            some.append(found.pop(0))
            length += len(some[-1][1])
        if written + length > room:
            results.say(f"{len(some) + len(found)} maps of {name} are left out for lack of room")
            break
        file = io.BytesIO()
        np.savez(
            file, names=[data.names[i] for i, _ in some], starts=np.cumsum([0, *(len(each) for _, each in some)]),
            files=np.frombuffer(b"".join(each for _, each in some), np.uint8),
        )
        results.write(f"maps-{name}-{part}.npz", file.getvalue())
        written, part = written + length, part + 1
    results.say(f"maps of {name}: {written / 1e6:.1f} MB in {part} files")
    return written
