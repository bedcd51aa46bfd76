# shellcheck shell=bash
# What scripts of tests/check share that need no run of the program: a folder for the work and checks that are counted. Sourced, never run.
# shellcheck disable=SC2034  # read by those scripts
root=$(cd "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
build=${CAROUSEL_BUILD:-$root/build}
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
passed=0
failed=0

# NAME COMMAND...: right when the command succeeds; what it printed is shown when not.
check() {
  local name=$1
  shift
  if "$@" >"$folder/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s\n' "$name"
    tail -n 30 "$folder/log"
  fi
}

finish() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  exit $((failed > 0))
}

# PROGRAM: the README's example proves its gradients, learns, saves, loads and answers.
run_example() {
  rm -f "$folder/mgu.safetensors"
  (cd "$folder" && "$1") >"$folder/printed" || return 1
  cat "$folder/printed"
  [[ -s $folder/mgu.safetensors ]] && grep -q '^right on [0-9]* of 1000 new sequences$' "$folder/printed"
}
