# shellcheck shell=bash
# What the scripts of tests/check/long that hold whole trainings against bars share: where the program is, a folder for the work, checks
# that are counted, a training and its result. Sourced from the top of the tree, never run. CAROUSEL_PROGRAM names the program.

program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
passed=0 failed=0

need_data() {  # FILE OF CAROUSEL_DATA: without it nothing is checked
  [[ -e ${CAROUSEL_DATA:-}/$1 ]] && return
  echo "passed over: no $1 in CAROUSEL_DATA"
  finish
}

check() {  # WHAT COMMAND...: right when the command succeeds
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
  fi
}
is_number() { [[ $1 =~ ^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$ ]]; }
compare() { is_number "$1" && awk -v a="$1" -v b="$3" "BEGIN { exit !(a + 0 $2 b + 0) }"; }  # A OPERATOR B
near() {  # A B BY
  is_number "$1" && is_number "$2" && awk -v a="$1" -v b="$2" -v by="$3" 'BEGIN { exit !(a - b <= by + 1e-9 && b - a <= by + 1e-9) }'
}
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }
metric() { sed -nE "s/.* $1=([^ ]+).*/\1/p" <<<"$line"; }  # NAME: of the result in $line

# Trains by `carousel train ARGUMENT...`: leaves its output in $work/out, its last line in $line, the seconds of processor time (user and
# system) in $seconds, and shows them, or why there is no result.
train() {
  local code=0 TIMEFORMAT='%U %S'
  { time "$program" train "$@" --quiet --out "$work/run" >"$work/out" 2>"$work/err" </dev/null || code=$?; } 2>"$work/time"
  rm -rf "$work/run"
  seconds=$(awk '{ print $1 + $2 }' "$work/time")
  line=$(tail -n 1 "$work/out")
  echo "$*: $seconds s: $line"
  ((code == 0)) || echo "ended with code $code: $(tail -n 1 "$work/err")"
}

finish() {  # the last line: the counts
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
  exit
}
