"""Where a new key is kept: in the keyring, or, where there is none, as the person chooses.

Owns the question and its words. Nothing is kept in a file without the person's explicit consent.
"""

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from nagatha_desktop.settings.page import Option
from nagatha_desktop.settings.setup import Place
from nagatha_desktop.widgets.badges import Badge, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.system import KeyPlace, KeyringStatus
from worker.contract.types import Problem


class KeyPlaceChooser(QWidget):
    """A line with the keyring's state, and the choice where it cannot be used."""

    look_again_wanted = Signal()
    changed = Signal()
    """The choice is another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status = KeyringStatus("unknown")
        self._plain = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MEASURES.half)
        line = QHBoxLayout()
        line.setSpacing(MEASURES.grid)
        self.badge = Badge("", "muted", self)
        self.words = wrapped("", "small", self)
        self.again = button(self.tr("Look again"), "quiet", self)
        self.again.clicked.connect(self.look_again_wanted)
        line.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.words, 1)
        line.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(line)
        self.options: dict[Place, Option] = {
            "keyring": Option(self.tr("In the keyring"), self.tr("It will ask for its password.")),
            "session": Option(
                self.tr("For this session only"),
                self.tr("Nagatha forgets the key when it quits."),
            ),
            "file": Option(
                self.tr("In a file that only you can read"),
                self.tr(
                    "Not encrypted: whoever can read your files can read the key, backups of "
                    "your home folder included."
                ),
            ),
        }
        self._group = QButtonGroup(self)
        for option in self.options.values():
            self._group.addButton(option.radio)
            column.addWidget(option)
        self.consent = QCheckBox(self.tr("I agree to keep keys in a file that is not encrypted"))
        self.consent.setMinimumHeight(MEASURES.target)
        self.consent.toggled.connect(self._chosen)
        inset = QHBoxLayout()
        inset.setContentsMargins(MEASURES.grid * 3, 0, 0, 0)
        inset.addWidget(self.consent)
        column.addLayout(inset)
        self._group.buttonToggled.connect(self._chosen)
        self.show_status(self.status)

    def set_plain(self, plain: bool) -> None:
        """Only say how the keyring is; where a key goes is asked when there is one."""
        self._plain = plain
        self.show_status(self.status)

    def show_status(self, status: KeyringStatus) -> None:
        """Say how the keyring is, and offer what can be chosen then."""
        self.status = status
        tone, word, words = self._said(status)
        self.badge.say(word, tone)
        self.words.setText(words)
        asked = status.state in ("locked", "missing")
        self.again.setVisible(asked)
        asked = asked and not self._plain
        self.options["keyring"].setVisible(asked and status.state == "locked")
        self.options["session"].setVisible(asked)
        self.options["file"].setVisible(asked)
        if asked and status.file_consent and self._group.checkedButton() is None:
            self.options["file"].radio.setChecked(True)
        self._chosen()

    def place(self) -> Place | None:
        """What was chosen; None where the person has to choose first."""
        if self.status.state in ("ready", "unknown"):
            return "keyring"
        for place, option in self.options.items():
            if option.radio.isChecked() and not option.isHidden():
                agreed = self.status.file_consent or self.consent.isChecked()
                return place if place != "file" or agreed else None
        return None

    def ask(self) -> None:
        """Put the focus on what has to be chosen first."""
        if not self.consent.isHidden():
            self.consent.setFocus()
            return
        for option in self.options.values():
            if not option.isHidden():
                option.radio.setFocus()
                return

    def missing(self) -> Problem:
        """What to say where `place` is None."""
        file = self.options["file"].radio.isChecked()
        return Problem(
            "key_place",
            self.tr("Tick that you agree to the file")
            if file
            else self.tr("Choose where to keep the key"),
            self.tr("A file that is not encrypted needs your consent.")
            if file
            else self.tr("The system's keyring cannot keep it now."),
        )

    @Slot()
    def _chosen(self) -> None:
        file = self.options["file"]
        self.consent.setVisible(
            not file.isHidden() and file.radio.isChecked() and not self.status.file_consent
        )
        self.changed.emit()

    def _said(self, status: KeyringStatus) -> tuple[Tone, str, str]:
        if status.state == "ready":
            name = status.backend or self.tr("the system's keyring")
            return (
                "ok",
                self.tr("Keyring ready"),
                self.tr("Keys are kept in {name}, not in a file of Nagatha's.").format(name=name),
            )
        if status.state == "locked":
            words = status.problem.message if status.problem is not None else ""
            return "warn", self.tr("Keyring locked"), words or self.tr("Keys cannot be read now.")
        if status.state == "missing":
            words = self.tr("No keyring was found on this system. Where may a key be kept?")
            return "warn", self.tr("No keyring"), words
        return "muted", self.tr("Looking …"), self.tr("Looking for the system's keyring.")


def place_words(place: KeyPlace) -> tuple[str, Tone]:
    """Where a key is, in words, and the colour that says so."""
    translate = QCoreApplication.translate
    words: dict[KeyPlace, tuple[str, Tone]] = {
        "none": (translate("KeyPlace", "No key"), "warn"),
        "not_needed": (translate("KeyPlace", "Needs no key"), "muted"),
        "keyring": (translate("KeyPlace", "Key in the system keyring"), "ok"),
        "environment": (translate("KeyPlace", "Key from the environment"), "ok"),
        "session": (translate("KeyPlace", "Key for this session only"), "warn"),
        "file": (translate("KeyPlace", "Key in a file only you can read"), "warn"),
        "unreadable": (translate("KeyPlace", "Key cannot be read now"), "bad"),
    }
    return words[place]
