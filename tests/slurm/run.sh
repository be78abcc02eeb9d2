#!/usr/bin/env bash
# A study as a job array on a real Slurm of one node: it finds what one process finds alone, and jobs
# that are killed lose nothing.
#
#     apt-get install --no-install-recommends slurmctld slurmd slurm-client munge
#     SKILLBELT=target/release/skillbelt tests/slurm/run.sh [FOLDER]
#
# Needs to be root, as slurmd does. Its own munged, slurmctld and slurmd are started with their own key,
# ports and folders, and ended at the end; a Slurm that the machine may have is not touched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$(realpath "${SKILLBELT:-$root/target/debug/skillbelt}")
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# munged refuses sockets and keys in folders that others may write in.
chmod 755 "$folder"
steps=${STEPS:-300}
say() { printf '%s\n' "$*" >&2; }

for tool in munged slurmctld slurmd sbatch squeue scancel sinfo; do
    command -v "$tool" > /dev/null || { say "there is no $tool; see the first lines of $0"; exit 2; }
done

# The study: two tasks alone and together, three seeds.
rows() { # FILE ROWS FROM WORD WORD
    awk -v n="$2" -v from="$3" -v no="$4" -v yes="$5" 'BEGIN { for (i = 0; i < n; i++) {
        c = int(i * 5 / 3) % 2
        printf "{\"text\": \"%s number %d of all\", \"label\": \"%s\"}\n", c ? yes : no, i + from, c ? "yes" : "no" } }' > "$1"
}
for task in "mark alpha omega" "tone low high"; do
    read -r name no yes <<< "$task"
    rows "$folder/$name-train.jsonl" 36 0 "$no" "$yes"
    rows "$folder/$name-test.jsonl" 24 200 "$no" "$yes"
done
cat > "$folder/plan.yaml" <<END
bases: {tiny: $root/tests/golden/bert}
belts: [lora]
arms: [single, multi]
seeds: [0, 1, 2]
tasks:
  mark: {type: classify, train: mark-train.jsonl, test: mark-test.jsonl, max_length: 32, metric: auc}
  tone: {type: classify, train: tone-train.jsonl, test: tone-test.jsonl, max_length: 32, metric: auc}
training: {max_steps: $steps, batch_size: 6, learning_rate: 5.0e-3, save_steps: 5}
evaluation: {policy: last}
draws: 200
END
say "one process alone"
"$program" --quiet --offline study "$folder/plan.yaml" --out "$folder/alone" --no-estimate > "$folder/alone.txt"

# A Slurm of one node.
slurm=$folder/slurm
mkdir -p "$slurm"/{state,spool,munge}
chmod 700 "$slurm/munge"
dd if=/dev/urandom of="$slurm/munge/key" bs=128 count=1 2> /dev/null
chmod 400 "$slurm/munge/key"
host=$(hostname -s)
port=$((20000 + RANDOM % 20000))
export SLURM_CONF=$slurm/slurm.conf
cat > "$SLURM_CONF" <<END
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$slurm/munge/socket
CredType=cred/munge
StateSaveLocation=$slurm/state
SlurmdSpoolDir=$slurm/spool
SlurmctldPidFile=$slurm/slurmctld.pid
SlurmdPidFile=$slurm/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=check Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
started=()
finish() {
    code=$?
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait || true
    [ "$code" -eq 0 ] || say "failed; logs stand in $slurm"
    exit "$code"
}
trap finish EXIT
munged --foreground --force --key-file="$slurm/munge/key" --socket="$slurm/munge/socket" \
    --pid-file="$slurm/munge/pid" --seed-file="$slurm/munge/seed" --log-file="$slurm/munge/log" \
    > "$slurm/munged.out" 2>&1 &
started+=($!)
until [ -S "$slurm/munge/socket" ]; do kill -0 "${started[0]}"; sleep 0.1; done
slurmctld -D -f "$SLURM_CONF" > "$slurm/slurmctld.log" 2>&1 &
started+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" > "$slurm/slurmd.log" 2>&1 &
started+=($!)
ready() { sinfo -h -o %T 2> /dev/null | grep -qx idle; }
for _ in $(seq 300); do ready && break; sleep 0.2; done
ready || { say "the node does not become idle"; tail -5 "$slurm"/slurm*.log >&2; exit 1; }
say "$(sbatch --version), $(sinfo -h -o '%n %c cpus %T')"

# The job array, with a job that is killed at once and one that is asked to stop.
shared=$folder/shared
script=$("$program" --quiet --offline study "$folder/plan.yaml" --out "$shared" --emit slurm --jobs 4)
run_array() {
    job=$(sbatch --parsable "$script")
    say "array $job"
}
empty() { [ -z "$(squeue -h)" ]; }
done_cells() { find "$shared/cells" -name done.json 2> /dev/null | wc -l; }
run_array
# One is killed in the middle of a cell, one is asked to stop as Slurm does before the time is over.
until find "$shared/work" -path '*checkpoints/step-*' 2> /dev/null | grep -q .; do empty && break; sleep 0.05; done
scancel --signal=KILL --full "${job}_0" || true
scancel --signal=INT --batch "${job}_1" || true
rounds=1
while true; do
    until empty; do sleep 0.2; done
    [ "$(done_cells)" -eq 9 ] && break
    rounds=$((rounds + 1))
    [ "$rounds" -le 6 ] || { say "only $(done_cells) of 9 cells after $rounds arrays"; exit 1; }
    run_array
done

"$program" --quiet --offline study "$folder/plan.yaml" --out "$shared" --results > "$folder/shared.txt"
cells=0
for cell in "$folder"/alone/cells/*; do
    diff -r "$cell/answers" "$shared/cells/$(basename "$cell")/answers"
    diff -r "$cell/belt" "$shared/cells/$(basename "$cell")/belt"
    key=$(basename "$cell")
    finished=$(cat "$shared"/claims/"$key".*/ended.json 2> /dev/null | grep -c '"done"' || true)
    [ "$finished" -le 1 ] || { say "$key was finished $finished times"; exit 1; }
    cells=$((cells + 1))
done
# From the line that says how many cells are done.
tables() { sed -n '/ cells are done/,$p' "$1" | grep -v '^results:'; }
tables "$folder/alone.txt" > "$folder/alone.tables"
tables "$folder/shared.txt" > "$folder/shared.tables"
diff "$folder/alone.tables" "$folder/shared.tables"
claims=$(find "$shared/claims" -name owner.json | wc -l)
say "ok: $cells cells in $rounds arrays under $claims claims; belts and answers are those of one process, to the byte"
