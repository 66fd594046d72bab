"""The line on top: a reminder in a person's own words, and what was understood of them.

Owns the field, asking the engine what a line means while it is written, and keeping it. The line is
emptied only when what stands in it was kept.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.reminders import words
from nagatha_desktop.widgets.badges import Elided, wrapped
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.style import restyle, set_role
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.errors import InvalidInput, TooLarge
from worker.contract.reminders import Reminder, Understood
from worker.contract.types import Problem

ASK_AFTER = 150
"""Milliseconds of rest after which the engine is asked what a line means."""
_OF_THE_LINE = (InvalidInput.default_kind, TooLarge.default_kind, "not_understood")
"""Problems (by kind) that another line mends."""
_SHARE = 0.6
"""The share of the line that what was understood may take."""


class QuickLine(QWidget):
    """See the module."""

    kept = Signal(object)
    """What stood in the line was kept (Reminder)."""
    failed = Signal(object)
    """The engine could not keep it, for a reason that is not the line's (Problem)."""
    left = Signal()
    """The keyboard wants to go on to the list."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Callable[[], datetime],
        wall: Wall,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._clock = clock
        self._wall = wall
        self._asking: Call | None = None
        self._keeping: Call | None = None
        self._about: tuple[str, Understood] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MEASURES.half)
        self.field = QLineEdit()
        self.field.setMinimumHeight(MEASURES.button + MEASURES.grid)
        self.field.setAccessibleName(self.tr("New reminder"))
        self.field.setPlaceholderText(self.tr("Remind me of … at …"))
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self.keep)
        self.field.installEventFilter(self)
        column.addWidget(self.field)
        self.meaning = Elided("", "word", self.field)
        self.meaning.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.meaning.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.meaning.hide()
        self.reason = wrapped("", "word")
        set_role(self.reason, "word", "warn")
        self.reason.hide()
        column.addWidget(self.reason)
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(ASK_AFTER)
        self._ask.timeout.connect(self._understand)

    @property
    def text(self) -> str:
        """What stands in the line."""
        return self.field.text().strip()

    def stop(self) -> None:
        """Nobody looks: ask nothing more. What stands in the line stays."""
        self._ask.stop()
        self._forget_answer()

    # -- what it means ----------------------------------------------------------------------------

    @Slot()
    def _typed(self) -> None:
        self._forget_answer()
        self._invalid(False)
        self.reason.hide()
        if not self.text:
            self._ask.stop()
            self._say("", "")
        else:
            if self._about is not None and self._about[0] != self.text:
                self._say("", "")
            self._ask.start()

    def _forget_answer(self) -> None:
        """An answer that is still under way is about another line."""
        call, self._asking = self._asking, None
        if call is not None:
            call.cancel()

    @Slot()
    def _understand(self) -> None:
        text = self.text
        if not text:
            return

        def done(found: Understood) -> None:
            self._asking = None
            if text == self.text:
                self._about = (text, found)
                self._show(found)

        def failed(problem: Problem) -> None:
            self._asking = None
            # Whoever presses Enter is told; while a line is written nothing may get in the way.
            self._say("", "")

        self._asking = self._bridge.call(
            lambda client: client.reminders.understand(text), owner=self, done=done, failed=failed
        )

    def _show(self, found: Understood) -> None:
        if found.due is None:
            self._say(self.tr("did not understand"), "warn", found.understood)
            return
        meant = words.understood(found.rrule, found.start, found.due, self._clock(), self._wall)
        self._say(self.tr("→ {meaning} ↵").format(meaning=meant), "accent")

    def refresh(self) -> None:
        """Time has passed: ask again, "in 20 minutes" is another moment now."""
        if self.text and self._about is not None and self._asking is None:
            self._understand()

    def _say(self, text: str, tone: str, more: str = "") -> None:
        if not text:
            self._about = None
        set_role(self.meaning, "word", tone)
        self.meaning.set_text(text)
        self.field.setToolTip(more)
        self.meaning.setVisible(bool(text))
        self.field.setAccessibleDescription(" ".join(part for part in (text, more) if part))
        self._place()

    def _place(self) -> None:
        field = self.field
        wanted = self.meaning.fontMetrics().horizontalAdvance(self.meaning.whole())
        side = MEASURES.grid * 3 // 2
        width = min(wanted + MEASURES.half, round(field.width() * _SHARE))
        shown = bool(self.meaning.whole())
        field.setTextMargins(MEASURES.half, 0, width + side if shown else 0, 0)
        self.meaning.setGeometry(field.width() - width - side, 0, width, field.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Down:
                self.left.emit()
                return True
            if event.key() == Qt.Key.Key_Escape and self.field.text():
                self.field.clear()
                return True
        return False

    # -- keeping it -------------------------------------------------------------------------------

    @Slot()
    def keep(self) -> None:
        """Enter: keep what the line means, or say that it was not understood."""
        text = self.text
        if not text or self._keeping is not None:
            return

        def done(reminder: Reminder) -> None:
            self._keeping = None
            if self.text == text:
                self.field.clear()
            self.kept.emit(reminder)

        def failed(problem: Problem) -> None:
            self._keeping = None
            if problem.kind in _OF_THE_LINE:
                self._refuse(problem)
            else:
                self.failed.emit(problem)

        self._keeping = self._bridge.call(
            lambda client: client.reminders.remind(text), owner=self, done=done, failed=failed
        )

    def _refuse(self, problem: Problem) -> None:
        self._ask.stop()
        self._forget_answer()
        self._say(self.tr("did not understand"), "warn")
        self._invalid(True)
        reasons = (problem.message or problem.title, problem.remedy)
        hint = self.tr("Say when, for example “pay rent every 1st at 9”.")
        said = " ".join(part.strip() for part in reasons if part.strip())
        self.reason.setText(f"{said} {hint}" if not problem.remedy else said)
        self.reason.show()

    def _invalid(self, wrong: bool) -> None:
        if bool(self.field.property("invalid")) != wrong:
            self.field.setProperty("invalid", wrong)
            restyle(self.field)
