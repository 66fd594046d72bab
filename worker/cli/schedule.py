"""The commands about what runs by itself: schedule.

Owns their arguments and what they print. Beat's own entries are `nagatha schedules`.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import click

from worker.cli.chat import split_model
from worker.cli.ids import meant
from worker.cli.jobs import SHOWN, span
from worker.cli.ops import given_arguments, json_option
from worker.cli.output import Output
from worker.cli.session import run
from worker.contract.reminders import MOST_EARLIER
from worker.contract.routines import (
    CatchUp,
    Occurrence,
    OccurrenceState,
    Overlap,
    Routine,
    RoutineDraft,
)
from worker.engine import Engine
from worker.service.owner import OwnerServices
from worker.service.routines import MISSED, OVERLAPS, Routines

_STATES: Mapping[OccurrenceState, str] = {
    "asking": "asks: run or skip",
    "waiting": "waits",
    "running": "runs",
    "parked": "waits for your approval",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "interrupted": "broken off",
}

Action = Callable[[Output, Engine, Routines], Awaitable[None]]


@click.group()
def schedule() -> None:
    """Prompts and tasks that run by themselves."""


def _do(as_json: bool, action: Action, *, queue: bool = False) -> None:
    output = Output(as_json=as_json)

    async def inside(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        await action(output, engine, services.routines)
        return 0

    sys.exit(run(output, inside, queue=queue))


@schedule.command("add")
@click.argument("prompt", required=False, default="")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--cron", default="", help='Five fields, e.g. "30 8 * * 1-5".')
@click.option("--rrule", default="", help="An RRULE, e.g. FREQ=WEEKLY;BYDAY=MO.")
@click.option("--at", "start", default="", help="Local time from when on, or once at.")
@click.option("--zone", default="", help="IANA time zone; by default the machine's.")
@click.option("--task", default="", help="A module's task instead of a prompt, with key=value.")
@click.option("--title", default="", help="A few words; by default from the prompt.")
@click.option("--model", default="", help="A model, or provider/model.")
@click.option("--chat", default=None, help="Answer in this chat, not in a new one each time.")
@click.option("--tool", "tools", multiple=True, help="Only this tool may be used; repeatable.")
@click.option("--no-tools", is_flag=True, help="No tool may be used.")
@click.option("--missed", type=click.Choice(MISSED), default="once", show_default=True)
@click.option("--overlap", type=click.Choice(OVERLAPS), default="skip", show_default=True)
@click.option("--no-notify", is_flag=True, help="Do not notify of its end.")
@click.option("--dry-run", is_flag=True, help="Only tell when it would run.")
@json_option
def add(
    prompt: str,
    arguments: tuple[str, ...],
    cron: str,
    rrule: str,
    start: str,
    zone: str,
    task: str,
    title: str,
    model: str,
    chat: str | None,
    tools: tuple[str, ...],
    no_tools: bool,
    missed: CatchUp,
    overlap: Overlap,
    no_notify: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let PROMPT, or a --task, run by itself."""
    if task and prompt:
        # Of a task every word is an argument.
        arguments, prompt = (prompt, *arguments), ""
    if arguments and not task:
        raise click.UsageError("Only a --task takes arguments. Put the prompt in quotes.")
    if tools and no_tools:
        raise click.UsageError("--tool and --no-tools exclude each other.")
    given = given_arguments(arguments)
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        provider, chosen = await split_model(services, model)
        draft = RoutineDraft(
            title=title,
            prompt=prompt,
            task=task,
            arguments=given,
            start=start,
            zone=zone,
            rrule=rrule,
            cron=cron,
            provider=provider,
            model=chosen,
            tools=() if no_tools else tools or None,
            chat=chat,
            notify=not no_notify,
            missed=missed,
            overlap=overlap,
        )
        coming = await services.routines.preview(draft)
        made = None if dry_run else await services.routines.add(draft, "cli")
        if as_json:
            shown = {"next": [at.isoformat() for at in coming]}
            output.document(shown if made is None else {**asdict(made), **shown})
            return 0
        if made is not None:
            output.line(f"Scheduled as {made.id}: {made.title}")
        for at in coming:
            output.line(f"  {_moment(at)}")
        if made is not None and not engine.worker_elsewhere():
            output.note("It runs while Nagatha or “nagatha worker” does.")
        return 0

    sys.exit(run(output, action))


@schedule.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List them, the next due first."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        found = await service.list_routines()
        if output.as_json:
            output.document([asdict(one) for one in found])
        elif not found:
            output.line("There is nothing.")
        else:
            rows = [
                (one.id[:SHOWN], _when(one), _next(one), _state(one.last), one.title)
                for one in found
            ]
            output.table(("ID", "When", "Next", "Last", ""), rows)
        asking = await service.asking()
        if asking:
            output.note(f"{len(asking)} missed: “nagatha schedule decide --run” or “--skip”.")

    _do(as_json, action)


@schedule.command("show")
@click.argument("name", metavar="ID")
@json_option
def show(name: str, as_json: bool) -> None:
    """Tell all about the one named ID; the beginning of an id is enough."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        _show(output, await find(service, name))

    _do(as_json, action)


@schedule.command("pause")
@click.argument("name", metavar="ID")
@json_option
def pause(name: str, as_json: bool) -> None:
    """Run it no more, until it is resumed."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        _show(output, await service.pause((await find(service, name)).id, True))

    _do(as_json, action)


@schedule.command("resume")
@click.argument("name", metavar="ID")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Run it again. Times that passed meanwhile are not made up for."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        _show(output, await service.pause((await find(service, name)).id, False))

    _do(as_json, action)


@schedule.command("run")
@click.argument("name", metavar="ID")
@json_option
def run_now(name: str, as_json: bool) -> None:
    """Begin it now."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        time = await service.run_now((await find(service, name)).id)
        if output.as_json:
            output.document(asdict(time))
        elif time.state == "waiting":
            output.line("It waits until the run before has ended.")
        else:
            output.line(f"Queued as {time.run}.")
            if not engine.worker_elsewhere():
                output.note("It waits until Nagatha or “nagatha worker” runs.")

    _do(as_json, action, queue=True)


@schedule.command("delete")
@click.argument("name", metavar="ID")
@json_option
def delete(name: str, as_json: bool) -> None:
    """Delete it."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        gone = await service.delete((await find(service, name)).id)
        if output.as_json:
            output.document(asdict(gone))
        output.line(f"Deleted: {gone.title}")

    _do(as_json, action)


@schedule.command("history")
@click.argument("name", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True)
@json_option
def history(name: str, limit: int, as_json: bool) -> None:
    """List its times, newest first, with result, cost and how long each took."""

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        times = await service.history((await find(service, name)).id, limit)
        if output.as_json:
            output.document([asdict(time) for time in times])
        elif not times:
            output.line("There is nothing.")
        else:
            output.table(("Due", "State", "Took", "Cost", "Result"), list(map(_time_row, times)))

    _do(as_json, action)


@schedule.command("decide")
@click.argument("names", nargs=-1, metavar="[ID]...")
@click.option("--run", "runs", is_flag=True, help="Run what was missed.")
@click.option("--skip", is_flag=True, help="Leave it out.")
@json_option
def decide(names: tuple[str, ...], runs: bool, skip: bool, as_json: bool) -> None:
    """Decide about missed times: of the schedules named, or of all."""
    if runs == skip:
        raise click.UsageError("Say either --run or --skip.")

    async def action(output: Output, engine: Engine, service: Routines) -> None:
        chosen = {(await find(service, name)).id for name in names}
        asking = [one for one in await service.asking() if not names or one.routine in chosen]
        decided = await service.decide(tuple(one.id for one in asking), runs)
        if output.as_json:
            output.document({"decided": decided, "run": runs})
        output.line(f"{decided} will {'run' if runs else 'be left out'}.")

    _do(as_json, action)


async def find(service: Routines, text: str) -> Routine:
    """The routine with that id, or the one whose id begins so. Raises what `meant` does."""
    found = {one.id: one for one in await service.list_routines()}
    return found[meant(text, found, "schedule", "nagatha schedule list")]


def _show(output: Output, found: Routine) -> None:
    if output.as_json:
        output.document(asdict(found))
        return
    model = "/".join(part for part in (found.provider, found.model) if part)
    tools = "all" if found.tools is None else ", ".join(found.tools) or "none"
    facts = {
        "Title": found.title,
        "Prompt": found.prompt,
        "Task": found.task,
        "Arguments": ", ".join(f"{key}={value}" for key, value in found.arguments.items()),
        "When": f"{_when(found)} ({found.zone})",
        "Next": _next(found),
        "Paused": found.paused_why,
        "Model": model,
        "Tools": tools if found.prompt else "",
        "Chat": found.chat or ("a new one each time" if found.prompt else ""),
        "Missed": found.missed,
        "Overlap": found.overlap,
        "Last": "" if found.last is None else f"{_moment(found.last.due)}, {_state(found.last)}",
        "ID": found.id,
    }
    for name, fact in facts.items():
        if fact:
            output.line(f"{name:10} {fact}")


def _when(found: Routine) -> str:
    return found.cron or found.rrule or f"once, {found.start.replace('T', ' ')}"


def _next(found: Routine) -> str:
    if found.paused:
        return "paused"
    return "never" if found.due is None else _moment(found.due)


def _state(time: Occurrence | None) -> str:
    return "" if time is None else _STATES[time.state]


def _time_row(time: Occurrence) -> Sequence[str]:
    took = "" if time.seconds is None else span(time.seconds)
    cost = "" if time.cost is None else f"${time.cost}"
    result = time.error.title if time.error is not None else time.result
    more = " or more" if time.earlier >= MOST_EARLIER else ""
    missed = f" (+{time.earlier}{more} before)" if time.earlier else ""
    return (f"{_moment(time.due)}{missed}", _state(time), took, cost, result)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
