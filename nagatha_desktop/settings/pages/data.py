"""Data and privacy: where the data is, copies of it, taking it elsewhere, deleting it.

Owns the questions before anything is replaced or deleted; they are asked in place. What is done
is the engine's.
"""

from PySide6.QtCore import QDateTime, QLocale, QStandardPaths, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.allowed_tools import AllowedTools
from nagatha_desktop.settings.fields import SettingField
from nagatha_desktop.settings.page import Page, Row, Rows, counted
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.widgets.badges import wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card
from nagatha_desktop.widgets.text import size
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.services import Client
from worker.contract.system import Backup, DataPlaces, Transfer
from worker.contract.types import Problem

SHOWN = 5
"""Backups that are listed before "Show all" is pressed."""


class DataPage(Page):
    """See the module."""

    def __init__(self, bridge: Bridge, store: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Data and privacy"), parent)
        self._bridge = bridge
        self._folder = ""
        self._all = False
        self._backups: tuple[Backup, ...] = ()
        self._restore_buttons: dict[QPushButton, Backup] = {}
        self._chosen: Backup | None = None
        self._place_part()
        self._backup_part(store)
        self._transfer_part()
        self._kept_part(store)
        self.add_section(self.tr("Tools allowed always"))
        self.allowed = AllowedTools(bridge)
        self.add(self.allowed)
        self.add_section(self.tr("How long things are kept"))
        keeping = Rows()
        for key in ("data.keep_deleted_days", "data.keep_runs_days", "logging.level"):
            keeping.add(SettingField(key, store))
        self.add(keeping)
        self._delete_part()
        self.end()
        store.stale.connect(self._stale)

    # -- how it is put together -------------------------------------------------------------------

    def _place_part(self) -> None:
        self.add_section(self.tr("Where it is"))
        rows = Rows()
        self.place_row = Row(self.tr("On this computer only"), self.tr("Looking …"))
        self.open_button = button(self.tr("Open folder"))
        self.open_button.clicked.connect(self._open_folder)
        self.open_button.setEnabled(False)
        self.place_row.put(self.open_button)
        rows.add(self.place_row)
        rows.add(
            Row(
                self.tr("What leaves this computer"),
                self.tr(
                    "Your messages and files go to the model that a chat asks, and nowhere else. "
                    "Keys are in no file of a backup or export."
                ),
            )
        )
        self.add(rows)

    def _backup_part(self, store: SettingsStore) -> None:
        self.add_section(self.tr("Backups"))
        rows = Rows()
        rows.add(SettingField("data.backup_daily", store))
        self.backup_row = Row(self.tr("Copy now"), self.tr("A copy of the database."))
        self.backup_button = button(self.tr("Back up now"))
        self.backup_button.clicked.connect(self.back_up)
        self.backup_row.put(self.backup_button)
        rows.add(self.backup_row)
        self.add(rows)
        self.backup_list = Rows()
        self.backup_list.hide()
        self.add(self.backup_list)
        self.all_button = button(self.tr("Show all"), "quiet")
        self.all_button.clicked.connect(self._show_all)
        self.all_button.hide()
        self.add(self.all_button)
        self.restore_card = Card()
        self.restore_words = wrapped("", "strong")
        self.restore_card.column.addWidget(self.restore_words)
        self.restore_card.column.addWidget(
            wrapped(
                self.tr(
                    "What came since then is no longer there afterwards. The database as it is now "
                    "is copied first, so you can come back to it."
                )
            )
        )
        self.restore_button = button(self.tr("Restore it"), "danger")
        self.restore_button.clicked.connect(self._restore)
        self.keep_button = button(self.tr("Leave things as they are"))
        self.keep_button.clicked.connect(self._end_question)
        self.restore_card.column.addLayout(_line(self.restore_button, self.keep_button))
        self.restore_card.hide()
        self.add(self.restore_card)

    def _transfer_part(self) -> None:
        self.add_section(self.tr("Export and import"))
        rows = Rows()
        self.export_row = Row(
            self.tr("Export all chats"),
            self.tr("A new folder with JSON, which can be imported, and Markdown, for reading."),
        )
        self.export_button = button(self.tr("Export …"))
        self.export_button.clicked.connect(self._choose_export)
        self.export_row.put(self.export_button)
        self.import_row = Row(
            self.tr("Import an export"),
            self.tr("The nagatha.json of an export. Chats that are here already are left alone."),
        )
        self.import_button = button(self.tr("Import …"))
        self.import_button.clicked.connect(self._choose_import)
        self.import_row.put(self.import_button)
        for row in (self.export_row, self.import_row):
            rows.add(row)
        self.add(rows)

    def _kept_part(self, store: SettingsStore) -> None:
        self.add_section(self.tr("Kept answers"))
        rows = Rows()
        rows.add(SettingField("chat.reuse_answers", store))
        self.kept_row = Row(self.tr("Kept now"), self.tr("Looking …"))
        self.forget_button = button(self.tr("Forget kept answers"))
        self.forget_button.clicked.connect(self._forget)
        self.forget_button.setEnabled(False)
        self.kept_row.put(self.forget_button)
        rows.add(self.kept_row)
        self.add(rows)

    def _delete_part(self) -> None:
        self.add_section(self.tr("Delete"))
        rows = Rows()
        self.delete_row = Row(
            self.tr("Delete everything"),
            self.tr("All chats, attachments, usage records, work and backups. Keys stay."),
        )
        self.delete_button = button(
            self.tr("Delete …"), "danger", name=self.tr("Delete everything")
        )
        self.delete_button.clicked.connect(self._ask_to_delete)
        self.delete_row.put(self.delete_button)
        rows.add(self.delete_row)
        self.add(rows)
        self.word = self.tr("delete")
        self.delete_card = Card()
        self.delete_card.column.addWidget(
            wrapped(self.tr("This cannot be undone: the backups go as well."), "strong")
        )
        self.delete_card.column.addWidget(
            wrapped(self.tr("Type “{word}” to go on.").format(word=self.word))
        )
        self.confirmation = QLineEdit()
        self.confirmation.setAccessibleName(
            self.tr("Type “{word}” to go on").format(word=self.word)
        )
        self.confirmation.setMaximumWidth(MEASURES.grid * 30)
        self.confirmation.textChanged.connect(self._typed)
        self.confirmation.returnPressed.connect(self._delete)
        self.delete_card.column.addWidget(self.confirmation)
        self.really_button = button(self.tr("Delete everything"), "danger")
        self.really_button.setEnabled(False)
        self.really_button.clicked.connect(self._delete)
        self.spare_button = button(self.tr("Keep everything"))
        self.spare_button.clicked.connect(self._end_question)
        self.delete_card.column.addLayout(_line(self.really_button, self.spare_button))
        self.delete_card.hide()
        self.add(self.delete_card)

    # -- where it is ------------------------------------------------------------------------------

    def load(self) -> None:
        """Read places and backups, and which tools need not ask."""
        self.allowed.load()

        async def read(client: Client) -> tuple[DataPlaces, tuple[Backup, ...]]:
            return await client.data.places(), await client.data.backups()

        self._bridge.call(read, owner=self, done=self._loaded, failed=self.problems.tell)

    @Slot(str)
    def _stale(self, what: str) -> None:
        if what == "data" and self.isVisible():
            self.load()

    def _loaded(self, found: tuple[DataPlaces, tuple[Backup, ...]]) -> None:
        places, self._backups = found
        self.problems.clear()
        self._folder = places.home
        self.open_button.setEnabled(True)
        holds = f"{size(places.size)} · {self._amount(places.chats, places.messages)}"
        self.place_row.say(f"{places.home}\n{holds}")
        self._show_kept(places.cached)
        self._show_backups()

    def _show_kept(self, number: int) -> None:
        self.forget_button.setEnabled(number > 0)
        self.kept_row.say(
            counted(number, self.tr("1 answer"), self.tr("{number} answers"))
            if number
            else self.tr("None.")
        )

    @Slot()
    def _forget(self) -> None:
        self.forget_button.setEnabled(False)
        self.kept_row.problems.clear()
        self._bridge.call(
            lambda client: client.data.clear_cache(),
            owner=self,
            done=self._forgotten,
            failed=self._not_forgotten,
        )

    def _forgotten(self, number: int) -> None:
        self.kept_row.status.say(
            counted(number, self.tr("✓ 1 forgotten"), self.tr("✓ {number} forgotten"))
        )
        self.load()

    def _not_forgotten(self, problem: Problem) -> None:
        self.forget_button.setEnabled(True)
        self.kept_row.problems.tell(problem)

    def _amount(self, chats: int, messages: int) -> str:
        of_chats = counted(chats, self.tr("1 chat"), self.tr("{number} chats"))
        return " · ".join(
            (of_chats, counted(messages, self.tr("1 message"), self.tr("{number} messages")))
        )

    @Slot()
    def _open_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder)):
            self.place_row.problems.tell(
                Problem(
                    "no_program",
                    self.tr("The folder could not be opened"),
                    self.tr("No program of the desktop opens folders."),
                    self.tr("Go there yourself: {folder}").format(folder=self._folder),
                ),
                "warn",
            )

    # -- backups ----------------------------------------------------------------------------------

    def _show_backups(self) -> None:
        self.backup_list.clear()
        self._restore_buttons.clear()
        shown = self._backups if self._all else self._backups[:SHOWN]
        for backup in shown:
            when = moment(backup)
            row = Row(when, f"{self._reason(backup)} · {size(backup.size)}")
            restore = button(
                self.tr("Restore …"), name=self.tr("Restore the copy of {when}").format(when=when)
            )
            restore.clicked.connect(self._ask_to_restore)
            self._restore_buttons[restore] = backup
            row.put(restore)
            self.backup_list.add(row)
        self.backup_list.setVisible(bool(shown))
        hidden = len(self._backups) - len(shown)
        self.all_button.setVisible(hidden > 0)
        self.all_button.setText(self.tr("Show {number} more").format(number=hidden))
        if not self._backups:
            self.backup_row.say(self.tr("There is no copy yet."))
        else:
            self.backup_row.say(self.tr("A copy of the database."))

    def _reason(self, backup: Backup) -> str:
        return {
            "daily": self.tr("Daily"),
            "person": self.tr("By hand"),
            "migration": self.tr("Before an update"),
            "restore": self.tr("Before a restore"),
        }[backup.reason]

    @Slot()
    def _show_all(self) -> None:
        self._all = True
        self._show_backups()

    @Slot()
    def back_up(self) -> None:
        """Copy the database now."""
        self.backup_button.setEnabled(False)
        self.backup_row.problems.clear()
        self.backup_row.status.wait(self.tr("Copying …"))
        self._bridge.call(
            lambda client: client.data.back_up(),
            owner=self,
            done=self._backed_up,
            failed=self._not_backed_up,
        )

    def _backed_up(self, backup: Backup) -> None:
        self.backup_button.setEnabled(True)
        self.backup_row.status.say(self.tr("✓ copied, {size}").format(size=size(backup.size)))
        self.load()

    def _not_backed_up(self, problem: Problem) -> None:
        self.backup_button.setEnabled(True)
        self.backup_row.status.say("")
        self.backup_row.problems.tell(problem)

    @Slot()
    def _ask_to_restore(self) -> None:
        sender = self.sender()
        if isinstance(sender, QPushButton) and sender in self._restore_buttons:
            self._end_question()
            self._chosen = self._restore_buttons[sender]
            self.restore_words.setText(
                self.tr("Restore the copy of {when}?").format(when=moment(self._chosen))
            )
            self.restore_card.show()
            self.keep_button.setFocus()
            self.reveal(self.restore_card)

    @Slot()
    def _restore(self) -> None:
        backup = self._chosen
        if backup is None:
            return
        self._end_question()
        self._chosen = None
        self.backup_row.status.wait(self.tr("Restoring …"))
        self.backup_row.problems.clear()
        self._bridge.call(
            lambda client: client.data.restore(backup.name),
            owner=self,
            done=self._restored,
            failed=self._not_backed_up,
        )

    def _restored(self, _: None) -> None:
        self.backup_row.status.say(self.tr("✓ restored"))
        self.load()

    # -- export and import ------------------------------------------------------------------------

    @Slot()
    def _choose_export(self) -> None:
        dialog = self._file_dialog(self.tr("Export into a new folder in"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    @Slot()
    def _choose_import(self) -> None:
        dialog = self._file_dialog(self.tr("Import an export"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Exports (*.json)"), self.tr("All files (*)")])
        dialog.fileSelected.connect(self.import_from)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        places = QStandardPaths.StandardLocation
        dialog = QFileDialog(self, title, QStandardPaths.writableLocation(places.DocumentsLocation))
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    @Slot(str)
    def export_to(self, folder: str) -> None:
        """Write all chats into a new folder in `folder`."""

        def exported(done: Transfer) -> None:
            self._end_transfer(self.export_row)
            self.export_row.status.say(
                self.tr("✓ {amount} in {path}").format(
                    amount=self._amount(done.chats, done.messages), path=done.path
                )
            )

        def failed(problem: Problem) -> None:
            self._end_transfer(self.export_row)
            self.export_row.problems.tell(problem)

        self._begin_transfer(self.export_row, self.tr("Exporting …"))
        self._bridge.call(
            lambda client: client.data.export(folder), owner=self, done=exported, failed=failed
        )

    @Slot(str)
    def import_from(self, path: str) -> None:
        """Read the export at `path`."""

        def imported(done: Transfer) -> None:
            self._end_transfer(self.import_row)
            words = f"✓ {self._amount(done.chats, done.messages)}"
            if done.skipped:
                more = counted(
                    done.skipped,
                    self.tr("1 was here already"),
                    self.tr("{number} were here already"),
                )
                words = f"{words} · {more}"
            self.import_row.status.say(words)
            self.load()

        def failed(problem: Problem) -> None:
            self._end_transfer(self.import_row)
            self.import_row.problems.tell(problem)

        self._begin_transfer(self.import_row, self.tr("Importing …"))
        self._bridge.call(
            lambda client: client.data.import_all(path), owner=self, done=imported, failed=failed
        )

    def _begin_transfer(self, row: Row, words: str) -> None:
        row.problems.clear()
        row.status.wait(words)
        for made in (self.export_button, self.import_button):
            made.setEnabled(False)

    def _end_transfer(self, row: Row) -> None:
        row.status.say("")
        for made in (self.export_button, self.import_button):
            made.setEnabled(True)

    # -- deleting ---------------------------------------------------------------------------------

    @Slot()
    def _ask_to_delete(self) -> None:
        self._end_question()
        self.delete_card.show()
        self.confirmation.setFocus()
        self.reveal(self.delete_card)

    @Slot(str)
    def _typed(self, text: str) -> None:
        self.really_button.setEnabled(self._confirmed(text))

    def _confirmed(self, text: str) -> bool:
        return text.strip().casefold() == self.word.casefold()

    @Slot()
    def _delete(self) -> None:
        if not self._confirmed(self.confirmation.text()):
            return
        self._end_question()
        self.delete_row.problems.clear()
        self.delete_row.status.wait(self.tr("Deleting …"))
        self.delete_button.setEnabled(False)
        self._bridge.call(
            lambda client: client.data.delete_all(),
            owner=self,
            done=self._deleted,
            failed=self._not_deleted,
        )

    def _deleted(self, _: None) -> None:
        self.delete_button.setEnabled(True)
        self.delete_row.status.say(self.tr("✓ everything was deleted"))
        self.load()

    def _not_deleted(self, problem: Problem) -> None:
        self.delete_button.setEnabled(True)
        self.delete_row.status.say("")
        self.delete_row.problems.tell(problem)

    @Slot()
    def _end_question(self) -> None:
        self.confirmation.clear()
        self.restore_card.hide()
        self.delete_card.hide()


def moment(backup: Backup) -> str:
    """When a copy was made, in the person's zone and way of writing."""
    when = QDateTime.fromSecsSinceEpoch(int(backup.created.timestamp()))
    return QLocale().toString(when, QLocale.FormatType.ShortFormat)


def _line(*buttons: QPushButton) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(MEASURES.grid)
    for made in buttons:
        line.addWidget(made)
    line.addStretch(1)
    return line
