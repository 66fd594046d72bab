"""The commands about what is to be remembered: remind, reminders.

Owns their arguments and what they print.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from worker.cli.ids import meant
from worker.cli.jobs import SHOWN
from worker.cli.ops import json_option
from worker.cli.output import Output
from worker.cli.session import run
from worker.contract.errors import InvalidInput
from worker.contract.reminders import Reminder, ReminderView, Understood
from worker.engine import Engine
from worker.moments.recurrence import find_zone
from worker.moments.words import rule_words
from worker.moments.zone import in_zone
from worker.service.owner import OwnerServices
from worker.service.reminders import Reminders

NOT_UNDERSTOOD = 1
EVERY = 1_000
"""Reminders that are asked for at once when all are looked through."""
LONGEST_FILE = 64 * 2**20
"""Bytes of a calendar that are read at most; the engine refuses much smaller ones."""

Action = Callable[[Output, Engine, Reminders], Awaitable[None]]


def _zone(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if name:
        try:
            find_zone(name)
        except ValueError as error:
            raise click.BadParameter(f"{error}.") from None
    return name


def _moment(_context: click.Context, _option: click.Parameter, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"“{text}” is no time such as 2026-12-01T09:00.") from None


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("--now", callback=_moment, default="", help="Understand it as if it were then (ISO).")
@click.option("--zone", callback=_zone, default="", help="IANA time zone; else the machine's.")
@click.option("--dry-run", is_flag=True, help="Only tell what is understood.")
@json_option
def remind(
    words: tuple[str, ...], now: datetime | None, zone: str, dry_run: bool, as_json: bool
) -> None:
    """Be reminded of TEXT at the time that it says.

    For instance: nagatha remind pay rent every 1st at 9. English, German, French and Spanish.
    Exit code 1 when it is not understood.
    """
    text = " ".join(words)
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        service = services.reminders
        where = zone or await asyncio.to_thread(service.zone)
        at = _aware(now, where) or engine.now()
        if text.strip():
            found = await service.understand(text, where, at)
        else:
            found = Understood(text, None, "", where, "", "Did not understand: it is empty.")
        made = None
        if found.due is not None and not dry_run:
            made = await service.remind(text, where, at, "cli")
        if as_json:
            output.document(_understood_json(found, made))
        elif found.due is None:
            output.failure(found.understood, "", "Say when, e.g. “call Anna tomorrow at 9”.")
        else:
            output.line(f"{found.text}: {found.understood}")
            if made is not None:
                output.line(f"Kept as {made.id}")
                if not engine.worker_elsewhere():
                    output.note("It is told while Nagatha runs.")
        return NOT_UNDERSTOOD if found.due is None else 0

    sys.exit(run(output, action))


@click.group(invoke_without_command=True)
@click.option("--done", is_flag=True, help="Those that are over.")
@click.option("--missed", is_flag=True, help="Those found late that wait for an answer.")
@click.option("--search", default="", help="Those with all these words in them.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@json_option
@click.pass_context
def reminders(
    context: click.Context, done: bool, missed: bool, search: str, limit: int, as_json: bool
) -> None:
    """List what you will be reminded of, the next first; or answer, import, export."""
    chosen = done or missed or search or as_json
    if context.invoked_subcommand is not None:
        if chosen:
            raise click.UsageError("Options of the list go with no command; put --json last.")
        return
    if done and missed:
        raise click.UsageError("--done and --missed exclude each other.")
    view: ReminderView = "done" if done else "missed" if missed else "upcoming"

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        found = await service.list_reminders(view, search, limit)
        if output.as_json:
            output.document([_json(one) for one in found])
        elif not found:
            output.line("There is nothing.")
        else:
            rows = [(one.id[:SHOWN], _when(one), _rule(one), one.text) for one in found]
            output.table(("ID", "When", "Again", ""), rows)

    _do(as_json, action)


@reminders.command("done")
@click.argument("names", nargs=-1, required=True, metavar="ID...")
@json_option
def done(names: tuple[str, ...], as_json: bool) -> None:
    """Say that it is done. One that recurs comes again; the beginning of an id is enough."""

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        chosen = [await find(service, name) for name in names]
        _show(output, [await service.done(one.id) for one in chosen])

    _do(as_json, action)


@reminders.command("snooze")
@click.argument("name", metavar="ID")
@click.argument("until", nargs=-1, metavar="[UNTIL]...")
@json_option
def snooze(name: str, until: tuple[str, ...], as_json: bool) -> None:
    """Be reminded again later: by default in 10 minutes, else UNTIL “tomorrow at 9” or an ISO time.

    A time without an offset is meant in the machine's zone.
    """

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        chosen = await find(service, name)
        at = await _later(service, " ".join(until) or "in 10 minutes", engine.now())
        _show(output, [await service.snooze(chosen.id, at)])

    _do(as_json, action)


@reminders.command("skip")
@click.argument("name", metavar="ID")
@json_option
def skip(name: str, as_json: bool) -> None:
    """Leave out its next time."""

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        _show(output, [await service.skip((await find(service, name)).id)])

    _do(as_json, action)


@reminders.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="ID...")
@json_option
def delete(names: tuple[str, ...], as_json: bool) -> None:
    """Delete; “undelete” with the whole id brings it back within 30 days."""

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        chosen = [await find(service, name) for name in names]
        gone = [await service.delete(one.id) for one in chosen]
        if output.as_json:
            output.document([_json(one) for one in gone])
        for one in gone:
            output.line(f"Deleted: {one.text}")
            output.note(f"“nagatha reminders undelete {one.id}” brings it back.")

    _do(as_json, action)


@reminders.command("undelete")
@click.argument("name", metavar="ID")
@json_option
def undelete(name: str, as_json: bool) -> None:
    """Bring back what was deleted; ID is the whole id."""

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        _show(output, [await service.undelete(name)])

    _do(as_json, action)


@reminders.command("import")
@click.argument("file", type=click.File("rb"))
@json_option
def import_calendar(file: BinaryIO, as_json: bool) -> None:
    """Add the tasks and events of FILE, an iCalendar file; "-" reads standard input.

    What was imported before is left as it is.
    """

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        data = await asyncio.to_thread(file.read, LONGEST_FILE)
        made = await service.import_calendar(data)
        if output.as_json:
            output.document([_json(one) for one in made])
        coming = sum(one.due is not None for one in made)
        output.line(f"{len(made)} added, {coming} of them to come.")

    _do(as_json, action)


@reminders.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@json_option
def export_calendar(file: str, as_json: bool) -> None:
    """Write all reminders into FILE as iCalendar; "-" writes to standard output."""
    if file == "-" and as_json:
        raise click.UsageError("--json goes with a FILE.")

    async def action(output: Output, engine: Engine, service: Reminders) -> None:
        data = await service.export_calendar()
        if file == "-":
            sys.stdout.buffer.write(data)
            return
        try:
            await asyncio.to_thread(Path(file).write_bytes, data)
        except OSError as error:
            raise InvalidInput("The file cannot be written", str(error)) from None
        path = str(Path(file).absolute())
        if output.as_json:
            output.document({"path": path, "bytes": len(data)})
        output.line(path)

    _do(as_json, action)


async def find(service: Reminders, text: str) -> Reminder:
    """The reminder with that id, or the one whose id begins so. Raises what `meant` does."""
    found: dict[str, Reminder] = {}
    views: tuple[ReminderView, ...] = ("upcoming", "missed", "done")
    for view in views:
        offset = 0
        while some := await service.list_reminders(view, limit=EVERY, offset=offset):
            found |= {one.id: one for one in some if one.id.startswith(text)}
            offset += len(some)
    return found[meant(text, found, "reminder", "nagatha reminders")]


def _do(as_json: bool, action: Action) -> None:
    output = Output(as_json=as_json)

    async def inside(engine: Engine, services: OwnerServices) -> int:
        await action(output, engine, services.reminders)
        return 0

    sys.exit(run(output, inside))


async def _later(service: Reminders, words: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        # A line has something to be reminded of before its time.
        found = await service.understand(f"it {words}", now=now)
        if found.due is None or found.rrule:
            why = "It recurs." if found.rrule else found.understood
            raise InvalidInput(
                "That was not understood", why, "Say e.g. “in 2 hours” or “tomorrow at 9”."
            ) from None
        return found.due
    there = _aware(at, await asyncio.to_thread(service.zone))
    return at if there is None else there


def _aware(moment: datetime | None, zone: str) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=ZoneInfo(zone))


def _understood_json(found: Understood, made: Reminder | None) -> dict[str, object]:
    due = None if found.due is None else found.due.astimezone(ZoneInfo(found.zone)).isoformat()
    return {
        "id": None if made is None else made.id,
        "text": found.text,
        "due": due,
        "zone": found.zone,
        "rrule": found.rrule,
        "understood": found.understood,
    }


def _json(one: Reminder) -> dict[str, object]:
    """As scripts get it: its next time as its own clock shows it."""
    due = None if one.due is None else in_zone(one.due, one.zone).isoformat()
    return {**asdict(one), "due": due}


def _show(output: Output, found: list[Reminder]) -> None:
    if output.as_json:
        output.document([_json(one) for one in found])
    for one in found:
        output.line(f"{one.id[:SHOWN]}  {_when(one)}  {one.text}")


def _when(one: Reminder) -> str:
    if one.firing is not None and one.due is None:
        return f"was due {_local(one.firing.due)}"
    if one.due is None:
        return "over" if one.done is None else f"done {_local(one.done)}"
    return f"{_local(one.due)}{' (snoozed)' if one.snoozed else ''}"


def _rule(one: Reminder) -> str:
    return rule_words(one.rrule, one.start)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%a %Y-%m-%d %H:%M}"
