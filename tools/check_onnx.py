#!/usr/bin/python3
"""Checks exported models with Debian's ONNX tools and computes them with PyTorch.

    tools/check_onnx.py TEST_MODELS_ONNX          every architecture and pooling, of narrow networks (the built program
                                                  tests/models/test-models-onnx)
    tools/check_onnx.py --mewl MEWL MODEL SOUND   a model of any kind on a recording: `mewl predict` and `mewl features`
                                                  of the built program MEWL against the exported file (YAMNet's file
                                                  brings a mel matrix of 8 bits, which `mewl features` does not use)

Each file passes onnx.checker with full shape inference; then the operators that Mewl's exporter uses are carried out, node
by node, by the interpreter below (PyTorch has none for ONNX files), and outputs are compared with Mewl's own: the largest
difference over the largest value is at most 1e-4. Needs python3-onnx and python3-torch; exit code 77 without them.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnx") is None:
    print("SKIPPED: no PyTorch or no ONNX tools here (Debian: python3-torch, python3-onnx)")
    sys.exit(77)
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from onnx import numpy_helper  # noqa: E402

BAR = 1e-4


def same_pads(sizes, kernel, stride):
    """auto_pad SAME_UPPER: what is left over goes behind."""
    pads = []
    for size, k, s in zip(sizes, kernel, stride):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def padded(x, pads, value=0.0):
    (t0, t1), (f0, f1) = pads
    return F.pad(x, (f0, f1, t0, t1), value=value)


def convolve(x, weight, bias, a):
    stride = a.get("strides", [1, 1])
    if a.get("auto_pad") == b"SAME_UPPER":
        pads = same_pads(x.shape[2:], weight.shape[2:], stride)
    else:
        t0, f0, t1, f1 = a.get("pads", [0, 0, 0, 0])
        pads = [(t0, t1), (f0, f1)]
    return F.conv2d(padded(x, pads), weight, bias, stride, 0, a.get("dilations", [1, 1]), a.get("group", 1))


def pooled(x, a, mean):
    t0, f0, t1, f1 = a.get("pads", [0, 0, 0, 0])
    x = padded(x, [(t0, t1), (f0, f1)], 0.0 if mean else float("-inf"))
    return (F.avg_pool2d if mean else F.max_pool2d)(x, a["kernel_shape"], a["strides"])


def lstm(x, weight, recurrent, bias, a):
    """Gates in the order input, output, forget, cell."""
    steps, clips, _ = x.shape
    size = a["hidden_size"]
    ways = [range(steps), range(steps - 1, -1, -1)][:weight.shape[0]]
    all_states, last = torch.zeros(steps, len(ways), clips, size), torch.zeros(len(ways), clips, size)
    for d, way in enumerate(ways):
        h, c = torch.zeros(clips, size), torch.zeros(clips, size)
        for t in way:
            gates = x[t] @ weight[d].T + h @ recurrent[d].T + bias[d][:4 * size] + bias[d][4 * size:]
            i, o, f, g = gates.split(size, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            all_states[t, d] = h
        last[d] = h
    return all_states, last


def sliced(x, starts, ends, axes):
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        x = x[(slice(None),) * axis + (slice(start, min(end, x.shape[axis]) if end >= 0 else end),)]
    return x


def reshaped(x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


def reflected(x, pads):
    before, after = pads.tolist()[2], pads.tolist()[6]
    return F.pad(x[..., 0], (before, after), mode="reflect")[..., None]


OPS = {
    "Abs": lambda a, x: x.abs(), "Add": lambda a, x, y: x + y, "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y, "Div": lambda a, x, y: x / y, "Neg": lambda a, x: -x, "Log": lambda a, x: x.log(),
    "Sqrt": lambda a, x: x.sqrt(), "Max": lambda a, x, y: torch.maximum(x, y), "Less": lambda a, x, y: x < y,
    "Where": lambda a, c, x, y: torch.where(c, x, y), "Relu": lambda a, x: x.relu(), "Tanh": lambda a, x: x.tanh(),
    "Sigmoid": lambda a, x: x.sigmoid(), "Clip": lambda a, x, low, high: x.clamp(low.item(), high.item()),
    "HardSigmoid": lambda a, x: (a["alpha"] * x + a["beta"]).clamp(0, 1), "Softmax": lambda a, x: x.softmax(a["axis"]),
    "MatMul": lambda a, x, y: x @ y, "Conv": lambda a, x, w, b=None: convolve(x, w, b, a),
    "BatchNormalization": lambda a, x, w, b, m, v: F.batch_norm(x, m, v, w, b, False, 0.0, a["epsilon"]),
    "AveragePool": lambda a, x: pooled(x, a, True), "MaxPool": lambda a, x: pooled(x, a, False),
    "ReduceMean": lambda a, x: x.mean(a["axes"], keepdim=True), "ReduceMax": lambda a, x: x.amax(a["axes"], keepdim=True),
    "ReduceL2": lambda a, x: x.pow(2).sum(a["axes"], keepdim=True).sqrt(),
    "ReduceSum": lambda a, x, axes: x.sum(axes.tolist(), keepdim=True), "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Split": lambda a, x: x.chunk(3, a["axis"]), "Slice": lambda a, x, s, e, axes: sliced(x, s, e, axes),
    "Squeeze": lambda a, x, axes: x.squeeze(axes.item()), "Unsqueeze": lambda a, x, axes: x.unsqueeze(axes.item()),
    "Transpose": lambda a, x: x.permute(a["perm"]), "Reshape": lambda a, x, shape: reshaped(x, shape),
    "Shape": lambda a, x: torch.tensor(x.shape), "Expand": lambda a, x, shape: x.expand(shape.tolist()),
    "Cast": lambda a, x: x.float(), "Pad": lambda a, x, pads: reflected(x, pads),
    "LSTM": lambda a, x, w, r, b: lstm(x, w, r, b, a),
}


def compute(model, features):
    values = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
    values["features"] = torch.from_numpy(features)
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        out = OPS[node.op_type](attributes, *(values[i] for i in node.input if i))
        for name, value in zip(node.output, out if isinstance(out, tuple) else (out,)):
            values[name] = value
    return {o.name: values[o.name].numpy() for o in model.graph.output}


def load(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    for output in onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output:
        assert output.type.tensor_type.shape.dim[-1].dim_value > 0, output.name
    return model


def differ(got, want):
    assert got.shape == want.shape, (got.shape, want.shape)
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-3))


def check_all(program):
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "--dump", folder], check=True)
        for path in sorted(pathlib.Path(folder).glob("*.onnx")):
            stem = str(path)[:-len(".onnx")]
            model = load(str(path))
            got = compute(model, np.load(stem + "-features.npy"))
            apart = {name: differ(value, np.load(f"{stem}-{name}.npy")) for name, value in got.items()}
            worst = max([worst, *apart.values()])
            print(f"{path.stem:<28} {len(model.graph.node):4} nodes  " +
                  "  ".join(f"{name} {d:.1e}" for name, d in apart.items()), flush=True)
    return worst


def check_model(mewl, model, sound):
    with tempfile.TemporaryDirectory() as folder:
        out, frames, vectors = (f"{folder}/{name}" for name in ("m.onnx", "f.npy", "e.npy"))
        subprocess.run([mewl, "model", "export", model, "-o", out], check=True)
        graph = load(out)
        front_end = next(p.value for p in graph.metadata_props if p.key == "mewl.front_end")
        subprocess.run([mewl, "features", sound, "--config", front_end, "-o", frames], check=True)
        said = json.loads(subprocess.run([mewl, "predict", model, sound, "--json", "--embedding", vectors], check=True,
                                         stdout=subprocess.PIPE).stdout)
        features = np.load(frames)
        clips = features[None]
        if front_end == "yamnet" and len(features) >= 96:  # whole windows of 0.96 s, every 0.48 s
            clips = np.stack([features[i:i + 96] for i in range(0, len(features) - 95, 48)])
        got = compute(graph, clips)
        got = {"embedding": got["embedding"].mean(0, keepdims=True), "logits": got["logits"].max(0, keepdims=True)}
        labels = json.loads(next(p.value for p in graph.metadata_props if p.key == "mewl.labels"))
        rows = said["files"][0] if "files" in said else said
        want = np.array([[c["logit"] for label in labels for c in rows["classes"] if c["label"] == label]], np.float32)
        apart = {"embedding": differ(got["embedding"], np.load(vectors))}
        if want.shape == got["logits"].shape:
            apart["logits"] = differ(got["logits"], want)
        print(f"{pathlib.Path(model).name}: " + "  ".join(f"{name} {d:.1e}" for name, d in apart.items()))
        return max(apart.values())


if __name__ == "__main__":
    torch.set_num_threads(1)
    worst = check_model(*sys.argv[2:5]) if sys.argv[1] == "--mewl" else check_all(sys.argv[1])
    print(f"largest difference {worst:.1e} ({BAR:.0e} allowed)")
    sys.exit(0 if worst <= BAR else 1)
