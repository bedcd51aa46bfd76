#!/usr/bin/env bash
# The report of a run: made by a training, and anew; whole in one file, small, safe with hostile text, made of what there is.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

smaller_than() { test "$(stat -c %s "$1")" -lt "$2"; }
holds() { grep -qF -- "$2" "$1"; }
lacks() { ! holds "$@"; }
# What a browser would load from elsewhere.
loads_nothing() { ! grep -qiE '<(script|img|iframe|link|object|embed|source|video|audio)[^>]*(src|href|data) *=|@import|url\( *["'\'']?(https?:)?//' "$1"; }
scripts_of() { grep -oi '</script' "$1" | wc -l; }

hostile='</script><script>alert(1)</script><!--&lt;{{chart}}'
for _ in $(seq 200); do printf '%s\n' "$hostile é\"'\\"; done >"$work/hostile.txt"
run train text --input hostile.txt --out run --epochs 2 --hidden 8 --batch 2 --steps 20
check 'a training ends' test "$code" = 0
check 'and says where its report lies' grep -qx 'carousel: report: run/report.html' "$work/err"
check 'its result is the last line all the same' out_matches '^result: text '
page=$work/run/report.html
check 'there is one' test -s "$page"
check 'smaller than 3 MB' smaller_than "$page" 3000000
check 'it loads nothing' loads_nothing "$page"
check 'with Chart.js in it, where the package is' test "$(grep -c 'Chart.js v' "$page")" -ge "$([[ -e /usr/share/javascript/chart.js/chart.min.js ]] && echo 1 || echo 0)"
check 'three scripts end, however many the text would end' test "$(scripts_of "$page")" = 3
check 'no tag of the text is one of the page' lacks "$page" '<script>alert'
check 'steps were noted' test "$(wc -l <"$work/run/steps.jsonl")" -gt 50

cp "$page" "$work/before.html"
run report run
check 'made anew it is named' test "$code/$(<"$work/out")" = 0/run/report.html
check 'and the same' cmp -s "$page" "$work/before.html"

CAROUSEL_CHART_JS=/nowhere run report run
check 'without Chart.js it has SVG' holds "$page" '\u003csvg'
check 'and not Chart.js' lacks "$page" 'Chart.js v'
printf 'alert("</script>")' >"$work/bad.js"
CAROUSEL_CHART_JS=bad.js run report run
check 'a script that would end its element is none' holds "$page" '\u003csvg'

# Whatever of the folder is there.
mkdir "$work/parts"
expect_error 'parts: holds no config.json, metrics.jsonl, steps.jsonl or views.json: must be the folder of a training' report parts
expect_error 'report: RUN is missing; carousel report --help says more' report
for name in config.json metrics.jsonl steps.jsonl views.json; do
  rm -f "$work"/parts/*
  cp "$work/run/$name" "$work/parts/"
  run report parts
  check "a report of $name alone" test "$code/$(<"$work/out")" = 0/parts/report.html
done
for text in '{' '[]' '{"views":5}' '{"views":[{"kind":"lines"}]}' '{"views":[1]}' 'null'; do
  printf '%s\n' "$text" | tee "$work/parts/config.json" "$work/parts/metrics.jsonl" "$work/parts/steps.jsonl" >"$work/parts/views.json"
  CAROUSEL_CHART_JS=/nowhere run report parts
  check "a report in spite of $text" test "$code/$(<"$work/out")" = 0/parts/report.html
done
printf '{"step":1,"loss":"x","gradients":{"a":null,"</script>":1e999}}\n{"step":2,"loss":1,"gradients":5}\n' >"$work/parts/steps.jsonl"
run report parts
check 'numbers that are none are left out' test "$code/$(scripts_of "$work/parts/report.html")" = 0/3
mkfifo "$work/parts/fifo" && mv "$work/parts/fifo" "$work/parts/metrics.jsonl"
expect_error 'read parts/metrics.jsonl: not a regular file: must be one' report parts
mkdir "$work/full" && cp "$work/run/config.json" "$work/full/" && mkdir "$work/full/report.html"
run report full
check 'a report that can not be written is an error in one line' test "$code/$(wc -l <"$work/err")" = 2/1

# One that is stopped has its report too, and what it shows is not of the test part.
(cd "$work" && exec timeout --foreground -s INT 2 "$program" train sin --out stopped --epochs 1000) >"$work/out" 2>"$work/err" </dev/null
check 'a stopped training' grep -q 'stopped in epoch' "$work/err"
check 'has a report' holds "$work/stopped/report.html" '"done":false'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
