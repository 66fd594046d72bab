"""Everything that the engine tells while it happens: one union, discriminated on `kind`.

Owns the events' names, which are for ever. Each has `seq` (set by the bus, growing, what a
stream is resumed after), `at` and `run_id` ("" where no run is behind it).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from worker.contract.jobs import Schedule
from worker.contract.reminders import Firing, Quiet, Reminder
from worker.contract.routines import Approval, Occurrence, Routine
from worker.contract.system import EngineStatus, ModuleInfo
from worker.contract.types import Chat, Message, Problem, Run, ToolUse


@dataclass(frozen=True, slots=True)
class ChatChanged:
    """A chat was made or changed (title, pin, draft, head, running, deleted)."""

    chat: Chat
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["chat.changed"] = "chat.changed"


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message was added or changed as a whole; it replaces what was known of it."""

    message: Message
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["message.changed"] = "message.changed"


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """More text of an answer."""

    chat: str
    message: str
    text: str
    """The new text."""
    offset: int
    """Characters of the answer that stood before it; a gap means that deltas were missed."""
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["answer.delta"] = "answer.delta"


@dataclass(frozen=True, slots=True)
class ToolChanged:
    """A tool call of an answer began or ended."""

    chat: str
    message: str
    tool: ToolUse
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["tool.changed"] = "tool.changed"


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run was queued, went on or ended."""

    run: Run
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["run.changed"] = "run.changed"


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Someone wants a run to stop; whoever works at it, in whatever process, ends it."""

    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["run.stop_asked"] = "run.stop_asked"


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Settings, providers or keys changed; who shows them reads them again."""

    keys: tuple[str, ...] = ()
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["settings.changed"] = "settings.changed"


@dataclass(frozen=True, slots=True)
class ModuleChanged:
    """A module was switched, broke, or sent a heartbeat."""

    module: ModuleInfo
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["module.changed"] = "module.changed"


@dataclass(frozen=True, slots=True)
class EngineChanged:
    """The worker, Beat or the broker changed its state."""

    status: EngineStatus
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["engine.changed"] = "engine.changed"


@dataclass(frozen=True, slots=True)
class ScheduleChanged:
    """A periodic entry was paused, changed, or queued a run."""

    schedule: Schedule
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["schedule.changed"] = "schedule.changed"


@dataclass(frozen=True, slots=True)
class ReminderChanged:
    """A reminder was made, changed, answered or deleted."""

    reminder: Reminder
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["reminder.changed"] = "reminder.changed"


@dataclass(frozen=True, slots=True)
class FiringChanged:
    """A reminder became due, or a firing was shown or answered."""

    firing: Firing
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["firing.changed"] = "firing.changed"


@dataclass(frozen=True, slots=True)
class QuietChanged:
    """Notifications are kept back from now on, or no longer."""

    quiet: Quiet
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["quiet.changed"] = "quiet.changed"


@dataclass(frozen=True, slots=True)
class RoutineChanged:
    """A routine was made, changed, paused or deleted."""

    routine: Routine
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["routine.changed"] = "routine.changed"


@dataclass(frozen=True, slots=True)
class OccurrenceChanged:
    """A time of a routine came, went on or ended."""

    occurrence: Occurrence
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["occurrence.changed"] = "occurrence.changed"


@dataclass(frozen=True, slots=True)
class ApprovalChanged:
    """A tool waits for a person's word, or got it."""

    approval: Approval
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["approval.changed"] = "approval.changed"


@dataclass(frozen=True, slots=True)
class DataReplaced:
    """Everything may be different (a restore, an import, delete all): read it again."""

    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["data.replaced"] = "data.replaced"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know and that belongs to no chat."""

    problem: Problem
    run_id: str = ""
    seq: int = 0
    at: datetime | None = None
    kind: Literal["notice"] = "notice"


Event: TypeAlias = (
    ChatChanged
    | MessageChanged
    | AnswerDelta
    | ToolChanged
    | RunChanged
    | StopAsked
    | SettingsChanged
    | ModuleChanged
    | EngineChanged
    | ScheduleChanged
    | ReminderChanged
    | FiringChanged
    | QuietChanged
    | RoutineChanged
    | OccurrenceChanged
    | ApprovalChanged
    | DataReplaced
    | Notice
)

EVENT_TYPES: tuple[type, ...] = (
    ChatChanged,
    MessageChanged,
    AnswerDelta,
    ToolChanged,
    RunChanged,
    StopAsked,
    SettingsChanged,
    ModuleChanged,
    EngineChanged,
    ScheduleChanged,
    ReminderChanged,
    FiringChanged,
    QuietChanged,
    RoutineChanged,
    OccurrenceChanged,
    ApprovalChanged,
    DataReplaced,
    Notice,
)
"""The members of `Event`, for who decodes them by `kind`."""
