"""Prints how much of the engine and of the desktop the tests covered (lines and branches).

    coverage_shares.py ENGINE DESKTOP ENFORCE

ENGINE and DESKTOP are the percentages to reach; with ENFORCE=1 a part below its figure fails.
Reads build/coverage.json, which `coverage json` wrote.
"""

import json
import sys
from pathlib import Path

PARTS = {"worker and modules": ("worker/", "modules/"), "nagatha_desktop": ("nagatha_desktop/",)}
REPORT = Path("build/coverage.json")
COUNTED = ("num_statements", "num_branches")
COVERED = ("covered_lines", "covered_branches")


def share(files: dict[str, dict[str, dict[str, int]]], folders: tuple[str, ...]) -> float | None:
    """Per cent of statements and branches covered below these folders; None if there are none."""
    summaries = [
        report["summary"]
        for name, report in files.items()
        if name.replace("\\", "/").startswith(folders)
    ]
    total = sum(summary[key] for summary in summaries for key in COUNTED)
    covered = sum(summary[key] for summary in summaries for key in COVERED)
    return 100 * covered / total if total else None


def main(arguments: list[str]) -> int:
    wanted = dict(zip(PARTS, map(float, arguments[:2]), strict=True))
    enforce = arguments[2] == "1"
    files = json.loads(REPORT.read_text(encoding="utf-8"))["files"]
    status = 0
    for part, folders in PARTS.items():
        reached = share(files, folders)
        if reached is None:
            print(f"coverage of {part}: nothing measured (wanted: {wanted[part]:.0f} %)")
            status = 1
        else:
            short = "" if reached >= wanted[part] else ", too little"
            print(f"coverage of {part}: {reached:.1f} % (wanted: {wanted[part]:.0f} %{short})")
            status = 1 if short else status
    return status if enforce else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
