#!/usr/bin/env bash
# Runs every fuzz target of the module, two at a time: fuzz.sh [TIME]. TIME is the
# time of each target, 20s by default. Prints one line for each target, and the
# whole output of a target that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
export FUZZTIME=${1:-20s}

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export logs

# `go test -list` prints the names of a package's targets, then "ok <package> <time>".
go test -list '^Fuzz' ./... >"$logs/list" || { cat "$logs/list"; exit 1; }
awk '/^Fuzz/ {names[++n] = $1; next} /^ok/ {for (i = 1; i <= n; i++) print $2, names[i]} {n = 0}' "$logs/list" >"$logs/targets"
if [ ! -s "$logs/targets" ]; then
  echo "fuzz: found no fuzz targets" >&2
  exit 1
fi

one() {
  local package=$1 target=$2 log="$logs/$2.$RANDOM" attempt
  for attempt in 1 2; do
    # Coverage that depends on pooled buffers makes the fuzzer minimise the same
    # inputs again and again. Ten tries are enough.
    if go test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x -parallel 1 "$package" >"$log" 2>&1; then
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
xargs -P 2 -L 1 bash -c 'one "$@"' one <"$logs/targets"
echo "fuzz: $(wc -l <"$logs/targets") targets, $FUZZTIME each"
