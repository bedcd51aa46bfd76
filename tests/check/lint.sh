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
code=() scripts=() builds=()
for file in "${files[@]}"; do
  [[ -f $file ]] || continue
  [[ $file == *.[ch]pp ]] && code+=("$file")
  [[ $file == *.sh || ${file##*/} == run ]] && scripts+=("$file")
  [[ ${file##*/} == meson.build ]] && builds+=("$file")
done

# file:line:text of code without its comments
search_code() { awk -v pattern="$1" '{ line = $0; sub(/\/\/.*/, "", line) } line ~ pattern { print FILENAME ":" FNR ":" $0 }' "${code[@]}"; }
includes() { search_code "^ *# *include *[<\"]$1"; }
files_of() { cut -d: -f1 | sort -u; }

includes 'xtensor/' | grep -v '^lib/numbers/xtensor\.hpp:' | rule 'xtensor is included by lib/numbers/xtensor.hpp only'
includes '(xtensor-blas/|cblas)' | files_of | sed -n '2,$p' | rule 'one file at most includes xtensor-blas or cblas'
reducers='sum|prod|mean|average|variance|stddev|amax|amin|minmax|argmax|argmin|norm_[a-z0-9_]+|reduce|cumsum|cumprod|nan[a-z]+'
search_code "xt::($reducers|count_nonzero|evaluation_strategy|keep_dims|eval|xreducer)[^a-z0-9_]|using namespace +xt *;" |
  rule 'reducers of xtensor 0.24 give wrong numbers: use loops or functions of ours'

# The rooms, lowest first: a file includes its own room and lower ones, never one beside it.
rooms='
lib
lib/numbers
lib/files lib/tape
lib/look
lib/training
ops
models/layers models/sequence
models/losses models/cells
models/decoding models/proof models/exchange
models
tasks/base
tasks/csv
tasks/drawing
tasks/answers tasks/runs
tasks/nets
tasks/report
tasks/training
tasks/*'
# Reads FILE:LINE:#include <carousel/...> and prints those that go up or sideways, and those of a room that is not in the list.
wrong_rooms() {
  awk -v rooms="$rooms" '
    BEGIN {
      levels = split(rooms, lines, "\n")
      for (level = 1; level <= levels; ++level) { n = split(lines[level], names, " "); for (i = 1; i <= n; ++i) rank[names[i]] = level }
    }
    function room(path) { if (path == "carousel.hpp") return "models"; sub("/[^/]*$", "", path); return path }
    function rank_of(name) { return name in rank ? rank[name] : name ~ "^tasks/[a-z]+$" ? rank["tasks/*"] : 0 }
    {
      from = $0; sub(":.*", "", from); from = room(from)
      to = $0; sub(".*<carousel/", "", to); sub(">.*", "", to); to = room(to)
      if (!rank_of(from) || !rank_of(to) || (from != to && rank_of(to) >= rank_of(from))) print
    }'
}
includes 'carousel/' | grep -E '^(lib|ops|models|tasks)/' | wrong_rooms | rule 'a room includes lower rooms only'
wrong='lib/tape/node.hpp:1:#include <carousel/lib/look/watch.hpp>
lib/files/file.hpp:1:#include <carousel/lib/tape/tape.hpp>
ops/shape.hpp:1:#include <carousel/models/cells/lstm.hpp>
models/cells/lstm.hpp:1:#include <carousel/carousel.hpp>
tasks/mnist/task.cpp:1:#include <carousel/tasks/ocr/model.hpp>
tasks/report/page.cpp:1:#include <carousel/tasks/training/arguments.hpp>'
right='tasks/mnist/task.cpp:1:#include <carousel/tasks/training/arguments.hpp>'
diff <(wrong_rooms <<<"$right"$'\n'"$wrong") <(echo "$wrong") | rule 'planted includes: six wrong ones are found, a right one is not'
search_code '^ *# *include *"' | grep -E '^(lib|ops|models)/' | rule 'headers of the tree are included as <carousel/...>'
includes '([.]/)?(lib|ops|models|tasks)/' | grep -E '^(lib|ops|models|tasks)/' | rule 'files of the tree are included as <carousel/...>'
search_code '^ *# *include *"[.][.]' | grep -v '^tests/' | rule 'no include climbs out of its folder, but among the tests'

for file in "${code[@]}"; do
  [[ $file != *.hpp ]] || grep -q '^#pragma once' "$file" || echo "$file"
done | rule 'a header begins with #pragma once'
for file in "${code[@]}"; do
  [[ $file == *.cpp && $file != tests/installed/* ]] || continue
  layer=${file%%/*} name=${file#*/}
  [[ $file == tests/bench/* ]] && layer=tests/bench name=${file#tests/bench/}
  [[ $file == tests/@(lib|ops|models|tasks)/* && -e ${file#tests/} ]] || grep -qF -e "'$name'" "$layer/meson.build" || grep -qF "'$file'" meson.build || echo "$file"
done | rule 'every source stands in the meson.build of its layer, every test is named as what it tests or stands there'
for file in "${code[@]}"; do echo "$(wc -l <"$file") $file"; done | awk '$1 > 400 { print $2 ": " $1 " lines" }' |
  rule 'a file has 400 lines at most: it is two subjects'
for file in "${files[@]}"; do [[ $file == */* ]] && echo "${file%/*}"; done | sort | uniq -c | awk '$1 > 24 { print $2 ": " $1 " files" }' |
  rule 'a folder has 24 files at most: it is two rooms'
for file in "${code[@]}"; do
  [[ $file != @(ops|models)/*.hpp || $file == models/carousel.hpp ]] || grep -qF "<carousel/$file>" models/carousel.hpp || echo "$file"
done | rule 'every header of ops and models stands in carousel.hpp'

bash tests/api_overview.sh 2>&1 >/dev/null | rule 'a public class or function has a /// comment'
diff models/README.md <(bash tests/api_overview.sh 2>/dev/null) | rule 'models/README.md is what tests/api_overview.sh prints'
undocumented=$(mktemp)
printf '/// A header.\nnamespace carousel {\n/// Known.\nint f(int a, int b = 2);\nint f();\nint g(int a);\nstruct S {\n  int h();\n};\n}\n' >"$undocumented"
diff <(bash tests/api_overview.sh "$undocumented" 2>&1 | sed -n 's/.*: \([^ ]*: has no .*\)/\1/p; s/^| `f.*/&/p' | sort) \
  <(printf '%s\n' '| `f(a, b)`, `f()` | Known. |' 'S: has no /// comment' 'g: has no /// comment' | sort) |
  rule 'planted: a function and a class without a comment are found'
rm -f "$undocumented"

# What models/README.md lists of the ops, losses and operators, and no table of all ops has. Some have no gradient.
untried_ops() {  # README
  awk '/^## / { section = $2 }
    /^[|] `/ && (section ~ /^(ops|models\/losses):/ || /^[|] `operator/) { sub(/^[|] /, ""); sub(/` [|] .*/, "`"); gsub(/`, `/, "\n"); gsub(/`/, ""); print }' "$1" |
    grep -F '(' | grep -vE '^(random_mask|ctc_greedy|ctc_beam_search)\(' | sort | comm -23 - <(sed -nE 's/^ *OP\("([^"]*)".*/\1/p' tests/ops/every_op.cpp tests/models/every_loss.cpp | sort -u)
}
untried_ops models/README.md | rule 'an op stands in the table of tests/ops/every_op.cpp or tests/models/every_loss.cpp'
diff <(untried_ops <(printf '%s\n' '## ops: …' '| `sum(x)`, `sum(x, axes)` | Σ. |' '| `cosh(x)` | cosh x. |' '## lib/tape: …' '| `operator%(a, b)` | a mod b. |' '| `f(x)` | No op. |')) \
  <(printf '%s\n' 'cosh(x)' 'operator%(a, b)' 'sum(x, axes)') | rule 'planted ops: three that stand in no table are found'

grep -nIE '(^|[^a-zA-Z0-9._}])/(work|root|home)/' "${files[@]}" 2>/dev/null | rule 'a path of one machine'
grep -nIP '\t| +$|\r$' "${code[@]}" "${scripts[@]}" "${builds[@]}" README.md tasks/text/default.txt 2>/dev/null |
  rule 'a tab, a trailing blank or a carriage return'
grep -nIwE 'T[O]DO|F[I]XME|X[X]X' "${code[@]}" "${scripts[@]}" "${builds[@]}" README.md 2>/dev/null | rule 'work left undone'
grep -nIE '[^|][|] *grep -[a-zA-Z]*q' "${scripts[@]}" | grep -v '^tests/check/lint.sh:' |
  rule 'grep -q ends at the first match, and the pipe before it fails now and then'
# The field has a term for each of these, or a shorter sentence.
paraphrases="make something
file to measure it on, all of it
rows up to its own that an output is made of
not to learn but to be counted
keeps those as they are, without a training
the best that we know; source
steps in which it rises at the beginning
a character that is to be said would be read
that the next one does not see in training
of so many rows the net sees the first
of another stretch is added
a part goes on
nothing stands there: must be
which is not there any more: must be
its metadata name no task
rows that were told apart
what the training pushes down; less is better
what a character costs when it is guessed
stays as it was with the probability
divided in another way already
Of what net the parameters
must be equally many
can not"
grep -nIwF -- "$paraphrases" "${code[@]}" README.md | rule 'a paraphrase of what the field has a term for'

LC_ALL=C.UTF-8 grep -nE '^.{101}' README.md | rule 'a line of the README has 100 characters at most'
for file in "${scripts[@]}"; do bash -n "$file" 2>&1; done | rule 'not a script that bash can read'

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
