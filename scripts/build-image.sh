#!/bin/sh
# Build the container image with docker, podman or buildah, whichever works here.
#
#   TOOL=buildah             use this tool; may include options, such as "buildah --root DIR"
#   IMAGE=NAME               the image's name (default: radio-signals:VERSION)
#   BASE_IMAGE=NAME@DIGEST   a Debian 13 with Python 3.11 to 3.13; required
#   BEAM_BOOT=NAME           the image that provides Beam's boot program (default: none)
#   SOURCE=URL LICENSES=SPDX labels of the image
#   PIP_CONFIG_FILE=FILE     pip's configuration, for another index or credentials
#   SSL_CERT_FILE=FILE       certificates to trust while packages are downloaded
#
# The build can read these files, but the image does not contain them. Proxy variables such as
# http_proxy reach the build through the tools themselves or as build arguments. All arguments are
# passed to the tool.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'No image built: %s\n' "$*" >&2; exit 1; }

# A client without its daemon cannot build.
find_tool() {
  for candidate in docker podman buildah; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" info >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return
    fi
  done
}

TOOL=${TOOL:-$(find_tool)}
[ -n "$TOOL" ] || fail "neither docker nor podman nor buildah works here (Debian: apt-get install buildah)."

[ -n "${BASE_IMAGE:-}" ] || fail "BASE_IMAGE is missing. Name the base image with its digest, for example \
BASE_IMAGE=python:3.13-slim-trixie@sha256:... The digest of the newest build of a tag is shown by: \
docker buildx imagetools inspect python:3.13-slim-trixie"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# An image of changed files does not correspond to a revision.
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-changed

set -- --tag "${IMAGE:-radio-signals:$version}" \
  --build-arg VERSION="$version" --build-arg REVISION="$revision" "$@"
for name in BASE_IMAGE BEAM_BOOT SOURCE LICENSES http_proxy https_proxy no_proxy; do
  value=$(printenv "$name" || true)
  [ -z "$value" ] || set -- --build-arg "$name=$value" "$@"
done
pass_secret() { [ ! -s "$2" ] || printf '%s' "--secret=id=$1,src=$2"; }
for secret in "$(pass_secret pip.conf "${PIP_CONFIG_FILE:-}")" "$(pass_secret ca.crt "${SSL_CERT_FILE:-}")"; do
  [ -z "$secret" ] || set -- "$secret" "$@"
done

case $TOOL in
  buildah*) set -- build --layers --isolation "${BUILDAH_ISOLATION:-chroot}" "$@" ;;
  docker*) export DOCKER_BUILDKIT=1; set -- build "$@" ;;
  *) set -- build "$@" ;;
esac
# shellcheck disable=SC2086  # TOOL may include options
exec $TOOL "$@" .
