"""Opens a base that `skillbelt pretrain` made in transformers, and compares with what Skillbelt says.

    pip install torch transformers
    python tests/peers/pocket.py runs/pocket/base
    python tests/peers/pocket.py pocket --program target/release/skillbelt

Three things: logits of the same token sequences, in f32; texts, which both tokenizers must cut into as
many tokens and give back to the byte; and what both write greedily after a prompt, which must be the same
text. As a control the logits are compared once more with one weight changed. Exit code 0 if all hold, 1
otherwise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import torch
import transformers

# Sums in another order, as a share of the largest number.
BAR = 1e-4
TEXTS = [
    "def area(width, height):\n    return width * height\n",
    "/** Gives the sum. */\nint sum(int a, int b) { return a + b; }\n",
    "caf\u00e9 \u6570\U0001f980\t\r\n   12345 <|endoftext|> it's",
]
PROMPTS = ["def total(values):\n", "public int size() {\n", "#include <std"]
WRITTEN = 12


def said(program, base, *arguments):
    command = [program, *arguments[:2], base, *arguments[2:]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def folder_of(program, base):
    """Where a base lies that is named: `base show` tells."""
    if os.path.isdir(base):
        return base
    return json.loads(said(program, base, "base", "show", "--json", "--no-hash"))["folder"]


def our_logits(program, base, scratch):
    path = os.path.join(scratch, "said.json")
    out = os.path.join(scratch, "base.gguf")
    command = [program, "export", "-", "--base", base, "--to", "gguf-base", "--out", out]
    subprocess.run([*command, "--logits", path], check=True, capture_output=True)
    with open(path) as file:
        return json.load(file)


def difference(model, ours):
    """The largest difference of any logit, as a share of the largest logit."""
    theirs = []
    with torch.no_grad():
        for ids in ours["sequences"]:
            theirs.append(model(input_ids=torch.tensor([ids])).logits[0])
    theirs, rows = torch.cat(theirs), torch.tensor(ours["rows"])
    assert theirs.shape == rows.shape, (theirs.shape, rows.shape)
    return float((theirs - rows).abs().max() / theirs.abs().max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="a folder, or `pocket`")
    parser.add_argument("--program", default="skillbelt")
    arguments = parser.parse_args()
    program, base = arguments.program, arguments.base
    folder = folder_of(program, base)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    model = model.float().eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    good = True

    def tell(what, holds):
        nonlocal good
        good &= holds
        print(f"{'ok  ' if holds else 'FAIL'} {what}")

    with tempfile.TemporaryDirectory() as scratch:
        ours = our_logits(program, base, scratch)
    found = difference(model, ours)
    count = sum(len(row) for row in ours["rows"])
    tell(f"{count} logits: largest difference {found:.1e} of the largest; bar {BAR:.0e}", found <= BAR)

    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        back = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        written = json.loads(said(program, base, "base", "generate", "--prompt", text, "--max-new-tokens", "1"))
        # Ours counts the token that begins every text.
        tell(f"{len(ids)} tokens of {text[:12]!r}", back == text and written["prompt_tokens"] == len(ids) + 1)

    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        told = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=WRITTEN, do_sample=False)
        theirs = tokenizer.decode(told[0, ids.shape[1] :], skip_special_tokens=True)
        written = said(program, base, "base", "generate", "--prompt", prompt, "--max-new-tokens", str(WRITTEN))
        text = json.loads(written)["text"]
        tell(f"written after {prompt!r}: {theirs[:40]!r}", text == theirs)

    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight[0] += 0.5
    moved = difference(model, ours)
    tell(f"the control, one row of one map changed: {moved:.1e}", moved > BAR)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
