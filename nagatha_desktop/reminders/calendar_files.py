"""Reminders from and into iCalendar files.

Owns the two dialogs and that files are read and written beside the GUI thread. What stands in such
a file is the engine's affair.
"""

import asyncio
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from nagatha_desktop.bridge import Bridge
from worker.contract.errors import TooLarge, Unavailable
from worker.contract.reminders import Reminder
from worker.contract.services import Client

LARGEST = 20_000_000
"""Bytes of a file that is still read."""
NAME = "reminders.ics"


class CalendarFiles(QObject):
    """See the module."""

    imported = Signal(int)
    """So many reminders are new."""
    exported = Signal(str)
    """They stand in this file now."""
    failed = Signal(object)
    """It could not be done (Problem)."""

    def __init__(self, bridge: Bridge, window: QWidget) -> None:
        super().__init__(window)
        self._bridge = bridge
        self._window = window

    @Slot()
    def choose_import(self) -> None:
        """Let the person choose a file to import."""
        dialog = self._dialog(self.tr("Import reminders"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.import_from)
        dialog.open()

    @Slot()
    def choose_export(self) -> None:
        """Let the person choose where to export to."""
        dialog = self._dialog(self.tr("Export reminders"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("ics")
        dialog.selectFile(NAME)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        places = QStandardPaths.StandardLocation
        folder = QStandardPaths.writableLocation(places.DocumentsLocation)
        dialog = QFileDialog(self._window, title, folder)
        dialog.setNameFilters([self.tr("Calendars (*.ics)"), self.tr("All files (*)")])
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    @Slot(str)
    def import_from(self, path: str) -> None:
        """Add what stands in a file."""
        refused = self.tr("The file could not be read")
        large = self.tr("The file is too large for a calendar")

        def read() -> bytes:
            file = Path(path)
            try:
                if file.stat().st_size > LARGEST:
                    raise TooLarge(large)
                return file.read_bytes()
            except OSError as error:
                raise _unavailable(refused, error) from error

        async def add(client: Client) -> tuple[Reminder, ...]:
            return await client.reminders.import_calendar(await asyncio.to_thread(read))

        self._bridge.call(
            add,
            owner=self,
            done=lambda new: self.imported.emit(len(new)),
            failed=self.failed.emit,
        )

    @Slot(str)
    def export_to(self, path: str) -> None:
        """Write all reminders into a file."""
        refused = self.tr("The file could not be written")

        def write(data: bytes) -> None:
            try:
                Path(path).write_bytes(data)
            except OSError as error:
                raise _unavailable(refused, error) from error

        async def give(client: Client) -> None:
            await asyncio.to_thread(write, await client.reminders.export_calendar())

        self._bridge.call(
            give, owner=self, done=lambda _: self.exported.emit(path), failed=self.failed.emit
        )


def _unavailable(title: str, error: OSError) -> Unavailable:
    return Unavailable(title, error.strerror or type(error).__name__, action="")
