"""Runs rewritten Python functions against the originals: a heavier check, not part of the tests.

usage: python3 compare.py SKILLBELT [FUNCTIONS.py ...]

Functions of the files beside this one (and of those that are given) are harvested for the task
clone with several seeds; each rewritten function that is a rewrite of a known one is executed on
many inputs, and results, exceptions and changes of the arguments are compared. With mutated
functions the same comparison must fail now and then, or it compares nothing.
"""

import ast
import copy
import importlib.util
import inspect
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
VALUES = [0, 1, 2, 3, -1, 7, 10, 2.5, "", "a", "abc", "a,b", [], [1, 2, 3], [3, 1, 2], ["a", "b"], None, True]


class Endless(Exception):
    """A function took too many steps."""


def limited(function, arguments):
    steps = 0

    def look(frame, event, argument):
        nonlocal steps
        steps += 1
        if steps > 20_000:
            raise Endless()
        return look

    sys.settrace(look)
    try:
        return ("value", repr(function(*arguments)))
    except Endless:
        return ("endless", "")
    except Exception as error:  # noqa: BLE001: whatever it is, it must be the same
        return ("error", type(error).__name__)
    finally:
        sys.settrace(None)


def outcome(function, arguments):
    arguments = copy.deepcopy(arguments)
    told = limited(function, arguments)
    return told, repr(arguments)


def load(code, module):
    """The function that a text defines, under whatever name; the module's own stay what they are."""
    name = ast.parse(code).body[0].name
    space = dict(vars(module))
    exec(compile(code, name, "exec"), space)
    return space[name]


def inputs(function, seed):
    count = len(inspect.signature(function).parameters)
    every = list(itertools.product(VALUES, repeat=count)) if count <= 2 else None
    draw = random.Random(seed)
    if every is not None:
        return every
    return [tuple(draw.choice(VALUES) for _ in range(count)) for _ in range(400)]


def module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(skillbelt, folder, task, seed):
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "out"
        subprocess.run(
            [skillbelt, "-q", "harvest", str(folder), "--tasks", task, "--max-rows", "0",
             "--seed", str(seed), "--out", str(out)],
            check=True, stdout=subprocess.DEVNULL,
        )
        for path in sorted(out.glob("*.jsonl")):
            for line in path.read_text().splitlines():
                yield json.loads(line)


def compare(skillbelt, files, seeds):
    modules = {path.name: module_of(path) for path in files}
    same, different, mutated, rules = 0, [], 0, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "functions"
        folder.mkdir()
        for path in files:
            (folder / path.name).write_text(path.read_text())
        for seed in range(seeds):
            for task in ("clone", "defect_mutated"):
                for row in rows(skillbelt, folder, task, seed):
                    other = row.get("text_b") if task == "clone" else row["text"]
                    if row["label"] != 1:
                        continue
                    name = row["function"]
                    module = modules[pathlib.Path(row["path"]).name]
                    original, changed = getattr(module, name), load(other, module)
                    found = next(
                        (given for given in inputs(original, seed)
                         if outcome(original, given) != outcome(changed, given)),
                        None,
                    )
                    if task == "defect_mutated":
                        mutated += found is not None
                    elif found is None:
                        same += 1
                        for rule in row["rules"]:
                            rules[rule] = rules.get(rule, 0) + 1
                    else:
                        different.append((row["rules"], found, row["text"], other))
    return same, different, mutated, rules


def main():
    skillbelt, *given = sys.argv[1:]
    files = [HERE / "functions.py", *map(pathlib.Path, given)]
    same, different, mutated, rules = compare(skillbelt, files, seeds=20)
    for rule, arguments, original, changed in different[:5]:
        print(f"DIFFERENT by {rule} on {arguments}:\n{original}\n--- became ---\n{changed}\n")
    print(f"{same} rewrites do the same, {len(different)} do not; {mutated} mutations were noticed")
    print("rules:", ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items())))
    sys.exit(0 if same and mutated and not different else 1)


if __name__ == "__main__":
    main()
