#!/bin/sh
# Build .venv from requirements.lock, with everything it needs inside this clone.
#
#   PYTHON=/path/to/python   use this interpreter instead of looking for one
#   UV_CACHE_DIR=DIR         share downloads between clones (default: .cache/uv in this one)
#
# Two lines of TFX come from the one lock, and the Python version chooses: 3.11 to 3.13 takes
# TFX 1.21, whose wheels need glibc 2.39; 3.10 takes TFX 1.16, which runs everywhere.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
STAMP=.venv/.setup-complete

say() { printf '%s\n' "$*" >&2; }
fail() { say "Set-up stopped: $*"; exit 1; }

# The inputs of an environment; while they are unchanged it is used as it is. $1: interpreter.
fingerprint() {
  printf '%s\n' "$1"
  { cat requirements.lock pyproject.toml scripts/setup.sh; printf '%s' "$PWD"; } | cksum
}

# Two calls of make at once must not build one environment.
mkdir -p .tools
if command -v flock >/dev/null 2>&1; then
  exec 9>.tools/lock
  flock 9
fi

# Without PYTHON= whatever interpreter was taken last time will do.
taken=$(head -n 1 "$STAMP" 2>/dev/null || true)
if [ -n "$taken" ] && .venv/bin/python -c '' 2>/dev/null &&
  [ "$(cat "$STAMP")" = "$(fingerprint "${PYTHON:-$taken}")" ]
then
  exit 0
fi

# "3.10" for a working interpreter, nothing for a name that runs none (a pyenv shim, say).
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

# Every interpreter that may be meant by a version such as 3.10.
interpreters() {
  printf '%s\n' "python$1"
  for found in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    printf '%s\n' "$found"
  done
  printf '%s\n' python3 python
}

find_python() {
  for wanted in "$@"; do
    for candidate in $(interpreters "$wanted"); do
      if [ "$(version_of "$candidate")" = "$wanted" ]; then
        "$candidate" -c 'import sys; print(sys.executable)'
        return
      fi
    done
  done
}

# Whether this system's C library is at least 2.39.
recent_glibc() {
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
  [ -n "$libc" ] && [ "$(printf '%s\n2.39\n' "${libc#glibc }" | sort -V | head -n 1)" = 2.39 ]
}

# A private uv: one from elsewhere on PATH may be another version, or a shim that runs nothing.
bring_uv() {
  if [ -x .tools/uv/bin/uv ] && .tools/uv/bin/uv --version 2>/dev/null | grep -q " $UV_VERSION"; then
    return
  fi
  for candidate in "$@" python3 python; do
    [ -n "$candidate" ] || continue
    rm -rf .tools/uv
    if "$candidate" -m venv .tools/uv >/dev/null 2>&1 &&
      .tools/uv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
        --no-warn-script-location "uv==$UV_VERSION" >.tools/uv.log 2>&1
    then
      return
    fi
  done
  [ -f .tools/uv.log ] && cat .tools/uv.log >&2
  fail "could not install uv. It needs a Python 3 with venv and pip (Debian: apt-get install \
python3-venv) and a connection to a Python package index."
}

UV_CACHE_DIR=${UV_CACHE_DIR:-$PWD/.cache/uv}
UV_PYTHON_INSTALL_DIR=$PWD/.tools/python
export UV_CACHE_DIR UV_PYTHON_INSTALL_DIR

if [ -n "${PYTHON:-}" ]; then
  [ -n "$(version_of "$PYTHON")" ] || fail "PYTHON=$PYTHON does not run."
  python=$PYTHON
elif recent_glibc; then
  python=$(find_python 3.13 3.12 3.11 3.10)
else
  python=$(find_python 3.10)
fi

bring_uv "$python"
uv=.tools/uv/bin/uv

if [ -z "$python" ]; then
  say "No Python 3.10 found on PATH or in pyenv; asking uv to fetch one."
  "$uv" python install --quiet --no-bin 3.10 2>.tools/python.log || true
  python=$("$uv" python find --managed-python 3.10 2>/dev/null) || fail "no suitable Python. \
This system needs Python 3.10$(recent_glibc && printf ' to 3.13') and uv could not fetch one. \
Install it (for example: pyenv install 3.10) or name one with PYTHON=/path/to/python3.10."
fi

version=$(version_of "$python")
case $version in
  3.10) line="TFX 1.16" ;;
  3.11 | 3.12 | 3.13)
    line="TFX 1.21"
    recent_glibc || fail "Python $version takes TFX 1.21, whose wheels need glibc 2.39; this \
system has $(getconf GNU_LIBC_VERSION 2>/dev/null || printf 'another C library'). Use Python 3.10." ;;
  *) fail "Python $version is not supported: use 3.10 to 3.13 (PYTHON=$python was taken)." ;;
esac

# Two packages of the lock have no wheels and are compiled.
command -v c++ >/dev/null 2>&1 || fail "a C++ compiler is missing (Debian: apt-get install g++)."
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
  fail "the headers of $python are missing (Debian: apt-get install python$version-dev)."

say "Setting up .venv: Python $version ($python), $line. The first time takes a minute or two."
started=$(date +%s)
rm -f "$STAMP"
if [ "$taken" != "$python" ] || [ "$(version_of .venv/bin/python)" != "$version" ]; then
  rm -rf .venv
  "$uv" venv --quiet --python "$python" .venv
fi
# Bytecode is compiled here because every start of the pipeline would otherwise pay for it.
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode \
  requirements.lock
# Our own package, with the build tool that the lock brought.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
fingerprint "$python" >"$STAMP"
say "Set-up took $(($(date +%s) - started)) s."
