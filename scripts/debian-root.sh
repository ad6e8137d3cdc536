#!/bin/sh
# Install a minimal Debian 13 system into a folder with debootstrap. Takes about 30 s; needs root.
#
#   scripts/debian-root.sh DIR PACKAGE...    install these packages; an existing system is kept
#
#   DEBIAN_MIRROR=URL    source of the packages (default: Debian's own)
set -eu

root=$1
shift
fail() { printf 'Debian 13 system not installed: %s\n' "$*" >&2; exit 1; }

# The list of packages is written last, so an interrupted installation starts anew.
stamp=$root/.packages
[ "$(cat "$stamp" 2>/dev/null || true)" != "$*" ] || exit 0

[ "$(id -u)" = 0 ] || fail "this needs root, to change the root folder (chroot)."
command -v debootstrap >/dev/null 2>&1 ||
  fail "debootstrap is missing (Debian: apt-get install debootstrap)."
grep -q " $(realpath -m "$root")/" /proc/mounts && fail "something is mounted below $root."

rm -rf "$root"
mkdir -p "$root"
log=$(mktemp)
# shellcheck disable=SC2086  # no argument at all means the default
if ! debootstrap --variant=minbase --include="$(echo "$*" | tr ' ' ,)" trixie "$root" \
  ${DEBIAN_MIRROR:-} >"$log" 2>&1
then
  tail -n 20 "$log" >&2
  rm -f "$log"
  fail "debootstrap failed; its last output is above."
fi
rm -rf "$log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
printf '%s\n' "$*" >"$stamp"
