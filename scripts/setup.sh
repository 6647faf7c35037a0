#!/usr/bin/env bash
# Installs what the tests, the linter and the benchmarks need besides Go: Debian
# packages (as root; otherwise it says which) and a virtual environment with the
# newest Python library in .cache/venv. What is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  make gcc libc6-dev        # `go test -race` links C
  logrotate                 # which rotates a file store in its tests
  curl bsdutils util-linux mount # what tests of the command are used with
  bash bash-completion zsh fish # shells that complete commands of osp
  python3-osprofiler        # the Python library of the distribution ...
  python3-sqlalchemy        # ... and what its SQL driver needs
  python3-redis python3-psycopg2 python3-pymysql # what its other drivers need
  python3-venv ca-certificates
  redis-server              # also the sentinels
  openssl                   # hashes and encrypts the keys and certificates of TLS tests
  postgresql
  pgbouncer                 # the pooler before it
  mariadb-server-core mariadb-client-core # without the service
  galera-4                  # the replication library of MariaDB clusters
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is no Debian; install the like of: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "setup: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  # Tests start their own servers; the packages' services stay down.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  if ! { DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
         DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "setup: the packages could not be installed" >&2
    exit 1
  fi
  rm -f "$log"
fi

# The newest Python library and clients. Its SQL driver and command do not work
# with SQLAlchemy 2, so the last 1.x stands beside it.
venv=.cache/venv
if ! "$venv/bin/python3" -c 'import osprofiler, sqlalchemy, redis, psycopg2, pymysql' 2>/dev/null; then
  echo "setup: installing the newest Python library into $venv"
  rm -rf "$venv"
  /usr/bin/python3 -m venv "$venv"
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check osprofiler 'SQLAlchemy<2' redis psycopg2-binary PyMySQL
fi
