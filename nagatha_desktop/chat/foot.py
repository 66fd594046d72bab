"""The line below a message: what it cost, and what can be done with it.

Owns its words and buttons. What they do is decided by the message and its owner.
"""

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from nagatha_desktop.widgets.badges import Badge, Elided, label
from nagatha_desktop.widgets.buttons import CopyButton, button
from nagatha_desktop.widgets.text import count, seconds, shown
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Message

_GAP = "\u2003"
_ANY_WIDTH = 16_777_215
"""Qt's own limit."""
_DAY = 24 * 3600


class Foot(QWidget):
    """Model, tokens and time at the left; Copy, Retry, Edit and the versions at the right."""

    copy_wanted = Signal()
    retry_wanted = Signal()
    edit_wanted = Signal()
    version_wanted = Signal(str)
    """The id of the version to show."""

    def __init__(self, parent: QWidget, *, answer: bool) -> None:
        super().__init__(parent)
        self._message: Message | None = None
        self._quiet = not answer
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._row = row
        self.words = Elided("", "small")
        row.addWidget(self.words, 1)
        self.again: QPushButton | None = None
        row.addStretch(0)
        self.copy = CopyButton(self.tr("Copy message"), self)
        self.copy.clicked.connect(self.copy_wanted)
        row.addWidget(self.copy)
        self.retry: QPushButton | None = None
        if answer:
            self.retry = self._button(self.tr("Retry"), self.tr("Ask again"))
            self.retry.clicked.connect(self.retry_wanted)
        self.edit = self._button(self.tr("Edit"), self.tr("Edit the question"))
        self.edit.clicked.connect(self.edit_wanted)
        self.older: QPushButton | None = None
        self.newer: QPushButton | None = None
        self._number: QLabel | None = None
        self.show_tools(False)

    def set_message(self, message: Message, words: str) -> None:
        """Show `words` and the buttons that `message` can have."""
        self._message = message
        self._set_again(message.cached is not None)
        self.set_words(words)
        busy = message.state == "streaming"
        if self.retry is not None:
            self.copy.setVisible(bool(message.text))
            self.retry.setVisible(not busy)
            self.edit.setVisible(not busy and message.parent is not None)
        if message.versions > 1:
            self._set_versions(message)
        elif self.older is not None and self._number is not None and self.newer is not None:
            for widget in (self.older, self._number, self.newer):
                widget.hide()

    def set_words(self, words: str) -> None:
        """Change only what stands at the left."""
        if self.again is None:
            self.words.set_text(words)
            return
        # The link follows the last word.
        self.words.set_text(f"{words} ·")
        width = self.words.fontMetrics().horizontalAdvance(self.words.whole())
        self.words.setMaximumWidth(width + MEASURES.half)

    def _set_again(self, on: bool) -> None:
        """The link behind the age of an answer that was used again."""
        if on and self.again is None:
            self.again = button(self.tr("ask again"), "quiet", self)
            self.again.setToolTip(self.tr("Ask the model again"))
            self._row.insertWidget(1, self.again)
            self.again.clicked.connect(self.retry_wanted)
        elif not on and self.again is not None:
            self.again.deleteLater()
            self.again = None
            self.words.setMaximumWidth(_ANY_WIDTH)

    def show_tools(self, on: bool) -> None:
        """Of a question only its versions are always there; the rest comes with the pointer."""
        if self._quiet:
            self.copy.setVisible(on)
            self.edit.setVisible(on)

    def room_wanted(self) -> int:
        """The width of its buttons, whether they are shown now or not."""
        widgets = [self.copy, self.edit, self.older, self._number, self.newer]
        return sum(widget.sizeHint().width() for widget in widgets if widget is not None)

    def _set_versions(self, message: Message) -> None:
        if self.older is None or self._number is None or self.newer is None:
            self.older = self._button("‹", self.tr("Earlier version"))
            self._number = label("", "small", self)
            self._row.addWidget(self._number)
            self.newer = self._button("›", self.tr("Later version"))
            self.older.clicked.connect(self._show_older)
            self.newer.clicked.connect(self._show_newer)
        for widget in (self.older, self._number, self.newer):
            widget.show()
        self._number.setText(f"{message.version}/{message.versions}")
        self._number.setAccessibleName(
            self.tr("Version {one} of {all}").format(one=message.version, all=message.versions)
        )
        self.older.setEnabled(message.version > 1)
        self.newer.setEnabled(message.version < message.versions)

    def _button(self, text: str, name: str) -> QPushButton:
        made = button(text, "quiet", self, name=name)
        made.setToolTip(name if name != text else "")
        self._row.addWidget(made)
        return made

    @Slot()
    def _show_older(self) -> None:
        self._show(-1)

    @Slot()
    def _show_newer(self) -> None:
        self._show(1)

    def _show(self, step: int) -> None:
        message = self._message
        if message is None:
            return
        wanted = message.version - 1 + step
        if 0 <= wanted < message.versions:
            self.version_wanted.emit(message.siblings[wanted])


class StateRow(QWidget):
    """Says that an answer is not whole, with the button that goes on."""

    def __init__(self, message: Message, parent: QWidget, *, resume: bool) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(MEASURES.grid)
        if message.state == "stopped":
            row.addWidget(Badge(self.tr("Stopped"), "muted"))
        elif message.state == "interrupted":
            row.addWidget(Badge(self.tr("Interrupted"), "warn"))
        else:
            row.addWidget(Badge(self.tr("Failed"), "bad"))
        self.resume = button(self.tr("Continue"), "secondary")
        self.resume.setVisible(resume and bool(message.text))
        row.addWidget(self.resume)
        row.addStretch(1)


def cost_words(message: Message, now: datetime) -> str:
    """Model, tokens and seconds of an answer, what is not known left out; of one that was used
    again its age."""
    parts = [shown(message.model)] if message.model else []
    if message.cached is not None:
        return _GAP.join([*parts, age_words(message.cached, now)])
    usage = message.usage
    if usage is not None:
        words = QCoreApplication.translate("Foot", "{input} → {output} tokens")
        if usage.estimated:
            words = QCoreApplication.translate("Foot", "about {input} → {output} tokens")
        parts.append(words.format(input=count(usage.input), output=count(usage.output)))
    if message.seconds is not None:
        parts.append(seconds(message.seconds))
    return _GAP.join(parts)


def age_words(given: datetime, now: datetime) -> str:
    """When an answer that was used again was first given."""
    age = max(0.0, (now - given).total_seconds())
    if age < 60:
        return QCoreApplication.translate("Foot", "from just now")
    if age < 3600:
        words = QCoreApplication.translate("Foot", "from {minutes} min ago")
        return words.format(minutes=int(age // 60))
    if age < _DAY:
        words = QCoreApplication.translate("Foot", "from {hours} h ago")
        return words.format(hours=int(age // 3600))
    when = QDateTime.fromSecsSinceEpoch(int(given.timestamp()))
    words = QCoreApplication.translate("Foot", "from {date}")
    return words.format(date=QLocale().toString(when, QLocale.FormatType.ShortFormat))
