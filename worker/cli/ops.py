"""The commands about the engine: run, list, status, config, worker, doctor, copies of the data.

Owns their arguments and what they print.
"""

import asyncio
import contextlib
import gc
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import click

from worker.cli.output import Output, problem_json
from worker.cli.serving import served
from worker.cli.session import FAILED, StopSignal, run
from worker.config.layers import nearest_key
from worker.contract.errors import NagathaError, NotFound, Unavailable
from worker.contract.events import Event, RunChanged
from worker.contract.services import JobService
from worker.contract.system import Check
from worker.contract.types import FINAL_STATES, Problem, Run
from worker.engine import LOCAL_OWNER, Engine
from worker.service.owner import OwnerServices

PUBLISHED_STATES: Mapping[str, str] = {
    "PENDING": "pending",
    "STARTED": "started",
    "PROGRESS": "started",
    "RETRY": "started",
    "SUCCESS": "success",
}
"""A run's state under its published name; all others are "failure"."""
LOOK_AGAIN = 2.0
"""Seconds after which a run is read again, should an event have been missed."""
MISSED = 10.0
"""Seconds that a worker or a broker may be away before nobody waits for it any more."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("run")
@click.argument("task")
@click.argument("arguments", nargs=-1)
@click.option("--wait", is_flag=True, help="Wait for the end, and print the result.")
@json_option
def run_task(task: str, arguments: tuple[str, ...], wait: bool, as_json: bool) -> None:
    """Run TASK (module.task) with key=value arguments."""
    output = Output(as_json=as_json)
    given = given_arguments(arguments)

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        if wait:
            await _check_worker(engine)
        events = engine.bus.subscribe(LOCAL_OWNER)
        elsewhere = engine.worker_elsewhere()
        queued = await services.jobs.run_task(task, given, source="cli")
        if not wait:
            if output.as_json:
                output.document(status_json(queued))
            else:
                output.line(f"Queued as {queued.id}.")
                if not elsewhere:
                    output.note("It waits until Nagatha or “nagatha worker” runs.")
            return 0
        ended = await _ended(engine, services, events, queued.id)
        if output.as_json:
            output.document(status_json(ended))
        elif ended.error is not None:
            output.problem(ended.error)
        else:
            result = ended.result
            output.line(result if isinstance(result, str) else json.dumps(result, indent=2))
        return 0 if ended.state == "SUCCESS" else FAILED

    sys.exit(run(output, action, queue=True, work_if_alone=wait))


async def _check_worker(engine: Engine) -> None:
    """Raises Unavailable (InvalidInput for a wrong address) where nobody would do the task."""
    if engine.background.state.worker == "ok":
        return
    # What is wrong with the broker, if that is it, also for a worker elsewhere.
    await engine.background.reach()
    if not engine.worker_elsewhere():
        raise Unavailable(
            "No background worker runs tasks",
            engine.background.state.reason,
            "Start Nagatha, or “nagatha worker”.",
        )


async def _ended(
    engine: Engine, services: OwnerServices, events: AsyncIterator[Event], run_id: str
) -> Run:
    """The run with its end. Raises Unavailable when nobody is left who could bring it to one."""
    missing_since: float | None = None
    while True:
        found = await services.jobs.get(run_id)
        if found.state in FINAL_STATES:
            return found
        try:
            await _check_worker(engine)
            missing_since = None
        except NagathaError as error:
            # A worker that broke is started again, and so is a broker.
            missing_since = missing_since or engine.monotonic()
            if engine.monotonic() - missing_since >= MISSED:
                problem = error.problem
                raise Unavailable(
                    problem.title, problem.message, f"{problem.remedy} It waits as {run_id}."
                ) from error
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                async for event in events:
                    if isinstance(event, RunChanged) and event.run.id == run_id:
                        break


def given_arguments(pairs: tuple[str, ...]) -> dict[str, object]:
    """The arguments of a task, from key=value. Raises UsageError."""
    given: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"“{pair}” is not of the form key=value.")
        if key in given:
            raise click.UsageError(f"“{key}” is given twice.")
        given[key] = value
    return given


def status_json(found: Run) -> dict[str, object]:
    """A run under the published names."""
    return {
        "task_id": found.id,
        "task": found.name,
        "status": PUBLISHED_STATES.get(found.state, "failure"),
        "state": found.state,
        "result": found.result,
        "error": None if found.error is None else problem_json(found.error),
        "created_at": found.queued.isoformat(),
        "completed_at": None if found.ended is None else found.ended.isoformat(),
    }


@click.command()
@click.option("--task-id", required=True, help="The id that “nagatha run” printed.")
@json_option
def status(task_id: str, as_json: bool) -> None:
    """Say how a task is."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        from worker.cli.jobs import find  # which needs what is here

        found = await find(cast(JobService, services.jobs), task_id)
        if output.as_json:
            output.document(status_json(found))
            return 0
        output.line(f"{found.name}: {found.state}")
        if found.progress_text:
            output.line(found.progress_text)
        if found.result is not None:
            result = found.result
            output.line(result if isinstance(result, str) else json.dumps(result, indent=2))
        if found.error is not None:
            output.problem(found.error)
        return 0

    sys.exit(run(output, action))


@click.command("list")
@click.argument("what", type=click.Choice(["modules", "tasks"]), default="modules")
@json_option
def list_things(what: str, as_json: bool) -> None:
    """List modules or tasks."""
    _list_modules(as_json) if what == "modules" else _list_tasks(as_json)


@click.command()
@json_option
def modules(as_json: bool) -> None:
    """List modules (the same as “list modules”)."""
    _list_modules(as_json)


def _list_modules(as_json: bool) -> None:
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        found = await services.modules.list_modules()
        if output.as_json:
            output.document([asdict(module) for module in found])
            return 0
        rows = []
        for module in found:
            why = module.problem.message if module.problem is not None else module.description
            rows.append((module.name, module.version, module.state, why))
        output.table(("Name", "Version", "State", ""), rows)
        return 0

    sys.exit(run(output, action))


def _list_tasks(as_json: bool) -> None:
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        found = await services.modules.list_tasks()
        if output.as_json:
            output.document([asdict(task) for task in found])
            return 0
        rows = []
        for task in found:
            properties = task.parameters.get("properties", {})
            names = ", ".join(properties) if isinstance(properties, Mapping) else ""
            rows.append((task.name, names, task.description))
        output.table(("Task", "Arguments", ""), rows)
        return 0

    sys.exit(run(output, action))


@click.command()
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Put the default of KEY back.")
@json_option
def config(key: str | None, value: str | None, unset: bool, as_json: bool) -> None:
    """Show the settings, one of them, or set KEY to VALUE."""
    if unset and (key is None or value is not None):
        raise click.UsageError("--unset takes a KEY and no VALUE.")
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        if key is not None and (value is not None or unset):
            await services.system.set_setting(key, value)
        settings = {setting.key: setting for setting in await services.system.settings()}
        if key is None:
            if output.as_json:
                output.document({name: setting.value for name, setting in settings.items()})
            else:
                output.table(
                    ("Key", "Value", "From"),
                    [(s.key, _shown(s.value), s.source) for s in settings.values()],
                )
            return 0
        if key not in settings:
            raise NotFound(f"There is no setting “{key}”", "", nearest_key(key))
        setting = settings[key]
        if output.as_json:
            output.document(asdict(setting))
        else:
            output.line(_shown(setting.value))
        return 0

    sys.exit(run(output, action))


def _shown(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@click.command()
@click.option("--api", is_flag=True, help="Serve the HTTP API on 127.0.0.1 as well.")
def worker(api: bool) -> None:
    """Run the engine without windows, until it is interrupted."""
    output = Output()
    stopped = StopSignal()

    async def action(engine: Engine, services: OwnerServices) -> int:
        status = await services.system.status()
        if status.worker != "ok":
            return FAILED
        # What was made until now stays; looking through it for garbage takes 0.15 s each time.
        gc.freeze()
        output.line(f"Working on {status.broker}. Press Ctrl+C to stop.")
        async with AsyncExitStack() as stack:
            if api:
                address, token = await stack.enter_async_context(served(engine))
                output.line(f"The API is at {address}; its token is in {token}.")
            await stopped.wait()
        output.line("Stopping; running tasks may end.")
        return 0

    sys.exit(run(output, action, role="worker", work=True))


@click.command()
@click.option("--task", "tasks", multiple=True, help="Check this part only; “all” for every one.")
@click.option("--message", default="", help="What to ask the model in the check “message”.")
@json_option
def doctor(tasks: tuple[str, ...], message: str, as_json: bool) -> None:
    """Check the parts, and say what to do."""
    output = Output(as_json=as_json)
    problems: list[Problem] = []

    async def action(engine: Engine, services: OwnerServices) -> int:
        await engine.modules_ready()
        if message:
            engine.doctor_message = message
        found = await engine.services(LOCAL_OWNER).system.doctor(tasks)
        checks = [_of_the_data(check, problem) for problem in problems for check in found] or found
        if output.as_json:
            output.document([asdict(check) for check in checks])
        for check in checks:
            style = {"ok": "green", "warning": "yellow", "failed": "red"}.get(check.state, "dim")
            output.line(f"{check.name:14} {check.state:8} {check.message}", style=style)
            if check.remedy and check.state != "ok":
                output.line(f"{'':23} {check.remedy}")
        return FAILED if any(check.state == "failed" for check in checks) else 0

    sys.exit(run(output, action, queue=True, work_if_alone=True, without_data=problems.append))


def _of_the_data(check: Check, problem: Problem) -> Check:
    """A line of the doctor where the data could not be used: it was made without."""
    if check.name == "storage":
        return Check("storage", "failed", str(replace(problem, remedy="")), problem.remedy)
    if check.name in ("memory", "usage"):
        return Check(check.name, "off", "It needs the storage.")
    return check


@click.command()
@json_option
def backup(as_json: bool) -> None:
    """Copy the database into the backups folder."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        made = await services.data.back_up()
        path = Path((await services.data.places()).backups) / made.name
        if output.as_json:
            output.document({**asdict(made), "path": str(path)})
        output.line(str(path))
        return 0

    sys.exit(run(output, action))


@click.command()
@click.argument("name", required=False)
@json_option
def restore(name: str | None, as_json: bool) -> None:
    """Put the backup NAME in place of the database; without NAME, list the backups."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        if name is None:
            found = await services.data.backups()
            if output.as_json:
                output.document([asdict(one) for one in found])
            output.table(
                ("Name", "Made", "MB", "Reason"),
                [
                    (b.name, f"{b.created.astimezone():%Y-%m-%d %H:%M}", f"{b.size / 1e6:.1f}",
                     b.reason)
                    for b in found
                ],
            )  # fmt: skip
            return 0
        await services.data.restore(name)
        if output.as_json:
            output.document({"restored": name})
        output.line(f"{name} is in place. The database from before is among the backups.")
        return 0

    sys.exit(run(output, action))


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, resolve_path=True))
@json_option
def export(folder: str, as_json: bool) -> None:
    """Write all chats as JSON and Markdown into a new folder in FOLDER."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        done = await services.data.export(folder)
        if output.as_json:
            output.document(asdict(done))
        output.line(f"{done.chats} chats, {done.messages} messages: {done.path}")
        return 0

    sys.exit(run(output, action))


@click.command("import")
@click.argument("path", type=click.Path(resolve_path=True))
@json_option
def import_all(path: str, as_json: bool) -> None:
    """Read an export; chats that are there already are left as they are."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        done = await services.data.import_all(path)
        if output.as_json:
            output.document(asdict(done))
        output.line(
            f"{done.chats} chats, {done.messages} messages; {done.skipped} were there already."
        )
        return 0

    sys.exit(run(output, action))
