"""What the screenshots show of the settings and the first start.

Owns these scenes; tests/screenshots.py paints them beside those of the chat.
"""

from collections.abc import Callable
from datetime import timedelta

from PySide6.QtWidgets import QWidget

from nagatha_desktop.settings.dialog import SettingsWindow
from nagatha_desktop.settings.first_start import FirstStart
from nagatha_desktop.settings.outside import Outside
from nagatha_desktop.settings.pages.reminders import RemindersPage
from tests.support.fake_settings import Furniture, MemoryAutostart, furnish
from tests.support.notes import an_announcer
from tests.support.scenes import Stage
from worker.contract.system import KeyringStatus, ModelChoice, Provider
from worker.contract.types import Problem

OLLAMA = Provider("ollama", "Ollama", "http://127.0.0.1:11434/v1", model="llama3.2:3b", local=True)


def furnished(stage: Stage) -> Furniture:
    """An engine that is set up."""
    made = furnish(stage.fake)
    made.models.add("openai", "OpenAI", "https://api.openai.com/v1", "gpt-4o-mini")
    made.models.add("work", "Work", "https://models.example.org/v1", "qwen3:32b", "session")
    made.models.add("ollama", "Ollama", "http://127.0.0.1:11434/v1", "llama3.2:3b", "not_needed")
    made.models.keys["openai"] = "sk-good"
    made.models.choice = ModelChoice("openai", "gpt-4o-mini")
    for days in range(7):
        made.data.add_copy(timedelta(days=days))
    return made


def open_settings(stage: Stage, page: str) -> SettingsWindow:
    """The window at a page, read."""
    announcer, _ = an_announcer(stage.themes, stage.bridge)
    outside = Outside(MemoryAutostart(), ("nagatha-desktop",), "nagatha-desktop --quick", announcer)
    window = SettingsWindow(
        stage.bridge, stage.themes, stage.state, stage.keys, stage.watch, outside
    )
    window.show_page(page)
    window.show()
    stage.wait(lambda: bool(window.store.settings))
    return window


def general(stage: Stage) -> QWidget:
    """The first page."""
    furnished(stage)
    return open_settings(stage, "general")


def models(stage: Stage) -> QWidget:
    """Providers, one of them tried, and one whose key was refused."""
    made = furnished(stage)
    window = open_settings(stage, "models")
    page = window.pages["models"]
    stage.wait(lambda: len(page.rows) == 4)  # type: ignore[attr-defined]
    page.rows["openai"].test_button.click()  # type: ignore[attr-defined]
    stage.wait(lambda: made.called("models.test") == 1)
    return window


def models_form(stage: Stage) -> QWidget:
    """A provider being added on a machine without a keyring."""
    made = furnished(stage)
    made.models.status = KeyringStatus("missing")
    window = open_settings(stage, "models")
    page = window.pages["models"]
    stage.wait(lambda: len(page.rows) == 4 and page.keyring.state == "missing")  # type: ignore[attr-defined]
    page.open_form(None, "openrouter")  # type: ignore[attr-defined]
    form = page.form  # type: ignore[attr-defined]
    form.key.setText("sk-or-wrong")
    form.place.options["file"].radio.setChecked(True)
    form.test_button.click()
    stage.wait(lambda: bool(form.problems.told))
    page.reveal(form.save_button)
    return window


def models_rest(stage: Stage) -> QWidget:
    """The lower half of the page."""
    furnished(stage)
    window = open_settings(stage, "models")
    page = window.pages["models"]
    stage.wait(lambda: len(page.rows) == 4)  # type: ignore[attr-defined]
    page.verticalScrollBar().setValue(10_000)
    window.resize(720, 720)
    page.verticalScrollBar().setValue(10_000)
    return window


def reminders(stage: Stage) -> QWidget:
    """Quiet hours, and nobody disturbs for a while."""
    furnished(stage)
    window = open_settings(stage, "reminders")
    page = window.pages["reminders"]
    assert isinstance(page, RemindersPage)
    stage.wait(page.hour_button.isEnabled)
    page.hours.click()
    page.hour_button.click()
    stage.wait(page.end_button.isVisible)
    return window


def connection(stage: Stage) -> QWidget:
    """A Redis that does not answer."""
    made = furnished(stage)
    made.system.brokers_up = {""}
    window = open_settings(stage, "connection")
    page = window.pages["connection"]
    page.redis.radio.click()  # type: ignore[attr-defined]
    page.connect_button.click()  # type: ignore[attr-defined]
    stage.wait(lambda: bool(page.trouble.told))  # type: ignore[attr-defined]
    return window


def data(stage: Stage) -> QWidget:
    """Where things are, and the copies."""
    furnished(stage)
    window = open_settings(stage, "data")
    page = window.pages["data"]
    stage.wait(lambda: bool(page._backups))  # type: ignore[attr-defined]
    return window


def data_delete(stage: Stage) -> QWidget:
    """The question before everything goes."""
    furnished(stage)
    window = open_settings(stage, "data")
    page = window.pages["data"]
    stage.wait(lambda: bool(page._backups))  # type: ignore[attr-defined]
    page.delete_button.click()  # type: ignore[attr-defined]
    page.confirmation.setText("dele")  # type: ignore[attr-defined]
    return window


def modules(stage: Stage) -> QWidget:
    """Modules, one of them broken."""
    furnished(stage)
    window = open_settings(stage, "modules")
    page = window.pages["modules"]
    stage.wait(lambda: len(page.rows) == 4)  # type: ignore[attr-defined]
    return window


def shortcuts(stage: Stage) -> QWidget:
    """Keys, one of which is taken."""
    furnished(stage)
    window = open_settings(stage, "shortcuts")
    page = window.pages["shortcuts"]
    page.rows["chat.search_all"].recorder.recorded.emit("Ctrl+N")  # type: ignore[attr-defined]
    return window


def wrong(stage: Stage) -> QWidget:
    """Settings that were wrong on disk, and one that the environment sets."""
    made = furnished(stage)
    made.system.fix("chat.text_limit", 4.0, "environment")
    problem = Problem(
        "settings",
        "“temprature” is no setting",
        "It stands in config.yaml; the nearest one is “temperature”. A copy was kept as "
        "config.yaml.wrong-20261120-140200.",
        "Change it there, or here.",
    )
    stage.runtime.run(stage.fake.set_status(notices=(problem,)), 5.0)
    window = open_settings(stage, "general")
    stage.wait(lambda: bool(window.notices.told))
    return window


def first_start(stage: Stage) -> QWidget:
    """The first start, with a model on this machine."""
    window = stage.chat_window()
    made = furnish(stage.fake)
    made.models.near = (OLLAMA,)
    page = FirstStart(stage.bridge, stage.themes)
    window.show_page(page)
    stage.wait(lambda: bool(page._local))
    return window


def first_start_wrong(stage: Stage) -> QWidget:
    """A key that was refused, on a machine without a keyring."""
    window = stage.chat_window()
    made = furnish(stage.fake)
    made.models.status = KeyringStatus("missing")
    page = FirstStart(stage.bridge, stage.themes)
    window.show_page(page)
    stage.wait(lambda: page.place.status.state == "missing")
    page.key.setText("sk-wrong")
    page.place.options["session"].radio.setChecked(True)
    page.test_and_use()
    stage.wait(lambda: bool(page.problems.told))
    return window


SETTINGS_SCENES: dict[str, Callable[[Stage], QWidget]] = {
    "settings-general": general,
    "settings-reminders": reminders,
    "settings-models": models,
    "settings-models-form": models_form,
    "settings-models-rest": models_rest,
    "settings-connection": connection,
    "settings-data": data,
    "settings-data-delete": data_delete,
    "settings-modules": modules,
    "settings-shortcuts": shortcuts,
    "settings-wrong": wrong,
    "first-start": first_start,
    "first-start-wrong": first_start_wrong,
}
