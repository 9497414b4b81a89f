#!/bin/sh
# Runs tests against addons built with AddressSanitizer and UndefinedBehaviorSanitizer: wild reads and writes, use after
# free, overflows. Leaks are looked for too; what Node itself never gives back is left out by name.
#
#   sh test/sweep/native-memory.sh [test files]     those of all addons when none are named
#
# Works in a copy, so that the addons of the checkout stay as they are. Needs g++ with libasan. Addons are never unloaded,
# so that a leak is reported with the place of its allocation, after an ended worker thread too.
set -eu
cd "$(dirname "$0")/../.."
copy=$(mktemp -d "${TMPDIR:-/tmp}/firmwright-asan-XXXXXX")
trap 'rm -rf "$copy"' EXIT
[ $# -gt 0 ] || set -- test/native test/unit/squashfs test/unit/archive
export FIRMWRIGHT_FIXTURES="${FIRMWRIGHT_FIXTURES:-$PWD/../shared/fixtures}"

cp -r native tools test images board-profiles ./*.json ./*.ts ./*.md binding.gyp "$copy"
ln -s "$(readlink -f node_modules)" "$copy/node_modules"
cd "$copy"

sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1'
CXXFLAGS=$sanitizers LDFLAGS='-fsanitize=address,undefined' node tools/dev/build-native.mjs >/dev/null

printf '%s\n' leak:node:: leak:v8:: leak:libnode leak:uv_ leak:bin/node leak:rolldown leak:esbuild >suppressions
echo 'int dlclose(void* library) { return library == 0; }' | g++ -x c -shared -fPIC -o stay.so -
export LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so) $copy/stay.so"
export ASAN_OPTIONS=detect_leaks=1:alloc_dealloc_mismatch=0:exitcode=99
export LSAN_OPTIONS="suppressions=$copy/suppressions:print_suppressions=0"
node node_modules/vitest/vitest.mjs run --pool=forks --testTimeout=120000 "$@"
