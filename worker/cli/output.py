"""What the command line prints: text for people, or one JSON document for scripts.

Owns both forms, and that nothing from a model or a file can drive the terminal.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.contract.types import Problem

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WHOLE = 24  # characters of a name that are not broken into two lines


class ReaderGone(Exception):
    """Whoever read what is printed (`head`, a closed terminal) wants no more of it."""


class NotWritten(ReaderGone):
    """What is printed cannot be written where it goes; says why (a full disk)."""


@contextmanager
def _to_a_reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise NotWritten(error.strerror or type(error).__name__) from None


class _Console(Console):
    """rich's console, which otherwise ends the program when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        raise ReaderGone from None


def harmless(text: str) -> str:
    """`text` without what a terminal would obey, halves of characters replaced."""
    return _CONTROL.sub("\ufffd", text).encode("utf-8", "replace").decode("utf-8")


class Output:
    """Where one command prints. With `as_json` only `document` writes to standard output.

    What prints raises ReaderGone when nobody reads it any more.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        self._console = _Console(highlight=False, soft_wrap=True)
        self._errors = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._in_line = False

    def document(self, value: object) -> None:
        """Print the one JSON document."""
        with _to_a_reader():
            print(json.dumps(value, indent=2, default=_plain))

    def line(self, text: str, style: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            with _to_a_reader():
                self._console.print(Text(harmless(text), style=style))

    def piece(self, text: str) -> None:
        """A piece of an answer, at once and without a line end."""
        if not self.as_json and text:
            self._in_line = not text.endswith("\n")
            with _to_a_reader():
                print(harmless(text), end="", flush=True)

    def end_line(self) -> None:
        """End the line that a piece has begun."""
        if self._in_line:
            self.piece("\n")

    def note(self, text: str) -> None:
        """Something beside the result, on standard error; in JSON the document says it."""
        if not self.as_json:
            self.notice(text)

    def notice(self, text: str) -> None:
        """What no document holds and everybody should know, on standard error also with JSON."""
        self._errors.print(Text(harmless(text), style="dim"))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for people."""
        if self.as_json:
            return
        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, head in enumerate(heads):
            longest = max((len(row[number]) for row in rows), default=0)
            table.add_column(
                head,
                overflow="fold",
                # An id in two lines can be neither read nor copied.
                no_wrap=head.lower() == "id",
                min_width=min(longest, _WHOLE) if head.lower() == "name" else None,
            )
        for row in rows:
            table.add_row(*(Text(harmless(cell)) for cell in row))
        with _to_a_reader():
            self._console.print(table)

    def problem(self, problem: Problem) -> None:
        """What went wrong: in JSON as the document, otherwise on standard error."""
        if self.as_json:
            self.document({"error": problem_json(problem)})
            return
        self.failure(problem.title, problem.message, problem.remedy)

    def failure(self, title: str, message: str = "", remedy: str = "") -> None:
        """An error in three parts on standard error."""
        self.end_line()
        self._errors.print(Text(harmless(title), style="bold red"))
        if message:
            self._errors.print(Text(harmless(message)))
        if remedy:
            self._errors.print(Text(harmless(remedy), style="dim"))

    def flush(self) -> None:
        """Let everything reach its reader now."""
        if sys.stdout is not None:  # closed by whoever started this
            with _to_a_reader():
                sys.stdout.flush()

    def let_go(self) -> None:
        """Drop what nobody reads any more: Python would complain of it at the very end."""
        for stream in (sys.stdout, sys.stderr):
            if stream is None:
                continue
            try:
                stream.flush()
            except OSError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def problem_json(problem: Problem) -> dict[str, str]:
    """An error as scripts get it."""
    return {
        "kind": problem.kind,
        "title": problem.title,
        "message": problem.message,
        "remedy": problem.remedy,
    }


def _plain(value: object) -> str:
    """A time as ISO 8601, as everywhere else; whatever else JSON does not know as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
