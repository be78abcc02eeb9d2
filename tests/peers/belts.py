"""Trains a belt of each kind on each small reference base, and puts it before its own library.

    python tests/peers/belts.py SKILLBELT --peft PYTHON --adapterhub PYTHON [--base FOLDER ...]

`PYTHON` are interpreters with `peft`, and with `adapters`, as check_belts.py asks for them; without
one of them its kinds are left out. Each belt learns for three steps, is exported with the outputs
that Skillbelt expects of it, and is then loaded by the library: the table says how far the two are
apart, and how far the belt had moved the outputs. Exit code 1 if any pair fails.

Bases without a head (`--base`) are compared in their hidden states.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
FAMILIES = ["bert", "roberta", "t5", "qwen2", "llama"]
LOW_RANK = {"lora_r": 4, "target_modules": "all-linear"}
KINDS = {
    "lora": {"kind": "lora", **LOW_RANK},
    "rslora": {"kind": "lora", "use_rslora": True, **LOW_RANK},
    "dora": {"kind": "dora", **LOW_RANK},
    "seq_bn": {"kind": "seq_bn", "reduction_factor": 8},
    "double_seq_bn": {"kind": "double_seq_bn", "reduction_factor": 8},
    "par_bn": {"kind": "par_bn", "reduction_factor": 8},
    "prefix": {"kind": "prefix", "num_virtual_tokens": 3},
}
IN_PEFT = ["lora", "rslora", "dora"]
# AdapterHub has no Qwen2; what Skillbelt puts there stays with it.
WITHOUT_ADAPTERHUB = ["qwen2"]


def recipe(base, belt, folder):
    family = json.load(open(os.path.join(base, "config.json")))["model_type"]
    rows = os.path.join(folder, "rows.jsonl")
    with open(rows, "w") as file:
        for i in range(12):
            text, other = f"int f{i}(int a) {{ return a + {i}; }}", f"adds {i} to a"
            row = {"text": text, "label": i % 2, "source": text, "target": other}
            file.write(json.dumps(row) + "\n")
    task = {"type": "generate" if family == "t5" else "classify", "train": rows}
    task |= {"max_length": 12, "batch_size": 4}
    if family == "t5":
        task |= {"max_target_length": 8}
    training = {"learning_rate": 0.02, "max_steps": 3, "warmup_ratio": 0.0}
    return {
        "base": {"name": base, "precision": "f32"},
        "belt": belt,
        "tasks": {"t": task},
        "training": training,
        "evaluation": {"policy": "last", "test_at_end": False},
        "output": os.path.join(folder, "run"),
    }


def ran(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()
        sys.exit(f"{' '.join(command)}\n" + "\n".join(last[-6:]))
    return done.stdout


def compared(arguments, base, kind, form, python):
    """What check_belts.py says of a freshly trained belt."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "recipe.yaml")
        with open(path, "w") as file:
            json.dump(recipe(base, KINDS[kind], folder), file)
        ran([arguments.skillbelt, "train", path, "--quiet"])
        belt = os.path.join(folder, "run", "belt")
        out, said = os.path.join(folder, "out"), os.path.join(folder, "said.json")
        export = [arguments.skillbelt, "export", belt, "--base", base, "--to", form]
        ran(export + ["--out", out, "--logits", said])
        check = [python, os.path.join(HERE, "check_belts.py"), out, said, "--base", base]
        done = subprocess.run(check, capture_output=True, text=True)
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
        return done.returncode, lines[-1] if lines else "nothing said"


def pairs(arguments):
    for base in [os.path.join(GOLDEN, family) for family in FAMILIES] + arguments.base:
        base = os.path.abspath(base)
        config = json.load(open(os.path.join(base, "config.json")))
        family = config["model_type"]
        decoder = family not in ("bert", "roberta", "modernbert", "t5")
        for kind in KINDS:
            peft = kind in IN_PEFT or (kind == "prefix" and decoder)
            python = arguments.peft if peft else arguments.adapterhub
            if python and (peft or family not in WITHOUT_ADAPTERHUB):
                yield base, kind, "peft" if peft else "adapterhub", python


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("skillbelt")
    parser.add_argument("--peft", help="an interpreter with torch, transformers and peft")
    parser.add_argument("--adapterhub", help="an interpreter with torch and adapters")
    parser.add_argument("--base", action="append", default=[], help="a further base's folder")
    arguments = parser.parse_args()
    failed = 0
    print("| base | kind | library | said |\n|---|---|---|---|")
    for base, kind, form, python in pairs(arguments):
        code, said = compared(arguments, base, kind, form, python)
        failed += code != 0
        print(f"| {os.path.basename(base)} | {kind} | {form} | {said} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
