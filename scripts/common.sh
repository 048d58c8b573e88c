# shellcheck shell=bash
# Sourced by the other scripts, which have `set -euo pipefail`: goes to the
# repository's root and defines helpers.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# An unsuccessful end: prints its arguments to standard error.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# stage NAME COMMAND...: runs COMMAND between a headline and its duration. If it
# fails, report_stage (to be called by the script's EXIT trap) names it. (No
# `COMMAND || ...` here: that would switch `set -e` off inside COMMAND.)
stage() {
  stage_name=$1
  stage_start=$SECONDS
  shift
  printf '\n==> %s\n' "$stage_name"
  "$@"
  printf '==> %s: ok, %d s\n' "$stage_name" $((SECONDS - stage_start))
  stage_name=
}

# Prints which stage has failed, if one has.
report_stage() {
  [[ -n ${stage_name:-} ]] || return 0
  printf '==> %s: FAILED after %d s\n' "$stage_name" $((SECONDS - stage_start)) >&2
}

# build PRESET [arguments of cmake --build]: configures and builds.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" --log-level=WARNING
  cmake --build "build/$preset" -j "$(nproc)" "$@"
}
