"""Runs import-linter over the rules in pyproject.toml, with the kinds of rule in contracts.py.

For `make lint` and pre-commit. It is started by path, so contracts.py beside it is found.
"""

import sys

from importlinter.cli import lint_imports_command

if __name__ == "__main__":
    sys.exit(lint_imports_command(["--no-logo", *sys.argv[1:]]))
