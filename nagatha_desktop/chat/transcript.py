"""The conversation: a chat's messages as they are read, and as an answer is being written.

Owns the messages that are loaded and what a person can do with them. It asks for everything
else by signals, and knows neither the bridge nor a client.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QCursor, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nagatha_desktop.chat.column import Column
from nagatha_desktop.chat.find_bar import FindBar
from nagatha_desktop.chat.finder import Match, count_in, mark
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import EmptyState, utc_now
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.links import LinkPopover
from nagatha_desktop.widgets.markdown import looks
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.routines import Approval
from worker.contract.types import Message, Page, Problem, ToolUse

if TYPE_CHECKING:
    from nagatha_desktop.chat.message_view import MessageView
    from nagatha_desktop.chat.waiting import Waiting

_SECOND = 1_000


class Transcript(QWidget):
    """Shows the branch of a chat; newest at the bottom, which stays in sight while it grows."""

    older_wanted = Signal()
    """The oldest loaded message is near, and the page said that there are more."""
    refresh_wanted = Signal(str)
    """Text of this message was missed; `put` it as it is now."""
    action_wanted = Signal(str, str)
    """The button of an error card: the `Action` and the message's id."""
    retry_wanted = Signal(str)
    """The id of the answer to make again."""
    edit_wanted = Signal(str)
    """The id of the question to edit."""
    resume_wanted = Signal(str)
    """The id of the answer to go on with."""
    version_wanted = Signal(str)
    """The id of the sibling to show."""
    link_wanted = Signal(QUrl)
    """Open this address. The person saw it and agreed; it is http, https or mailto."""
    copied = Signal()
    """Something was put on the clipboard."""
    attachment_wanted = Signal(str)
    """The id of the attachment that was pressed."""
    approval_answered = Signal(str, str, str)
    """A tool may go on or not: the approval's id, the `Verdict`, what to do instead."""

    def __init__(
        self,
        themes: ThemeController,
        parent: QWidget | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`clock` gives the time of now, aware."""
        super().__init__(parent)
        self._themes = themes
        self._clock = clock
        self._look = looks(themes.current, self.font())
        self._messages: list[Message] = []
        self._numbers: dict[str, int] = {}
        self._waiting: dict[str, Waiting] = {}
        self._approvals: dict[str, tuple[Approval, ...]] = {}
        self._more = False
        self._asked_older = False
        self._words = ""
        self._matches: list[Match] = []
        self._match = -1
        self.setAccessibleName(self.tr("Conversation"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.find_bar = FindBar(themes, self)
        self.find_bar.hide()
        column.addWidget(self.find_bar)
        self.column = Column(self, self._make, self.message_count)
        self.column.setAccessibleName(self.tr("Messages"))
        column.addWidget(self.column, 1)
        self.setFocusProxy(self.column)
        self.empty = EmptyState(
            self.tr("What can I do for you?"),
            self.tr("Ask a question, paste a text or drop a file."),
            parent=self,
        )
        self.latest = button(self.tr("Jump to latest"), "secondary", self)
        self.latest.setIcon(icon(themes, "latest", "accent"))
        self.latest.hide()
        self._popover = LinkPopover(self)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_SECOND)
        self._connect()

    def _connect(self) -> None:
        self.latest.clicked.connect(self._to_latest)
        self.column.stuck_changed.connect(self._stuck_changed)
        self.column.top_reached.connect(self._top_reached)
        self._popover.open_wanted.connect(self.link_wanted)
        self._ticks.timeout.connect(self._tick)
        self._themes.changed.connect(self._theme_changed)
        self.find_bar.text_changed.connect(self.find)
        self.find_bar.next_wanted.connect(self.find_next)
        self.find_bar.previous_wanted.connect(self.find_previous)
        self.find_bar.closed.connect(self._find_closed)

    # What is shown

    def show_page(self, page: Page) -> None:
        """Show a stretch of a chat in place of what was shown, with its end in sight."""
        self._messages = list(page.messages)
        self._more = page.more
        self._asked_older = False
        self._number()
        self._forget_matches()
        self.column.show_end()
        self._changed()

    def prepend(self, page: Page) -> None:
        """Put older messages before those that are shown; what is looked at stays in place."""
        older = [message for message in page.messages if message.id not in self._numbers]
        self._more = page.more
        self._asked_older = False
        self._messages[:0] = older
        self._number()
        self.column.added_before(len(older))
        self._changed()

    def put(self, message: Message) -> None:
        """Add `message`, or show it as it is now.

        One that belongs elsewhere in the tree than at the end takes the place of its sibling,
        and what followed that one goes.
        """
        number = self._numbers.get(message.id)
        if number is not None:
            self._replace(number, message)
            return
        place = self._place_of(message)
        if place < len(self._messages):
            for gone in self._messages[place:]:
                del self._numbers[gone.id]
            del self._messages[place:]
            self.column.cut(place)
        self._numbers[message.id] = place
        self._messages.append(message)
        if message.role == "user":
            self.column.go_to_end()
        self.column.added_after(place)
        self._changed()

    def append_text(self, message_id: str, text: str, offset: int) -> None:
        """More text of an answer; `offset` is how many characters stood before it.

        What is known already is left out; a gap makes `refresh_wanted` be emitted.
        """
        number = self._numbers.get(message_id)
        if number is None:
            return
        known = len(self._messages[number].text)
        if offset > known:
            self.refresh_wanted.emit(message_id)
            return
        text = text[known - offset :]
        if not text:
            return
        view = self.column.view(number)
        if view is None:
            message = self._messages[number]
            self._messages[number] = replace(message, text=message.text + text)
            return
        view.append(text)
        self._messages[number] = view.message
        self.column.place()

    def set_tool(self, message_id: str, tool: ToolUse) -> None:
        """A tool call of a message began or ended."""
        number = self._numbers.get(message_id)
        if number is None:
            return
        view = self.column.view(number)
        if view is None:
            message = self._messages[number]
            others = tuple(known for known in message.tools if known.id != tool.id)
            self._messages[number] = replace(message, tools=(*others, tool))
            return
        view.set_tool(tool)
        self._messages[number] = view.message
        self.column.place()

    @Slot(str, object)
    def set_waiting(self, message_id: str, waiting: "Waiting | None") -> None:
        """An answer waits to be written, or no longer."""
        if waiting is None:
            self._waiting.pop(message_id, None)
        else:
            self._waiting[message_id] = waiting
        number = self._numbers.get(message_id)
        view = None if number is None else self.column.view(number)
        if view is not None:
            view.set_waiting(waiting)
            self.column.place()

    def set_approvals(self, message_id: str, approvals: tuple[Approval, ...]) -> None:
        """What an answer waits for, or waited for, from the person; oldest first."""
        if approvals:
            self._approvals[message_id] = approvals
        else:
            self._approvals.pop(message_id, None)
        number = self._numbers.get(message_id)
        view = None if number is None else self.column.view(number)
        if view is not None:
            view.set_approvals(approvals)
            self.column.place()
            self._changed()

    def approval_failed(self, approval: str, problem: Problem) -> None:
        """An answer to an approval could not be passed on."""
        for view in self.column.views:
            card = view.approval_card(approval)
            if card is not None:
                card.tell(problem)

    def show_approval(self, message_id: str, approval: str) -> bool:
        """Bring an approval's card into sight, ready for the keyboard; False where it is not."""
        number = self._numbers.get(message_id)
        view = None if number is None else self.column.show_around(number)
        card = view.approval_card(approval) if view is not None else None
        if view is None or card is None:
            return False
        self.column.scroll_to(view.y() + card.y())
        if card.open:
            card.once.setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def clear(self) -> None:
        """Show nothing."""
        self._messages = []
        self._numbers = {}
        self._more = False
        self._forget_matches()
        self.column.clear()
        self._changed()

    def message_count(self) -> int:
        """How many messages are loaded."""
        return len(self._messages)

    def message(self, message_id: str) -> Message | None:
        """A loaded message as it is now."""
        number = self._numbers.get(message_id)
        return None if number is None else self._messages[number]

    def last_question(self) -> Message | None:
        """The newest of the person's messages, to be edited."""
        return next((each for each in reversed(self._messages) if each.role == "user"), None)

    def copy_last_answer(self) -> bool:
        """Put the newest answer on the clipboard; False where there is none."""
        for number in range(len(self._messages) - 1, -1, -1):
            message = self._messages[number]
            if message.role == "assistant" and message.text:
                view = self.column.view(number) or self._make(number, self)
                view.copy_text()
                if view.parentWidget() is self:
                    view.deleteLater()
                return True
        return False

    # Going somewhere

    def jump_to(self, message_id: str, highlight: str = "") -> bool:
        """Bring a message into sight and mark `highlight` in it; False if it is not loaded."""
        number = self._numbers.get(message_id)
        if number is None:
            return False
        view = self.column.show_around(number)
        if view is None:
            return False
        if highlight:
            self._words = highlight
            self._collect()
            here = [each for each in self._matches if each.message == message_id]
            if here:
                self._go(self._matches.index(here[0]))
                return True
        self.column.scroll_to(view.y())
        return True

    @Slot()
    def open_find(self) -> None:
        """Open the bar to find something in this chat."""
        self.find_bar.open()

    # QWidget has a static find(WId), which nothing here needs.
    @Slot(str)
    def find(self, text: str) -> int:  # type: ignore[override]
        """Mark `text` in all loaded messages and go to the first match from here on; how many."""
        self._words = text.strip()
        self._collect()
        first = self._first_in_sight()
        ahead = (
            index
            for index, match in enumerate(self._matches)
            if self._numbers[match.message] >= first
        )
        self._mark_all()
        if self._matches:
            self._go(next(ahead, 0))
        self._show_count()
        return len(self._matches)

    @Slot()
    def find_next(self) -> None:
        """Go to the match after this one; after the last comes the first."""
        if self._matches:
            self._go((self._match + 1) % len(self._matches))

    @Slot()
    def find_previous(self) -> None:
        """Go to the match before this one."""
        if self._matches:
            self._go((self._match - 1) % len(self._matches))

    def _collect(self) -> None:
        self._match = -1
        self._matches = []
        if not self._words:
            return
        for number, message in enumerate(self._messages):
            found = count_in(self._words, self.column.view(number), message.text)
            self._matches += [Match(message.id, index) for index in range(found)]

    def _go(self, index: int) -> None:
        self._match = index
        match = self._matches[index]
        number = self._numbers[match.message]
        view = self.column.show_around(number)
        if view is None:
            return
        view.show_whole()
        self.column.place()
        self._mark_all()
        place = mark(self._words, view, match.index, self._themes.current)
        if place is None:
            self.column.scroll_to(view.y())
        else:
            within = QPoint(0, place.widget.cursorRect(place.cursor).top())
            self.column.scroll_to(view.y() + place.widget.mapTo(view, within).y())
        self._show_count()

    def _mark_all(self) -> None:
        for view in self.column.views:
            mark(self._words, view, None, self._themes.current)

    def _show_count(self) -> None:
        self.find_bar.show_count(self._match + 1, len(self._matches))

    def _first_in_sight(self) -> int:
        value = self.column.verticalScrollBar().value()
        for number, view in enumerate(self.column.views, self.column.first):
            if view.y() + view.height() > value:
                return number
        return 0

    def _forget_matches(self) -> None:
        self._words = ""
        self._matches = []
        self._match = -1
        self._show_count()

    @Slot()
    def _find_closed(self) -> None:
        self._forget_matches()
        self._mark_all()
        self.column.setFocus()

    # How the list changes

    def _number(self) -> None:
        self._numbers = {message.id: number for number, message in enumerate(self._messages)}

    def _place_of(self, message: Message) -> int:
        """The number that a new message gets; what stands there and after it goes."""
        for number, known in enumerate(self._messages):
            if known.parent == message.parent and known.role == message.role:
                return number
        parent = self._numbers.get(message.parent) if message.parent is not None else None
        return len(self._messages) if parent is None else parent + 1

    def _replace(self, number: int, message: Message) -> None:
        known = self._messages[number]
        if message.state == "streaming" and known.text.startswith(message.text):
            # Told of in the middle of the stream; the text that came meanwhile is newer.
            message = replace(message, text=known.text)
        self._messages[number] = message
        view = self.column.view(number)
        if view is not None:
            view.set_message(message)
            self.column.place()
        self._changed()

    def _make(self, number: int, parent: QWidget) -> "MessageView":
        width = self.column.message_width()
        message = self._messages[number]
        from nagatha_desktop.chat.message_view import MessageView

        view = MessageView(message, self._look, self._themes, self._clock, parent, width)
        view.action_wanted.connect(self.action_wanted)
        view.retry_wanted.connect(self.retry_wanted)
        view.edit_wanted.connect(self.edit_wanted)
        view.resume_wanted.connect(self.resume_wanted)
        view.version_wanted.connect(self.version_wanted)
        view.attachment_wanted.connect(self.attachment_wanted)
        view.copied.connect(self.copied)
        view.height_changed.connect(self.column.place)
        view.link_clicked.connect(self._link_clicked)
        view.approval_answered.connect(self.approval_answered)
        view.set_waiting(self._waiting.get(message.id))
        view.set_approvals(self._approvals.get(message.id, ()))
        if self._words:
            mark(self._words, view, None, self._themes.current)
        return view

    def _changed(self) -> None:
        self.empty.setVisible(not self._messages)
        counts = any(each.state == "streaming" for each in self._messages[-2:])
        if self.isVisible() and (counts or self._approvals):
            self._ticks.start()

    # What happens around it

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticks.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.empty.setGeometry(self.rect())
        self._place_latest()

    def _place_latest(self) -> None:
        size = self.latest.sizeHint()
        left = (self.width() - size.width()) // 2
        top = self.height() - size.height() - MEASURES.grid * 2
        self.latest.setGeometry(left, top, size.width(), size.height())

    @Slot(bool)
    def _stuck_changed(self, stuck: bool) -> None:
        self.latest.setVisible(not stuck)
        if not stuck:
            self._place_latest()
            self.latest.raise_()

    @Slot()
    def _to_latest(self) -> None:
        self.column.go_to_end()
        self.column.setFocus()

    @Slot()
    def _top_reached(self) -> None:
        if self._more and not self._asked_older:
            self._asked_older = True
            self.older_wanted.emit()

    @Slot(str)
    def _link_clicked(self, address: str) -> None:
        self._popover.ask(address, QCursor.pos())

    @Slot()
    def _tick(self) -> None:
        counting = [view.tick() for view in self.column.views]
        if not any(counting):
            self._ticks.stop()

    @Slot(object)
    def _theme_changed(self, _: object) -> None:
        self._look = looks(self._themes.current, self.font())
        for view in self.column.views:
            view.set_looks(self._look)
        self.column.place()
        if self._words:
            self._mark_all()
