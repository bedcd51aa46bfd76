#!/usr/bin/env bash
# The README's example by Meson, with carousel as a subproject that a wrap fetches from a git repository.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../support/checks.sh"

# A repository of the tree as it is here, committed or not.
repository=$folder/repository
mkdir "$repository"
(cd "$root" && find . -mindepth 1 \( -name .git -o -name 'build*' -type d -o -name runs -path ./runs \) -prune -o -type f -print0 |
  tar -c --ignore-failed-read --null -T - | tar -x -C "$repository")
as_someone=(git -c user.name=check -c user.email=check@localhost -C "$repository")
check 'a repository of this tree' eval '"${as_someone[@]}" init -q && "${as_someone[@]}" add . && "${as_someone[@]}" commit -q -m tree && "${as_someone[@]}" branch -m main'

user=$folder/user
mkdir -p "$user/subprojects"
cp "$root/tests/installed/main.cpp" "$root/tests/installed/meson.build" "$user"
# The wrap of the README, with this repository.
sed -n '/^    \[wrap-git\]$/,/^    dependency_names/s/^ *//p' "$root/README.md" | sed "s|^url = .*|url = file://$repository|" >"$user/subprojects/carousel.wrap"

check 'the example configures' meson setup -Doptimization=g "$user/build" "$user"
programs=$(meson introspect --targets "$user/build" | grep -oE '"name": "[^"]*", "id": "[^"]*", "type": "executable"' | cut -d '"' -f 4)
check 'the example is the only program' test "$programs" = main
asked=$(meson introspect --dependencies "$user/build" | grep -oE '"name": "[^"]*"' | cut -d '"' -f 4 | sort -u | grep -ixE 'cli11|fmt|zlib|libpng|freetype2|doctest' || true)
check 'nothing is asked for that only the program and the tests want' test -z "$asked"
if [[ -n ${CAROUSEL_LONG:-} ]]; then
  check 'the example compiles' ninja -C "$user/build" main
else  # the library that is there takes the place of the subproject's
  link_with_ours() { cp "$build/libcarousel.a" subprojects/carousel/ && ninja main.p/main.cpp.o && eval "$(ninja -t commands main | tail -n 1)"; }
  check 'the example compiles' eval '(cd "$user/build" && link_with_ours)'
fi
check 'the example proves, learns, saves, loads and answers' run_example "$user/build/main"
finish
