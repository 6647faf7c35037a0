#!/usr/bin/env bash
# Installs Kafka for the tests in .cache/servers/kafka, with the jars that Maven finds.
# scripts/setup.sh runs it after scripts/search-servers.sh, whose Java it needs.
set -euo pipefail
cd "$(dirname "$0")/.."

pom=internal/testenv/kafka/pom.xml folder=.cache/servers/kafka
state=$(cat "$pom" scripts/kafka-server.sh | sha256sum)
if [ "$(cat "$folder/state" 2>/dev/null)" = "$state" ]; then
  exit
fi

echo "setup: installing Kafka into $folder"
rm -rf "$folder"
mkdir -p "$folder"
log=$folder/log
if ! mvn -q -B -f "$pom" -Dfolder="$PWD/$folder" initialize >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: cannot get the libraries of Kafka: see the output above" >&2
  exit 1
fi
rm "$log"
echo "$state" >"$folder/state"
