#!/usr/bin/env bash
# Makes .venv with everything that the product, its example and its tests need, and installs the
# sandbox where this user may. What it may not install it names, and goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

debian_package() { # debian_package PROGRAM PACKAGE WHY
  command -v "$1" >/dev/null && return 0
  if command -v apt-get >/dev/null && as_root true; then
    echo "installing $2 ($3)"
    as_root apt-get install -y -qq "$2" >/dev/null 2>&1 ||
      { as_root apt-get update -qq && as_root apt-get install -y -qq "$2" >/dev/null; } || true
  fi
  command -v "$1" >/dev/null || echo "NOT INSTALLED: $2 ($3). Mend: sudo apt-get install $2" >&2
}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "Python 3.11 or newer is needed; $PYTHON is $("$PYTHON" --version). Mend: make PYTHON=python3.11 …" >&2; exit 1; }
debian_package bwrap bubblewrap "the sandbox that runs a repository's own code"
if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
  as_root apt-get install -y -qq python3-venv >/dev/null 2>&1 ||
    { as_root apt-get update -qq && as_root apt-get install -y -qq python3-venv >/dev/null; } ||
    { echo "python3-venv is missing. Mend: sudo apt-get install python3-venv" >&2; exit 1; }
fi

[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
echo "installing Python packages (a few minutes the first time)"
.venv/bin/python -m pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
.venv/bin/python -m pip install -q --disable-pip-version-check -e . --group dev
