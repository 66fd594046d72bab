"""The commands about background work: jobs, retry, cancel, schedules.

Owns their arguments and what they print.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import cast

import click

from worker.cli.ids import SHORTEST, meant
from worker.cli.ops import json_option, status_json
from worker.cli.output import Output
from worker.cli.session import run
from worker.contract.errors import InvalidInput, NotFound
from worker.contract.jobs import DeadLetter, LogLine, Schedule
from worker.contract.services import JobService
from worker.contract.types import FINAL_STATES, Run, RunState
from worker.engine import Engine
from worker.service.owner import OwnerServices

SHOWN = 8
"""Characters of an id in a table."""
EVERY = 10_000
"""Runs that are asked for at once when all are looked through."""

_STYLES: Mapping[RunState, str] = {
    "SUCCESS": "green",
    "FAILURE": "red",
    "REVOKED": "yellow",
    "INTERRUPTED": "yellow",
}


@click.command()
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--failed", is_flag=True, help="Those that failed.")
@click.option("--running", is_flag=True, help="Those that are at work.")
@click.option("--search", default="", help="Those with all these words in them.")
@click.option("--limit", type=click.IntRange(1, EVERY), default=30, show_default=True)
@click.option("--dead", is_flag=True, help="List what the broker gave up instead.")
@json_option
def jobs(
    run_id: str | None,
    failed: bool,
    running: bool,
    search: str,
    limit: int,
    dead: bool,
    as_json: bool,
) -> None:
    """List background work, newest first; or tell all about the one named ID.

    The beginning of an id is enough, from 6 characters on.
    """
    if run_id is not None and (failed or running or search or dead):
        raise click.UsageError("An ID goes with none of --failed, --running, --search, --dead.")
    if dead and (failed or running or search):
        raise click.UsageError("--dead goes with none of --failed, --running, --search.")
    output = Output(as_json=as_json)
    states: tuple[RunState, ...] = (*(("FAILURE",) if failed else ()),
                                    *(("STARTED", "PROGRESS") if running else ()))  # fmt: skip

    async def action(engine: Engine, services: OwnerServices) -> int:
        if dead:
            show_dead(output, await services.jobs.dead_letters())
        elif run_id is not None:
            found = await find(cast(JobService, services.jobs), run_id)
            show_run(output, found, await services.jobs.log(found.id))
        else:
            found_runs = await services.jobs.list_runs(states, limit=limit, query=search)
            show_runs(output, found_runs, engine.now())
        return 0

    sys.exit(run(output, action, queue=dead))


@click.command()
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--dead", type=int, metavar="LETTER", help="Put a dead letter back in its queue.")
@json_option
def retry(run_id: str | None, dead: int | None, as_json: bool) -> None:
    """Queue the task of the run ID again, as a new run."""
    if (run_id is None) == (dead is None):
        raise click.UsageError("Name either an ID or --dead LETTER.")
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        if dead is not None:
            await services.jobs.retry_dead(dead)
            if output.as_json:
                output.document({"letter": dead})
            output.line(f"The dead letter {dead} is back in its queue.")
            _note_waiting(output, engine)
            return 0
        assert run_id is not None  # looked at above
        await engine.modules_ready()
        queued = await services.jobs.retry((await find(cast(JobService, services.jobs), run_id)).id)
        if output.as_json:
            output.document(run_json(queued))
        output.line(f"Queued as {queued.id}.")
        _note_waiting(output, engine)
        return 0

    sys.exit(run(output, action, queue=True))


@click.command()
@click.argument("run_id", metavar="ID")
@json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Take the run ID out of the queue, or ask it to stop."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        found = await find(cast(JobService, services.jobs), run_id)
        ended = await services.jobs.cancel(found.id)
        if output.as_json:
            output.document(run_json(ended))
        elif found.state in FINAL_STATES:
            output.line(f"It had ended already: {ended.state}.")
        elif ended.state in FINAL_STATES:
            output.line("Cancelled.")
        else:
            output.line("It was asked to stop.")
        return 0

    sys.exit(run(output, action, queue=True))


@click.command()
@click.argument("name", required=False)
@click.option("--pause", is_flag=True, help="Queue it no more, until --resume.")
@click.option("--resume", is_flag=True, help="Queue it again.")
@click.option("--every", type=float, metavar="SECONDS", help="How often.")
@click.option("--default", "default", is_flag=True, help="As often as by default.")
@click.option("--run", "now", is_flag=True, help="Queue it now.")
@json_option
def schedules(
    name: str | None,
    pause: bool,
    resume: bool,
    every: float | None,
    default: bool,
    now: bool,
    as_json: bool,
) -> None:
    """List what is done again and again, or change the entry NAME."""
    chosen = [pause, resume, every is not None, default, now]
    if sum(chosen) > 1:
        raise click.UsageError(
            "--pause, --resume, --every, --default and --run exclude each other."
        )
    if any(chosen) and name is None:
        raise click.UsageError("Name the entry that is meant.")
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        service = cast(JobService, services.jobs)
        if name is None:
            show_schedules(output, await service.schedules(), engine.now())
        elif now:
            queued = await service.run_schedule(name)
            if output.as_json:
                output.document(run_json(queued))
            output.line(f"Queued as {queued.id}.")
            _note_waiting(output, engine)
        else:
            show_schedule(output, await changed(service, name, pause, resume, every, default))
        return 0

    sys.exit(run(output, action, queue=True))


async def changed(
    service: JobService, name: str, pause: bool, resume: bool, every: float | None, default: bool
) -> Schedule:
    """The entry `name` after what was asked for; as it is where nothing was. Raises NotFound."""
    if pause or resume:
        return await service.pause_schedule(name, pause)
    if every is not None or default:
        return await service.set_interval(name, every)
    for entry in await service.schedules():
        if entry.name == name:
            return entry
    raise NotFound(f"There is no schedule “{name}”", "", "“nagatha schedules” lists them.")


async def find(service: JobService, text: str) -> Run:
    """The run with that id, or the one whose id begins so. Raises what `meant` does."""
    try:
        return await service.get(text)
    except NotFound:
        if len(text) < SHORTEST:
            raise InvalidInput(
                f"There is no run “{text}”",
                f"The beginning of an id needs {SHORTEST} characters at least.",
                "“nagatha jobs” lists them.",
            ) from None
    found: dict[str, Run] = {}
    before: datetime | None = None
    last = ""
    while page := await service.list_runs(limit=EVERY, before=before, before_run=last):
        found |= {one.id: one for one in page if one.id.startswith(text)}
        before, last = page[-1].queued, page[-1].id
    return found[meant(text, found, "run", "nagatha jobs")]


def _note_waiting(output: Output, engine: Engine) -> None:
    """Say so where nobody works at what was queued."""
    if not engine.worker_elsewhere():
        output.note("It waits until Nagatha or “nagatha worker” runs.")


# what is printed -------------------------------------------------------------------------


def run_json(found: Run) -> dict[str, object]:
    """A run for scripts: under the published names, and everything else there is."""
    rest = {key: value for key, value in asdict(found).items() if key not in ("error", "name")}
    return {**rest, **status_json(found)}


def show_runs(output: Output, runs: Sequence[Run], now: datetime) -> None:
    """A table of runs."""
    if output.as_json:
        output.document([run_json(one) for one in runs])
        return
    if not runs:
        output.line("There is nothing.")
        return
    rows = [
        (one.id[:SHOWN], one.state, one.name, _at(one.queued, now), took(one, now), _how(one))
        for one in runs
    ]
    output.table(("Id", "State", "Name", "Queued", "Took", ""), rows)


def show_run(output: Output, found: Run, lines: Sequence[LogLine]) -> None:
    """Everything about one run."""
    if output.as_json:
        output.document({**run_json(found), "log": [asdict(line) for line in lines]})
        return
    output.line(f"{found.name}: {found.state}", style=_STYLES.get(found.state, ""))
    facts = {
        "Id": found.id,
        "Kind": found.kind,
        "From": found.source + (f" ({found.schedule})" if found.schedule else ""),
        "Chat": found.chat,
        "Batch": found.batch,
        "Follows": found.follows,
        "Priority": str(found.priority),
        "Attempts": str(found.attempts),
        "Queued": _moment(found.queued),
        "Due": _moment(found.due),
        "Started": _moment(found.started),
        "Ended": _moment(found.ended),
        "Progress": _how(found) if found.state not in FINAL_STATES else "",
        "Arguments": json.dumps(found.arguments) if found.arguments else "",
        "Result": "" if found.result is None else json.dumps(found.result),
    }
    for name, fact in facts.items():
        if fact:
            output.line(f"{name:10} {fact}")
    if found.error is not None:
        output.line(f"{'Error':10} {found.error}", style="red")
    if lines:
        output.line("")
    for line in lines:
        output.line(f"{line.at.astimezone():%H:%M:%S} {line.level:7} {line.text}")


def show_dead(output: Output, letters: Sequence[DeadLetter]) -> None:
    """A table of dead letters."""
    if output.as_json:
        output.document([asdict(letter) for letter in letters])
        return
    if not letters:
        output.line("There is nothing.")
        return
    rows = [
        (str(one.id), one.task, one.run[:SHOWN], str(one.deliveries), _moment(one.died))
        for one in letters
    ]
    output.table(("Letter", "Task", "Run", "Deliveries", "Given up"), rows)


def show_schedules(output: Output, entries: Sequence[Schedule], now: datetime) -> None:
    """A table of what is done again and again."""
    if output.as_json:
        output.document([asdict(entry) for entry in entries])
        return
    rows = [
        (
            entry.name,
            span(entry.interval),
            _at(entry.last, now) if entry.last is not None else "never",
            "paused" if entry.paused else _at(entry.next, now) if entry.next is not None else "",
            "" if entry.last_run is None else entry.last_run.state,
            entry.title,
        )
        for entry in entries
    ]
    output.table(("Name", "Every", "Last", "Next", "Ended", ""), rows)


def show_schedule(output: Output, entry: Schedule) -> None:
    """One entry."""
    if output.as_json:
        output.document(asdict(entry))
        return
    output.line(f"{entry.name}: {entry.title}")
    usual = "" if entry.interval == entry.default_interval else (
        f" (by default every {span(entry.default_interval)})"
    )  # fmt: skip
    output.line(f"Every {span(entry.interval)}{usual}{', paused' if entry.paused else ''}.")
    if entry.last_run is not None:
        output.line(f"Last: {_moment(entry.last)}, {entry.last_run.state}.")
        if entry.last_run.error is not None:
            output.line(str(entry.last_run.error), style="red")


def _how(found: Run) -> str:
    """How far a run is, or why it failed, in one line."""
    if found.error is not None:
        return found.error.title
    if found.state in FINAL_STATES:
        return ""
    share = "" if found.progress is None else f"{found.progress:.0%}"
    return " ".join(part for part in (share, found.progress_text) if part)


def took(found: Run, now: datetime) -> str:
    """How long a run was, or is, worked at."""
    if found.started is None:
        return ""
    return span(max(0.0, ((found.ended or now) - found.started).total_seconds()))


def span(seconds: float) -> str:
    """A length of time, in the largest unit that tells enough."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size * 1.5 or seconds == size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds:.0f} s"


def _at(moment: datetime, now: datetime) -> str:
    here, today = moment.astimezone(), now.astimezone()
    return f"{here:%H:%M:%S}" if here.date() == today.date() else f"{here:%Y-%m-%d %H:%M}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
