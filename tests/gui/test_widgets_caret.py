"""The caret that stands still when nothing is typed."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.widgets.caret import CalmCaret

BLINKS = 1000


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    """The application with a caret that blinks; what it had comes back."""
    hints = qapp.styleHints()
    before = hints.cursorFlashTime()
    hints.setCursorFlashTime(BLINKS)
    yield qapp
    hints.setCursorFlashTime(before)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """A window with two fields and a button."""
    made = QWidget()
    qtbot.addWidget(made)
    made.box, made.line = QPlainTextEdit(made), QLineEdit(made)  # type: ignore[attr-defined]
    made.button = QPushButton(made)  # type: ignore[attr-defined]
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.button.setFocus()  # type: ignore[attr-defined]
    return made


def test_a_caret_that_does_not_move_stands_still_until_something_is_typed(
    app: QApplication, window: QWidget, qtbot: QtBot
) -> None:
    caret = CalmCaret(app, window)
    caret._timer.setInterval(0)
    hints = app.styleHints()
    box: QPlainTextEdit = window.box  # type: ignore[attr-defined]
    with qtbot.waitSignal(hints.cursorFlashTimeChanged):
        box.setFocus()
    assert hints.cursorFlashTime() == 0
    caret._timer.setInterval(60_000)
    qtbot.keyClick(box, Qt.Key.Key_A)
    assert hints.cursorFlashTime() == BLINKS


def test_a_field_that_gets_the_focus_blinks_again_and_a_button_starts_no_clock(
    app: QApplication, window: QWidget, qtbot: QtBot
) -> None:
    caret = CalmCaret(app, window)
    hints = app.styleHints()
    window.box.setFocus()  # type: ignore[attr-defined]
    caret._stand_still()
    window.line.setFocus()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: hints.cursorFlashTime() == BLINKS)
    assert caret._timer.isActive()
    window.button.setFocus()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: not caret._timer.isActive())


def test_carets_that_never_blink_are_left_alone(app: QApplication, window: QWidget) -> None:
    app.styleHints().setCursorFlashTime(0)
    caret = CalmCaret(app, window)
    window.box.setFocus()  # type: ignore[attr-defined]
    assert app.styleHints().cursorFlashTime() == 0
    assert not caret._timer.isActive()
