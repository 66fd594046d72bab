"""The column of messages: which of them exist as widgets, where they stand, what is in sight.

Owns scrolling. A chat may have 10,000 messages; widgets are made for those near the place that
is looked at, and taken away again far from it. What is looked at never moves by itself: either
the end stays in sight, or the first message in sight keeps its place.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.tokens import MEASURES

if TYPE_CHECKING:
    from nagatha_desktop.chat.message_view import MessageView

FIRST = 8
"""Messages made before the first paint."""
BATCH = 4
"""Messages made at a time after that."""
ALIVE = 40
"""Messages that exist around the place that is looked at."""
MOST = 80
"""Messages after which those at the far end are taken away."""
NEAR = 900
"""Pixels from an end at which more messages are made."""
_GAP = MEASURES.grid * 2
_SIDE = MEASURES.grid * 3
_CLOSE = MEASURES.grid


class Column(QScrollArea):
    """Shows messages `first` to `last` of a list that it knows by number only."""

    top_reached = Signal()
    """The first message of the list is near; older ones would be good to have."""
    stuck_changed = Signal(bool)
    """Whether the end stays in sight."""

    def __init__(
        self,
        parent: QWidget,
        make: Callable[[int, QWidget], "MessageView"],
        total: Callable[[], int],
    ) -> None:
        """`make` builds the view of a message, `total` says how many there are."""
        super().__init__(parent)
        self._make = make
        self._total = total
        self.first = 0
        self.views: list[MessageView] = []
        self._stuck = True
        self._placing = False
        self._inner = QWidget()
        set_role(self._inner, "canvas")
        self.setWidget(self._inner)
        self.setWidgetResizable(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAutoFillBackground(False)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.setSingleStep(MEASURES.grid * 5)
        self._fill = QTimer(self)
        self._fill.setInterval(0)
        self._fill.setSingleShot(True)
        self._fill.timeout.connect(self._fill_up)

    @property
    def last(self) -> int:
        """The number after that of the last message that exists as a widget."""
        return self.first + len(self.views)

    @property
    def stuck(self) -> bool:
        """Whether the end stays in sight."""
        return self._stuck

    def view(self, number: int) -> "MessageView | None":
        """The widget of message `number`, if there is one now."""
        return self.views[number - self.first] if self.first <= number < self.last else None

    # Changes of the list

    def show_end(self) -> None:
        """Show the last messages, and keep the end in sight."""
        self._clear()
        total = self._total()
        self.first = total
        self._extend_up(min(FIRST, total))
        self._set_stuck(True)
        self.place()
        self._fill.start()

    def go_to_end(self) -> None:
        """Keep the end in sight; make it again if it had been taken away."""
        if self.last < self._total():
            self.show_end()
            return
        self._set_stuck(True)
        self.place()

    def show_around(self, number: int) -> "MessageView | None":
        """Have message `number` and its neighbours exist; its widget."""
        found = self.view(number)
        if found is not None or not 0 <= number < self._total():
            return found
        self._clear()
        self._set_stuck(False)
        self.first = max(0, number - FIRST // 2)
        self._extend_down(FIRST)
        self.place()
        self._fill.start()
        return self.view(number)

    def added_before(self, count: int) -> None:
        """`count` messages were put before the first one of the list."""
        self.first += count
        self._fill.start()

    def added_after(self, number: int) -> None:
        """Message `number` was put at the end of the list."""
        if number == self.last:
            self._extend_down(1)
            if self._stuck and len(self.views) > MOST:
                self._drop_front(len(self.views) - ALIVE)
            self.place()

    def cut(self, total: int) -> None:
        """Only the first `total` messages of the list are left."""
        for view in self.views[max(0, total - self.first) :]:
            _remove(view)
        del self.views[max(0, total - self.first) :]
        if self.first >= total:
            self.show_end()

    def clear(self) -> None:
        """Nothing is left."""
        self._clear()
        self._set_stuck(True)
        self.place()

    # Place and sight

    def place(self) -> None:
        """Lay everything out at once, without moving what is looked at."""
        if self._placing:
            return
        self._placing = True
        try:
            self._place()
        finally:
            self._placing = False

    def _place(self) -> None:
        room = self.viewport().width()
        width = self.message_width()
        left = max(_SIDE, (room - width) // 2)
        bar = self.verticalScrollBar()
        anchor, offset = (None, 0) if self._stuck else self._anchor(bar.value())
        top = _GAP
        for view in self.views:
            height = view.height_for(width)
            if (view.x(), view.y(), view.width(), view.height()) != (left, top, width, height):
                view.setGeometry(left, top, width, height)
            top += height + _GAP
        total = max(top, self.viewport().height())
        if (self._inner.width(), self._inner.height()) != (room, total):
            self._inner.resize(room, total)
        if self._stuck:
            bar.setValue(bar.maximum())
        elif anchor is not None:
            bar.setValue(anchor.y() - offset)
        whole = self.first == 0 and self.last >= self._total()
        if whole and bar.maximum() == 0:
            # Everything is in sight, its end too.
            self._set_stuck(True)

    def message_width(self) -> int:
        """The width that every message has now."""
        return max(1, min(MEASURES.line_length, self.viewport().width() - 2 * _SIDE))

    def _anchor(self, value: int) -> "tuple[MessageView | None, int]":
        for view in self.views:
            if view.y() + view.height() > value and view.height_now:
                return view, view.y() - value
        return None, 0

    def scroll_to(self, y: int) -> None:
        """Bring the line at `y` of the column into the upper third of what is seen."""
        self._set_stuck(False)
        bar = self.verticalScrollBar()
        bar.setValue(y - self.viewport().height() // 3)
        # The bar tells of no change where the line stood in its place already.
        self._scrolled(bar.value())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.place()
        self._fill.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place()
        self._fill.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        page = self.viewport().height() - MEASURES.grid * 5
        steps = {
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_Space: page,
            Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_Down: bar.singleStep(),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Home:
            self._set_stuck(False)
            if self.first > 0:
                self.show_around(0)
            bar.setValue(0)
            self._scrolled(0)
        elif key == Qt.Key.Key_End:
            self.go_to_end()
        elif key in steps:
            bar.setValue(bar.value() + steps[key])
        else:
            super().keyPressEvent(event)

    @Slot(int)
    def _scrolled(self, value: int) -> None:
        if self._placing:
            return
        bar = self.verticalScrollBar()
        at_end = value >= bar.maximum() - _CLOSE and self.last >= self._total()
        self._set_stuck(at_end)
        if value < NEAR or value > bar.maximum() - NEAR:
            self._fill.start()

    def _set_stuck(self, stuck: bool) -> None:
        if stuck != self._stuck:
            self._stuck = stuck
            self.stuck_changed.emit(stuck)

    # Making and taking away

    @Slot()
    def _fill_up(self) -> None:
        """Make a few of the messages that are missing near what is looked at."""
        if not self.isVisible() and len(self.views) >= FIRST:
            return
        bar = self.verticalScrollBar()
        value = bar.value()
        more = False
        scarce = len(self.views) < ALIVE
        if self.first > 0 and (value < NEAR or (scarce and self._stuck)):
            self._extend_up(min(BATCH, self.first))
            more = True
        if self.last < self._total() and value > bar.maximum() - NEAR:
            self._extend_down(BATCH)
            more = True
        if more:
            self.place()
            self._take_away()
            self._fill.start()
        elif self.first == 0 and self._total() and value < NEAR:
            self.top_reached.emit()

    def _take_away(self) -> None:
        """Let go of messages at the end that is further away, once there are too many."""
        surplus = len(self.views) - MOST
        if surplus <= 0:
            return
        bar = self.verticalScrollBar()
        if bar.value() > bar.maximum() // 2:
            self._drop_front(surplus)
        else:
            for view in self.views[-surplus:]:
                _remove(view)
            del self.views[-surplus:]
        self.place()

    def _drop_front(self, count: int) -> None:
        bar = self.verticalScrollBar()
        kept = self.views[count]
        offset = kept.y() - bar.value()
        for view in self.views[:count]:
            _remove(view)
        del self.views[:count]
        self.first += count
        self._placing = True
        self._place()
        if not self._stuck:
            bar.setValue(kept.y() - offset)
        self._placing = False

    def _extend_up(self, count: int) -> None:
        made = [self._make(number, self._inner) for number in range(self.first - count, self.first)]
        self.first -= count
        self.views[:0] = made
        for view in made:
            view.show()

    def _extend_down(self, count: int) -> None:
        stop = min(self._total(), self.last + count)
        for number in range(self.last, stop):
            view = self._make(number, self._inner)
            self.views.append(view)
            view.show()

    def _clear(self) -> None:
        for view in self.views:
            _remove(view)
        self.views = []
        self.first = 0


def _remove(view: "MessageView") -> None:
    view.hide()
    view.deleteLater()
