"""Gatys' iteration in PyTorch, beside which ours is measured. Reads weights and pictures that the test wrote.

usage: torch-iteration.py FOLDER THREADS
Answers each line "STEPS" on standard input with one line of JSON: the loss before each step, and milliseconds.
"""
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
device = "cuda" if torch.cuda.is_available() else "cpu"
plan = json.load(open(f"{folder}/plan.json"))


def read(name):
    entry = plan["tensors"][name]
    data = numpy.fromfile(f"{folder}/{name}.f32", dtype="<f4").reshape(entry)
    return torch.from_numpy(data.copy()).to(device)


weights = {name: read(name) for name in plan["tensors"]}


def taps(x):
    found = {}
    for block, names in enumerate(plan["blocks"]):
        if block > 0:
            x = F.max_pool2d(x, 2)
        for name in names:
            x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))
            found[name] = x
    return found


def gram(x):
    rows = x.flatten(2)[0]
    return rows @ rows.t() / rows.shape[1]


with torch.no_grad():
    targets = {name: gram(x) for name, x in taps(weights["style"]).items() if name in plan["style"]}
    content = taps(weights["content"])[plan["content"]]

image = weights["content"].clone().requires_grad_(True)
optimiser = torch.optim.Adam([image], lr=plan["rate"], betas=(0.9, 0.999), eps=1e-8)


def step():
    optimiser.zero_grad()
    found = taps(image)
    loss = F.mse_loss(found[plan["content"]], content)
    for name in plan["style"]:
        loss = loss + F.mse_loss(gram(found[name]), targets[name])
    loss.backward()
    optimiser.step()
    return loss


for line in sys.stdin:
    losses, times = [], []
    for _ in range(int(line)):
        started = time.perf_counter()
        losses.append(step().item())
        times.append((time.perf_counter() - started) * 1000)
    print(json.dumps({"losses": losses, "ms": times}), flush=True)
