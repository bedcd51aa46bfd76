#!/usr/bin/env bash
# Prints models/README.md, the overview of what C++ users call: every class and function of lib, ops and models in namespace carousel,
# by room, with the first sentence of its `///` comment. What has no comment goes to standard error, and the exit code is 1 then.
#
# The rooms, and what they hold, are those of the README's table.
#
#     bash tests/api_overview.sh >models/README.md
#     bash tests/api_overview.sh HEADER...             # the tables of these headers
set -euo pipefail
export LC_ALL=C  # the order of files

tables() {  # HEADER...
  awk '
    # Of a comment that is one paragraph. A dot ends it, but not that of "et al. 2016", or a number that follows.
    function first_sentence(text,    sentence, n) {
      gsub(/ +/, " ", text)
      sub(/^ /, "", text)
      sentence = ""
      while (match(text, /\.\)? [^0-9]/)) {
        n = RSTART + (substr(text, RSTART + 1, 1) == ")")
        sentence = sentence substr(text, 1, n)
        if (sentence !~ /( al| vs|e\.g|i\.e|cf)\.$/) return sentence
        text = substr(text, n + 1)
      }
      text = sentence text
      sub(/[:;, ]+$/, "", text)
      return text (text ~ /[.!?]\)?$/ ? "" : ".")
    }
    # Up to an empty or an indented line.
    function with_line(comment, line) {
      sub(/^ *\/\/\/ ?/, "", line)
      if (line == "" || line ~ /^ /) ended = comment != ""
      return ended ? comment : comment " " line
    }

    # The length of what is in brackets at the begin of text, which begins with `open`.
    function bracketed(text, open, close_,    i, c, level) {
      for (i = 1; i <= length(text); ++i) {
        c = substr(text, i, 1)
        level += (c == open) - (c == close_)
        if (level == 0) return i
      }
      return length(text)
    }
    # A declaration without its template and requires clauses.
    function bare(d) {
      gsub(/[ \t]+/, " ", d)
      sub(/^ /, "", d)
      for (;;) {
        if (d ~ /^template ?</) d = substr(d, index(d, "<"))
        else if (d ~ /^requires requires/) { sub(/^requires requires */, "", d); if (d !~ /^[(]/) d = "()" d }
        else if (d ~ /^(requires|&&) *[(]/) sub(/^[^(]*/, "", d)
        else if (d ~ /^(requires|&&) /) sub(/^(requires|&&) [A-Za-z_:]*/, "", d)
        else return d
        d = substr(d, bracketed(d, substr(d, 1, 1), substr(d, 1, 1) == "<" ? ">" : ")") + 1)
        sub(/^ *(\{\} *)?/, "", d)
      }
    }
    # The names of parameters: of each the last word before its default value.
    function parameter_names(text,    i, c, level, part, names) {
      for (i = 1; i <= length(text) + 1; ++i) {
        c = i > length(text) ? "," : substr(text, i, 1)
        if (c ~ /[<([{]/) ++level
        if (c ~ /[])>}]/) --level
        if (c != "," || level > 0) { part = part c; continue }
        sub(/ *=.*/, "", part)
        gsub(/[&*]/, " ", part)
        sub(/ +$/, "", part)
        if (part ~ /[ >][A-Za-z_0-9]+$/ && part !~ /^ *const [A-Za-z_0-9]+$/) {
          sub(/.*[ >]/, "", part)
          names = names (names == "" ? "" : ", ") part
        }
        part = ""
      }
      return names
    }
    # What a declaration names: `name`, and `shown`, with parameters where it is a function; "" for what is no news.
    function understand(d, by,    i, c, level, head) {
      name = shown = ""
      if (d ~ /^ *$/ || d ~ /^ *(extern template|using namespace|using [a-z]+::|static_assert|friend)/ || d ~ /= *delete/) return
      d = bare(d)
      if (d ~ /^(struct|class|enum) / && (by == ";" || d ~ /^[a-z ]+ [A-Za-z0-9_]+ *</)) return  # declared, or a special case
      if (d ~ /^(concept|using|struct|class|enum|enum class) /) {
        sub(/^(concept|using|enum class|struct|class|enum) /, "", d)
        sub(/[ :=;].*/, "", d)
        name = shown = d
        return
      }
      for (i = 1; i <= length(d); ++i) {  # up to the parameters, or the value
        c = substr(d, i, 1)
        if (head !~ /operator[^A-Za-z_ ]*$/) {
          level += (c == "<") - (c == ">")
          if (level == 0 && (c == "(" || c == "=")) break
        } else if (c == "(") break
        head = head c
      }
      sub(/ +$/, "", head)
      if (head !~ / / || head ~ /[A-Za-z0-9_>]::(operator[^ ]*|[A-Za-z0-9_]+)$/) return  # a deduction guide, or a member defined
      name = head
      if (!sub(/.*operator/, "operator", name)) sub(/.*[ &*]/, "", name)
      d = substr(d, i)
      shown = c == "(" ? name "(" parameter_names(substr(d, 2, bracketed(d, "(", ")") - 2)) ")" : name
    }

    function is_public(    i) {
      for (i = 1; i <= depth; ++i) if (space[i] == "" || space[i] ~ /^(detail|functions|kernel|processor|refused|safetensors)$/) return 0
      return space[1] == "carousel" && depth >= 1
    }
    function fault(what) { print file ": " what >"/dev/stderr"; faults = 1 }
    # A row is a comment and what it stands above: one declaration, or several that have one name.
    function print_row() {
      if (forms != "") {
        if (row_comment == "") fault(row_name ": has no /// comment")
        gsub(/\n/, "`, `", forms)
        gsub(/\|/, "\\|", row_comment)
        if (!rows++) print "\n| | |\n|---|---|"
        print "| `" forms "` | " row_comment " |"
      }
      forms = row_comment = row_name = ""
    }
    function declared(by,    i) {
      understand(declaration, by)
      if (name != "" && is_public()) {
        for (i = depth; i > 1; --i) shown = space[i] "::" shown
        if (comment != "" || name != row_name) {
          print_row()
          row_comment = comment == "" ? "" : first_sentence(comment)
        }
        if (index("\n" forms "\n", "\n" shown "\n") == 0) forms = forms (forms == "" ? "" : "\n") shown
        row_name = name
      }
      declaration = comment = ""
      ended = 0
    }

    FNR == 1 {
      print_row()
      file = FILENAME
      declaration = comment = about = ""
      begun = ended = rows = depth = levels = body = parentheses = continued = 0
    }
    /^#/ || continued { continued = /\\$/; next }
    /^\/\/\// && !begun { about = with_line(about, $0); next }
    NF == 0 { if (body == 0 && declaration == "") { comment = ""; ended = 0 } next }
    !begun {
      begun = 1
      ended = 0
      if (about == "") fault("has no /// comment at its head")
      link = file
      sub(/.*\//, "", link)
      print "\n[" link "](../" file "): " first_sentence(about)
    }
    body == 0 && /^ *\/\/\// { comment = with_line(comment, $0); next }
    {
      line = $0
      gsub(/\\"/, "", line)
      gsub(/"[^"]*"/, "\"\"", line)
      gsub(/\047[^\047]*\047/, "0", line)
      sub(/\/\/.*/, "", line)
      n = length(line)
      for (i = 1; i <= n; ++i) {
        c = substr(line, i, 1)
        if (body > 0) { body += (c == "{") - (c == "}"); continue }
        parentheses += (c == "(") - (c == ")")
        if (c == "{" && declaration ~ /^ *(inline )?namespace( |$)/) {
          sub(/.*namespace */, "", declaration)
          sub(/ .*/, "", declaration)
          parts = split(declaration, part, "::")
          if (parts == 0) part[parts = 1] = ""
          for (k = 1; k <= parts; ++k) space[++depth] = part[k]
          opened[++levels] = parts
          print_row()
          declaration = comment = ""
          ended = 0
        } else if (c == "{") {  # a body, or a value or condition within the declaration
          body = 1
          head = bare(declaration)
          if (parentheses > 0 || declaration ~ /requires *(\([^{]*\))? *$/ || head ~ /= *[^()]*$/ || head ~ /= *\[/) declaration = declaration "{}"
          else declared("{")
        } else if (c == "}") {
          depth -= opened[levels--]
          print_row()
        } else if (c == ";" && parentheses == 0) declared(";")
        else declaration = declaration c
      }
      if (declaration != "") declaration = declaration " "
    }
    END { print_row(); exit faults }
  ' "$@"
}

if (($#)); then
  tables "$@"
  exit
fi

cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." || exit 2
cat <<'TEXT'
# What C++ users call

Every class and function of `lib`, `ops` and `models` in namespace `carousel`, by room, with the
first sentence of its comment; the headers say the rest. A header without a table is of the engine
itself. `#include <carousel/carousel.hpp>` reads what a user needs.

This page is written by `tests/api_overview.sh`.
TEXT
status=0
rooms=$(sed -nE '/^## The house/,/^## Tests/ s/^\| `((lib|ops|models)[^`]*)` \| (.*) \|$/\1:\3/p' README.md)
while IFS=: read -r room holds; do
  printf '\n## %s: %s\n' "$room" "$holds"
  headers=("$room"/*.hpp)
  tables "${headers[@]}" || status=1
done <<<"$rooms"
while read -r room; do
  [[ $'\n'$rooms == *$'\n'"$room:"* ]] || { echo "$room: is not in the table of rooms in the README" >&2; status=1; }
done < <(find lib ops models -name '*.hpp' -not -path models/carousel.hpp -printf '%h\n' | sort -u)
exit "$status"
