"""Measures the figures of the README: every `bench_*.py` beside this file, one after another.

    python -m tests.bench.run [--quick] [--only NAME ...]

A bench has `NAME: str` and `measure(quick: bool) -> list[Figure]`. One table is printed and
written to bench-results/ as bench.json and bench.md. Exit code 1 if a bound was missed or a bench
failed. Owns the order, the table and the files; what is measured, and how, is each bench's affair.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tests.bench.figure import Figure

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "bench-results"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one bench came to: its figures, or the error that ended it; `seconds` it took."""

    bench: str
    figures: list[Figure]
    seconds: float
    error: str = ""

    @property
    def passed(self) -> bool:
        return not self.error and all(figure.kept is not False for figure in self.figures)


def benches(folder: Path, only: Sequence[str]) -> list[ModuleType]:
    """The benches of a folder, in the order of their file names.

    `only` chooses by NAME or file name (`broker` means bench_broker.py). Raises LookupError for
    a choice that fits none.
    """
    names = sorted(path.stem for path in folder.glob("bench_*.py"))
    found = [importlib.import_module(f"tests.bench.{name}") for name in names]
    if not only:
        return found
    chosen: list[ModuleType] = []
    for wanted in only:
        fitting = [module for module in found if wanted.lower() in _names_of(module)]
        if not fitting:
            known = ", ".join(name.removeprefix("bench_") for name in names)
            raise LookupError(f"No bench is called {wanted}. There are: {known}")
        chosen += [module for module in fitting if module not in chosen]
    return chosen


def _names_of(module: ModuleType) -> set[str]:
    stem = module.__name__.rpartition(".")[2]
    return {stem, stem.removeprefix("bench_"), str(module.NAME).lower()}


def run_one(module: ModuleType, quick: bool) -> Outcome:
    """Measures one bench. What it raises is its outcome: the others are still wanted."""
    begun = time.monotonic()
    try:
        figures = list(module.measure(quick))
    except Exception:  # any bench can fail in any way, and the others go on
        return Outcome(module.NAME, [], time.monotonic() - begun, traceback.format_exc())
    if not figures:
        return Outcome(module.NAME, [], time.monotonic() - begun, "It measured nothing.")
    return Outcome(module.NAME, figures, time.monotonic() - begun)


def shown(number: float) -> str:
    """A number with three digits that count, and no exponent: 0.00123, 45.6, 11,900."""
    if number != number or abs(number) == float("inf"):
        return str(number)
    if abs(number) >= 100 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:.3g}"


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str, str, str, str]]:
    """Bench, figure, value, bound, verdict and note of every line of the table."""
    lines = []
    for outcome in outcomes:
        for figure in outcome.figures:
            sign = "≤" if figure.at_most else "≥"
            bound = "" if figure.bound is None else f"{sign} {shown(figure.bound)} {figure.unit}"
            verdict = {True: "pass", False: "miss", None: ""}[figure.kept]
            value = f"{shown(figure.value)} {figure.unit}"
            lines.append((outcome.bench, figure.name, value, bound, verdict, figure.note))
        if outcome.error:
            said = outcome.error.strip().splitlines()[-1]
            lines.append((outcome.bench, "", "", "", "failed", said))
    return lines


HEADINGS = ("Bench", "Figure", "Value", "Bound", "", "Note")


def print_table(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table(*HEADINGS)
    colours = {"pass": "green", "miss": "red", "failed": "red"}
    for line in rows(outcomes):
        table.add_row(*line, style=None if line[4] == "pass" else colours.get(line[4]))
    console.print(table)
    for outcome in outcomes:
        if outcome.error:
            console.print(f"{outcome.bench}:", style="bold red")
            console.print(outcome.error, markup=False, highlight=False)


def machine() -> dict[str, str | int]:
    """What the figures were measured on, as far as it matters for reading them."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count() or 1,
    }


def write_results(folder: Path, outcomes: Sequence[Outcome], quick: bool) -> None:
    """bench.json for programs and bench.md for the README."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(),
        "benches": [
            {
                "name": outcome.bench,
                "seconds": round(outcome.seconds, 1),
                "error": outcome.error or None,
                "figures": [asdict(f) | {"kept": f.kept} for f in outcome.figures],
            }
            for outcome in outcomes
        ],
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (folder / "bench.json").write_text(text, encoding="utf-8")
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    for row in rows(outcomes):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    (folder / "bench.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures the figures.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a first impression")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these benches only")
    options = parser.parse_args(arguments)
    # Wide enough for a figure with its note when nobody watches, as in CI's log.
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        chosen = benches(HERE, options.only)
    except LookupError as error:
        console.print(str(error), style="red")
        return 2
    outcomes = []
    for module in chosen:
        console.print(f"Measuring {module.NAME} …")
        outcomes.append(run_one(module, options.quick))
    print_table(console, outcomes)
    write_results(RESULTS, outcomes, options.quick)
    missed = [outcome.bench for outcome in outcomes if not outcome.passed]
    if missed:
        console.print(f"Not as they should be: {', '.join(missed)}", style="red")
    return 1 if missed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
