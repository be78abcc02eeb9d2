"""Expected values of the measures, for metrics.json beside this file.

Classes: from scikit-learn; the calibration error, which it has not, from its definition. Search:
computed here, as plainly as possible, from the definitions, and nDCG by scikit-learn too.

    python make_metrics.py        # needs scikit-learn and numpy
"""

import json
import math
import pathlib
import random
from fractions import Fraction

import numpy as np
from sklearn import metrics as sk

HERE = pathlib.Path(__file__).parent


def f32(value):
    return float(np.float32(value))


def calibration(shares, said, labels):
    """Bins by their edges; `shares` are the probabilities of what was said."""
    total = 0.0
    for low in range(15):
        inside = [i for i, p in enumerate(shares) if low < p * 15 <= low + 1 or (low == 0 and p == 0)]
        if inside:
            right = np.mean([said[i] == labels[i] for i in inside])
            total += len(inside) / len(labels) * abs(right - np.mean([shares[i] for i in inside]))
    return float(total)


def binary(name, logits, labels, columns):
    """`columns` is 1 (a logit of class 1) or 2 (a score per class)."""
    y = np.array(labels)
    if columns == 1:
        margin = np.array([row[0] for row in logits], dtype=np.float64)
    else:
        margin = np.array([row[1] for row in logits], dtype=np.float64) - [row[0] for row in logits]
    said = (margin > 0).astype(int)
    expected = {
        "accuracy": sk.accuracy_score(y, said),
        "precision": sk.precision_score(y, said, zero_division=0),
        "recall": sk.recall_score(y, said, zero_division=0),
        "f1": sk.f1_score(y, said, zero_division=0),
        "f1_macro": sk.f1_score(y, said, average="macro", zero_division=0),
        "mcc": sk.matthews_corrcoef(y, said),
        "balanced_accuracy": sk.balanced_accuracy_score(y, said),
        "base_rate": float(y.mean()),
        "precision_macro": sk.precision_score(y, said, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, said, average="macro", zero_division=0),
        "calibration_error@15": calibration(1 / (1 + np.exp(-np.abs(margin))), said, labels),
    }
    if 0 < y.sum() < len(y):
        expected["auc"] = sk.roc_auc_score(y, margin)
        expected["average_precision"] = sk.average_precision_score(y, margin)
    return dict(name=name, classes=2, scores=logits, labels=labels, expected=expected)


def several(name, scores, labels, classes):
    y, s = np.array(labels), np.array(scores, dtype=np.float64)
    said = s.argmax(axis=1)
    shares = np.exp(s - s.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    both = [c for c in range(classes) if 0 < (y == c).sum() < len(y)]
    expected = {
        "accuracy": sk.accuracy_score(y, said),
        "precision": sk.precision_score(y, said, average="macro", zero_division=0),
        "recall": sk.recall_score(y, said, average="macro", zero_division=0),
        "f1": sk.f1_score(y, said, average="macro", zero_division=0),
        "f1_macro": sk.f1_score(y, said, average="macro", zero_division=0),
        "mcc": sk.matthews_corrcoef(y, said),
        "balanced_accuracy": np.mean([(said[y == c] == c).mean() for c in sorted(set(labels))]),
        "base_rate": max(np.bincount(y)) / len(y),
        "precision_macro": sk.precision_score(y, said, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, said, average="macro", zero_division=0),
        "calibration_error@15": calibration(shares.max(axis=1), said, labels),
        "auc": np.mean([sk.roc_auc_score(y == c, shares[:, c]) for c in both]),
        "average_precision": np.mean([sk.average_precision_score(y == c, shares[:, c]) for c in both]),
    }
    expected = {key: float(value) for key, value in expected.items()}
    return dict(name=name, classes=classes, scores=scores, labels=labels, expected=expected)


def class_cases():
    draw = random.Random(11)
    cases = []
    for name, count, share, grid in [
        ("even", 60, 0.5, None),
        ("three in a hundred", 100, 0.03, None),
        ("many ties", 50, 0.4, 4),
    ]:
        labels = [int(draw.random() < share) for _ in range(count)]
        labels[0], labels[1] = 1, 0
        score = lambda label: draw.gauss(label - 0.5, 1.0)
        cut = (lambda x: round(x * grid) / grid) if grid else (lambda x: x)
        cases.append(binary(name + ", one column", [[f32(cut(score(l)))] for l in labels], labels, 1))
        two = [[f32(cut(-score(l) / 2)), f32(cut(score(l) / 2))] for l in labels]
        cases.append(binary(name + ", two columns", two, labels, 2))
    cases.append(binary("constant yes", [[1.0]] * 8, [0, 1, 0, 0, 1, 0, 0, 0], 1))
    cases.append(binary("constant no", [[-1.0]] * 8, [0, 1, 0, 0, 1, 0, 0, 0], 1))
    cases.append(binary("only one class", [[0.5], [-0.5], [0.25]], [0, 0, 0], 1))
    cases.append(binary("all right", [[1.0], [-2.0], [3.0]], [1, 0, 1], 1))
    cases.append(binary("all wrong", [[-1.0], [2.0], [-3.0]], [1, 0, 1], 1))
    for name, classes, present in [("five classes", 5, 5), ("a class that never occurs", 4, 3)]:
        labels = [draw.randrange(present) for _ in range(70)]
        rows = [[f32(draw.gauss(1.2 * (c == l), 1.0) - 3.0 * (c >= present)) for c in range(classes)] for l in labels]
        cases.append(several(name, rows, labels, classes))
    return cases


def search(ranks, pool):
    """Walks through the places one by one."""
    totals = dict.fromkeys(["mrr", "mrr@10", "map", "map@R", "recall@1", "recall@5", "recall@10", "ndcg", "ndcg@10"], 0.0)
    for right in ranks:
        is_right = [place in right for place in range(1, pool + 1)]
        count = len(right)
        if count == 0:
            continue
        first = is_right.index(True) + 1
        totals["mrr"] += 1 / first
        totals["mrr@10"] += 1 / first if first <= 10 else 0
        found = 0
        average = Fraction(0)
        within = Fraction(0)
        for place, hit in enumerate(is_right, 1):
            if hit:
                found += 1
                average += Fraction(found, place)
                if place <= count:
                    within += Fraction(found, place)
        totals["map"] += float(average / count)
        totals["map@R"] += float(within / count)
        for k in (1, 5, 10):
            totals[f"recall@{k}"] += sum(is_right[:k]) / count
        for name, last in (("ndcg", pool), ("ndcg@10", min(10, pool))):
            gain = sum(1 / math.log2(place + 1) for place in range(1, last + 1) if is_right[place - 1])
            best = sum(1 / math.log2(place + 1) for place in range(1, min(count, last) + 1))
            totals[name] += gain / best
            if pool > 1:
                theirs = sk.ndcg_score([is_right], [[-place for place in range(pool)]], k=last)
                assert abs(theirs - gain / best) < 1e-12
    expected = {name: total / len(ranks) for name, total in totals.items()}
    expected["pool"] = pool
    return dict(ranks=ranks, pool=pool, expected=expected)


def search_cases():
    draw = random.Random(12)
    one = [[draw.randint(1, 40)] for _ in range(30)]
    some = [sorted(draw.sample(range(1, 61), draw.randint(1, 15))) for _ in range(25)]
    some.append([])
    return [search(one, 40), search(some, 60), search([[1]], 1), search([[2, 3, 4]], 4)]


def listed(queries, pool):
    """Lists that were cut off: what is told by them whatever stands beyond their ends."""
    names = {"mrr@10": 10, "recall@1": 1, "recall@5": 5, "recall@10": 10, "ndcg@10": 10, "ndcg": pool, "map": pool, "mrr": pool}
    full = []
    for right, count, length in queries:
        beyond = [p for p in range(length + 1, pool + 1)]
        missing = count - len(right)
        full.append((right + beyond[:missing], right + (beyond[len(beyond) - missing:] if missing else [])))
    soon, late = (search([q[side] for q in full], pool)["expected"] for side in (0, 1))
    expected = {name: soon[name] for name in names if abs(soon[name] - late[name]) < 1e-12}
    expected["pool"] = pool
    if all(len(right) == count or length >= count for right, count, length in queries):
        expected["map@R"] = soon["map@R"]
    expected["mrr@list"] = sum(1 / min(right) if right else 0 for right, _, _ in queries) / len(queries)
    return dict(queries=queries, pool=pool, expected=expected)


def list_cases():
    """Each query: places of right answers in the list, how many there are, the list's length."""
    draw = random.Random(14)
    found = [[sorted(draw.sample(range(1, 21), draw.randint(0, 1))), 1, 20] for _ in range(20)]
    some = [[sorted(draw.sample(range(1, 13), draw.randint(0, 5))), 6, 12] for _ in range(20)]
    whole = [[[draw.randint(1, 9)], 1, 30] for _ in range(10)]
    short = [[[1], 3, 3], [[], 3, 3], [[2, 3], 3, 3]]
    return [listed(found, 50), listed(some, 40), listed(whole, 60), listed(short, 15)]


def main():
    cases = dict(classes=class_cases(), search=search_cases(), lists=list_cases())
    out = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (HERE / "metrics.json").write_text(out.replace('{"name"', '\n{"name"').replace('{"ranks"', '\n{"ranks"') + "\n")


if __name__ == "__main__":
    main()
