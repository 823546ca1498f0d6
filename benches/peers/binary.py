"""Times ONNX Runtime on what a binary network replaces: 3x3 convolutions with ResNet-18's shapes and a whole network
with ResNet-18's layout (one convolution for each shortcut), in float32 and int8. Prints microseconds, the shortest of
many runs.

    python benches/peers/binary.py --threads 1
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

SHAPES = [(64, 56), (128, 28), (256, 14), (512, 7)]


class Net:
    """Nodes and weights of a graph."""

    def __init__(self):
        self.nodes, self.weights, self.random = [], [], np.random.default_rng(1)

    def conv(self, x, inputs, outputs, size, stride=1):
        name = f"w{len(self.weights)}"
        bound = (6 / (inputs * size * size)) ** 0.5
        weight = self.random.uniform(-bound, bound, (outputs, inputs, size, size)).astype(np.float32)
        bias = np.zeros(outputs, np.float32)
        self.weights += [numpy_helper.from_array(weight, name), numpy_helper.from_array(bias, name + "b")]
        pad = size // 2
        return self.node("Conv", [x, name, name + "b"], strides=[stride] * 2, pads=[pad] * 4, kernel_shape=[size] * 2)

    def node(self, kind, inputs, **attributes):
        y = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [y], **attributes))
        return y

    def save(self, path, shape, output):
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "net", [value("x", shape)], [value(output, None)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, path)


def single(path, channels, side):
    net = Net()
    net.save(path, [1, channels, side, side], net.conv("x", channels, channels, 3))
    return [1, channels, side, side]


def resnet(path, batch):
    net = Net()
    x = net.node("MaxPool", [net.conv("x", 3, 64, 7, 2)], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inputs = 64
    for stage, outputs in enumerate([64, 128, 256, 512]):
        for block in range(4):
            halve = stage > 0 and block == 0
            y = net.conv(x, inputs, outputs, 3, 2 if halve else 1)
            if halve:
                x = net.conv(net.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2]), inputs, outputs, 1)
            x = net.node("Relu", [net.node("Add", [y, x])])
            inputs = outputs
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])])
    net.weights += [numpy_helper.from_array(net.random.normal(size=(512, 1000)).astype(np.float32), "fc")]
    net.save(path, [batch, 3, 224, 224], net.node("MatMul", [x, "fc"]))
    return [batch, 3, 224, 224]


class Noise(CalibrationDataReader):
    def __init__(self, shape):
        self.batches = iter([{"x": np.random.default_rng(k).normal(size=shape).astype(np.float32)} for k in range(2)])

    def get_next(self):
        return next(self.batches, None)


def timed(path, shape, threads, seconds):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {"x": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    session.run(None, feed)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--folder", type=Path, help="keep the models here")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: arguments.threads]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        cases = [(f"conv-{c}-{side}", lambda path, c=c, side=side: single(path, c, side)) for c, side in SHAPES]
        cases += [(f"resnet-18-batch-{batch}", lambda path, batch=batch: resnet(path, batch)) for batch in (1, 4)]
        print(f"onnxruntime {ort.__version__}, {arguments.threads} threads\n{'':20}{'float32 us':>12}{'int8 us':>12}")
        for name, make in cases:
            path, small = folder / f"{name}.onnx", folder / f"{name}-int8.onnx"
            shape = make(path)
            if not small.exists():
                quantize_static(path, small, Noise(shape), quant_format=QuantFormat.QOperator,
                                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True)
            times = [timed(file, shape, arguments.threads, arguments.seconds) for file in (path, small)]
            print(f"{name:20}{times[0]:12.1f}{times[1]:12.1f}", flush=True)


if __name__ == "__main__":
    main()
