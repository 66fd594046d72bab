"""The commands about what waits for a person's word: approvals.

Owns their arguments and what they print.
"""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import click

from worker.cli.ids import meant
from worker.cli.jobs import SHOWN
from worker.cli.ops import json_option
from worker.cli.output import Output
from worker.cli.session import run
from worker.contract.errors import NotFound
from worker.contract.routines import Approval, Verdict
from worker.engine import Engine
from worker.service.approvals import Approvals
from worker.service.owner import OwnerServices

Action = Callable[[Output, Engine, Approvals], Awaitable[None]]


def _do(as_json: bool, action: Action, *, queue: bool = False) -> None:
    output = Output(as_json=as_json)

    async def inside(engine: Engine, services: OwnerServices) -> int:
        await action(output, engine, services.approvals)
        return 0

    sys.exit(run(output, inside, queue=queue))


@click.group(invoke_without_command=True)
@click.pass_context
def approvals(context: click.Context) -> None:
    """What the assistant may only do when you agree."""
    if context.invoked_subcommand is None:
        context.invoke(list_waiting)


@approvals.command("list")
@click.option("--always", is_flag=True, help="List the tools that were allowed for good instead.")
@json_option
def list_waiting(always: bool = False, as_json: bool = False) -> None:
    """List what waits, the oldest first."""

    async def action(output: Output, engine: Engine, service: Approvals) -> None:
        if always:
            tools = await service.always()
            if output.as_json:
                output.document(list(tools))
            for tool in tools:
                output.line(tool)
            return
        found = await service.waiting()
        if output.as_json:
            output.document([asdict(one) for one in found])
        elif not found:
            output.line("Nothing waits.")
        else:
            rows = [
                (one.id[:SHOWN], f"{one.asked.astimezone():%Y-%m-%d %H:%M}", one.tool, one.why)
                for one in found
            ]
            output.table(("ID", "Asked", "Tool", "What it would do"), rows)

    _do(as_json, action)


@approvals.command("allow")
@click.argument("name", metavar="ID")
@click.option("--always", is_flag=True, help="From now on do not ask about this tool.")
@json_option
def allow(name: str, always: bool, as_json: bool) -> None:
    """Agree, and let it go on."""
    _answer(name, "always" if always else "once", "", as_json)


@approvals.command("deny")
@click.argument("name", metavar="ID")
@click.option("--instead", default="", help="What is to be done instead.")
@json_option
def deny(name: str, instead: str, as_json: bool) -> None:
    """Say no; the answer goes on without."""
    _answer(name, "deny", instead, as_json)


@approvals.command("revoke")
@click.argument("tool")
@json_option
def revoke(tool: str, as_json: bool) -> None:
    """Ask about TOOL again."""

    async def action(output: Output, engine: Engine, service: Approvals) -> None:
        if tool not in await service.always():
            raise NotFound(f"“{tool}” was not allowed for good")
        await service.revoke(tool)
        if output.as_json:
            output.document(list(await service.always()))
        output.line(f"{tool} is asked about again.")

    _do(as_json, action)


def _answer(name: str, verdict: Verdict, instead: str, as_json: bool) -> None:
    async def action(output: Output, engine: Engine, service: Approvals) -> None:
        told = await service.answer((await find(service, name)).id, verdict, instead)
        if output.as_json:
            output.document(asdict(told))
        output.line("Denied." if verdict == "deny" else "Allowed.")
        if not engine.worker_elsewhere():
            output.note("It goes on when Nagatha or “nagatha worker” runs.")

    _do(as_json, action, queue=True)


async def find(service: Approvals, text: str) -> Approval:
    """The one with that id, or of those that wait the one whose id begins so.

    Raises what `meant` does.
    """
    found = {one.id: one for one in await service.waiting() if one.id.startswith(text)}
    if not found:
        return await service.get(text)
    return found[meant(text, found, "approval", "nagatha approvals")]
