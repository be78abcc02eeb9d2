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


def interval(task, a, b, labels):
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*difference(task, a, b, labels))


def compare(out, arm, name, seeds, full_seeds):
    """The table of one belt for four tasks, and its mean regret against the best single-task run."""
    heads = ["task, measure (test rows)", "untrained", f"**{name}**", "single-task LoRA"]
    heads += [f"full fine-tuning ({len(full_seeds)} seeds)", f"{name} - untrained [95%]"]
    heads += [f"{name} - single-task LoRA [95%]", "regret"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    regrets = []
    for task, measured in TASKS.items():
        ours, labels = columns(out, arm, task, seeds)
        untrained, _ = columns(out, "untrained", task, seeds)
        single, _ = columns(out, f"one-{task}", task, seeds)
        everything = np.arange(len(labels))
        points = [mean(task, runs, labels, everything) for runs in (untrained, ours, single)]
        best, full = points[2], "-"
        if full_seeds:
            values, _ = columns(out, f"full-{task}", task, full_seeds)
            tuned = mean(task, values, labels, everything)
            best, full = max(best, tuned), f"{tuned:.1f}"
        regrets.append(best - points[1])
        cells = [f"{task}, {measured.upper()} ({len(labels)})", f"{points[0]:.1f}", f"**{points[1]:.1f}**"]
        cells += [f"{points[2]:.1f}", full, interval(task, ours, untrained, labels)]
        cells += [interval(task, ours, single, labels), f"{regrets[-1]:+.1f}"]
        print(f"| {' | '.join(cells)} |")
    print(f"\nMean regret {np.mean(regrets):+.2f} points over {len(regrets)} tasks.\n")


def costs(out, seeds, full_seeds):
    print("| arm | tokens | bytes shipped |\n|---|---|---|")
    arms = [("one LoRA", ["many"]), ("one task-aware LoRA", ["aware"])]
    arms += [("four LoRAs", [f"one-{t}" for t in TASKS]), ("four full", [f"full-{t}" for t in TASKS])]
    for name, parts in arms:
        tokens = size = 0.0
        used = full_seeds if name == "four full" else seeds
        for folder in [f"{out}/{part}-{seed}" for part in parts for seed in used]:
            with open(f"{folder}/run.json", encoding="utf-8") as file:
                tokens += json.load(file)["costs"]["tokens"] / len(used)
            size += sum(entry.stat().st_size for entry in os.scandir(f"{folder}/belt")) / len(used)
        print(f"| {name} | {tokens:,.0f} | {size:,.0f} |")


def main():
    out, seeds = sys.argv[1], sys.argv[2:] or ["0", "1", "2"]
    answered = lambda seed: all(os.path.exists(f"{out}/answers/full-{t}-{seed}/{t}.test.jsonl") for t in TASKS)
    full_seeds = [seed for seed in seeds if answered(seed)]
    for arm, name in (("aware", "one task-aware LoRA"), ("many", "one LoRA")):
        compare(out, arm, name, seeds, full_seeds)
    costs(out, seeds, full_seeds)


if __name__ == "__main__":
    main()
