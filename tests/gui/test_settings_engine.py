"""The first start and the settings on the real engine: what is chosen there is what answers."""

import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytestqt.qtbot import QtBot

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.client.local import LocalClient
from nagatha_desktop.settings.dialog import SettingsWindow
from nagatha_desktop.settings.first_start import FirstStart
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.pages.connection import ConnectionPage
from nagatha_desktop.settings.pages.data import DataPage
from nagatha_desktop.settings.pages.models import ModelsPage
from nagatha_desktop.shortcuts import Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.fake_settings import MemoryAutostart
from tests.support.keyrings import MemoryKeyring
from tests.support.model_server import ModelServer
from tests.support.notes import an_announcer
from worker.background import CeleryBackground
from worker.contract.services import Client
from worker.contract.types import Message
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime

OnLoop = Callable[[Coroutine[Any, Any, Any]], Any]
GOOD = "sk-good-0123456789abcdef"
WAIT = 60_000
"""Milliseconds, far above what it takes."""


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(keys=[GOOD]) as made:
        yield made


@pytest.fixture
def engine(runtime: Runtime, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Engine]:
    home = tmp_path / "data"
    environ = {"NAGATHA_HOME": str(home), "NAGATHA_CHAT_AUTOMATIC_TITLES": "false"}
    made = Engine(Paths.find(environ), runtime, "desktop", environ=environ, cwd=tmp_path)
    runtime.run(made.start(), 30.0)
    yield made
    runtime.run(made.aclose(), 30.0)


@pytest.fixture
def bridge(engine: Engine, unconnected: Bridge, runtime: Runtime, qtbot: QtBot) -> Iterator[Bridge]:
    async def make() -> Client:
        return LocalClient(engine)

    with qtbot.waitSignal(unconnected.ready):
        unconnected.connect_client(runtime, make)
    yield unconnected
    unconnected.stop()


@pytest.fixture
def window(
    bridge: Bridge, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[SettingsWindow]:
    watch = EngineWatch(bridge, bridge)
    watch._ready()
    made = SettingsWindow(
        bridge,
        themes,
        WindowState(tmp_path / "data", parent=bridge),
        Keys(parent=bridge),
        watch,
        Outside(
            MemoryAutostart(), ("nagatha",), "nagatha --quick", an_announcer(themes, bridge)[0]
        ),
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: bool(made.store.settings) and watch.engine is not None, timeout=WAIT)
    yield made
    made.close_for_good()


async def answer(client: Client, text: str) -> Message:
    """What the default model says."""
    sent = await client.chats.send(None, text)
    while True:
        message = await client.chats.message(sent.answer.id)
        if message.state != "streaming":
            return message
        async for event in client.events():
            if event.kind == "message.changed":
                break


def test_a_key_of_the_first_start_answers_the_first_question(
    bridge: Bridge,
    engine: Engine,
    server: ModelServer,
    memory_keyring: MemoryKeyring,
    themes: ThemeController,
    on_loop: OnLoop,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    page = FirstStart(bridge, themes)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.place.status.state == "ready", timeout=WAIT)
    page.provider.setCurrentIndex(page.provider.count() - 1)
    page.address.setText(server.url)
    page.key.setText("sk-wrong-0123456789abcdef")
    # The server is on this machine, yet wants a key: it says so, and nothing is kept.
    page.use_button.click()
    qtbot.waitUntil(lambda: bool(page.problems.told), timeout=WAIT)
    assert page.problems.told[0].kind == "wrong_key"
    assert memory_keyring.entries == {}
    page.key.setText(GOOD)
    with qtbot.waitSignal(page.finished, timeout=WAIT):
        page.use_button.click()
    assert list(memory_keyring.entries.values()) == [GOOD]
    configuration = (tmp_path / "data" / "config.yaml").read_text()
    assert server.url in configuration and GOOD not in configuration
    message = on_loop(answer(LocalClient(engine), "Hello"))
    assert message.state in ("complete", "failed")
    assert server.completions, "the server was asked"


def test_a_temperature_set_in_the_window_is_in_the_file_and_back_again(
    window: SettingsWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    from nagatha_desktop.settings.fields import Number, SettingField

    window.show_page("models")
    field = next(f for f in window.findChildren(SettingField) if f.key == "models.temperature")
    assert isinstance(field.editor, Number) and field.editor.value() == 0.7
    path = tmp_path / "data" / "config.yaml"
    field.editor.setValue(0.2)
    qtbot.waitUntil(
        lambda: path.exists() and yaml.safe_load(path.read_text())["models"]["temperature"] == 0.2,
        timeout=WAIT,
    )
    field.default_button.click()
    qtbot.waitUntil(lambda: "temperature" not in path.read_text(), timeout=WAIT)


def test_every_setting_that_the_pages_name_is_there(window: SettingsWindow) -> None:
    from nagatha_desktop.settings.fields import SettingField

    fields = window.findChildren(SettingField)
    assert len(fields) > 15
    assert [field.key for field in fields if field.editor is None] == []


def test_a_local_server_is_added_tried_and_made_the_default(
    window: SettingsWindow, qtbot: QtBot
) -> None:
    with ModelServer() as server:
        window.show_page("models")
        page = window.pages["models"]
        assert isinstance(page, ModelsPage)
        qtbot.waitUntil(lambda: bool(page.rows), timeout=WAIT)
        page.open_form(None)
        form = page.form
        assert form is not None
        form.name.setText("Mine")
        form.address.setText(server.url)
        form.test_button.click()
        qtbot.waitUntil(lambda: form.status.text().startswith("✓"), timeout=WAIT)
        form.save_button.click()
        # Saved, then given a model, then made the default: the page follows each step.
        qtbot.waitUntil(lambda: page.default.model != "", timeout=WAIT)
        assert page.default.provider == "mine"
        qtbot.waitUntil(lambda: page.model_box.count() > 1, timeout=WAIT)
        assert page.model_box.name == page.default.model


def test_data_is_copied_exported_imported_restored_and_deleted(
    window: SettingsWindow, engine: Engine, on_loop: OnLoop, qtbot: QtBot, tmp_path: Path
) -> None:
    client = LocalClient(engine)
    on_loop(answer(client, "What can you do?"))
    window.show_page("data")
    page = window.pages["data"]
    assert isinstance(page, DataPage)
    qtbot.waitUntil(lambda: "1 chat · 2 messages" in page.place_row.text.text(), timeout=WAIT)
    assert str(tmp_path / "data") in page.place_row.text.text()
    page.back_up()
    qtbot.waitUntil(lambda: len(page._restore_buttons) == 1, timeout=WAIT)
    page.export_to(str(tmp_path))
    qtbot.waitUntil(lambda: page.export_row.status.text().startswith("✓"), timeout=WAIT)
    (exported,) = tmp_path.glob("nagatha-export-*")
    page.delete_button.click()
    page.confirmation.setText("delete")
    page.really_button.click()
    qtbot.waitUntil(lambda: "0 chats" in page.place_row.text.text(), timeout=WAIT)
    page.import_from(str(exported / "nagatha.json"))
    qtbot.waitUntil(lambda: "1 chat · 2 messages" in page.place_row.text.text(), timeout=WAIT)
    # What was imported is told before the run of the import has its end.
    qtbot.waitUntil(lambda: page.import_row.status.text() != "", timeout=WAIT)
    assert page.import_row.status.text() == "✓ 1 chat · 2 messages"
    assert not any(row.problems.told for row in (page.export_row, page.import_row))


@pytest.mark.skipif(os.name == "nt", reason="ports are refused late")
def test_a_broker_that_does_not_answer_leaves_the_bundled_one_at_work(
    window: SettingsWindow, engine: Engine, on_loop: OnLoop, runtime: Runtime, qtbot: QtBot
) -> None:
    background = CeleryBackground(engine, engine.paths.queue, work=True)
    runtime.run(engine.plug(background), 30.0)
    window.show_page("connection")
    page = window.pages["connection"]
    assert isinstance(page, ConnectionPage)
    qtbot.waitUntil(lambda: page.badges["worker"].text() == "Running", timeout=WAIT)
    page.redis.radio.click()
    page.address.setText("redis://127.0.0.1:1/0")
    page.connect_button.click()
    qtbot.waitUntil(lambda: bool(page.trouble.told), timeout=WAIT)
    assert page.current == ""
    assert on_loop(LocalClient(engine).system.status()).worker == "ok"
