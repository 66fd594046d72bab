"""The seam of the storage: a small set of verbs in the domain's words.

Owns the interface that every backend keeps and that `tests/contract/test_storage.py` checks.
It must not know SQL, nor who calls. Everything stored has an owner; only housekeeping that
belongs to nobody (recovery, expiry, statistics) goes without one.

A verb is atomic: after it returned, what it wrote survives kill -9; when it raises, nothing
of it is there. Every verb may raise StorageError; those that take an id raise NotFound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, TypedDict

from worker.contract.jobs import LogLine
from worker.contract.system import Backup
from worker.contract.types import (
    Attachment,
    Chat,
    Hit,
    Lane,
    Message,
    Run,
    RunKind,
    RunState,
    UsageRecord,
    UsageSummary,
)
from worker.storage.answers import AnswerStorage
from worker.storage.approvals import ApprovalStorage
from worker.storage.reminders import ReminderStorage
from worker.storage.routines import RoutineStorage


class ChatChanges(TypedDict, total=False):
    """The fields of a chat that `update_chat` may set."""

    title: str
    titled_by: Literal["", "model", "person"]
    pinned: bool
    archived: bool
    deleted: datetime | None
    draft: str
    head: str | None
    provider: str
    model: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin_answer` stored, as it is then."""

    chat: Chat
    question: Message | None
    """None where none was given."""
    answer: Message


@dataclass(frozen=True, slots=True)
class OwnedRun:
    """A run, whose it is, and which process works at it."""

    owner: str
    run: Run
    process: str
    """The id of the process that claimed it; "" while nobody has."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Of a run that waits, what tells whether somebody has to look after it."""

    owner: str
    id: str
    kind: RunKind
    name: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How many runs an owner has."""

    states: Mapping[RunState, int]
    """By state; a state that no run is in may be missing."""
    failed: int
    """Those in FAILURE that ended from the moment on that was asked for."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is kept for other processes and for resuming."""

    seq: int
    owner: str
    at: datetime
    origin: str
    """The id of the process that published it."""
    kind: str
    data: str
    """The event as JSON."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is in the storage."""

    chats: int
    messages: int
    runs: int
    size: int
    """Bytes on disk (0 for the memory backend)."""
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """What maintenance removed."""

    chats: int
    attachments: int
    runs: int
    events: int


class Storage(AnswerStorage, ReminderStorage, RoutineStorage, ApprovalStorage, Protocol):
    """Everything that lasts. Lives on the runtime loop."""

    async def open(self) -> None:
        """Make ready: connect, migrate. Raises StorageError ("newer_version", "damaged", ...)."""
        ...

    async def aclose(self) -> None:
        """Write everything back and let go of files and connections."""
        ...

    async def close_at_rest(self) -> None:
        """As `aclose`, so that nothing can begin between the look and the closing.

        Raises Conflict, and stays open, while an answer is streaming or a run is at work.
        """
        ...

    # chats -------------------------------------------------------------------------------

    async def create_chat(self, owner: str, chat: Chat) -> Chat:
        """Store a new chat."""
        ...

    async def get_chat(self, owner: str, chat: str) -> Chat:
        """One chat, deleted ones too, with `messages` and `running` counted."""
        ...

    async def list_chats(self, owner: str, *, archived: bool, limit: int) -> tuple[Chat, ...]:
        """Chats not deleted: pinned first, then by `updated`, newest first."""
        ...

    async def update_chat(self, owner: str, chat: str, changes: ChatChanges) -> Chat:
        """Set some fields; returns the chat as it is then."""
        ...

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
        """In one transaction: the new chat if one is given, the question if one is given, the
        answer in state streaming (replaced where it exists: an answer that goes on), its run,
        claimed by `process`; sets the chat's head to the answer, its `updated` to the run's
        `queued`, and clears its draft when there is a question.

        Raises Conflict when another answer of that chat is streaming, or this one was completed
        meanwhile.
        """
        ...

    async def append_text(
        self,
        owner: str,
        message: str,
        offset: int,
        text: str,
        by: tuple[str, str] | None = None,
    ) -> None:
        """Keep more text of a streaming answer; `offset` is how many characters stand before,
        `by` the provider and the model that it comes from, given with the first piece.

        Cheap (it does not rewrite what is there); doing the same piece twice changes nothing.
        """
        ...

    async def finish_answer(
        self, owner: str, answer: Message, run: Run, usage: Sequence[UsageRecord] = ()
    ) -> Message:
        """In one transaction: the answer as it ended (state not streaming), its run, and what
        it used. Replaces the pieces of `append_text`. Makes it findable."""
        ...

    async def get_message(self, owner: str, message: str) -> Message:
        """One message with its siblings; a streaming one with the text kept so far."""
        ...

    async def branch(
        self, owner: str, leaf: str, *, before: str | None = None, limit: int | None = None
    ) -> tuple[tuple[Message, ...], bool]:
        """The messages from the root to `leaf`, oldest first, cut to the last `limit` of those
        above `before` (exclusive; None: `leaf` included); and whether older ones exist.

        Reading the last 40 of 10,000 must not read the 10,000.
        """
        ...

    async def tree(self, owner: str, chat: str) -> tuple[Message, ...]:
        """All messages of a chat, parents before children, older siblings first."""
        ...

    async def newest_leaf(self, owner: str, message: str) -> str:
        """From `message` down, at each fork to the child whose subtree was written in last."""
        ...

    async def is_above(self, owner: str, message: str, leaf: str) -> bool:
        """Whether `message` is `leaf` or one of its ancestors."""
        ...

    async def search(
        self, owner: str, query: str, *, chat: str | None, limit: int
    ) -> tuple[Hit, ...]:
        """Finished messages in chats not deleted that hold every word of `query`, newest first.

        Case and diacritics do not matter; parts of words and CJK text are found (from 3
        characters on; shorter words match from their beginning). Any text is a valid query
        (its beginning counts); at most 1000 messages are found.
        """
        ...

    async def put_attachment(
        self, owner: str, attachment: Attachment, data: bytes, created: datetime
    ) -> None:
        """Keep a file."""
        ...

    async def get_attachment(self, owner: str, attachment: str) -> tuple[Attachment, bytes]:
        """A kept file."""
        ...

    # runs --------------------------------------------------------------------------------

    async def add_runs(
        self, owner: str, runs: Sequence[Run], lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """Store runs that nobody, or `process`, has claimed, all or none of them; each begins its
        log with `lines`. Raises Conflict where one is there."""
        ...

    async def add_run(
        self, owner: str, run: Run, lines: Sequence[LogLine] = (), process: str = ""
    ) -> None:
        """`add_runs` with one."""
        ...

    async def get_run(self, owner: str, run: str) -> Run:
        """One run."""
        ...

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
        """Runs by `queued`, newest first: those queued before `before`, in one of `states`, of
        one of `kinds` (none named means all), that hold every word of `query` in their name,
        arguments, error or their chat's title. Case and diacritics do not matter.

        Of one moment the ones that were added last come first. With `before_run` (an id) those
        queued at `before` itself belong to it, too, that come after that run; all of them where
        there is no such run."""
        ...

    async def runs_of_batch(self, owner: str, batch: str) -> tuple[Run, ...]:
        """The runs of a batch by `queued`, oldest first; () where there are none."""
        ...

    async def followers(self, owner: str, run: str) -> tuple[Run, ...]:
        """The runs that follow `run`, oldest first; it need not be there itself."""
        ...

    async def last_run_of(self, owner: str, schedule: str) -> Run | None:
        """The run that was queued last by the periodic entry `schedule`; None without any."""
        ...

    async def run_seconds(self, owner: str, name: str, limit: int) -> tuple[float, ...]:
        """How long the last `limit` runs of that name which succeeded were worked at, from the
        newest on."""
        ...

    async def last_begun(self, name: str) -> datetime | None:
        """When a run of this name was begun last, whosever it was; None when none is kept."""
        ...

    async def count_runs(self, owner: str, failed_since: datetime) -> RunCounts:
        """How many runs there are; none is read for it."""
        ...

    async def claim_run(
        self,
        owner: str,
        run: str,
        process: str,
        at: datetime,
        lines: Sequence[LogLine] = (),
    ) -> Run | None:
        """Take a run that is PENDING, RETRY or INTERRUPTED and unclaimed, or claimed by this very
        process: it becomes STARTED with one attempt more, and its log gets `lines`. None when it
        has ended, was cancelled, another process works at it, or it is in RETRY and not due."""
        ...

    async def save_run(self, owner: str, run: Run, lines: Sequence[LogLine] = ()) -> Run:
        """Store how a run is now, and more of its log, unless it has ended already; returns how
        it stands."""
        ...

    async def reopen_run(self, owner: str, run: str, lines: Sequence[LogLine] = ()) -> Run | None:
        """Let a run in FAILURE wait again, as PENDING and unclaimed; None when it is in another
        state."""
        ...

    async def hasten_run(
        self, owner: str, run: str, priority: int, lines: Sequence[LogLine] = ()
    ) -> Run | None:
        """Let a run that waits, unclaimed, wait for no time any more, and with this priority;
        None when it does not wait."""
        ...

    async def add_log(self, owner: str, run: str, lines: Sequence[LogLine]) -> None:
        """Write more into a run's log. Of each line the beginning is kept (`rules.LINE`
        characters), of each log its end (`rules.LINES`)."""
        ...

    async def run_log(self, owner: str, run: str, limit: int) -> tuple[LogLine, ...]:
        """The newest `limit` lines of a run's log, oldest first."""
        ...

    async def runs_of_others(self, process: str) -> tuple[OwnedRun, ...]:
        """Unfinished runs that are claimed by a process other than `process`."""
        ...

    async def unclaimed_runs(self) -> tuple[OwnedRun, ...]:
        """PENDING and RETRY runs, oldest first."""
        ...

    async def waiting_runs(self) -> tuple[Waiting, ...]:
        """The same in short, without steps of a chain whose turn it is not: what they follow is
        there and has not ended. Cheap, however many there are."""
        ...

    async def release_run(self, owner: str, run: str, process: str) -> bool:
        """Make a run of the dead process `process` PENDING and unclaimed again; False when it
        is no longer that process's."""
        ...

    async def interrupt_run(
        self, owner: str, run: str, process: str, at: datetime
    ) -> Message | None:
        """Mark a run of the dead process `process` INTERRUPTED, and the answer it was writing
        interrupted with the text kept so far, in one transaction. Returns that answer."""
        ...

    # usage -------------------------------------------------------------------------------

    async def add_usage(self, owner: str, record: UsageRecord) -> None:
        """Keep what a call used."""
        ...

    async def usage_summary(self, owner: str, since: datetime, until: datetime) -> UsageSummary:
        """Stored usage added up."""
        ...

    # events ------------------------------------------------------------------------------

    async def add_events(
        self, owner: str, events: Sequence[tuple[str, str]], *, origin: str, at: datetime
    ) -> tuple[int, ...]:
        """Keep events (kind and data of each), all or none; returns the seq of each. It grows
        over all owners and processes, and these follow one another."""
        ...

    async def events_after(self, seq: int, limit: int = 1000) -> tuple[StoredEvent, ...]:
        """Kept events after `seq`, oldest first."""
        ...

    async def last_event(self) -> int:
        """The newest seq, 0 without any."""
        ...

    # small values ------------------------------------------------------------------------

    async def get_value(self, owner: str, key: str) -> str | None:
        """A small text kept under a key."""
        ...

    async def set_value(self, owner: str, key: str, value: str | None) -> None:
        """Keep a small text; None removes it."""
        ...

    # whole -------------------------------------------------------------------------------

    async def import_chat(
        self,
        owner: str,
        chat: Chat,
        messages: Sequence[Message],
        attachments: Mapping[str, bytes],
    ) -> bool:
        """Store a whole chat in one transaction; False (and nothing) where its id is there.

        Raises InvalidInput where it does not fit together, Conflict where one of its messages or
        another file of the id of one of its attachments is there.
        """
        ...

    async def delete_all(self, owner: str) -> None:
        """Remove everything of `owner`, so that it cannot be read from the file either.

        Raises Conflict while an answer of theirs is streaming or a run of theirs is at work.
        """
        ...

    async def expire(
        self,
        *,
        deleted_before: datetime,
        runs_before: datetime,
        events_before: datetime,
        unused_before: datetime,
        quiet_before: datetime | None = None,
    ) -> Expired:
        """Remove chats deleted, runs ended, events published, and attachments put but never
        sent before the times given. Runs of kind maintenance that succeeded, of which there
        are many and all alike, go when they ended before `quiet_before`."""
        ...

    async def optimise(self) -> None:
        """Bring the write-ahead log back, refresh the query planner's statistics, merge the
        search index a little."""
        ...

    async def statistics(self, owner: str | None = None) -> Statistics:
        """Counts, of one owner or of all."""
        ...

    async def copy_to(self, path: Path) -> None:
        """Write a consistent copy to a new file, while others go on writing."""
        ...

    async def backups(self) -> tuple[Backup, ...]:
        """The copies in the backups folder, newest first; () for the memory backend."""
        ...

    async def back_up(
        self, reason: Literal["daily", "person", "migration", "restore"], at: datetime
    ) -> Backup:
        """Copy into the backups folder (complete or not at all), then drop the daily ones that
        are too many: the newest 7 and one for each of 4 weeks stay."""
        ...

    async def backup_due(self, now: datetime) -> bool:
        """Whether today (in UTC) has no daily copy yet; never for the memory backend."""
        ...

    async def delete_backups(self) -> None:
        """Remove every copy, and files that were put aside as damaged."""
        ...
