"""Makes `tests/golden/code_bleu/package.json`: CodeBLEU as the package `codebleu` computes it.

    python3.11 -m venv v
    v/bin/pip install --no-deps codebleu==0.7.0 tree-sitter==0.26.1 \
        tree-sitter-c==0.24.2 tree-sitter-c-sharp==0.23.5 tree-sitter-cpp==0.23.4 \
        tree-sitter-go==0.25.0 tree-sitter-java==0.23.5 tree-sitter-javascript==0.25.0 \
        tree-sitter-php==0.25.1 tree-sitter-python==0.25.0 tree-sitter-ruby==0.23.1 \
        tree-sitter-rust==0.24.2
    v/bin/python tests/golden/make_code_bleu.py

The grammars are those of the crates that we parse with. Python is 3.11, the last one whose
`tokenize` takes any text apart. Hashes are not randomised: the package's own numbers hang on them.
The expected programs stand in `code_bleu/texts`; the written ones are made from them here.

With `--pairs FILE` it scores the pairs of that file (JSON lines of language, expected, written)
and prints each with its scores, for a comparison on data that is not ours to commit:

    v/bin/python tests/golden/make_code_bleu.py --pairs pairs.jsonl > scored.jsonl
    SKILLBELT_PAIRS=scored.jsonl cargo test -p skillbelt-train --test code_bleu -- --ignored
"""

import json
import os
import random
import re
import sys
from pathlib import Path

if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

import logging

logging.disable(logging.WARNING)
from codebleu import calc_codebleu

HERE = Path(__file__).parent / "code_bleu"
THEIR_NAMES = {"csharp": "c_sharp"}
PARTS = [
    "codebleu",
    "ngram_match_score",
    "weighted_ngram_match_score",
    "syntax_match_score",
    "dataflow_match_score",
]
COMMENTS = {"python": "# said", "ruby": "# said"}


def renamed(text, dice):
    """Some words of small letters become others, everywhere."""
    words = sorted(set(re.findall(r"\b[a-z]{1,8}\b", text)))
    chosen = {w: f"{w}_{dice.randrange(9)}" for w in dice.sample(words, min(4, len(words)))}
    return re.sub(r"\b[a-z]{1,8}\b", lambda m: chosen.get(m.group(), m.group()), text)


def without_a_line(text, dice):
    lines = text.split("\n")
    del lines[dice.randrange(len(lines))]
    return "\n".join(lines)


def swapped(text, dice):
    lines = text.split("\n")
    a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def cut(text, dice):
    return text[: dice.randrange(1, len(text))]


def damaged(text, dice):
    at = dice.randrange(len(text))
    return text[:at] + dice.choice(["(", "}", "'", '"', "\\", "/*", "é", "$", ";;", "\n", "\t", "0x_"]) + text[at + 1 :]


def said(text, dice, language):
    lines = text.split("\n")
    lines.insert(dice.randrange(len(lines) + 1), COMMENTS.get(language, "// said"))
    return "\n".join(lines)


def on_one_line(text, dice):
    return " ".join(text.split())


def written(text, language, others, dice):
    """What stands in for an answer of a model, from right to nonsense."""
    yield text
    yield renamed(text, dice)
    yield without_a_line(text, dice)
    yield swapped(renamed(text, dice), dice)
    yield said(without_a_line(text, dice), dice, language)
    yield cut(text, dice)
    yield damaged(damaged(text, dice), dice)
    if language not in ("python", "ruby"):
        yield on_one_line(text, dice)
    yield dice.choice(others)


def scored(language, expected, texts):
    numbers = calc_codebleu(expected, texts, THEIR_NAMES.get(language, language))
    return [float(numbers[part]) for part in PARTS]


def golden():
    languages = {}
    for file in sorted((HERE / "texts").glob("*.txt")):
        language = file.stem
        dice = random.Random(f"skillbelt {language}")
        programs = file.read_text(encoding="utf-8").removesuffix("\n").split("\n====\n")
        pairs = []
        for at, text in enumerate(programs):
            for answer in written(text, language, programs, dice):
                pairs.append({"of": at, "written": answer, "scores": scored(language, [text], [answer])})
        pairs.append({"of": 0, "written": "", "scores": scored(language, [programs[0]], [""])})
        expected = [programs[pair["of"]] for pair in pairs]
        together = scored(language, expected, [pair["written"] for pair in pairs])
        languages[language] = {"expected": programs, "pairs": pairs, "together": together}
    text = json.dumps({"languages": languages}, ensure_ascii=False, indent=0)
    (HERE / "package.json").write_text(text + "\n", encoding="utf-8")


def pairs(path):
    for line in open(path, encoding="utf-8"):
        pair = json.loads(line)
        pair["scores"] = scored(pair["language"], [pair["expected"]], [pair["written"]])
        print(json.dumps(pair))


if sys.argv[1:2] == ["--pairs"]:
    pairs(sys.argv[2])
else:
    golden()
