#!/bin/sh
# Make a folder that holds a Debian 13 system, by debootstrap: about 30 s, needs root.
#
#   scripts/debian-root.sh DIR PACKAGE...    a minimal system with these packages; kept if it is there
#
#   DEBIAN_MIRROR=URL    where its packages come from (default: Debian's own)
set -eu

root=$1
shift
fail() { printf 'Debian 13 root not made: %s\n' "$*" >&2; exit 1; }

# The packages asked for are noted last, so a root that was interrupted is made again.
stamp=$root/.packages
[ "$(cat "$stamp" 2>/dev/null || true)" != "$*" ] || exit 0

[ "$(id -u)" = 0 ] || fail "this needs root, to enter the system that it makes."
command -v debootstrap >/dev/null 2>&1 ||
  fail "debootstrap is missing (Debian: apt-get install debootstrap)."
grep -q " $(realpath -m "$root")/" /proc/mounts && fail "something is mounted below $root."

rm -rf "$root"
mkdir -p "$root"
log=$(mktemp)
# shellcheck disable=SC2086  # no address at all stands for the default
if ! debootstrap --variant=minbase --include="$(echo "$*" | tr ' ' ,)" trixie "$root" \
  ${DEBIAN_MIRROR:-} >"$log" 2>&1
then
  tail -n 20 "$log" >&2
  rm -f "$log"
  fail "debootstrap failed, see above."
fi
rm -rf "$log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
printf '%s\n' "$*" >"$stamp"
