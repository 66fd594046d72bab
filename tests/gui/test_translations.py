"""The languages: each is whole, is what the code says now, is spoken when chosen, and fits."""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QDate, QLocale, Qt, QTranslator
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.activity.feed import PAGE
from nagatha_desktop.activity.segments import SEGMENTS
from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.quick_ask import QuickAsk
from nagatha_desktop.chat.shortcuts_window import ShortcutsWindow
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.reminders.rows import VIEWS
from nagatha_desktop.settings import languages
from nagatha_desktop.settings.fields import in_words
from nagatha_desktop.settings.first_start import FirstStart, FirstStartGuide
from nagatha_desktop.shortcuts import LISTED, SHORTCUTS, Keys
from nagatha_desktop.state import WindowState
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.tray import Tray
from nagatha_desktop.widgets.badges import Elided
from nagatha_desktop.widgets.theme import ThemeController
from tests.support.activity_window import activity_window
from tests.support.fake_client import FakeClient, Script
from tests.support.fake_settings import Furniture, furnish
from tests.support.reminders_window import reminders_window
from tests.support.settings_window import Maker, settings_windows
from worker.contract.system import ModelChoice
from worker.contract.types import Problem

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = sorted(languages.FOLDER.glob("nagatha_*.ts"))
PAGES: tuple[str, ...] = (
    "general",
    "models",
    "reminders",
    "connection",
    "data",
    "modules",
    "shortcuts",
)
PLACEHOLDER = re.compile(r"\{\w*\}|%\d|%n")
SIGNS = ("…", "✓", "●", "↵", "→", "↑", "↓", "·", "›", "\n")


class Text(NamedTuple):
    """One text of a *.ts."""

    context: str
    comment: str
    source: str
    translations: tuple[str, ...]
    finished: bool


def texts_of(path: Path) -> list[Text]:
    found = []
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            forms = [form.text or "" for form in translation.iter("numerusform")]
            found.append(
                Text(
                    context.findtext("name", ""),
                    message.findtext("comment", ""),
                    message.findtext("source", ""),
                    tuple(forms or [translation.text or ""]),
                    translation.get("type") is None,
                )
            )
    return found


@pytest.fixture(scope="module")
def tools() -> ModuleType:
    """What `make translations` runs."""
    spec = importlib.util.spec_from_file_location(
        "translations", CHECKOUT / "installer" / "translations.py"
    )
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def state(tmp_path: Path, bridge: Bridge) -> WindowState:
    return WindowState(tmp_path, parent=bridge)


@pytest.fixture
def german(qapp: QCoreApplication, state: WindowState) -> Iterator[None]:
    """The program's language as the setting chooses it, until the test ends."""
    before, written = set(qapp.findChildren(QTranslator)), QLocale()
    state.set("language", "de")
    assert languages.install(qapp, state.text("language")) == "de"
    yield
    for translator in set(qapp.findChildren(QTranslator)) - before:
        qapp.removeTranslator(translator)
        translator.deleteLater()
    QLocale.setDefault(written)


@pytest.fixture
def engine(fake: FakeClient) -> Furniture:
    return furnish(fake)


@pytest.fixture
def watch(engine: Furniture, bridge: Bridge, qtbot: QtBot) -> EngineWatch:
    made = EngineWatch(bridge, bridge)
    made._ready()
    qtbot.waitUntil(lambda: made.engine is not None)
    return made


@pytest.fixture
def make(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> Iterator[Maker]:
    with settings_windows(bridge, fake, themes, tmp_path, qtbot) as made:
        yield made


@pytest.fixture
def chat(
    bridge: Bridge, themes: ThemeController, state: WindowState, watch: EngineWatch, qtbot: QtBot
) -> Iterator[ChatWindow]:
    """The chat window. Ask for `german` before it."""
    made = ChatWindow(
        bridge,
        themes,
        state,
        Keys(parent=bridge),
        watch,
        ChatList(bridge, bridge),
        Models(bridge, bridge),
    )
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close_for_good()


def cut(window: QWidget) -> list[str]:
    """Texts of buttons and labels in `window` that have less room than they need."""
    short = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisibleTo(window) or isinstance(widget, Elided):
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            fits = widget.height() >= widget.heightForWidth(widget.width())
        elif isinstance(widget, QAbstractButton | QLabel) and widget.text():
            fits = widget.width() >= widget.sizeHint().width()
        else:
            continue
        if not fits:
            short.append(f"{widget.text()}: {widget.width()} of {widget.sizeHint().width()}")
    short += [
        f"{area.accessibleName()}: {area.horizontalScrollBar().maximum()} more to the right"
        for area in window.findChildren(QScrollArea)
        if area.isVisibleTo(window) and area.horizontalScrollBar().maximum()
    ]
    return short


# -- the files -------------------------------------------------------------------------------------


def test_every_language_that_is_offered_has_its_source_beside_it() -> None:
    assert SOURCES
    codes = [path.stem.removeprefix("nagatha_") for path in SOURCES]
    assert list(languages.available()) == ["en", *codes]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_text_is_translated(path: Path) -> None:
    texts = texts_of(path)
    assert len(texts) > 500
    assert [text for text in texts if not text.finished or not all(text.translations)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_translation_has_the_placeholders_and_signs_of_its_text(path: Path) -> None:
    for text in texts_of(path):
        for said in text.translations:
            assert sorted(PLACEHOLDER.findall(said)) == sorted(PLACEHOLDER.findall(text.source))
            for sign in SIGNS:
                assert said.count(sign) == text.source.count(sign), text
            assert said.count("&") == text.source.count("&"), text
            assert said.endswith(".") == text.source.endswith("."), text
            assert "!" not in said and said == said.strip()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_source_has_the_texts_that_the_code_has(
    path: Path, tools: ModuleType, tmp_path: Path
) -> None:
    again = tmp_path / path.name
    shutil.copy(path, again)
    tools.extract(again)
    assert texts_of(again) == texts_of(path), "make translations"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_file_that_runs_says_what_its_source_says(
    path: Path, tools: ModuleType, tmp_path: Path
) -> None:
    tools.build(path, tmp_path / "again.qm")
    for file in (tmp_path / "again.qm", path.with_suffix(".qm")):
        translator = QTranslator()
        assert translator.load(str(file))
        for text in texts_of(path):
            said = translator.translate(text.context, text.source, text.comment or None)
            assert said == text.translations[0], "make translations"


def test_what_the_engine_says_of_its_settings_is_extracted(tools: ModuleType) -> None:
    said = list(tools.said_of_settings())
    assert {"Temperature", "The model finds a title.", "days"} <= set(said)
    assert len(said) == len(set(said))


def test_all_that_is_there_is_extracted_and_built(
    tools: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "CHECKOUT", tmp_path)
    monkeypatch.setattr(tools, "FOLDER", tmp_path)
    (tmp_path / "nagatha_desktop").mkdir()
    (tmp_path / "nagatha_desktop" / "window.py").write_text(
        'class Window(QWidget):\n    def f(self):\n        self.tr("A text")\n', encoding="utf-8"
    )
    empty = '<?xml version="1.0"?><!DOCTYPE TS><TS version="2.1" language="fr"></TS>'
    (tmp_path / "nagatha_fr.ts").write_text(empty, encoding="utf-8")
    assert tools.main() == 0
    found = {(text.context, text.source) for text in texts_of(tmp_path / "nagatha_fr.ts")}
    assert {("Window", "A text"), ("Setting", "Temperature"), ("QShortcut", "Ctrl")} <= found
    assert (tmp_path / "nagatha_fr.qm").is_file()


# -- what is shown ---------------------------------------------------------------------------------


def test_the_windows_speak_english_unless_another_language_was_chosen(
    qapp: QCoreApplication, chat: ChatWindow, make: Maker
) -> None:
    assert languages.install(qapp, "en") == "en"
    assert chat.composer.send_button.text() == "Send"
    scene = make()
    scene.open("general")
    assert scene.window.heading.whole() == "Settings › General"
    assert scene.field("chat.automatic_titles").title.text() == "Title chats automatically"


@pytest.mark.parametrize(
    ("code", "system", "written"),
    [
        ("de", "en_GB", "Di. 1. Dez."),
        ("de", "C", "Di. 1. Dez."),
        ("de", "de_AT", "Di. 1. Dez."),
        ("en", "de_DE", "Tue 1. Dec"),
        ("en", "C", "Tue 1. Dec"),
    ],
)
def test_days_are_written_in_the_language_of_the_windows_in_the_country_of_the_system(
    code: str, system: str, written: str
) -> None:
    there = QLocale.c() if system == "C" else QLocale(system)
    spoken = languages.spoken(code, there)
    assert spoken.toString(QDate(2026, 12, 1), "ddd d. MMM") == written
    assert system == "C" or spoken.firstDayOfWeek() == Qt.DayOfWeek.Monday
    assert (spoken == there) == (spoken.language() == there.language())


@pytest.mark.usefixtures("german")
def test_in_german_days_and_numbers_are_german_too() -> None:
    assert QLocale().toString(QDate(2026, 12, 1), "dddd") == "Dienstag"
    assert QLocale().toString(0.5) == "0,5"


@pytest.mark.usefixtures("german")
def test_the_chat_window_speaks_german_when_it_was_chosen(chat: ChatWindow, qtbot: QtBot) -> None:
    assert chat.composer.send_button.text() == "Senden"
    assert chat.composer.box.placeholderText() == "Nachricht an Nagatha …"
    assert chat.sidebar.new_button.text() == "Neuer Chat  Strg+N"
    qtbot.waitUntil(lambda: "● Dieser Computer" in {w.text() for w in chat.findChildren(QLabel)})


@pytest.mark.usefixtures("german")
def test_the_settings_speak_german_when_it_was_chosen(make: Maker) -> None:
    scene = make()
    titles = [scene.window.list.item(row).text() for row in range(scene.window.list.count())]
    assert titles == [
        "Allgemein",
        "Modelle und Schlüssel",
        "Erinnerungen",
        "Verbindung",
        "Daten und Privatsphäre",
        "Module",
        "Tastenkürzel",
    ]
    page = scene.general
    codes = [page.language.itemData(row) for row in range(page.language.count())]
    assert codes == ["", "en", "de"]
    scene.state.set("language", "de")
    assert page.language.currentText() == "Deutsch"
    # What the engine says is in German too, and what only it knows stays as it is.
    assert scene.field("models.temperature").title.text() == "Temperatur"
    assert scene.field("data.keep_runs_days").editor.text() == "30 Tage"  # type: ignore[union-attr]
    assert in_words("A setting of a later version") == "A setting of a later version"
    assert in_words("") == ""


@pytest.mark.usefixtures("german")
def test_keys_are_named_as_on_a_german_keyboard_and_stay_the_same_keys() -> None:
    keys = [shortcut.default for shortcut in SHORTCUTS] + [key for key, _ in LISTED]
    for key in keys:
        sequence = QKeySequence(key)
        assert sequence.toString(QKeySequence.SequenceFormat.PortableText) == key
        named = sequence.toString(QKeySequence.SequenceFormat.NativeText)
        assert not re.search("Ctrl|Shift|Return|Space", named)
        assert QKeySequence(named) == sequence
    shift = QKeySequence("Ctrl+Shift+C").toString(QKeySequence.SequenceFormat.NativeText)
    assert shift == "Strg+Umschalt+C"


# -- room ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("german")
def test_german_fits_into_the_chat_window(
    chat: ChatWindow, bridge: Bridge, themes: ThemeController, state: WindowState, qtbot: QtBot
) -> None:
    qtbot.waitExposed(chat)
    assert cut(chat) == []
    guide = FirstStartGuide(bridge, themes, state, bridge)
    guide.page_changed.connect(chat.show_page)
    guide.look()
    qtbot.waitUntil(lambda: isinstance(guide.page, FirstStart) and guide.page.isVisible())
    qtbot.waitUntil(lambda: cut(chat) == [])


@pytest.mark.usefixtures("german")
def test_german_fits_into_the_small_windows(
    chat: ChatWindow, bridge: Bridge, fake: FakeClient, themes: ThemeController, qtbot: QtBot
) -> None:
    listed = ShortcutsWindow(Keys(parent=bridge), chat)
    listed.show()
    qtbot.waitUntil(lambda: cut(listed) == [])
    quick = QuickAsk(bridge, ChatList(bridge, bridge), themes, ApprovalWatch(bridge, bridge))
    qtbot.addWidget(quick)
    quick.open()
    qtbot.waitUntil(lambda: cut(quick) == [])
    fake.scripts.append(Script(asks=("Datei schreiben",)))
    quick.line.setText("Schreib es auf")
    quick.ask()
    qtbot.waitUntil(lambda: quick.asked.card is not None and cut(quick) == [])
    assert quick.asked.words.text() == "Wartet auf Ihre Freigabe"
    shown = [w.whole() if isinstance(w, Elided) else w.text() for w in quick.findChildren(QLabel)]
    assert any("Esc schließen" in text for text in shown)
    assert [w.whole() for w in quick.findChildren(Elided) if w.text() != w.whole()] == []


@pytest.mark.usefixtures("german")
def test_german_fits_into_the_activity_window(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> None:
    problem = Problem("x", "Der Server antwortet nicht", "Niemand da.", "Später.", "retry")
    chat = fake.store.add("Notizen", "a", "b")
    for number in range(PAGE + 1):
        fake.work.add("a.b", "FAILURE", error=problem, chat=chat.id, id=f"run{number}")
    fake.work.add("a.b", "PENDING", chat=chat.id, id="waits")
    fake.work.add_schedule("usage", "track_usage_metrics", 900, default_interval=60.0, paused=True)
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as scene:
        window = scene.window
        scene.open()
        for segment in SEGMENTS:
            window.show_segment(segment)
            qtbot.waitUntil(lambda: cut(window) == [])
        window.show_run("waits")
        qtbot.waitUntil(window.details.now_button.isVisible)
        qtbot.waitUntil(lambda: cut(window) == [])
        window.show_schedules()
        qtbot.waitUntil(lambda: bool(window.schedules.rows))
        window.schedules.rows["usage"].change_button.click()
        qtbot.waitUntil(lambda: cut(window) == [])
        bar = window.top.tabs
        assert [bar.tabText(at) for at in (0, 2)] == ["Jetzt", f"Fehlgeschlagen {PAGE}+"]
        qtbot.waitUntil(lambda: bar.width() >= bar.tabRect(bar.count() - 1).right())


@pytest.mark.usefixtures("german")
def test_german_fits_into_routines_their_editor_and_approvals(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> None:
    desk = fake.routine_desk
    made = desk.put("Neues zusammenfassen", paused=True, paused_why="x", failures=3, due=None)
    desk.happened(made.id, "failed", started=desk.now, chat="c", error=Problem("x", "Kein Netz"))
    desk.happened(desk.put("Antworten entwerfen").id, "parked", chat="c", started=desk.now)
    desk.happened(made.id, "asking")
    fake.approval_desk.put()
    with activity_window(bridge, fake, themes, tmp_path, qtbot) as scene:
        window = scene.window
        scene.watch.approvals.load()
        scene.open()
        window.show_schedules()
        qtbot.waitUntil(lambda: bool(window.asked.cards) and window.due.isVisible())
        row = window.routines.rows[made.id]
        row.history_button.click()
        qtbot.waitUntil(lambda: bool(row.history.rows))
        qtbot.waitUntil(lambda: cut(window) == [])
        window.routines.new()
        editor = window.routines.editor
        assert editor is not None
        qtbot.waitUntil(lambda: editor.tool_list.count() > 0)
        for pattern in ("weekly", "monthly", "once", "cron", "rule"):
            editor.when.pattern.choose(pattern)
            qtbot.waitUntil(lambda: cut(editor) == [])
        editor.kind.choose("task")
        qtbot.waitUntil(lambda: cut(editor) == [])
        editor.reject()


@pytest.mark.usefixtures("german")
def test_german_fits_into_the_window_of_reminders(
    bridge: Bridge, fake: FakeClient, themes: ThemeController, tmp_path: Path, qtbot: QtBot
) -> None:
    with reminders_window(bridge, fake, themes, tmp_path, qtbot) as scene:
        window = scene.window
        one = scene.put("Stand-up", {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}, hours=2)
        late = scene.due.put("Rechnung", None)
        scene.due.add_firing(late.id, scene.clock.now)
        scene.open()
        assert scene.said(1) == "Heute, Stand-up, werktags 10:48, 10:48"
        qtbot.waitUntil(window.bar.isVisible)
        qtbot.waitUntil(lambda: cut(window) == [])
        window.line.field.setText("nichts")
        window.line.keep()
        qtbot.waitUntil(window.line.reason.isVisible)
        for view in VIEWS:
            window.show_view(view)
            qtbot.waitUntil(lambda: cut(window) == [])
        window.edit(one)
        qtbot.waitUntil(lambda: cut(window) == [])


@pytest.mark.usefixtures("german")
def test_the_tray_speaks_german_when_it_was_chosen(
    bridge: Bridge, themes: ThemeController, watch: EngineWatch
) -> None:
    tray = Tray(themes, watch, Keys(parent=bridge), bridge)
    said = [action.text() for action in tray.menu.actions() if not action.isSeparator()]
    assert said[2:8] == [
        "Freigaben",
        "Erinnerungen",
        "Aktivität",
        "Nicht stören",
        "Hintergrundarbeit anhalten",
        "Bei der Arbeit wach bleiben",
    ]
    tray.stop()


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("page", PAGES)
def test_german_fits_into_the_settings(make: Maker, page: str) -> None:
    def furnished(made: Furniture) -> None:
        made.models.add("openai", "OpenAI", "https://api.openai.com/v1", "gpt-4o-mini")
        made.models.add("work", "Work", "https://models.example.org/v1", "qwen3:32b", "session")
        made.models.choice = ModelChoice("openai", "gpt-4o-mini")

    scene = make(furnished)
    shown = scene.open(page)
    if page == "models":
        scene.until(lambda: len(shown.rows) == 3)
    scene.until(lambda: cut(scene.window) == [])
