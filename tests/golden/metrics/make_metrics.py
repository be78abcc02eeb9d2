"""Expected values of the measures, for metrics.json beside this file.

Classes: from scikit-learn. Search and texts: computed here, as plainly as possible, from the
definitions; the two dialects of BLEU from the descriptions of CodeXGLUE's evaluation, by counting
every run of words in every place, with fractions where fractions are enough.

    python make_metrics.py        # needs scikit-learn and numpy
"""

import json
import math
import pathlib
import random
import re
import sys
from fractions import Fraction

import numpy as np
from sklearn import metrics as sk

HERE = pathlib.Path(__file__).parent


def f32(value):
    return float(np.float32(value))


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
    totals = dict.fromkeys(["mrr", "mrr@10", "map", "map@R", "recall@1", "recall@5", "recall@10", "ndcg@10"], 0.0)
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
        gain = sum(1 / math.log2(place + 1) for place in range(1, 11) if place <= pool and is_right[place - 1])
        best = sum(1 / math.log2(place + 1) for place in range(1, min(count, 10) + 1))
        totals["ndcg@10"] += gain / best
    expected = {name: total / len(ranks) for name, total in totals.items()}
    expected["pool"] = pool
    return dict(ranks=ranks, pool=pool, expected=expected)


def search_cases():
    draw = random.Random(12)
    one = [[draw.randint(1, 40)] for _ in range(30)]
    some = [sorted(draw.sample(range(1, 61), draw.randint(1, 15))) for _ in range(25)]
    some.append([])
    return [search(one, 40), search(some, 60), search([[1]], 1), search([[2, 3, 4]], 4)]


def runs(words, order):
    return [tuple(words[at:at + order]) for at in range(len(words) - order + 1)]


def shared(written, expected, order):
    """Of every different run the smaller of both counts."""
    ours, theirs = runs(written, order), runs(expected, order)
    return sum(min(ours.count(run), theirs.count(run)) for run in set(ours))


def bleu_of_all(pairs):
    """Translation and CONCODE: words by white space, one added to every order."""
    pairs = [(w.strip().split(), e.strip().split()) for w, e in pairs]
    product = Fraction(1)
    for order in range(1, 5):
        matches = sum(shared(w, e, order) for w, e in pairs)
        possible = sum(len(runs(w, order)) for w, _ in pairs)
        product *= Fraction(matches + 1, possible + 1)
    written, expected = sum(len(w) for w, _ in pairs), sum(len(e) for _, e in pairs)
    if written == 0:
        return 0.0
    short = 1.0 if written > expected else math.exp(1 - expected / written)
    return float(product) ** 0.25 * short


def small_words(text):
    """Code-to-text: small letters, words and signs apart, then the punctuation of mteval apart."""
    text = " ".join(re.findall(r"\w+|[^\s\w]", text.strip().lower()))
    return re.sub(r"([{-~\[-` -&(-+:-@/])", r" \1 ", " " + text + " ").split()


def bleu_of_one(written, expected):
    w, e = small_words(written), small_words(expected)
    least = sys.float_info.min
    total = 0.0
    for order in range(1, 5):
        add = 1 if order > 1 else 0
        total += math.log(shared(w, e, order) + add + least) - math.log(len(runs(w, order)) + add + least)
    return math.exp(total / 4 + min(0, 1 - (len(e) + 1) / (len(w) + 1)))


def alike(a, b):
    """Twice the longest common subsequence over both lengths, by the full table."""
    if not a and not b:
        return 1.0
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    return 2 * table[-1][-1] / (len(a) + len(b))


def texts(pairs):
    expected = {
        "exact_match": sum(w.strip() == e.strip() for w, e in pairs) / len(pairs),
        "bleu": bleu_of_all(pairs),
        "bleu_smooth": sum(bleu_of_one(w, e) for w, e in pairs) / len(pairs),
        "edit_similarity": sum(alike(w.strip(), e.strip()) for w, e in pairs) / len(pairs),
    }
    return dict(written=[w for w, _ in pairs], expected_texts=[e for _, e in pairs], expected=expected)


def text_cases():
    draw = random.Random(13)
    some = [
        ("Returns the name of the file .", "Return the name of the file."),
        ("public int size ( ) { return this . size ; }", "public int size ( ) { return size ; }"),
        ("  same text \n", "same text"),
        ("the the the the", "the cat is on the mat"),
        ("", "nothing was written here"),
        ("something", ""),
        ("snake_case_name = 3.14 - x/2", "snake_case = 3.14-x / 2 ; it's"),
        ("GRÖSSE der Straße, 你好 мир", "größe der Strasse, 你好 Мир!"),
        ("int a;", "int a;"),
    ]
    vocabulary = "if ( x ) return y ; else z = foo_bar . get ( 1 ) + \"a\" <b> &quot;".split()
    longer = []
    for _ in range(12):
        expected = [draw.choice(vocabulary) for _ in range(draw.randint(1, 60))]
        written = [w if draw.random() < 0.8 else draw.choice(vocabulary) for w in expected if draw.random() < 0.95]
        longer.append((" ".join(written), " ".join(expected)))
    return [texts(some), texts(longer), texts([("", "")]), texts([("a b c d e", "a b c d e")]), texts(some[4:5])]


def main():
    cases = dict(classes=class_cases(), search=search_cases(), texts=text_cases())
    out = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (HERE / "metrics.json").write_text(out.replace('{"name"', '\n{"name"').replace('{"ranks"', '\n{"ranks"').replace('{"written"', '\n{"written"') + "\n")


if __name__ == "__main__":
    main()
