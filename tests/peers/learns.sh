#!/usr/bin/env bash
# One belt for four tasks (a LoRA, and a task-aware one), four single-task LoRAs and four full
# fine-tunings, each with the same batches of each task in the same number of steps; and the belt
# before its first step.
#
#     tests/peers/learns.sh BASE DATA OUT [SEED...]
#
# BASE is a BERT encoder in the hub's layout; DATA the folder of the data sets; OUT gets a run folder
# for each arm and seed, and its answers to the test rows, of which learns_table.py makes tables. Runs
# that are there are gone on with or left as they are.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: learns.sh BASE DATA OUT [SEED...]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
base=$1 data=$(cd "$2" && pwd) out=$3
shift 3
program=${SKILLBELT:-skillbelt}
mkdir -p "$out"
sed "s#: data/#: $data/#; s#\[data/#[$data/#" "$here/learns.yaml" > "$out/learns.yaml"

arm() { # NAME FLAGS...
    local folder="$out/$1"
    [ -f "$folder/belt/belt.json" ] ||
        "$program" train "$out/learns.yaml" --base "$base" -o "$folder" --resume "${@:2}"
    [ -f "$out/answers/$1/summary.json" ] ||
        "$program" eval "$folder/belt" --base "$base" --recipe "$out/learns.yaml" --out "$out/answers/$1"
}

lora=(--belt lora --lora-r 16 --lora-alpha 32 --target-modules all-linear --precision int8)
aware=(--belt task_lora "${lora[@]:2}")
full=(--belt full --precision f32 --learning-rate 1e-4)
[ $# -gt 0 ] || set -- 0 1 2
for seed; do
    arm "many-$seed" --seed "$seed" "${lora[@]}"
    arm "aware-$seed" --seed "$seed" "${aware[@]}"
    # The first step of a warm-up has rate 0.
    arm "untrained-$seed" --seed "$seed" "${lora[@]}" --max-steps 1
    for task in defect clone search flaky; do
        arm "one-$task-$seed" --seed "$seed" --tasks "$task" "${lora[@]}"
    done
done
for seed; do
    for task in defect clone search flaky; do
        arm "full-$task-$seed" --seed "$seed" --tasks "$task" "${full[@]}"
    done
done
