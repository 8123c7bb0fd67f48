#!/usr/bin/python3
"""Compares YAMNet and mn04 in Mewl's engine with twins in PyTorch, on real recordings: logits and embeddings.

    check_teachers.py MEWL [DATA] [--clips N] [-v]

MEWL is the program; DATA the folder of recordings and weights (default: MEWL_DATA, then ../shared/data beside the
repository). The twins are our own: mn04 after EfficientAT's published network with the weights as torch.load gives them;
YAMNet after its paper with the weights read here from the TFLite file, independently of Mewl's reader. Clips are decoded by
the ffmpeg program at each teacher's rate. Exit 0: within the bar; 1: not; 77: skipped (no torch, recordings or ffmpeg).
"""
import argparse
import glob
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import wave

BAR_LOGIT = 2e-3      # logits run from about -20 to 10
BAR_EMBEDDING = 2e-4  # of the embedding's largest figure
SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))


def skip(reason):
    print("check_teachers: SKIPPED:", reason)
    sys.exit(SKIP)


try:
    import numpy as np
    import torch

    sys.path.insert(0, HERE)
    import frontends_torch as frontends
except ImportError as missing:
    skip(f"{missing.name} is not installed (Debian: python3-torch, python3-torchaudio)")

F = torch.nn.functional


# ---- YAMNet ----

class Flatbuffer:
    """Just enough of one: tables, their fields, vectors of tables and of numbers."""

    def __init__(self, data):
        self.data = data

    def number(self, form, at):
        return struct.unpack_from("<" + form, self.data, at)[0]

    def field(self, table, index):
        vtable = table - self.number("i", table)
        if 4 + 2 * index >= self.number("H", vtable):
            return 0
        offset = self.number("H", vtable + 4 + 2 * index)
        return table + offset if offset else 0

    def scalar(self, table, index, form):
        at = self.field(table, index)
        return self.number(form, at) if at else 0

    def follow(self, at):
        return at + self.number("I", at)

    def tables(self, table, index):
        vector = self.follow(self.field(table, index))
        return [self.follow(vector + 4 + 4 * i) for i in range(self.number("I", vector))]

    def numbers(self, table, index, dtype):
        at = self.field(table, index)
        if not at:
            return np.zeros(0, dtype)
        vector = self.follow(at)
        return np.frombuffer(self.data, dtype, self.number("I", vector), vector + 4)


class Yamnet:
    rate, hop, window = 16000, 7680, 15600
    STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]  # of the depthwise layers

    def __init__(self, path):
        with open(path, "rb") as f:
            self.file = Flatbuffer(f.read())
        root = self.file.follow(0)
        self.buffers = self.file.tables(root, 4)
        graph = self.file.tables(root, 2)[0]
        self.tensors = self.file.tables(graph, 0)
        codes = [max(self.file.scalar(c, 0, "b"), self.file.scalar(c, 3, "i")) for c in self.file.tables(root, 1)]
        self.ops = [(codes[self.file.scalar(op, 0, "I")], self.file.numbers(op, 1, "<i4")) for op in self.file.tables(graph, 3)]
        layers = [(code, inputs) for code, inputs in self.ops if code in (3, 4, 9)]
        self.mel = self.constant(layers[0][1][1])
        self.layers = [(code, self.constant(inputs[1]), self.constant(inputs[2])) for code, inputs in layers[1:]]

    def constant(self, index):
        table = self.tensors[index]
        shape = self.file.numbers(table, 0, "<i4")
        dtype = {0: "<f4", 2: "<i4", 9: "i1"}[self.file.scalar(table, 1, "b")]
        values = self.file.numbers(self.buffers[self.file.scalar(table, 2, "I")], 0, "u1").view(dtype).reshape(shape)
        if dtype == "i1":
            quantisation = self.file.follow(self.file.field(table, 4))
            scales = self.file.numbers(quantisation, 2, "<f4")
            along = [1] * values.ndim
            along[self.file.scalar(quantisation, 6, "i") if len(scales) > 1 else 0] = len(scales)
            values = values.astype("f4") * scales.reshape(along)
        return torch.tensor(np.array(values))

    @staticmethod
    def same(x, kernel, stride):
        pads = []
        for size in (x.shape[3], x.shape[2]):
            need = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [need // 2, need - need // 2]
        return F.pad(x, pads)

    def run(self, samples):
        starts = list(range(0, max(len(samples) - self.window, 0) + 1, self.hop))
        samples = F.pad(samples, (0, max(self.window - len(samples), 0)))
        x = torch.stack([torch.log(frontends.yamnet(samples[s:s + self.window])[0] @ self.mel.T + 0.001) for s in starts])[:, None]
        strides = iter(self.STRIDES)
        for code, weight, bias in self.layers[:-1]:
            depthwise = code == 4
            stride = next(strides) if depthwise else 2 if x.shape[1] == 1 else 1
            weight = weight.permute(3, 0, 1, 2) if depthwise else weight.permute(0, 3, 1, 2)
            x = F.relu(F.conv2d(self.same(x, weight.shape[2], stride), weight, bias, stride, groups=x.shape[1] if depthwise else 1))
        weight, bias = self.layers[-1][1:]
        embedding = x.mean((2, 3))
        return (embedding @ weight.T + bias).max(0).values, embedding.mean(0)


# ---- mn04 ----

class Mn04:
    rate = 32000
    # kernel, stride, squeeze-excitation, hard swish
    BLOCKS = [(3, 1, 0, 0), (3, 2, 0, 0), (3, 1, 0, 0), (5, 2, 1, 0), (5, 1, 1, 0), (5, 1, 1, 0), (3, 2, 0, 1), (3, 1, 0, 1),
              (3, 1, 0, 1), (3, 1, 0, 1), (3, 1, 1, 1), (3, 1, 1, 1), (5, 2, 1, 1), (5, 1, 1, 1), (5, 1, 1, 1)]

    def __init__(self, path):
        self.state = torch.load(path, map_location="cpu")

    def convolve(self, x, name, stride=1):
        w, p = self.state[name + ".0.weight"], lambda key: self.state[name + ".1." + key]
        groups = x.shape[1] if w.shape[1] == 1 and x.shape[1] > 1 else 1
        x = F.conv2d(x, w, None, stride, (w.shape[2] - 1) // 2, 1, groups)
        return F.batch_norm(x, p("running_mean"), p("running_var"), p("weight"), p("bias"), False, 0, 1e-3)

    def linear(self, x, name):
        return F.linear(x, self.state[name + ".weight"], self.state[name + ".bias"])

    def run(self, samples):
        x = frontends.mn(samples)[2].T[None, None]  # mel bands as height, as published
        x = F.hardswish(self.convolve(x, "features.0", 2))
        for i, (kernel, stride, squeeze, hard) in enumerate(self.BLOCKS, 1):
            act, part, y = F.hardswish if hard else F.relu, 0, x
            if i > 1:
                y, part = act(self.convolve(y, f"features.{i}.block.0")), 1
            y = act(self.convolve(y, f"features.{i}.block.{part}", stride))
            part += 1
            if squeeze:
                name = f"features.{i}.block.{part}.conc_se_layers.0."
                s = F.relu(self.linear(y.mean((2, 3)), name + "fc1"))
                y = y * torch.sigmoid(self.linear(s, name + "fc2"))[:, :, None, None]
                part += 1
            y = self.convolve(y, f"features.{i}.block.{part}")
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
        embedding = F.hardswish(self.convolve(x, "features.16")).mean((2, 3))
        return self.linear(F.hardswish(self.linear(embedding, "classifier.2")), "classifier.5")[0], embedding[0]


# ---- comparison ----

def clips_of(data, count):
    found = sorted(glob.glob(os.path.join(data, "esc10", "004*", "*.ogg")))[:: max(1, 80 // count)]
    found += sorted(glob.glob(os.path.join(data, "catmeows", "*.flac")))[:: max(1, 880 // count)]
    return found[:count]


def decode(path, rate, out):
    """To a 16-bit wav at the teacher's rate, which Mewl reads without resampling; returns the same samples."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-ac", "1", "-ar", str(rate), "-t", "10", out], check=True)
    with wave.open(out) as w:
        return torch.tensor(np.frombuffer(w.readframes(w.getnframes()), "<i2").astype("f4") / 32768)


def check(mewl, teacher, weights, clips, verbose):
    worst_logit = worst_embedding = 0.0
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        wanted, paths = [], []
        for i, clip in enumerate(clips):
            paths.append(os.path.join(folder, "%03d.wav" % i))
            wanted.append(teacher.run(decode(clip, teacher.rate, paths[-1])))
        array = os.path.join(folder, "embedding.npy")
        out = subprocess.run([mewl, "predict", weights, *paths, "--json", "--embedding", array], stdout=subprocess.PIPE, check=True)
        got, embeddings = json.loads(out.stdout)["files"], np.load(array)
    for clip, row, embedding, (logits, want) in zip(clips, got, embeddings, wanted):
        mine = np.zeros(len(logits))
        for entry in row["classes"]:
            mine[entry["index"]] = entry["logit"]
        logit = float(np.abs(mine - logits.numpy()).max())
        apart = float(np.abs(embedding - want.numpy()).max() / np.abs(want.numpy()).max())
        if verbose:
            print("  %-60s logits %.1e, embedding %.1e" % (os.path.basename(clip), logit, apart))
        worst_logit, worst_embedding = max(worst_logit, logit), max(worst_embedding, apart)
    good = worst_logit <= BAR_LOGIT and worst_embedding <= BAR_EMBEDDING and len(got) == len(clips)
    print("%s: %d clips, logits within %.1e (bar %.0e), embeddings within %.1e (bar %.0e): %s" % (
        os.path.basename(weights), len(clips), worst_logit, BAR_LOGIT, worst_embedding, BAR_EMBEDDING, "good" if good else "BAD"))
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mewl")
    parser.add_argument("data", nargs="?", default=os.environ.get("MEWL_DATA") or os.path.join(HERE, "..", "..", "shared", "data"))
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    clips = clips_of(args.data, args.clips)
    weights = [os.path.join(args.data, "weights", name) for name in ("yamnet.tflite", "mn04_as_mAP_432.pt")]
    if shutil.which("ffmpeg") is None:
        skip("there is no ffmpeg program")
    if not clips or not all(os.path.exists(w) for w in weights):
        skip("there are no recordings and weights in " + args.data)
    results = [check(args.mewl, kind(path), path, clips, args.verbose) for kind, path in zip((Yamnet, Mn04), weights)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
