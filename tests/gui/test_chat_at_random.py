"""Everything that a hurried person can do to the chat window, in no sensible order."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from nagatha_desktop.widgets.theme import ThemeController
from tests.gui.test_chat_window import Scene, scene
from tests.support.fake_client import Script
from worker.contract.errors import ModelError
from worker.contract.types import Problem, Sent
from worker.runtime import Runtime

__all__ = ["scene"]

STEPS = 250
TEXTS = (
    "Why?",
    "word " * 3000,
    "```python\nfor x in y:\n    pass\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "\0 \ud800 \u202eright to left\u202c 𝔘𝔫𝔦 👩‍👩‍👧 שלום",
    "[link](https://example.org) ![picture](https://example.org/x.png) <b>html</b>\n" * 20,
)


def hurry(scene: Scene, themes: ThemeController, chance: random.Random) -> dict[str, int]:
    """Do `STEPS` things; how often each was done."""
    window, model, store = scene.window, scene.window.model, scene.fake.store
    done: dict[str, int] = {}

    def any_chat() -> str:
        chats = window.chats.chats
        return chance.choice(chats).id if chats else ""

    def send() -> None:
        text = chance.choice(TEXTS)
        parts = tuple(text[at : at + 40] for at in range(0, min(len(text), 4000), 40))
        error = chance.choice((None, None, None, ModelError("Cut", kind="cut").problem))
        scene.fake.scripts.append(Script(parts=parts, pause=0.001, error=error))
        window.composer.box.set_text(text)
        QTest.keyClick(window.composer.box, Qt.Key.Key_Return)

    def any_answer(use: Callable[[str], object]) -> None:
        answers = [each for each in model.messages if each.role == "assistant"]
        if answers:
            use(chance.choice(answers).id)

    def older() -> None:
        bar = window.transcript.column.verticalScrollBar()
        bar.setValue(chance.randint(0, max(1, bar.maximum())))

    def look() -> None:
        window.open_search(chance.choice(("a", "word", "draft")))
        if chance.random() < 0.7:
            window.escape()

    def version() -> None:
        versions = [
            name for each in model.messages for name in each.siblings if name in store.messages
        ]
        if versions:
            model.select(chance.choice(versions))

    deeds: dict[str, Callable[[], object]] = {
        "send": send,
        "stop": window.escape,
        "new": window.new_chat,
        "open": lambda: (name := any_chat()) and window.open_chat(name),
        "delete": lambda: (name := any_chat()) and window.chats.delete(name),
        "undo": window.toast._press,
        "pin": lambda: (name := any_chat()) and window.chats.pin(name, chance.random() < 0.5),
        "retry": lambda: any_answer(model.retry),
        "resume": lambda: any_answer(model.resume),
        "edit": window.conversation.edit_last,
        "version": version,
        "theme": lambda: themes.set_mode(chance.choice(("light", "dark"))),
        "size": lambda: window.resize(chance.randint(300, 1400), chance.randint(200, 1000)),
        "scroll": older,
        "search": look,
        "find": lambda: window.transcript.find(chance.choice(("e", "word", "zzz"))),
        "hide": lambda: window.setVisible(chance.random() < 0.8),
        "copy": window.conversation.copy_last_answer,
    }
    for _ in range(STEPS):
        name = chance.choice(list(deeds))
        deeds[name]()
        done[name] = done.get(name, 0) + 1
        scene.qtbot.wait(chance.choice((0, 0, 1, 5, 15)))
    return done


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_is_done_in_a_hurry_the_window_shows_what_the_engine_has(
    scene: Scene, themes: ThemeController, seed: int
) -> None:
    chance = random.Random(seed)
    told: list[Problem] = []
    scene.window.model.problem.connect(told.append)
    hurry(scene, themes, chance)
    window, store = scene.window, scene.fake.store
    window.show()
    window.resize(900, 640)
    scene.qtbot.waitUntil(lambda: not window.model.sending and not store.tasks, timeout=20_000)
    scene.qtbot.waitUntil(lambda: not any(chat.running for chat in window.chats.chats))
    # What may be said is only that a thing was asked for that cannot be.
    assert {problem.kind for problem in told} <= {"invalid", "conflict", "not_found", "cut"}
    window.new_chat()
    window.composer.box.set_text("The last question")
    QTest.keyClick(window.composer.box, Qt.Key.Key_Return)
    scene.settled()
    chat = window.model.chat_id
    assert [each.id for each in window.model.messages] == [each.id for each in store.branch(chat)]
    shown = [window.transcript.message(each.id) for each in store.branch(chat)]
    assert [each and each.text for each in shown] == [each.text for each in store.branch(chat)]
    for name in [each.id for each in window.chats.chats]:
        window.open_chat(name)
        scene.qtbot.waitUntil(lambda: not window.model.loading)
        branch = store.branch(name)[-window.transcript.message_count() :]
        assert [each.text for each in window.model.messages] == [each.text for each in branch]


def test_what_cannot_be_sent_yet_stays_in_the_box(
    scene: Scene, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, go_on = scene.fake.store.send, asyncio.Event()

    async def slow(*args: Any, **named: Any) -> Sent:
        await go_on.wait()
        return await send(*args, **named)

    async def release() -> None:
        go_on.set()

    monkeypatch.setattr(scene.fake.store, "send", slow)
    scene.open("Release notes")
    scene.type("One")
    scene.press(Qt.Key.Key_Return)
    scene.open("Trip to Lisbon")
    scene.type("Two")
    scene.press(Qt.Key.Key_Return)
    assert scene.box.toPlainText() == "Two"
    runtime.run(release(), 30)
    scene.qtbot.waitUntil(lambda: not scene.window.model.sending)
    scene.press(Qt.Key.Key_Return)
    scene.qtbot.waitUntil(lambda: len(scene.texts()) == 4)
    scene.settled()
    assert scene.texts() == ["Where?", "There.", "Two", "Hello there."]
    scene.open("Release notes")
    scene.qtbot.waitUntil(lambda: scene.texts()[2:3] == ["One"])
