#!/bin/sh
# Checks and tests: sh deploy/test.sh [--all] [arguments of pytest]
# --all adds the browser journeys and the faults (kill, cut, fill), which take minutes.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh

all=
if [ "${1:-}" = --all ]; then
    all=yes
    shift
fi

make_venv
install requirements-dev.txt
.venv/bin/ruff check --quiet .
.venv/bin/ruff format --quiet --check .
.venv/bin/mypy
find templates */templates -name '*.html' 2>/dev/null | xargs -r .venv/bin/djade --check --target-version 5.2
.venv/bin/python -m pytest --quiet --numprocesses 2 "$@"

if [ -n "$all" ]; then
    slow='browser or faults'
    if ! command -v chromium >/dev/null && [ ! -x "${CHROMIUM:-}" ]; then
        [ -z "${CI:-}" ] || fail "The browser tests need Chromium: apt-get install chromium"
        echo "Chromium is missing (apt-get install chromium): the browser tests are left out."
        slow='faults and not browser'
    fi
    # One after another: they measure times and drive browsers.
    .venv/bin/python -m pytest --quiet -m "$slow" "$@"
fi
