"""`MemoryStorage`: the storage for tests, gone with the process.

Owns nothing on disk. It keeps the same promises as the others but two: nothing lasts, and
there are no copies. A verb looks at everything that can be wrong before it changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from worker.contract.errors import StorageError
from worker.contract.system import Backup
from worker.contract.types import (
    FINAL_STATES,
    Attachment,
    Chat,
    Hit,
    Message,
    Run,
    UsageRecord,
    UsageSummary,
)
from worker.storage import folding, rules
from worker.storage.base import (
    Begun,
    ChatChanges,
    Expired,
    Statistics,
    StoredEvent,
)
from worker.storage.memory_answers import MemoryAnswers
from worker.storage.memory_approvals import MemoryApprovals
from worker.storage.memory_reminders import MemoryReminders
from worker.storage.memory_routines import MemoryRoutines
from worker.storage.memory_runs import MemoryRuns
from worker.storage.memory_state import Node


class MemoryStorage(MemoryAnswers, MemoryReminders, MemoryRuns, MemoryRoutines, MemoryApprovals):
    """`Storage` in this process."""

    async def open(self) -> None:
        """See `Storage.open`."""

    async def aclose(self) -> None:
        """See `Storage.aclose`. What was stored stays until this object goes."""

    async def close_at_rest(self) -> None:
        """See `Storage.close_at_rest`."""
        for owner in tuple(self._owners):
            self._check_at_rest(owner)

    # chats -------------------------------------------------------------------------------

    async def create_chat(self, owner: str, chat: Chat) -> Chat:
        """See `Storage.create_chat`."""
        chats = self._of(owner).chats
        if chat.id in chats:
            raise rules.already_there("chat", chat.id)
        chats[chat.id] = chat
        return self._counted(owner, chats[chat.id])

    async def get_chat(self, owner: str, chat: str) -> Chat:
        """See `Storage.get_chat`."""
        return self._counted(owner, self._chat(owner, chat))

    async def list_chats(self, owner: str, *, archived: bool, limit: int) -> tuple[Chat, ...]:
        """See `Storage.list_chats`."""
        found = [
            chat
            for chat in reversed(self._of(owner).chats.values())
            if chat.archived == archived and chat.deleted is None
        ]
        found.sort(key=lambda chat: (chat.pinned, chat.updated), reverse=True)
        return tuple(self._counted(owner, chat) for chat in found[: rules.within(limit)])

    async def update_chat(self, owner: str, chat: str, changes: ChatChanges) -> Chat:
        """See `Storage.update_chat`."""
        found = self._chat(owner, chat)
        head = changes.get("head")
        if head is not None and self._node(owner, head).message.chat != chat:
            raise rules.missing_message(head)
        found = self._of(owner).chats[chat] = replace(found, **changes)
        return self._counted(owner, found)

    # messages ----------------------------------------------------------------------------

    async def begin_answer(
        self,
        owner: str,
        *,
        question: Message | None,
        answer: Message,
        run: Run,
        process: str,
        chat: Chat | None = None,
    ) -> Begun:
        """See `Storage.begin_answer`."""
        mine = self._of(owner)
        if chat is not None and chat.id in mine.chats:
            raise rules.already_there("chat", chat.id)
        there = chat if chat is not None else self._chat(owner, answer.chat)
        if there.id != answer.chat:
            raise rules.missing_chat(answer.chat)
        for node in self._nodes_of(owner, answer.chat):
            if node.message.state == "streaming" and (node.message.id, node.message.run) != (
                answer.id,
                run.id,
            ):
                raise rules.answer_under_way()
        old = mine.nodes.get(answer.id)
        if old is not None and old.message.chat != answer.chat:
            raise rules.already_there("message", answer.id)
        if old is not None and old.message.state == "complete":
            raise rules.answer_complete()
        new = [message for message in (question, answer if old is None else None) if message]
        self._check_new(owner, answer.chat, new)
        mine.chats[answer.chat] = there
        for message in new:
            if message is question:
                self._insert(owner, message)
        answer = replace(answer, state="streaming", run=run.id)
        if old is None:
            self._insert(owner, answer)
        else:
            kept = replace(
                answer,
                parent=old.message.parent,
                created=old.message.created,
                attachments=old.message.attachments,
            )
            self._counter += 1
            mine.nodes[answer.id] = Node(kept, old.order, self._counter)
        mine.runs[run.id] = (run, process)
        changed = replace(there, head=answer.id, updated=run.queued)
        mine.chats[answer.chat] = replace(changed, draft="") if question else changed
        return Begun(
            await self.get_chat(owner, answer.chat),
            None if question is None else await self.get_message(owner, question.id),
            await self.get_message(owner, answer.id),
        )

    async def append_text(
        self,
        owner: str,
        message: str,
        offset: int,
        text: str,
        by: tuple[str, str] | None = None,
    ) -> None:
        """See `Storage.append_text`."""
        node = self._node(owner, message)
        if node.message.state != "streaming":
            raise rules.not_streaming(message)
        there = len(rules.joined(node.message.text, node.pieces))
        if offset > there:
            raise rules.text_gap(message, there, offset)
        if by is not None:
            node.message = replace(node.message, provider=by[0], model=by[1])
        if offset + len(text) > there:
            node.pieces.append((there, text[there - offset :]))

    async def finish_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> Message:
        """See `Storage.finish_answer`."""
        mine = self._of(owner)
        self._end(self._node(owner, answer.id), answer)
        mine.runs[run.id] = (run, "")
        for record in usage:
            await self.add_usage(owner, record)
        return self._complete(owner, mine.nodes[answer.id])

    async def get_message(self, owner: str, message: str) -> Message:
        """See `Storage.get_message`."""
        return self._complete(owner, self._node(owner, message))

    async def branch(
        self, owner: str, leaf: str, *, before: str | None = None, limit: int | None = None
    ) -> tuple[tuple[Message, ...], bool]:
        """See `Storage.branch`."""
        line = list(self._line(owner, leaf))
        if before is not None:
            self._node(owner, before)
            names = [node.message.id for node in line]
            if before not in names:
                raise rules.not_above(before, leaf)
            line = line[names.index(before) + 1 :]
        taken = line if limit is None else line[: rules.within(limit)]
        messages = tuple(self._complete(owner, node) for node in reversed(taken))
        return messages, len(taken) < len(line)

    async def tree(self, owner: str, chat: str) -> tuple[Message, ...]:
        """See `Storage.tree`."""
        self._chat(owner, chat)
        return tuple(self._complete(owner, node) for node in self._nodes_of(owner, chat))

    async def newest_leaf(self, owner: str, message: str) -> str:
        """See `Storage.newest_leaf`."""
        start = self._node(owner, message)
        below = {message}
        rows: list[tuple[str, str | None, int]] = []
        for node in self._nodes_of(owner, start.message.chat):
            name, parent = node.message.id, node.message.parent
            if name == message or parent in below:
                below.add(name)
                rows.append((name, parent, node.written))
        return rules.newest_leaf(message, rows)

    async def is_above(self, owner: str, message: str, leaf: str) -> bool:
        """See `Storage.is_above`."""
        self._node(owner, message)
        return any(node.message.id == message for node in self._line(owner, leaf))

    async def search(
        self, owner: str, query: str, *, chat: str | None, limit: int
    ) -> tuple[Hit, ...]:
        """See `Storage.search`."""
        if chat is not None:
            self._chat(owner, chat)
        wanted, limit = folding.terms(query), rules.within(limit, rules.MOST_HITS)
        hits: list[Hit] = []
        nodes = sorted(self._of(owner).nodes.values(), key=lambda node: node.order, reverse=True)
        for node in nodes if wanted else ():
            message = node.message
            where = self._chat(owner, message.chat)
            if len(hits) >= limit:
                break
            if message.state == "streaming" or where.deleted or chat not in (None, where.id):
                continue
            folded = folding.fold(message.text)
            if folding.holds(folded, wanted):
                hits.append(
                    Hit(
                        where.id,
                        where.title,
                        message.id,
                        message.role,
                        message.created,
                        *folding.excerpt(message.text, folded, wanted[0]),
                    )
                )
        return tuple(hits)

    async def put_attachment(
        self, owner: str, attachment: Attachment, data: bytes, created: datetime
    ) -> None:
        """See `Storage.put_attachment`."""
        self._of(owner).files[attachment.id] = (attachment, data, created)

    async def get_attachment(self, owner: str, attachment: str) -> tuple[Attachment, bytes]:
        """See `Storage.get_attachment`."""
        found = self._of(owner).files.get(attachment)
        if found is None:
            raise rules.missing_attachment(attachment)
        return found[0], found[1]

    # usage, events, small values ---------------------------------------------------------

    async def add_usage(self, owner: str, record: UsageRecord) -> None:
        """See `Storage.add_usage`."""
        counted = replace(record, usage=rules.counted(record.usage))
        self._of(owner).usage.setdefault(record.id, counted)

    async def usage_summary(self, owner: str, since: datetime, until: datetime) -> UsageSummary:
        """See `Storage.usage_summary`."""
        found = [record for record in self._of(owner).usage.values() if since <= record.at < until]
        costs = [record.cost for record in found if record.cost is not None]
        return UsageSummary(
            since=since,
            until=until,
            requests=len(found),
            input=sum(record.usage.input for record in found),
            output=sum(record.usage.output for record in found),
            cached=sum(record.usage.cached for record in found),
            cost=sum(costs, Decimal(0)) if costs else None,
            unpriced=len(found) - len(costs),
        )

    async def add_events(
        self, owner: str, events: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> tuple[int, ...]:
        """See `Storage.add_events`."""
        first = self._last_event + 1
        for kind, data in events:
            self._last_event += 1
            self._events.append(StoredEvent(self._last_event, owner, at, origin, kind, data))
        return tuple(range(first, self._last_event + 1))

    async def events_after(self, seq: int, limit: int = 1000) -> tuple[StoredEvent, ...]:
        """See `Storage.events_after`."""
        found = [event for event in self._events if event.seq > seq]
        return tuple(found[: rules.within(limit)])

    async def last_event(self) -> int:
        """See `Storage.last_event`."""
        return self._last_event

    async def get_value(self, owner: str, key: str) -> str | None:
        """See `Storage.get_value`."""
        return self._of(owner).values.get(key)

    async def set_value(self, owner: str, key: str, value: str | None) -> None:
        """See `Storage.set_value`."""
        if value is None:
            self._of(owner).values.pop(key, None)
        else:
            self._of(owner).values[key] = value

    # whole -------------------------------------------------------------------------------

    async def import_chat(
        self,
        owner: str,
        chat: Chat,
        messages: Sequence[Message],
        attachments: Mapping[str, bytes],
    ) -> bool:
        """See `Storage.import_chat`."""
        mine = self._of(owner)
        if chat.id in mine.chats:
            return False
        ordered = rules.in_order(messages)
        files = rules.check_attachments(messages, attachments, mine.files)
        for message in ordered:
            if message.id in mine.nodes:
                raise rules.already_there("message", message.id)
        for name in files:
            if (
                name in attachments
                and mine.files.get(name, (None, attachments[name]))[1] != (attachments[name])
            ):
                raise rules.not_the_same_file(name)
        for name, file in files.items():
            if name in attachments and name not in mine.files:
                mine.files[name] = (file, attachments[name], chat.created)
        mine.chats[chat.id] = replace(chat, head=rules.imported_head(chat, messages))
        for message in ordered:
            self._insert(owner, replace(message, chat=chat.id))
        return True

    async def delete_all(self, owner: str) -> None:
        """See `Storage.delete_all`."""
        self._check_at_rest(owner)
        self._owners.pop(owner, None)
        self._events = [event for event in self._events if event.owner != owner]

    async def expire(
        self,
        *,
        deleted_before: datetime,
        runs_before: datetime,
        events_before: datetime,
        unused_before: datetime,
        quiet_before: datetime | None = None,
    ) -> Expired:
        """See `Storage.expire`."""
        chats = files = runs = 0
        for mine in self._owners.values():
            gone = {
                chat.id
                for chat in mine.chats.values()
                if chat.deleted is not None and chat.deleted < deleted_before
            }
            sent = {
                file.id
                for node in mine.nodes.values()
                if node.message.chat in gone
                for file in node.message.attachments
            }
            mine.chats = {name: chat for name, chat in mine.chats.items() if name not in gone}
            mine.nodes = {
                name: node for name, node in mine.nodes.items() if node.message.chat not in gone
            }
            used = {file.id for node in mine.nodes.values() for file in node.message.attachments}
            unused = {
                name
                for name, (_, _, created) in mine.files.items()
                if name not in used and (name in sent or created < unused_before)
            }
            for name in unused:
                del mine.files[name]
            old = {
                name
                for name, (run, _) in mine.runs.items()
                if run.chat in gone or _is_old(run, runs_before, quiet_before)
            }
            for name in old:
                del mine.runs[name]
                mine.logs.pop(name, None)
            self._forget_times(mine, deleted_before, runs_before)
            self._forget_calls(mine)
            chats, files, runs = chats + len(gone), files + len(unused), runs + len(old)
        kept = [event for event in self._events if event.at >= events_before]
        events, self._events = len(self._events) - len(kept), kept
        return Expired(chats=chats, attachments=files, runs=runs, events=events)

    async def optimise(self) -> None:
        """See `Storage.optimise`."""

    async def statistics(self, owner: str | None = None) -> Statistics:
        """See `Storage.statistics`."""
        found = [mine for name, mine in self._owners.items() if owner is None or name == owner]
        chats = [{c.id for c in mine.chats.values() if c.deleted is None} for mine in found]
        return Statistics(
            chats=sum(map(len, chats)),
            messages=sum(
                node.message.chat in names
                for mine, names in zip(found, chats, strict=True)
                for node in mine.nodes.values()
            ),
            runs=sum(len(mine.runs) for mine in found),
            size=0,
            reminders=sum(
                row.reminder.deleted is None for mine in found for row in mine.reminders.values()
            ),
        )

    async def copy_to(self, path: Path) -> None:
        """There is no file to copy: raises StorageError."""
        raise _nothing_to_copy()

    async def backups(self) -> tuple[Backup, ...]:
        """See `Storage.backups`."""
        return ()

    async def back_up(
        self, reason: Literal["daily", "person", "migration", "restore"], at: datetime
    ) -> Backup:
        """There is no file to copy: raises StorageError."""
        raise _nothing_to_copy()

    async def backup_due(self, now: datetime) -> bool:
        """See `Storage.backup_due`."""
        return False

    async def delete_backups(self) -> None:
        """See `Storage.delete_backups`."""


def _is_old(run: Run, before: datetime, quiet_before: datetime | None) -> bool:
    if run.ended is None or run.state not in FINAL_STATES:
        return False
    if quiet_before is not None and rules.is_quiet(run) and run.ended < quiet_before:
        return True
    return run.ended < before


def _nothing_to_copy() -> StorageError:
    return StorageError(
        "There is nothing to copy", "The data is kept in memory only.", "Use a file to keep it."
    )
