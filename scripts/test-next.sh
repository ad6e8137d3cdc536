#!/bin/sh
# Run the quick tests with TFX 1.21 in a separate Debian 13 system.
#
#   scripts/test-next.sh [PYTEST OPTIONS...]
#
#   NEXT_ROOT=DIR       the Debian 13 system (default: .cache/trixie), installed if it is missing
#   UV_CACHE_DIR=DIR    share downloads between clones (default: .cache/uv, as in setup.sh)
#
# The files of this clone that git does not ignore, with uncommitted changes, are copied to
# .cache/next and tested there. The .venv there is kept for the next time.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'Not tested with TFX 1.21: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "this needs root, to change to a Debian 13 system and to mount /proc there."
unshare --mount true 2>/dev/null || fail "this system does not allow mounts (unshare --mount)."

root=${NEXT_ROOT:-.cache/trixie}
mkdir -p .cache/next "${UV_CACHE_DIR:-.cache/uv}"
scripts/debian-root.sh "$root" ca-certificates g++ git make python3 python3-dev python3-venv
root=$(realpath "$root")

# Only the environment is kept. Otherwise, files that were removed since would still be tested.
find .cache/next -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
cp "$(git rev-parse --git-path index)" .cache/next.index
GIT_INDEX_FILE=$PWD/.cache/next.index
export GIT_INDEX_FILE
git add --all
git checkout-index --all --prefix=.cache/next/
unset GIT_INDEX_FILE
rm .cache/next.index

# Mounts and processes are in separate namespaces, so they end with this script in any case.
exec unshare --mount --propagation private --pid --kill-child sh -eu -c '
  root=$1
  shift
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  # The copy and the downloads are on one mount, so that uv can create hard links between them.
  mount --bind .cache "$root/mnt"
  downloads=/mnt/uv
  if [ -n "${UV_CACHE_DIR:-}" ]; then
    mount --bind "$UV_CACHE_DIR" "$root/srv"
    downloads=/srv
  fi
  # Access to packages is configured as in the outer system.
  for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt \
    "${PIP_CONFIG_FILE:-}" "${PIP_CERT:-}" "${SSL_CERT_FILE:-}"
  do
    [ -f "$file" ] || continue
    mkdir -p "$root$(dirname "$file")"
    [ -e "$root$file" ] || : >"$root$file"
    mount --bind "$file" "$root$file"
  done
  exec chroot "$root" env -u PYTHON -u PYTHONPATH -u PYENV_ROOT -u VIRTUAL_ENV -u TMPDIR \
    -u MAKEFLAGS -u MAKELEVEL HOME=/root LANG=C.UTF-8 UV_CACHE_DIR="$downloads" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -eu -c "
      cd /mnt/next
      make --no-print-directory setup
      exec .venv/bin/python -m pytest @tests/parallel-options.txt \\
        -m \"not slow and not long and not faults and not engines\" \"\$@\"
    " sh "$@"
' sh "$root" "$@"
