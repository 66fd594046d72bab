"""What the answer in quick ask may only do when the person agrees.

Owns what is shown of it: the card of the one call that waits, or where several wait, which they
are and the way to the chat where their cards are. It knows the watch of approvals and whose
answer is shown; no model, and not the window that it stands in.
"""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.approvals import ApprovalWatch, is_open
from nagatha_desktop.widgets.approval_card import ApprovalCard
from nagatha_desktop.widgets.badges import Elided
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import utc_now
from nagatha_desktop.widgets.markdown import looks
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.routines import Approval, Verdict
from worker.contract.types import Problem

_VERDICTS: dict[str, Verdict] = {"once": "once", "always": "always", "deny": "deny"}
_SECOND = 1_000
_TOOL = 80
"""Characters of a tool's name that are shown."""


class QuickAsked(QWidget):
    """Is there only while something waits; see the module."""

    changed = Signal()
    """Something else waits, or it has another height."""
    left = Signal()
    """The keyboard was in what is gone."""
    chat_wanted = Signal()
    """Open the chat, where the cards are."""

    def __init__(
        self,
        watch: ApprovalWatch,
        themes: ThemeController,
        parent: QWidget | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`clock` must be aware."""
        super().__init__(parent)
        self._watch = watch
        self._themes = themes
        self._clock = clock
        self._message = ""
        self._waiting: tuple[Approval, ...] = ()
        self.card: ApprovalCard | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(MEASURES.grid)
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.words = Elided("", "muted", self)
        self.open_button = button(self.tr("Open in chat"), "secondary", self)
        self.open_button.clicked.connect(self.chat_wanted)
        row.addWidget(self.words, 1)
        row.addWidget(self.open_button)
        self._column.addLayout(row)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_SECOND)
        self._ticks.timeout.connect(self._tick)
        self.hide()
        watch.told.connect(self._told)
        watch.changed.connect(self._look)
        themes.changed.connect(self._theme_changed)

    @property
    def waits(self) -> bool:
        """Whether the answer waits for the person."""
        return bool(self._waiting)

    def show_for(self, message: str) -> None:
        """Show what waits in this answer (its id); "" for none."""
        if message != self._message:
            self._message = message
            self._look()

    def fit(self) -> None:
        """Reckon anew how high it is."""
        self._column.invalidate()
        self._column.activate()

    @Slot(object)
    def _told(self, approval: Approval) -> None:
        if approval.message == self._message:
            self._look()

    @Slot()
    def _look(self) -> None:
        found = self._watch.of_message(self._message) if self._message else ()
        waiting = tuple(approval for approval in found if is_open(approval))
        if waiting == self._waiting:
            return
        self._waiting = waiting
        focused = self.window().focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        # A press that was meant for this card must not hit the next one.
        self._show_card(waiting[0] if len(waiting) == 1 else None)
        self._say()
        self.setVisible(bool(waiting))
        if had_focus:
            self.left.emit()
        self.changed.emit()

    def _show_card(self, approval: Approval | None) -> None:
        if self.card is not None and approval is not None and self.card.approval.id == approval.id:
            self.card.put(approval)
            return
        if self.card is not None:
            self._column.removeWidget(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = None
        if approval is not None:
            look = looks(self._themes.current, self.font())
            self.card = ApprovalCard(approval, look, self._themes, self._clock, self)
            self.card.answered.connect(self._answer)
            self.card.height_changed.connect(self.changed)
            self._column.addWidget(self.card)
        self._count()

    def _say(self) -> None:
        if self.card is not None:
            text = self.tr("Waits for your approval")
        else:
            tools = ", ".join(one_line(approval.tool, _TOOL) for approval in self._waiting)
            text = self.tr("Waits for your approval: {tools}").format(tools=tools)
        self.words.set_text(text if self._waiting else "")
        self.setAccessibleName(text if self._waiting else "")

    @Slot(str, str, str)
    def _answer(self, approval: str, verdict: str, instead: str) -> None:
        card = self.card

        def refused(problem: Problem) -> None:
            if card is not None and card is self.card:
                card.tell(problem)

        self._watch.answer(approval, _VERDICTS[verdict], instead, refused)

    # -- how long it waits ------------------------------------------------------------------------

    def _count(self) -> None:
        if self.card is not None and self.isVisible():
            self._ticks.start()
        else:
            self._ticks.stop()

    @Slot()
    def _tick(self) -> None:
        if self.card is not None:
            self.card.tick()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tick()
        self._count()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticks.stop()

    @Slot(object)
    def _theme_changed(self, _: object) -> None:
        if self.card is not None:
            self.card.set_looks(looks(self._themes.current, self.font()))
