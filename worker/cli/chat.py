"""The commands about conversations: ask, chats.

Owns their arguments and what they print.
"""

import asyncio
import contextlib
import io
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime

import click

from worker.cli.ids import meant
from worker.cli.output import Output, ReaderGone, problem_json
from worker.cli.session import FAILED, run
from worker.contract.errors import NagathaError, NotFound, StorageError
from worker.contract.events import AnswerDelta, Event, MessageChanged, RunChanged, ToolChanged
from worker.contract.types import FINAL_STATES, Message, QueryType, Run, Sent, Usage
from worker.engine import LOCAL_OWNER, Engine
from worker.service.models import BUILTIN
from worker.service.owner import OwnerServices
from worker.service.routing import TASKS, route

LOOK_AGAIN = 2.0
"""Seconds after which an answer is read again, should an event have been missed."""
QUERY_TYPES: tuple[QueryType, ...] = tuple(TASKS)
EVERY = 1_000_000
"""More chats than anybody has: all of them are listed and looked through."""
TITLE_PATIENCE = 10.0
"""Seconds that the model gets to find a title."""


@click.command()
@click.argument("text")
@click.option("--model", default="", help="A model, or provider/model.")
@click.option("--chat", "chat_id", default=None, help="Ask in this chat, not in a new one.")
@click.option(
    "--type",
    "query_type",
    type=click.Choice(QUERY_TYPES),
    default="general",
    help="What it is about; see “nagatha ask” in the manual.",
)
@click.option(
    "--queue/--no-queue",
    "use_celery",
    default=None,
    help="Let a background worker answer it, or not; by itself for long and heavy questions.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def ask(
    text: str,
    model: str,
    chat_id: str | None,
    query_type: QueryType,
    use_celery: bool | None,
    as_json: bool,
) -> None:
    """Ask TEXT ("-" reads it from standard input) and print the answer."""
    output = Output(as_json=as_json)
    question = from_input() if text == "-" else text
    if not question.strip():
        raise click.UsageError("There is nothing to ask.")

    async def action(engine: Engine, services: OwnerServices) -> int:
        for notice in engine.notices:
            output.note(str(notice))
        provider, chosen = await split_model(services, model)
        events = engine.bus.subscribe(LOCAL_OWNER)
        chat = None if chat_id is None else await find(services, chat_id)
        sent = await services.chats.send(
            chat,
            question,
            provider=provider,
            model=chosen,
            source="cli",
            query_type=query_type,
            use_celery=use_celery,
        )
        if sent.lane == "queued":
            output.note(_queued(sent))
        answer = _Printed(output)
        try:
            message = await _answered(engine, services, events, sent, answer)
        except asyncio.CancelledError:
            await services.chats.stop(sent.run)
            message = await services.chats.message(sent.answer.id)
        except ReaderGone:
            await services.chats.stop(sent.run)
            raise
        answer.rest(message)
        code = _finish(output, sent, message)
        if not as_json:
            await _titled(engine, services, events, message)
        return code

    # Celery takes a while to import: only where something may be queued.
    queue = route(question, query_type, use_celery).lane == "queued"
    sys.exit(run(output, action, queue=queue))


def from_input() -> str:
    """What standard input holds; bytes that are no text are replaced. Raises UsageError."""
    if sys.stdin is None:  # closed by whoever started this
        raise click.UsageError("There is no standard input.")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    try:
        return sys.stdin.read()
    except OSError as error:
        raise click.UsageError(f"Standard input cannot be read: {error.strerror}.") from error


def _queued(sent: Sent) -> str:
    about = "" if sent.estimate is None else f", about {max(1.0, sent.estimate):.0f} s"
    return f"{sent.reason} It waits in the queue{about}."


class _Printed:
    """What was printed of an answer."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._characters = 0

    def piece(self, delta: AnswerDelta) -> None:
        """Print what came."""
        self.output.piece(delta.text)
        self._characters = delta.offset + len(delta.text)

    def rest(self, message: Message) -> None:
        """Print what was stored and no event told in time."""
        self.output.piece(message.text[self._characters :])


async def _answered(
    engine: Engine,
    services: OwnerServices,
    events: AsyncIterator[Event],
    sent: Sent,
    answer: "_Printed",
) -> Message:
    """Print the answer as it comes, and return it with its end.

    The end is told by an event. Where none comes it is looked up: on a full disk, say, on which
    neither the end nor its event can be stored; then StorageError is raised.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                async for event in events:
                    if event.run_id != sent.run:
                        continue
                    if isinstance(event, AnswerDelta):
                        answer.piece(event)
                    elif isinstance(event, ToolChanged) and event.tool.state == "running":
                        if event.tool.result:
                            continue  # it was told when it began; now it waits
                        answer.output.note(f"[{event.tool.name}]")
                    elif isinstance(event, RunChanged) and event.run.state == "RETRY":
                        answer.output.note(_again(event.run))
                    elif isinstance(event, MessageChanged) and event.message.state != "streaming":
                        return event.message
                await asyncio.sleep(LOOK_AGAIN)
        at_work = engine.answers.count > 0
        message = await services.chats.message(sent.answer.id)
        if message.state != "streaming" or await _waits(services, sent.run, answer.output):
            return message
        if await _queued_still(engine, services, sent.run):
            continue
        if not at_work and await engine.answers.settle() == 0:
            raise StorageError(
                "The end of the answer could not be stored",
                "What came of it is kept, and is marked interrupted at the next start.",
            )


async def _waits(services: OwnerServices, name: str, output: Output) -> bool:
    """Whether a run waits for approvals, which are told; it goes on without this command."""
    waiting = [one for one in await services.approvals.waiting() if one.run == name]
    for one in waiting:
        output.note(f"{one.why}\nIt waits for your approval: nagatha approvals allow {one.id}")
    return bool(waiting)


async def _queued_still(engine: Engine, services: OwnerServices, name: str) -> bool:
    """Whether background work will end the answer of a run. Where nobody works any more, it is
    written here instead."""
    run = await services.jobs.get(name)
    if run.lane != "queued" or run.state in FINAL_STATES:
        return False
    if not engine.answers.writes(name) and not engine.answers.carrier.is_served():
        await engine.maintenance.release_orphans()
        await engine.answers.take(services.chats.scope, name)
    return True


def _again(run: Run) -> str:
    at = run.error.retry_at if run.error is not None else None
    when = "" if at is None else f" at {at.astimezone():%H:%M:%S}"
    return f"{run.error.title if run.error is not None else 'It failed'}; tried again{when}."


async def _titled(
    engine: Engine, services: OwnerServices, events: AsyncIterator[Event], message: Message
) -> None:
    """Wait a moment for the chat's title, which is looked for once the answer is there: with
    this process it would end. Scripts (--json) are not held up for it."""
    wanted = message.state == "complete" and message.text and message.provider != BUILTIN
    if not (wanted and engine.settings.chat.automatic_titles):
        return
    with contextlib.suppress(TimeoutError, NagathaError):
        if (await services.chats.get(message.chat)).titled_by:
            return
        async with asyncio.timeout(TITLE_PATIENCE):
            async for event in events:
                if (
                    isinstance(event, RunChanged)
                    and (event.run.kind, event.run.chat) == ("title", message.chat)
                    and event.run.state in FINAL_STATES
                ):
                    return


async def split_model(services: OwnerServices, model: str) -> tuple[str, str]:
    """ "provider/model" in its parts, where there is such a provider; else the default's."""
    provider, slash, rest = model.partition("/")
    if slash and any(p.id == provider for p in await services.models.providers()):
        return provider, rest
    if not model:
        return "", ""
    if model == "builtin":
        return "builtin", ""
    return (await services.models.default()).provider, model


def _finish(output: Output, sent: Sent, message: Message) -> int:
    if output.as_json:
        output.document(answer_json(sent, message))
    else:
        output.end_line()
        for note in message.notes:
            output.note(note)
        if message.error is not None:
            output.problem(message.error)
        output.note(_summary(message))
    return 0 if message.state == "complete" else FAILED


def _summary(message: Message) -> str:
    parts = [message.model or message.provider]
    if message.usage is not None:
        about = "about " if message.usage.estimated else ""
        parts.append(f"{about}{message.usage.input} → {message.usage.output} tokens")
    if message.cached is not None:
        parts.append(f"answered before, {message.cached.astimezone():%Y-%m-%d %H:%M}")
    elif message.seconds is not None:
        parts.append(f"{message.seconds:.1f} s")
    if message.state != "complete":
        parts.append(message.state)
    return " · ".join(part for part in parts if part)


def answer_json(sent: Sent, message: Message) -> dict[str, object]:
    """An answer as scripts get it."""
    return {
        "chat": sent.chat.id,
        "message": message.id,
        "run": sent.run,
        "state": message.state,
        "provider": message.provider,
        "model": message.model,
        "text": message.text,
        "usage": usage_json(message.usage, message.cached),
        "seconds": message.seconds,
        "lane": sent.lane,
        "cached": None if message.cached is None else message.cached.isoformat(),
        "error": None if message.error is None else problem_json(message.error),
    }


def usage_json(usage: Usage | None, kept: datetime | None) -> dict[str, object]:
    """Tokens as scripts get them: 0 for an answer `kept` since then, as nobody was asked; null
    where they are not known."""
    if usage is None and kept is None:
        return {"input": None, "cached": None, "output": None, "estimated": None}
    return asdict(usage or Usage(0, 0))


@click.command()
@click.argument("chat_id", required=False)
@click.option("--search", "query", default=None, help="Only chats with messages that hold this.")
@click.option("--archived", is_flag=True, help="The archived ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def chats(chat_id: str | None, query: str | None, archived: bool, as_json: bool) -> None:
    """List chats, or show all messages of the chat CHAT_ID; the beginning of its id is enough."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        chat = None if chat_id is None else await find(services, chat_id)
        if query is not None:
            await _search(output, services, query, chat)
        elif chat is not None:
            await _show(output, services, chat)
        else:
            await _list(output, services, archived)
        return 0

    sys.exit(run(output, action))


async def find(services: OwnerServices, text: str) -> str:
    """The id of the chat with that id, or of the one whose id begins so. Raises what `meant`
    does."""
    with contextlib.suppress(NotFound):
        return (await services.chats.get(text)).id
    there = [await services.chats.list_chats(archived=old, limit=EVERY) for old in (False, True)]
    return meant(text, [chat.id for some in there for chat in some], "chat", "nagatha chats")


async def _list(output: Output, services: OwnerServices, archived: bool) -> None:
    found = await services.chats.list_chats(archived=archived, limit=EVERY)
    if output.as_json:
        output.document(
            [
                {
                    "id": chat.id,
                    "title": chat.title,
                    "updated": chat.updated.isoformat(),
                    "messages": chat.messages,
                }
                for chat in found
            ]
        )
        return
    if not found:
        output.line("No chats yet. Begin one with: nagatha ask TEXT")
        return
    output.table(
        ("ID", "Updated", "Messages", "Title"),
        [
            (
                chat.id,
                f"{chat.updated.astimezone():%Y-%m-%d %H:%M}",
                str(chat.messages),
                chat.title,
            )
            for chat in found
        ],
    )


async def _search(output: Output, services: OwnerServices, query: str, chat_id: str | None) -> None:
    hits = await services.chats.search(query, chat=chat_id, limit=200)
    by_chat: dict[str, list[dict[str, object]]] = {}
    for hit in hits:
        by_chat.setdefault(hit.chat, []).append(
            {"message": hit.message, "before": hit.before, "match": hit.match, "after": hit.after}
        )
    if output.as_json:
        document = []
        for one, found in by_chat.items():
            chat = await services.chats.get(one)
            document.append(
                {
                    "id": chat.id,
                    "title": chat.title,
                    "updated": chat.updated.isoformat(),
                    "messages": chat.messages,
                    "hits": found,
                }
            )
        output.document(document)
        return
    if not hits:
        output.line("Nothing was found.")
        return
    for hit in hits:
        output.line(f"{hit.chat}  {hit.chat_title}", style="bold")
        output.line("  " + " ".join(f"…{hit.before}{hit.match}{hit.after}…".split()))


async def _show(output: Output, services: OwnerServices, chat_id: str) -> None:
    messages = await services.chats.tree(chat_id)
    if output.as_json:
        output.document(
            [
                {
                    "id": message.id,
                    "parent": message.parent,
                    "role": message.role,
                    "state": message.state,
                    "text": message.text,
                    "error": None if message.error is None else problem_json(message.error),
                    "created": message.created.isoformat(),
                    "model": message.model,
                    "attachments": [asdict(attachment) for attachment in message.attachments],
                }
                for message in messages
            ]
        )
        return
    for message in messages:
        who = "You" if message.role == "user" else message.model or "Nagatha"
        state = "" if message.state == "complete" else f" ({message.state})"
        version = f" ‹{message.version}/{message.versions}›" if message.versions > 1 else ""
        output.line(f"{who}{state}{version}", style="bold")
        output.line(message.text)
        if message.error is not None:
            output.line(f"{message.error.title} {message.error.message}", style="red")
        output.line("")
