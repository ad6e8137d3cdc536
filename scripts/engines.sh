#!/bin/sh
# Fetch engines to .cache/engines, for make test-engines: scripts/engines.sh [flink] [spark] [seaweedfs]
#
#   JAVA_HOME=DIR   a Java of version 17 for Flink and Spark (default: java on PATH)
#
# Flink and Spark come from their Python packages, which contain the whole engines, and Beam's runners
# from Maven Central. SeaweedFS is built from its Go module. What is there already is kept.
set -eu
cd "$(dirname "$0")/.."

# All of a line fit together. Beam releases its runners for one minor version of Flink each. The job
# servers may be older than Beam's Python package, which speaks to them through a protocol.
FLINK_VERSION=1.19.3
FLINK_SHA256=4a58e3a1fb7d83340bc96b6c080624c6d792d69fae5d294b96224775204a9c60
SPARK_VERSION=3.5.9
SPARK_SHA256=ea27adc39ddac9413b8951e45aa748cbed6c785971b81386efc41938f6243d93
RUNNERS_VERSION=2.62.0

# Release 4.53, whose tag is no version to Go. The module's go.sum has the digests of all that it needs.
SEAWEEDFS_MODULE=github.com/seaweedfs/seaweedfs
SEAWEEDFS_VERSION=v0.0.0-20261109003541-7506e5f91cd6
SEAWEEDFS_SUM=h1:LOYZFToHq9F7pSR6lkPGfkM8RmHlVFrzndKdhmNZjrU=

fail() { printf 'No engines: %s\n' "$*" >&2; exit 1; }

mkdir -p .cache/engines
cd .cache/engines

# Downloads package $1 of version $2 with digest $3, and puts its folder "deps" where $4 says. The tests
# find it under the name without the version.
download_package() {
  ln -sfn "$4" "${4%-*}"
  [ ! -d "$4" ] || return 0
  echo "Downloading $1 $2."
  printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" >package.txt
  ../../.tools/uv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary :all: --require-hashes --requirement package.txt --dest packages
  mkdir -p unpacked
  tar --extract --no-same-owner --gzip --file "packages/$1-$2.tar.gz" --directory unpacked --strip-components 1
  mv unpacked/deps "$4"
  rm -r packages unpacked package.txt
}

# Packs Beam's job server for engine $1 of version $2.
pack_job_server() {
  command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java" >/dev/null 2>&1 ||
    fail "Java is missing (Debian: apt-get install openjdk-17-jre-headless)."
  command -v mvn >/dev/null 2>&1 || fail "Maven is missing (Debian: apt-get install maven)."
  jar=$1-$2-job-server-$RUNNERS_VERSION.jar
  if [ ! -f "$jar" ]; then
    echo "Packing Beam's job server for $1 $2."
    mvn --quiet --batch-mode --strict-checksums --file ../../scripts/job-server.xml assembly:single \
      -Drunner="$1-$2" -Drunner.version="$RUNNERS_VERSION" -Dfolder="$PWD/packed"
    mv "packed/$jar" .
    rm -r packed
  fi
  ln -sfn "$jar" "$1-job-server.jar"
}

fetch_flink() {
  pack_job_server flink "${FLINK_VERSION%.*}"
  download_package apache-flink-libraries $FLINK_VERSION $FLINK_SHA256 flink-$FLINK_VERSION
}

fetch_spark() {
  pack_job_server spark "${SPARK_VERSION%%.*}"
  download_package pyspark $SPARK_VERSION $SPARK_SHA256 spark-$SPARK_VERSION
}

fetch_seaweedfs() {
  weed=weed-$SEAWEEDFS_VERSION
  if [ ! -f "$weed" ]; then
    command -v go >/dev/null 2>&1 || fail "Go is missing: version 1.26.6 or newer."
    echo "Building SeaweedFS."
    # No other database of digests is asked.
    module=$(GOSUMDB=off go mod download -json $SEAWEEDFS_MODULE@$SEAWEEDFS_VERSION) ||
      fail "$module"
    value() { printf '%s' "$module" | sed -n "s/^.*\"$1\": \"\(.*\)\".*$/\1/p"; }
    [ "$(value Sum)" = $SEAWEEDFS_SUM ] || fail "SeaweedFS has the digest $(value Sum)."
    output=$PWD/$weed.new
    # In its own folder, because go install refuses a module that replaces another one.
    (cd "$(value Dir)" && CGO_ENABLED=0 GOSUMDB=off GOTOOLCHAIN=local go build -mod=readonly -trimpath \
      -ldflags='-s -w' -o "$output" ./weed)
    mv "$output" "$weed"
  fi
  ln -sfn "$weed" weed
}

[ $# -gt 0 ] || set -- flink spark seaweedfs
for engine in "$@"; do
  case $engine in
    flink | spark | seaweedfs) "fetch_$engine" ;;
    *) fail "$engine is none of flink, spark and seaweedfs." ;;
  esac
done
