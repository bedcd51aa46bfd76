#!/usr/bin/env bash
# The rules of the tree that no compiler checks. Prints a line for each breach and ends with the counts of rules kept and broken.
set -uo pipefail
shopt -s lastpipe  # `rule` counts at the end of a pipe
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2

passed=0
failed=0
rule() {  # NAME, breaches on standard input, one a line
  local breaches
  breaches=$(cat)
  if [[ -z $breaches ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s\n' "${breaches//$'\n'/": $1"$'\n'}: $1"
  fi
}

if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard)
else
  mapfile -d '' -t files < <(find . -type f -not -path './build*' -not -path './.git/*' -not -path './runs/*' -printf '%P\0')
fi
code=() scripts=()
for file in "${files[@]}"; do
  [[ -f $file ]] || continue
  [[ $file == *.[ch]pp ]] && code+=("$file")
  [[ $file == *.sh || ${file##*/} == run ]] && scripts+=("$file")
done

# file:line:text of code without its comments
search_code() { awk -v pattern="$1" '{ line = $0; sub(/\/\/.*/, "", line) } line ~ pattern { print FILENAME ":" FNR ":" $0 }' "${code[@]}"; }
includes() { search_code "^ *# *include +[<\"]$1"; }
files_of() { cut -d: -f1 | sort -u; }

includes 'xtensor/' | grep -v '^lib/xtensor\.hpp:' | rule 'xtensor is included by lib/xtensor.hpp only'
includes '(xtensor-blas/|cblas)' | files_of | sed -n '2,$p' | rule 'one file at most includes xtensor-blas or cblas'
reducers='sum|prod|mean|average|variance|stddev|amax|amin|minmax|argmax|argmin|norm_[a-z0-9_]+|reduce|cumsum|cumprod|nan[a-z]+'
search_code "xt::($reducers|count_nonzero|evaluation_strategy|keep_dims|eval|xreducer)[^a-z0-9_]|using namespace +xt *;" |
  rule 'reducers of xtensor 0.24 give wrong numbers: use loops or functions of ours'

includes 'carousel/' | grep -E '^lib/.*carousel/(ops/|models/|tasks/|carousel\.hpp)' | rule 'lib knows only lib'
includes 'carousel/' | grep -E '^ops/.*carousel/(models/|tasks/|carousel\.hpp)' | rule 'ops know only lib and ops'
includes 'carousel/' | grep -E '^models/.*carousel/(tasks/|carousel\.hpp)' | rule 'models know only lib, ops and models'
search_code '^ *# *include +"' | grep -E '^(lib|ops|models)/' | rule 'headers of the tree are included as <carousel/...>'
search_code '^ *# *include +"[.][.]' | grep -v '^tests/' | rule 'no include climbs out of its folder, but among the tests'

for file in "${code[@]}"; do
  [[ $file != *.hpp || $file == */precompiled.hpp ]] || grep -q '^#pragma once' "$file" || echo "$file"
done | rule 'a header begins with #pragma once'
for file in "${code[@]}"; do
  [[ $file != *.cpp || $file == tests/installed/* ]] || grep -qF "'$file'" meson.build || echo "$file"
done | rule 'every source stands in meson.build'
for file in "${code[@]}"; do
  [[ $file != @(ops|models)/*.hpp || $file == models/carousel.hpp ]] || grep -qF "<carousel/$file>" models/carousel.hpp || echo "$file"
done | rule 'every header of ops and models stands in carousel.hpp'

grep -nIE '(^|[^a-zA-Z0-9._}])/(work|root|home)/' "${files[@]}" 2>/dev/null | rule 'a path of one machine'
grep -nIP '\t| +$|\r$' "${code[@]}" "${scripts[@]}" meson.build README.md tasks/data/default.txt 2>/dev/null |
  rule 'a tab, a trailing blank or a carriage return'
grep -nIwE 'T[O]DO|F[I]XME|X[X]X' "${code[@]}" "${scripts[@]}" meson.build README.md 2>/dev/null | rule 'work left undone'
grep -nIE '[^|][|] *grep -[a-zA-Z]*q' "${scripts[@]}" | grep -v '^tests/check/lint.sh:' |
  rule 'grep -q ends at the first match, and the pipe before it fails now and then'
for file in "${scripts[@]}"; do bash -n "$file" 2>&1; done | rule 'not a script that bash can read'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
