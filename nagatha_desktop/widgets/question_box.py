"""A box that asks a person something: Qt's own, in the looks of the program.

Owns these looks. The buttons, and what follows from the answer, are the business of who asks.
"""

from PySide6.QtWidgets import QGridLayout, QLabel, QMessageBox, QWidget

from nagatha_desktop.widgets.style import set_role


def question_box(parent: QWidget | None, title: str, text: str, more: str) -> QMessageBox:
    """The box, without buttons and not shown yet. `more` stands below the question `text`; "" for
    nothing."""
    box = QMessageBox(parent)
    box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(more)
    # Qt keeps room at the left for an icon that there is not.
    layout = box.layout()
    for row, name in enumerate(("qt_msgbox_label", "qt_msgbox_informativelabel")):
        label = box.findChild(QLabel, name)
        if label is None or not isinstance(layout, QGridLayout):
            continue
        if row == 0:
            set_role(label, "strong")
            room = layout.itemAtPosition(0, 0)
            if room is not None and room.spacerItem() is not None:
                layout.removeItem(room)
        layout.removeWidget(label)
        layout.addWidget(label, row, 0, 1, layout.columnCount())
    return box
