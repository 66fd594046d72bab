"""The values that cross a border: chats, messages, runs, problems, attachments, usage.

Owns their names and meaning. Each is frozen; no database row, widget or Celery object
stands in for one. Providers, settings and the engine's own state are in `system`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

JsonObject: TypeAlias = Mapping[str, object]
"""A JSON object; values are what `json.loads` returns."""

Role: TypeAlias = Literal["user", "assistant", "system"]
MessageState: TypeAlias = Literal["complete", "streaming", "stopped", "interrupted", "failed"]
RunState: TypeAlias = Literal[
    "PENDING", "STARTED", "PROGRESS", "RETRY", "SUCCESS", "FAILURE", "REVOKED", "INTERRUPTED"
]
RunKind: TypeAlias = Literal["answer", "title", "task", "maintenance", "backup"]
Source: TypeAlias = Literal["chat", "quick", "cli", "api", "schedule", "module", "engine"]
Lane: TypeAlias = Literal["now", "queued"]
""""now": at once on the runtime loop, ends with its process. "queued": carried by the broker, and
gone on with after a restart."""
QueryType: TypeAlias = Literal["general", "medical", "database", "code", "system"]
"""What a question is about, where who asks knows it; it decides the lane and how long its answer
may be used again."""
Action: TypeAlias = Literal[
    "", "models", "retry", "continue", "wait", "choose_model", "new_chat", "settings", "restore"
]
"""What the one button of an error card does; "" stands for no button."""

FINAL_STATES: frozenset[RunState] = frozenset({"SUCCESS", "FAILURE", "REVOKED", "INTERRUPTED"})
"""A run in one of these does not change any more (a retry is a new run)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong, told to a person in three parts."""

    kind: str
    """A stable slug, e.g. "wrong_key"; programs compare this, people never see it."""
    title: str
    """What happened, in a few words without a full stop."""
    message: str = ""
    """Why, as far as it is known."""
    remedy: str = ""
    """What the person can do about it."""
    action: Action = ""
    """The button that mends it."""
    retry_at: datetime | None = None
    """When trying again makes sense (a rate limit's end), if the server said so."""

    def __str__(self) -> str:
        """All three parts as running text."""
        parts = (part.strip() for part in (self.title, self.message, self.remedy))
        return " ".join(p if p.endswith((".", "!", "?", "…", ":")) else f"{p}." for p in parts if p)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call to a model."""

    input: int
    """Tokens of the prompt, cached ones included."""
    output: int
    """Tokens of the answer."""
    cached: int = 0
    """Those of `input` that the server took from its cache."""
    estimated: bool = False
    """True when the server sent no count and the numbers are our estimate."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One call to a model, as it is stored for costs and statistics."""

    id: str
    run: str
    """The run that made the call."""
    at: datetime
    purpose: RunKind
    provider: str
    model: str
    usage: Usage
    seconds: float
    """From the request to the last chunk."""
    cost: Decimal | None = None
    """In US dollars; None where the price is not known; 0 only for servers on this machine."""


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """Usage added up over a span of time, from stored records only."""

    since: datetime
    until: datetime
    requests: int
    input: int
    output: int
    cached: int
    cost: Decimal | None
    """The sum of the known prices; None when not one price is known."""
    unpriced: int
    """Requests whose price is unknown and which `cost` leaves out."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message. The bytes are fetched with `ChatService.attachment`."""

    id: str
    name: str
    media_type: str
    """E.g. "text/plain" or "image/png", found by content and name."""
    size: int
    """Bytes."""
    tokens: int
    """An estimate of what it costs to send."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call of a tool within an answer."""

    id: str
    """The call's id as the model gave it."""
    name: str
    arguments: str
    """JSON text as the model wrote it."""
    state: Literal["running", "done", "failed"]
    result: str = ""
    """What the tool answered, cut to the limit that the model also saw."""
    seconds: float | None = None
    offset: int = 0
    """Characters of the answer's text that stood before the call."""


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a chat's tree."""

    id: str
    chat: str
    parent: str | None
    """The message before it; None at the beginning of a chat."""
    role: Role
    state: MessageState
    text: str
    """Markdown. The part that came, where the state is stopped or interrupted."""
    created: datetime
    attachments: tuple[Attachment, ...] = ()
    provider: str = ""
    """The id of the provider that answered; "" for a person's message."""
    model: str = ""
    """The model that answered, as the server named it."""
    usage: Usage | None = None
    """Tokens of the whole answer, all rounds added up; None where unknown."""
    seconds: float | None = None
    """From sending to the last token."""
    error: Problem | None = None
    run: str | None = None
    """The run that wrote or writes it."""
    tools: tuple[ToolUse, ...] = ()
    notes: tuple[str, ...] = ()
    """Things to say about the answer, e.g. that older messages were left out."""
    siblings: tuple[str, ...] = ()
    """Ids of all versions (same parent, same role), oldest first, this one among them."""
    depth: int = 0
    """How many messages stand above it in the tree."""
    cached: datetime | None = None
    """When this answer was first given, where it was used again; no model was asked then."""

    @property
    def version(self) -> int:
        """Which of its versions this is, from 1."""
        return self.siblings.index(self.id) + 1 if self.id in self.siblings else 1

    @property
    def versions(self) -> int:
        """How many versions there are, this one included."""
        return max(1, len(self.siblings))


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation, without its messages."""

    id: str
    title: str
    """"" until a title is known; windows show the first words or "New chat" then."""
    created: datetime
    updated: datetime
    """When something was last said in it."""
    titled_by: Literal["", "model", "person"] = ""
    pinned: bool = False
    archived: bool = False
    deleted: datetime | None = None
    """When it was deleted; it can be brought back until maintenance removes it."""
    draft: str = ""
    """What stands in the box, not yet sent."""
    head: str | None = None
    """The last message of the branch that is shown."""
    provider: str = ""
    """The provider chosen for this chat; "" for the default."""
    model: str = ""
    """The model chosen for this chat; "" for the default."""
    messages: int = 0
    """How many messages its tree holds."""
    running: bool = False
    """True while an answer is being written in it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the shown branch of a chat, oldest message first."""

    chat: Chat
    messages: tuple[Message, ...]
    more: bool
    """True when older messages stand before the first one."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What `send`, `retry`, `edit` and `resume` began."""

    chat: Chat
    question: Message | None
    """The person's message; None where the answer goes on from an older one."""
    answer: Message
    """The answer, in state streaming and usually still empty."""
    run: str
    """The run that writes it, which is the task's id where it is queued."""
    lane: Lane = "now"
    reason: str = ""
    """Why it is queued, for people; "" where it is not."""
    estimate: float | None = None
    """Seconds that a queued one will probably take, from past runs; None where none are known."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search found."""

    chat: str
    chat_title: str
    message: str
    role: Role
    created: datetime
    before: str
    """Text before the match, cut."""
    match: str
    """The text that matched, as it stands in the message."""
    after: str
    """Text after the match, cut."""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of background work: what, why, and how it went."""

    id: str
    kind: RunKind
    name: str
    """The task's name, e.g. "echo_bot.echo", or "answer"."""
    state: RunState
    source: Source
    queued: datetime
    started: datetime | None = None
    ended: datetime | None = None
    chat: str | None = None
    message: str | None = None
    """The message that it writes, where it writes one."""
    arguments: JsonObject | None = None
    attempts: int = 0
    progress: float | None = None
    """0 to 1; None where it is not known."""
    progress_text: str = ""
    result: object | None = None
    """What the task returned, JSON only."""
    error: Problem | None = None
    """Why it failed, or why it is tried again."""
    schedule: str = ""
    """The periodic entry that queued it (see `Schedule.name`); "" for none."""
    lane: Lane = "queued"
    priority: int = 4
    """0 to 9; of what waits the highest is begun first."""
    due: datetime | None = None
    """Not to be begun before; None for at once."""
    batch: str | None = None
    """The batch that it belongs to."""
    follows: str | None = None
    """The run that has to succeed before it is begun (a step of a chain)."""
