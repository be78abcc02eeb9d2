#!/usr/bin/env bash
# The walk of docs/walk.md: three packages from their registries, in three languages, through scan, search and the
# server, with a belt that exists already. Nothing of a package is run.
#
#   recipes/walk/walk.sh BELT FOLDER
#
# FOLDER gets the packages (code/), what was said (transcript.txt) and the findings (findings.json, findings.sarif).
# SKILLBELT names the program, unless it is on the path.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: walk.sh BELT FOLDER" >&2; exit 2; }
belt=$(cd "$1" && pwd)
folder=$(mkdir -p "$2" && cd "$2" && pwd)
program=${SKILLBELT:-skillbelt}
code=$folder/code

# place NAME FOLDER: a package is there whole, or not at all.
place() { mkdir -p "$code"; mv "$2" "$code/$1"; }

fetch() {
    local one=$folder/one
    [ -d "$code/requests" ] || {
        rm -rf "$one" && mkdir "$one"
        pip download --quiet --no-deps --only-binary=:all: -d "$one" requests==2.34.2
        python3 -m zipfile -e "$one"/*.whl "$one/unpacked"
        place requests "$one/unpacked"
    }
    [ -d "$code/express" ] || {
        rm -rf "$one" && mkdir "$one"
        (cd "$one" && npm pack --silent express@5.3.0 >/dev/null && tar xzf ./*.tgz)
        place express "$one/package"
    }
    [ -d "$code/petgraph" ] || {
        rm -rf "$one" && mkdir -p "$one/src" && cd "$one"
        printf '[package]\nname = "one"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\npetgraph = "=0.8.3"\n' >Cargo.toml
        touch src/lib.rs && cargo vendor --quiet >/dev/null
        place petgraph "$one/vendor/petgraph"
        cd "$folder"
    }
    rm -rf "$one"
}

# told COMMAND...: runs it in the folder of the code; the command, what it said and how long it took.
told() {
    echo "\$ $*"
    local begun ended code=0
    begun=$(date +%s.%N)
    "$program" "${@:2}" 2>&1 || code=$?
    ended=$(date +%s.%N)
    printf '(exit code %d, %.2f s)\n\n' "$code" "$(awk "BEGIN { print $ended - $begun }")"
}

fetch
cd "$code"
rm -rf .skillbelt
{
    told skillbelt scan . --belt "$belt"
    told skillbelt scan . --belt "$belt" --fail-on never --format json --out ../findings.json
    told skillbelt scan . --belt "$belt" --fail-on never --format sarif --out ../findings.sarif
    told skillbelt search "follow a redirect" . -k 5
    told skillbelt search "follow a redirect" . --belt "$belt" --wait all -k 5
    told skillbelt search "shortest path between two nodes" . --belt "$belt" -k 5
    told skillbelt search "set a response header" . --belt "$belt" --language javascript -k 5
    told skillbelt similar petgraph/src/algo/dijkstra.rs:90 --belt "$belt" -k 5
} >"$folder/transcript.txt"
echo "$folder/transcript.txt"
