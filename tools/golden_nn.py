#!/usr/bin/python3
"""Writes the golden files of the networks: what PyTorch computes for the same weights and input.

An independent twin of PANNs' CNN6, CNN10 and CNN14 (Kong et al. 2020) and of our frame-wise variant, in training and in
evaluation: outputs, loss, every gradient, ten training losses, running statistics afterwards. Weights and input come
from a formula (see `value`) that tests/models/test_cnn.c repeats, so only results are stored.

    tools/golden_nn.py                    small networks into tests/nn/golden/
    tools/golden_nn.py --full DIR         CNN10 and CNN14 at full width into DIR (some 400 MB), for tools/check_nn.py
"""
import argparse
import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)


def mix(h):
    """MurmurHash3's 32-bit finaliser on an array of uint32."""
    h = h.astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def value(name, count):
    """`count` numbers in [-1, 1) that depend on the name alone."""
    key = 2166136261
    for byte in name.encode():
        key = ((key ^ byte) * 16777619) & 0xFFFFFFFF
    index = np.arange(count, dtype=np.uint64) + np.uint64(key)
    return mix((index & np.uint64(0xFFFFFFFF)).astype(np.uint32)).astype(np.float64) / 2147483648.0 - 1.0


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.two = kernel == 3
        if self.two:
            self.conv2 = nn.Conv2d(outputs, outputs, kernel, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x, window, pooling):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.two:
            x = F.relu(self.bn2(self.conv2(x)))
        parts = []
        if "avg" in pooling:
            parts.append(F.avg_pool2d(x, window))
        if "max" in pooling:
            parts.append(F.max_pool2d(x, window))
        return sum(parts)


class Context(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, (3, 1), padding=(dilation, 0), dilation=(dilation, 1), bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + F.relu(self.bn(self.conv(x)))


class Net(nn.Module):
    def __init__(self, arch, width, classes, framewise, pooling):
        super().__init__()
        channels = [64, 128, 256, 512] + ([1024, 2048] if arch == "cnn14" else [])
        channels = [max(1, math.floor(c * width + 0.5)) for c in channels]
        embedding = max(1, math.floor((2048 if arch == "cnn14" else 512) * width + 0.5))
        kernel = 5 if arch == "cnn6" else 3
        self.framewise, self.pooling, self.blocks = framewise, pooling, len(channels)
        if framewise:
            self.windows = [(2, 2), (2, 2), (2, 2), (1, 2)]
        else:
            self.windows = [(2, 2)] * len(channels)
            if arch == "cnn14":
                self.windows[5] = (1, 1)
        self.bn0 = nn.BatchNorm2d(64)
        for i, c in enumerate(channels):
            setattr(self, f"conv_block{i + 1}", Block(channels[i - 1] if i else 1, c, kernel))
        if framewise:
            self.context1 = Context(channels[-1], 2)
            self.context2 = Context(channels[-1], 4)
            self.fc_frame = nn.Linear(channels[-1], classes)
        else:
            self.fc1 = nn.Linear(channels[-1], embedding)
            self.fc_audioset = nn.Linear(embedding, classes)

    def forward(self, x):
        x = self.bn0(x[:, None].transpose(1, 3)).transpose(1, 3)
        for i in range(self.blocks):
            x = getattr(self, f"conv_block{i + 1}")(x, self.windows[i], self.pooling)
        x = x.mean(dim=3)
        if not self.framewise:
            x = x.max(dim=2)[0] + x.mean(dim=2)
            embedding = F.relu(self.fc1(x))
            return {"embedding": embedding, "clip": self.fc_audioset(embedding)}
        x = self.context2(self.context1(x[..., None]))[..., 0]
        frame = self.fc_frame(x.transpose(1, 2))
        p = torch.sigmoid(frame)
        clip = torch.log((p * p).sum(1)) - torch.log((p * (1 - p)).sum(1))
        return {"embedding": x.max(dim=2)[0] + x.mean(dim=2), "frame": frame, "clip": clip}


def fill(net):
    """Weights by the formula; norms near one, running statistics too, so that folding has something to fold."""
    with torch.no_grad():
        for name, array in net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            v = value(name, array.numel())
            if array.dim() >= 2:
                area = int(np.prod(array.shape[2:])) if array.dim() > 2 else 1
                v *= math.sqrt(6.0 / (area * (array.shape[0] + array.shape[1])))
            elif name.endswith("running_var"):
                v = 1.0 + 0.5 * v
            elif name.endswith("weight"):
                v = 1.0 + 0.2 * v
            else:
                v *= 0.1
            array.copy_(torch.from_numpy(v.astype(np.float32)).reshape(array.shape))


def loss_of(kind, out, n, classes):
    """Targets in [0, 1] and weights by the formula."""
    if kind == "softmax":
        t = torch.from_numpy((value("target", n * classes) + 1.0).astype(np.float32)).reshape(n, classes)
        t = t / t.sum(1, keepdim=True)
        return -(t * F.log_softmax(out["clip"], 1)).sum(1).mean()
    clip = torch.from_numpy((value("target", n * classes) > 0).astype(np.float32)).reshape(n, classes)
    loss = F.binary_cross_entropy_with_logits(out["clip"], clip)
    if kind == "frames":
        frames = out["frame"].shape[1]
        count = n * frames * classes
        t = torch.from_numpy((value("frame_target", count) > 0).astype(np.float32)).reshape(n, frames, classes)
        w = torch.from_numpy(np.maximum(value("frame_weight", count), 0).astype(np.float32)).reshape(n, frames, classes)
        each = F.binary_cross_entropy_with_logits(out["frame"], t, reduction="none")
        loss = 0.5 * loss + (each * w).sum() / w.sum()
    return loss


def optimiser(kind, net, rate):
    decay = [p for p in net.parameters() if p.dim() >= 2]
    rest = [p for p in net.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
    return (torch.optim.Adam if kind == "adam" else torch.optim.AdamW)(groups, lr=rate)


def write(path, tensors, texts):
    header, at = {"__metadata__": texts}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + 4 * array.size]}
        at += 4 * array.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            out.write(np.ascontiguousarray(array, dtype="<f4").tobytes())


def golden(path, arch, width, classes, n, frames, loss_kind, optim_kind, framewise=False, pooling="avg", clip_norm=0.0,
           rate=None):
    net = Net(arch, width, classes, framewise, pooling)
    fill(net)
    x = value("input", n * frames * 64).astype(np.float32).reshape(n, frames, 64)
    x = torch.from_numpy((-30.0 + 15.0 * x).astype(np.float32))
    tensors = {}
    net.eval()
    with torch.no_grad():
        for name, out in net(x).items():
            tensors["eval." + name] = out.numpy()
    net.train()
    rate = rate or (0.02 if optim_kind == "sgd" else 1e-3)
    optim = optimiser(optim_kind, net, rate)
    losses, norms = [], []
    for step in range(10):
        optim.zero_grad()
        out = net(x)
        loss = loss_of(loss_kind, out, n, classes)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            for name, o in out.items():
                tensors["train." + name] = o.detach().numpy().copy()
            for name, p in net.named_parameters():
                tensors["grad." + name] = p.grad.numpy().copy()
        limit = clip_norm if clip_norm > 0 else float("inf")
        norms.append(float(torch.nn.utils.clip_grad_norm_(net.parameters(), limit)))
        optim.step()
    for name, array in net.state_dict().items():
        if "running" in name:
            tensors["after." + name] = array.numpy()
    tensors["losses"], tensors["norms"] = np.array(losses), np.array(norms)
    write(path, tensors, {"arch": arch, "width": repr(width), "classes": str(classes), "n": str(n),
                          "frames": str(frames), "loss": loss_kind, "optim": optim_kind, "pooling": pooling,
                          "framewise": str(int(framewise)), "clip_norm": repr(clip_norm),
                          "rate": repr(rate)})
    print(f"{path}: {path.stat().st_size} bytes, losses {losses[0]:.6f} .. {losses[-1]:.6f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", type=pathlib.Path, metavar="DIR")
    args = parser.parse_args()
    if args.full:  # sizes where no ReLU lies so near to zero that float32 and float64 disagree (see below)
        golden(args.full / "cnn10-full.safetensors", "cnn10", 1.0, 5, 2, 100, "sigmoid", "adamw")
        golden(args.full / "cnn14-full.safetensors", "cnn14", 1.0, 5, 2, 100, "softmax", "sgd", rate=2e-5)
        golden(args.full / "detector.safetensors", "cnn10", 0.25, 1, 2, 200, "frames", "adamw", True, clip_norm=1.0)
        return
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "nn" / "golden"
    # Sizes are such that float32 and float64 agree in PyTorch itself: with a dozen values a channel in the last block
    # (three clips of 70 frames in CNN14) ten steps differ by 1 % between the two.
    golden(folder / "cnn6.safetensors", "cnn6", 1 / 16, 3, 3, 70, "sigmoid", "adam", pooling="max")
    golden(folder / "cnn10.safetensors", "cnn10", 1 / 16, 3, 4, 96, "sigmoid", "sgd")
    golden(folder / "cnn10-frames.safetensors", "cnn10", 1 / 16, 2, 3, 128, "frames", "adamw", True, "avg+max", 1.0)
    golden(folder / "cnn14.safetensors", "cnn14", 1 / 32, 4, 4, 160, "softmax", "adamw")


if __name__ == "__main__":
    main()
