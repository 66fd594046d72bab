"""A tool that waits for a person's word: what it wants, and the answers that can be given.

Owns the card, its layout in narrow and wide places, and the words for what was decided. Who
passes the answer on is told by signals; knows no engine.
"""

import json
from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QWidget

from nagatha_desktop.approvals import is_open
from nagatha_desktop.widgets.badges import Badge, label, wrapped
from nagatha_desktop.widgets.buttons import button, icon_button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.markdown import Looks
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import one_line, shown
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.routines import Approval
from worker.contract.types import Problem

_LINES = 14
"""Lines of the arguments that are seen before they scroll."""
_TITLE = 120
_WHY = 600
_FIELD = MEASURES.grid * 20
"""The least width of the field beside the buttons; with less room it has a row of its own."""
_GRID = MEASURES.grid
_SIDE = MEASURES.grid * 3 // 2


def waited(approval: Approval, now: datetime) -> str:
    """How long an approval waits by now: "4:52", "3 h 12 min", "2 d 4 h"."""
    passed = max(0, int((now - approval.asked).total_seconds()))
    if passed < 3600:
        return f"{passed // 60}:{passed % 60:02}"
    if passed < 86_400:
        return f"{passed // 3600} h {passed % 3600 // 60} min"
    return QCoreApplication.translate("ApprovalCard", "{days} d {hours} h").format(
        days=passed // 86_400, hours=passed % 86_400 // 3600
    )


def outcome(approval: Approval) -> tuple[str, Tone, str]:
    """What became of an answered approval: a word, its colour, and a sentence."""
    translate = QCoreApplication.translate
    if approval.verdict == "once":
        return (
            translate("ApprovalCard", "Allowed once"),
            "ok",
            translate("ApprovalCard", "You allowed this call."),
        )
    if approval.verdict == "always":
        return (
            translate("ApprovalCard", "Allowed always"),
            "ok",
            translate(
                "ApprovalCard",
                "This tool is not asked about any more. Settings › Data and privacy takes it back.",
            ),
        )
    if approval.verdict == "deny" and approval.instead.strip():
        return (
            translate("ApprovalCard", "Denied"),
            "bad",
            translate("ApprovalCard", "You said instead: {text}").format(
                text=shown(approval.instead).strip()
            ),
        )
    if approval.verdict == "deny":
        return (
            translate("ApprovalCard", "Denied"),
            "bad",
            translate("ApprovalCard", "The tool was not called."),
        )
    return (
        translate("ApprovalCard", "Expired"),
        "muted",
        translate(
            "ApprovalCard",
            "What asked for it ended meanwhile. The tool was not called, and there is nothing "
            "left to answer.",
        ),
    )


class ApprovalCard(QFrame):
    """One approval. Whoever shows it asks for its height at a width, or lets a layout do so."""

    answered = Signal(str, str, str)
    """An answer was given: the approval's id, the `Verdict`, and what to do instead."""
    height_changed = Signal()

    def __init__(
        self,
        approval: Approval,
        look: Looks,
        themes: ThemeController,
        clock: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_role(self, "tool")
        self.approval = approval
        self._look = look
        self._themes = themes
        self._clock = clock
        self._sending = False
        self.title = label(one_line(approval.tool, _TITLE), "strong", self)
        self.why = wrapped(one_line(approval.why, _WHY), "small", self)
        self.time = label("", "small", self)
        self.badge = Badge("", "muted", self)
        self.toggle = icon_button(themes, "right", "", self, colour="muted")
        self.toggle.clicked.connect(self._toggle)
        self.detail: QPlainTextEdit | None = None
        named = self.title.text()
        self.once = button(self.tr("Allow once"), "primary", self)
        self.always = button(self.tr("Always for this tool"), "secondary", self)
        self.deny = button(self.tr("Deny"), "secondary", self)
        self.instead = QLineEdit(self)
        self.instead.setPlaceholderText(self.tr("Do this instead …"))
        self.instead.setAccessibleName(
            self.tr("What to do instead of “{tool}”; Enter denies and says so").format(tool=named)
        )
        self.instead.installEventFilter(self)
        for made in (self.once, self.always, self.deny):
            made.setAccessibleName(f"{made.text()}: {named}")
            made.clicked.connect(self._pressed)
        self.instead.returnPressed.connect(self._say_instead)
        self.words = wrapped("", "small", self)
        self.trouble = wrapped("", "small", self)
        set_role(self.trouble, "word", "bad")
        self._name_toggle()
        self.put(approval)

    # -- what it shows ----------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return is_open(self.approval)

    @property
    def answers(self) -> tuple[QWidget, ...]:
        """What an answer is given with, in the order of Tab."""
        always = (self.always,) if self.approval.may_always else ()
        return (self.once, *always, self.deny, self.instead)

    def put(self, approval: Approval) -> None:
        """Show it as it is now."""
        self.approval = approval
        waits = self.open
        had_focus = any(part.hasFocus() for part in (self.once, self.always, self.deny))
        for part in (self.once, self.always, self.deny, self.instead):
            part.setVisible(waits and part in self.answers)
        self.time.setVisible(waits)
        self.badge.setVisible(not waits)
        self.words.setVisible(not waits)
        if waits:
            self.tick()
        else:
            self._sending = False
            self.trouble.clear()
            word, tone, sentence = outcome(approval)
            self.badge.say(word, tone)
            self.words.setText(sentence)
            if had_focus or self.instead.hasFocus():
                self.toggle.setFocus()
        self._enable()
        self.trouble.setVisible(bool(self.trouble.text()))
        state = self.tr("waits for your answer") if waits else self.badge.text()
        self.setAccessibleName(
            self.tr("Approval, {tool}: {state}").format(tool=self.title.text(), state=state)
        )
        self.setAccessibleDescription(self.why.text())
        self._changed()

    def tick(self) -> bool:
        """Count on how long it waits; False once it was answered."""
        if self.open:
            text = self.tr("waits {time}").format(time=waited(self.approval, self._clock()))
            if len(text) != len(self.time.text()):
                self.time.setText(text)
                self._place(self.width())
            else:
                self.time.setText(text)
        return self.open

    def tell(self, problem: Problem) -> None:
        """The answer could not be passed on; it can be given again unless it is gone."""
        self._sending = False
        if self.open:
            parts = (problem.title.rstrip("."), problem.message.rstrip("."), problem.remedy)
            self.trouble.setText(shown(". ".join(part for part in parts if part)))
            self.trouble.show()
        self._enable()
        self._changed()

    def set_looks(self, look: Looks) -> None:
        """Show it in another theme or font."""
        self._look = look
        if self.detail is not None:
            self.detail.setFont(look.fixed)

    # -- where it stands --------------------------------------------------------------------------

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(width)

    def height_for(self, width: int) -> int:
        """Its height at `width`; everything in it is put in its place."""
        return self._place(width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(event.size().width())

    def _place(self, width: int) -> int:
        inner = max(1, width - 2 * _SIDE)
        top = self._place_head(width)
        if self.detail is not None:
            high = self.detail.minimumHeight()
            self.detail.setGeometry(_SIDE, top, inner, high)
            top += high + _GRID
        if not self.open:
            return self._put_line(self.words, top, inner) + MEASURES.half
        top = self._place_answers(top, inner)
        if self.trouble.text():
            top = self._put_line(self.trouble, top, inner)
        return top + MEASURES.half

    def _place_head(self, width: int) -> int:
        """Title, what it wants, and the time in one line; what it wants below if that is long."""
        height = MEASURES.button + MEASURES.half
        for part in (self.title, self.why, self.time, self.badge):
            part.ensurePolished()
        right = width - MEASURES.half - MEASURES.target
        self.toggle.setGeometry(right, (height - MEASURES.target) // 2, *([MEASURES.target] * 2))
        state = self.time if self.open else self.badge
        wide, high = state.sizeHint().width(), state.sizeHint().height()
        right -= wide + _GRID
        state.setGeometry(right, (height - high) // 2, wide, high)
        room = right - _GRID - _SIDE
        title = min(self.title.sizeHint().width(), max(1, room))
        self.title.setGeometry(_SIDE, 0, title, height)
        text = self.why.fontMetrics().horizontalAdvance(self.why.text()) + MEASURES.half
        beside = bool(self.why.text()) and title + _GRID + text <= room
        if beside:
            self.why.setGeometry(_SIDE + title + _GRID, 0, room - title - _GRID, height)
            self.why.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        elif self.why.text():
            self.why.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            return self._put_line(self.why, height, max(1, width - 2 * _SIDE))
        return height

    def _put_line(self, part: QWidget, top: int, width: int) -> int:
        part.ensurePolished()
        high = part.heightForWidth(width)
        part.setGeometry(_SIDE, top, width, high)
        return top + high + _GRID

    def _place_answers(self, top: int, inner: int) -> int:
        at, high = _SIDE, MEASURES.button
        end = _SIDE + inner
        for made in self.answers:
            made.ensurePolished()
            field = made is self.instead
            wide = _FIELD if field else made.sizeHint().width()
            if at > _SIDE and at + wide > end:
                at, top = _SIDE, top + high + _GRID
            if field:
                wide = end - at
            made.setGeometry(at, top, min(wide, inner), high)
            at += wide + _GRID
        return top + high + _GRID

    def _changed(self) -> None:
        self._place(self.width())
        self.updateGeometry()
        self.height_changed.emit()

    # -- the arguments ----------------------------------------------------------------------------

    @Slot()
    def _toggle(self) -> None:
        if self.detail is None:
            self._unfold()
        else:
            self.detail.hide()
            self.detail.deleteLater()
            self.detail = None
        self._name_toggle()
        self._changed()

    def _name_toggle(self) -> None:
        name = self.tr("Hide details") if self.detail is not None else self.tr("Show details")
        self.toggle.setIcon(icon(self._themes, "down" if self.detail else "right", "muted"))
        self.toggle.setToolTip(name)
        self.toggle.setAccessibleName(f"{name}: {self.title.text()}")

    def _unfold(self) -> None:
        view = QPlainTextEdit(self)
        set_role(view, "code-input")
        view.setReadOnly(True)
        view.setFont(self._look.fixed)
        view.setAccessibleName(self.tr("Asked with: {tool}").format(tool=self.title.text()))
        given = dict(self.approval.arguments)
        view.setPlainText(shown(json.dumps(given, indent=2, ensure_ascii=False, default=str)))
        view.setTabChangesFocus(True)
        view.ensurePolished()
        lines = min(_LINES, view.document().blockCount())
        view.setFixedHeight(lines * view.fontMetrics().lineSpacing() + _GRID * 3)
        view.show()
        QWidget.setTabOrder(self.toggle, view)
        self.detail = view

    # -- answering --------------------------------------------------------------------------------

    def _enable(self) -> None:
        for part in self.answers:
            part.setEnabled(not self._sending)

    @Slot()
    def _pressed(self) -> None:
        verdicts = {self.once: "once", self.always: "always", self.deny: "deny"}
        sender = next((made for made in verdicts if made is self.sender()), None)
        if sender is not None:
            self._send(verdicts[sender], "")

    @Slot()
    def _say_instead(self) -> None:
        text = self.instead.text().strip()
        if text:
            self._send("deny", text)

    def _send(self, verdict: str, instead: str) -> None:
        if self._sending or not self.open:
            return
        self._sending = True
        self.trouble.clear()
        self.trouble.hide()
        self._enable()
        self.answered.emit(self.approval.id, verdict, instead)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self.instead or not isinstance(event, QKeyEvent):
            return False
        if event.key() != Qt.Key.Key_Escape or not self.instead.text():
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # Esc is the window's key for other things
            return True
        if event.type() == QEvent.Type.KeyPress:
            self.instead.clear()
            return True
        return False
