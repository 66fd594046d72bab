"""Cards, toast, popover and the manners of windows."""

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QEnterEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.widgets.badges import section
from nagatha_desktop.widgets.buttons import CopyButton, button
from nagatha_desktop.widgets.cards import Card, EmptyState, ErrorCard, ListRow, rule
from nagatha_desktop.widgets.links import LinkPopover
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.toast import Toast
from nagatha_desktop.widgets.window import Window
from worker.contract.types import Action, Problem

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def words(widget: QWidget) -> list[str]:
    return [each.text() for each in widget.findChildren(QLabel) if each.text()]


def test_an_error_card_says_what_why_and_what_to_do(qtbot: QtBot, themes: ThemeController) -> None:
    card = ErrorCard(
        Problem("wrong_key", "The key was refused", "HTTP 401.", "Check it.", "models")
    )
    qtbot.addWidget(card)
    assert words(card) == ["The key was refused", "HTTP 401.", "Check it."]
    assert card.button.text() == card.button.accessibleName() == "Models and keys"
    with qtbot.waitSignal(card.action_wanted) as pressed:
        card.button.click()
    assert pressed.args == ["models"]


@pytest.mark.parametrize(
    ("action", "word"),
    [
        ("retry", "Try again"),
        ("continue", "Continue"),
        ("wait", "Try again"),
        ("choose_model", "Choose a model"),
        ("new_chat", "New chat"),
        ("settings", "Open settings"),
        ("restore", "Restore a backup"),
    ],
)
def test_every_action_has_a_word(
    qtbot: QtBot, themes: ThemeController, action: Action, word: str
) -> None:
    card = ErrorCard(Problem("x", "X", action=action))
    qtbot.addWidget(card)
    assert card.button.text() == word and card.button.isEnabled()


def test_a_card_without_an_action_has_no_button_but_may_be_dismissed(
    qtbot: QtBot, themes: ThemeController
) -> None:
    card = ErrorCard(Problem("x", "X"), dismissible=True)
    qtbot.addWidget(card)
    assert card.button.isHidden() and card.dismiss.property("role") == "secondary"
    with qtbot.waitSignal(card.dismissed):
        card.dismiss.click()


def test_an_error_card_shows_what_a_server_sent_as_text_and_not_endlessly(
    qtbot: QtBot, themes: ThemeController
) -> None:
    card = ErrorCard(Problem("x", "X", "<b>html</b>\x00" + "y" * 5000))
    qtbot.addWidget(card)
    message = words(card)[1]
    assert message.startswith("<b>html</b>␀y") and len(message) < 1600
    assert card.findChildren(QLabel)[1].textFormat() == Qt.TextFormat.PlainText


def test_a_rate_limit_counts_down_until_it_may_be_tried_again(
    qtbot: QtBot, themes: ThemeController
) -> None:
    clock = Clock()
    problem = Problem("rate_limited", "Busy", action="wait", retry_at=NOW + timedelta(seconds=12))
    card = ErrorCard(problem, clock=clock)
    qtbot.addWidget(card)
    card.show()
    assert card.button.text() == "Try again in 12 s" and not card.button.isEnabled()
    clock.now += timedelta(seconds=4)
    qtbot.waitUntil(lambda: card.button.text() == "Try again in 8 s")
    clock.now += timedelta(minutes=1)
    qtbot.waitUntil(card.button.isEnabled)
    assert card.button.text() == "Try again"


def test_an_empty_place_says_what_to_do_first(qtbot: QtBot, themes: ThemeController) -> None:
    empty = EmptyState("No chats yet", "Ask something.", "New chat")
    qtbot.addWidget(empty)
    assert words(empty) == ["No chats yet", "Ask something."]
    with qtbot.waitSignal(empty.pressed):
        empty.findChildren(QPushButton)[0].click()


def test_rows_and_sections_hold_what_is_put_into_them(
    qtbot: QtBot, themes: ThemeController
) -> None:
    card = Card()
    qtbot.addWidget(card)
    row = ListRow("OpenAI", "https://api.openai.com")
    end = QPushButton("Edit")
    row.add(end)
    for widget in (section("Providers"), row, rule()):
        card.column.addWidget(widget)
    card.show()
    assert words(card) == ["PROVIDERS", "OpenAI", "https://api.openai.com"]
    assert end.x() > row.title.x()


def test_a_toast_offers_to_undo_and_gives_its_token_back(
    qtbot: QtBot, themes: ThemeController
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    toast = Toast(window)
    toast.say("Chat deleted", "Undo", "c1")
    assert toast.isVisible() and toast.accessibleName() == "Chat deleted"
    assert 150 < toast.y() < 300 - toast.height()
    window.resize(600, 500)
    assert toast.y() > 300
    with qtbot.waitSignal(toast.pressed) as undone:
        toast.button.click()
    assert undone.args == ["c1"] and not toast.isVisible()


def test_a_toast_that_another_replaces_has_passed(qtbot: QtBot, themes: ThemeController) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    toast = Toast(window)
    toast.say("One deleted", "Undo", "one")
    with qtbot.waitSignal(toast.passed) as passed:
        toast.say("Two deleted", "Undo", "two")
    assert passed.args == ["one"] and toast.isVisible()


def test_a_toast_goes_by_itself_but_not_under_the_pointer(
    qtbot: QtBot, themes: ThemeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nagatha_desktop.widgets.toast.PASSES", 30)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    toast = Toast(window)
    toast.say("Copied")
    toast.enterEvent(QEnterEvent(QPointF(), QPointF(), QPointF()))
    qtbot.wait(80)
    assert toast.isVisible()
    with qtbot.waitSignal(toast.passed):
        toast.leaveEvent(QEvent(QEvent.Type.Leave))


@pytest.fixture
def popover(qtbot: QtBot, themes: ThemeController) -> LinkPopover:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    made = LinkPopover(window)
    made.holder = window  # type: ignore[attr-defined]
    return made


def test_a_link_is_opened_only_after_its_address_was_seen(
    qtbot: QtBot, popover: LinkPopover
) -> None:
    popover.ask("https://bank.example@evil.example/a?b=1", QPoint(5, 5))
    assert popover.title.text() == "Open this address at evil.example?"
    seen = popover.address.text().replace("\u200b", "")
    assert seen == "https://bank.example@evil.example/a?b=1"
    with qtbot.waitSignal(popover.open_wanted) as wanted:
        popover.open.click()
    assert wanted.args == [QUrl("https://bank.example@evil.example/a?b=1")]
    assert not popover.isVisible()


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"]
)
def test_a_dangerous_address_can_be_copied_only(
    qtbot: QtBot, popover: LinkPopover, address: str
) -> None:
    popover.ask(address, QPoint(5, 5))
    assert popover.open.isHidden()
    with qtbot.assertNotEmitted(popover.open_wanted):
        popover.open.click()
    popover.ask(address, QPoint(5, 5))
    popover.copy.click()
    assert QGuiApplication.clipboard().text() == address


def test_the_popover_stays_on_the_screen(qtbot: QtBot, popover: LinkPopover) -> None:
    room = popover.screen().availableGeometry()
    popover.ask("https://example.org", room.bottomRight())
    assert room.contains(popover.frameGeometry())


class Places:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def load_geometry(self, name: str) -> str:
        return self.kept.get(name, "")

    def save_geometry(self, name: str, geometry: str) -> None:
        self.kept[name] = geometry


def test_a_closed_window_is_hidden_and_comes_back_where_it_was(
    qtbot: QtBot, themes: ThemeController
) -> None:
    places = Places()
    window = Window("chat", "Nagatha", (500, 400), places)
    window.bring_up()
    window.resize(640, 480)
    with qtbot.waitSignal(window.hidden):
        window.close()
    assert not window.isVisible() and places.kept
    again = Window("chat", "Nagatha", (500, 400), places)
    again.bring_up()
    assert (again.width(), again.height()) == (640, 480)
    for each in (window, again):
        each.close_for_good()
        each.deleteLater()


def test_the_place_of_a_window_is_kept_once_it_settles(
    qtbot: QtBot, themes: ThemeController
) -> None:
    places = Places()
    window = Window("chat", "Nagatha", (500, 400), places)
    qtbot.addWidget(window)
    window.bring_up()
    window.resize(555, 444)
    qtbot.waitUntil(lambda: bool(places.kept))
    window.close_for_good()


def test_escape_closes_a_window_unless_it_means_something_else_there(
    qtbot: QtBot, themes: ThemeController
) -> None:
    for closes in (True, False):
        window = Window("w", "W", (300, 200), escape_closes=closes)
        window.bring_up()
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert window.isVisible() is not closes
        window.close_for_good()
        window.deleteLater()


def test_a_broken_place_on_disk_does_no_harm(qtbot: QtBot, themes: ThemeController) -> None:
    places = Places()
    places.kept["w"] = "not base64 ♥"
    window = Window("w", "W", (300, 200), places)
    qtbot.addWidget(window)
    window.bring_up()
    assert (window.width(), window.height()) == (300, 200)
    window.close_for_good()


def test_a_window_is_no_larger_than_the_screen_and_grows_with_the_letters(
    qtbot: QtBot, qapp: QApplication, themes: ThemeController
) -> None:
    window = Window("w", "W", (20_000, 20_000), Places())
    qtbot.addWidget(window)
    window.bring_up()
    room = window.screen().availableSize()
    assert window.width() <= room.width() and window.height() < room.height()
    window.close_for_good()
    before, large = qapp.font(), qapp.font()
    large.setPointSize(22)
    qapp.setFont(large)
    try:
        grown = Window("w", "W", (300, 200))
        qtbot.addWidget(grown)
        assert (grown.width(), grown.height()) == (600, 400)
    finally:
        qapp.setFont(before)


def test_a_toast_leaves_the_same_air_at_both_sides_of_its_words(
    qtbot: QtBot, themes: ThemeController
) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    around.resize(600, 300)
    around.show()
    toast = Toast(around)
    toast.say("Copied.")
    words = toast.words.geometry()
    assert abs(words.left() - (toast.width() - words.right() - 1)) <= 1
    toast.say("It was deleted.", "Undo", "undo:1")
    assert toast.width() - toast.button.geometry().right() < words.left()
    toast._press()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_button_is_pressed_by_enter_and_space(
    qtbot: QtBot, themes: ThemeController, key: Qt.Key
) -> None:
    for made in (button("Go on"), CopyButton("Copy code")):
        qtbot.addWidget(made)
        made.show()
        with qtbot.waitSignal(made.clicked):
            qtbot.keyClick(made, key)
