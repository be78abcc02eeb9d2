"""Expected outcomes of tests by example, for comparisons.json beside this file: McNemar and Holm from
statsmodels, Wilcoxon from scipy.

    python make_comparisons.py        # needs scipy, statsmodels and numpy
"""

import json
import pathlib
import random
import warnings

import numpy as np
from scipy.stats import PermutationMethod, wilcoxon
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

HERE = pathlib.Path(__file__).parent


def mcnemar_cases():
    cases = []
    pairs = [(0, 0), (1, 0), (0, 5), (3, 3), (4, 9), (12, 12), (2, 22), (1, 24), (10, 15), (13, 13), (40, 20), (300, 220), (5000, 4000)]
    for a, b in pairs:
        exact = a + b < 25
        if a + b == 0:
            cases.append([a, b, 1.0])
            continue
        # With equal numbers statsmodels corrects nought to one; nothing differs, so p is one.
        p = 1.0 if a == b and not exact else mcnemar([[7, a], [b, 9]], exact=exact, correction=True).pvalue
        cases.append([a, b, float(p)])
    return cases


def wilcoxon_cases():
    draw = random.Random(21)
    cases = []

    def put(differences, **how):
        d = np.array(differences)
        found = wilcoxon(d, zero_method="wilcox", correction=False, **how)
        ranks = float(wilcoxon(d, zero_method="wilcox", alternative="greater", method="asymptotic").statistic)
        cases.append(dict(differences=differences, rank_sum=ranks, p=float(found.pvalue)))

    for count in (1, 2, 7, 25, 50):
        put([draw.gauss(0.3, 1) for _ in range(count)], method="exact")
    every = PermutationMethod(n_resamples=np.inf)
    for count in (4, 9, 12):
        put([draw.choice([-0.5, -0.25, 0.25, 0.5, 1.0]) for _ in range(count)], method=every)
    for count in (51, 80, 400):
        put([draw.gauss(0.1, 1) for _ in range(count)], method="asymptotic")
        tied = [draw.choice([-0.5, -0.25, 0.25, 0.5, 1.0]) for _ in range(count)]
        put(tied, method="asymptotic")
        put(tied + [0.0] * 30, method="asymptotic")
    cases.append(dict(differences=[0.0, 0.0], rank_sum=0.0, p=1.0))
    return cases


def holm_cases():
    draw = random.Random(22)
    families = [[0.04], [0.01, 0.04, 0.03], [0.5, 0.5, 0.001], [1.0, 0.9], [0.02] * 4]
    families.append([draw.random() ** 3 for _ in range(15)])
    return [[family, [float(p) for p in multipletests(family, method="holm")[1]]] for family in families]


def main():
    warnings.simplefilter("ignore")
    cases = dict(mcnemar=mcnemar_cases(), wilcoxon=wilcoxon_cases(), holm=holm_cases())
    out = json.dumps(cases, separators=(",", ":"))
    (HERE / "comparisons.json").write_text(out.replace('{"differences"', '\n{"differences"') + "\n")


if __name__ == "__main__":
    main()
