"""One Protocol a feature: the use cases that windows, the command line and HTTP share.

Owns the signatures. Each object is made for one owner. `LocalClient` hands out the engine's
own objects; HTTP routes and `RemoteClient` are made from these Protocols, so parameters and
results are values of the contract, strings, numbers, bools, bytes, datetimes or tuples of
them. Every method may raise `NagathaError`; the docstring names what else is to be expected.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, Protocol

from worker.contract.events import Event
from worker.contract.jobs import Batch, DeadLetter, LogLine, Schedule, TaskCall
from worker.contract.system import (
    Backup,
    Check,
    DataPlaces,
    EngineStatus,
    KeyringStatus,
    ModelChoice,
    ModelInfo,
    ModuleInfo,
    Provider,
    ProviderTest,
    Setting,
    SettingValue,
    TaskInfo,
    ToolInfo,
    Transfer,
)
from worker.contract.time_services import ApprovalService, ReminderService, RoutineService
from worker.contract.types import (
    Attachment,
    Chat,
    Hit,
    Message,
    Page,
    QueryType,
    Run,
    RunKind,
    RunState,
    Sent,
    Source,
    UsageSummary,
)


class ChatService(Protocol):
    """Conversations: a tree of messages each, of which one branch is shown."""

    async def create(self, title: str = "", provider: str = "", model: str = "") -> Chat:
        """An empty chat."""
        ...

    async def get(self, chat: str) -> Chat:
        """One chat; raises NotFound."""
        ...

    async def list_chats(self, archived: bool = False, limit: int = 1000) -> tuple[Chat, ...]:
        """Chats that are not deleted, pinned ones first, then the newest first."""
        ...

    async def page(self, chat: str, before: str | None = None, limit: int = 40) -> Page:
        """The end of the shown branch, or the stretch of it above the message `before`."""
        ...

    async def page_from(self, chat: str, message: str, limit: int = 40) -> Page:
        """The shown branch from some messages above `message` down to its end.

        Used to jump to a search hit. A message that is not on the shown branch is brought
        onto it first. `limit` is how many messages above it come along.
        """
        ...

    async def tree(self, chat: str) -> tuple[Message, ...]:
        """Every message of the chat, parents before children, oldest first."""
        ...

    async def message(self, message: str) -> Message:
        """One message; raises NotFound."""
        ...

    async def send(
        self,
        chat: str | None,
        text: str,
        attachments: tuple[str, ...] = (),
        provider: str = "",
        model: str = "",
        source: Source = "chat",
        query_type: QueryType = "general",
        use_celery: bool | None = None,
    ) -> Sent:
        """Ask something at the end of the shown branch; `chat` None begins a new chat.

        Returns once the question, the (empty) answer and its run are stored; the answer
        comes as events. `attachments` are ids from `attach`. `use_celery` True queues it, False
        does not; None lets the routing rule decide (see `worker.service.routing`).

        Raises InvalidInput for an empty text without attachments, Conflict while an answer is
        being written there.
        """
        ...

    async def retry(self, message: str, provider: str = "", model: str = "") -> Sent:
        """Answer again: a new version beside the answer `message`, which stays.

        A model is asked, whatever answers are kept to be used again.
        """
        ...

    async def edit(
        self, message: str, text: str, attachments: tuple[str, ...] | None = None
    ) -> Sent:
        """Ask differently: a new version beside the question `message`, and its answer.

        `attachments` None keeps those of the old version.
        """
        ...

    async def resume(self, message: str) -> Sent:
        """Let a stopped or interrupted answer go on from where it broke off, in place."""
        ...

    async def stop(self, run: str) -> None:
        """Stop an answer; what came stays. Nothing happens when it has ended already."""
        ...

    async def select(self, message: str) -> Page:
        """Show the branch through `message`, down to its newest end; returns its last page."""
        ...

    async def rename(self, chat: str, title: str) -> Chat:
        """Give a title; an empty one lets the model find one again."""
        ...

    async def pin(self, chat: str, pinned: bool) -> Chat:
        """Keep at the top, or no longer."""
        ...

    async def archive(self, chat: str, archived: bool) -> Chat:
        """Take out of the list, or back into it."""
        ...

    async def delete(self, chat: str) -> Chat:
        """Delete; `undelete` brings it back until maintenance removes it after 30 days."""
        ...

    async def undelete(self, chat: str) -> Chat:
        """Undo `delete`."""
        ...

    async def set_draft(self, chat: str, text: str) -> None:
        """Keep what stands in the box."""
        ...

    async def set_model(self, chat: str, provider: str, model: str) -> Chat:
        """Choose the model for this chat; two empty texts choose the default."""
        ...

    async def search(self, query: str, chat: str | None = None, limit: int = 50) -> tuple[Hit, ...]:
        """Messages that hold all words of `query` (parts of words too), newest first.

        An empty query finds nothing.
        """
        ...

    async def attach(self, name: str, data: bytes) -> Attachment:
        """Keep a file to be sent. Raises TooLarge or InvalidInput (neither text nor image)."""
        ...

    async def attachment(self, attachment: str) -> bytes:
        """The bytes of a kept file."""
        ...


class JobService(Protocol):
    """Background work: runs, batches of them, what queues them, and what was given up."""

    async def list_runs(
        self,
        states: tuple[RunState, ...] = (),
        limit: int = 200,
        before: datetime | None = None,
        query: str = "",
        kinds: tuple[RunKind, ...] = (),
        before_run: str = "",
    ) -> tuple[Run, ...]:
        """Runs, newest first; no states or kinds means all.

        `query`: only those that hold every word of it in their name, their arguments, their
        error or the title of their chat. `before` is when the last one of the page before was
        queued, and `before_run` its id: with it those of the same moment come that the page had
        no room for. Should that run be gone, all of that moment come again.
        """
        ...

    async def get(self, run: str) -> Run:
        """One run; raises NotFound."""
        ...

    async def log(self, run: str) -> tuple[LogLine, ...]:
        """What a run wrote down, oldest first (of a very long log, the newest lines)."""
        ...

    async def run_task(
        self, name: str, arguments: Mapping[str, object], source: Source = "chat"
    ) -> Run:
        """Queue the module task `name`. Raises NotFound, or InvalidInput for wrong arguments."""
        ...

    async def run_group(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        """Queue several tasks at once, all or none of them; they run in any order.

        Raises NotFound, or InvalidInput for wrong arguments, or for no calls at all.
        """
        ...

    async def run_chain(self, calls: tuple[TaskCall, ...], source: Source = "chat") -> Batch:
        """Queue several tasks of which each is begun once the one before has succeeded.

        After one that failed or was cancelled the rest is cancelled. Raises as `run_group`.
        """
        ...

    async def batch(self, batch: str) -> Batch:
        """A batch as it is now; raises NotFound."""
        ...

    async def cancel(self, run: str) -> Run:
        """Take out of the queue, or ask the running task to stop."""
        ...

    async def retry(self, run: str) -> Run:
        """Queue the same task with the same arguments again, as a new run.

        A step of a chain stays in its batch, and the steps that were cancelled because of it
        follow it again, as new runs too.
        """
        ...

    async def run_now(self, run: str) -> Run:
        """Begin a waiting run before all others, and at once where it waits for its time.

        Raises Conflict when it does not wait any more.
        """
        ...

    async def estimate(self, name: str) -> float | None:
        """Seconds that a run of this name takes, by the median of the last ones that succeeded;
        None without any."""
        ...

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Messages that the broker gave up, newest first. Raises Unavailable where the broker
        cannot be asked (Redis, RabbitMQ)."""
        ...

    async def retry_dead(self, letter: int) -> None:
        """Put a dead letter back into its queue with a clean slate; raises NotFound."""
        ...

    async def delete_dead(self, letter: int) -> None:
        """Delete a dead letter for good; its run ends as failed. Raises NotFound."""
        ...

    async def schedules(self) -> tuple[Schedule, ...]:
        """Everything that Beat queues again and again."""
        ...

    async def run_schedule(self, name: str) -> Run:
        """Queue an entry's task now; when it is due next does not change. Raises NotFound."""
        ...

    async def pause_schedule(self, name: str, paused: bool) -> Schedule:
        """Queue it no more, or again. Kept over restarts. Raises NotFound."""
        ...

    async def set_interval(self, name: str, seconds: float | None) -> Schedule:
        """Choose how often; None for the default. Kept over restarts.

        Raises NotFound, or InvalidInput for less than 10 seconds or more than a year.
        """
        ...


class ModelService(Protocol):
    """Providers, their keys, their models."""

    async def providers(self) -> tuple[Provider, ...]:
        """Those of the settings and of the environment, the built-in one last."""
        ...

    async def save(
        self, provider: str, name: str, base_url: str, model: str = "", proxy: str = ""
    ) -> Provider:
        """Add or change a provider; `provider` is its id, "" makes one from the name."""
        ...

    async def remove(self, provider: str) -> None:
        """Remove a provider and forget its key."""
        ...

    async def set_key(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"] = "keyring"
    ) -> Provider:
        """Keep a key. Raises InvalidInput for an empty one: an empty field never overwrites."""
        ...

    async def forget_key(self, provider: str) -> Provider:
        """Delete a provider's key wherever it is kept."""
        ...

    async def keyring(self) -> KeyringStatus:
        """Whether keys can be kept in the system's keyring."""
        ...

    async def allow_key_file(self, allowed: bool) -> KeyringStatus:
        """The person's consent (or its end) to keep keys in a file with mode 0600."""
        ...

    async def test(
        self, provider: str, base_url: str = "", key: str = "", proxy: str = ""
    ) -> ProviderTest:
        """Try a provider as it is, or with an address or key that is not saved yet."""
        ...

    async def list_models(self, provider: str, refresh: bool = False) -> tuple[ModelInfo, ...]:
        """What the server lists, kept for a while unless `refresh`."""
        ...

    async def discover(self) -> tuple[Provider, ...]:
        """Model servers that answer on this machine and are not saved yet."""
        ...

    async def default(self) -> ModelChoice:
        """What is asked where a chat chose nothing; provider "builtin" without any model."""
        ...

    async def set_default(self, provider: str, model: str) -> ModelChoice:
        """Choose the default."""
        ...


class ModuleService(Protocol):
    """Plug-ins and their tasks."""

    async def list_modules(self) -> tuple[ModuleInfo, ...]:
        """All that were found, broken and switched-off ones too."""
        ...

    async def list_tasks(self) -> tuple[TaskInfo, ...]:
        """Tasks of the modules that are on."""
        ...

    async def enable(self, module: str) -> ModuleInfo:
        """Switch on, and load."""
        ...

    async def disable(self, module: str) -> ModuleInfo:
        """Switch off; what runs may end."""
        ...


class ToolService(Protocol):
    """What the assistant may do."""

    async def list_tools(self) -> tuple[ToolInfo, ...]:
        """Built-in tools and those of modules."""
        ...


class UsageService(Protocol):
    """What calls to models used."""

    async def summary(self, since: datetime, until: datetime) -> UsageSummary:
        """Stored usage from `since` up to, but not at, `until`."""
        ...


class DataService(Protocol):
    """Where the data is, and copies of it."""

    async def places(self) -> DataPlaces:
        """Folders, files and their size."""
        ...

    async def backups(self) -> tuple[Backup, ...]:
        """The copies that are there, newest first."""
        ...

    async def back_up(self) -> Backup:
        """Copy the database now."""
        ...

    async def restore(self, backup: str) -> None:
        """Put a copy in place of the database, which is copied itself before."""
        ...

    async def export(self, folder: str) -> Transfer:
        """Write all chats as JSON (for `import_all`) and as Markdown into a new folder there."""
        ...

    async def import_all(self, path: str) -> Transfer:
        """Read an export; chats that are there already are left as they are."""
        ...

    async def delete_all(self) -> None:
        """Delete every chat, run, usage record, attachment and backup. Keys stay."""
        ...

    async def clear_cache(self) -> int:
        """Forget the answers that are kept to be used again; returns how many there were."""
        ...


class SystemService(Protocol):
    """The engine itself."""

    async def status(self) -> EngineStatus:
        """How it is now."""
        ...

    async def doctor(self, checks: tuple[str, ...] = ()) -> tuple[Check, ...]:
        """Check the parts, really using each; none named means all."""
        ...

    async def settings(self) -> tuple[Setting, ...]:
        """Every setting of the engine."""
        ...

    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        """Change one in the data folder's file; None puts the default back."""
        ...

    async def pause(self, paused: bool) -> EngineStatus:
        """Let background work wait, or go on. What runs ends; answers that a person waits for
        are not held back. Kept until it is taken back, over restarts too."""
        ...

    async def woke(self) -> None:
        """The machine woke from sleep: look at once at what is due and at what broke meanwhile,
        as it is done each minute. Returns before that is done; asking twice does no harm."""
        ...

    async def set_broker(self, url: str) -> EngineStatus:
        """Change the broker while running; "" is the bundled one. The old one stays on failure."""
        ...


class Client(Protocol):
    """Everything that a window or the command line talks to."""

    chats: ChatService
    jobs: JobService
    models: ModelService
    modules: ModuleService
    tools: ToolService
    usage: UsageService
    data: DataService
    system: SystemService
    reminders: ReminderService
    routines: RoutineService
    approvals: ApprovalService

    def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """What happens from now on, or from after `after` as far back as it is kept."""
        ...

    async def aclose(self) -> None:
        """Let go of connections; the engine behind it is not stopped."""
        ...


FEATURES: Mapping[str, type] = {
    "chats": ChatService,
    "jobs": JobService,
    "models": ModelService,
    "modules": ModuleService,
    "tools": ToolService,
    "usage": UsageService,
    "data": DataService,
    "system": SystemService,
    "reminders": ReminderService,
    "routines": RoutineService,
    "approvals": ApprovalService,
}
"""Name in `Client` and in the HTTP path, and its Protocol."""
