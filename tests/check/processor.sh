#!/usr/bin/env bash
# A program that meets a processor without the instructions it was compiled for says so in one line and exits with 2. Emulated
# processors need qemu-x86_64 (Debian: qemu-user).
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../support/checks.sh"
program=${CAROUSEL_PROGRAM:-$build/carousel}
compiler=${CXX:-g++}

# What asks the processor, alone, in a program that would print a word; "$@" are the instructions that it says it was compiled for.
compile_question() {  # OUTPUT FLAG...
  local output=$1
  shift
  printf '#include <cstdio>\n#include <carousel/lib/numbers/processor.hpp>\nint main() { std::puts(carousel::processor::asked ? "ran" : "unasked"); }\n' >"$folder/main.cpp"
  "$compiler" -std=c++20 -I"$build/include" -march=x86-64 -c "$folder/main.cpp" -o "$folder/main.o" &&
    "$compiler" -std=c++20 -I"$build/include" -march=x86-64 -c "$root/lib/numbers/processor.cpp" -o "$folder/processor.o" &&
    "$compiler" -std=c++20 -I"$build/include" "$@" -c "$root/lib/numbers/processor_needs.cpp" -o "$folder/needs.o" &&
    "$compiler" "$folder/main.o" "$folder/processor.o" "$folder/needs.o" -o "$output"
}

# Right when the command exits with 2, prints nothing, and says in one line what the processor has not.
refuses() {  # EXTENSION COMMAND...
  local extension=$1 status=0
  shift
  "$@" >"$folder/out" 2>"$folder/err" || status=$?
  sed -i '/^qemu-x86_64: warning: TCG/d' "$folder/err"
  cat "$folder/out" "$folder/err"
  ((status == 2)) && [[ ! -s $folder/out ]] && (($(wc -l <"$folder/err") == 1)) &&
    grep -qE "^[a-z0-9-]+: this processor .*has no (.*, )?$extension(,.*)?, which the program was compiled for; compile it on" "$folder/err"
}
runs() { [[ $("$@" 2>/dev/null) == ran ]]; }

if [[ $(uname -m) == x86_64 ]]; then
  check 'a program for every processor compiles' compile_question "$folder/any" -march=x86-64
  check 'and runs' runs "$folder/any"
  check 'a program for this processor compiles' compile_question "$folder/native" -march=native
  check 'and runs' runs "$folder/native"
  if grep -qw xop /proc/cpuinfo; then
    echo 'passed over: this processor has XOP, which nearly none has'
  else
    check 'a program for a Bulldozer compiles' compile_question "$folder/xop" -mxop
    check 'and says here that XOP is missing' refuses XOP "$folder/xop"
  fi
  if command -v qemu-x86_64 >/dev/null; then
    check 'a program for x86-64-v2 compiles' compile_question "$folder/v2" -march=x86-64-v2
    check 'and runs on Nehalem' runs qemu-x86_64 -cpu Nehalem "$folder/v2"
    check 'a program for x86-64-v3 compiles' compile_question "$folder/v3" -march=x86-64-v3
    check 'and is refused on Nehalem' refuses AVX qemu-x86_64 -cpu Nehalem "$folder/v3"
    check 'and is refused on Ivy Bridge' refuses AVX2 qemu-x86_64 -cpu IvyBridge "$folder/v3"
    check 'and runs on all that qemu can' runs qemu-x86_64 -cpu max "$folder/v3"
    check 'a program for x86-64-v4 compiles' compile_question "$folder/v4" -march=x86-64-v4
    check 'and is refused without AVX-512' refuses AVX512F qemu-x86_64 -cpu max "$folder/v4"
    # The program itself, compiled as carousel.pc says.
    read -ra flags < <(PKG_CONFIG_PATH=$build/meson-uninstalled pkg-config --cflags-only-other carousel)
    has_macro() { "$compiler" "${flags[@]}" -dM -E -x c++ /dev/null | grep -c " $1 " >/dev/null; }
    if has_macro __AVX2__; then
      check 'carousel is refused on Ivy Bridge' refuses AVX2 qemu-x86_64 -cpu IvyBridge "$program" list
      check 'carousel is refused on Nehalem' refuses AVX qemu-x86_64 -cpu Nehalem "$program" list
    elif has_macro __AVX__; then
      check 'carousel is refused on Nehalem' refuses AVX qemu-x86_64 -cpu Nehalem "$program" list
    elif ! has_macro __SSE4A__; then
      check 'carousel runs on Nehalem' qemu-x86_64 -cpu Nehalem "$program" list
    fi
  else
    echo 'passed over: other processors, without qemu-x86_64 (apt-get install qemu-user)'
  fi
else
  echo 'passed over: only on x86 a program asks its processor'
fi

finish
