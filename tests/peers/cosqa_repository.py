"""Turns CoSQA's pool of functions into a repository, and its questions into those of `skillbelt search
--evaluate`: one file per function, named by its number in the pool.

    python3 tests/peers/cosqa_repository.py DATA OUT [--without-docstrings]
    skillbelt search --evaluate OUT/questions-test.jsonl OUT/pool --belt BELT --wait all

DATA holds `code_idx_map.txt` and `cosqa-retrieval-{dev,test}-500.json`. Only the standard library is used.
"""

import argparse
import json
import pathlib
import re

DOCSTRING = re.compile(r'^(\s*(?:@.*\n\s*)*(?:async\s+)?def [^\n]*?(?:\([^)]*\))?[^\n]*:\s*\n(?:\s*\n)*)(\s*)[rRuU]?("""|\'\'\')(.*?)\3[ \t]*\n?', re.S)


def without_docstring(code):
    found = DOCSTRING.match(code)
    return found.group(1) + found.group(2) + code[found.end():].lstrip("\n ") if found else code


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--without-docstrings", action="store_true")
    arguments = parser.parse_args()
    pool = arguments.out / "pool"
    pool.mkdir(parents=True)
    functions = json.loads((arguments.data / "code_idx_map.txt").read_text(encoding="utf-8"))
    for code, number in functions.items():
        if arguments.without_docstrings:
            code = without_docstring(code)
        (pool / f"{number:04}.py").write_text(code + "\n", encoding="utf-8")
    for split in ("dev", "test"):
        rows = json.loads((arguments.data / f"cosqa-retrieval-{split}-500.json").read_text(encoding="utf-8"))
        with open(arguments.out / f"questions-{split}.jsonl", "w", encoding="utf-8") as file:
            for row in rows:
                question = {"query": row["doc"], "path": f"{row['retrieval_idx']:04}.py"}
                file.write(json.dumps(question) + "\n")
    print(f"{len(functions)} functions in {pool}")


if __name__ == "__main__":
    main()
