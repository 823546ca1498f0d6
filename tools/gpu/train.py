"""Trains one network for a given time on one device: crops, then whole photographs at a tenth of the rate.

A step (sampling, loss, gradients, Adam, average) is recorded once for each size of crop and then replayed, so that
the host has nothing to do. What changes from step to step is in tables on the device, a row for each step, which are
rewritten for every chunk of steps; the length of a chunk, and so the schedule, follows the clock.
"""

import math
import time
import traceback
from dataclasses import dataclass, field

import numpy as np
import torch

import network
from sample import ROW, Recipe


@dataclass
class Plan:
    """The settings of a run. Phases are (share of the time, side of the crop), 0 for whole photographs."""

    kinds: tuple = ("shares", "registered")  # of truth, each as often as the others; or edges
    phases: tuple = ((0.45, 256), (0.4, 320), (0.15, 0))
    pixels: int = 8 * 320 * 320  # of a step, about
    rate: float = 0.004
    end: float = 0.1  # of the rate, on whole photographs
    warmup: float = 0.01
    memory: float = 0.08  # share of the steps so far that the average looks back
    lam: float = 1.1
    trust: float = 0.0  # weight of the teacher's term where there is truth, too, until whole photographs come
    photo: float = 1.0  # and where there is none
    recipe: Recipe = field(default_factory=Recipe)


class Chunk:
    """Tables of the steps until the clock is looked at again."""

    def __init__(self, steps, batch, device):
        self.rows = torch.zeros(steps, batch, ROW, device=device)
        self.numbers = torch.zeros(steps, 3, device=device)  # rate, share of the new weights in the average, trust
        self.losses = torch.zeros(steps, device=device)
        self.step = torch.zeros(1, dtype=torch.long, device=device)


class Learner:
    """Parameters, Adam and the average, and a step of a given size as a replayable graph."""

    def __init__(self, size, vector, store, plan, device, mode, dtype):
        self.size, self.store, self.plan, self.device, self.dtype = size, store, plan, device, dtype
        self.use(mode)
        self.vector = vector.clone().to(device).requires_grad_()
        self.average = self.vector.detach().clone()
        self.first, self.second = torch.zeros_like(self.average), torch.zeros_like(self.average)
        self.corrections = torch.ones(2, device=device)  # .9^k and .99^k
        self.steps = self.pixels = 0

    def use(self, mode):
        """Computes steps in this way from now on."""
        self.mode, self.network = mode, network.make(self.size, self.device, mode, self.dtype)

    def state(self):
        return [self.vector.data, self.average, self.first, self.second, self.corrections]

    def once(self, chunk, height, width):
        """One step, as the tables describe `chunk.step`."""
        rows = chunk.rows.index_select(0, chunk.step)[0]
        rate, fresh, trust = chunk.numbers.index_select(0, chunk.step)[0].unbind()
        with torch.no_grad():
            image, truth, teacher = self.network.sample(self.store, rows, height, width)
        loss = self.network.loss(self.vector, image, truth, teacher, trust, self.plan.photo, self.plan.lam)
        (gradient,) = torch.autograd.grad(loss, self.vector)
        with torch.no_grad():
            decays = (0.9, 0.99)
            self.first.lerp_(gradient, 1 - decays[0])
            self.second.mul_(decays[1]).addcmul_(gradient, gradient, value=1 - decays[1])
            self.corrections[0].mul_(decays[0])
            self.corrections[1].mul_(decays[1])
            unbiased = 1 - self.corrections
            change = self.first / unbiased[0] / ((self.second / unbiased[1]).sqrt() + 1e-8)
            self.vector.sub_(change * rate)
            self.average.lerp_(self.vector, fresh)
            chunk.losses.index_copy_(0, chunk.step, loss.detach().view(1).float())
            chunk.step += 1

    def record(self, chunk, height, width):
        """A function that does the next step. On a GPU it replays; the first steps, which warm up, are undone."""
        if self.device.type != "cuda":
            return lambda: self.once(chunk, height, width)
        before = [each.clone() for each in self.state()]
        try:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(2):
                    self.once(chunk, height, width)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.once(chunk, height, width)
        finally:
            with torch.no_grad():
                for each, old in zip(self.state(), before):
                    each.copy_(old)
                chunk.step.zero_()
        return graph.replay

    def synchronise(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def shapes(plan, store, side):
    """Height, width, images a step and the share of such steps, for the crops of a phase, as numbers that a kernel takes."""
    if side:
        return [(side, side, max(1, plan.pixels // (side * side)), 1.0)]
    found = {}
    for size, known in zip(map(tuple, store.sizes.tolist()), store.known):
        if known:
            found[size] = found.get(size, 0) + 1
    return [(*size, max(1, plan.pixels // math.prod(size)), count / sum(found.values())) for size, count in found.items()]


def orders(store, random, size):
    """Numbers of the photographs of a size, each once in every round, in random order."""
    numbers = np.array([i for i, (each, known) in enumerate(zip(store.sizes, store.known)) if tuple(each) == size and known])
    while True:
        yield from random.permutation(numbers)


def prepare(learner, random, side):
    """The tables and the step of each shape of a phase: height, width, images, share of the steps, chunk, step, order."""
    plan, store, found = learner.plan, learner.store, []
    for height, width, batch, share in shapes(plan, store, side):
        chunk = Chunk(4096, batch, learner.device)
        rows = plan.recipe.draw(random, store, 3 * batch, height, width).reshape(3, batch, ROW)
        chunk.rows[:3] = torch.from_numpy(rows).to(learner.device)
        order = None if side else orders(store, random, (height, width))
        found.append((height, width, batch, share, chunk, learner.record(chunk, height, width), order))
    return found


def train(learner, seconds, random, say, save, renewed=None):
    """Goes through the phases within `seconds`; `say` gets a line of the log, `save` is called every half minute and
    after every phase, `renewed` before every phase of crops but the first: it returns a store, with what the learner can
    teach itself now. If our kernels fail, the phase goes on without them.

    The learner keeps the last weights and the average."""
    start, ended = time.monotonic(), 0.0
    for share, side in learner.plan.phases:
        ended += share
        if renewed and side and ended > share:
            learner.store = renewed()
        try:
            go(learner, side, ended * seconds, seconds, start, random, say, save)
        except Exception:
            if learner.mode == "plain":
                raise
            say(f"our kernels failed, {learner.size} goes on without\n{traceback.format_exc()}")
            learner.use("plain")
            go(learner, side, ended * seconds, seconds, start, random, say, save)
        save(side == learner.plan.phases[-1][1])


def go(learner, side, until, seconds, start, random, say, save, chunk_seconds=3.0):
    """One phase, until the clock says `until` since `start`."""
    plan, store = learner.plan, learner.store
    low, saved, pace = side == 0, time.monotonic(), {}
    kinds = prepare(learner, random, side)
    while time.monotonic() - start < until:
        for height, width, batch, weight, chunk, run, order in kinds:
            now = time.monotonic() - start
            wanted = min(chunk_seconds, max(until - now, 0)) * weight
            steps = int(min(4096, max(1, wanted / pace[run]))) if run in pace else 1
            duration = steps * pace.get(run, 0) / weight
            where = np.minimum(np.linspace(now, now + duration, steps) / seconds, 1)
            whole = np.array([next(order) for _ in range(steps * batch)]) if low else None
            rows = plan.recipe.draw(random, store, steps * batch, height, width, whole).reshape(steps, batch, ROW)
            numbers = np.stack([
                rate(plan, where, low),
                1 / np.maximum(10, plan.memory * (learner.steps + 1 + np.arange(steps))),
                np.full(steps, 0 if low else plan.trust),
            ], 1)
            chunk.rows[:steps] = torch.from_numpy(rows).to(learner.device)
            chunk.numbers[:steps] = torch.from_numpy(numbers.astype(np.float32)).to(learner.device)
            chunk.step.zero_()
            learner.synchronise()
            before = time.monotonic()
            for _ in range(steps):
                run()
            learner.synchronise()
            pace[run] = (time.monotonic() - before) / steps
            learner.steps += steps
            learner.pixels += steps * batch * height * width
            loss = chunk.losses[:steps].mean().item() / (height * width)
            now = time.monotonic() - start
            say(
                f"{now:6.1f} s, {width}×{height}: {1000 * pace[run]:.2f} ms a step, "
                f"{batch * height * width / pace[run] / 1e6:.1f} megapixels/s, {learner.pixels / 1e9:.2f} gigapixels, loss {loss:.5f}"
            )
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss of {learner.size} is {loss}")
        if time.monotonic() - saved > 30:
            save(False)
            saved = time.monotonic()


def rate(plan, where, low):
    """Learning rates at shares of the time; `low` for whole photographs."""
    crops = sum(share for share, side in plan.phases if side)
    if low:
        return plan.rate * plan.end * (1 - (where - crops) / max(1 - crops, 1e-9)).clip(0, 1)
    part = (where / max(crops, 1e-9)).clip(0, 1)
    warm = (where / plan.warmup).clip(0, 1) if plan.warmup else 1
    return plan.rate * 0.5 * (1 + np.cos(np.pi * part)) * np.maximum(warm, 0.02)
