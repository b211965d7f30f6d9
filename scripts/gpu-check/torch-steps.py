"""The same steps in PyTorch, for comparison. Made-up weights: only the time counts.

usage: torch-steps.py WIDTH HEIGHT      prints one JSON object a line: PyTorch and its device; then, where that is a
graphics processor, net, task, half, ms (middle of many)
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

width, height = int(sys.argv[1]), int(sys.argv[2])
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cudnn.benchmark = True
torch.manual_seed(0)


def conv(inner, out, kernel, stride=1, pad=None):
    return nn.Conv2d(inner, out, kernel, stride, kernel // 2 if pad is None else pad)


class Vgg19(nn.Module):
    """To relu5_1; the first of each block, and relu4_2."""

    plan = [[64, 64], [128, 128], [256] * 4, [512] * 4, [512]]

    def __init__(self):
        super().__init__()
        inner, self.blocks = 3, nn.ModuleList()
        for block in self.plan:
            layers = nn.ModuleList()
            for out in block:
                layers.append(conv(inner, out, 3))
                inner = out
            self.blocks.append(layers)

    def forward(self, x):
        style = []
        for index, layers in enumerate(self.blocks):
            if index:
                x = F.max_pool2d(x, 2)
            for at, layer in enumerate(layers):
                x = F.relu(layer(x))
                if at == 0:
                    style.append(x)
                if (index, at) == (3, 1):
                    content = x
        return style, content


class Inception(nn.Module):
    def __init__(self, inner, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.one = conv(inner, one, 1)
        self.three = nn.Sequential(conv(inner, reduce3, 1), nn.ReLU(), conv(reduce3, three, 3))
        self.five = nn.Sequential(conv(inner, reduce5, 1), nn.ReLU(), conv(reduce5, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(inner, pooled, 1))

    def forward(self, x):
        return F.relu(torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1))


def googlenet_4c():
    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        conv(3, 64, 7, 2), nn.ReLU(), pool(), nn.LocalResponseNorm(5),
        conv(64, 64, 1), nn.ReLU(), conv(64, 192, 3), nn.ReLU(), nn.LocalResponseNorm(5), pool(),
        Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), pool(),
        Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64),
        Inception(512, 128, 128, 256, 24, 64, 64),
    )


def upconv_7():
    layers, inner = [], 3
    for out in (16, 32, 64, 128, 128, 256):
        layers += [conv(inner, out, 3, pad=0), nn.LeakyReLU(0.1)]
        inner = out
    return nn.Sequential(*layers, nn.ConvTranspose2d(256, 3, 4, 2, 3))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        part = lambda: [nn.ReflectionPad2d(1), conv(channels, channels, 3, pad=0), nn.InstanceNorm2d(channels, affine=True)]
        self.body = nn.Sequential(*part(), nn.ReLU(), *part())

    def forward(self, x):
        return x + self.body(x)


def fast_style():
    """Johnson's net with 16, 32 and 64 channels, three blocks and 5x5 ends."""

    def layer(inner, out, kernel, stride=1):
        return [nn.ReflectionPad2d(kernel // 2), conv(inner, out, kernel, stride, 0), nn.InstanceNorm2d(out, affine=True), nn.ReLU()]

    up = lambda: nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(
        *layer(3, 16, 5), *layer(16, 32, 3, 2), *layer(32, 64, 3, 2), Residual(64), Residual(64), Residual(64),
        up(), *layer(64, 32, 3), up(), *layer(32, 16, 3), nn.ReflectionPad2d(2), conv(16, 3, 5, pad=0),
    )


def gram(x):
    rows = x.flatten(2)[0].float()
    return rows @ rows.t() / rows.shape[1]


def style_step(half):
    net = Vgg19().to(device).requires_grad_(False)
    image = torch.rand(1, 3, height, width, device=device, requires_grad=True)
    adam = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99))

    def step():
        adam.zero_grad(set_to_none=True)
        with torch.autocast(device, enabled=half, dtype=torch.float16):
            style, content = net(image)
        loss = content.float().square().mean()
        for x in style:
            loss = loss + gram(x).square().mean()
        loss.backward()
        adam.step()

    return step


def dream_step(half):
    net = googlenet_4c().to(device).requires_grad_(False)
    image = torch.rand(1, 3, height, width, device=device, requires_grad=True)

    def step():
        with torch.autocast(device, enabled=half, dtype=torch.float16):
            seen = net(image)
        (slope,) = torch.autograd.grad(seen.float().square().mean(), image)
        with torch.no_grad():
            image.add_(slope / slope.abs().mean(), alpha=1.5 / 255)

    return step


def look(net, half):
    net = net.to(device).eval().requires_grad_(False)
    host = torch.rand(1, 3, height, width)

    def step():
        with torch.no_grad(), torch.autocast(device, enabled=half, dtype=torch.float16):
            net(host.to(device)).float().cpu()

    return step


def measure(step, seconds=3.0):
    def once():
        started = time.perf_counter()
        step()
        torch.cuda.synchronize()
        return (time.perf_counter() - started) * 1000

    once(), once()
    times, begun = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < seconds:
        times.append(once())
    return sorted(times)[len(times) // 2]


tasks = [
    ("vgg19", "style", style_step),
    ("googlenet", "dream", dream_step),
    ("fast-style", "forward", lambda half: look(fast_style(), half)),
    ("upconv7-scale2x", "forward", lambda half: look(upconv_7(), half)),
]
print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name() if device == "cuda" else "no graphics processor"}), flush=True)
for name, task, make in tasks if device == "cuda" else []:
    for half in (False, True):
        print(json.dumps({"net": name, "task": task, "half": half, "ms": measure(make(half))}), flush=True)
