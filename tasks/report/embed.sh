#!/bin/sh
# embed.sh PAGE.html PAGE.css SCRIPT.js...: a C++ header that holds the page of the report as text.
set -e
literal() {  # NAME FILE...
  printf 'inline constexpr char %s[] = R"page(' "$1"
  shift
  cat "$@"
  printf ')page";\n'
}
literal page_html "$1"
literal page_css "$2"
shift 2
literal page_js "$@"
