"""`SqliteStorage`: the verbs of the storage, each in its transaction.

Owns when the file is opened, checked, migrated and closed, and which verbs have to be on the
disk before they return. What the verbs do is with the features.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from worker.contract.jobs import LogLine
from worker.contract.system import Backup
from worker.contract.types import (
    Attachment,
    Chat,
    Hit,
    Message,
    Run,
    RunKind,
    RunState,
    UsageRecord,
    UsageSummary,
)
from worker.storage.base import (
    Begun,
    ChatChanges,
    Expired,
    OwnedRun,
    RunCounts,
    Statistics,
    StoredEvent,
    Waiting,
)
from worker.storage.sqlite import (
    backup,
    chats,
    events,
    files,
    messages,
    migrate,
    run_lists,
    runs,
    search,
    tree,
    usage,
    whole,
    wipe,
)
from worker.storage.sqlite.answer_verbs import AnswerVerbs
from worker.storage.sqlite.connections import Connections
from worker.storage.sqlite.errors import closed, told_as_storage_error
from worker.storage.sqlite.reminder_verbs import ReminderVerbs
from worker.storage.sqlite.routine_verbs import RoutineVerbs
from worker.storage.sqlite.runs import add_runs

T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


class SqliteStorage(AnswerVerbs, ReminderVerbs, RoutineVerbs):
    """`Storage` in one file. Lives on the loop that opened it; other processes may use the
    same file at the same time."""

    def __init__(self, path: Path, backups: Path, *, clock: Callable[[], datetime] = _now) -> None:
        """`path` is the file, made when missing; `backups` the folder for its copies."""
        self.path = path
        self.backups_folder = backups
        self._clock = clock
        self._open_connections: Connections | None = None

    # opening -----------------------------------------------------------------------------

    async def open(self) -> None:
        """See `Storage.open`. A file that was not closed is read through before it is used."""
        with told_as_storage_error(self.path):
            await asyncio.to_thread(self._make_ready)
        self._open_connections = Connections(self.path, search.rebuild)
        try:
            if not await self._db.read(search.is_current):
                await self._db.write(search.rebuild)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """See `Storage.aclose`."""
        connections, self._open_connections = self._open_connections, None
        if connections is not None:
            with told_as_storage_error(self.path):
                await connections.aclose()

    async def close_at_rest(self) -> None:
        """See `Storage.close_at_rest`."""
        await self._db.end_after(lambda db: runs.check_at_rest(db, None))
        await self.aclose()

    def _make_ready(self) -> None:
        header = files.read_header(self.path)
        if header is not None:
            files.check_header(self.path, header)
            files.check_writable(self.path)
            if files.left_open(self.path):
                files.look_through(self.path)
        backup.clean(self.backups_folder)
        migrate.make_current(self.path, self._copy_before_migration)

    def _copy_before_migration(self) -> None:
        backup.back_up(self.path, self.backups_folder, "migration", self._clock())

    @property
    def _db(self) -> Connections:
        if self._open_connections is None:
            raise closed(self.path)
        return self._open_connections

    # chats ---------------------------------------------------------------------------------

    async def create_chat(self, owner: str, chat: Chat) -> Chat:
        """See `Storage.create_chat`."""
        return await self._db.write(chats.create_chat, owner, chat)

    async def get_chat(self, owner: str, chat: str) -> Chat:
        """See `Storage.get_chat`."""
        return await self._db.read(chats.get_chat, owner, chat)

    async def list_chats(self, owner: str, *, archived: bool, limit: int) -> tuple[Chat, ...]:
        """See `Storage.list_chats`."""
        return await self._db.read(chats.list_chats, owner, archived, limit)

    async def update_chat(self, owner: str, chat: str, changes: ChatChanges) -> Chat:
        """See `Storage.update_chat`."""
        return await self._db.write(chats.update_chat, owner, chat, changes)

    # messages ------------------------------------------------------------------------------

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
        return await self._db.write(
            messages.begin_answer, owner, question, answer, run, process, chat
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
        await self._db.write_quickly(messages.append_text, owner, message, offset, text, by)

    async def finish_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> Message:
        """See `Storage.finish_answer`."""
        return await self._db.write(messages.finish_answer, owner, answer, run, usage)

    async def get_message(self, owner: str, message: str) -> Message:
        """See `Storage.get_message`."""
        return await self._db.read(tree.get_message, owner, message)

    async def branch(
        self, owner: str, leaf: str, *, before: str | None = None, limit: int | None = None
    ) -> tuple[tuple[Message, ...], bool]:
        """See `Storage.branch`."""
        return await self._db.read(tree.branch, owner, leaf, before, limit)

    async def tree(self, owner: str, chat: str) -> tuple[Message, ...]:
        """See `Storage.tree`."""
        return await self._db.read(tree.tree, owner, chat)

    async def newest_leaf(self, owner: str, message: str) -> str:
        """See `Storage.newest_leaf`."""
        return await self._db.read(tree.newest_leaf, owner, message)

    async def is_above(self, owner: str, message: str, leaf: str) -> bool:
        """See `Storage.is_above`."""
        return await self._db.read(tree.is_above, owner, message, leaf)

    async def search(
        self, owner: str, query: str, *, chat: str | None, limit: int
    ) -> tuple[Hit, ...]:
        """See `Storage.search`."""
        return await self._db.read(search.find, owner, query, chat, limit)

    async def put_attachment(
        self, owner: str, attachment: Attachment, data: bytes, created: datetime
    ) -> None:
        """See `Storage.put_attachment`."""
        await self._db.write(messages.put_attachment, owner, attachment, data, created)

    async def get_attachment(self, owner: str, attachment: str) -> tuple[Attachment, bytes]:
        """See `Storage.get_attachment`."""
        return await self._db.read(messages.get_attachment, owner, attachment)

    # runs ----------------------------------------------------------------------------------

    async def add_runs(
        self, owner: str, runs: Sequence[Run], lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """See `Storage.add_runs`."""
        await self._db.write(add_runs, owner, runs, lines, process)

    async def add_run(
        self, owner: str, run: Run, lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """See `Storage.add_run`."""
        await self._db.write(add_runs, owner, (run,), lines, process)

    async def get_run(self, owner: str, run: str) -> Run:
        """See `Storage.get_run`."""
        return await self._db.read(runs.get_run, owner, run)

    async def list_runs(
        self,
        owner: str,
        *,
        states: Sequence[RunState] = (),
        limit: int,
        before: datetime | None = None,
        query: str = "",
        kinds: Sequence[RunKind] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        """See `Storage.list_runs`."""
        return await self._db.read(
            run_lists.list_runs, owner, states, limit, before, query, kinds, before_run
        )

    async def last_begun(self, name: str) -> datetime | None:
        """See `Storage.last_begun`."""
        return await self._db.read(run_lists.last_begun, name)

    async def count_runs(self, owner: str, failed_since: datetime) -> RunCounts:
        """See `Storage.count_runs`."""
        return await self._db.read(run_lists.count_runs, owner, failed_since)

    async def runs_of_batch(self, owner: str, batch: str) -> tuple[Run, ...]:
        """See `Storage.runs_of_batch`."""
        return await self._db.read(run_lists.runs_of_batch, owner, batch)

    async def followers(self, owner: str, run: str) -> tuple[Run, ...]:
        """See `Storage.followers`."""
        return await self._db.read(run_lists.followers, owner, run)

    async def last_run_of(self, owner: str, schedule: str) -> Run | None:
        """See `Storage.last_run_of`."""
        return await self._db.read(run_lists.last_run_of, owner, schedule)

    async def run_seconds(self, owner: str, name: str, limit: int) -> tuple[float, ...]:
        """See `Storage.run_seconds`."""
        return await self._db.read(run_lists.run_seconds, owner, name, limit)

    async def claim_run(
        self,
        owner: str,
        run: str,
        process: str,
        at: datetime,
        lines: Sequence[LogLine] = (),
    ) -> Run | None:
        """See `Storage.claim_run`."""
        return await self._db.write(runs.claim_run, owner, run, process, at, lines)

    async def save_run(self, owner: str, run: Run, lines: Sequence[LogLine] = ()) -> Run:
        """See `Storage.save_run`."""
        return await self._db.write(runs.save_run, owner, run, lines)

    async def reopen_run(self, owner: str, run: str, lines: Sequence[LogLine] = ()) -> Run | None:
        """See `Storage.reopen_run`."""
        return await self._db.write(runs.reopen_run, owner, run, lines)

    async def hasten_run(
        self, owner: str, run: str, priority: int, lines: Sequence[LogLine] = ()
    ) -> Run | None:
        """See `Storage.hasten_run`."""
        return await self._db.write(runs.hasten_run, owner, run, priority, lines)

    async def add_log(self, owner: str, run: str, lines: Sequence[LogLine]) -> None:
        """See `Storage.add_log`."""
        await self._db.write_quickly(runs.add_log, owner, run, lines)

    async def run_log(self, owner: str, run: str, limit: int) -> tuple[LogLine, ...]:
        """See `Storage.run_log`."""
        return await self._db.read(runs.read_log, owner, run, limit)

    async def runs_of_others(self, process: str) -> tuple[OwnedRun, ...]:
        """See `Storage.runs_of_others`."""
        return await self._db.read(runs.runs_of_others, process)

    async def unclaimed_runs(self) -> tuple[OwnedRun, ...]:
        """See `Storage.unclaimed_runs`."""
        return await self._db.read(runs.unclaimed_runs)

    async def waiting_runs(self) -> tuple[Waiting, ...]:
        """See `Storage.waiting_runs`."""
        return await self._db.read(runs.waiting_runs)

    async def release_run(self, owner: str, run: str, process: str) -> bool:
        """See `Storage.release_run`."""
        return await self._db.write(runs.release_run, owner, run, process)

    async def interrupt_run(
        self, owner: str, run: str, process: str, at: datetime
    ) -> Message | None:
        """See `Storage.interrupt_run`."""
        return await self._db.write(messages.interrupt_run, owner, run, process, at)

    # usage ---------------------------------------------------------------------------------

    async def add_usage(self, owner: str, record: UsageRecord) -> None:
        """See `Storage.add_usage`."""
        await self._db.write(usage.add_usage, owner, record)

    async def usage_summary(self, owner: str, since: datetime, until: datetime) -> UsageSummary:
        """See `Storage.usage_summary`."""
        return await self._db.read(usage.usage_summary, owner, since, until)

    # events and small values ---------------------------------------------------------------

    async def add_events(
        self, owner: str, new: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> tuple[int, ...]:
        """See `Storage.add_events`."""
        return await self._db.write_quickly(events.add_events, owner, new, origin, at)

    async def events_after(self, seq: int, limit: int = 1000) -> tuple[StoredEvent, ...]:
        """See `Storage.events_after`."""
        return await self._db.read(events.events_after, seq, limit)

    async def last_event(self) -> int:
        """See `Storage.last_event`."""
        return await self._db.read(events.last_event)

    async def get_value(self, owner: str, key: str) -> str | None:
        """See `Storage.get_value`."""
        return await self._db.read(events.get_value, owner, key)

    async def set_value(self, owner: str, key: str, value: str | None) -> None:
        """See `Storage.set_value`."""
        await self._db.write(events.set_value, owner, key, value)

    # whole -------------------------------------------------------------------------------

    async def import_chat(
        self,
        owner: str,
        chat: Chat,
        messages: Sequence[Message],
        attachments: Mapping[str, bytes],
    ) -> bool:
        """See `Storage.import_chat`."""
        return await self._db.write(whole.import_chat, owner, chat, messages, attachments)

    async def delete_all(self, owner: str) -> None:
        """See `Storage.delete_all`."""
        await self._db.write(whole.delete_all, owner)
        await self._db.alone(lambda: wipe.wipe(self.path))

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
        return await self._db.write(
            whole.expire, deleted_before, runs_before, events_before, unused_before, quiet_before
        )

    async def optimise(self) -> None:
        """See `Storage.optimise`."""
        await self._db.write_quickly(search.merge)
        await self._db.alone(lambda: wipe.settle(self.path))

    async def statistics(self, owner: str | None = None) -> Statistics:
        """See `Storage.statistics`."""
        return await self._db.read(whole.statistics, owner, wipe.size(self.path))

    async def copy_to(self, path: Path) -> None:
        """See `Storage.copy_to`."""
        await self._in_thread(lambda: backup.copy(self.path, path))

    async def backups(self) -> tuple[Backup, ...]:
        """See `Storage.backups`."""
        return await self._in_thread(lambda: backup.listed(self.backups_folder))

    async def back_up(
        self, reason: Literal["daily", "person", "migration", "restore"], at: datetime
    ) -> Backup:
        """See `Storage.back_up`."""
        return await self._in_thread(
            lambda: backup.back_up(self.path, self.backups_folder, reason, at)
        )

    async def backup_due(self, now: datetime) -> bool:
        """See `Storage.backup_due`."""
        return backup.is_due(await self.backups(), now)

    async def delete_backups(self) -> None:
        """See `Storage.delete_backups`."""
        await self._in_thread(lambda: wipe.delete_copies(self.path, self.backups_folder))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with told_as_storage_error(self.path):
            return await asyncio.to_thread(work)
