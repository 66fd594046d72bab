"""What `MemoryStorage` holds, and how its parts are looked up and changed.

Owns the state; the verbs are in `memory`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from worker.contract.jobs import LogLine
from worker.contract.reminders import Firing
from worker.contract.routines import Occurrence, Routine
from worker.contract.types import (
    FINAL_STATES,
    Attachment,
    Chat,
    JsonObject,
    Message,
    Run,
    UsageRecord,
)
from worker.storage import rules
from worker.storage.answers import KeptAnswer
from worker.storage.approvals import ParkedCall
from worker.storage.base import OwnedRun, StoredEvent
from worker.storage.reminders import ReminderRow


@dataclass(slots=True)
class Node:
    """A message and what is kept about it."""

    message: Message
    order: tuple[datetime, int]
    """By time, but never before its parent."""
    written: int
    pieces: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class StoredFiring:
    """A firing, and which process tells it."""

    firing: Firing
    taken: str = ""


@dataclass(slots=True)
class Time:
    """An occurrence and what is kept about it."""

    occurrence: Occurrence
    catch_up: bool
    parked: datetime | None = None
    parked_for: float = 0.0


@dataclass(slots=True)
class Owned:
    """Everything of one owner, by id."""

    chats: dict[str, Chat] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    files: dict[str, tuple[Attachment, bytes, datetime]] = field(default_factory=dict)
    runs: dict[str, tuple[Run, str]] = field(default_factory=dict)
    logs: dict[str, list[LogLine]] = field(default_factory=dict)
    usage: dict[str, UsageRecord] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    kept: dict[str, KeptAnswer] = field(default_factory=dict)
    reminders: dict[str, ReminderRow] = field(default_factory=dict)
    firings: dict[str, StoredFiring] = field(default_factory=dict)
    routines: dict[str, Routine] = field(default_factory=dict)
    times: dict[str, Time] = field(default_factory=dict)
    calls: dict[str, ParkedCall] = field(default_factory=dict)
    standstills: dict[str, JsonObject] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)


class MemoryState:
    """Everything of everybody."""

    def __init__(self) -> None:
        self._owners: dict[str, Owned] = {}
        self._events: list[StoredEvent] = []
        self._last_event = 0
        self._counter = 0

    def _of(self, owner: str) -> Owned:
        return self._owners.setdefault(owner, Owned())

    def _chat(self, owner: str, chat: str) -> Chat:
        found = self._of(owner).chats.get(chat)
        if found is None:
            raise rules.missing_chat(chat)
        return found

    def _node(self, owner: str, message: str) -> Node:
        found = self._of(owner).nodes.get(message)
        if found is None:
            raise rules.missing_message(message)
        return found

    def _run(self, owner: str, run: str) -> tuple[Run, str]:
        found = self._of(owner).runs.get(run)
        if found is None:
            raise rules.missing_run(run)
        return found

    def _calls_of(self, owner: str, run: str) -> list[ParkedCall]:
        return [one for one in self._of(owner).calls.values() if one.approval.run == run]

    def _nodes_of(self, owner: str, chat: str) -> list[Node]:
        found = [node for node in self._of(owner).nodes.values() if node.message.chat == chat]
        return sorted(found, key=lambda node: node.order)

    def _line(self, owner: str, leaf: str) -> Iterator[Node]:
        name: str | None = leaf
        while name is not None:
            node = self._node(owner, name)
            yield node
            name = node.message.parent

    def _check_new(self, owner: str, chat: str, new: Sequence[Message]) -> None:
        mine = self._of(owner)
        coming = {message.id for message in new}
        for message in new:
            if message.id in mine.nodes:
                raise rules.already_there("message", message.id)
            if message.parent not in (None, *coming):
                above = self._node(owner, str(message.parent))
                if above.message.chat != chat:
                    raise rules.missing_message(above.message.id)
            for file in message.attachments:
                if file.id not in mine.files:
                    raise rules.missing_attachment(file.id)

    def _insert(self, owner: str, message: Message) -> None:
        nodes = self._of(owner).nodes
        self._counter += 1
        order, depth = (message.created, self._counter), 0
        if message.parent is not None:
            above = nodes[message.parent]
            order = (max(message.created, above.order[0]), self._counter)
            depth = above.message.depth + 1
        kept = replace(message, depth=depth, siblings=())
        nodes[message.id] = Node(kept, order, self._counter)

    def _end(self, node: Node, answer: Message) -> None:
        old, answer = node.message, rules.settled(answer)
        node.message = replace(
            answer,
            chat=old.chat,
            parent=old.parent,
            role=old.role,
            created=old.created,
            attachments=old.attachments,
            run=old.run if answer.run is None else answer.run,
            depth=old.depth,
            siblings=(),
        )
        node.pieces.clear()

    def _complete(self, owner: str, node: Node) -> Message:
        message = node.message
        siblings = tuple(
            other.message.id
            for other in self._nodes_of(owner, message.chat)
            if (other.message.parent, other.message.role) == (message.parent, message.role)
        )
        text = rules.joined(message.text, node.pieces)
        return replace(message, text=text, siblings=siblings)

    def _counted(self, owner: str, chat: Chat) -> Chat:
        nodes = self._nodes_of(owner, chat.id)
        running = any(node.message.state == "streaming" for node in nodes)
        return replace(chat, messages=len(nodes), running=running)

    def _check_at_rest(self, owner: str) -> None:
        """Raise Conflict where something of `owner` is being written."""
        mine = self._of(owner)
        if any(run.state in rules.AT_WORK for run, _ in mine.runs.values()):
            raise rules.at_work()
        for node in mine.nodes.values():
            run, _ = mine.runs.get(node.message.run or "", (None, ""))
            if node.message.state != "streaming" or run is None:
                continue
            if run.message == node.message.id and not rules.ended(run):
                raise rules.at_work()

    def _unfinished(self) -> list[OwnedRun]:
        found = [
            OwnedRun(owner, run, process)
            for owner, mine in self._owners.items()
            for run, process in mine.runs.values()
            if run.state not in FINAL_STATES
        ]
        return sorted(found, key=lambda owned: owned.run.queued)

    def _write_down(self, owner: str, run: str, lines: Sequence[LogLine]) -> None:
        if lines:
            kept = self._of(owner).logs.setdefault(run, [])
            kept += rules.kept_lines(lines)
            del kept[: -rules.LINES]

    # many --------------------------------------------------------------------------------
