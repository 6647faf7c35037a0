#!/usr/bin/env bash
# Installs what the tests, the linter and the benchmarks need in addition to Go:
# Debian packages (as root; another user gets the command to run as root), and in
# .cache a virtual environment with the newest Python library, and servers that
# Debian does not have. What is installed already is not changed.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  make gcc libc6-dev        # `go test -race` links C
  logrotate                 # tests rotate a file store with it
  systemd                   # checks the unit of examples/relay
  curl bsdutils util-linux mount # tests use these with the command osp
  bash bash-completion zsh fish # tests complete commands of osp in these shells
  python3-osprofiler        # the Python library, in the version of the distribution
  python3-sqlalchemy        # for the SQL driver of the Python library
  python3-redis python3-psycopg2 python3-pymysql # for its other drivers
  python3-pymongo python3-elasticsearch
  python3-oslo.messaging python3-confluent-kafka
  python3-graphviz graphviz # for `trace show --dot --render-dot`, of both tools
  python3-venv ca-certificates
  redis-server              # also the sentinels
  openssl                   # hashes certificates and encrypts keys for TLS tests
  postgresql
  pgbouncer                 # the pooler for PostgreSQL
  mariadb-server-core mariadb-client-core # these packages have no service
  galera-4                  # the replication library of MariaDB clusters
  rabbitmq-server           # its Erlang node and tools
  chromium fonts-dejavu-core # opens the web pages of traces
  maven                     # finds the libraries of Elasticsearch, OpenSearch and Kafka
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: cannot install packages without apt-get; install the equivalents of: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "setup: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  # This policy keeps the services of the packages from starting, because tests
  # start their own servers.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  if ! { DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
         DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "setup: cannot install the packages: see the output above" >&2
    exit 1
  fi
  rm -f "$log"
fi

# Servers that are Go programs: Jaeger, in the versions that tests send spans to, and
# FerretDB. Each version is a module of its own, which names the programs of Jaeger as
# tools. They are built while the rest is downloaded.
jaeger() {
  local program=$1 version=$2 binary=$PWD/.cache/bin/jaeger-$3$2
  (cd "internal/testenv/jaeger/$version" && go build -trimpath -ldflags='-s -w' -o "$binary" "github.com/jaegertracing/jaeger/cmd/$program")
}
programs() {
  (cd internal/testenv/ferretdb && go build -o ../../../.cache/bin/ferretdb .)
  jaeger all-in-one v1.62.0 all-in-one-
  jaeger all-in-one v1.76.0 all-in-one-
  jaeger jaeger v1.76.0 ""
}
programs &
programs=$!

# The newest Python library and clients, but SQLAlchemy 1.x, because the SQL driver
# and the command of the Python library do not work with SQLAlchemy 2. Version 8 of
# the client for Elasticsearch is the first that the library does not work with.
venv=.cache/venv
if ! "$venv/bin/python3" -c 'import osprofiler, sqlalchemy, redis, psycopg2, pymysql, graphviz' 2>/dev/null; then
  echo "setup: installing the newest Python library into $venv"
  rm -rf "$venv"
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check osprofiler 'SQLAlchemy<2' redis psycopg2-binary PyMySQL graphviz
fi
if ! "$venv/bin/python3" -c 'import pymongo, elasticsearch' 2>/dev/null; then
  echo "setup: installing pymongo and elasticsearch into $venv"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check pymongo 'elasticsearch<9'
fi
if ! "$venv/bin/python3" -c 'import oslo_messaging, confluent_kafka' 2>/dev/null; then
  echo "setup: installing oslo.messaging and confluent-kafka into $venv"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check oslo.messaging confluent-kafka
fi
if ! "$venv/bin/python3" -c 'import opentelemetry.exporter.otlp.proto.http, opentelemetry.exporter.otlp.proto.grpc, oslo_middleware' 2>/dev/null; then
  echo "setup: installing OpenTelemetry and oslo.middleware into $venv"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check opentelemetry-sdk \
    opentelemetry-exporter-otlp-proto-http opentelemetry-exporter-otlp-proto-grpc oslo.middleware
fi

# axe-core checks the accessibility of web pages. A Python package contains it.
axe=.cache/axe version=0.1.8
if [ "$(cat "$axe/version" 2>/dev/null)" != "$version" ]; then
  echo "setup: installing axe-core into $axe"
  rm -rf "$axe"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps --target "$axe/package" "axe-playwright-python==$version"
  cp "$axe/package/axe_playwright_python/axe.min.js" "$axe/axe.min.js"
  rm -rf "$axe/package"
  echo "$version" >"$axe/version"
fi

# Two servers that speak MongoDB's protocol: SecantusDB with replica set, change
# streams and accounts, and FerretDB, which has none of them.
secantusdb=.cache/secantusdb version=0.7.0b3
if [ "$("$secantusdb/bin/python3" -c 'import importlib.metadata as m; print(m.version("secantusdb"))' 2>/dev/null)" != "$version" ]; then
  echo "setup: installing SecantusDB $version into $secantusdb"
  rm -rf "$secantusdb"
  /usr/bin/python3 -m venv "$secantusdb"
  "$secantusdb/bin/python3" -m pip install --quiet --disable-pip-version-check "secantusdb==$version"
fi

scripts/search-servers.sh
scripts/kafka-server.sh
wait $programs
go run ./internal/testenv/javacaches
