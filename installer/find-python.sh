#!/bin/sh
# Prints the first Python between 3.11 and 3.13 that really runs, or says what to install and fails.
# A name on the PATH is not enough: version managers put names there that only print an error.
set -eu

usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if usable "$PYTHON"; then
        echo "$PYTHON"
        exit 0
    fi
    echo "PYTHON=$PYTHON is not a Python between 3.11 and 3.13. Name another one, or leave PYTHON out." >&2
    exit 1
fi
for name in python3 python3.13 python3.12 python3.11 .venv/bin/python; do
    if usable "$name"; then
        echo "$name"
        exit 0
    fi
done
{
    echo "Nagatha needs Python 3.11, 3.12 or 3.13, and none was found on the PATH."
    if command -v apt-get >/dev/null 2>&1; then
        echo "Debian 12 and Ubuntu 24.04:  sudo apt-get install python3 python3-venv"
        echo "Ubuntu 22.04:                sudo apt-get install python3.11 python3.11-venv"
    else
        echo "Get one from your system's packages or from https://www.python.org/downloads/"
    fi
    echo "A Python in another place:   make setup PYTHON=/path/to/python3"
} >&2
exit 1
