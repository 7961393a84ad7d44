#!/usr/bin/env bash
# Runs fuzz targets with libFuzzer on the stable toolchain. Needs a C++ compiler. See docs/fuzzing.md.
#
#   fuzz/run.sh                               every target for a little while, the same way every time, as CI does
#   fuzz/run.sh sse -max_total_time=300       one target, with libFuzzer's own options
set -euo pipefail
cd "$(dirname "$0")"

targets=(answer body config decoder error headers model_ref sse usd)
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

# Runs a target on a folder for what it finds and on the stored corpus. What breaks it lies in artifacts.
run() {
  local target="$1" found="$2"
  shift 2
  mkdir -p "$found" "artifacts/$target"
  "$CARGO_TARGET_DIR/$host/release/$target" -max_len=3000 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="artifacts/$target/" "$@" "$found" "corpus/$target"
}

if [ $# -gt 0 ]; then
  target="$1"
  shift
  run "$target" "$CARGO_TARGET_DIR/found/$target" "$@"
  exit
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
for target in "${targets[@]}"; do
  if ! run "$target" "$scratch/$target" -seed=1 -runs="$runs" > "$scratch/log" 2>&1; then
    tail -n 60 "$scratch/log"
    exit 1
  fi
  printf '%s: %s inputs tried\n' "$target" "$runs"
done
