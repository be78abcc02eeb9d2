"""Trains a belt of each kind on each small reference base, and puts it before its own library.

    pip install torch transformers peft              # or: torch 'adapters==1.3.0'
    python tests/peers/belts.py SKILLBELT [--base FOLDER ...]

Which kinds are tried follows from the library that is there. Each belt learns for three steps, is
exported with the outputs that Skillbelt expects of it, and is then loaded by the library: the table
says how far the two are apart, and how far the belt had moved the outputs. Exit code 1 if any pair
fails. Bases without a head (`--base`) are compared in their hidden states.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import check_belts

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


def compared(skillbelt, base, kind, form, folder):
    """What the library and Skillbelt say of a freshly trained belt."""
    path = os.path.join(folder, "recipe.yaml")
    with open(path, "w") as file:
        json.dump(recipe(base, KINDS[kind], folder), file)
    ran([skillbelt, "train", path, "--quiet"])
    belt, out = os.path.join(folder, "run", "belt"), os.path.join(folder, "out")
    said = os.path.join(folder, "said.json")
    ran([skillbelt, "export", belt, "--base", base, "--to", form, "--out", out, "--logits", said])
    return check_belts.Comparison(out, said, base)


def pairs(bases):
    """Every base with the kinds that the library here has for it."""
    # Where both are, AdapterHub's has the transformers that it needs.
    in_peft = importlib.util.find_spec("adapters") is None
    for base in map(os.path.abspath, bases):
        with open(os.path.join(base, "config.json")) as file:
            family = json.load(file)["model_type"]
        decoder = family not in ("bert", "roberta", "modernbert", "t5")
        for kind in KINDS:
            peft = kind in IN_PEFT or (kind == "prefix" and decoder)
            if peft and in_peft:
                yield base, kind, "peft"
            elif not peft and not in_peft and family not in WITHOUT_ADAPTERHUB:
                yield base, kind, "adapterhub"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("skillbelt")
    parser.add_argument("--base", action="append", default=[], help="a further base's folder")
    arguments = parser.parse_args()
    failed = 0
    bases = [os.path.join(GOLDEN, family) for family in FAMILIES] + arguments.base
    print("| base | kind | library | compared | largest difference | of | the belt moved them by |")
    print("|---|---|---|---|---|---|---|")
    for base, kind, form in pairs(bases):
        with tempfile.TemporaryDirectory() as folder:
            found = compared(arguments.skillbelt, base, kind, form, folder)
        failed += not found.agrees(check_belts.BAR)
        numbers = f"{found.difference:.1e} | {found.largest:.2f} | {found.moved:.2g}"
        print(f"| {os.path.basename(base)} | {kind} | {form} | {found.what} | {numbers} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
