"""Where a person writes: the box, its files, the model, how full the context is, Send and Stop.

Owns what stands in it and whether that is a new message or the edit of an old one. Knows no
engine: what it wants done it says by signals.
"""

from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.chat.attachments import Attachments, PendingChips
from nagatha_desktop.chat.estimate import Room
from nagatha_desktop.chat.message_box import MessageBox
from nagatha_desktop.widgets.badges import Badge, Elided, label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.icons import icon
from nagatha_desktop.widgets.style import restyle, set_role
from nagatha_desktop.widgets.text import count, one_line
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.types import Attachment

_NEAR = 0.8
"""The share of the context from which on it is said in colour."""
_MODEL_NAME = 32


class Composer(QFrame):
    """The card below the conversation."""

    send_wanted = Signal(str)
    """Send this as a new message, with what is pending."""
    edit_wanted = Signal(str, str)
    """Ask the message (id) differently (text), with what is pending."""
    stop_wanted = Signal()
    edit_last_wanted = Signal()
    """Up was pressed in an empty box."""
    text_changed = Signal(str)
    """A new message's text changed; not told of edits."""
    model_wanted = Signal(QPoint)
    """Choose a model; where the button is on the screen."""
    edit_ended = Signal()

    def __init__(
        self, attachments: Attachments, themes: ThemeController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self.attachments = attachments
        self._themes = themes
        self._editing = ""
        self._draft = ""
        self._busy = False
        self._quiet = False
        column = QVBoxLayout(self)
        side = MEASURES.grid * 3 // 2
        column.setContentsMargins(side, side - MEASURES.half // 2, side, MEASURES.grid)
        column.setSpacing(MEASURES.grid)
        column.addLayout(self._make_banner())
        self.chips = PendingChips(attachments, themes, self)
        column.addWidget(self.chips)
        self.box = MessageBox(self)
        self.box.setPlaceholderText(self.tr("Message Nagatha …"))
        self.box.setAccessibleName(self.tr("Message"))
        column.addWidget(self.box)
        column.addLayout(self._make_row())
        self.box.textChanged.connect(self._text_changed)
        self.box.submitted.connect(self._submit)
        self.box.up_pressed.connect(self.edit_last_wanted)
        self.box.escape_pressed.connect(self.escape)
        self.box.files_given.connect(attachments.add_files)
        self.box.picture_given.connect(attachments.add_picture)
        attachments.changed.connect(self._show_send)
        self.setFocusProxy(self.box)
        self._show_send()

    def _make_banner(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.banner = Badge(self.tr("Editing"), "accent", self)
        self.banner_words = label(
            self.tr("Sending asks again; the earlier version stays. Esc to cancel."), "small", self
        )
        self.banner_close = button(self.tr("Cancel"), "quiet", self, name=self.tr("Cancel editing"))
        self.banner_close.clicked.connect(self.end_edit)
        row.addWidget(self.banner)
        row.addWidget(self.banner_words, 1)
        row.addWidget(self.banner_close)
        for widget in (self.banner, self.banner_words, self.banner_close):
            widget.hide()
        return row

    def _make_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.attach_button = button("", "secondary", self, name=self.tr("Attach files"))
        self.attach_button.setIcon(icon(self._themes, "plus"))
        self.attach_button.setIconSize(QSize(MEASURES.icon, MEASURES.icon))
        self.attach_button.setFixedWidth(MEASURES.button + MEASURES.grid)
        self.attach_button.setToolTip(self.tr("Attach files"))
        self.attach_button.clicked.connect(self.choose_files)
        self.model_button = button("", "secondary", self, name=self.tr("Model"))
        self.model_button.setIcon(icon(self._themes, "down", "muted"))
        self.model_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.model_button.clicked.connect(self.choose_model)
        self.room_label = Elided("", "small", self)
        self.room_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.send_button = button(self.tr("Send"), "primary", self)
        self.send_button.clicked.connect(self._submit)
        self.stop_button = button(self.tr("Stop"), "primary", self, name=self.tr("Stop the answer"))
        self.stop_button.setIcon(icon(self._themes, "stop", "on_accent"))
        self.stop_button.setIconSize(QSize(MEASURES.icon - 2, MEASURES.icon - 2))
        self.stop_button.clicked.connect(self.stop_wanted)
        row.addWidget(self.attach_button)
        row.addWidget(self.model_button)
        row.addWidget(self.room_label, 1)
        row.addWidget(self.send_button)
        row.addWidget(self.stop_button)
        return row

    # -- what is shown ------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What stands in the box."""
        return self.box.toPlainText()

    @property
    def editing(self) -> str:
        """The id of the message that is being edited; "" for a new one."""
        return self._editing

    def show_draft(self, text: str) -> None:
        """Put a chat's draft into the box; ends an edit."""
        self._leave_edit()
        self.attachments.clear()
        self._set_text(text)

    def give_back(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Put back what was not accepted, unless something else stands there by now."""
        if not self.text and not self.attachments.pending:
            self._set_text(text)
            self.attachments.keep(attachments)
            if not self._editing:
                self.text_changed.emit(text)

    def begin_edit(self, message: str, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Edit the message `message`; what stood in the box comes back afterwards."""
        if not self._editing:
            self._draft = self.text
        self._editing = message
        self._set_text(text)
        self.attachments.keep(attachments)
        self._show_banner(True)
        self.box.setFocus()

    @Slot()
    def end_edit(self) -> None:
        """Leave the message as it was."""
        if self._editing:
            self._leave_edit()
            self.attachments.clear()
            self._set_text(self._draft)
            self.edit_ended.emit()
            self.box.setFocus()

    def _leave_edit(self) -> None:
        self._editing = ""
        self._show_banner(False)

    def _show_banner(self, on: bool) -> None:
        for widget in (self.banner, self.banner_words, self.banner_close):
            widget.setVisible(on)

    def set_busy(self, busy: bool) -> None:
        """An answer is being written: Stop stands where Send was."""
        self._busy = busy
        self._show_send()

    def set_model(self, name: str, title: str) -> None:
        """The model that will be asked, and its whole title for the tool tip."""
        self.model_button.setText(one_line(name, _MODEL_NAME).replace("&", "&&"))
        self.model_button.setToolTip(title)
        self.model_button.setAccessibleName(self.tr("Model: {name}").format(name=title or name))

    def set_room(self, room: Room) -> None:
        """How full the context is, or how many tokens it is about."""
        share = room.share
        if share is None:
            text = self.tr("about {tokens} tokens").format(tokens=count(room.tokens))
            text = text if room.tokens else ""
        elif share > 1:
            text = self.tr("does not fit: {percent} % of context").format(
                percent=round(share * 100)
            )
        else:
            percent = round(share * 100) or self.tr("under 1")
            text = self.tr("{percent} % of context").format(percent=percent)
        near = share is not None and share >= _NEAR
        set_role(self.room_label, "word" if near else "small", "warn" if near else "")
        self.room_label.set_text(text)

    # -- what a person does ---------------------------------------------------------------------

    @Slot()
    def choose_files(self) -> None:
        """Let the person choose files."""
        dialog = QFileDialog(self, self.tr("Attach files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._files_chosen)
        dialog.open()

    @Slot(list)
    def _files_chosen(self, names: list[str]) -> None:
        self.attachments.add_files(Path(name) for name in names)

    @Slot()
    def choose_model(self) -> None:
        """Let the person choose the model."""
        self.model_wanted.emit(self.model_button.mapToGlobal(QPoint(0, -MEASURES.half)))

    @Slot()
    def escape(self) -> None:
        """Esc: leave the edit, else stop the answer."""
        if self._editing:
            self.end_edit()
        elif self._busy:
            self.stop_wanted.emit()

    @Slot()
    def _submit(self) -> None:
        text = self.text
        if self._busy or self.attachments.waiting:
            return
        if not text.strip() and not self.attachments.ready:
            return
        if self._editing:
            self.edit_wanted.emit(self._editing, text)
        else:
            self.send_wanted.emit(text)

    def accept(self) -> None:
        """What stood there is on its way: empty the box."""
        edited = bool(self._editing)
        self._leave_edit()
        self.attachments.clear()
        self._set_text(self._draft if edited else "")
        self._draft = ""

    def _set_text(self, text: str) -> None:
        self._quiet = True
        self.box.set_text(text)
        self._quiet = False
        self._show_send()

    @Slot()
    def _text_changed(self) -> None:
        self._show_send()
        if not self._editing and not self._quiet:
            self.text_changed.emit(self.text)

    @Slot()
    def _show_send(self) -> None:
        self.stop_button.setVisible(self._busy)
        self.send_button.setVisible(not self._busy)
        something = bool(self.text.strip()) or bool(self.attachments.ready)
        self.send_button.setEnabled(something and not self.attachments.waiting)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.box.setFocus(event.reason())

    def set_focused(self, focused: bool) -> None:
        """Show by the frame that the box has the focus."""
        if bool(self.property("focused")) != focused:
            self.setProperty("focused", focused)
            restyle(self)
