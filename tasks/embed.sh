#!/bin/sh
# embed.sh FILE...: a C++ header that holds the files as text, each with its name.
set -e
printf 'inline constexpr std::pair<const char*, const char*> embedded[] = {\n'
for file in "$@"; do
  printf '{"%s", R"embedded(' "${file##*/}"
  cat "$file"
  printf ')embedded"},\n'
done
printf '};\n'
