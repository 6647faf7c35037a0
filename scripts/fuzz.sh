#!/usr/bin/env bash
# Runs every fuzz target of the module: fuzz.sh [TIME]. TIME is the time of each
# target, 20s by default. Two targets for each processor run at the same time. Prints
# one line for each target, and the whole output of a target that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${1:-20s}

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
processors=$(getconf _NPROCESSORS_ONLN) cache=$(go env GOCACHE)/fuzz module=$(go list -m)
export logs cache module

# A line for each target: its folder and its name. `go test -list` would build the tests
# of all packages.
git ls-files '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]*\(' | sed -E 's|^|./|; s|/[^/]*:func | |; s|\($||' | sort >"$logs/targets"
if [ ! -s "$logs/targets" ]; then
  echo "fuzz: found no fuzz targets" >&2
  exit 1
fi

# The targets of a package share a test binary, with the instrumentation of the fuzzer.
build() { go test -c -fuzz . -o "$logs/${1//[.\/]/_}.test" "$1"; }
export -f build
cut -d ' ' -f 1 "$logs/targets" | uniq | xargs -P "$processors" -I {} bash -c 'build {}'

one() {
  local package=$1 target=$2 log="$logs/$2.$RANDOM" attempt corpus=$module${1#.}
  for attempt in 1 2; do
    # Coverage that depends on pooled buffers makes the fuzzer minimise the same
    # inputs again and again. Ten tries are enough.
    if (cd "$package" && "$logs/${package//[.\/]/_}.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$FUZZTIME" \
      -test.fuzzminimizetime 10x -test.fuzzcachedir "$cache/$corpus" -test.parallel 1) >"$log" 2>&1; then
      printf 'ok    %s %s: %s\n' "$package" "$target" "$(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
      return 0
    fi
    # On a busy machine the fuzzer may exceed its own deadline at the end. Then it
    # has found nothing; a failing input would be in testdata.
    if ! grep -q 'context deadline exceeded' "$log" || grep -q 'Failing input' "$log"; then
      break
    fi
  done
  printf 'FAIL  %s %s\n' "$package" "$target"
  cat "$log"
  return 1
}
export -f one

# xargs exits with 123 if a target failed. The other targets still run.
xargs -P $((2 * processors)) -L 1 bash -c 'one "$@"' one <"$logs/targets"
echo "fuzz: $(wc -l <"$logs/targets") targets, $FUZZTIME each"
