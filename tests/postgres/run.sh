#!/bin/sh
# Asks an index on a real PostgreSQL server what the one in a file is asked by the ordinary tests.
#
# It starts a server of its own in a new folder, without a network, and removes it at the end. PG_BIN names
# the folder with initdb, pg_ctl and postgres; by default the newest below /usr/lib/postgresql. pgvector must
# be installed with it: on Debian 13 and Ubuntu 24.04, `apt-get install postgresql postgresql-NN-pgvector`.
#
# With QUESTIONS and POOL (tests/peers/cosqa_repository.py makes them) it also measures rankings there.
set -eu

if [ -z "${PG_BIN:-}" ]; then
    PG_BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
fi
for program in initdb pg_ctl postgres; do
    if [ ! -x "$PG_BIN/$program" ]; then
        echo "run.sh: no $program in '$PG_BIN'; install postgresql, or set PG_BIN" >&2
        exit 2
    fi
done
share=$("$PG_BIN/pg_config" --sharedir 2>/dev/null || echo "$PG_BIN/../../../../share/postgresql/$(basename "$(dirname "$PG_BIN")")")
if [ ! -f "$share/extension/vector.control" ]; then
    echo "run.sh: no pgvector in $share/extension; install postgresql-NN-pgvector" >&2
    exit 2
fi

# The server refuses to run as root.
as() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u "${PG_USER:-postgres}" -- "$@"
    else
        "$@"
    fi
}

folder=$(mktemp -d /tmp/skillbelt-pg.XXXXXX)
if [ "$(id -u)" = 0 ]; then
    chown "${PG_USER:-postgres}" "$folder"
    chmod 755 "$folder"
fi
stop() {
    as "$PG_BIN/pg_ctl" -D "$folder/data" -m immediate -s stop || true
    rm -rf "$folder"
}
trap stop EXIT INT TERM

as "$PG_BIN/initdb" -D "$folder/data" -U skillbelt -A trust -E UTF8 --no-sync >"$folder.log"
as "$PG_BIN/pg_ctl" -D "$folder/data" -l "$folder/log" -s -w \
    -o "-c listen_addresses='' -k $folder -c fsync=off" start
rm -f "$folder.log"

socket=$(printf %s "$folder" | sed 's,/,%2F,g')
SKILLBELT_POSTGRES="postgres://skillbelt@$socket/postgres"
export SKILLBELT_POSTGRES
if [ -n "${COMMAND:-}" ]; then
    sh -c "$COMMAND"
else
    cargo test -p skillbelt-apply --lib index::
fi
if [ -n "${QUESTIONS:-}" ]; then
    cargo run --release -- search --index "$SKILLBELT_POSTGRES" --evaluate "$QUESTIONS" "${POOL:?}"
fi
