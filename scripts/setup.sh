#!/bin/sh
# Build .venv from requirements.lock. All files stay inside this clone.
#
#   PYTHON=/path/to/python   use this interpreter instead of searching for one
#   UV_CACHE_DIR=DIR         share downloads between clones (default: .cache/uv in this one)
#
# The lock covers two releases of TFX, and the Python version selects one: Python 3.11 to 3.13 gets
# TFX 1.21, whose wheels need glibc 2.39; Python 3.10 gets TFX 1.16, which runs everywhere.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
STAMP=.venv/.setup-complete

say() { printf '%s\n' "$*" >&2; }
fail() { say "Set-up stopped: $*"; exit 1; }

# Identifies the inputs of an environment. It is reused until they change. $1: interpreter.
fingerprint() {
  printf '%s\n' "$1"
  { cat requirements.lock pyproject.toml scripts/setup.sh; printf '%s' "$PWD"; } | cksum
}

# Two simultaneous calls of make must not build the same environment.
mkdir -p .tools
if command -v flock >/dev/null 2>&1; then
  exec 9>.tools/lock
  flock 9
fi

# Without PYTHON, the interpreter of the last set-up is acceptable.
last_python=$(head -n 1 "$STAMP" 2>/dev/null || true)
if [ -n "$last_python" ] && .venv/bin/python -c '' 2>/dev/null &&
  [ "$(cat "$STAMP")" = "$(fingerprint "${PYTHON:-$last_python}")" ]
then
  exit 0
fi

# Prints "3.10" for a working interpreter, and nothing for a name that does not run, such as the shim
# of a pyenv version that is not active.
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

# Prints every possible interpreter of a version such as 3.10.
interpreters() {
  printf '%s\n' "python$1"
  for candidate in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    printf '%s\n' "$candidate"
  done
  printf '%s\n' python3 python
}

find_python() {
  for version in "$@"; do
    for candidate in $(interpreters "$version"); do
      if [ "$(version_of "$candidate")" = "$version" ]; then
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

# Installs uv for this clone. A uv on PATH may have another version, or be a shim that does not run.
install_uv() {
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
  fail "uv could not be installed. This needs a Python 3 with venv and pip (Debian: apt-get install \
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

install_uv "$python"
uv=.tools/uv/bin/uv

if [ -z "$python" ]; then
  say "There is no Python 3.10 on PATH or in pyenv. Downloading one with uv."
  "$uv" python install --quiet --no-bin 3.10 2>.tools/python.log || true
  python=$("$uv" python find --managed-python 3.10 2>/dev/null) || fail "no suitable Python. \
This system needs Python 3.10$(recent_glibc && printf ' to 3.13'), and uv could not download it. \
Install it (for example: pyenv install 3.10) or give its path: PYTHON=/path/to/python3.10."
fi

version=$(version_of "$python")
case $version in
  3.10) line="TFX 1.16" ;;
  3.11 | 3.12 | 3.13)
    line="TFX 1.21"
    recent_glibc || fail "Python $version requires TFX 1.21, whose wheels need glibc 2.39, but this \
system has $(getconf GNU_LIBC_VERSION 2>/dev/null || printf 'another C library'). Use Python 3.10." ;;
  *) fail "Python $version ($python) is not supported. Use Python 3.10 to 3.13." ;;
esac

# Two packages of the lock have no wheels and must be compiled.
command -v c++ >/dev/null 2>&1 || fail "a C++ compiler is missing (Debian: apt-get install g++)."
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
  fail "the headers of $python are missing (Debian: apt-get install python$version-dev)."

say "Setting up .venv: Python $version ($python), $line. The first time takes a minute or two."
started=$(date +%s)
rm -f "$STAMP"
if [ "$last_python" != "$python" ] || [ "$(version_of .venv/bin/python)" != "$version" ]; then
  rm -rf .venv
  "$uv" venv --quiet --python "$python" .venv
fi
# Bytecode is compiled here, which makes every start of the pipeline faster.
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes --compile-bytecode \
  requirements.lock
# Install this project, with the build tool from the lock.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
fingerprint "$python" >"$STAMP"
say "Set-up took $(($(date +%s) - started)) s."
