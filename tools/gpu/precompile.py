"""Compiles every kernel that training needs into Triton's cache, on all cores at once; this needs no GPU.

    python precompile.py [--sizes full,small,tiny] [--capability 90] [--report]

TRITON_CACHE_DIR says where; a cache made on another machine works if it has the same version of Triton. With
--report, prints registers, bytes of shared memory and spilled registers of each kernel.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction


class NoDevice:
    """Answers what Triton's compiler asks a driver."""

    def __init__(self, capability):
        self.target = GPUTarget("cuda", capability, 32)

    def get_current_target(self):
        return self.target

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0


class Nothing:
    """Stands for a store of photographs as large as those of BSDS500."""

    def __init__(self, taught):
        self.images, self.shares, self.extent, self.side = torch.zeros(16, dtype=torch.uint8), torch.zeros(16, dtype=torch.uint8), torch.zeros(2), 481
        self.teacher = self.shares if taught else None


def wanted(sizes, dtype):
    """Each kernel with its arguments once: what a step on a small picture would launch, without computing anything."""
    import parameters
    from fast import Fast
    from sample import ROW

    found = {}

    def record(kernel, grid):
        def launch(*args, **options):
            kinds = tuple(arg.dtype if isinstance(arg, torch.Tensor) else type(arg) for arg in args)
            key = (kernel.__name__, kinds, tuple(sorted(options.items())))
            found.setdefault(key, (kernel, args, options))

        return launch

    usual = JITFunction.__getitem__
    JITFunction.__getitem__ = record
    for size in sizes:
        vector = parameters.initial(size, 1).requires_grad_()
        truth = torch.zeros(1, 16, 16, dtype=torch.uint8)
        network = Fast(size, torch.device("cpu"), dtype)
        for teacher in (None, torch.zeros(1, 16, 16)):
            loss = network.loss(vector, torch.zeros(1, 3, 16, 16), truth, teacher, torch.zeros(()))
            torch.autograd.grad(loss, vector)
        for taught in (False, True):
            network.sample(Nothing(taught), torch.zeros(1, ROW), 16, 16)
    JITFunction.__getitem__ = usual
    return list(found.values())


JOBS = []


def compile_one(i):
    kernel, args, options = JOBS[i]
    start = time.monotonic()
    name = f"{kernel.__name__} " + " ".join(f"{key}={value}" for key, value in options.items())
    try:
        compiled = kernel.run(*args, grid=(1,), warmup=True, **options)
    except Exception as error:
        raise RuntimeError(f"{name}: {error}") from None
    try:  # what launches it, too, where there is a GPU
        from triton.backends.nvidia.driver import CudaLauncher

        CudaLauncher(compiled.src, compiled.metadata)
    except Exception:
        pass
    return name, time.monotonic() - start, compiled.metadata.shared, compiled.asm["cubin"], compiled.asm["ptx"]


def usage(cubin):
    """Registers and bytes on the stack, according to the disassembler that comes with Triton."""
    import triton

    tool = os.path.join(os.path.dirname(triton.__file__), "backends/nvidia/bin/cuobjdump")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", text)
    return found.groups() if found else ("?", "?")


def main():
    parser = argparse.ArgumentParser(description="Compile the kernels of training.")
    parser.add_argument("--sizes", default="full,small,tiny")
    parser.add_argument("--capability", type=int, default=90, help="of the GPU, major and minor [default: 90, Hopper]")
    parser.add_argument("--report", action="store_true", help="what each kernel uses")
    parser.add_argument("--only", default="", help="kernels whose name has this in it")
    options = parser.parse_args()
    start = time.monotonic()
    torch.set_num_threads(1)
    driver.set_active(NoDevice(options.capability))
    JOBS.extend(job for job in wanted(options.sizes.split(","), torch.bfloat16) if options.only in job[0].__name__)
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork")) as pool:
        for name, seconds, shared, cubin, ptx in pool.map(compile_one, range(len(JOBS))):
            if options.report:
                registers, stack = usage(cubin)
                loads = [len(re.findall(rf"ld\.global\S*\.v{n}\S*", ptx)) for n in (4, 2)] + [len(re.findall(r"ld\.global(?!\S*\.v)", ptx))]
                product = "wgmma" if "wgmma" in ptx else "mma" if "mma.sync" in ptx else "-"
                print(
                    f"{name}: {seconds:.1f} s, {registers} registers, {stack} bytes of stack, {shared} of shared memory, "
                    f"loads ×4 ×2 ×1 {loads}, {product}", flush=True,
                )  # fmt: skip
    print(f"{len(JOBS)} kernels in {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()
