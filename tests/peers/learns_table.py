"""The table of `learns.sh`: what one belt for four tasks gives beside single-task belts, full
fine-tuning and the untrained belt.

    python learns_table.py OUT [SEED...]

OUT holds, for each arm and seed, `answers/<arm>/<task>.test.jsonl` as `skillbelt eval` writes them, and
the run folders. Needs numpy. AUC for classes, MRR for search, both in points; means over seeds.
Intervals: paired bootstrap over examples (2,000 draws, seed 0) of differences that are means over seeds.
"""
import json
import os
import sys

import numpy as np

TASKS = {"defect": "auc", "clone": "auc", "search": "mrr", "flaky": "auc"}
DRAWS = 2000


def answers(out, arm, task):
    """Scores or ranks, and labels, by the example's name and how often it was met."""
    found, met = {}, {}
    with open(f"{out}/answers/{arm}/{task}.test.jsonl", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            met[row["name"]] = met.get(row["name"], 0) + 1
            key = (row["name"], met[row["name"]])
            found[key] = (row["scores"][-1], int(row["label"])) if "label" in row else (row["rank"], 0)
    return found


def auc(values, labels):
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    sorted_values = values[order]
    start = 0
    while start < len(values):
        end = start
        while end + 1 < len(values) and sorted_values[end + 1] == sorted_values[start]:
            end += 1
        ranks[order[start : end + 1]] = (start + end) / 2 + 1
        start = end + 1
    positive = labels.sum()
    negative = len(labels) - positive
    if positive == 0 or negative == 0:
        return np.nan
    return (ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative)


def measure(task, values, labels):
    return 100 * (auc(values, labels) if TASKS[task] == "auc" else np.mean(1 / values))


def columns(out, arm, task, seeds):
    """[seeds x examples] of values in one order of examples, and the labels."""
    runs = [answers(out, f"{arm}-{seed}", task) for seed in seeds]
    keys = sorted(runs[0])
    for run in runs:
        assert sorted(run) == keys, f"{arm} {task}: other examples"
    values = np.array([[run[key][0] for key in keys] for run in runs], dtype=float)
    labels = np.array([runs[0][key][1] for key in keys])
    return values, labels


def mean(task, values, labels, rows):
    return np.mean([measure(task, run[rows], labels[rows]) for run in values])


def difference(task, a, b, labels):
    everything = np.arange(len(labels))
    point = mean(task, a, labels, everything) - mean(task, b, labels, everything)
    draw = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        rows = draw.integers(0, len(labels), len(labels))
        drawn.append(mean(task, a, labels, rows) - mean(task, b, labels, rows))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return point, low, high


out = sys.argv[1]
seeds = sys.argv[2:] or ["0", "1", "2"]
full_seeds = [s for s in seeds if all(os.path.exists(f"{out}/answers/full-{t}-{s}/{t}.test.jsonl") for t in TASKS)]
print(f"| task, measure (test rows) | untrained | **one belt** | single-task belt | full fine-tuning ({len(full_seeds)} seeds) | one belt - untrained [95%] | one belt - single-task belt [95%] | regret |")
print("|---|---|---|---|---|---|---|---|")
regrets = []
for task in TASKS:
    many, labels = columns(out, "many", task, seeds)
    untrained, _ = columns(out, "untrained", task, seeds)
    one, _ = columns(out, f"one-{task}", task, seeds)
    everything = np.arange(len(labels))
    best = [mean(task, one, labels, everything)]
    full = "-"
    if full_seeds:
        values, _ = columns(out, f"full-{task}", task, full_seeds)
        best.append(mean(task, values, labels, everything))
        full = f"{best[-1]:.1f}"
    ours = mean(task, many, labels, everything)
    regrets.append(max(best) - ours)
    gain = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*difference(task, many, untrained, labels))
    against = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*difference(task, many, one, labels))
    before = mean(task, untrained, labels, everything)
    print(f"| {task}, {TASKS[task].upper()} ({len(labels)}) | {before:.1f} | **{ours:.1f}** | {best[0]:.1f} | {full} | {gain} | {against} | {regrets[-1]:+.1f} |")
print(f"\nMean regret {np.mean(regrets):+.2f} points over {len(regrets)} tasks.")

print("\n| arm | tokens | seconds | bytes shipped |")
print("|---|---|---|---|")
for name, arms in [("one belt", ["many"]), ("four belts", [f"one-{t}" for t in TASKS]), ("four full", [f"full-{t}" for t in TASKS])]:
    tokens = seconds = size = 0.0
    used = full_seeds if name == "four full" else seeds
    for arm in arms:
        for seed in used:
            folder = f"{out}/{arm}-{seed}"
            costs = json.load(open(f"{folder}/run.json", encoding="utf-8"))["costs"]
            tokens += costs["tokens"] / len(used)
            seconds += costs["seconds"] / len(used)
            size += sum(e.stat().st_size for e in os.scandir(f"{folder}/belt")) / len(used)
    print(f"| {name} | {tokens:,.0f} | {seconds:,.0f} | {size:,.0f} |")
