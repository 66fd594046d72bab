#!/bin/sh
# Writes requirements/run.txt and requirements/dev.txt from pyproject.toml: names, versions and
# hashes for Linux, macOS and Windows on Python 3.11 to 3.13. No address of an index goes in:
# everybody's pip asks the index it is set up for. Further arguments go to uv (--upgrade,
# --upgrade-package NAME). Without them versions stay as they are unless pyproject.toml forbids.
set -eu
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null 2>&1; then
    echo "Locking needs uv: https://docs.astral.sh/uv/ (or: pipx install uv)" >&2
    exit 1
fi

compile() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links --group build "$@" --output-file "$out" pyproject.toml
}

compile requirements/run.txt "$@"
# The tests' lock holds the program's, version for version: `make run` and `make test` share .venv.
compile requirements/dev.txt --group dev --constraints requirements/run.txt "$@"
