"""The program put together, with an engine in memory: commands, tray, closing, ending."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from nagatha_desktop.app import addresses_of, commands_of, main, parse
from nagatha_desktop.last_words import LAST_WORDS, STEP
from nagatha_desktop.platform.signals import Signals
from nagatha_desktop.program import Program
from nagatha_desktop.widgets.notes import Note, Notes
from tests.support.fake_client import FakeClient
from tests.support.program import Backend, begun
from worker.contract.errors import StorageError
from worker.contract.services import Client
from worker.contract.types import Problem
from worker.paths import Paths
from worker.runtime import Runtime


def notes(program: Program) -> list[Note]:
    """The windows of our own that say something."""
    windows = program.alerts.notifier.windows
    return windows.notes if isinstance(windows, Notes) else []


# The offscreen platform has no tray, and says so in these words.
pytestmark = pytest.mark.qt_log_ignore("systemTrayWindowChanged")


def test_the_window_is_there_before_the_engine_and_fills_with_it(
    program: Program, backend: Backend, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("From before", "question", "answer")
    program.state.set("last_chat", chat.id)
    program.window._state.set("last_chat", chat.id)
    program.start(("show chat",), False)
    assert program.window.isVisible() and not program.bridge.connected
    qtbot.waitUntil(lambda: program.window.transcript.message_count() == 2)
    assert program.window.model.chat_id == chat.id


def test_an_engine_that_does_not_start_is_a_card_and_can_be_tried_again(
    program: Program, backend: Backend, qtbot: QtBot
) -> None:
    backend.failure = StorageError(
        "The data folder is read-only", "", "Make it writable.", kind="read_only", action="retry"
    )
    begun(program, qtbot)
    shown = program.window.notices
    qtbot.waitUntil(lambda: "read_only" in [problem.kind for problem in shown.problems])
    assert program.watch.mood == "error"
    backend.failure = None
    card = next(card for card in shown._cards if card.problem.kind == "read_only")
    card.button.click()
    qtbot.waitUntil(lambda: program.bridge.connected)
    assert "read_only" not in [problem.kind for problem in shown.problems]


def test_without_a_tray_it_says_so_once(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    kinds = lambda: [problem.kind for problem in program.window.notices.problems]  # noqa: E731
    qtbot.waitUntil(lambda: "no_tray" in kinds())
    program.window.notices.remove("no_tray")
    program._no_tray()
    assert "no_tray" not in kinds()


def test_a_tray_that_comes_takes_the_notice_away_and_closing_hides(
    program: Program, qtbot: QtBot
) -> None:
    begun(program, qtbot)
    qtbot.waitUntil(lambda: bool(program.window.notices.problems))
    program.tray._set_available(True)
    assert program.window.notices.problems == ()
    program.window.close()
    assert not program.window.isVisible() and not program._ending
    qtbot.waitUntil(lambda: bool(notes(program)))
    said = notes(program)[0]
    assert said.isVisible() and "still running" in said.accessibleName()
    program.window.bring_up()
    said.close_button.click()
    program.window.close()
    assert program.alerts.announcer.said == ()
    program.tray._set_available(False)
    assert program._tray_wait.isActive()
    program._no_tray()
    assert program.window.isVisible()


def test_without_a_tray_closing_ends_the_program(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    program.window.close()
    assert program._ending


def test_a_start_at_login_without_a_tray_shows_the_window_in_the_end(
    program: Program, qtbot: QtBot
) -> None:
    begun(program, qtbot, hidden=True)
    assert not program.window.isVisible()
    program._no_tray()
    assert program.window.isVisible()


def test_commands_of_later_starts_are_obeyed(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    program.obey(["toggle"])
    program.obey(["toggle"])
    assert program.window.isVisible()
    program.window.hide()
    program.obey(["show chat"])
    assert program.window.isVisible()
    program.obey(["quick", "unknown"])
    assert program.quick.isVisible()
    program.open_quick()
    program.toggle_quick()


def test_quick_questions_go_on_in_the_chat_window(
    program: Program, fake: FakeClient, qtbot: QtBot
) -> None:
    chat = fake.store.add("Asked quickly", "question", "answer")
    begun(program, qtbot)
    program.quick.open_wanted.emit(chat.id)
    qtbot.waitUntil(lambda: program.window.transcript.message_count() == 2)
    program.quick.draft_wanted.emit("a draft")
    assert program.window.composer.text == "a draft"
    program.new_chat()


def test_ending_while_something_runs_asks_once(
    program: Program, fake: FakeClient, runtime: Runtime, qtbot: QtBot
) -> None:
    begun(program, qtbot)
    runtime.run(fake.jobs.run_task("echo_bot.echo", {}), 30)
    qtbot.waitUntil(lambda: program.watch.running == 1)
    program.quit()
    program.quit()
    question = program._question
    assert isinstance(question, QMessageBox) and "1 running" in question.informativeText()
    keep, stop = (
        next(button for button in question.findChildren(QPushButton) if button.text() == text)
        for text in ("Keep running", "Stop and quit")
    )
    keep.click()
    qtbot.waitUntil(lambda: program._question is None)
    assert not program._ending
    program.quit()
    assert program._question is not None
    stop = next(
        button
        for button in program._question.findChildren(QPushButton)
        if button.text() == "Stop and quit"
    )
    stop.click()
    assert program._ending


def test_what_stands_in_the_box_survives_the_end(
    program: Program, fake: FakeClient, exits: list[int], qtbot: QtBot
) -> None:
    chat = fake.store.add("One", "a", "b")
    begun(program, qtbot)
    qtbot.waitUntil(lambda: program.chats.loaded)
    program.open_chat(chat.id)
    qtbot.waitUntil(lambda: program.window.transcript.message_count() == 2)
    program.window.composer.box.insertPlainText("half a thought")
    program.end()
    qtbot.waitUntil(lambda: exits == [0])
    assert fake.store.all[chat.id].draft == "half a thought"
    qtbot.waitUntil(lambda: (program.state._folder / "windows.json").exists())


@pytest.mark.parametrize("kept", [True, False])
def test_a_draft_is_waited_for_longer_than_a_call_that_hangs(
    program: Program,
    fake: FakeClient,
    runtime: Runtime,
    exits: list[int],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,
) -> None:
    chat = fake.store.add("One", "a", "b")
    begun(program, qtbot)
    program.open_chat(chat.id)
    qtbot.waitUntil(lambda: program.chats.loaded and program.window.transcript.message_count() == 2)
    keep, gate = fake.chats.set_draft, asyncio.Event()

    async def slowly(name: str, text: str) -> None:
        await gate.wait()
        await keep(name, text)

    async def hang(client: Client) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(fake.chats, "set_draft", slowly)
    if kept:
        program.window.composer.box.insertPlainText("half a thought")
    program.bridge.call(hang, owner=program)
    program.end()
    fifth = LAST_WORDS // STEP // 5
    if kept:
        qtbot.waitUntil(lambda: program.last_words.left < 4 * fifth - 10)
        assert program.bridge.connected and exits == []
        runtime.call_soon(gate.set)
    qtbot.waitUntil(lambda: exits == [0])
    assert program.last_words.left > 0
    assert fake.store.all[chat.id].draft == ("half a thought" if kept else "")


def test_choices_take_effect_at_once(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    program.state.set("theme", "dark")
    assert program.themes.current.dark
    program.state.set("theme", "light")
    assert not program.themes.current.dark
    program.state.set("shortcuts", {"chat.new": "Ctrl+J"})
    assert program.keys.key("chat.new") == "Ctrl+J"
    program.state.set("hotkey", "Ctrl+Alt+Space")
    qtbot.waitUntil(
        lambda: "hotkey" in [problem.kind for problem in program.window.notices.problems]
    )
    program.state.set("hotkey", "")


def test_signals_are_told_on_the_gui_thread(qtbot: QtBot) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    signals = Signals()
    try:
        with qtbot.waitSignal(signals.came):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signals.close()
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
        signals.deleteLater()


# -- arguments and imports ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        ([], ["show chat"]),
        (["--toggle"], ["toggle"]),
        (["--quick"], ["quick"]),
        (["--show", "settings"], ["show settings"]),
        (["--show", "activity"], ["show activity"]),
        (["--hidden"], []),
    ],
)
def test_arguments_become_commands(arguments: list[str], commands: list[str]) -> None:
    assert commands_of(parse(arguments)) == commands


def test_wrong_arguments_end_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--toggle", "--quick"])
    assert ended.value.code == 2
    assert "not allowed" in capsys.readouterr().err


def test_a_start_without_a_display_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nagatha_home: Path
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setattr(sys, "platform", "linux")
    assert main([]) == 1
    assert "needs a display" in capsys.readouterr().err


def test_the_usual_address_lies_in_the_data_folder(nagatha_home: Path) -> None:
    usual, spare = addresses_of(Paths.find())
    assert usual.startswith(str(nagatha_home)) or len(str(nagatha_home)) > 80
    assert usual != spare


HEAVY = (
    "openai", "mcp", "pyqtgraph", "dateparser", "sqlalchemy", "celery", "kombu", "fastapi",
    "pydantic", "keyring", "asyncio", "qtawesome", "pygments", "httpx2", "alembic",
)  # fmt: skip


@pytest.mark.parametrize("module", ["nagatha_desktop.app", "nagatha_desktop.program"])
def test_importing_the_program_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


def test_a_hand_over_loads_no_qt() -> None:
    code = (
        "import sys, nagatha_desktop.app as app; app.hand_over = lambda *_: True;"
        "assert app.main(['--toggle']) == 0;"
        "print(*[n for n in sys.modules if n.startswith('PySide6')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


def test_a_problem_has_words_for_the_tray(program: Program, qtbot: QtBot) -> None:
    begun(program, qtbot)
    program.tray._make_icon()
    assert program.tray._icon is not None
    assert "ready" in program.tray._icon.toolTip()
    program.watch._failed(Problem("x", "It stopped"))
    assert "stopped" in program.tray._icon.toolTip()
