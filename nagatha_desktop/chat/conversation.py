"""One conversation: its messages above, the box below, and the model between them.

Owns what the wishes of the two do. The list of chats, the bar and everything that lies over the
window are the window's.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QStandardPaths, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from nagatha_desktop.bridge import Bridge, Call
from nagatha_desktop.chat.attachments import Attachments, save_attachment
from nagatha_desktop.chat.composer import Composer
from nagatha_desktop.chat.estimate import room
from nagatha_desktop.chat.model import ChatModel
from nagatha_desktop.chat.models import Models
from nagatha_desktop.chat.transcript import Transcript
from nagatha_desktop.chat.waits import Waits
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Attachment, Hit, Page, Problem

if TYPE_CHECKING:
    from nagatha_desktop.chat.model_picker import ModelPicker

ROOM_AFTER = 200
"""Milliseconds of rest after which the room in the context is estimated again."""
EMPTY_AFTER = 150
"""Milliseconds that the last chat stays in sight while another one is on its way."""
FIND_AFTER = 250
"""Milliseconds of rest after which is looked for what is not loaded."""


class Conversation(QWidget):
    """See the module."""

    problem = Signal(object)
    """Something did not work (Problem)."""
    told = Signal(str)
    """Something to say in passing."""
    settings_wanted = Signal(str)
    """Open the settings at this page."""
    new_chat_wanted = Signal()

    def __init__(
        self,
        model: ChatModel,
        models: Models,
        bridge: Bridge,
        themes: ThemeController,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.model = model
        self.models = models
        self._bridge = bridge
        self._sending: tuple[str, str, tuple[Attachment, ...]] | None = None
        self._finding: Call | None = None
        self.attachments = Attachments(bridge, self)
        self.transcript = Transcript(themes, self)
        self.composer = Composer(self.attachments, themes, self)
        self._picker: ModelPicker | None = None
        self._waits = Waits(model, bridge, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.transcript, 1)
        below = QVBoxLayout()
        side = MEASURES.grid * 2
        below.setContentsMargins(side, MEASURES.half, side, side)
        below.addWidget(self.composer)
        column.addLayout(below)
        self._room_timer = self._timer(ROOM_AFTER, self._show_room)
        self._empty_timer = self._timer(EMPTY_AFTER, self._show_nothing)
        self._find_timer = self._timer(FIND_AFTER, self._find_further)
        self._connect_model()
        self._connect_parts()
        self._show_model()

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _connect_model(self) -> None:
        model, transcript = self.model, self.transcript
        model.chat_changed.connect(self._show_model)
        model.turned.connect(self._turned)
        model.page_shown.connect(self._show_page)
        model.older_shown.connect(transcript.prepend)
        model.message_put.connect(transcript.put)
        model.message_put.connect(self._room_soon)
        model.text_added.connect(transcript.append_text)
        model.tool_changed.connect(transcript.set_tool)
        model.jumped.connect(transcript.jump_to)
        self._waits.changed.connect(transcript.set_waiting)
        model.busy_changed.connect(self.composer.set_busy)
        model.draft_shown.connect(self.composer.show_draft)
        model.sent.connect(self._sent)
        model.not_sent.connect(self._not_sent)
        model.problem.connect(self.problem)
        self.models.changed.connect(self._show_model)

    def _connect_parts(self) -> None:
        model, transcript, composer = self.model, self.transcript, self.composer
        transcript.older_wanted.connect(model.load_older)
        transcript.refresh_wanted.connect(model.refresh)
        transcript.action_wanted.connect(self.act)
        transcript.retry_wanted.connect(model.retry)
        transcript.resume_wanted.connect(model.resume)
        transcript.version_wanted.connect(model.select)
        transcript.edit_wanted.connect(self.edit)
        transcript.link_wanted.connect(self._open_link)
        transcript.copied.connect(self._copied)
        transcript.attachment_wanted.connect(self._save_attachment)
        transcript.find_bar.text_changed.connect(self._find_soon)
        transcript.find_bar.closed.connect(self._find_timer.stop)
        composer.send_wanted.connect(self._send)
        composer.edit_wanted.connect(self._send_edit)
        composer.stop_wanted.connect(model.stop)
        composer.edit_last_wanted.connect(self.edit_last)
        composer.text_changed.connect(model.set_draft)
        composer.model_wanted.connect(self._choose_model)
        composer.box.textChanged.connect(self._room_soon)
        self.attachments.refused.connect(self.problem)
        self.attachments.changed.connect(self._room_soon)

    # -- messages -----------------------------------------------------------------------------

    @Slot()
    def _turned(self) -> None:
        self._empty_timer.start()

    @Slot()
    def _show_nothing(self) -> None:
        """The messages take their time: those of another chat must not stand here meanwhile."""
        self.transcript.clear()
        self.transcript.empty.hide()

    @Slot(object)
    def _show_page(self, page: Page | None) -> None:
        self._empty_timer.stop()
        if page is None:
            self.transcript.clear()
        else:
            self.transcript.show_page(page)
        self._room_soon()

    @Slot(str, str)
    def act(self, action: str, message: str) -> None:
        """Press the button of an error card of `message`."""
        shown = self.model.message(message)
        if action in ("retry", "wait"):
            self.model.retry(message)
        elif action == "continue":
            self.model.resume(message)
        elif action == "models":
            self.settings_wanted.emit("models")
        elif action == "settings":
            self.settings_wanted.emit("")
        elif action == "restore":
            self.settings_wanted.emit("data")
        elif action == "choose_model":
            self.composer.choose_model()
        elif action == "new_chat":
            asked = self.model.message(shown.parent) if shown and shown.parent else None
            self.new_chat_wanted.emit()
            if asked is not None:
                self.composer.give_back(asked.text, asked.attachments)

    @Slot()
    def retry_last(self) -> None:
        """Answer the last question again."""
        answer = self.model.last_of("assistant")
        if answer is not None and not self.model.busy:
            self.model.retry(answer.id)

    @Slot(QUrl)
    def _open_link(self, url: QUrl) -> None:
        if not QDesktopServices.openUrl(url):
            self.told.emit(self.tr("No program opened the address."))

    @Slot()
    def _copied(self) -> None:
        self.told.emit(self.tr("Copied."))

    @Slot()
    def copy_last_answer(self) -> None:
        """Put the last answer on the clipboard."""
        if not self.transcript.copy_last_answer():
            self.told.emit(self.tr("There is no answer to copy yet."))

    # -- sending ------------------------------------------------------------------------------

    @Slot(str)
    def _send(self, text: str) -> None:
        if self.model.sending:
            # It stays in the box: what was sent before, maybe in another chat, is on its way.
            return
        files = self.attachments.ready
        self._sending = ("", text, files)
        self.composer.accept()
        self.model.send(text, tuple(file.id for file in files))

    @Slot(str, str)
    def _send_edit(self, message: str, text: str) -> None:
        if self.model.sending:
            return
        files = self.attachments.ready
        self._sending = (message, text, files)
        self.composer.accept()
        self.model.edit(message, text, tuple(file.id for file in files))

    @Slot()
    def _sent(self) -> None:
        self._sending = None

    @Slot(object)
    def _not_sent(self, problem: Problem) -> None:
        """What was not accepted goes back into the box."""
        sending, self._sending = self._sending, None
        if sending is not None:
            message, text, files = sending
            if message:
                self.composer.begin_edit(message, text, files)
            else:
                self.composer.give_back(text, files)
        self.problem.emit(problem)

    @Slot(str)
    def edit(self, message: str) -> None:
        """Put a question into the box to be asked differently."""
        shown = self.model.message(message)
        if shown is not None and not self.model.busy:
            self.composer.begin_edit(message, shown.text, shown.attachments)

    @Slot()
    def edit_last(self) -> None:
        """Edit the last question."""
        question = self.model.last_of("user")
        if question is not None:
            self.edit(question.id)

    # -- the model and its context ----------------------------------------------------------------

    @property
    def picker(self) -> "ModelPicker":
        """The list of models, made when it is first wanted."""
        if self._picker is None:
            from nagatha_desktop.chat.model_picker import ModelPicker

            self._picker = ModelPicker(self.models, self)
            self._picker.chosen.connect(self.model.choose_model)
        return self._picker

    @Slot(QPoint)
    def _choose_model(self, at: QPoint) -> None:
        self.picker.open_at(self.model.choice, at)

    @Slot()
    def _show_model(self) -> None:
        provider, model = self.model.choice
        choice = self.models.resolve(provider, model)
        found = self.models.catalogue.provider(choice.provider)
        name = choice.model or (found.name if found is not None else self.tr("Model"))
        where = found.name if found is not None else choice.provider
        title = f"{name} · {where}" if where and where != name else name
        self.composer.set_model(name, title)
        self._room_soon()

    @Slot()
    def _room_soon(self) -> None:
        if not self._room_timer.isActive():
            self._room_timer.start()

    @Slot()
    def _show_room(self) -> None:
        choice = self.models.resolve(*self.model.choice)
        context = self.models.context(choice.provider, choice.model)
        text, files = self.composer.text, self.attachments.tokens
        self.composer.set_room(room(self.model.messages, text, files, context))

    # -- files and finding ------------------------------------------------------------------------

    @Slot(str)
    def _save_attachment(self, attachment: str) -> None:
        for message in self.model.messages:
            for file in message.attachments:
                if file.id == attachment:
                    self._ask_where(file)
                    return

    def _ask_where(self, file: Attachment) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = QFileDialog(self, self.tr("Save the file"), folder)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(file.name)

        def chosen(path: str) -> None:
            self._bridge.call(
                save_attachment(file.id, path),
                owner=self,
                done=lambda _: self.told.emit(self.tr("Saved.")),
                failed=self.problem.emit,
            )

        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def _find_soon(self) -> None:
        self._find_timer.start()

    @Slot()
    def _find_further(self) -> None:
        """Look in the messages that are not loaded, where the loaded ones do not hold it."""
        text = self.transcript.find_bar.field.text().strip()
        chat = self.model.chat_id
        if not text or not chat or not self.model.more or self.transcript.find(text):
            return

        def done(hits: tuple[Hit, ...]) -> None:
            if hits and self.transcript.find_bar.field.text().strip() == text:
                self.model.open_at(chat, hits[0].message, text)

        if self._finding is not None:
            self._finding.cancel()
        self._finding = self._bridge.call(
            lambda client: client.chats.search(text, chat, 1),
            owner=self,
            done=done,
            failed=self.problem.emit,
        )
