# shellcheck shell=bash
# What the scripts of tests/check that run the program share: where it is, a folder for the work, checks that are counted. Sourced from the
# top of the tree, never run. CAROUSEL_PROGRAM names the program.

program=${CAROUSEL_PROGRAM:-build/carousel}
[[ -x $program ]] || { echo "no program at $program"; exit 1; }
program=$(readlink -f -- "$program")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME=$work/share  # no data sets but those of CAROUSEL_DATA

passed=0
failed=0
check() {  # NAME COMMAND...: right when the command succeeds
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$name"
    printf '  code %s\n' "${code:-}"
    sed 's/^/  stdout: /' "$work/out" | head -n 5
    sed 's/^/  stderr: /' "$work/err" | head -n 5
  fi
}

run() {  # ARGUMENT...: leaves the output in $work/out and $work/err, the exit code in $code
  code=0
  (cd "$work" && exec "$program" "$@") >"$work/out" 2>"$work/err" </dev/null || code=$?
}

last_line() { tail -n 1 "$work/out"; }
out_matches() { grep -qE -- "$1" "$work/out"; }
same_bits() { cmp -s "$work/$1" "$work/$2"; }
differ() { ! same_bits "$@"; }
at_least() {  # METRIC NUMBER: in the last line
  last_line | awk -v name="$1" -v limit="$2" '{ for (i = 3; i <= NF; ++i) if (split($i, part, "=") && part[1] == name) good = part[2] >= limit + 0 } END { exit !good }'
}

expect_error() {  # MESSAGE ARGUMENT...: one line on standard error, nothing on standard output, code 2
  local message=$1
  shift
  run "$@"
  check "carousel $*: $message" test "$code/$(<"$work/err")/$(<"$work/out")" = "2/carousel: $message/"
}
