#!/usr/bin/env bash
# No thread starts that nobody asked for: OpenBLAS, which starts its own as it is loaded, is linked nowhere, and loaded with one thread
# where a product needs it. With too little memory the program ends.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../support/checks.sh"
program=${CAROUSEL_PROGRAM:-$build/carousel}

# How many threads and processes a command starts, those of threads counted too.
starts() {  # NUMBER COMMAND...
  local number=$1 status=0
  shift
  strace -f -qq -e trace=clone,?clone3,?fork,?vfork -e signal=none -o "$folder/calls" "$@" >"$folder/out" 2>&1 || status=$?
  tail -n 3 "$folder/out"
  cat "$folder/calls"
  ((status == 0 && $(grep -c -E 'clone|fork' "$folder/calls") == number))
}
# A command in an address space of so many KiB ends well, or says in one line why it does not.
ends_within() {  # KIB COMMAND...
  local limit=$1 status=0
  shift
  (ulimit -v "$limit"; exec timeout 60 "$@") >"$folder/out" 2>"$folder/err" || status=$?
  echo "code $status"
  tail -n 3 "$folder/out" "$folder/err"
  ((status == 0)) || { ((status == 2)) && (($(wc -l <"$folder/err") == 1)); }
}

if strace -qq -o "$folder/calls" true 2>"$folder/err"; then
  # shellcheck disable=SC2016  # for the shell that is started
  check 'strace counts a process' starts 1 sh -c 'true & wait'
  check 'carousel list starts no thread' starts 0 "$program" list
  check 'a product by OpenBLAS starts none' starts 0 "$build/tests/test-lib" -tc='*by which gemm is compared*'
  check 'and there is such a test' grep -qE 'test cases: *[1-9][0-9]* \|' "$folder/out"
  check 'whatever the environment says' env OPENBLAS_NUM_THREADS=2 bash -c "$(declare -f starts); folder=$folder; starts 0 '$build/tests/test-lib' -tc='*by which gemm is compared*'"
else
  echo "passed over: threads: $(head -n 1 "$folder/err")"
fi
not_linked() { ! readelf -d "$program" | grep -i 'NEEDED.*blas'; }
check 'the program is not linked with a BLAS' not_linked
not_asked() {
  local flags
  flags=$(PKG_CONFIG_PATH=$build/meson-uninstalled pkg-config --static --libs carousel) && [[ $flags == *carousel* && $flags != *blas* ]]
}
check 'nor is a program with the library' not_asked
for limit in 120000 60000; do check "carousel list ends with $limit KiB" ends_within "$limit" "$program" list; done

finish
