#!/usr/bin/env python3
"""Writes tests/lab/golden/metrics.json: random cases for the metrics of src/lab with answers from a second, independent
implementation (numpy and scipy; definitions of scikit-learn, sed_eval and psds_eval, written out plainly).

Run: tools/golden_metrics.py tests/lab/golden/metrics.json
"""
import json
import sys

import numpy as np
from scipy.optimize import brentq, linear_sum_assignment

rng = np.random.default_rng(20)


def roc_auc(s, y, w):
    """Probability that a positive outranks a negative, pair by pair."""
    total = hits = 0.0
    for i in np.flatnonzero(y):
        for j in np.flatnonzero(~y):
            total += w[i] * w[j]
            hits += w[i] * w[j] * (1.0 if s[i] > s[j] else 0.5 if s[i] == s[j] else 0.0)
    return hits / total


def average_precision(s, y, w):
    """Sum over thresholds of recall gained times precision there."""
    result = before = 0.0
    for t in sorted(set(s), reverse=True):
        called = s >= t
        precision = w[called & y].sum() / w[called].sum() if w[called].sum() > 0 else 0.0
        recall = w[called & y].sum() / w[y].sum()
        result += (recall - before) * precision
        before = recall
    return result


def eer(s, y, w):
    """Where the lines between the points of the ROC curve meet false positives = misses."""
    points = [(0.0, 0.0)] + [(w[(s >= t) & ~y].sum() / w[~y].sum(), w[(s >= t) & y].sum() / w[y].sum())
                             for t in sorted(set(s), reverse=True)]
    f, h = (np.array(v) for v in zip(*points))
    place = brentq(lambda a: np.interp(a, f + h, h) + np.interp(a, f + h, f) - 1, 0, 2, xtol=1e-14)
    return float(np.interp(place, f + h, f))


def recall_at_rate(s, y, hours, per_hour):
    """Best recall over every threshold that keeps the false alarms an hour."""
    best = 0.0
    for t in list(np.unique(s)) + [np.inf]:
        if (s[~y] >= t).sum() <= np.floor(per_hour * hours):
            best = max(best, (s[y] >= t).mean())
    return best


def ranking_case(count, decimals):
    s = np.round(rng.normal(size=count), decimals).astype(np.float32)
    y = rng.random(count) < 0.4
    s = (s + np.where(y, 0.7, 0).astype(np.float32)).astype(np.float32)
    y[0], y[1] = True, False
    w = rng.integers(0, 4, count).astype(float)
    w[0] = w[1] = 1
    one = np.ones(count)
    hours = float(rng.uniform(0.5, 9))
    return {
        "scores": [float(v) for v in s], "positive": [bool(v) for v in y], "weights": list(w), "hours": hours,
        "auc": roc_auc(s, y, one), "auc_weighted": roc_auc(s, y, w),
        "ap": average_precision(s, y, one), "ap_weighted": average_precision(s, y, w),
        "eer": eer(s, y, one), "eer_weighted": eer(s, y, w),
        "recall_1": recall_at_rate(s, y, hours, 1.0), "recall_3": recall_at_rate(s, y, hours, 3.0),
    }


def disjoint(count, seconds, shortest, longest):
    """Events that do not overlap."""
    found = []
    for _ in range(count * 20):
        if len(found) == count:
            break
        on = rng.uniform(0, seconds - shortest)
        off = min(seconds, on + rng.uniform(shortest, longest))
        if all(off <= a or on >= b for a, b in found):
            found.append((on, off))
    return [(round(a, 4), round(b, 4)) for a, b in sorted(found)]


def sed_counts(ref, est, collar=0.2, share=0.2):
    """One clip, one class: largest matching under sed_eval's onset and offset conditions."""
    if not ref or not est:
        return [len(ref), len(est), 0]
    hit = np.zeros((len(ref), len(est)))
    for i, (ron, roff) in enumerate(ref):
        for j, (eon, eoff) in enumerate(est):
            hit[i, j] = abs(ron - eon) <= collar and abs(roff - eoff) <= max(collar, share * (roff - ron))
    rows, cols = linear_sum_assignment(-hit)
    return [len(ref), len(est), int(hit[rows, cols].sum())]


def event_case(clips):
    out = {"clips": clips, "reference": [], "estimated": [], "counts": []}
    for clip in range(clips):
        ref = disjoint(int(rng.integers(0, 6)), 30, 0.3, 4)
        # Dense, overlapping estimates near the truth, so that greedy matching would fail.
        est = []
        for on, off in ref:
            for _ in range(int(rng.integers(0, 4))):
                a = max(0, on + rng.normal() * 0.15)
                est.append((round(a, 4), round(max(a + 0.05, off + rng.normal() * 0.3), 4)))
        if rng.random() < 0.5:
            est.append((1.0, 2.0))
        if clip % 3 == 0 and ref:  # references close together as well
            on, off = ref[0]
            ref = ref + [(round(on + 0.1, 4), round(off + 0.1, 4))]
        out["reference"] += [[clip, *e] for e in ref]
        out["estimated"] += [[clip, *e] for e in est]
        out["counts"].append(sed_counts(ref, est))
    return out


def psds(truth, points, seconds, classes, scored, dtc, gtc, cttc, alpha_ct, alpha_st, max_efpr):
    """Polyphonic sound detection score by its definition, with psds_eval's counting."""
    hours = sum(seconds) / 3600
    events = [[e for e in truth if e[1] == c] for c in range(classes)]
    curves = []
    for c in range(scored):
        curves.append([(0.0, 0.0)])
    for dets in points:
        share = {}  # detection -> class -> share of it inside
        for d, (clip, label, on, off) in enumerate(dets):
            share[d] = {}
            for tclip, tlabel, ton, toff in truth:
                common = min(off, toff) - max(on, ton)
                if tclip == clip and common > 0:
                    share[d][tlabel] = share[d].get(tlabel, 0) + common / (off - on)
        good = {d for d in share if dets[d][1] in share[d] and share[d][dets[d][1]] >= dtc}
        for c in range(scored):
            tp = 0
            for tclip, _, ton, toff in events[c]:
                cover = [min(dets[d][3], toff) - max(dets[d][2], ton) for d in good
                         if dets[d][0] == tclip and dets[d][1] == c]
                cover = [v for v in cover if v > 0]
                tp += bool(cover) and sum(cover) / (toff - ton) >= gtc
            bad = [d for d in share if dets[d][1] == c and d not in good]
            fpr = len(bad) / hours
            rates = []
            for k in range(classes):
                if k != c and events[k]:
                    n = sum(k in share[d] and share[d][k] >= cttc for d in bad)
                    rates.append(n / (sum(e[3] - e[2] for e in events[k]) / 3600))
            efpr = fpr + (alpha_ct * np.mean(rates) if rates else 0)
            curves[c].append((efpr, tp / len(events[c])))
    xs = sorted({x for curve in curves for x, _ in curve if x <= max_efpr} | {max_efpr})
    area = 0
    for a, b in zip(xs, xs[1:]):
        ys = [max(y for x, y in curve if x <= a) for curve in curves]
        area += (b - a) * max(0.0, np.mean(ys) - alpha_st * np.std(ys))
    return area / max_efpr


def psds_case(classes, scored):
    clips = 12
    seconds = [round(float(rng.uniform(20, 60)), 3) for _ in range(clips)]
    truth = []
    for clip in range(clips):
        for c in range(classes):
            truth += [[clip, c, *e] for e in disjoint(int(rng.integers(1, 4)), seconds[clip], 0.5, 6)]
    points = []
    for level in np.linspace(0.1, 0.95, 9):
        dets = []
        for clip in range(clips):
            for c in range(scored):
                found = []
                for _, label, on, off in [e for e in truth if e[0] == clip]:
                    keep = 1 - 0.6 * level if label == c else 0.35 * (1 - level)
                    if rng.random() < keep:
                        a = max(0, on + rng.normal() * 0.5)
                        b = min(seconds[clip], off + rng.normal() * 0.5)
                        if b > a and all(b <= p or a >= q for p, q in found):
                            found.append((a, b))
                if rng.random() < 0.5 * (1 - level):
                    a, b = 0.01, 0.9
                    if all(b <= p or a >= q for p, q in found):
                        found.append((a, b))
                dets += [[clip, c, round(a, 4), round(b, 4)] for a, b in found if round(b, 4) > round(a, 4)]
        points.append(dets)
    one = dict(dtc=0.7, gtc=0.7, cttc=0.0, alpha_ct=0.0, alpha_st=1.0, max_efpr=100.0)
    two = dict(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5, alpha_st=1.0, max_efpr=100.0)
    wide = dict(dtc=0.5, gtc=0.5, cttc=0.3, alpha_ct=1.0, alpha_st=0.3, max_efpr=900.0)
    return {"classes": classes, "scored": scored, "seconds": seconds, "truth": truth, "points": points,
            "scores": [{**o, "psds": float(psds(truth, points, seconds, classes, scored, **o))} for o in (one, two, wide)]}


def percentile_case():
    v = np.round(rng.normal(size=37), 5)
    return {"values": list(v), "q": [0.0, 0.025, 0.5, 0.975, 1.0],
            "expected": [float(np.percentile(v, q * 100)) for q in (0.0, 0.025, 0.5, 0.975, 1.0)]}


document = {
    "rankings": [ranking_case(60, 1), ranking_case(200, 3), ranking_case(33, 0)],
    "events": [event_case(12), event_case(20)],
    "psds": [psds_case(1, 1), psds_case(3, 3), psds_case(4, 1)],
    "percentile": percentile_case(),
}
with open(sys.argv[1], "w", encoding="utf-8") as out:
    json.dump(document, out, separators=(",", ":"))
    out.write("\n")
