"""The small window over everything: ask, read, go on with something else.

Owns the window and its keys. What is asked here becomes an ordinary chat.
"""

from dataclasses import replace
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import (
    QCursor,
    QDesktopServices,
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.bridge import Bridge
from nagatha_desktop.chat.blocks import Part
from nagatha_desktop.chat.chat_list import ChatList
from nagatha_desktop.chat.flow import TextFlow
from nagatha_desktop.chat.foot import cost_words
from nagatha_desktop.chat.model import ChatModel
from nagatha_desktop.chat.quick_asked import QuickAsked
from nagatha_desktop.widgets.badges import Elided, label
from nagatha_desktop.widgets.cards import ErrorCard, rule, utc_now
from nagatha_desktop.widgets.corners import cut_corners
from nagatha_desktop.widgets.links import LinkPopover
from nagatha_desktop.widgets.markdown import looks
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import copied
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Message, Problem

WIDTH = 640
_MOST = MEASURES.grid * 52
"""The height of an answer above which it scrolls."""
_REST = 250
"""Milliseconds."""
_PLACE = 0.22
"""How far down the screen it appears."""


class _Answer(QWidget):
    """An answer's text, as high as it is."""

    def __init__(self, themes: ThemeController, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "canvas")
        self._themes = themes
        look = looks(themes.current, self.font())
        width = WIDTH - MEASURES.grid * 4
        self.flow = TextFlow(look, self, name=self.tr("Answer"), width=width)
        self.flow.changed.connect(self.lay_out)
        # While much comes, the flow leaves some of it for later; this brings the rest.
        self._text = ""
        self._rest = QTimer(self)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._show_rest)
        themes.changed.connect(self._theme_changed)

    def show_text(self, text: str, growing: bool) -> None:
        """Show `text`, of which more may come."""
        self._text = text
        if not (growing and text):
            self._rest.stop()
        elif not self._rest.isActive():
            self._rest.start()
        if text:
            self.flow.set_text(text, growing=growing)
            while not growing and self.flow.show_more():
                pass
            self.flow.set_caret(growing)
        else:
            self.flow.clear()
        self.lay_out()

    @Slot()
    def _show_rest(self) -> None:
        self.flow.set_text(self._text, growing=True)
        self.lay_out()

    @Slot()
    def lay_out(self) -> None:
        """Put the blocks in their places for the width of now."""
        top = 0
        for block in self.flow.blocks:
            height = cast(Part, block).height_for(self.width())
            block.setGeometry(0, top, self.width(), height)
            top += height + MEASURES.grid
        self.setFixedHeight(max(0, top - MEASURES.grid))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.lay_out()

    @Slot(object)
    def _theme_changed(self, _: object) -> None:
        self.flow.set_looks(looks(self._themes.current, self.font()))
        self.lay_out()


class QuickAsk(QWidget):
    """Enter asks, Ctrl+Enter opens it in chat, Ctrl+C copies the answer, Esc hides."""

    open_wanted = Signal(str)
    """Open this chat in the chat window."""
    draft_wanted = Signal(str)
    """Open a new chat with this in its box."""
    settings_wanted = Signal(str)

    def __init__(
        self, bridge: Bridge, chats: ChatList, themes: ThemeController, watch: ApprovalWatch
    ) -> None:
        super().__init__(
            None,
            Qt.WindowType.Tool
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint,
        )
        self.setObjectName("quick")
        self.setWindowTitle(self.tr("Quick ask"))
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.setFixedWidth(WIDTH)
        self.model = ChatModel(bridge, chats, "quick", self)
        self._before: QWidget | None = None
        self._answer_id = ""
        self._text = ""
        self._thinking = False
        self._error: ErrorCard | None = None
        self._build(themes, watch)
        self._fit_timer = QTimer(self)
        self._fit_timer.setSingleShot(True)
        self._fit_timer.timeout.connect(self._fit)
        self._connect()
        self._show_hints()

    def _build(self, themes: ThemeController, watch: ApprovalWatch) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self.frame = QFrame(self)
        set_role(self.frame, "quick")
        outer.addWidget(self.frame)
        self._column = QVBoxLayout(self.frame)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.line = QLineEdit(self.frame)
        set_role(self.line, "ask")
        self.line.setPlaceholderText(self.tr("Ask anything"))
        self.line.setAccessibleName(self.tr("Question"))
        self.line.installEventFilter(self)
        above = QHBoxLayout()
        edge = MEASURES.grid * 3 // 2
        above.setContentsMargins(MEASURES.grid * 2, edge, MEASURES.grid * 2, edge)
        above.addWidget(self.line)
        self._column.addLayout(above)
        self.rule = rule(self.frame)
        self._column.addWidget(self.rule)
        side = MEASURES.grid * 2
        self.body = QWidget(self.frame)
        inside = QVBoxLayout(self.body)
        inside.setContentsMargins(side, side - MEASURES.half, side, 0)
        inside.setSpacing(MEASURES.grid)
        self.area = QScrollArea(self.body)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setAccessibleName(self.tr("Answer"))
        self.answer = _Answer(themes, self.area)
        self.area.setWidget(self.answer)
        self.waiting = label(self.tr("thinking …"), "muted", self.body)
        self.asked = QuickAsked(watch, themes, self.body)
        inside.addWidget(self.waiting)
        inside.addWidget(self.area)
        inside.addWidget(self.asked)
        self._inside = inside
        self._column.addWidget(self.body)
        foot = QHBoxLayout()
        foot.setContentsMargins(side, MEASURES.grid, side, MEASURES.grid + MEASURES.half)
        foot.setSpacing(side)
        self.cost = Elided("", "small", self.frame)
        self.hints = label("", "small", self.frame)
        foot.addWidget(self.cost, 1)
        foot.addWidget(self.hints)
        self._column.addLayout(foot)
        self._popover = LinkPopover(self)
        self._popover.open_wanted.connect(self._open_link)
        self.body.hide()
        self.rule.hide()

    def _connect(self) -> None:
        self.model.message_put.connect(self._put)
        self.model.text_added.connect(self._add)
        self.model.not_sent.connect(self._failed)
        self.model.problem.connect(self._failed)
        self.model.page_shown.connect(self._cleared)
        self.answer.flow.link_clicked.connect(self._ask_link)
        self.line.textChanged.connect(self._show_hints)
        self.asked.changed.connect(self._asked_changed)
        self.asked.left.connect(self.line.setFocus)
        self.asked.chat_wanted.connect(self.open_in_chat)

    # -- showing --------------------------------------------------------------------------------

    @Slot()
    def toggle(self) -> None:
        """Show it, or hide it if it is in front."""
        if self.isVisible() and self.isActiveWindow():
            self.hide()
        else:
            self.open()

    @Slot()
    def open(self) -> None:
        """Show it over everything, ready to type."""
        if not self.isVisible():
            self._place()
            # Where no window manager does, the focus has to be given back.
            self._before = QApplication.activeWindow()
        self.show()
        self.raise_()
        self.activateWindow()
        self.line.setFocus()
        self.line.selectAll()

    def _place(self) -> None:
        screen = QGuiApplication.screenAt(QCursor.pos()) or QGuiApplication.primaryScreen()
        if screen is None:
            return
        room = screen.availableGeometry()
        left = room.left() + (room.width() - self.width()) // 2
        self.move(QPoint(left, room.top() + int(room.height() * _PLACE)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        cut_corners(self)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.activateWindow()
        if not self.model.busy:
            # The next question has nothing to do with this one.
            self.model.new_chat()

    @Slot()
    def _fit(self) -> None:
        wanted = min(_MOST, self.answer.height())
        self.area.setFixedHeight(wanted)
        self.area.setVisible(wanted > 0)
        self.layout_now()

    def layout_now(self) -> None:
        """Take the height that its content wants."""
        self.asked.fit()
        for layout in (self._inside, self._column, self.layout()):
            if layout is not None:
                layout.invalidate()
                layout.activate()
        height = self._column.totalSizeHint().height()
        if self._column.hasHeightForWidth():
            height = self._column.totalHeightForWidth(WIDTH)
        if height != self.height():
            self.setFixedHeight(height)
        if self.model.busy:
            bar = self.area.verticalScrollBar()
            bar.setValue(bar.maximum())

    # -- asking ---------------------------------------------------------------------------------

    @Slot()
    def ask(self) -> None:
        """Ask what stands in the line."""
        text = self.line.text().strip()
        if not text or self.model.busy or self.model.sending:
            return
        self._show_answer("")
        self._show_error(None)
        self._set_text("", growing=True)
        self.cost.set_text("")
        self._think(True)
        self._show_body(True)
        self.model.send(text)
        self.line.end(False)

    @Slot(object)
    def _put(self, message: Message) -> None:
        if message.role != "assistant":
            return
        self._show_answer(message.id)
        growing = message.state == "streaming"
        if not growing or len(message.text) > len(self._text):
            self._set_text(message.text, growing=growing)
        self._think(growing and not self._text)
        if not growing:
            self.cost.set_text(_cost(message))
            self._show_error(message.error)
        self._show_body(True)
        self._show_hints()

    @Slot(str, str, int)
    def _add(self, message: str, text: str, offset: int) -> None:
        if message == self._answer_id:
            self._think(False)
            self._set_text(self._text[:offset] + text, growing=True)

    def _show_answer(self, message: str) -> None:
        self._answer_id = message
        self.asked.show_for(message)

    def _think(self, on: bool) -> None:
        self._thinking = on
        self.waiting.setVisible(on and not self.asked.waits)

    @Slot()
    def _asked_changed(self) -> None:
        self._think(self._thinking)
        self._fit_timer.start()

    def _set_text(self, text: str, growing: bool) -> None:
        self._text = text
        self.answer.show_text(text, growing)
        self._fit_timer.start()

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        self._think(False)
        self._show_body(True)
        self._show_error(problem)

    def _show_error(self, problem: Problem | None) -> None:
        if self._error is not None:
            self._inside.removeWidget(self._error)
            self._error.hide()
            self._error.deleteLater()
            self._error = None
        if problem is not None:
            self._error = ErrorCard(problem, self.body)
            self._error.action_wanted.connect(self._act)
            self._inside.addWidget(self._error)
            self._error.show()
        self._fit_timer.start()

    @Slot(str)
    def _act(self, action: str) -> None:
        if action in ("retry", "wait") and self._answer_id:
            self.model.retry(self._answer_id)
        elif action in ("retry", "wait"):
            self.ask()
        elif action == "continue":
            self.model.resume(self._answer_id)
        else:
            pages = {"models": "models", "choose_model": "models", "restore": "data"}
            self.settings_wanted.emit(pages.get(action, ""))

    @Slot(object)
    def _cleared(self, page: object) -> None:
        if page is None:
            self._show_answer("")
            self.line.clear()
            self._show_error(None)
            self._set_text("", growing=False)
            self.cost.set_text("")
            self._show_body(False)

    def _show_body(self, on: bool) -> None:
        self.body.setVisible(on)
        self.rule.setVisible(on)
        self._show_hints()

    @Slot()
    def _show_hints(self) -> None:
        hints = [self.tr("↵ ask again") if self._answer_id else self.tr("↵ ask")]
        hints.append(self.tr("Ctrl ↵ open in chat"))
        if self._text:
            hints.append(self.tr("Ctrl C copy"))
        hints.append(self.tr("Esc close"))
        self.hints.setText("   ".join(hints))

    # -- keys ----------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent):
            kind = event.type()
            if kind == QEvent.Type.ShortcutOverride and self._copies(event):
                event.accept()
                return True
            if kind == QEvent.Type.KeyPress:
                return self._key(event)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._key(event):
            super().keyPressEvent(event)

    def _copies(self, event: QKeyEvent) -> bool:
        chosen = self.line.hasSelectedText() and not self._text
        return event.matches(QKeySequence.StandardKey.Copy) and not chosen

    def _key(self, event: QKeyEvent) -> bool:
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if control:
                self.open_in_chat()
            else:
                self.ask()
            return True
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return True
        if self._copies(event) and self._text:
            QGuiApplication.clipboard().setText(copied(self._text))
            return True
        return False

    @Slot()
    def open_in_chat(self) -> None:
        """Go on in the chat window."""
        chat, text = self.model.chat_id, self.line.text()
        self.hide()
        if chat:
            self.open_wanted.emit(chat)
            self.model.new_chat()
        else:
            self.draft_wanted.emit(text)
            self.line.clear()

    @Slot(str)
    def _ask_link(self, address: str) -> None:
        self._popover.ask(address, QCursor.pos())

    @Slot(QUrl)
    def _open_link(self, url: QUrl) -> None:
        QDesktopServices.openUrl(url)


def _cost(message: Message) -> str:
    """What the answer used: its tools, else its model; tokens and seconds."""
    names = list(dict.fromkeys(tool.name for tool in message.tools))
    named = replace(message, model=", ".join(names)) if names else message
    return cost_words(named, utc_now())
