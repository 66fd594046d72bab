"""The reminders of one view as a Qt model that grows page by page and changes row by row.

Owns the order, the groups (Today, Tomorrow, …) and what is told of each row. Where pages come from
is decided by whoever listens to `more_wanted`; how a row looks is in `painter`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from math import inf

from PySide6.QtCore import (
    QAbstractListModel,
    QCoreApplication,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from nagatha_desktop.reminders import words
from nagatha_desktop.widgets.moments import Wall
from nagatha_desktop.widgets.text import count, one_line, shown
from worker.contract.reminders import Reminder, ReminderView

Index = QModelIndex | QPersistentModelIndex
Key = tuple[int, float]
VIEWS: tuple[ReminderView, ...] = ("upcoming", "done", "missed")
_NONE = QModelIndex()
_LINE = 400
_TIP = 1_200

translate = QCoreApplication.translate


def views_of(reminder: Reminder) -> frozenset[ReminderView]:
    """The views that a reminder belongs to."""
    if reminder.deleted is not None:
        return frozenset()
    if words.ended(reminder) is not None:
        return frozenset({"done"})
    missed = reminder.firing is not None and reminder.firing.state == "missed"
    return frozenset({"upcoming", "missed"} if missed else {"upcoming"})


def key_of(view: ReminderView, reminder: Reminder) -> Key:
    """What a reminder is ordered by: in "upcoming", what waits for an answer comes first."""
    if view == "done":
        over = words.ended(reminder)
        return (0, -over.timestamp() if over is not None else inf)
    due = words.due_of(reminder)
    at = due.timestamp() if due is not None else inf
    if view == "missed":
        return (0, -at)
    return (0 if words.is_open(reminder) else 1, at)


def groups(today: date, wall: Wall) -> list[tuple[str, Key]]:
    """The headings of "upcoming" and where each begins, in their order."""
    first = QLocale().firstDayOfWeek().value
    left = (first - 1 - today.isoweekday()) % 7
    days = {1: today + timedelta(days=1), 2: today + timedelta(days=2)}
    week_ends = today + timedelta(days=left + 1)
    starts = {at: wall.midnight(day).timestamp() for at, day in days.items()}
    later = max(starts[2], wall.midnight(week_ends).timestamp())
    return [
        (translate("Reminders", "Waiting for you"), (0, -inf)),
        (translate("Reminders", "Today"), (1, -inf)),
        (translate("Reminders", "Tomorrow"), (1, starts[1])),
        (translate("Reminders", "This week"), (1, starts[2])),
        (translate("Reminders", "Later"), (1, later)),
    ]


class ReminderRows(QAbstractListModel):
    """See the module. All of it belongs to the GUI thread."""

    more_wanted = Signal()
    """A person is near the end of what is there."""
    heads_changed = Signal()
    """Groups begin at other rows now."""

    def __init__(
        self,
        view: ReminderView,
        clock: Callable[[], datetime],
        wall: Wall,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.view = view
        self.clock = clock
        self.wall = wall
        self.loaded = False
        """Whether the engine was asked at all."""
        self.heads: dict[int, str] = {}
        """Rows at which a group begins, and what it is called."""
        self._all: list[Reminder] = []
        self._keys: list[Key] = []
        self._places: dict[str, Key] = {}
        self._more = False
        self._fetching = False

    # -- what is there ------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all)

    @property
    def more(self) -> bool:
        """Whether the engine has further ones that are not here yet."""
        return self._more

    @property
    def number(self) -> str:
        """How many there are, "200+" while that is not known to the last one."""
        return count(len(self._all)) + ("+" if self._more else "")

    @property
    def waiting(self) -> int:
        """How many of them wait for an answer."""
        return sum(map(words.is_open, self._all))

    def has(self, reminder: str) -> bool:
        """Whether a reminder is here."""
        return reminder in self._places

    def at(self, index: Index) -> Reminder | None:
        """The reminder of a row."""
        row = index.row()
        return self._all[row] if index.isValid() and row < len(self._all) else None

    def get(self, reminder: str) -> Reminder | None:
        """A reminder by its id."""
        row = self._row(reminder)
        return None if row is None else self._all[row]

    def index_of(self, reminder: str) -> QModelIndex:
        """The row of a reminder; invalid where it is not here."""
        row = self._row(reminder)
        return QModelIndex() if row is None else self.index(row, 0)

    def _row(self, reminder: str) -> int | None:
        key = self._places.get(reminder)
        if key is None:
            return None
        row = bisect_left(self._keys, key)
        while self._all[row].id != reminder:
            row += 1
        return row

    # -- changes ------------------------------------------------------------------------------

    def show_first(self, reminders: Sequence[Reminder], more: bool) -> None:
        """Show these; `more` when the engine has further ones behind them."""
        self._fetching = False
        made = sorted(
            ((key_of(self.view, one), one) for one in reminders), key=lambda pair: pair[0]
        )
        known = self.loaded and more == self._more
        self.loaded = True
        if known and [one.id for _, one in made] == [one.id for one in self._all]:
            for row, (key, new) in enumerate(made):
                self._keys[row], self._places[new.id] = key, key
                if self._all[row] != new:
                    self._all[row] = new
                    self._tell_row(row)
            self.regroup()
            return
        self.beginResetModel()
        self._all = [one for _, one in made]
        self._keys = [key for key, _ in made]
        self._places = {one.id: key for key, one in made}
        self._more = more
        self.heads = self._find_heads()
        self.endResetModel()
        self.heads_changed.emit()

    def add_further(self, reminders: Sequence[Reminder], more: bool) -> None:
        """Put the next page where it belongs; what is there already stays as it is."""
        new = [one for one in reminders if one.id not in self._places]
        self._fetching = False
        self._more = more
        if not new:
            return
        made = sorted(((key_of(self.view, one), one) for one in new), key=lambda pair: pair[0])
        if self._keys and made[0][0] < self._keys[-1]:
            for _, one in made:
                self._insert(one)
        else:
            first = len(self._all)
            self.beginInsertRows(QModelIndex(), first, first + len(made) - 1)
            self._all += [one for _, one in made]
            self._keys += [key for key, _ in made]
            self._places.update((one.id, key) for key, one in made)
            self.endInsertRows()
        self._moved()

    def fetch_failed(self) -> None:
        """The page that was asked for does not come; it may be asked for again."""
        self._fetching = False

    def put(self, reminder: Reminder) -> None:
        """A reminder belongs here now: change its row, move it, or give it one."""
        row = self._row(reminder.id)
        key = key_of(self.view, reminder)
        if row is not None and self._keys[row] == key:
            if self._all[row] != reminder:
                self._all[row] = reminder
                self._tell_row(row)
            return
        if row is not None:
            self._remove(row)
        if not (self._more and (not self._keys or key > self._keys[-1])):
            self._insert(reminder)  # or else its page was not read yet
        self._moved()

    def drop(self, reminder: str) -> None:
        """A reminder does not belong here any more."""
        row = self._row(reminder)
        if row is not None:
            self._remove(row)
            self._moved()

    def _insert(self, reminder: Reminder) -> None:
        key = key_of(self.view, reminder)
        at = bisect_right(self._keys, key)
        self.beginInsertRows(QModelIndex(), at, at)
        self._all.insert(at, reminder)
        self._keys.insert(at, key)
        self._places[reminder.id] = key
        self.endInsertRows()

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._places[self._all[row].id]
        del self._all[row], self._keys[row]
        self.endRemoveRows()

    def regroup(self) -> None:
        """Time has passed: groups may begin elsewhere."""
        if self._find_heads() != self.heads:
            self._moved()

    def _moved(self) -> None:
        """Rows came or went. Told also where groups begin at the same rows: others stand there."""
        self.heads = self._find_heads()
        self.heads_changed.emit()

    def _find_heads(self) -> dict[int, str]:
        if self.view != "upcoming":
            return {}
        found: dict[int, str] = {}
        # Where two groups begin at one row, the first of them is empty.
        for title, key in groups(self.wall.day_of(self.clock()), self.wall):
            row = bisect_left(self._keys, key)
            if row < len(self._keys):
                found[row] = title
        return found

    def _tell_row(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, 0))

    # -- Qt's side ----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._all)

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and self._more and not self._fetching

    def fetchMore(self, parent: Index) -> None:
        if self.canFetchMore(parent):
            self._fetching = True
            self.more_wanted.emit()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        reminder = self.at(index)
        if reminder is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(reminder.text, _LINE)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            heading = self.heads.get(index.row(), "")
            return one_line(words.said(reminder, self.clock(), self.wall, heading), _LINE)
        if role == Qt.ItemDataRole.ToolTipRole:
            return shown(words.tip(reminder, self.wall)[:_TIP])
        return None
