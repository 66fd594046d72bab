"""The question whether to quit while something is at work.

Owns its words and its buttons. What follows from the answer it must not know.
"""

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from nagatha_desktop.widgets.question_box import question_box

translate = QCoreApplication.translate


def quit_question(running: int, parent: QWidget | None) -> tuple[QMessageBox, QPushButton]:
    """The question, not shown yet, and its button that means yes. `running` runs are at work."""
    question = question_box(
        parent,
        translate("Program", "Quit Nagatha"),
        translate("Program", "Something is still at work"),
        translate(
            "Program", "{number} running. What is stopped now goes on at the next start."
        ).format(number=running),
    )
    roles = QMessageBox.ButtonRole
    keep = question.addButton(translate("Program", "Keep running"), roles.RejectRole)
    stop = question.addButton(translate("Program", "Stop and quit"), roles.DestructiveRole)
    question.setDefaultButton(keep)
    question.setEscapeButton(keep)
    return question, stop
