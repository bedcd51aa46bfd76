#!/usr/bin/env bash
# A build folder that was made on another processor (a shared home folder, a moved machine) is configured anew, and said so.
set -euo pipefail
# shellcheck source=tests/support/checks.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../support/checks.sh"

# shellcheck source=tasks/setup.sh
source "$root/tasks/setup.sh"
scratch=$folder/build
configured() { configure "$scratch" >"$folder/said" 2>&1; }  # what it says
says_nothing() { configured && cat "$folder/said" && [[ ! -s $folder/said ]]; }
begins_anew() {  # TEXT THAT IT SAYS
  touch "$scratch/.ninja_log"
  configured && cat "$folder/said" && grep -qF "$1" "$folder/said" && [[ ! -e $scratch/.ninja_log && -s $scratch/build.ninja ]]
}
if [[ " $(PKG_CONFIG_PATH=$build/meson-uninstalled pkg-config --cflags-only-other carousel) " == *' -march=native '* ]]; then
  mkdir "$scratch"
  check 'a new folder is configured' begins_anew 'configuring'
  check 'and once is enough' says_nothing
  check 'the folder knows its processor' test -s "$scratch/processor"
  sed -i '$s/$/__OTHER__/' "$scratch/processor"
  check 'on another processor it is configured anew' begins_anew 'another processor'
  check 'and once is enough again' says_nothing
  rm "$scratch/processor"
  check 'a folder without a record is left as it is' says_nothing
  check 'and gets one' test -s "$scratch/processor"
  cp "$scratch/processor" "$folder/other"
  choice=-mcpu=generic
  [[ $(uname -m) == x86_64 ]] && choice=-march=x86-64-v2
  rm -rf "$scratch"
  mkdir "$scratch"
  check 'instructions may be chosen' configure "$scratch" "-Dcpp_args=$choice"
  chosen() { grep -e " $choice " "$scratch/meson-private/carousel.pc" && ! grep -e -march=native "$scratch/meson-private/carousel.pc"; }
  check 'carousel.pc says which, and no other' chosen
  check 'and then the processor may be any' test ! -e "$scratch/processor"
  sed '$s/$/__OTHER__/' "$folder/other" >"$scratch/processor"
  check 'nor does a record of before matter' says_nothing
else
  echo 'passed over: this build is for a processor by name, whichever it runs on'
fi

finish
