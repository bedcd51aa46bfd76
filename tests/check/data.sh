#!/usr/bin/env bash
# `carousel data` from outside: what is found and where, and fetching from a server of this machine, with its faults.
# CAROUSEL_PROGRAM names the program, CAROUSEL_BUILD the folder with serve-files; CAROUSEL_DATA the folder of data sets, whose
# text/tinyshakespeare.txt is fetched where it is there.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh
data=${CAROUSEL_DATA:-}
unset CAROUSEL_DATA
export HOME=$work/home XDG_DATA_HOME='' no_proxy=127.0.0.1

err_matches() { grep -qE -- "$1" "$work/err"; }
empty() { [[ -z $(find "$1" -type f 2>/dev/null) ]]; }

# What there is.

run data
check 'data: ends with 0' test "$code" = 0
check 'data: says where it looked, and that nothing is there' test "$(head -n 1 "$work/out")" = \
  "looked in $work/home/.local/share/carousel (neither --data nor \$CAROUSEL_DATA names another), which is not there"
check 'data: every task is on the page' test "$(for task in $("$program" list | awk '$1 == "task" { print $2 }'); do grep -cE "(^|[ ,])$task([ ,]|\$)" "$work/out" | sed 's/^[1-9].*/there/'; done | sort -u)" = there
check 'data: mnist is not found, and drawn instead' out_matches '^mnist +--data DIR: .*; without: digits that the program draws$'
check 'data: says how to get it' out_matches '^ +carousel data fetch mnist: 11\.6 MB from https://storage\.googleapis\.com/'

mkdir -p "$work/share/carousel/mnist" "$work/share/carousel/text"
printf 'what was learned' >"$work/share/carousel/text/mine.txt"
: >"$work/share/carousel/mnist/train-images-idx3-ubyte.gz"
export XDG_DATA_HOME=$work/share
run data
check 'data: XDG_DATA_HOME is looked in' out_matches "^looked in $work/share/carousel "
check 'data: a text is found, with its size' out_matches "^ +found: 1 file, 16 bytes, $work/share/carousel/text/mine.txt\$"
run data --data "$work/nowhere"
check 'data: --data goes before it' test "$(head -n 1 "$work/out")" = "looked in $work/nowhere (--data), which is not there"
CAROUSEL_DATA=$work/share run data
check 'data: CAROUSEL_DATA, too' test "$(head -n 1 "$work/out")" = "looked in $work/share (\$CAROUSEL_DATA)"
CAROUSEL_DATA='' run data
check 'data: an empty CAROUSEL_DATA is nowhere' test "$(head -n 1 "$work/out")" = "looked nowhere: \$CAROUSEL_DATA is empty"

# Tasks find it by themselves.
rm "$work/share/carousel/mnist/train-images-idx3-ubyte.gz"
for _ in {1..200}; do printf 'the cat sat on the mat. '; done >"$work/share/carousel/text/mine.txt"
run train text --input mine --hidden 8 --epochs 1 --steps 10 --batch 4 --out text --quiet
check 'train: a text is found by its name' test "$code" = 0
run eval text
check 'train: and found again' out_matches '^result: text '
run eval text --input mine
check 'eval: by its name, too' out_matches '^result: text '
expect_error 'read other: No such file or directory: must be a readable file' train text --input other

# Fetching: what is wrong is one line.

expect_error 'data fetch: other: must be one of mnist, tinyshakespeare' data fetch other
expect_error 'data fetch: NAME is missing; carousel data fetch --help says more' data fetch
expect_error 'data: fetc (did you mean fetch?): must be one of fetch' data fetc
export XDG_DATA_HOME='' HOME=''
# shellcheck disable=SC2016  # the words, not the value
expect_error 'data fetch: --to is missing: must name a folder, where $CAROUSEL_DATA and $HOME do not' data fetch mnist
export HOME=$work/home

server=${CAROUSEL_BUILD:-build}/tests/serve-files
if ! command -v curl >/dev/null; then
  expect_error 'run curl: No such file or directory: must be installed: apt-get install curl' data fetch mnist --quiet
  echo 'passed over: curl is not installed, nothing is fetched'
elif [[ ! -x $server ]]; then
  echo "passed over: no $server, nothing is fetched"
else
  mkdir "$work/served"
  head -c 100000 /dev/urandom >"$work/served/train-images-idx3-ubyte.gz"
  [[ -r $data/text/tinyshakespeare.txt ]] && cp "$data/text/tinyshakespeare.txt" "$work/served/input.txt"
  coproc serve { exec "$server" "$work/served"; }
  read -r url <&"${serve[0]}"

  code=0
  (cd "$work" && PATH=$work/empty exec "$program" data fetch mnist --quiet) >"$work/out" 2>"$work/err" </dev/null || code=$?
  check 'no curl: says which package' test "$code/$(<"$work/err")" = '2/carousel: run curl: No such file or directory: must be installed: apt-get install curl'
  expect_error "fetch http://127.0.0.1:1/train-images-idx3-ubyte.gz: $(curl -sS http://127.0.0.1:1/ 2>&1 | sed -E 's/curl: \([0-9]+\) //; s/after [0-9]+ ms/after 0 ms/')" \
    data fetch mnist --to to --quiet --from http://127.0.0.1:1
  check 'no server: nothing is left' empty "$work/to"
  expect_error "fetch ${url}whole/no/train-images-idx3-ubyte.gz: The requested URL returned error: 404" \
    data fetch mnist --to to --quiet --from "${url}whole/no"
  check '404: nothing is left' empty "$work/to"
  expect_error "fetch ${url}whole/train-images-idx3-ubyte.gz: has 100000 bytes: must have 9912422; nothing was kept" \
    data fetch mnist --to to --quiet --from "${url}whole"
  check 'another file: nothing is left' empty "$work/to"
  expect_error '--to text/last.safetensors: Not a directory: must be a folder, or a place for one' \
    data fetch mnist --to text/last.safetensors --quiet --from "${url}whole"

  # Ctrl-C while the server is silent: the part stays. (Without --foreground timeout sends the signal twice.)
  (cd "$work" && exec timeout --foreground --preserve-status --signal=INT 1.5 "$program" data fetch mnist --to to --from "${url}stall/5000") \
    >"$work/out" 2>"$work/err" </dev/null
  code=$?
  check 'Ctrl-C: ends with 130' test "$code" = 130
  check 'Ctrl-C: says how to go on' err_matches '^carousel: stopped; the same command goes on: carousel data fetch mnist$'
  check 'Ctrl-C: the part stays' test "$(wc -c <"$work/to/mnist/train-images-idx3-ubyte.gz.part")" = 5000
  check 'Ctrl-C: nothing is in its place' test ! -e "$work/to/mnist/train-images-idx3-ubyte.gz"
  rm -r "$work/to"

  if [[ -r $work/served/input.txt ]]; then
    # A disk of 600 KB, a connection that is cut, then the rest.
    (ulimit -f 600; run data fetch tinyshakespeare --to to --quiet --from "${url}whole"; exit "$code")
    code=$?
    check 'full disk: ends with 2' test "$code" = 2
    check 'full disk: one line says so' test "$(grep -c 'tinyshakespeare.txt.part: .*must have room on its disk' "$work/err")/$(wc -l <"$work/err")" = 1/1
    check 'full disk: nothing is in its place' test "$(ls "$work/to/text")" = tinyshakespeare.txt.part
    run data fetch tinyshakespeare --to to --quiet --from "${url}cut/200000"
    check 'cut: ends with 2' test "$code" = 2
    check 'cut: says what is kept' err_matches 'of 1115394 bytes are kept, and the same command goes on with them$'
    check 'cut: nothing is in its place' test "$(ls "$work/to/text")" = tinyshakespeare.txt.part
    run data fetch tinyshakespeare --to to --from "${url}ranges"
    check 'goes on: ends with 0' test "$code/$(<"$work/out")" = '0/tinyshakespeare: 1 file in to'
    check 'goes on: the file is right, and alone' test "$(ls "$work/to/text")/$(cmp "$work/served/input.txt" "$work/to/text/tinyshakespeare.txt" && echo same)" = tinyshakespeare.txt/same
    check 'goes on: says how to use it' err_matches "^carousel: try: CAROUSEL_DATA=$work/to carousel train text --input tinyshakespeare\$"
    run data fetch tinyshakespeare --to to --from http://127.0.0.1:1
    check 'a second time: is there already' err_matches '^to/text/tinyshakespeare.txt: is there already$'
    printf 'mine' >"$work/to/text/tinyshakespeare.txt"
    run data fetch tinyshakespeare --to to --from http://127.0.0.1:1
    check 'a file of mine by that name stays' test "$code/$(<"$work/to/text/tinyshakespeare.txt")" = 0/mine
  else
    echo 'passed over: no text/tinyshakespeare.txt in CAROUSEL_DATA, it is not fetched'
  fi

  if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key" -out "$work/certificate" -days 2 -subj /CN=127.0.0.1 2>/dev/null
    port=$((20000 + RANDOM % 20000))
    (cd "$work/served" && exec openssl s_server -quiet -WWW -accept "127.0.0.1:$port" -cert "$work/certificate" -key "$work/key") >/dev/null 2>&1 &
    for _ in {1..50}; do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
    run data fetch mnist --to to --quiet --from "https://127.0.0.1:$port"
    check 'https: a certificate that nobody signed is refused' test "$code/$(grep -c 'SSL certificate problem' "$work/err")" = 2/1
    kill $!
  else
    echo 'passed over: no openssl, certificates are not tried'
  fi
  eval "exec ${serve[1]}>&-"
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
