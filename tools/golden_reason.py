#!/usr/bin/env python3
"""Writes tests/reason/golden/reason.json: calibration maps at the optimum that scipy finds, and prediction sets by their
definitions written out plainly.

Run: tools/golden_reason.py tests/reason/golden/reason.json
"""
import json
import math
import sys

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

rng = np.random.default_rng(7)


def problem(n, k, sharp):
    """Over-sure probabilities with a bias, and the classes that were true."""
    logit = rng.normal(0, 1.2, (n, k)) + np.linspace(0.8, -0.8, k)
    truth = np.array([rng.choice(k, p=softmax(row)) for row in logit])
    skewed = sharp * (logit + 0.3 * np.roll(logit, 1, axis=1)) + np.linspace(-0.5, 0.5, k)
    return softmax(skewed, axis=1).astype(np.float32), truth


def rows(kind, theta, log_p):
    k = log_p.shape[1]
    if kind == "temperature":
        return theta[0] * log_p
    if kind == "temperature-bias":
        return theta[0] * log_p + theta[1:]
    return log_p @ theta[: k * k].reshape(k, k).T + theta[k * k :]


def start(kind, k):
    return {"temperature": np.ones(1), "temperature-bias": np.r_[1.0, np.zeros(k)],
            "dirichlet": np.r_[np.eye(k).ravel(), np.zeros(k)]}[kind]


def loss(theta, kind, log_p, truth, w, lam, mu):
    k = log_p.shape[1]
    value = -(w * log_softmax(rows(kind, theta, log_p), axis=1)[np.arange(len(truth)), truth]).sum() / w.sum()
    if kind == "dirichlet":
        weight = theta[: k * k].reshape(k, k)
        off = weight - np.diag(np.diag(weight))
        value += lam * (off ** 2).sum() / (k * (k - 1)) + mu * (theta[k * k :] ** 2).sum() / k
    if kind == "temperature-bias":
        value += mu * (theta[1:] ** 2).sum() / k
    return value


def optimum(kind, p, truth, w, lam, mu):
    log_p = np.log(np.maximum(p.astype(np.float64), 1e-7))
    best = minimize(loss, start(kind, p.shape[1]), (kind, log_p, truth, w, lam, mu), method="BFGS",
                    options={"gtol": 1e-9, "maxiter": 5000})
    return best.fun, softmax(rows(kind, best.x, log_p), axis=1)


calibrations = []
for kind, n, k, lam, mu in (("temperature", 60, 5, 0, 0), ("temperature-bias", 60, 5, 0, 0.01),
                            ("dirichlet", 80, 3, 0.05, 0.02), ("dirichlet", 60, 5, 1.0, 0.5)):
    p, truth = problem(n, k, 2.0)
    for weighted in (False, True):
        w = rng.uniform(0.2, 2.0, n) if weighted else np.ones(n)
        value, q = optimum(kind, p, truth, w, lam, mu)
        calibrations.append({"kind": kind, "classes": k, "off_diagonal": lam, "intercept": mu,
                             "p": p.ravel().tolist(), "truth": truth.tolist(),
                             "weights": w.tolist() if weighted else None,
                             "loss": value, "q": np.round(q, 8).ravel().tolist()})


def misfit(kind, p, k, share):
    if kind == "least":
        return 1 - p[k]
    order = sorted(range(len(p)), key=lambda j: (-p[j], j))
    return sum(p[j] for j in order[: order.index(k)]) + share * p[k]


sets = []
for kind in ("least", "adaptive"):
    for by_class in (False, True):
        p, truth = problem(50, 4, 1.0)
        p = p.astype(np.float64)
        share = rng.uniform(0, 1, 50)
        coverage = 0.8
        fit, test = range(40), range(40, 50)
        thresholds = []
        for k in range(4):
            scores = sorted(misfit(kind, p[i], truth[i], share[i]) for i in fit if not by_class or truth[i] == k)
            rank = math.ceil((len(scores) + 1) * coverage)
            thresholds.append(scores[rank - 1] if rank <= len(scores) else None)
        inside = [[thresholds[k] is None or misfit(kind, p[i], k, share[i]) <= thresholds[k] for k in range(4)] for i in test]
        sets.append({"kind": kind, "by_class": by_class, "coverage": coverage, "p": p.ravel().tolist(),
                     "truth": truth.tolist(), "share": share.tolist(), "thresholds": thresholds,
                     "inside": np.array(inside).astype(int).ravel().tolist()})

with open(sys.argv[1], "w") as out:
    json.dump({"calibrations": calibrations, "sets": sets}, out)
    out.write("\n")
