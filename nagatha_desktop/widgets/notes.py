"""Small windows in the corner of the screen that say what the desktop itself cannot.

Owns their look, their places above each other, and when they go. They never take the keyboard.
Knows not what they speak of.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QEnterEvent,
    QGuiApplication,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from nagatha_desktop.platform.system_notifications import Answer, Notification
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button, icon_button
from nagatha_desktop.widgets.corners import cut_corners
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import shown
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES

STAYS = 12_000
"""Milliseconds that one is shown which need not be answered."""
WIDTH = 340
_EDGE = MEASURES.grid * 2


class Note(QFrame):
    """One of them. A click opens what it speaks of."""

    def __init__(
        self,
        notification: Notification,
        themes: ThemeController,
        answered: Callable[[Answer], None],
        gone: Callable[["Note"], None],
    ) -> None:
        """`answered` is called when a person answers, `gone` whenever it is shown no more."""
        kinds = Qt.WindowType
        super().__init__(
            None,
            kinds.Tool
            | kinds.FramelessWindowHint
            | kinds.WindowStaysOnTopHint
            | kinds.WindowDoesNotAcceptFocus,
        )
        self.notification = notification
        self._answered = answered
        self._gone = gone
        self._over = False
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        set_role(self, "toast")
        self.setWindowTitle(self.tr("Nagatha"))
        self.setAccessibleName(f"{notification.title}. {notification.text}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._lay_out(notification, themes)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(STAYS)
        self._timer.timeout.connect(self._pass)
        self.setFixedWidth(WIDTH)
        self.adjustSize()

    def _lay_out(self, notification: Notification, themes: ThemeController) -> None:
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, MEASURES.grid, MEASURES.grid, side)
        column.setSpacing(MEASURES.half)
        head = QHBoxLayout()
        title = label(shown(notification.title), "strong")
        title.setWordWrap(True)
        head.addWidget(title, 1)
        self.close_button = icon_button(themes, "close", self.tr("Close"))
        self.close_button.clicked.connect(self._close)
        head.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        if notification.text:
            text = label(shown(notification.text), "muted")
            text.setWordWrap(True)
            column.addWidget(text)
        self.buttons = {
            action.id: button(action.title, name=f"{action.title}: {notification.title}")
            for action in notification.actions
        }
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        for made in self.buttons.values():
            made.clicked.connect(self._press)
            row.addWidget(made)
        row.addStretch(1)
        if self.buttons:
            column.addSpacing(MEASURES.half)
            column.addLayout(row)

    def appear(self) -> None:
        """Be seen, and read out where somebody listens."""
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self._wait()

    def go(self) -> None:
        """Be seen no more."""
        self._timer.stop()
        self.hide()
        self._gone(self)
        self.deleteLater()

    def _wait(self) -> None:
        if not self.notification.stays and not self._over:
            self._timer.start()

    def _answer(self, answer: Answer) -> None:
        self.go()
        self._answered(answer)

    @Slot()
    def _press(self) -> None:
        sender = self.sender()
        for action, made in self.buttons.items():
            if made is sender:
                self._answer(Answer(self.notification.id, "pressed", action))
                return

    @Slot()
    def _close(self) -> None:
        self._answer(Answer(self.notification.id, "dismissed"))

    @Slot()
    def _pass(self) -> None:
        self.go()

    def enterEvent(self, event: QEnterEvent) -> None:
        # Nothing goes from under the pointer.
        self._over = True
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        self._over = False
        if self.isVisible():
            self._wait()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.rect().contains(event.position().toPoint()):
            self._answer(Answer(self.notification.id, "clicked"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        cut_corners(self)


class Notes:
    """All of them, above each other in the lower right corner, the oldest lowest.

    Those that the screen has no room for wait until there is some.
    """

    def __init__(self, themes: ThemeController, answered: Callable[[Answer], None]) -> None:
        """`answered` is told what a person does with one."""
        self._themes = themes
        self._answered = answered
        self.notes: list[Note] = []

    def show(self, notification: Notification) -> None:
        """Show it, in the place of one with the same id."""
        before = self._find(notification.id)
        made = Note(notification, self._themes, self._answered, self._gone)
        if before is None:
            self.notes.append(made)
        else:
            self.notes[self.notes.index(before)] = made
            before.go()
        self._place()

    def take_away(self, id: str) -> None:
        """Show it no more; nothing where it is not shown."""
        found = self._find(id)
        if found is not None:
            found.go()

    def stop(self) -> None:
        """Take all away."""
        notes, self.notes = self.notes, []
        for note in notes:
            note.go()

    def _find(self, id: str) -> Note | None:
        return next((note for note in self.notes if note.notification.id == id), None)

    def _gone(self, note: Note) -> None:
        if note in self.notes:
            self.notes.remove(note)
            self._place()

    def _place(self) -> None:
        screen = QGuiApplication.primaryScreen()
        if screen is None:
            return
        room = screen.availableGeometry()
        lower = room.bottom() - _EDGE
        for at, note in enumerate(self.notes):
            top = lower - note.height()
            if at and top < room.top() + _EDGE:
                return
            note.move(room.right() - note.width() - _EDGE, top)
            lower = top - MEASURES.grid
            if not note.isVisible():
                note.appear()
