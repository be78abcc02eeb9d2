#!/usr/bin/env bash
# The study's learnt softmax weights beside fixed ones, on the same rows in the same order; and beside
# both, the search loss with the temperature and the negatives that it should have.
#
#     tests/peers/collapse.sh BASE DATA OUT
#
# The weights stand in each run's metrics.jsonl, step by step; the search MRR in report.json.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: collapse.sh BASE DATA OUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
base=$1 data=$(cd "$2" && pwd) out=$3
program=${SKILLBELT:-skillbelt}
mkdir -p "$out"
sed "s#: data/#: $data/#; s#\[data/#[$data/#" "$here/collapse.yaml" > "$out/collapse.yaml"
train() {
    "$program" train "$out/collapse.yaml" --base "$base" -o "$out/$1" "${@:2}"
}
train fixed --balancing fixed
# Ten times the belt's own rate: in 500 steps what the study's rate does in 5,000.
train softmax --balancing study_softmax --set 'training.balancing_options={speed: 10}'
train fixed-sharp --balancing fixed --set tasks.search.temperature=0.05
train softmax-sharp --balancing study_softmax --set 'training.balancing_options={speed: 10}' \
    --set tasks.search.temperature=0.05
