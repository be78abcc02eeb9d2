#!/usr/bin/env bash
# Compiles the aarch64 kernels by themselves and runs them under emulation.
# Needs a rustc with the standard library of aarch64-unknown-linux-gnu (`RUSTC`, default rustc),
# aarch64-linux-gnu-gcc, and qemu-aarch64-static (`QEMU`); all three are packages of Debian.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${RUSTC:-rustc}" --edition 2021 -O --target aarch64-unknown-linux-gnu \
    -C linker=aarch64-linux-gnu-gcc -C target-feature=+crt-static main.rs -o "$out/kernels"
"${QEMU:-qemu-aarch64-static}" "$out/kernels"
