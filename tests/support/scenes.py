"""What the screenshots show: a desktop full of believable chats, and each window in a state that
a person knows.

Owns the scenes; tests/screenshots.py paints them. The engine behind is the fake one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.quick_ask import QuickAsk
from nagatha_desktop.chat.shortcuts_window import ShortcutsWindow
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.tray import Tray
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_client import FakeClient, Script
from worker.contract.services import Client
from worker.contract.types import Attachment, Chat, Problem, ToolUse
from worker.runtime import Runtime

DRAFT = """Here is a draft. Two breaking changes come first, since readers look for them:

```python
## 2.4
def load(path: Path) -> Config:
    \"\"\"Raises on unknown keys.\"\"\"
    return Config(**yaml.safe_load(path.read_text()))  # was: ignore
```

1. `config.load()` now **raises** on unknown keys.
2. Python 3.10 is no longer supported.

| Area | Change | Risk |
|---|---|---|
| Configuration | unknown keys raise | medium |
| Runtime | 3.11 and later | low |
"""
IMPORT = """Most of it is one package that is imported at the top of a module:

- `sqlalchemy` takes 0.45 s
- `openai` takes 1.0 s

> Import what is needed for the first window only, and the rest on another thread."""


@dataclass(slots=True)
class Stage:
    """All that a scene needs."""

    app: QApplication
    themes: ThemeController
    bridge: Bridge
    fake: FakeClient
    runtime: Runtime
    state: WindowState
    keys: Keys
    watch: EngineWatch
    chats: ChatList
    models: Models
    main: Chat
    wait: Callable[[Callable[[], bool]], None]
    kept: list[QWidget] = field(default_factory=list)
    """Windows behind the one that is painted."""
    ends: list[Callable[[], None]] = field(default_factory=list)
    """What to do when it was painted."""

    def chat_window(self) -> ChatWindow:
        """The chat window, shown with its list."""
        window = ChatWindow(
            self.bridge,
            self.themes,
            self.state,
            self.keys,
            self.watch,
            self.chats,
            self.models,
        )
        self.models.load()
        self.chats.load()
        window.show()
        self.kept.append(window)
        self.wait(lambda: self.chats.loaded and bool(self.models.lists))
        return window


def fill(fake: FakeClient) -> Chat:
    """Chats of some days; returns the one that is looked at."""
    store = fake.store
    store.add("Weekly review", "What did I do this week?", "Five things.", pinned=True)
    main = store.add(
        "Release notes for 2.4",
        "Read CHANGES.md and draft the release notes. "
        "Then remind me tomorrow at 9 to publish them.",
        DRAFT,
    )
    store.add("Why is the import slow?", "Why is it slow?", IMPORT, age=timedelta(minutes=20))
    store.add("Summarise meeting notes", "Summarise", "…", age=timedelta(minutes=40), running=True)
    store.add("Trip to Lisbon", "Where?", "There.", age=timedelta(days=1))
    store.add("SQL for churned accounts", "Write it", "SELECT …", age=timedelta(days=1, hours=1))
    store.add("Names for a cat", "Ideas?", "Many.", age=timedelta(days=4))
    store.add("A bicycle that folds", "Which?", "This.", age=timedelta(days=40))
    question, answer = store.branch(main.id)
    store.messages[question.id] = replace(
        question, attachments=(Attachment("f", "CHANGES.md", "text/markdown", 4_212, 1_053),)
    )
    store.messages[answer.id] = replace(
        answer,
        tools=(
            ToolUse("c", "read_text_file", '{"path": "CHANGES.md"}', "done", "# Changes", 0.1, 0),
        ),
        siblings=("a", answer.id, "b"),
    )
    store.files["f"] = (Attachment("f", "CHANGES.md", "text/markdown", 4_212, 1_053), b"# Changes")
    return main


@contextmanager
def staged(
    app: QApplication,
    themes: ThemeController,
    folder: Path,
    wait: Callable[[Callable[[], bool]], None],
) -> Iterator[Stage]:
    """A bridge to a fake engine that is filled and ready."""
    fake = FakeClient()
    main = fill(fake)
    bridge = Bridge()

    async def make() -> Client:
        return fake.as_client()

    with Runtime() as runtime:
        watch = EngineWatch(bridge, bridge)
        chats, models = ChatList(bridge, bridge), Models(bridge, bridge)
        state, keys = WindowState(folder, parent=bridge), Keys(parent=bridge)
        bridge.connect_client(runtime, make)
        wait(lambda: bridge.connected and watch.engine is not None)
        yield Stage(
            app, themes, bridge, fake, runtime, state, keys, watch, chats, models, main, wait
        )
        bridge.stop()
    bridge.deleteLater()


def chat(stage: Stage) -> QWidget:
    """A conversation with code, a tool and a table."""
    window = stage.chat_window()
    window.model.open(stage.main.id)
    stage.wait(lambda: window.transcript.message_count() == 2)
    return window


def chat_streaming(stage: Stage) -> QWidget:
    """An answer that is being written."""
    window = stage.chat_window()
    stage.fake.scripts.append(Script(parts=(IMPORT[:160],), hold=True))
    window.model.open(stage.main.id)
    stage.wait(lambda: window.transcript.message_count() == 2)
    window.conversation._send("Why is the import slow?")
    stage.wait(lambda: bool(window.model.messages) and window.model.busy)
    stage.wait(lambda: any("sqlalchemy" in m.text for m in window.transcript._messages))
    return window


def chat_error(stage: Stage) -> QWidget:
    """A wrong key, as a card in place."""
    window = stage.chat_window()
    problem = Problem(
        "wrong_key",
        "OpenAI refused the key",
        "The server answered 401: the key is wrong or was revoked.",
        "Paste a valid key.",
        "models",
    )
    stage.fake.scripts.append(Script(parts=(), error=problem, usage=None))
    window.conversation._send("Draft the release notes for 2.4")
    stage.wait(lambda: bool(window.model.messages) and not window.model.busy)
    return window


def chat_rate_limit(stage: Stage) -> QWidget:
    """A rate limit with its countdown, and an answer that broke off."""
    window = stage.chat_window()
    cut = Problem(
        "cut", "The connection broke", "The server closed it in mid-answer.", "", "continue"
    )
    stage.fake.scripts.append(Script(parts=("The first half of an answer",), error=cut))
    window.conversation._send("Tell me a story")
    stage.wait(lambda: bool(window.model.messages) and not window.model.busy)
    limit = Problem(
        "rate_limited",
        "Too many requests",
        "OpenAI allows 3 requests a minute with this key.",
        "Wait, or choose another model.",
        "wait",
        datetime.now(UTC) + timedelta(seconds=12),
    )
    stage.fake.scripts.append(Script(parts=(), error=limit, usage=None))
    window.conversation._send("And another one")
    stage.wait(lambda: len(window.model.messages) == 4 and not window.model.busy)
    return window


def chat_empty(stage: Stage) -> QWidget:
    """A new chat, with a file that waits to be sent and a draft."""
    window = stage.chat_window()
    folder = Path(stage.state._folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notes.md").write_text("# Notes\n" * 400)
    window.conversation.attachments.add_files([folder / "notes.md"])
    window.composer.box.insertPlainText("Summarise these notes in three sentences, please.")
    stage.wait(lambda: bool(window.conversation.attachments.ready))
    return window


def chat_notice(stage: Stage) -> QWidget:
    """A trouble of the engine's, above the conversation."""
    window = chat(stage)
    assert isinstance(window, ChatWindow)
    window.notices.add(
        Problem(
            "read_only",
            "The data folder is read-only",
            "Nothing new can be kept in /home/ada/.local/share/nagatha-desktop.",
            "Make it writable, then try again.",
            "retry",
        )
    )
    stage.chats.delete(next(c.id for c in stage.chats.chats if c.title == "Names for a cat"))
    stage.wait(lambda: window.toast.isVisible())
    return window


def search(stage: Stage) -> QWidget:
    """Search over all chats."""
    window = chat(stage)
    assert isinstance(window, ChatWindow)
    window.search.open("im")
    stage.wait(lambda: window.search.rows.rowCount() > 1)
    return window


def editing(stage: Stage) -> QWidget:
    """An old question being edited."""
    window = chat(stage)
    assert isinstance(window, ChatWindow)
    window.conversation.edit_last()
    return window


def _quick(stage: Stage) -> QuickAsk:
    window = QuickAsk(stage.bridge, stage.chats, stage.themes, stage.watch.approvals)
    window.open()
    window.line.setText("what's 14:30 Lisbon time in Tokyo?")
    return window


def quick(stage: Stage) -> QWidget:
    """A quick question, answered."""
    window = _quick(stage)
    tool = ToolUse("c", "convert_time", "{}", "done", "23:30", 0.1, 0)
    stage.fake.scripts.append(
        Script(
            parts=("23:30 the same day. Tokyo is nine hours ahead of Lisbon in winter.",),
            tools=(tool,),
        )
    )
    window.ask()
    stage.wait(lambda: not window.model.busy and bool(window.cost.whole()))
    return window


def quick_code(stage: Stage) -> QWidget:
    """A quick question with a long answer."""
    window = _quick(stage)
    window.line.setText("How do I load YAML safely?")
    stage.fake.scripts.append(Script(parts=(DRAFT, "\n", IMPORT)))
    window.ask()
    stage.wait(lambda: not window.model.busy and bool(window.cost.whole()))
    return window


def quick_error(stage: Stage) -> QWidget:
    """A quick question that could not be answered."""
    window = _quick(stage)
    stage.fake.scripts.append(
        Script(
            parts=(),
            error=Problem(
                "no_network",
                "No connection to OpenAI",
                "The name api.openai.com could not be found.",
                "Check the network.",
                "retry",
            ),
            usage=None,
        )
    )
    window.ask()
    stage.wait(lambda: window._error is not None)
    return window


def quick_asks(stage: Stage) -> QWidget:
    """A quick question whose answer waits for the person's word."""
    window = _quick(stage)
    window.line.setText("Note that 2.4 is out")
    asks = ("filesystem · write_file",)
    stage.fake.scripts.append(Script(parts=("I will put it into your notes.",), asks=asks))
    window.ask()
    stage.wait(lambda: window.asked.card is not None)
    return window


def quick_asks_more(stage: Stage) -> QWidget:
    """A quick question whose answer waits for the person's word about several calls."""
    window = _quick(stage)
    window.line.setText("Note that 2.4 is out, and tell Ann")
    asks = ("filesystem · write_file", "mail · send")
    stage.fake.scripts.append(Script(parts=("I will put it into your notes.",), asks=asks))
    window.ask()
    stage.wait(lambda: window.asked.waits and window.asked.card is None)
    return window


def quick_new(stage: Stage) -> QWidget:
    """The quick window, just opened."""
    window = _quick(stage)
    window.line.clear()
    return window


def shortcuts(stage: Stage) -> QWidget:
    """All keys."""
    window = ShortcutsWindow(stage.keys, stage.chat_window())
    window.show()
    return window


def model_picker(stage: Stage) -> QWidget:
    """Choosing a model."""
    window = stage.chat_window()
    window.composer.choose_model()
    picker = window.conversation.picker
    stage.wait(lambda: picker.list.count() > 6)
    return picker


def tray_menu(stage: Stage) -> QWidget:
    """The tray's menu, with something running."""
    tray = Tray(stage.themes, stage.watch, stage.keys, stage.bridge)
    stage.runtime.run(stage.fake.jobs.run_task("echo_bot.echo", {}), 30)
    stage.wait(lambda: stage.watch.running == 1)
    tray.menu.popup(QPoint(40, 40))
    stage.ends.append(tray.stop)
    return tray.menu


SCENES: dict[str, Callable[[Stage], QWidget]] = {
    "chat": chat,
    "chat-streaming": chat_streaming,
    "chat-error": chat_error,
    "chat-rate-limit": chat_rate_limit,
    "chat-empty": chat_empty,
    "chat-notice": chat_notice,
    "chat-editing": editing,
    "search": search,
    "quick": quick,
    "quick-code": quick_code,
    "quick-error": quick_error,
    "quick-asks": quick_asks,
    "quick-asks-more": quick_asks_more,
    "quick-new": quick_new,
    "shortcuts": shortcuts,
    "model-picker": model_picker,
    "tray-menu": tray_menu,
}
"""File name and scene. A scene returns the window to be painted."""
