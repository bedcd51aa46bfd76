#!/bin/sh
# embed.sh FILE...: a C++ header that holds the files as text, for the one source that includes it.
set -e
cat <<'TEXT'
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::pair<const char*, const char*> embedded_files[] = {
TEXT
for file in "$@"; do
  printf '{"%s", R"embedded(' "${file##*/}"
  cat "$file"
  printf ')embedded"},\n'
done
cat <<'TEXT'
};

/// The files whose names end so, one behind the other; nothing where there is none.
std::string embedded(std::string_view ending) {
  std::string all;
  for (const auto& [name, text] : embedded_files)
    if (std::string_view(name).ends_with(ending)) all += text;
  return all;
}

}  // namespace
TEXT
