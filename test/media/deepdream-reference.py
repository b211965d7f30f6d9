"""
google/deepdream's dream.ipynb (deepdream and make_step, jitter left out) in PyTorch, on a Caffe net stored as ONNX.

usage: deepdream-reference.py NET.onnx LAYER IN.f32 OUT.f32 HEIGHT WIDTH OCTAVES SCALE ITERATIONS STEP [float32|float64]
Pictures are raw float32, [3, H, W], RGB, 0..1. OUT holds the picture after each step of the largest octave. Prints JSON:
seconds of the fastest of these steps.
"""
import json
import sys
import time

import numpy
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as functional

torch.set_num_threads(2)
net_file, layer, source, target = sys.argv[1:5]
height, width, octaves, scale, iterations, step = (float(x) if '.' in x else int(x) for x in sys.argv[5:11])

graph = onnx.load(net_file).graph
precision = numpy.dtype(sys.argv[11] if len(sys.argv) > 11 else 'float32')
weights = {w.name: torch.from_numpy(onnx.numpy_helper.to_array(w).astype(precision)) for w in graph.initializer}
mean = numpy.array([104, 117, 123], precision).reshape(3, 1, 1)  # BGR


def forward(image):
    """Computes from the first node to the one that makes `layer`; every operator that GoogLeNet and VGG need."""
    values = {graph.input[0].name: image}
    for node in graph.node:
        at = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[i] if i in values else weights[i] for i in node.input]
        x = inputs[0]
        if node.op_type == 'Conv':
            y = functional.conv2d(x, inputs[1], inputs[2], at['strides'], at['pads'][:2])
        elif node.op_type == 'Relu':
            y = functional.relu(x)
        elif node.op_type == 'MaxPool':
            y = functional.max_pool2d(x, at['kernel_shape'], at['strides'], at['pads'][:2], ceil_mode=bool(at.get('ceil_mode', 0)))
        elif node.op_type == 'LRN':
            y = functional.local_response_norm(x, at['size'], at['alpha'], at['beta'], at['bias'])
        elif node.op_type == 'Concat':
            y = torch.cat(inputs, 1)
        else:
            raise SystemExit('no rule for ' + node.op_type)
        values[node.output[0]] = y
        if node.output[0] == layer:
            return y
    raise SystemExit('no layer ' + layer)


def zoom(planes, h, w):
    """scipy.ndimage.zoom of order 1: linear, corners stay corners."""
    return functional.interpolate(torch.from_numpy(planes.copy())[None], (h, w), mode='bilinear', align_corners=True)[0].numpy()


def make_step(image):
    x = torch.from_numpy(image[None]).requires_grad_()
    y = forward(x)
    y.backward(y.detach())  # dst.diff[:] = dst.data
    g = x.grad[0].numpy()
    image = image + step / numpy.abs(g).mean() * g
    return numpy.clip(image, -mean, 255 - mean)


rgb = numpy.fromfile(source, numpy.float32).reshape(3, height, width).astype(precision)
bases = [rgb[::-1] * 255 - mean]
for _ in range(octaves - 1):
    bases.append(zoom(bases[-1], *(round(side / scale) for side in bases[-1].shape[1:])))
detail = numpy.zeros_like(bases[-1])
for octave, base in enumerate(bases[::-1]):
    h, w = base.shape[1:]
    if octave > 0:
        detail = zoom(detail, h, w)
    image = base + detail
    pictures, seconds = [], []
    for _ in range(iterations):
        started = time.perf_counter()
        image = make_step(image)
        seconds.append(time.perf_counter() - started)
        pictures.append((image + mean)[::-1] / 255)
    detail = image - base
numpy.stack(pictures).astype(numpy.float32).tofile(target)
print(json.dumps({'secondsPerStep': min(seconds)}))
