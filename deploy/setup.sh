#!/usr/bin/env bash
# Makes .venv with the pinned requirements. Called by make; needs nothing but Python >= 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null || fail "there is no $python. Install Python 3.11 or newer, or say make PYTHON=/path/to/python3.11"
"$python" - <<'PY' || fail "$python is older than 3.11. Install a newer one, or say make PYTHON=/path/to/python3.11"
import sys
sys.exit(sys.version_info < (3, 11))
PY
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "this Python has no venv or ensurepip. On Debian or Ubuntu: sudo apt-get install python${version}-venv; on others: the package that holds python3-venv"
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "setup: installing the pinned requirements into .venv (once; a minute or two)"
# Compiled afterwards and in parallel: import times halve, and pip alone would compile on one core.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
.venv/bin/python -m compileall -q -j 0 .venv/lib connectors orchestration pictures quality resolution simulator warehouse bench >/dev/null || true
touch .venv/.ready
