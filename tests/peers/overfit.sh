#!/bin/sh
# From a file to decoded text: a random T5 and a random decoder learn fifty Java-C# pairs and fifty
# summaries by heart, and write them again.
#
#   tests/peers/overfit.sh DATA OUT [FLAGS OF skillbelt train]
#
# DATA holds translate-java-cs, summarize-codenn and tokenizer-codet5. SKILLBELT names the program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=$1 out=$2
shift 2
rows=${ROWS:-50}
for family in ${FAMILIES:-t5 qwen2}; do
    mkdir -p "$out/$family"
    python3 "$here/random_base.py" "$family" "$out/$family/base" --words "$data/tokenizer-codet5" --width "${WIDTH:-128}"
    for side in java cs; do
        head -n "$rows" "$data/translate-java-cs/train.java-cs.txt.$side" > "$out/$family/java-cs.$side"
    done
    head -n "$rows" "$data/summarize-codenn/python.train.jsonl" > "$out/$family/summary.jsonl"
    cp "$here/overfit.yaml" "$out/$family/overfit.yaml"
    rm -rf "$out/$family/run"
    echo "== $family"
    "${SKILLBELT:-skillbelt}" train "$out/$family/overfit.yaml" --offline \
        --base "$out/$family/base" --output "$out/$family/run" "$@"
done
python3 - "$out" ${FAMILIES:-t5 qwen2} <<'END'
import json, sys

wrong = 0
for family in sys.argv[2:]:
    with open(f"{sys.argv[1]}/{family}/run/report.json") as file:
        report = json.load(file)
    for task, facts in report["tasks"].items():
        match = facts["test"]["exact_match"]
        wrong += match < 1
        print(f"{family:6} {task:8} exact match {match:.3f}  {report['steps']} steps  {report['costs']['seconds']:.0f} s")
sys.exit(wrong > 0)
END
