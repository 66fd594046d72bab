"""Windows without a frame end at their rounded corners, whether the screen is composed or not."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.model_picker import ModelPicker
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.quick_ask import QuickAsk
from nagatha_desktop.widgets.links import LinkPopover
from nagatha_desktop.widgets.theme import ThemeController

Make = Callable[[Bridge, ThemeController, QWidget], QWidget]


def picker(bridge: Bridge, themes: ThemeController, parent: QWidget) -> QWidget:
    made = ModelPicker(Models(bridge, parent), parent)
    made.open_at(("", ""), QPoint(100, 400))
    return made


def quick(bridge: Bridge, themes: ThemeController, parent: QWidget) -> QWidget:
    made = QuickAsk(bridge, ChatList(bridge, parent), themes, ApprovalWatch(bridge, parent))
    made.open()
    return made


def popover(bridge: Bridge, themes: ThemeController, parent: QWidget) -> QWidget:
    made = LinkPopover(parent)
    made.ask("https://example.org", QPoint(100, 100))
    return made


@pytest.mark.parametrize("make", [picker, quick, popover])
def test_a_window_without_a_frame_has_nothing_outside_of_its_corners(
    make: Make, bridge: Bridge, themes: ThemeController, qtbot: QtBot
) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    window = make(bridge, themes, parent)
    qtbot.addWidget(window)
    window.resize(window.width() + 40, window.height() + 40)
    mask = window.mask()
    right, bottom = window.width() - 1, window.height() - 1
    assert not mask.isEmpty()
    assert not any(mask.contains(QPoint(x, y)) for x in (0, right) for y in (0, bottom))
    assert mask.contains(window.rect().center()) and mask.contains(QPoint(0, bottom // 2))
    window.close()
