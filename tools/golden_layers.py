#!/usr/bin/python3
"""Writes the golden files of recurrent, attention and pooling layers, of the losses of embedders, and of ECAPA-TDNN.

    tests/nn/golden/layers.safetensors   outputs and gradients of LSTM, MultiheadAttention, LayerNorm and each pooling
    tests/nn/golden/losses.safetensors   NT-Xent, GE2E, AAM-softmax: values and gradients
    tests/models/golden/ecapa*.pth       checkpoints in both published forms, random weights, width 1/64
    tests/models/golden/ecapa*.npy       their embeddings, of length one, of one input

Weights and inputs come from `value` of golden_nn.py, which the tests repeat; the checkpoints carry their own.
"""
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from golden_nn import value, write

torch.set_num_threads(1)
ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests"
N, C, T = 2, 6, 7


def tensor(name, *shape, scale=1.0):
    v = value(name, int(np.prod(shape))) * scale
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


def fill(module, case):
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(tensor(f"{case}.{name}", *p.shape, scale=0.5))


class StatPool(nn.Module):
    def __init__(self, full):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(C, 2 * C) if full else torch.zeros(1, 2))
        self.bias = nn.Parameter(torch.zeros(C if full else 1))
        self.full = full

    def forward(self, x):  # (N, C, T)
        mean, var = x.mean(2), x.var(2, unbiased=False)
        if self.full:
            return F.linear(torch.cat([mean, var], 1), self.weight, self.bias)
        return F.linear(torch.stack([mean, var], 2), self.weight, self.bias)[..., 0]


class MhaPool(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.query = nn.Parameter(torch.zeros(heads, C // heads))

    def forward(self, x):
        h, d = self.query.shape
        x = x.reshape(N, h, d, T)
        a = torch.softmax(torch.einsum("nhdt,hd->nht", x, self.query) / math.sqrt(d), -1)
        return torch.einsum("nhdt,nht->nhd", x, a).reshape(N, C)


class Literal(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(T, T))

    def forward(self, x):
        alpha = torch.einsum("st,nct->ncs", self.weight, x)
        return (alpha * x).sum(2) / alpha.sum(2)


class Lstm(nn.LSTM):
    def forward(self, x):
        return super().forward(x.transpose(1, 2))[0].transpose(1, 2)


class Attention(nn.MultiheadAttention):
    def forward(self, x):
        x = x.transpose(1, 2)
        return super().forward(x, x, x, need_weights=False)[0].transpose(1, 2)


class Norm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Attentive(nn.Module):
    def forward(self, x):
        a = torch.softmax(2.0 * x, 2)
        mean = (a * x).sum(2)
        return torch.cat([mean, torch.sqrt(((a * (x - mean[..., None]) ** 2).sum(2)).clamp(1e-12))], 1)


def layers():
    cases = {"lstm": Lstm(C, 4, batch_first=True), "bilstm": Lstm(C, 4, batch_first=True, bidirectional=True),
             "attention": Attention(C, 2, batch_first=True), "norm": Norm(C), "stat": StatPool(False),
             "stat_full": StatPool(True), "mha": MhaPool(2), "literal": Literal(), "attentive": Attentive()}
    out = {}
    for case, module in cases.items():
        fill(module, case)
        pre = tensor(f"{case}.pre", C, C, scale=0.7).requires_grad_()
        x = tensor("input", N, C, T)
        if case == "literal":  # sums of weights stay clear of zero
            with torch.no_grad():
                module.weight.add_(1.0)
                pre.abs_()
                x = x + 1.5
        y = module(torch.einsum("oc,nct->not", pre, x))
        (y * tensor(f"{case}.dy", *y.shape)).sum().backward()
        out[f"{case}.y"] = y.detach().numpy()
        out[f"{case}.grad.pre"] = pre.grad.numpy()
        for name, p in module.named_parameters():
            out[f"{case}.grad.{name}"] = p.grad.numpy()
    write(ROOT / "nn" / "golden" / "layers.safetensors", out, {})


def losses():
    out = {}
    x = tensor("x", 8, 5).requires_grad_()
    label = torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])  # the last has no positive
    z = F.normalize(x)
    s = z @ z.T / 0.2
    terms = []
    for i in range(8):
        others = [k for k in range(8) if k != i]
        positives = [k for k in others if label[k] == label[i]]
        if positives:
            terms.append(torch.stack([torch.logsumexp(s[i, others], 0) - s[i, p] for p in positives]).mean())
    loss = torch.stack(terms).mean()
    loss.backward()
    out["nt_xent.loss"], out["nt_xent.dx"] = np.array([loss.item()]), x.grad.numpy()

    x = tensor("x", 3, 4, 5).requires_grad_()
    w, b = torch.tensor(4.0, requires_grad=True), torch.tensor(-2.0, requires_grad=True)
    rows = []
    for j in range(3):
        for i in range(4):
            logits = []
            for k in range(3):
                centre = (x[j].sum(0) - x[j, i]) / 3 if k == j else x[k].mean(0)
                logits.append(w * F.cosine_similarity(x[j, i], centre, dim=0) + b)
            rows.append(F.cross_entropy(torch.stack(logits)[None], torch.tensor([j])))
    loss = torch.stack(rows).mean()
    loss.backward()
    out["ge2e.loss"], out["ge2e.dx"] = np.array([loss.item()]), x.grad.numpy()
    out["ge2e.dw"] = np.array([w.grad.item()])

    for centres in (1, 3):
        x = tensor("x", 6, 5).requires_grad_()
        weight = tensor("weight", 4 * centres, 5).requires_grad_()
        label = torch.tensor([0, 1, 2, 3, 1, 0])
        cosine = F.linear(F.normalize(x), F.normalize(weight)).reshape(6, 4, centres).max(2)[0]
        sine = torch.sqrt(1.0 - cosine ** 2)
        m = 0.3
        phi = cosine * math.cos(m) - sine * math.sin(m)
        phi = torch.where(cosine > math.cos(math.pi - m), phi, cosine - math.sin(math.pi - m) * m)
        one = F.one_hot(label, 4).bool()
        loss = F.cross_entropy(10.0 * torch.where(one, phi, cosine), label)
        loss.backward()
        out[f"aam{centres}.loss"] = np.array([loss.item()])
        out[f"aam{centres}.dx"], out[f"aam{centres}.dweight"] = x.grad.numpy(), weight.grad.numpy()

    x = tensor("x", 6, 5).requires_grad_()
    taught = [0, 1, 3, 4, 5]  # the third row has no teacher
    loss = 0.7 * (1.0 - F.cosine_similarity(x, tensor("weight", 6, 5), dim=1)[taught]).mean()
    loss.backward()
    out["cosine.loss"], out["cosine.dx"] = np.array([loss.item()]), x.grad.numpy()
    write(ROOT / "nn" / "golden" / "losses.safetensors", out, {})


# ---- ECAPA-TDNN as SpeechBrain defines it ----


class Conv(nn.Module):
    def __init__(self, i, o, k=1, d=1):
        super().__init__()
        self.conv = nn.Conv1d(i, o, k, dilation=d)
        self.pad = (k - 1) * d // 2

    def forward(self, x):
        return self.conv(F.pad(x, (self.pad, self.pad), mode="reflect") if self.pad else x)


class Bn(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm = nn.BatchNorm1d(c)

    def forward(self, x):
        return self.norm(x)


class Tdnn(nn.Module):
    def __init__(self, i, o, k=1, d=1):
        super().__init__()
        self.conv, self.norm = Conv(i, o, k, d), Bn(o)

    def forward(self, x):
        return self.norm(F.relu(self.conv(x)))


class Res2(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.blocks = nn.ModuleList([Tdnn(c // 8, c // 8, 3, d) for _ in range(7)])

    def forward(self, x):
        y = []
        for i, part in enumerate(torch.chunk(x, 8, 1)):
            y.append(part if i == 0 else self.blocks[i - 1](part if i == 1 else part + y[-1]))
        return torch.cat(y, 1)


class Se(nn.Module):
    def __init__(self, c, s):
        super().__init__()
        self.conv1, self.conv2 = Conv(c, s), Conv(s, c)

    def forward(self, x):
        return torch.sigmoid(self.conv2(F.relu(self.conv1(x.mean(2, keepdim=True))))) * x


class Block(nn.Module):
    def __init__(self, c, d, s):
        super().__init__()
        self.tdnn1, self.res2net_block, self.tdnn2, self.se_block = Tdnn(c, c), Res2(c, d), Tdnn(c, c), Se(c, s)

    def forward(self, x):
        return self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x)))) + x


class Asp(nn.Module):
    def __init__(self, c, a):
        super().__init__()
        self.tdnn, self.conv = Tdnn(3 * c, a), Conv(a, c)

    def forward(self, x):
        mean = x.mean(2, keepdim=True)
        std = torch.sqrt(((x - mean) ** 2).mean(2, keepdim=True).clamp(1e-12))
        a = torch.cat([x, mean.expand_as(x), std.expand_as(x)], 1)
        a = torch.softmax(self.conv(torch.tanh(self.tdnn(a))), 2)
        mean = (a * x).sum(2)
        std = torch.sqrt((a * (x - mean[..., None]) ** 2).sum(2).clamp(1e-12))
        return torch.cat([mean, std], 1)[..., None]


class Ecapa(nn.Module):
    def __init__(self, c):
        super().__init__()
        s = 128 * c // 1024
        self.blocks = nn.ModuleList([Tdnn(80, c, 5)] + [Block(c, d, s) for d in (2, 3, 4)])
        self.mfa, self.asp, self.asp_bn, self.fc = Tdnn(3 * c, 3 * c), Asp(3 * c, s), Bn(6 * c), Conv(6 * c, 192)

    def forward(self, x):
        each = []
        for block in self.blocks:
            x = block(x)
            each.append(x)
        return self.fc(self.asp_bn(self.asp(self.mfa(torch.cat(each[1:], 1)))))[..., 0]


# ---- ECAPA-TDNN of checkpoints named speaker_encoder.* ----


class Squeeze(nn.Module):
    def __init__(self, c, s):
        super().__init__()
        self.se = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Conv1d(c, s, 1), nn.ReLU(), nn.Conv1d(s, c, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.se(x)


class Bottle(nn.Module):
    def __init__(self, c, d, s):
        super().__init__()
        w = c // 8
        self.conv1, self.bn1 = nn.Conv1d(c, c, 1), nn.BatchNorm1d(c)
        self.convs = nn.ModuleList([nn.Conv1d(w, w, 3, dilation=d, padding=d) for _ in range(7)])
        self.bns = nn.ModuleList([nn.BatchNorm1d(w) for _ in range(7)])
        self.conv3, self.bn3, self.se = nn.Conv1d(c, c, 1), nn.BatchNorm1d(c), Squeeze(c, s)

    def forward(self, x):
        parts = torch.chunk(self.bn1(F.relu(self.conv1(x))), 8, 1)
        y = []
        for i in range(7):
            part = parts[0] if i == 0 else y[-1] + parts[i]
            y.append(self.bns[i](F.relu(self.convs[i](part))))
        out = self.bn3(F.relu(self.conv3(torch.cat(y + [parts[7]], 1))))
        return self.se(out) + x


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        s, wide, a = 128 * c // 1024, 1536 * c // 1024, 256 * c // 1024
        self.conv1, self.bn1 = nn.Conv1d(80, c, 5, padding=2), nn.BatchNorm1d(c)
        self.layer1, self.layer2, self.layer3 = Bottle(c, 2, s), Bottle(c, 3, s), Bottle(c, 4, s)
        self.layer4 = nn.Conv1d(3 * c, wide, 1)
        self.attention = nn.Sequential(nn.Conv1d(3 * wide, a, 1), nn.ReLU(), nn.BatchNorm1d(a), nn.Tanh(),
                                       nn.Conv1d(a, wide, 1), nn.Softmax(dim=2))
        self.bn5, self.fc6, self.bn6 = nn.BatchNorm1d(2 * wide), nn.Linear(2 * wide, 192), nn.BatchNorm1d(192)

    def forward(self, x):
        x = self.bn1(F.relu(self.conv1(x)))
        x1 = self.layer1(x)
        x2 = self.layer2(x + x1)
        x3 = self.layer3(x + x1 + x2)
        x = F.relu(self.layer4(torch.cat([x1, x2, x3], 1)))
        std = torch.sqrt(torch.var(x, dim=2, keepdim=True).clamp(min=1e-4))
        w = self.attention(torch.cat([x, x.mean(2, keepdim=True).expand_as(x), std.expand_as(x)], 1))
        mean = (x * w).sum(2)
        std = torch.sqrt(((x ** 2 * w).sum(2) - mean ** 2).clamp(min=1e-4))
        return self.bn6(self.fc6(self.bn5(torch.cat([mean, std], 1))))


def checkpoints():
    folder = ROOT / "models" / "golden"
    x = tensor("input", 2, 80, 40, scale=3.0)
    for name, net, prefix in (("ecapa", Ecapa(16), ""), ("ecapa-encoder", Encoder(16), "speaker_encoder.")):
        with torch.no_grad():
            for key, array in net.state_dict().items():
                if array.dtype == torch.float32:
                    area = array[0].numel() if array.dim() > 1 else 1
                    v = tensor(f"{name}.{key}", *array.shape)
                    array.copy_(v * math.sqrt(3.0 / area) if array.dim() > 1 else
                                1.0 + 0.4 * v if key.endswith(("running_var", "weight")) else 0.3 * v)
        net.eval()
        with torch.no_grad():
            embedding = F.normalize(net(x)).numpy()
        state = {prefix + key: array for key, array in net.state_dict().items()}
        if prefix:
            state["speaker_loss.weight"] = torch.zeros(3, 192)
            state[prefix + "torchfbank.0.flipped_filter"] = torch.zeros(1, 1, 2)
        torch.save(state, folder / f"{name}.pth")
        np.save(folder / f"{name}.npy", embedding.astype(np.float32))


layers()
losses()
checkpoints()
