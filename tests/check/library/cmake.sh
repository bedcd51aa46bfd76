#!/usr/bin/env bash
# The README's example by CMake, against an installed copy that was moved: from DESTDIR to another prefix.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../support/checks.sh"

check 'meson install to DESTDIR' env DESTDIR="$folder/stage" meson install -C "$build" --no-rebuild --quiet
prefix=$folder/some\ where
mv "$folder/stage$(meson introspect --buildoptions "$build" | grep -o '"name": "prefix", "value": "[^"]*"' | cut -d '"' -f 8)" "$prefix"

check 'the example configures' cmake -S "$root/tests/installed" -B "$folder/example" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_FLAGS=-Og -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
check 'the example compiles' cmake --build "$folder/example"
check 'the example proves, learns, saves, loads and answers' run_example "$folder/example/main"

pc=$(find "$prefix" -name carousel.pc)
pkg_config() { PKG_CONFIG_PATH=$(dirname "$pc") pkg-config "$@" carousel; }
# The flags that decide bits and layouts: as those of the library, which carousel.pc has.
flags_of_library() {
  local flag
  for flag in $(pkg_config --cflags-only-other | tr ' ' '\n' | grep -E '^-[mf]'); do
    echo "$flag"
    grep -qF -- " $flag " "$folder/example/compile_commands.json" || return 1
  done
  [[ -n ${flag:-} ]]
}
check 'the example is compiled with the flags of the library' flags_of_library

version=$(pkg_config --modversion)
next=${version%%.*}.$(($(cut -d . -f 2 <<<"$version") + 1))
mkdir "$folder/versions"
cat >"$folder/versions/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.18)
project(versions CXX)
foreach(good IN ITEMS "" "${version%.*}" "$version" "$version;EXACT")
  unset(carousel_DIR CACHE)
  find_package(carousel \${good} REQUIRED)
  if(NOT carousel_VERSION VERSION_EQUAL "$version")
    message(FATAL_ERROR "asked for \${good}: found \${carousel_VERSION}")
  endif()
endforeach()
foreach(bad IN ITEMS 0.1 ${version%.*}.99 $next 1)
  unset(carousel_DIR CACHE)
  find_package(carousel \${bad} QUIET)
  if(carousel_FOUND)
    message(FATAL_ERROR "\${bad} is not $version")
  endif()
endforeach()
CMAKE
check 'versions that are found, and that are not' cmake -S "$folder/versions" -B "$folder/versions/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
finish
