"""Fails for a Python file of more than 600 lines; names those over 400, the length to aim at.

Owns nothing but these two numbers.
"""

import sys
from pathlib import Path

AIM, STOP = 400, 600
FOLDERS = ("nagatha_desktop", "worker", "modules", "tests", "installer", ".ci")


def main() -> int:
    files = sorted(path for folder in FOLDERS for path in Path(folder).rglob("*.py"))
    lengths = {path: len(path.read_bytes().splitlines()) for path in files}
    too_long = 0
    for path, length in lengths.items():
        if length > STOP:
            too_long += 1
            print(f"{path}: {length} lines, and {STOP} is the most: split it")
        elif length > AIM:
            print(f"{path}: {length} lines, a little long ({AIM} is the aim)")
    print(f"{len(lengths)} files, {too_long} too long")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
