#!/bin/sh
# Checks and tests: sh deploy/test.sh [--all] [arguments of pytest]
# --all adds the sweeps over every page, the browser journeys and the faults (kill, cut, fill),
# which take minutes.
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
# Deno is only asked how the scripts read: nothing is run by it, and node need not be there.
export DENO_DIR=.venv/deno DENO_NO_UPDATE_CHECK=1
.venv/bin/deno fmt --quiet --no-config --line-width 100 --check static/js static/css tests/js
# The two rules speak of Web Workers, where `window` is missing.
.venv/bin/deno lint --quiet --no-config --rules-exclude=no-window,no-window-prefix static/js tests/js
if ! node --eval 'process.exit("register" in require("module") ? 0 : 1)' 2>/dev/null; then
    [ -z "${CI:-}" ] || fail "The tests of the scripts need Node 18.19: apt-get install nodejs"
    echo "Node 18.19 is missing (apt-get install nodejs): the tests of the scripts are left out."
fi
.venv/bin/python -m pytest --quiet --numprocesses 2 ${all:+-m 'not browser and not faults'} "$@"

# slow KIND …: one after another if nothing else is said, since they measure times, kill servers and
# drive browsers. It is not a failure if the arguments leave no test (5).
slow() {
    kind=$1
    shift
    .venv/bin/python -m pytest --quiet -m "$kind" "$@" || [ $? -eq 5 ]
}

if [ -n "$all" ]; then
    if command -v chromium >/dev/null || [ -x "${CHROMIUM:-}" ]; then
        # A journey mostly waits. The files in their order, as some of them wait for minutes.
        slow 'browser and not alone' --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@"
        slow 'browser and alone' "$@"
    else
        [ -z "${CI:-}" ] || fail "The browser tests need Chromium: apt-get install chromium"
        echo "Chromium is missing (apt-get install chromium): the browser tests are left out."
    fi
    slow 'faults and apart' --numprocesses 2 --dist loadfile "$@"
    slow 'faults and not apart' "$@"
fi
