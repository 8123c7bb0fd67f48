#!/usr/bin/python3
"""Writes the golden files of the architectures beside PANNs' CNNs: what PyTorch computes for the same weights and input.

Independent twins, with the parameter names of their references, of PANNs' ResNet22, MobileNetV1, MobileNetV2 and
Wavegram_Logmel_Cnn14 (Kong et al. 2020), of the TinyToes network and of ResNet50 with self-attention; and CNN10 with each
global pooling. Outputs in evaluation and in training, and gradients of every parameter (all elements of small ones; of
large ones 96 spread evenly, and the norm). Weights and input come from the formula of golden_nn.py, which
tests/models/test_arch.c repeats. Everything is computed in double precision. A deep narrow net has some ReLU so near its
corner that single precision falls on the other side of it, and then a gradient differs by percents; so inputs are tried
until PyTorch's own single precision, and double precision with weights moved by 2e-7, stay within 3.5e-5; and
the deepest have all their biases raised, which keeps most ReLUs open.

    tools/golden_models.py [NAME ...]     into tests/models/golden/arch-NAME.safetensors
"""
import copy
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from golden_nn import fill, value, write

SAMPLED = 96
INPUTS = 100  # tried, until one keeps clear of every ReLU's corner
FAR = 3.5e-5


def scaled(channels, width):
    return max(1, math.floor(channels * width + 0.5))


# ---- Parts ----

class ConvBlock(nn.Module):
    """Two 3x3 convolutions with norm and ReLU, mean pooling."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x, window):
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.avg_pool2d(x, window)


class StatPool(nn.Module):
    """Linear(2, 1) for each channel, or Linear(2 C, C), on mean and biased variance over time."""

    def __init__(self, channels, full):
        super().__init__()
        self.full = full
        self.weight = nn.Parameter(torch.zeros(channels, 2 * channels) if full else torch.zeros(1, 2))
        self.bias = nn.Parameter(torch.zeros(channels if full else 1))

    def forward(self, x):
        mean, variance = x.mean(2), x.var(2, unbiased=False)
        if self.full:
            return F.linear(torch.cat([mean, variance], 1), self.weight, self.bias)
        return F.linear(torch.stack([mean, variance], 2), self.weight, self.bias)[..., 0]


class MhaPool(nn.Module):
    """Each head weighs frames by the softmax of its query's products with them."""

    def __init__(self, channels, heads):
        super().__init__()
        self.query = nn.Parameter(torch.zeros(heads, channels // heads))

    def forward(self, x):
        heads, size = self.query.shape
        parts = x.reshape(x.shape[0], heads, size, x.shape[2])
        scores = torch.einsum("hs,nhst->nht", self.query, parts) / math.sqrt(size)
        return torch.einsum("nht,nhst->nhs", scores.softmax(2), parts).reshape(x.shape[0], -1)


class LiteralPool(nn.Module):
    """InfantCryNet's equation 6: alpha = W h, sum alpha h / sum alpha."""

    def __init__(self, frames):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(frames, frames))

    def forward(self, x):
        alpha = torch.einsum("ij,ncj->nci", self.weight, x)
        total = alpha.sum(2)
        total = torch.where(total.abs() < 1e-6, torch.full_like(total, 1e-6).copysign(total), total)
        return (alpha * x).sum(2) / total


def pool_of(kind, channels, frames):
    """Of (N, C, T)."""
    simple = {"max": lambda x: x.max(2)[0], "avg": lambda x: x.mean(2), "max+avg": lambda x: x.max(2)[0] + x.mean(2)}
    if kind in simple:
        return simple[kind]
    if kind == "mha":
        return MhaPool(channels, next(h for h in (8, 4, 2, 1) if channels % h == 0))
    return LiteralPool(frames) if kind == "attn-literal" else StatPool(channels, kind == "stat-full")


class Net(nn.Module):
    """What all have in common: bn0 over the frame's features; PANNs' head."""

    def __init__(self, bands):
        super().__init__()
        self.bn0 = nn.BatchNorm2d(bands)

    def norm(self, x):
        return self.bn0(x[:, None].transpose(1, 3)).transpose(1, 3)

    def add_head(self, channels, embedding, classes, pooling="max+avg", frames=0):
        self.pool = pool_of(pooling, channels, frames)
        self.fc1 = nn.Linear(channels, embedding)
        self.fc_audioset = nn.Linear(embedding, classes)

    def head(self, x):
        embedding = F.relu(self.fc1(self.pool(x.mean(3))))
        return {"embedding": embedding, "clip": self.fc_audioset(embedding)}


# ---- PANNs ----

class Cnn10(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        channels = [1] + [scaled(c, width) for c in (64, 128, 256, 512)]
        for i in range(4):
            setattr(self, f"conv_block{i + 1}", ConvBlock(channels[i], channels[i + 1]))
        self.add_head(channels[4], scaled(512, width), classes, pooling, frames // 16)

    def forward(self, x):
        x = self.norm(x)
        for i in range(4):
            x = getattr(self, f"conv_block{i + 1}")(x, 2)
        return self.head(x)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, half):
        super().__init__()
        self.half = half
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if half:
            self.downsample = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False),
                                            nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.avg_pool2d(x, 2) if self.half else x
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(y)))))
        return F.relu(y + (self.downsample(x) if self.half else x))


class ResNet22(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        channels = [scaled(c, width) for c in (64, 64, 128, 256, 512)]
        last = scaled(2048, width)
        self.conv_block1 = ConvBlock(1, channels[0])
        self.resnet = nn.Module()
        for i in range(4):
            blocks = nn.Sequential(BasicBlock(channels[i], channels[i + 1], i > 0),
                                   BasicBlock(channels[i + 1], channels[i + 1], False))
            setattr(self.resnet, f"layer{i + 1}", blocks)
        self.conv_block_after1 = ConvBlock(channels[4], last)
        self.add_head(last, last, classes)

    def forward(self, x):
        x = self.conv_block1(self.norm(x), 2)
        for i in range(4):
            x = getattr(self.resnet, f"layer{i + 1}")(x)
        return self.head(self.conv_block_after1(F.avg_pool2d(x, 2), 1))


def first(outputs, act):
    return nn.Sequential(nn.Conv2d(1, outputs, 3, padding=1, bias=False), nn.AvgPool2d(2), nn.BatchNorm2d(outputs), act())


class MobileNetV1(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        inputs = scaled(32, width)
        layers = [first(inputs, nn.ReLU)]
        for outputs, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + \
                [(1024, 2), (1024, 1)]:
            outputs = scaled(outputs, width)
            layers.append(nn.Sequential(
                nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False), nn.AvgPool2d(stride),
                nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
                nn.ReLU()))
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.add_head(inputs, scaled(1024, width), classes)

    def forward(self, x):
        return self.head(self.features(self.norm(x)))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, expand, stride):
        super().__init__()
        inside = inputs * expand
        self.skip = stride == 1 and inputs == outputs
        layers = []
        if expand > 1:
            layers += [nn.Conv2d(inputs, inside, 1, bias=False), nn.BatchNorm2d(inside), nn.ReLU6()]
        layers += [nn.Conv2d(inside, inside, 3, padding=1, groups=inside, bias=False), nn.AvgPool2d(stride),
                   nn.BatchNorm2d(inside), nn.ReLU6(), nn.Conv2d(inside, outputs, 1, bias=False),
                   nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.skip else self.conv(x)


class MobileNetV2(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        inputs = scaled(32, width)
        layers = [first(inputs, nn.ReLU6)]
        for expand, outputs, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 2),
                                               (6, 160, 3, 1), (6, 320, 1, 1)]:
            outputs = scaled(outputs, width)
            for i in range(count):
                layers.append(Inverted(inputs, outputs, expand, stride if i == 0 else 1))
                inputs = outputs
        last = scaled(1280, width)
        layers.append(nn.Sequential(nn.Conv2d(inputs, last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU6()))
        self.features = nn.Sequential(*layers)
        self.add_head(last, scaled(1024, width), classes)

    def forward(self, x):
        return self.head(self.features(self.norm(x)))


class WaveBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv1d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(outputs)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding=2, dilation=2, bias=False)
        self.bn2 = nn.BatchNorm1d(outputs)

    def forward(self, x, pool):
        return F.max_pool1d(F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))), pool)


class Wavegram(Net):
    """Takes a waveform and the log-mel frames of it, as PANNs' net does; here side by side in a frame."""

    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(64)
        self.hop = bands - 64
        channels = [scaled(c, width) for c in (64, 128, 256, 512, 1024, 2048)]
        folded = scaled(4, width)
        self.pre_conv0 = nn.Conv1d(1, channels[0], 11, stride=5, padding=5, bias=False)
        self.pre_bn0 = nn.BatchNorm1d(channels[0])
        self.pre_block1 = WaveBlock(channels[0], channels[0])
        self.pre_block2 = WaveBlock(channels[0], channels[1])
        self.pre_block3 = WaveBlock(channels[1], 32 * folded)
        self.pre_block4 = ConvBlock(folded, channels[0])
        self.conv_block1 = ConvBlock(1, channels[0])
        self.conv_block2 = ConvBlock(2 * channels[0], channels[1])
        for i in range(2, 6):
            setattr(self, f"conv_block{i + 1}", ConvBlock(channels[i - 1], channels[i]))
        self.add_head(channels[5], channels[5], classes)

    def forward(self, x):
        wave = x[:, :-1, 64:].reshape(x.shape[0], 1, -1)
        a = F.relu(self.pre_bn0(self.pre_conv0(wave)))
        a = self.pre_block3(self.pre_block2(self.pre_block1(a, 4), 4), self.hop // 80)
        a = self.pre_block4(a.reshape(a.shape[0], -1, 32, a.shape[2]).transpose(2, 3), (2, 1))
        x = self.conv_block1(self.norm(x[..., :64]), 2)
        x = torch.cat([x, a], 1)
        for i in range(2, 7):
            x = getattr(self, f"conv_block{i}")(x, 1 if i == 6 else 2)
        return self.head(x)


# ---- TinyToes ----

def image(x):
    """Hybrid frames (N, 1, T, 341) as three channels of 64; log-mel frames as they are."""
    if x.shape[3] != 341:
        return x
    n, _, t, _ = x.shape
    spectrum = F.adaptive_avg_pool1d(x[:, 0, :, 1:257], 64)
    cepstrum = F.interpolate(x[:, 0, :, 321:], size=64, mode="linear", align_corners=False)
    return torch.stack([spectrum, x[:, 0, :, 257:321], cepstrum], 1)


class Lfeb(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.max_pool2d(self.bn(F.relu(self.conv(x))), 2)


class TinyToes(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        self.last = pooling == "auto"
        channels = [3 if bands == 341 else 1] + [scaled(c, width) for c in (64, 64, 128, 128)]
        for i in range(4):
            setattr(self, f"lfeb{i + 1}", Lfeb(channels[i], channels[i + 1]))
        size, states = channels[4] * ((64 if bands == 341 else bands) // 16), scaled(128, width)
        heads = next(h for h in (8, 4, 2, 1) if size % h == 0)
        self.attention = nn.MultiheadAttention(size, heads, batch_first=True)
        self.lstm = nn.LSTM(size, states, batch_first=True)
        self.fc = nn.Linear(states, classes)
        if not self.last:
            self.pool = pool_of(pooling, states, frames // 16)

    def forward(self, x):
        x = image(self.norm(x))
        for i in range(4):
            x = getattr(self, f"lfeb{i + 1}")(x)
        x = x.transpose(2, 3).flatten(1, 2).transpose(1, 2)
        x = self.attention(x, x, x, need_weights=False)[0]
        x, (state, _) = self.lstm(x)
        x = state[0] if self.last else self.pool(x.transpose(1, 2))
        return {"embedding": x, "clip": self.fc(x)}


# ---- ResNet50 ----

class Bottleneck(nn.Module):
    def __init__(self, inputs, inside, stride, project):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inside, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inside)
        self.conv3 = nn.Conv2d(inside, 4 * inside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inside)
        self.downsample = None
        if project:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * inside, 1, stride=stride, bias=False),
                                            nn.BatchNorm2d(4 * inside))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet50(Net):
    def __init__(self, width, classes, bands, pooling, frames):
        super().__init__(bands)
        inputs = scaled(64, width)
        self.conv1 = nn.Conv2d(3 if bands == 341 else 1, inputs, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        for layer, (inside, count) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
            inside, blocks = scaled(inside, width), []
            for i in range(count):
                blocks.append(Bottleneck(inputs, inside, 2 if layer and i == 0 else 1, i == 0))
                inputs = 4 * inside
            setattr(self, f"layer{layer + 1}", nn.Sequential(*blocks))
        self.attention = nn.MultiheadAttention(inputs, next(h for h in (8, 4, 2, 1) if inputs % h == 0), batch_first=True)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(image(self.norm(x))))), 3, 2, 1)
        for i in range(4):
            x = getattr(self, f"layer{i + 1}")(x)
        positions = x.flatten(2).transpose(1, 2)
        positions = self.attention(positions, positions, positions, need_weights=False)[0]
        x = positions.transpose(1, 2).reshape(x.shape).mean(3).mean(2)
        return {"embedding": x, "clip": self.fc(x)}


# ---- Golden files ----

NETS = {  # name: class, arch, width, bands, frames, clips, global pooling, added to biases
    "resnet22": (ResNet22, "resnet22", 1 / 32, 64, 100, 4, "auto", 0.0),
    "mobilenetv1": (MobileNetV1, "mobilenetv1", 1 / 16, 64, 100, 4, "auto", 1.0),
    "mobilenetv2": (MobileNetV2, "mobilenetv2", 1 / 8, 64, 100, 4, "auto", 1.5),
    "wavegram": (Wavegram, "wavegram-logmel-cnn14", 1 / 32, 224, 65, 6, "auto", 0.0),
    "wavegram-32k": (Wavegram, "wavegram-logmel-cnn14", 1 / 32, 384, 97, 4, "auto", 0.0),
    "tinytoes": (TinyToes, "tinytoes", 1 / 8, 341, 100, 3, "auto", 0.0),
    "tinytoes-mel": (TinyToes, "tinytoes", 1 / 8, 64, 100, 3, "stat", 0.0),
    "resnet50-mha": (ResNet50, "resnet50-mha", 1 / 16, 341, 100, 4, "auto", 2.0),
    "resnet50-mel": (ResNet50, "resnet50-mha", 1 / 32, 64, 90, 4, "auto", 2.0),
}
for _kind in ("max", "avg", "max+avg", "stat", "stat-full", "mha", "attn-literal"):
    NETS["pool-" + _kind] = (Cnn10, "cnn10", 1 / 16, 64, 96, 3, _kind, 0.0)
CLASSES = 4


def samples(array, like):
    """At most SAMPLED of the elements, evenly spread."""
    flat = array.reshape(-1)
    return flat if like <= SAMPLED else flat[(np.arange(SAMPLED, dtype=np.int64) * like) // SAMPLED]


def run(net, x, target):
    """Outputs in evaluation and training, gradients of the softmax loss."""
    out = {}
    net.eval()
    with torch.no_grad():
        for name, o in net(x).items():
            out["eval." + name] = o.numpy()
    net.train()
    result = net(x)
    (-(target * F.log_softmax(result["clip"], 1)).sum(1).mean()).backward()
    for name, o in result.items():
        out["train." + name] = o.detach().numpy()
    for name, p in net.named_parameters():
        out["grad." + name] = p.grad.numpy()
    return out


def make_input(arch, name, n, frames, bands):
    x = value(name, n * frames * bands).astype(np.float32).reshape(n, frames, bands)
    scale, offset = np.full(bands, 15.0, np.float32), np.full(bands, -30.0, np.float32)
    if arch.startswith("wavegram"):  # samples
        scale[64:], offset[64:] = 0.5, 0.0
    return torch.from_numpy((offset + (scale * x).astype(np.float32)).astype(np.float32))


def gap(got, exact):
    """Largest error over the largest element of each array. Where that is itself rounding (a bias whose effect the next
    norm takes out), over a thousandth of the largest gradient of all."""
    floor = 1e-3 * max(np.abs(exact[k]).max() for k in exact if k.startswith("grad."))
    return max(np.abs(got[k] - exact[k]).max() / max(np.abs(exact[k]).max(), floor) for k in exact)


def moved(net, seed):
    net, noise = copy.deepcopy(net).double(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(1.0 + 2e-7 * torch.randn(p.shape, generator=noise, dtype=torch.float64))
    return net


def golden(name):
    kind, arch, width, bands, frames, n, pooling, shift = NETS[name]
    net = kind(width, CLASSES, bands, pooling, frames)
    fill(net)
    with torch.no_grad():
        for key, array in net.state_dict().items():
            if key.endswith("bias"):
                array.copy_((array.double() + shift).float())
    if pooling == "attn-literal":  # weights whose sum is not near zero
        with torch.no_grad():
            net.pool.weight.copy_(torch.from_numpy(
                (1.0 + 0.2 * value("pool.weight", net.pool.weight.numel())).astype(np.float32)).reshape(
                    net.pool.weight.shape))
    target = torch.from_numpy((value("target", n * CLASSES) + 1.0).astype(np.float32)).reshape(n, CLASSES)
    target = target / target.sum(1, keepdim=True)
    for tried in range(INPUTS):
        source = f"input{tried}"
        x = make_input(arch, source, n, frames, bands)
        exact = run(copy.deepcopy(net).double(), x.double(), target.double())
        worst = gap(run(copy.deepcopy(net), x, target), exact)
        for seed in range(3):
            worst = max(worst, gap(run(moved(net, seed), x.double(), target.double()), exact) if worst < FAR else worst)
        if worst < FAR:
            break
    tensors = {}
    for key, array in exact.items():
        tensors[key] = samples(array, array.size) if key.startswith("grad.") else array
        if key.startswith("grad.") and array.size > SAMPLED:
            tensors["norm." + key[5:]] = np.array([math.sqrt((array.astype("f8") ** 2).sum())])
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "models" / "golden" / f"arch-{name}.safetensors"
    write(path, tensors, {"arch": arch, "width": repr(width), "classes": str(CLASSES), "n": str(n), "bands": str(bands),
                          "frames": str(frames), "pooling": pooling, "input": source,
                          "shift": repr(shift)})
    print(f"{path.name}: {path.stat().st_size} bytes; {sum(p.numel() for p in net.parameters())} parameters; {source}; "
          f"single precision and moved weights off by {worst:.1e}{'' if worst < FAR else '   TOO FAR'}", flush=True)
    return worst < FAR


if __name__ == "__main__":
    good = [golden(name) for name in sys.argv[1:] or NETS]
    sys.exit(0 if all(good) else 1)
