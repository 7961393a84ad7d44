#!/usr/bin/env bash
# Runs fuzz targets with libFuzzer on the stable toolchain. Needs a C++ compiler. See docs/fuzzing.md.
#
#   fuzz/run.sh                               every target for a little while, the same way every time, as CI does
#   fuzz/run.sh sse -max_total_time=300       one target, with libFuzzer's own options
#   fuzz/run.sh sse artifacts/sse/crash-...   one input of a target; its path is seen from this folder
set -euo pipefail
cd "$(dirname "$0")"

targets=(answer body config decoder error headers json model_ref sse usd)
# How many inputs each target tries when all of them run.
runs=10000

# What libFuzzer steers by: coverage and comparisons. The flags of cargo-fuzz, without those that only a nightly has.
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
export RUSTFLAGS
# With a target named, build scripts and macros are built without those flags.
host="$(rustc -vV | sed -n 's/^host: //p')"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
cargo build --release --locked --target "$host"

# Runs a target. What breaks it lies in artifacts.
run() {
  local target="$1"
  shift
  mkdir -p "artifacts/$target"
  "$CARGO_TARGET_DIR/$host/release/$target" -max_len=3000 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="artifacts/$target/" "$@"
}

if [ $# -gt 0 ]; then
  target="$1"
  shift
  if [ -f "${1:-}" ]; then
    run "$target" "$1"
  else
    # The first folder is for what reaches something new.
    mkdir -p "$CARGO_TARGET_DIR/found/$target"
    run "$target" "$@" "$CARGO_TARGET_DIR/found/$target" "corpus/$target"
  fi
  exit
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
for target in "${targets[@]}"; do
  mkdir "$scratch/$target"
  if ! run "$target" -seed=1 -runs="$runs" "$scratch/$target" "corpus/$target" > "$scratch/log" 2>&1; then
    tail -n 60 "$scratch/log"
    exit 1
  fi
  printf '%s: %s inputs tried\n' "$target" "$runs"
done
