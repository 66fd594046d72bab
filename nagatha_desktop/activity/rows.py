"""The runs of one segment as a Qt model that grows page by page and changes row by row.

Owns the order (newest first, as the engine lists them) and what is told of each cell. Where pages
come from is decided by whoever listens to `more_wanted`; how a cell looks is in `painter`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from nagatha_desktop.activity import times, words
from nagatha_desktop.activity.segments import Segment
from nagatha_desktop.widgets.text import count, one_line, shown
from worker.contract.types import Run

Index = QModelIndex | QPersistentModelIndex
_TIP = 600
_NONE = QModelIndex()


class Column(IntEnum):
    """What a column tells."""

    WHAT = 0
    WHY = 1
    STATE = 2
    MORE = 3
    """How far it is, or why it failed."""
    WHEN = 4


class RunRows(QAbstractTableModel):
    """See the module. All of it belongs to the GUI thread."""

    more_wanted = Signal()
    """A person is near the end of what is there."""

    def __init__(
        self,
        segment: Segment,
        title_of: Callable[[str], str],
        clock: Callable[[], datetime],
        parent: QObject | None = None,
    ) -> None:
        """`title_of` gives the title of a chat by its id, "" where it is not known."""
        super().__init__(parent)
        self.segment = segment
        self.title_of = title_of
        self.clock = clock
        self.loaded = False
        """Whether the engine was asked at all."""
        self.dropping = False
        """True while a run leaves; what views do meanwhile no person has wanted."""
        self._runs: list[Run] = []
        self._keys: list[float] = []
        self._places: dict[str, float] = {}
        self._more = False
        self._fetching = False

    # -- what is there ------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def more(self) -> bool:
        """Whether the engine has older ones that are not here yet."""
        return self._more

    @property
    def number(self) -> str:
        """How many there are, "200+" while that is not known to the last one."""
        return count(len(self._runs)) + ("+" if self._more else "")

    @property
    def last(self) -> Run | None:
        """The oldest one that is here."""
        return self._runs[-1] if self._runs else None

    def has(self, run: str) -> bool:
        """Whether a run is here."""
        return run in self._places

    def run_at(self, index: Index) -> Run | None:
        """The run of a row."""
        return self._runs[index.row()] if index.isValid() else None

    def get(self, run: str) -> Run | None:
        """A run by its id."""
        row = self._row(run)
        return None if row is None else self._runs[row]

    def index_of(self, run: str) -> QModelIndex:
        """The row of a run; invalid where it is not here."""
        row = self._row(run)
        return QModelIndex() if row is None else self.index(row, 0)

    def _row(self, run: str) -> int | None:
        key = self._places.get(run)
        if key is None:
            return None
        row = bisect_left(self._keys, key)
        while self._runs[row].id != run:
            row += 1
        return row

    # -- changes ------------------------------------------------------------------------------

    def show_first(self, runs: Sequence[Run], more: bool) -> None:
        """Show these, which are the newest; `more` when the engine has older ones."""
        known = self.loaded and more == self._more
        self.loaded = True
        self._fetching = False
        if known and [run.id for run in runs] == [run.id for run in self._runs]:
            for row, (old, new) in enumerate(zip(self._runs, runs, strict=True)):
                if old != new:
                    self._runs[row] = new
                    self._tell_row(row)
            return
        self.beginResetModel()
        self._runs = list(runs)
        self._keys = [_key(run) for run in runs]
        self._places = {run.id: key for run, key in zip(self._runs, self._keys, strict=True)}
        self._more = more
        self.endResetModel()

    def add_older(self, runs: Iterable[Run], more: bool) -> None:
        """Put the next page behind what is there; what is there already stays as it is."""
        new = [run for run in runs if run.id not in self._places]
        self._fetching = False
        self._more = more
        if not new:
            return
        first = len(self._runs)
        self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        self._runs += new
        self._keys += [_key(run) for run in new]
        self._places.update((run.id, _key(run)) for run in new)
        self.endInsertRows()

    def fetch_failed(self) -> None:
        """The page that was asked for does not come; it may be asked for again."""
        self._fetching = False

    def put(self, run: Run) -> None:
        """A run belongs here now: change its row, or give it one."""
        row = self._row(run.id)
        if row is not None:
            if self._runs[row] != run:
                self._runs[row] = run
                self._tell_row(row)
            return
        key = _key(run)
        # Of equally old ones the later comes first, as the engine lists them.
        at = bisect_left(self._keys, key)
        if self._more and at == len(self._keys):
            return  # its page was not read yet
        self.beginInsertRows(QModelIndex(), at, at)
        self._runs.insert(at, run)
        self._keys.insert(at, key)
        self._places[run.id] = key
        self.endInsertRows()

    def drop(self, run: str) -> None:
        """A run does not belong here any more."""
        row = self._row(run)
        if row is None:
            return
        self.dropping = True
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._runs[row], self._keys[row], self._places[run]
        self.endRemoveRows()
        self.dropping = False

    def titles_changed(self, chat: str) -> None:
        """The title of a chat is another one now."""
        for row, run in enumerate(self._runs):
            if run.chat == chat:
                self._tell_row(row)

    def _tell_row(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    # -- Qt's side ----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(Column)

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and self._more and not self._fetching

    def fetchMore(self, parent: Index) -> None:
        if self.canFetchMore(parent):
            self._fetching = True
            self.more_wanted.emit()

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        failed = self.segment == "failed"
        return (
            self.tr("What"),
            self.tr("Why"),
            self.tr("State"),
            self.tr("What went wrong") if failed else self.tr("Progress"),
            self.tr("At work") if self.segment == "now" else self.tr("When"),
        )[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        run = self.run_at(index)
        if run is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(run, Column(index.column()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if index.column() == Column.WHAT:
                return self.said(run)
            return self.text(run, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tip(run, Column(index.column()))
        return None

    def title(self, run: Run) -> str:
        """The title of the run's chat, "" for none."""
        return self.title_of(run.chat) if run.chat else ""

    def text(self, run: Run, column: Column) -> str:
        """A cell on one line."""
        now = self.clock()
        if column == Column.WHAT:
            return words.what(run, self.title(run))
        if column == Column.WHY:
            return words.why(run, self.title(run))
        if column == Column.STATE:
            said = (words.state(run, now)[0], words.attempts(run))
            return ", ".join(part for part in said if part)
        if column == Column.MORE:
            if self.segment == "failed":
                return shown(run.error.title) if run.error is not None else ""
            return " ".join(part for part in (words.percent(run), run.progress_text) if part)
        return ", ".join(part for part in words.when(run, now) if part)

    def said(self, run: Run) -> str:
        """A whole row, as it is read out."""
        parts = [self.text(run, column) for column in Column]
        parts.insert(1, words.about(run))
        return ", ".join(part for part in parts if part)

    def tip(self, run: Run, column: Column) -> str:
        """What a cell has no room for."""
        if column == Column.WHEN:
            lines = [
                (self.tr("Queued {time}"), run.queued),
                (self.tr("Begun {time}"), run.started),
                (self.tr("Ended {time}"), run.ended),
                (self.tr("Not before {time}"), run.due),
            ]
            return "\n".join(
                line.format(time=times.whole(moment)) for line, moment in lines if moment
            )
        if column == Column.MORE and run.error is not None and self.segment == "failed":
            return one_line(str(run.error), _TIP)
        return one_line(self.text(run, column), _TIP)


def _key(run: Run) -> float:
    return -run.queued.timestamp()
