#!/usr/bin/env bash
# What a base is worth, by the plan studies/pocket.yaml: belts on it against belts on random weights of its shape,
# against full fine-tuning, and against words alone, on seven tasks and three seeds.
#
#   recipes/pocket/worth.sh BASE DATA OUT [flags of skillbelt study...]
#
# BASE is a folder in the hub's layout; DATA the folder of the data sets (CodeXGLUE's Devign, BigCloneBench and POJ-104,
# CoSQA, FlakeFlagger, CodeTrans, CodeNN, under the names below); OUT gets data, answers and OUT/study with results.json
# and study.html. May be called again: what is done is not done twice.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: worth.sh BASE DATA OUT [FLAGS...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
base=$(cd "$1" && pwd) data=$(cd "$2" && pwd) out=$(mkdir -p "$3" && cd "$3" && pwd)
shift 3
program=${SKILLBELT:-skillbelt}

# Test rows are cut where all of them would take longer than training does; the same rows for every arm.
lay() {
    mkdir -p "$1"/{defect,clone,programs,search,flaky,translate,summarize}
    ln -s "$data"/defect-devign/{train,test}.jsonl "$1/defect/"
    ln -s "$data"/clone-bigclonebench/{train.txt,test.txt,data.jsonl} "$1/clone/"
    ln -s "$data/clone-poj104/train.jsonl" "$1/programs/"
    awk 'NR % 3 == 0' "$data/clone-poj104/test.jsonl" >"$1/programs/test.jsonl"
    ln -s "$data/search-cosqa/train.jsonl" "$data/search-cosqa/cosqa-retrieval-test-500.json" "$1/search/"
    ln -s "$data/flaky-flakeflagger/train.jsonl" "$1/flaky/"
    # All flaky tests, and every third of the others: the area under the curve is the same in the mean.
    awk '/"flaky": 1/ || NR % 3 == 0' "$data/flaky-flakeflagger/test.jsonl" >"$1/flaky/test.jsonl"
    local side
    for side in java cs; do
        ln -s "$data/translate-java-cs/train.java-cs.txt.$side" "$1/translate/train.$side"
        awk 'NR % 12 == 0' "$data/translate-java-cs/test.java-cs.txt.$side" >"$1/translate/test.$side"
    done
    ln -s "$data/summarize-codenn/python.train.jsonl" "$1/summarize/train.jsonl"
    awk 'NR % 16 == 0' "$data/summarize-codenn/python.test.jsonl" >"$1/summarize/test.jsonl"
}

if [ ! -d "$out/data" ]; then
    rm -rf "$out/data.writing"
    lay "$out/data.writing"
    mv "$out/data.writing" "$out/data"
fi
ln -sfn "$base" "$out/base"
cp "$here/../../studies/pocket.yaml" "$out/plan.yaml"
# The tasks of the plan as a recipe, for words alone.
{
    printf 'base: ./base\nbelt: lora\noutput: ./words\n'
    sed -n '/^tasks:/,/^training:/p' "$out/plan.yaml" | sed '$d'
} >"$out/words.yaml"
[ -f "$out/words/summary.json" ] || "$program" baseline "$out/words.yaml" --out "$out/words"
"$program" study "$out/plan.yaml" --out "$out/study" --jobs 2 "$@"
