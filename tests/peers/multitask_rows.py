"""Writes the rows that a two-task program in PyTorch + peft draws (flaky tests, code search), so that
a recipe can be trained on exactly those rows.

    python multitask_rows.py DATA OUT

DATA holds `flaky-flakeflagger/{train,valid}.jsonl` and `search-cosqa/train.jsonl`. Needs nothing but
Python. The draws: all flaky tests and twice as many others, shuffled by seed 0; 800 search pairs held
out and the next 2,500 trained on, shuffled by seed 0.
"""
import json
import os
import random
import sys


def rows(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def split(rows, others):
    """All positives, and of the shuffled negatives the first `others(number of positives)`."""
    positive = [row for row in rows if row["flaky"]]
    negative = [row for row in rows if not row["flaky"]]
    random.Random(0).shuffle(negative)
    return positive + negative[: others(len(positive))]


data, out = sys.argv[1:3]
os.makedirs(out, exist_ok=True)
write(f"{out}/flaky.train.jsonl", split(rows(f"{data}/flaky-flakeflagger/train.jsonl"), lambda n: 2 * n))
write(f"{out}/flaky.valid.jsonl", split(rows(f"{data}/flaky-flakeflagger/valid.jsonl"), lambda n: 500))
search = rows(f"{data}/search-cosqa/train.jsonl")
random.Random(0).shuffle(search)
write(f"{out}/search.valid.jsonl", search[:800])
write(f"{out}/search.train.jsonl", search[800:3300])
