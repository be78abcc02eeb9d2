#!/usr/bin/env bash
# Fetches the corpus of the pocket base into FOLDER: the packages of corpus.tsv, by name and version, each through its
# registry's own client (cargo, pip, npm, apt-get), checked against the sums in the list, and unpacked into one folder
# per package: that is what the plan calls a project. Nothing of a package is run.
#
#   recipes/pocket/corpus.sh FOLDER
#
# May be called again: what is there is not fetched twice. Needs about 6 GB while it works, 3 GB after.
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
list=$(cd "$(dirname "$0")" && pwd)/corpus.tsv
fetched=$folder.fetched
mkdir -p "$fetched"

rows() { awk -F'\t' -v registry="$1" '$1 == registry' "$list"; }

# check FILE SUM: a file that is another than the listed one stops everything.
check() { echo "$2  $1" | sha256sum --check --quiet; }

# place FOLDER NAME: a package is there whole, or not at all.
place() { rm -rf "${folder:?}/$2"; mv "$1" "$folder/$2"; }

# Scoped names of npm (@scope/name) become scope-name, as in the names of its files.
plain() { local name=${1#@}; echo "${name//\//-}"; }

from_pypi() {
    rows pypi | while IFS=$'\t' read -r _ name version _ sum; do
        [ -d "$folder/pypi-$name-$version" ] && continue
        rm -rf "$fetched/one" && mkdir "$fetched/one"
        pip download --quiet --no-deps --only-binary=:all: -d "$fetched/one" "$name==$version"
        check "$(echo "$fetched"/one/*.whl)" "$sum"
        mkdir "$fetched/one/unpacked"
        python3 -m zipfile -e "$fetched"/one/*.whl "$fetched/one/unpacked"
        place "$fetched/one/unpacked" "pypi-$name-$version"
    done
}

from_npm() {
    rows npm | while IFS=$'\t' read -r _ name version _ sum; do
        local own; own=npm-$(plain "$name")-$version
        [ -d "$folder/$own" ] && continue
        rm -rf "$fetched/one" && mkdir -p "$fetched/one/unpacked"
        (cd "$fetched/one" && npm pack --silent --ignore-scripts "$name@$version" >/dev/null)
        check "$(echo "$fetched"/one/*.tgz)" "$sum"
        tar xf "$fetched"/one/*.tgz -C "$fetched/one/unpacked" --strip-components=1 --no-same-owner
        place "$fetched/one/unpacked" "$own"
    done
}

# All crates at once: cargo fetches what one project needs, and only the listed ones are taken.
from_crates() {
    local project=$fetched/project
    if [ ! -d "$fetched/vendor" ]; then
        mkdir -p "$project/src" && : >"$project/src/lib.rs"
        {
            printf '[package]\nname = "corpus"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
            rows crates | awk -F'\t' '{printf "%s = \"=%s\"\n", $2, $3}'
        } >"$project/Cargo.toml"
        (cd "$project" && cargo vendor --versioned-dirs "$fetched/vendor.writing" >/dev/null)
        mv "$fetched/vendor.writing" "$fetched/vendor"
    fi
    rows crates | while IFS=$'\t' read -r _ name version _ sum; do
        local own=crates-$name-$version
        [ -d "$folder/$own" ] && continue
        grep -q "\"package\":\"$sum\"" "$fetched/vendor/$name-$version/.cargo-checksum.json"
        rm -rf "$fetched/one" && cp -r "$fetched/vendor/$name-$version" "$fetched/one"
        place "$fetched/one" "$own"
    done
}

# Sources of Debian packages, with this machine's own mirror and keys. The packaging beside a source may be missing on
# a mirror; only the source itself is taken.
from_debian() {
    local apt=$fetched/apt
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -e "$file" ] && sed -e 's/^Types:.*/Types: deb-src/' -e 's/^deb /deb-src /' "$file" >"$apt/parts/$(basename "$file")"
    done
    [ -e "$apt/parts/sources.list" ] && mv "$apt/parts/sources.list" "$apt/parts/main.list"
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
CONF
    apt-get -c "$apt/apt.conf" -qq update
    rows debian | while IFS=$'\t' read -r _ name version _ sum; do
        local upstream=${version#*:}; upstream=${upstream%-*}
        local own=debian-$name-$upstream
        [ -d "$folder/$own" ] && continue
        rm -rf "$fetched/one" && mkdir -p "$fetched/one/unpacked"
        (cd "$fetched/one" && apt-get -c "$apt/apt.conf" -qq source --download-only --only-source "$name=$version" >/dev/null || true)
        local file; file=$(find "$fetched/one" -name "${name}_*.orig.tar.*" ! -name '*.asc' | sort | head -n 1)
        check "$file" "$sum"
        tar xf "$file" -C "$fetched/one/unpacked" --strip-components=1 --no-same-owner
        [ "$name" = mono ] && keep_of_mono "$fetched/one/unpacked"
        place "$fetched/one/unpacked" "$own"
    done
}

# A compiler and class library with much test data: the class library, the compiler, the runtime.
keep_of_mono() {
    local all=$1.all
    mv "$1" "$all" && mkdir -p "$1/sources"
    mkdir -p "$1/mcs/class" && mv "$all/mcs/mcs" "$all/mcs/tools" "$1/mcs/"
    (cd "$all/mcs/class" && mv corlib System System.Core System.XML Mono.* "$1/mcs/class/")
    mkdir -p "$1/mono" && mv "$all/mono/mini" "$all/mono/metadata" "$1/mono/"
    # Of the shared class library the sources, and not their tests.
    local part
    for part in "$all"/external/corefx/src/System.*/src; do
        local own=$1/sources/corefx/src/$(basename "$(dirname "$part")")
        mkdir -p "$own" && mv "$part" "$own/"
    done
    mv "$all/external/linker" "$all/external/cecil" "$all/external/Newtonsoft.Json" "$1/sources/"
    mv "$all/LICENSE" "$1/" && rm -rf "$all"
}

from_pypi
from_npm
from_crates
from_debian
rm -rf "$fetched"
echo "$(find "$folder" -mindepth 1 -maxdepth 1 -type d | wc -l) packages in $folder"
