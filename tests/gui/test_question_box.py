"""A question looks like the rest of the program: a heading, what it means, and both at the edge."""

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from nagatha_desktop.widgets.question_box import question_box
from nagatha_desktop.widgets.theme import ThemeController


@pytest.mark.parametrize("more", ["It goes on at the next start.", ""])
def test_a_question_and_what_it_means_stand_where_its_buttons_begin(
    more: str, qtbot: QtBot, themes: ThemeController
) -> None:
    box = question_box(None, "Quit", "Something is still at work", more)
    qtbot.addWidget(box)
    box.addButton("Keep running", QMessageBox.ButtonRole.RejectRole)
    box.show()
    qtbot.waitExposed(box)
    said = {label.text(): label for label in box.findChildren(QLabel) if label.text()}
    assert list(said) == [text for text in ("Something is still at work", more) if text]
    (buttons,) = box.findChildren(QDialogButtonBox)
    assert {label.x() for label in said.values()} == {buttons.x()}
    assert said["Something is still at work"].font().bold()
    assert more == "" or not said[more].font().bold()
