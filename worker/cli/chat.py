"""The commands about conversations: ask, chats.

Owns their arguments and what they print.
"""

import asyncio
import sys
from dataclasses import asdict

import click

from worker.cli.output import Output, problem_json
from worker.cli.session import FAILED, run
from worker.contract.events import AnswerDelta, MessageChanged, ToolChanged
from worker.contract.types import Message, Sent
from worker.engine import LOCAL_OWNER, Engine
from worker.service.owner import OwnerServices


@click.command()
@click.argument("text")
@click.option("--model", default="", help="A model, or provider/model.")
@click.option("--chat", "chat_id", default=None, help="Ask in this chat, not in a new one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def ask(text: str, model: str, chat_id: str | None, as_json: bool) -> None:
    """Ask TEXT ("-" reads it from standard input) and print the answer."""
    output = Output(as_json=as_json)
    question = sys.stdin.read() if text == "-" else text
    if not question.strip():
        raise click.UsageError("There is nothing to ask.")

    async def action(engine: Engine, services: OwnerServices) -> int:
        provider, chosen = await _split_model(services, model)
        events = engine.bus.subscribe(LOCAL_OWNER)
        sent = await services.chats.send(
            chat_id, question, provider=provider, model=chosen, source="cli"
        )
        try:
            async for event in events:
                if event.run_id != sent.run:
                    continue
                if isinstance(event, AnswerDelta):
                    output.piece(event.text)
                elif isinstance(event, ToolChanged) and event.tool.state == "running":
                    output.note(f"[{event.tool.name}]")
                elif isinstance(event, MessageChanged) and event.message.state != "streaming":
                    return _finish(output, sent, event.message)
        except asyncio.CancelledError:
            await services.chats.stop(sent.run)
            raise
        return FAILED

    sys.exit(run(output, action))


async def _split_model(services: OwnerServices, model: str) -> tuple[str, str]:
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
        if message.text and not message.text.endswith("\n"):
            output.piece("\n")
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
    if message.seconds is not None:
        parts.append(f"{message.seconds:.1f} s")
    if message.state != "complete":
        parts.append(message.state)
    return " · ".join(part for part in parts if part)


def answer_json(sent: Sent, message: Message) -> dict[str, object]:
    """An answer as scripts get it."""
    usage = message.usage
    return {
        "chat": sent.chat.id,
        "message": message.id,
        "run": sent.run,
        "state": message.state,
        "provider": message.provider,
        "model": message.model,
        "text": message.text,
        "usage": None
        if usage is None
        else {
            "input": usage.input,
            "cached": usage.cached,
            "output": usage.output,
            "estimated": usage.estimated,
        },
        "seconds": message.seconds,
        "error": None if message.error is None else problem_json(message.error),
    }


@click.command()
@click.argument("chat_id", required=False)
@click.option("--search", "query", default=None, help="Only chats with messages that hold this.")
@click.option("--archived", is_flag=True, help="The archived ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def chats(chat_id: str | None, query: str | None, archived: bool, as_json: bool) -> None:
    """List chats, or show all messages of the chat CHAT_ID."""
    output = Output(as_json=as_json)

    async def action(engine: Engine, services: OwnerServices) -> int:
        if query is not None:
            await _search(output, services, query, chat_id)
        elif chat_id is not None:
            await _show(output, services, chat_id)
        else:
            await _list(output, services, archived)
        return 0

    sys.exit(run(output, action))


async def _list(output: Output, services: OwnerServices, archived: bool) -> None:
    found = await services.chats.list_chats(archived=archived)
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
