#!/usr/bin/env python3
"""Writes the golden files of the model readers and importers: tests/models/golden/.

Small files made with random weights by PyTorch (Debian's python3-torch) and by the flatbuffer writer below, hostile ones
among them, with the values that our readers must find in them. No published weights.
"""
import collections
import io
import os
import pickle
import struct
import sys
import zipfile

import numpy as np
import torch

from golden_models import MobileNetV1, MobileNetV2, ResNet22, Wavegram

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "tests", "models", "golden")


# ---- flatbuffers: a table is a dict {field: value}, written breadth first, so that every offset leads forward ----

class Scalar:
    def __init__(self, form, value):
        self.data = struct.pack("<" + form, value)


class Vector:
    """Numbers, packed."""

    def __init__(self, form, values):
        self.count, self.data = len(values), struct.pack("<%d%s" % (len(values), form), *values)


def flatbuffer(root, identifier):
    out = bytearray(struct.pack("<I", 0) + identifier)
    queue = [(0, root)]  # where the offset to it lies, what
    while queue:
        at, item = queue.pop(0)
        while len(out) % 8:
            out.append(0)
        if isinstance(item, dict):
            fields = max(item) + 1 if item else 0
            vtable = len(out)
            out += bytes(4 + 2 * fields)
            while len(out) % 4:
                out.append(0)
            table = len(out)
            out += struct.pack("<i", table - vtable)
            for field, value in item.items():
                size = len(value.data) if isinstance(value, Scalar) else 4
                while len(out) % size:
                    out.append(0)
                struct.pack_into("<H", out, vtable + 4 + 2 * field, len(out) - table)
                if isinstance(value, Scalar):
                    out += value.data
                else:
                    queue.append((len(out), value))
                    out += bytes(4)
            struct.pack_into("<HH", out, vtable, 4 + 2 * fields, len(out) - table)
            place = table
        elif isinstance(item, str):
            place = len(out)
            out += struct.pack("<I", len(item.encode())) + item.encode() + b"\0"
        elif isinstance(item, Vector):
            while (len(out) + 4) % 8:
                out.append(0)
            place = len(out)
            out += struct.pack("<I", item.count) + item.data
        else:  # a list of tables
            place = len(out)
            out += struct.pack("<I", len(item))
            for entry in item:
                queue.append((len(out), entry))
                out += bytes(4)
        struct.pack_into("<I", out, at, place - at)
    return bytes(out)


def tflite_tensor(name, shape, kind, buffer, scales=None, zeros=None, dim=0):
    t = {0: Vector("i", shape), 1: Scalar("b", kind), 2: Scalar("I", buffer), 3: name}
    if scales is not None:
        t[4] = {2: Vector("f", scales), 3: Vector("q", zeros), 6: Scalar("i", dim)}
    return t


def write_tflite():
    """x -> depthwise 3x3 (8 bits, per channel) -> dense (8 bits, one scale, zero point 3) -> logistic."""
    rng = np.random.default_rng(1)
    depthwise = rng.integers(-127, 128, 1 * 3 * 3 * 4, dtype=np.int8)
    dense = rng.integers(-127, 128, 5 * 4, dtype=np.int8)
    bias = rng.standard_normal(4).astype("<f4")
    scales = [0.5, 0.25, 0.125, 2.0]
    raw = lambda array: {0: Vector("b", array.view(np.int8).tolist())}
    half = np.array([1.0, -2.5, 65504.0, 6e-8], "<f2")
    model = {
        0: Scalar("I", 3),
        1: [{0: Scalar("b", 4), 3: Scalar("i", 4)}, {0: Scalar("b", 9)}, {0: Scalar("b", 14)},
            {0: Scalar("b", 127), 3: Scalar("i", 131)}],
        2: [{
            0: [tflite_tensor("x", [1, 6, 6, 4], 0, 0), tflite_tensor("weight", [1, 3, 3, 4], 9, 1, scales, [0] * 4, 3),
                tflite_tensor("bias", [4], 0, 2), tflite_tensor("dense", [5, 4], 9, 3, [0.1], [3]),
                tflite_tensor("half", [4], 1, 4), tflite_tensor("y", [1, 5], 0, 0), tflite_tensor("h", [1, 3, 3, 4], 0, 0)],
            1: Vector("i", [0]), 2: Vector("i", [5]),
            3: [{0: Scalar("I", 0), 1: Vector("i", [0, 1, 2]), 2: Vector("i", [6]), 3: Scalar("b", 2),
                 4: {1: Scalar("i", 2), 2: Scalar("i", 2), 3: Scalar("i", 1), 4: Scalar("b", 1)}},
                {0: Scalar("I", 1), 1: Vector("i", [6, 3, -1]), 2: Vector("i", [5]), 3: Scalar("b", 8), 4: {}},
                {0: Scalar("I", 3), 1: Vector("i", [5]), 2: Vector("i", [5])},
                {0: Scalar("I", 2), 1: Vector("i", [5]), 2: Vector("i", [5])}],
        }],
        3: "a tiny graph",
        4: [{}, raw(depthwise), raw(bias), raw(dense), raw(half)],
    }
    with open(os.path.join(OUT, "tiny.tflite"), "wb") as f:
        f.write(flatbuffer(model, b"TFL3"))
    want = (depthwise.reshape(9, 4).astype("f8") * scales).astype("<f4")
    np.save(os.path.join(OUT, "tiny_depthwise.npy"), want)
    np.save(os.path.join(OUT, "tiny_dense.npy"), ((dense.astype("f8") - 3) * np.float64(np.float32(0.1))).astype("<f4"))


# ---- PyTorch files ----

def save(name, what, **options):
    torch.save(what, os.path.join(OUT, name), **options)


def zip_of(pkl, members=(), compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in [("archive/data.pkl", pkl)] + list(members):
            z.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


class Evil:
    def __reduce__(self):
        return (os.system, ("echo this must never run",))


def storage_pickle(elements, offset, shape, stride, kind=b"FloatStorage", key=b"0"):
    """{'w': tensor} by hand, with sizes that torch.save would never write."""
    text = lambda t: b"X" + struct.pack("<I", len(t)) + t
    number = lambda n: b"J" + struct.pack("<i", n) if -2**31 <= n < 2**31 else b"\x8a\x08" + struct.pack("<q", n)
    sizes = lambda s: b"(" + b"".join(number(n) for n in s) + b"t"
    storage = b"(" + text(b"storage") + b"ctorch\n" + kind + b"\n" + text(key) + text(b"cpu") + number(elements) + b"tQ"
    args = b"(" + storage + number(offset) + sizes(shape) + sizes(stride) + b"\x89" + b"ccollections\nOrderedDict\n)R" + b"t"
    return b"\x80\x02}" + text(b"w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + args + b"Rs."


def legacy(key, elements, version=1001, little=True, listed=None, counted=None, view=b"N", object_=None):
    """The form before PyTorch 1.6, {'w': tensor of 4} by hand."""
    text = lambda t: b"X" + struct.pack("<I", len(t)) + t
    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(key) + text(b"cpu") + b"K\x04" + view + b"tQ"
    args = b"(" + storage + b"K\x00(K\x04t(K\x01t\x89ccollections\nOrderedDict\n)Rt"
    tensor = b"\x80\x02}" + text(b"w") + b"ctorch._utils\n_rebuild_tensor_v2\n" + args + b"Rs."
    out = b"".join(pickle.dumps(p, 2) for p in (0x1950a86a20f9469cfc6c, version, {"little_endian": little}))
    out += tensor if object_ is None else object_
    out += pickle.dumps([key.decode()] if listed is None else listed, 2)
    return out + struct.pack("<Q", elements if counted is None else counted) + struct.pack("<4f", 1, 2, 3, 4)


def write_legacy(state):
    save("legacy.pth", {"iteration": 12, "model": state}, _use_new_zipfile_serialization=False)
    save("legacy_bare.pth", {"w": torch.tensor([1.0, 2.0, 3.0, 4.0])}, _use_new_zipfile_serialization=False)
    whole = legacy(b"7", 4)
    write("legacy_by_hand.pth", whole)
    write("legacy_cut.pth", whole[:-1])
    write("legacy_short.pth", whole[:90])
    write("legacy_evil.pth", legacy(b"7", 4, object_=pickle.dumps({"a": Evil()}, 2)))
    write("legacy_version.pth", legacy(b"7", 4, version=1002))
    write("legacy_big_endian.pth", legacy(b"7", 4, little=False))
    write("legacy_missing.pth", legacy(b"7", 4, listed=[]))
    write("legacy_stranger.pth", legacy(b"7", 4, listed=["8"]))
    write("legacy_number.pth", legacy(b"7", 4, listed=[7]))
    write("legacy_none.pth", legacy(b"7", 4, listed={}))
    write("legacy_huge.pth", legacy(b"7", 4, counted=1 << 62))
    write("legacy_other.pth", legacy(b"7", 4, counted=3))
    write("legacy_twice.pth", legacy(b"7", 4, listed=["7", "7"]) + bytes(8))
    write("legacy_view.pth", legacy(b"7", 4, view=b"(X\x01\x00\x00\x00aK\x00K\x04t"))


def write_torch():
    torch.manual_seed(2)
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    state = collections.OrderedDict([
        ("module.plain.weight", base.clone()),
        ("module.view.weight", base[1:3, ::2].t()),  # strided, with an offset
        ("module.half", torch.tensor([1.0, -2.5, 65504.0]).half()),
        ("module.brain", torch.tensor([1.0, -2.5, 3.0]).bfloat16()),
        ("module.double", torch.tensor([[1e-3, 2.0]], dtype=torch.float64)),
        ("module.count", torch.tensor(7)),
        ("module.bytes", torch.tensor([1, 255], dtype=torch.uint8)),
        ("module.small", torch.tensor([-3, 4], dtype=torch.int8)),
        ("module.flags", torch.tensor([True, False])),
        ("module.parameter", torch.nn.Parameter(torch.tensor([0.5, 0.25]))),
        ("module.shared", base),
        ("module.empty", torch.zeros(0, 3)),
    ])
    save("state.pth", {"iteration": 12, "model": state, "lr": 1e-3, "big": 1 << 80, "names": ["a", ("b", None, True)],
                       "sampler": {"queue": np.arange(3), "rng": np.float64(2.0)}})
    write_legacy(state)
    save("bare.pth", {"a": torch.ones(2), "b": {"c": torch.full((1, 2), 3.0)}})
    save("state_dict.pth", {"state_dict": {"w": torch.ones(3)}, "other": torch.zeros(9)})
    write("tar.pth", b"pickle".ljust(257, b"\0") + b"ustar\x0000" + bytes(248))
    save("tensor.pth", torch.ones(3))
    save("empty.pth", {"note": "nothing"})

    write("evil_global.pth", zip_of(pickle.dumps({"a": Evil()}, 2)))
    write("evil_stack_global.pth", zip_of(pickle.dumps({"a": Evil()}, 4)))
    four = struct.pack("<4f", 1, 2, 3, 4)
    good = [("archive/data/0", four)]
    write("ok_by_hand.pth", zip_of(storage_pickle(4, 0, [2, 2], [2, 1]), good))
    write("bad_stride.pth", zip_of(storage_pickle(4, 0, [2, 2], [3, 1]), good))
    write("bad_offset.pth", zip_of(storage_pickle(4, 3, [2], [1]), good))
    write("bad_negative.pth", zip_of(storage_pickle(4, 0, [2], [-1]), good))
    write("bad_overflow.pth", zip_of(storage_pickle(4, 0, [2**40, 2**40], [1, 1]), good))
    write("bad_storage.pth", zip_of(storage_pickle(400, 0, [400], [1]), good))
    write("bad_key.pth", zip_of(storage_pickle(4, 0, [4], [1], key=b"../0"), good))
    write("bad_type.pth", zip_of(storage_pickle(4, 0, [4], [1], kind=b"ComplexFloatStorage"), good))
    write("no_storage.pth", zip_of(storage_pickle(4, 0, [4], [1])))
    write("compressed.pth", zip_of(storage_pickle(4, 0, [4], [1]), good, zipfile.ZIP_DEFLATED))
    write("big_endian.pth", zip_of(storage_pickle(4, 0, [4], [1]), good + [("archive/byteorder", b"big")]))
    # A dictionary that holds itself, and one that holds the same one twice, thirty levels deep.
    write("cycle.pth", zip_of(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."))
    bomb = b"\x80\x02}q\x00"
    for level in range(30):
        bomb += b"}(X\x01\x00\x00\x00ah" + bytes([level]) + b"X\x01\x00\x00\x00bh" + bytes([level]) + b"u" + b"q" + bytes([level + 1])
    write("bomb.pth", zip_of(bomb + b"."))
    with zipfile.ZipFile(os.path.join(OUT, "other.zip"), "w") as z:
        z.writestr(zipfile.ZipInfo("readme.txt"), "no checkpoint")


# ---- PANNs: small networks of its three kinds, written after its paper and the names in its checkpoints ----

class Panns(torch.nn.Module):
    CHANNELS = {"cnn6": [64, 128, 256, 512], "cnn10": [64, 128, 256, 512], "cnn14": [64, 128, 256, 512, 1024, 2048]}

    def __init__(self, arch, width, classes):
        super().__init__()
        self.arch, self.bn0 = arch, torch.nn.BatchNorm2d(64)
        channels = [round(c * width) for c in self.CHANNELS[arch]]
        kernel, convolutions, fan_in = (5, 1, 1) if arch == "cnn6" else (3, 2, 1)
        for i, out in enumerate(channels, 1):
            block = torch.nn.Module()
            for k in range(1, convolutions + 1):
                setattr(block, "conv%d" % k, torch.nn.Conv2d(fan_in, out, kernel, padding=kernel // 2, bias=False))
                setattr(block, "bn%d" % k, torch.nn.BatchNorm2d(out))
                fan_in = out
            setattr(self, "conv_block%d" % i, block)
        self.blocks, self.convolutions = len(channels), convolutions
        embedding = round((2048 if arch == "cnn14" else 512) * width)
        self.fc1 = torch.nn.Linear(fan_in, embedding)
        self.fc_audioset = torch.nn.Linear(embedding, classes)

    def forward(self, x):  # (N, T, 64)
        x = self.bn0(x.unsqueeze(1).transpose(1, 3)).transpose(1, 3)
        for i in range(1, self.blocks + 1):
            block = getattr(self, "conv_block%d" % i)
            for k in range(1, self.convolutions + 1):
                x = torch.relu(getattr(block, "bn%d" % k)(getattr(block, "conv%d" % k)(x)))
            x = torch.nn.functional.avg_pool2d(x, 1 if i == 6 else 2)
        x = x.mean(3)
        x = torch.relu(self.fc1(x.max(2).values + x.mean(2)))
        return self.fc_audioset(x), x


def randomise(net):
    for module in net.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)


def write_net(arch, net, x, window, half=False):
    """Checkpoint and outputs of a net, which takes x of (N, T, features). half: weights that float16 holds, saved so."""
    randomise(net)
    net.eval()
    if half:
        net.load_state_dict({name: array.half() if array.is_floating_point() else array
                             for name, array in net.state_dict().items()})
    with torch.no_grad():
        out = net(x)
    logits, embedding = (out["clip"], out["embedding"]) if isinstance(out, dict) else out
    state = net.state_dict()
    if half:
        state = {name: array.half() if array.is_floating_point() else array for name, array in state.items()}
    if window:  # the front end's own tensors, as PANNs saves them; one figure stands for all
        state["spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(1).expand(window // 2 + 1, 1, window)
        state["logmel_extractor.melW"] = torch.zeros(1).expand(window // 2 + 1, 64)
    np.save(os.path.join(OUT, arch + "_logits.npy"), logits.numpy())
    np.save(os.path.join(OUT, arch + "_embedding.npy"), embedding.numpy())
    return {"iteration": 1, "model": state}


def write_panns():
    torch.manual_seed(3)
    x = torch.randn(2, 70, 64) * 10 - 30
    np.save(os.path.join(OUT, "panns_input.npy"), x.numpy())
    for arch, width, classes, window in [("cnn6", 1 / 16, 527, 1024), ("cnn10", 1 / 16, 4, 512), ("cnn14", 1 / 64, 2, 0)]:
        saved = write_net(arch, Panns(arch, width, classes), x, window)
        save(arch + ".pth", saved)
    # The other networks of PANNs, in the older form, which some are published in; ResNet22 in both. The input of Wavegram
    # holds 320 samples beside the bands.
    both = torch.cat([x[:1, :33], torch.randn(1, 33, 320) * 0.1], 2)
    np.save(os.path.join(OUT, "wavegram_input.npy"), both.numpy().astype("<f4"))
    for arch, kind, width in [("resnet22", ResNet22, 1 / 64), ("mobilenetv1", MobileNetV1, 1 / 32),
                              ("mobilenetv2", MobileNetV2, 1 / 32), ("wavegram-logmel-cnn14", Wavegram, 1 / 64)]:
        wave = kind is Wavegram
        saved = write_net(arch, kind(width, 3, 384 if wave else 64, "auto", 0), both if wave else x, 1024,
                          arch != "mobilenetv1")
        save(arch + "-legacy.pth", saved, _use_new_zipfile_serialization=False)
        if arch == "resnet22":
            save(arch + ".pth", saved)
    write_wide()


def write_wide():  # the names of a CNN10 that is wider than any
    one = torch.zeros(1)
    save("wide.pth", {"conv_block1.conv1.weight": one.expand(512, 1, 3, 3), "bn0.weight": one.expand(64),
                      "fc1.weight": one.expand(4096, 4),
                      "fc_audioset.weight": one.expand(2, 4)})


def main():
    os.makedirs(OUT, exist_ok=True)
    write_panns()
    write_tflite()
    write_torch()


if __name__ == "__main__":
    main()
