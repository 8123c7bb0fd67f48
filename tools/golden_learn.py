#!/usr/bin/env python3
"""Writes tests/learn/golden/learn.json: small tables with the answers of scikit-learn (and, where it has none, of numpy
written out plainly) for the models of src/learn; and tests/lab/golden/sklearn.json: its metrics, for those of src/lab.

Run: tools/golden_learn.py tests/learn/golden/learn.json tests/lab/golden/sklearn.json      (needs python3-sklearn)
"""
import json
import sys

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score, roc_curve
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, OneClassSVM

rng = np.random.default_rng(4)


def table(rows, dims, classes=1, apart=2.0):
    """Correlated clouds, one a class, rounded so that the file stays small."""
    mix = rng.normal(size=(dims, dims)) / np.sqrt(dims) + np.eye(dims)
    y = np.arange(rows) % classes
    x = rng.normal(size=(rows, dims)) @ mix + apart * rng.normal(size=(classes, dims))[y]
    return np.round(x, 4), y


def plain(a):
    return [float(v) for v in np.ravel(a)]


def svc_case(kernel, classes, weight, gamma):
    x, y = table(40, 6, classes, 1.0)
    test, _ = table(12, 6, classes, 1.0)
    model = SVC(kernel=kernel, C=0.7, gamma=gamma, class_weight=weight, tol=1e-12, cache_size=400,
                decision_function_shape="ovo").fit(x, y)
    d = model.decision_function(test)
    d = -d[:, None] if classes == 2 else d  # libsvm's sign
    return {"kernel": kernel, "classes": classes, "balanced": weight == "balanced",
            "gamma": 0.0 if gamma == "scale" else gamma, "c": 0.7, "dims": 6, "x": plain(x), "y": y.tolist(),
            "test": plain(test), "decision": plain(d)}


def oneclass_case(rows, dims, nu):
    x, _ = table(rows, dims)
    test, _ = table(10, dims)
    model = OneClassSVM(kernel="rbf", nu=nu, gamma="scale", tol=1e-12).fit(x)
    return {"dims": dims, "nu": nu, "x": plain(x), "test": plain(test), "decision": plain(model.decision_function(test)),
            "inside": plain(model.decision_function(x))}


def gmm_case(kind, components, rows, dims):
    x, _ = table(rows, dims, components, 1.5)
    test, _ = table(8, dims, components, 1.5)
    weights = np.full(components, 1 / components)
    means = x[:components] + 0.1
    base = np.cov(x.T) + 0.5 * np.eye(dims)
    cov = {"full": np.stack([base * (1 + 0.2 * k) for k in range(components)]), "tied": base,
           "diag": np.stack([np.diag(base) * (1 + 0.2 * k) for k in range(components)])}[kind]
    precision = 1 / cov if kind == "diag" else np.linalg.inv(cov)
    model = GaussianMixture(components, covariance_type=kind, weights_init=weights, means_init=means,
                            precisions_init=precision, tol=1e-5, max_iter=300, random_state=0).fit(x)
    return {"kind": kind, "components": components, "dims": dims, "x": plain(x), "test": plain(test),
            "weights": plain(weights), "means": plain(means), "covariances": plain(cov),
            "log_likelihood": plain(model.score_samples(test)), "bic": float(model.bic(x)),
            "bound": float(model.lower_bound_), "iterations": int(model.n_iter_), "converged": bool(model.converged_),
            "final_weights": plain(model.weights_), "final_means": plain(model.means_),
            "share": plain(model.predict_proba(test)), "parameters": int(model._n_parameters())}


def logistic_case(classes, balanced, items):
    x, y = table(45, 5, classes, 0.6)
    test, _ = table(6, 5, classes, 0.6)
    w = np.round(rng.uniform(0, 2, 45), 3) if items else np.ones(45)
    # Two classes as two columns of weights, as Mewl has them: sklearn's one column is their difference at half the penalty.
    model = LogisticRegression(C=0.5, multi_class="multinomial", solver="newton-cg", tol=1e-12, max_iter=10000,
                               class_weight="balanced" if balanced else None).fit(x, y, sample_weight=w)
    return {"classes": classes, "balanced": balanced, "items": plain(w), "c": 0.5, "dims": 5, "x": plain(x),
            "y": y.tolist(), "test": plain(test), "probability": plain(model.predict_proba(test))}


def pca_case(rows, dims, components, whiten):
    x, _ = table(rows, dims)
    test, _ = table(4, dims)
    model = PCA(components, svd_solver="full", whiten=whiten).fit(x)
    sign = np.array([np.sign(v[np.argmax(np.abs(v))]) for v in model.components_])
    return {"dims": dims, "components": components, "whiten": whiten, "x": plain(x), "test": plain(test),
            "variance": plain(model.explained_variance_), "share": plain(model.explained_variance_ratio_),
            "applied": plain(model.transform(test) * sign)}


def knn_case(metric):
    x, y = table(30, 4, 3, 0.7)
    test, _ = table(6, 4, 3, 0.7)
    distance, index = NearestNeighbors(n_neighbors=5, metric=metric, algorithm="brute").fit(x).kneighbors(test)
    vote = KNeighborsClassifier(5, metric=metric, algorithm="brute").fit(x, y).predict_proba(test)
    return {"metric": metric, "dims": 4, "x": plain(x), "y": y.tolist(), "test": plain(test), "distance": plain(distance),
            "index": np.ravel(index).tolist(), "vote": plain(vote)}


def within_case():
    """Pooled covariance of rows around their group's mean, shrunk as by Ledoit and Wolf."""
    x, _ = table(24, 5)
    group = np.array([3, 3, 1, 1, 1, 9, 9, 9, 9, 4] + [int(v) for v in rng.integers(20, 25, 14)])
    rows = []
    used = 0
    for g in np.unique(group):
        own = x[group == g]
        if len(own) > 1:
            rows.append(own - own.mean(axis=0))
            used += 1
    rows = np.concatenate(rows)
    cov, share = ledoit_wolf(rows, assume_centered=True)
    cov = cov * len(rows) / (len(rows) - used)
    test, _ = table(4, 5)
    mean = x.mean(axis=0)
    away = test - mean
    return {"dims": 5, "x": plain(x), "group": group.tolist(), "covariance": plain(cov), "shrinkage": float(share),
            "mean": plain(mean), "test": plain(test),
            "squared": plain(np.einsum("ij,jk,ik->i", away, np.linalg.inv(cov), away))}


def plda_case():
    """Two-covariance model by plain EM with full matrices; ratios from the joint Gaussians of enrolled and tested rows."""
    dims, groups = 4, 9
    b = 0.8 * np.diag([2.0, 1.0, 0.5, 0.1])
    mix = rng.normal(size=(dims, dims)) / 2 + np.eye(dims)
    group, rows = [], []
    for g in range(groups):
        own = rng.normal(size=dims) @ np.sqrt(b)
        for _ in range(int(rng.integers(1, 6))):
            group.append(g * 7 % 10)
            rows.append((own + 0.8 * rng.normal(size=dims)) @ mix + 3)
    x, group = np.round(np.array(rows), 4), np.array(group)
    total = np.cov(x.T, bias=True)
    mean, between, within = x.mean(axis=0), total.copy(), total.copy()
    for _ in range(20):
        bi, wi = np.linalg.inv(between), np.linalg.inv(within)
        own, spread = {}, {}
        for g in np.unique(group):
            part = x[group == g] - mean
            spread[g] = np.linalg.inv(bi + len(part) * wi)
            own[g] = spread[g] @ wi @ part.sum(axis=0)
        mean = np.mean([r - own[g] for r, g in zip(x, group)], axis=0)
        between = np.mean([np.outer(own[g], own[g]) + spread[g] for g in own], axis=0)
        within = np.mean([np.outer(r - mean - own[g], r - mean - own[g]) + spread[g] for r, g in zip(x, group)], axis=0)
    test = np.round(x[:6] + rng.normal(size=(6, dims)), 4)
    ratio = []
    for t in test:
        for count in (1, 3):
            enrolled = x[:count]
            n = count + 1
            same = np.kron(np.ones((n, n)), between) + np.kron(np.eye(n), within)
            apart = same.copy()
            apart[-dims:, :-dims] = 0
            apart[:-dims, -dims:] = 0
            v = np.concatenate([np.ravel(enrolled - mean), t - mean])
            zero = np.zeros(n * dims)
            ratio.append(multivariate_normal.logpdf(v, zero, same) - multivariate_normal.logpdf(v, zero, apart))
    return {"dims": dims, "x": plain(x), "group": group.tolist(), "mean": plain(mean), "between": plain(between),
            "within": plain(within), "test": plain(test), "ratio": plain(ratio)}


def metrics_case(count):
    s = rng.normal(size=count).astype(np.float32)
    y = rng.random(count) < 0.4
    s = (s + np.where(y, 0.8, 0)).astype(np.float32)
    fpr, tpr, _ = roc_curve(y, s, drop_intermediate=False)
    above = np.argmax(fpr + tpr >= 1)
    f0, t0, f1, t1 = fpr[above - 1], tpr[above - 1], fpr[above], tpr[above]
    part = (1 - f0 - t0) / (f1 + t1 - f0 - t0)
    return {"scores": plain(s), "positive": y.tolist(), "auc": float(roc_auc_score(y, s)),
            "ap": float(average_precision_score(y, s)), "eer": float(f0 + part * (f1 - f0)), "threshold": 0.25,
            "f1": float(f1_score(y, s >= np.float32(0.25)))}


x, _ = table(20, 4)
x[:, 2] = 1.25
scaler = StandardScaler().fit(x)
lw, _ = table(12, 7)
lw_cov, lw_share = ledoit_wolf(lw)
document = {
    "scaler": {"dims": 4, "x": plain(x), "applied": plain(scaler.transform(x))},
    "svc": [svc_case("rbf", 2, None, "scale"), svc_case("rbf", 3, "balanced", 0.05), svc_case("linear", 4, None, "scale")],
    "oneclass": [oneclass_case(30, 8, 0.1), oneclass_case(40, 16, 0.05)],
    "gmm": [gmm_case("full", 2, 40, 3), gmm_case("tied", 3, 45, 4), gmm_case("diag", 4, 40, 5)],
    "logistic": [logistic_case(3, False, False), logistic_case(4, True, True), logistic_case(2, False, True)],
    "pca": [pca_case(30, 6, 4, False), pca_case(8, 20, 5, True)],
    "knn": [knn_case("euclidean"), knn_case("cosine")],
    "ledoit_wolf": {"dims": 7, "x": plain(lw), "covariance": plain(lw_cov), "shrinkage": float(lw_share)},
    "within": within_case(),
    "plda": plda_case(),
}
for path, what in zip(sys.argv[1:3], (document, {"metrics": [metrics_case(80), metrics_case(300)]}), strict=True):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(what, out, separators=(",", ":"))
        out.write("\n")
