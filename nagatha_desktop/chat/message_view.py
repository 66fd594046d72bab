"""One message as it is shown: the person's words in a bubble, an answer plain on the page.

Owns which parts a message has and where they stand. Knows no other message and no engine.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QEnterEvent, QGuiApplication, QTextDocument
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)

from nagatha_desktop.chat.blocks import CodeBlock, Part, TextBlock
from nagatha_desktop.chat.chips import Chips
from nagatha_desktop.chat.flow import TextFlow
from nagatha_desktop.chat.foot import Foot, StateRow, cost_words
from nagatha_desktop.chat.tool_card import ToolCard, arguments_of
from nagatha_desktop.chat.waiting import Waiting, wait_words
from nagatha_desktop.widgets.approval_card import ApprovalCard
from nagatha_desktop.widgets.badges import label, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import ErrorCard
from nagatha_desktop.widgets.markdown import Looks
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import copied, count, shown, whole_seconds
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.routines import Approval
from worker.contract.types import Message, ToolUse

_GRID = MEASURES.grid
_PAD_X = _GRID * 7 // 4
_PAD_Y = _GRID * 5 // 4
"""Inside the bubble."""
_BUBBLE = 0.82
"""The widest a bubble may be, of the column."""


class MessageView(QWidget):
    """Shows one `Message`; whoever owns it gives it a width and asks for its height."""

    action_wanted = Signal(str, str)
    """An `Action` that is neither retry nor continue, and the message's id."""
    retry_wanted = Signal(str)
    edit_wanted = Signal(str)
    """The id of the question to edit."""
    resume_wanted = Signal(str)
    version_wanted = Signal(str)
    attachment_wanted = Signal(str)
    approval_answered = Signal(str, str, str)
    """An approval's id, the `Verdict`, and what to do instead."""
    link_clicked = Signal(str)
    copied = Signal()
    height_changed = Signal()

    def __init__(
        self,
        message: Message,
        look: Looks,
        themes: ThemeController,
        clock: Callable[[], datetime],
        parent: QWidget,
        width: int,
    ) -> None:
        """`width` is the one it will probably get."""
        super().__init__(parent)
        self._hint = width if message.role != "user" else int(width * _BUBBLE) - 2 * _PAD_X
        self.message = message
        self.height_now = 0
        self._width = 0
        self._dirty = True
        self._look = look
        self._themes = themes
        self._clock = clock
        self._mine = message.role == "user"
        self._bubble: QFrame | None = None
        self._chips: Chips | None = None
        self._body: list[TextFlow | ToolCard] = []
        self._starts: list[int] = []
        self._approvals: list[ApprovalCard] = []
        self._notes: list[QWidget] = []
        self._wait: QLabel | None = None
        self._waiting: Waiting | None = None
        self._state: StateRow | None = None
        self._error: ErrorCard | None = None
        self._more: QPushButton | None = None
        self._pump = QTimer(self)
        self._pump.setInterval(0)
        self._pump.timeout.connect(self._show_more)
        if self._mine:
            self._bubble = QFrame(self)
            set_role(self._bubble, "bubble")
            if message.attachments:
                self._chips = Chips(message.attachments, themes, self)
                self._chips.wanted.connect(self.attachment_wanted)
        self._foot = Foot(self, answer=not self._mine)
        self._foot.copy_wanted.connect(self.copy_text)
        self._foot.retry_wanted.connect(self._retry)
        self._foot.edit_wanted.connect(self._edit)
        self._foot.version_wanted.connect(self.version_wanted)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.set_message(message)

    # What it shows

    def set_message(self, message: Message) -> None:
        """Show `message`; what did not change is left alone."""
        self.message = message
        growing = message.state == "streaming"
        if self._mine:
            name = self.tr("You said")
        elif message.model:
            name = self.tr("Answer by {model}").format(model=shown(message.model))
        else:
            name = self.tr("Answer")
        self.setAccessibleName(name)
        self._set_body(message, growing)
        self._set_notes(message)
        self._waiting = self._waiting if growing else None
        self._show_wait()
        self._set_error(message)
        self._set_more()
        self._foot.set_message(message, self._words())
        self._touch()

    def append(self, text: str) -> None:
        """Let `text` follow what is shown."""
        self.message = replace(self.message, text=self.message.text + text)
        self._set_body(self.message, True)
        self._set_wait(False)
        self._foot.copy.show()
        self._touch()

    def set_tool(self, tool: ToolUse) -> None:
        """Add a tool call, or show how it stands now."""
        tools = tuple(tool if tool.id == known.id else known for known in self.message.tools)
        if all(known.id != tool.id for known in tools):
            tools += (tool,)
        self.message = replace(self.message, tools=tools)
        self._set_body(self.message, self.message.state == "streaming")
        self._set_wait(False)
        self._touch()

    def set_waiting(self, waiting: Waiting | None) -> None:
        """It waits to be written, or no longer."""
        if waiting != self._waiting:
            self._waiting = waiting
            self._show_wait()
            self._touch()

    def set_approvals(self, approvals: tuple[Approval, ...]) -> None:
        """What it waits for, or waited for, from the person; cards that stay are kept."""
        known = {card.approval.id: card for card in self._approvals}
        self._approvals = []
        for approval in approvals:
            card = known.pop(approval.id, None)
            if card is None:
                card = ApprovalCard(approval, self._look, self._themes, self._clock, self)
                card.answered.connect(self.approval_answered)
                card.height_changed.connect(self._changed)
                card.show()
            else:
                card.put(approval)
            self._approvals.append(card)
        for gone in known.values():
            gone.hide()
            gone.deleteLater()
        self._show_wait()
        self._foot.set_words(self._words())
        self._touch()

    def approval_card(self, approval: str) -> ApprovalCard | None:
        """The card of an approval, by its id."""
        return next((card for card in self._approvals if card.approval.id == approval), None)

    @property
    def _asks(self) -> bool:
        return any(card.open for card in self._approvals)

    def _stands_for(self, part: QWidget) -> bool:
        """Whether a card that waits for an answer stands for this call of a tool."""
        if not isinstance(part, ToolCard) or part.tool.state != "running":
            return False
        given = arguments_of(part.tool)
        return any(card.open and dict(card.approval.arguments) == given for card in self._approvals)

    def set_looks(self, look: Looks) -> None:
        """Show it in another theme or font."""
        self._look = look
        for part in (*self._body, *self._approvals):
            part.set_looks(look)
        self._touch()

    def tick(self) -> bool:
        """Count seconds on; False where nothing is counted."""
        running = False
        for card in self._approvals:
            running = card.tick() or running
        for part in self._body:
            if isinstance(part, ToolCard) and part.tool.state == "running":
                part.tick()
                running = True
        if self.message.state == "streaming":
            self._foot.set_words(self._words())
            self._count_wait()
            running = True
        return running

    def documents(self) -> list[tuple[QTextEdit | QPlainTextEdit, QTextDocument]]:
        """What can be searched in it, from top to bottom, with the widget that shows it."""
        found: list[tuple[QTextEdit | QPlainTextEdit, QTextDocument]] = []
        for part in self._body:
            if isinstance(part, TextFlow):
                for block in part.blocks:
                    view = block.view if isinstance(block, CodeBlock) else block
                    found.append((view, view.document()))
        return found

    @property
    def hidden_characters(self) -> int:
        """How many characters of a long text wait for "Show all"."""
        return sum(part.hidden_characters for part in self._body if isinstance(part, TextFlow))

    def show_whole(self) -> None:
        """Show all of a long text at once, for something far down in it."""
        for part in self._body:
            while isinstance(part, TextFlow) and part.hidden_characters:
                part.show_more()
        self._set_more()
        self._touch()

    @Slot()
    def copy_text(self) -> None:
        """Put the message's text, as it was written, on the clipboard."""
        QGuiApplication.clipboard().setText(copied(self.message.text))
        self._foot.copy.copied_now()
        self.copied.emit()

    # Where it stands

    def height_for(self, width: int) -> int:
        """Its height at `width`; everything in it is put in its place."""
        if width == self._width and not self._dirty:
            return self.height_now
        self._width = width
        self._dirty = False
        place = self._place_question if self._mine else self._place_answer
        self.height_now = top = place(width)
        return top

    def _place_question(self, width: int) -> int:
        top = 0
        if self._chips is not None:
            height = self._chips.height_for(width)
            self._chips.setGeometry(0, 0, width, height)
            top = height + MEASURES.half * 3 // 2
        flow = cast(TextFlow, self._body[0])
        most = int(width * _BUBBLE) - 2 * _PAD_X
        inner = max((block.ideal_width(most) for block in _texts(flow)), default=0)
        if self._more is not None:
            inner = max(inner, self._more.sizeHint().width())
        if self.message.text and self._bubble is not None:
            left = width - inner - 2 * _PAD_X
            begin = top
            top += _PAD_Y
            for block in _texts(flow):
                height = block.height_for(inner)
                block.setGeometry(left + _PAD_X, top, inner, height)
                top += height
            if self._more is not None:
                self._more.setGeometry(left + _PAD_X, top, inner, MEASURES.target)
                top += MEASURES.target
            top += _PAD_Y
            self._bubble.setGeometry(left, begin, inner + 2 * _PAD_X, top - begin)
            self._bubble.lower()
            self._bubble.show()
        elif self._bubble is not None:
            self._bubble.hide()
        # The buttons come and go with the pointer: they stand where there is room for them anyway.
        room = width if self._bubble is None or self._bubble.isHidden() else self._bubble.x()
        if self._foot.room_wanted() + _GRID <= room:
            self._foot.setGeometry(
                0, top - MEASURES.target - MEASURES.half, room - _GRID, MEASURES.target
            )
            return top
        self._foot.setGeometry(0, top, width, MEASURES.target)
        return top + MEASURES.target

    def _place_answer(self, width: int) -> int:
        top = 0
        for part in (*self._body, *self._approvals):
            if isinstance(part, ToolCard):
                part.setVisible(not self._stands_for(part))
                if part.isHidden():
                    continue
            blocks = part.blocks if isinstance(part, TextFlow) else [part]
            for block in blocks:
                height = cast(Part, block).height_for(width)
                block.setGeometry(0, top, width, height)
                top += height + _GRID
        extra = [self._wait, self._more, *self._notes, self._state, self._error]
        for widget in [widget for widget in extra if widget is not None]:
            widget.ensurePolished()
            if widget is self._more:
                wide, height = widget.sizeHint().width(), MEASURES.target
            else:
                wide = width
                height = widget.heightForWidth(width)
                height = height if height > 0 else widget.sizeHint().height()
            widget.setGeometry(0, top, wide, height)
            top += height + _GRID
        if self._wait is not None:
            self._foot.hide()
            return top
        top -= MEASURES.half if top else 0
        self._foot.setGeometry(0, top, width, MEASURES.target)
        self._foot.show()
        return top + MEASURES.target

    def enterEvent(self, event: QEnterEvent) -> None:
        self._foot.show_tools(True)
        if self.message.cached is not None:  # it has grown older meanwhile
            self._foot.set_words(self._words())

    def leaveEvent(self, event: QEvent) -> None:
        self._foot.show_tools(False)

    # How its parts are made

    def _set_body(self, message: Message, growing: bool) -> None:
        text = message.text
        tools = sorted(message.tools, key=lambda tool: tool.offset)
        wanted: list[tuple[int, int, ToolUse | None]] = []
        begin = 0
        for call in tools:
            offset = min(max(call.offset, begin), len(text))
            if offset > begin:
                wanted.append((begin, offset, None))
            wanted.append((offset, offset, call))
            begin = offset
        if begin < len(text) or self._mine:
            wanted.append((begin, len(text), None))
        for index, (start, end, tool) in enumerate(wanted):
            part = self._body[index] if index < len(self._body) else None
            if tool is not None:
                if not isinstance(part, ToolCard) or part.tool.id != tool.id:
                    self._put(index, start, self._tool_card(tool))
                elif part.tool != tool:
                    part.set_tool(tool)
                continue
            flow = part if isinstance(part, TextFlow) else None
            if flow is None or self._starts[index] != start:
                flow = self._flow()
                self._put(index, start, flow)
            last = growing and index == len(wanted) - 1
            flow.set_text(text[start:end], growing=last)
            flow.set_caret(last)
        for old in self._body[len(wanted) :]:
            _drop(old)
        del self._body[len(wanted) :]
        del self._starts[len(wanted) :]

    def _put(self, index: int, start: int, part: TextFlow | ToolCard) -> None:
        if index < len(self._body):
            _drop(self._body[index])
            self._body[index] = part
            self._starts[index] = start
        else:
            self._body.append(part)
            self._starts.append(start)

    def _flow(self) -> TextFlow:
        name = self.accessibleName()
        flow = TextFlow(self._look, self, as_is=self._mine, name=name, width=self._hint)
        flow.link_clicked.connect(self.link_clicked)
        flow.copied.connect(self.copied)
        flow.changed.connect(self._changed)
        return flow

    def _tool_card(self, tool: ToolUse) -> ToolCard:
        card = ToolCard(tool, self._look, self._themes, self)
        card.height_changed.connect(self._changed)
        card.show()
        return card

    def _show_wait(self) -> None:
        nothing = not self.message.text and not self.message.tools
        waits = nothing or self._waiting is not None
        self._set_wait(self.message.state == "streaming" and waits and not self._asks)
        self._count_wait()

    def _set_wait(self, on: bool) -> None:
        if on and self._wait is None:
            self._wait = label("", "muted", self)
            self._wait.show()
            self._count_wait()
        elif not on and self._wait is not None:
            self._wait.hide()
            self._wait.deleteLater()
            self._wait = None

    def _count_wait(self) -> None:
        if self._wait is None:
            return
        if self._waiting is not None:
            self._wait.setText(wait_words(self._waiting, self._clock()))
        else:
            time = whole_seconds(self._seconds_waited())
            self._wait.setText(self.tr("Thinking … {time}").format(time=time))

    def _seconds_waited(self) -> float:
        return (self._clock() - self.message.created).total_seconds()

    def _set_notes(self, message: Message) -> None:
        if len(self._notes) == len(message.notes):
            return
        for note in self._notes:
            note.hide()
            note.deleteLater()
        self._notes = [wrapped(shown(note), "small", self) for note in message.notes]
        for widget in self._notes:
            widget.show()

    def _set_error(self, message: Message) -> None:
        if self._error is not None and self._error.problem != message.error:
            self._error.hide()
            self._error.deleteLater()
            self._error = None
        if message.error is not None and self._error is None:
            self._error = ErrorCard(message.error, self, clock=self._clock)
            self._error.action_wanted.connect(self._act)
            self._error.show()
        if self._state is not None:
            self._state.hide()
            self._state.deleteLater()
            self._state = None
        if not self._mine and message.state in ("stopped", "interrupted", "failed"):
            covered = message.error is not None and message.state == "failed"
            if not covered:
                offered = message.error.action if message.error is not None else ""
                self._state = StateRow(message, self, resume=offered != "continue")
                self._state.resume.clicked.connect(self._resume)
                self._state.show()

    def _set_more(self) -> None:
        hidden = self.hidden_characters
        if not hidden:
            if self._more is not None:
                self._more.hide()
                self._more.deleteLater()
                self._more = None
            return
        if self._more is None:
            self._more = button("", "quiet", self)
            self._more.clicked.connect(self._start_more)
            self._more.show()
        self._more.setText(self.tr("Show all, {count} more characters").format(count=count(hidden)))
        self._more.setAccessibleName(self._more.text())

    def _words(self) -> str:
        if self._mine:
            return ""
        if self._asks:
            return self.tr("waits for your answer")
        if self.message.state == "streaming":
            time = whole_seconds(self._seconds_waited())
            words = self.tr("writing … {time}").format(time=time)
            return f"{shown(self.message.model)}\u2003{words}" if self.message.model else words
        return cost_words(self.message, self._clock())

    def _touch(self) -> None:
        self._dirty = True

    # What the person wants

    @Slot()
    def _changed(self) -> None:
        self._touch()
        self.height_changed.emit()

    @Slot()
    def _start_more(self) -> None:
        self._pump.start()

    @Slot()
    def _show_more(self) -> None:
        for part in self._body:
            if isinstance(part, TextFlow) and part.hidden_characters:
                part.show_more()
                break
        else:
            self._pump.stop()
        self._set_more()
        self._changed()

    @Slot(str)
    def _act(self, action: str) -> None:
        if action in ("retry", "wait"):
            self._retry()
        elif action == "continue":
            self._resume()
        else:
            self.action_wanted.emit(action, self.message.id)

    @Slot()
    def _retry(self) -> None:
        self.retry_wanted.emit(self.message.id)

    @Slot()
    def _resume(self) -> None:
        self.resume_wanted.emit(self.message.id)

    @Slot()
    def _edit(self) -> None:
        self.edit_wanted.emit(self.message.id if self._mine else (self.message.parent or ""))


def _texts(flow: TextFlow) -> list[TextBlock]:
    return [block for block in flow.blocks if not isinstance(block, CodeBlock)]


def _drop(part: TextFlow | ToolCard) -> None:
    if isinstance(part, TextFlow):
        part.clear()
    else:
        part.hide()
    part.deleteLater()
