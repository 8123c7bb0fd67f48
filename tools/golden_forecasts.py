#!/usr/bin/env python3
"""Writes tests/lab/golden/forecasts.json: figures of class forecasts by scikit-learn, the distillation loss and its
gradient by PyTorch, the calibration error by its definition (Guo et al. 2017, equation 5)."""
import json
import pathlib

import numpy as np
import torch
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/lab/golden/forecasts.json"


def figures(p, truth, weights):
    called = p.argmax(1)
    top = p.max(1)
    bins = np.minimum((top * 10).astype(int), 9)
    right = (called == truth).astype(float)
    gap = sum(abs(np.sum(weights[bins == b] * (right[bins == b] - top[bins == b]))) for b in range(10)) / weights.sum()
    recalls = metrics.recall_score(truth, called, average=None, labels=range(p.shape[1]), sample_weight=weights,
                                   zero_division=0)
    present = np.unique(truth[weights > 0])
    seen = weights > 0
    return {
        "accuracy": metrics.accuracy_score(truth, called, sample_weight=weights),
        "balanced_accuracy": float(np.mean(recalls[present])),
        "macro_f1": metrics.f1_score(truth[seen], called[seen], average="macro", sample_weight=weights[seen]),
        "kappa": metrics.cohen_kappa_score(truth, called, sample_weight=weights),
        "log_loss": float(-np.average(np.log(np.maximum(p[np.arange(len(p)), truth], 1e-7)), weights=weights)),
        "ece": float(gap),
    }


def main():
    rng = np.random.default_rng(5)
    n, classes = 60, 4
    p = rng.dirichlet(np.ones(classes), n).astype(np.float32)
    truth = np.array([rng.choice(classes, p=q / q.sum()) for q in p.astype(float)])
    weights = rng.integers(0, 4, n).astype(float)
    logits = torch.tensor(rng.normal(0, 2, (7, classes)), dtype=torch.float32, requires_grad=True)
    teacher = torch.tensor(rng.normal(0, 3, (7, classes)), dtype=torch.float32)
    temperature = 2.5
    loss = torch.nn.KLDivLoss(reduction="batchmean")(
        torch.log_softmax(logits / temperature, 1), torch.softmax(teacher / temperature, 1)) * temperature**2
    loss.backward()
    document = {
        "p": p.tolist(), "truth": truth.tolist(), "weights": weights.tolist(),
        "plain": figures(p, truth, np.ones(n)), "weighted": figures(p, truth, weights),
        "distil": {"logits": logits.tolist(), "teacher": teacher.tolist(), "temperature": temperature,
                   "loss": loss.item(), "gradient": logits.grad.tolist()},
    }
    OUT.write_text(json.dumps(document) + "\n")


main()
